"""Frames of a plan: shadows, people from far to near behind what hides them, grain."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .body import body_parts
from .camera import Camera
from .canvas import Image
from .layout import WALL_Z
from .paint import Sprite, paint
from .room import DEPTH_SCALE, Room, room
from .script import Person, Plan

NOISE_SIGMA = 2.2  # grey levels: a ceiling camera in a lit shop
_NOISE_FIELDS = 4
_SHADOW = 0.5
_CONTACT = 0.62


@dataclass(frozen=True, slots=True)
class Seen:
    """One person as the camera sees them.

    Attributes
    ----------
    number : int
        The person.
    box : tuple of float
        x1, y1, x2, y2 around head, trunk and legs in pixels, what is hidden included.
    foot : tuple of float
        The true foot point in pixels.
    visible : float
        Share of the silhouette's pixels that are seen, 0 to 1.
    inside : bool
        Inside the shop's walls.
    """

    number: int
    box: tuple[float, float, float, float]
    foot: tuple[float, float]
    visible: float
    inside: bool


@dataclass(slots=True)
class _Cutout:
    person: Person
    sprite: Sprite
    shown: NDArray[np.uint8]  # cover that furniture leaves, inside the frame, at twice its size
    window: tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels of the frame
    whole: int


@lru_cache(maxsize=1)
def _noise(width: int, height: int) -> tuple[tuple[Image, Image], ...]:
    """Return fields of grain, each as what it adds and what it takes away."""
    rng = np.random.default_rng(20240229)
    fields = []
    for _ in range(_NOISE_FIELDS):
        grain = rng.normal(0, NOISE_SIGMA, (height + 64, width + 64, 3))
        grain = grain * 0.55 + grain[..., :1] * 0.6
        plus = np.asarray(np.maximum(grain, 0).round(), np.uint8)
        minus = np.asarray(np.maximum(-grain, 0).round(), np.uint8)
        fields.append((plus, minus))
    return tuple(fields)


def _light_at(person: Person) -> tuple[float, float, float]:
    """Return the light on somebody: cool and bright at the door, warm and softer in the shop."""
    daylight = float(np.exp(-abs(WALL_Z - person.z) / 2.2))
    level = 0.92 + 0.12 * daylight
    return (level * (0.98 + 0.05 * daylight), level, level * (1.03 - 0.04 * daylight))


def _cut_out(view: Room, camera: Camera, person: Person) -> _Cutout | None:
    sprite = paint(
        camera,
        body_parts(person.look, person.pose),
        person.x,
        person.z,
        person.heading,
        _light_at(person),
    )
    height, width = (n // DEPTH_SCALE for n in sprite.cover.shape)
    x0, y0 = max(0, sprite.x), max(0, sprite.y)
    x1, y1 = min(camera.width, sprite.x + width), min(camera.height, sprite.y + height)
    if x0 >= x1 or y0 >= y1:
        return None
    k = DEPTH_SCALE
    part = (
        slice((y0 - sprite.y) * k, (y1 - sprite.y) * k),
        slice((x0 - sprite.x) * k, (x1 - sprite.x) * k),
    )
    behind = view.depth[y0 * k : y1 * k, x0 * k : x1 * k] < person.z
    whole = int(np.count_nonzero(sprite.cover > 127))
    sprite.colours, sprite.cover = sprite.colours[part], sprite.cover[part]
    shown = sprite.cover.copy()
    shown[behind] = 0
    return _Cutout(person, sprite, shown, (x0, y0, x1, y1), whole)


def _cutouts(plan: Plan, frame: int) -> list[_Cutout]:
    """Return everybody's cut-out from near to far."""
    view = room(plan.camera)
    found = (_cut_out(view, plan.camera, person) for person in plan.people_at(frame))
    return sorted((c for c in found if c is not None), key=lambda c: (c.person.z, c.person.number))


def _look(plan: Plan, cutouts: list[_Cutout]) -> list[Seen]:
    """Return who is seen how much; nearer people hide those behind."""
    camera, k = plan.camera, DEPTH_SCALE
    taken = np.zeros((camera.height * k, camera.width * k), np.bool_)
    seen = []
    for cut in cutouts:
        x0, y0, x1, y1 = (v * k for v in cut.window)
        mine = cut.shown > 127
        free = mine & ~taken[y0:y1, x0:x1]
        taken[y0:y1, x0:x1] |= mine
        share = np.count_nonzero(free) / max(1, cut.whole)
        (foot,), _ = camera.project([(cut.person.x, 0.0, cut.person.z)])
        inside = cut.person.z < WALL_Z
        if inside or share > 0:
            point = (float(foot[0]), float(foot[1]))
            seen.append(Seen(cut.person.number, cut.sprite.box, point, float(share), inside))
    return sorted(seen, key=lambda s: s.number)


