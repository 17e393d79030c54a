"""The empty shop as the camera sees it: picture, depth, floor and light, made once and kept."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from . import furniture
from . import textures as tx
from .camera import Camera
from .canvas import Canvas, Depths, Image
from .layout import (
    BLOCKS,
    CEILING_M,
    DOOR_HALF_WIDTH,
    DOOR_HEIGHT_M,
    HALF_WIDTH,
    MAT,
    WALL_Z,
)

SCALE = 3  # sub-pixels of the still on each axis
DEPTH_SCALE = 2  # sub-pixels of the depth that people are compared with
ROOM_SEED = 4711  # the shop is always the same shop; only its visitors change
FLOOR_NEAR_Z = 2.2
WINDOWS = ((-4.55, -2.35), (2.35, 4.55))
WINDOW_SILL_M, WINDOW_TOP_M = 0.5, 2.45
FLOOR_SHEEN = 0.2


@dataclass(frozen=True)
class Room:
    """What is needed to put people into the shop.

    Attributes
    ----------
    picture : ndarray of shape (height, width, 3), uint8
        The person-free still, blue, green, red.
    depth : ndarray of shape (2 * height, 2 * width), float32
        World z of the nearest surface at half-pixel steps.
    floor : ndarray of shape (height, width), float32
        1 where the floor is seen, 0 elsewhere.
    gain : ndarray of shape (height, width), float32
        Brightness the lens leaves at each place (vignette).
    """

    picture: Image
    depth: Depths
    floor: NDArray[np.float32]
    gain: NDArray[np.float32]


def _plan_light(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the light on the floor plan: daylight from the door, lamps, furniture's shade.

    The plan's rows run from the wall to the camera, its columns from left to right.
    """
    rows, columns = shape
    z = np.linspace(WALL_Z, FLOOR_NEAR_Z, rows, dtype=np.float32)[:, None]
    x = np.linspace(-HALF_WIDTH, HALF_WIDTH, columns, dtype=np.float32)[None]
    away = WALL_Z - z
    light = 0.93 + 0.05 * np.exp(-((x / 3) ** 2))
    spread = DOOR_HALF_WIDTH * 0.85 + away * 0.38
    edge = 1 / (1 + np.exp((np.abs(x + away * 0.1) - spread) / 0.16))
    light = light + 0.3 * edge * np.exp(-away / 2.3)
    for wx in (-3.45, 3.45):
        edge = 1 / (1 + np.exp((np.abs(x - wx + away * 0.1) - 1.0) / 0.3))
        light = light + 0.1 * edge * np.exp(-away / 2.0)
    for lx, lz in ((-2.45, 7.1), (0.0, 7.1), (2.45, 7.1), (-1.2, 5.4), (1.5, 4.8)):
        light = light + 0.07 * np.exp(-((x - lx) ** 2 + (z - lz) ** 2) / 1.1)
    return np.asarray(light * _furniture_shade(x, z), np.float32)


def _furniture_shade(x: NDArray[np.float32], z: NDArray[np.float32]) -> NDArray[np.float32]:
    shade = np.ones((z.shape[0], x.shape[1]), np.float32)
    for block in BLOCKS:
        # The longest shadow points away from the door, towards the camera.
        dx = np.maximum(np.maximum(block.x0 - x, x - block.x1), 0)
        near = np.maximum(np.maximum(block.z0 - z, z - block.z1), 0)
        tight = np.exp(-np.hypot(dx, near) / 0.12)
        long = np.where(z < block.z0, near / (0.35 + 0.42 * block.height_m), near / 0.16)
        soft = np.exp(-((dx / 0.22) ** 2) - long**2)
        shade *= (1 - 0.22 * tight) * (1 - 0.3 * soft)
    return shade