@lru_cache(maxsize=1)
def _blob() -> NDArray[np.float32]:
    """Return a round soft shadow, 1 in the middle."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j].astype(np.float32)
    return np.asarray(np.clip(np.exp(-(x**2 + y**2) * 3.2) - np.exp(-3.2), 0, 1), np.float32)


def _shade_floor(
    canvas: Image,
    view: Room,
    camera: Camera,
    place: tuple[float, float],
    half: tuple[float, float],
    depth: float,
) -> None:
    """Darken the floor in a soft ellipse around (x, z) with half axes in metres."""
    x, z = place
    corners = [(x - half[0], 0, z), (x + half[0], 0, z), (x, 0, z - half[1]), (x, 0, z + half[1])]
    pixels, _ = camera.project(corners)
    x0, x1 = int(pixels[0, 0]), int(np.ceil(pixels[1, 0]))
    y0, y1 = int(pixels[3, 1]), int(np.ceil(pixels[2, 1]))
    blob = cv2.resize(_blob(), (max(2, x1 - x0), max(2, y1 - y0)), interpolation=cv2.INTER_LINEAR)
    cx0, cy0 = max(0, x0), max(0, y0)
    cx1, cy1 = min(camera.width, x1), min(camera.height, y1)
    if cx0 >= cx1 or cy0 >= cy1:
        return
    part = blob[cy0 - y0 : cy1 - y0, cx0 - x0 : cx1 - x0]
    window = (slice(cy0, cy0 + part.shape[0]), slice(cx0, cx0 + part.shape[1]))
    factor = 1 - depth * part * view.floor[window]
    canvas[window] = (canvas[window] * factor[..., None]).astype(np.uint8)


def _shadows(canvas: Image, view: Room, camera: Camera, person: Person) -> None:
    size = person.look.height_m / 1.75
    # The door is the brightest light: the long shadow points away from it.
    away_x = 0.16 * person.x / 3
    for back, half, depth in ((0.75, (0.27, 0.75), 0.5), (0.28, (0.34, 0.42), 0.75)):
        place = (person.x + away_x * back, person.z - back * 0.55 * size)
        _shade_floor(canvas, view, camera, place, half, _SHADOW * depth)
    _shade_floor(canvas, view, camera, (person.x, person.z), (0.26, 0.2), _CONTACT)


def _paste(canvas: Image, view: Room, cut: _Cutout) -> None:
    x0, y0, x1, y1 = cut.window
    window = (slice(y0, y1), slice(x0, x1))
    size = (x1 - x0, y1 - y0)
    hidden = cut.shown == 0
    colours = cut.sprite.colours
    colours[hidden] = 0
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(cut.shown, size, interpolation=cv2.INTER_AREA)
    keep = 1 - cover.astype(np.float32) / 255
    mixed = canvas[window] * keep[..., None] + small * view.gain[window][..., None]
    canvas[window] = np.minimum(mixed, 255).astype(np.uint8)


def _grain(canvas: Image, seed: int, frame: int) -> Image:
    height, width = canvas.shape[:2]
    fields = _noise(width, height)
    rng = np.random.default_rng((seed, frame))
    i, x, y = (int(v) for v in rng.integers(0, (len(fields), 64, 64)))
    plus, minus = (field[y : y + height, x : x + width] for field in fields[i])
    return np.asarray(cv2.subtract(cv2.add(canvas, plus), minus))


def render_frame(plan: Plan, frame: int) -> tuple[Image, list[Seen]]:
    """Return one frame (height, width, 3; blue, green, red) and who is seen in it."""
    view = room(plan.camera)
    cutouts = _cutouts(plan, frame)
    seen = _look(plan, cutouts)
    canvas = view.picture.copy()
    for cut in cutouts:
        _shadows(canvas, view, plan.camera, cut.person)
    for cut in reversed(cutouts):
        _paste(canvas, view, cut)
    return _grain(canvas, plan.seed, frame), seen


def render_frames(plan: Plan) -> Iterator[Image]:
    """Yield the scene's frames in order."""
    for frame in range(plan.frame_count):
        yield render_frame(plan, frame)[0]


def observe(plan: Plan, frame: int) -> list[Seen]:
    """Return who is seen in a frame, as :func:`render_frame` does, without the picture."""
    return _look(plan, _cutouts(plan, frame))


def still(camera: Camera) -> Image:
    """Return the shop without people and without grain."""
    return room(camera).picture.copy()