def _floor(canvas: Canvas, rng: np.random.Generator) -> None:
    boards = tx.planks(rng, 2 * HALF_WIDTH, WALL_Z - FLOOR_NEAR_Z)
    light = _plan_light((boards.shape[0], boards.shape[1]))
    warm = np.array((0.985, 1.0, 1.01), np.float32)
    lit = np.asarray((boards * light[..., None] * warm).clip(0, 255), np.uint8)
    canvas.panel(_ground(-HALF_WIDTH, HALF_WIDTH, FLOOR_NEAR_Z, WALL_Z), lit, floor=True)
    x0, x1, z0, z1 = MAT
    mat = tx.flat(x1 - x0, z1 - z0, (92, 88, 86))
    ribs = np.where(np.arange(mat.shape[1]) // 4 % 2, 0.94, 1.06).astype(np.float32)
    mat = np.asarray(mat * ribs[None, :, None], np.uint8)
    mat[:8] = mat[-8:] = mat[:, :8] = mat[:, -8:] = 70
    mat = np.asarray(
        (mat * np.linspace(1.45, 1.1, mat.shape[0])[:, None, None]).clip(0, 255), np.uint8
    )
    canvas.panel(_ground(x0, x1, z0, z1), mat, floor=True, lift=0.02)


def _ground(x0: float, x1: float, z0: float, z1: float) -> tuple[tuple[float, float, float], ...]:
    return ((x0, 0, z1), (x1, 0, z1), (x1, 0, z0), (x0, 0, z0))


def _upright(
    x0: float, x1: float, y0: float, y1: float, z: float
) -> tuple[tuple[float, float, float], ...]:
    return ((x0, y1, z), (x1, y1, z), (x1, y0, z), (x0, y0, z))


def _walls(canvas: Canvas, rng: np.random.Generator) -> None:
    paint: tx.Colour = (214, 219, 221)
    doors = DOOR_HALF_WIDTH
    wall = tx.plaster(rng, 2 * HALF_WIDTH, CEILING_M, paint)
    rows, columns = wall.shape[:2]
    solid = np.full((rows, columns), 255, np.uint8)
    left = int((HALF_WIDTH - doors) / (2 * HALF_WIDTH) * columns)
    solid[int((1 - DOOR_HEIGHT_M / CEILING_M) * rows) :, left : columns - left] = 0
    canvas.panel(_upright(-HALF_WIDTH, HALF_WIDTH, 0, CEILING_M, WALL_Z), wall, solid)
    for side, tone in ((-1, 0.9), (1, 0.86)):
        wall = tx.plaster(rng, WALL_Z - 2.0, CEILING_M, tx.shade(paint, tone))
        x = side * HALF_WIDTH
        far, near = (x, CEILING_M, WALL_Z), (x, CEILING_M, 2.0)
        low_far, low_near = (x, 0, WALL_Z), (x, 0, 2.0)
        corners = (near, far, low_far, low_near) if side < 0 else (far, near, low_near, low_far)
        canvas.panel(corners, wall)


def _front(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw windows, the open sliding door, the fascia above it and the street."""
    for x0, x1 in WINDOWS:
        view = tx.daylight(rng, x1 - x0, WINDOW_TOP_M - WINDOW_SILL_M, WINDOW_SILL_M)
        view = tx.glazing(view, 2, 0.05, tx.STEEL)
        canvas.panel(_upright(x0, x1, WINDOW_SILL_M, WINDOW_TOP_M, WALL_Z - 0.02), view, lift=0.02)
        sill = tx.flat(x1 - x0, 0.08, (196, 202, 206))
        canvas.panel(
            _upright(x0 - 0.05, x1 + 0.05, 0.44, WINDOW_SILL_M, WALL_Z - 0.03), sill, lift=0.02
        )
    doors = DOOR_HALF_WIDTH
    for side in (-1, 1):  # the leaves stand open behind the wall's edge
        x0, x1 = sorted((side * doors, side * (doors - 0.16)))
        leaf = tx.daylight(rng, x1 - x0, DOOR_HEIGHT_M, 0.0)
        leaf = tx.glazing(leaf, 1, 0.03, tx.shade(tx.STEEL, 1.15))
        canvas.panel(_upright(x0, x1, 0, DOOR_HEIGHT_M, WALL_Z + 0.05), leaf)
        x0, x1 = sorted((side * doors, side * (doors + 0.09)))
        post = tx.flat(0.09, DOOR_HEIGHT_M, tx.ANTHRACITE)
        canvas.panel(_upright(x0, x1, 0, DOOR_HEIGHT_M, WALL_Z - 0.03), post, lift=0.02)
    beam = tx.flat(2 * doors + 0.18, 0.16, tx.ANTHRACITE)
    top = DOOR_HEIGHT_M + 0.1
    canvas.panel(
        _upright(-doors - 0.09, doors + 0.09, DOOR_HEIGHT_M - 0.05, top, WALL_Z - 0.04),
        beam,
        lift=0.03,
    )


def _street(canvas: Canvas, rng: np.random.Generator) -> None:
    pavement = tx.flat(8, 4, (206, 208, 208))
    for x in range(0, pavement.shape[1], 80):
        pavement[:, x : x + 2] = (188, 190, 190)
    for y in range(0, pavement.shape[0], 80):
        pavement[y : y + 2] = (188, 190, 190)
    canvas.panel(_ground(-4, 4, WALL_Z, WALL_Z + 4), pavement, floor=True)
    view = tx.daylight(rng, 8, 4, 0.0)
    canvas.panel(_upright(-4, 4, 0, 4, WALL_Z + 4), view)


def _draw_all(canvas: Canvas, *, with_floor: bool) -> None:
    rng = np.random.default_rng(ROOM_SEED)
    _street(canvas, rng)
    _walls(canvas, rng)
    _front(canvas, rng)
    furniture.wall_units(canvas, rng)
    furniture.islands(canvas, rng)
    furniture.table(canvas, rng)
    furniture.till(canvas, rng)
    furniture.gates(canvas)
    furniture.plants(canvas, rng)
    furniture.lamps(canvas)
    if with_floor:
        _floor(canvas, rng)


def _polish(canvas: Canvas) -> None:
    """Let the floor show a soft mirror image of what stands on it, stronger at a flat angle."""
    mirror = Canvas(canvas.camera, 1, mirrored=True)
    _draw_all(mirror, with_floor=False)
    below = np.where(np.isfinite(mirror.depth)[..., None], mirror.image, 150).astype(np.float32)
    below = cv2.GaussianBlur(below, (0, 0), sigmaX=2.5, sigmaY=9)  # type: ignore[assignment]
    size = (canvas.image.shape[1], canvas.image.shape[0])
    below = cv2.resize(below, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    depth = np.where(canvas.is_floor, canvas.depth, 0.0)
    strength = FLOOR_SHEEN * np.clip((depth - 3.0) / 6.0, 0.15, 1.0)
    strength = (strength * (canvas.is_floor & (canvas.depth < WALL_Z)))[..., None]
    mixed = canvas.image * (1 - strength) + below * strength
    canvas.image = np.asarray(mixed.clip(0, 255), np.uint8)


def _vignette(camera: Camera) -> NDArray[np.float32]:
    y, x = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32)
    across = (x - camera.width / 2) / (camera.width / 2)
    down = (y - camera.height / 2) / (camera.height / 2)
    return np.asarray(1.03 - 0.15 * (across**2 + down**2) / 2, np.float32)


def _bloom(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add the veil of light that a lens draws around the bright street."""
    bright = np.maximum(picture - 214, 0)
    wide = cv2.GaussianBlur(bright, (0, 0), 26) * 0.7 + cv2.GaussianBlur(bright, (0, 0), 7) * 0.35
    return np.asarray(picture + wide, np.float32)


@lru_cache(maxsize=2)
def room(camera: Camera) -> Room:
    """Return the shop as this camera sees it; drawn on the first call, then kept."""
    canvas = Canvas(camera, SCALE)
    _draw_all(canvas, with_floor=True)
    _polish(canvas)
    size = (camera.width, camera.height)
    small = cv2.resize(canvas.image, size, interpolation=cv2.INTER_AREA)
    gain = _vignette(camera)
    lit = _bloom(small.astype(np.float32)) * gain[..., None]
    floor = cv2.resize(canvas.is_floor.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    wide = (camera.width * DEPTH_SCALE, camera.height * DEPTH_SCALE)
    depth = cv2.resize(canvas.depth, wide, interpolation=cv2.INTER_NEAREST)
    return Room(
        np.asarray(lit.clip(0, 255), np.uint8),
        np.asarray(depth, np.float32),
        np.asarray(floor, np.float32),
        gain,
    )
