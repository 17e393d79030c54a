"""From body parts to pixels: a person as a small picture with its cover, ready to be put in."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .body import Part
from .camera import Camera, Floats
from .canvas import Image
from .room import DEPTH_SCALE

_ANGLES = np.linspace(0, 2 * math.pi, 14, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
# Each part is painted four times, smaller and lighter, moved towards the light: it looks round.
_SHRINK = np.array([1.0, 0.8, 0.58, 0.32])
_SHIFT = np.array([0.0, 0.13, 0.26, 0.38])
_TONES = (0.7, 0.88, 1.02, 1.13)
_LIGHT = np.array([-0.75, -0.55])  # in the picture: lamps and windows, from the upper left
_SUBPIXEL = 4  # bits after the point that OpenCV's drawing takes
_MARGIN_PX = 3


@dataclass(slots=True)
class Sprite:
    """A painted person.

    Attributes
    ----------
    x, y : int
        Where the upper left corner lies in the frame, in pixels; may be outside.
    colours : ndarray of shape (2 * h, 2 * w, 3), uint8
        Black where the cover is 0.
    cover : ndarray of shape (2 * h, 2 * w), uint8
        0 to 255.
    box : tuple of float
        x1, y1, x2, y2 around head, trunk and legs in pixels of the frame, not cut off at its edge.
    """

    x: int
    y: int
    colours: Image
    cover: Image
    box: tuple[float, float, float, float]


def _to_world(parts: list[Part], x: float, z: float, heading: float) -> tuple[Floats, Floats]:
    balls = np.array([ball for part in parts for ball in part.balls])
    c, s = math.cos(heading), math.sin(heading)
    right, up, ahead = balls[:, 0], balls[:, 1], balls[:, 2]
    world = np.stack([x + right * c + ahead * s, up, z - right * s + ahead * c], axis=1)
    return world, balls[:, 3]


def _order(parts: list[Part], depth: Floats, towards: float) -> list[tuple[int, int, int]]:
    """Return (part, first ball, end) from far to near, without what faces away."""
    ranked = []
    start = 0
    for i, part in enumerate(parts):
        end = start + len(part.balls)
        if (
            part.facing == 0
            or towards * math.copysign(1, part.facing) > 1 - abs(part.facing) * 0.85
        ):
            ranked.append((part.bias - float(depth[start:end].mean()), i, start, end))
        start = end
    ranked.sort()
    return [(i, start, end) for _, i, start, end in ranked]


def paint(
    camera: Camera,
    parts: list[Part],
    x: float,
    z: float,
    heading: float,
    light: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Sprite:
    """Return a person standing at (x, z) with the given heading, painted at twice the frame's size.

    Parameters
    ----------
    camera : Camera
        The view.
    parts : list of Part
        From :func:`body.body_parts`.
    x, z : float
        Foot point on the floor in metres.
    heading : float
        Radians; 0 looks away from the camera, pi towards it.
    light : tuple of float
        Factor for blue, green and red.
    """
    world, radii = _to_world(parts, x, z, heading)
    pixels, depth = camera.project(world)
    radii_px = radii * camera.focal_px / depth
    low = np.floor((pixels - radii_px[:, None]).min(axis=0)).astype(int) - _MARGIN_PX
    high = np.ceil((pixels + radii_px[:, None]).max(axis=0)).astype(int) + _MARGIN_PX
    width, height = (int(v) for v in (high - low) * DEPTH_SCALE)
    colours = np.zeros((height, width, 3), np.uint8)
    cover = np.zeros((height, width), np.uint8)
    centres = (pixels - low) * DEPTH_SCALE - 0.5
    sizes = radii_px * DEPTH_SCALE
    rings = (
        centres[None, :, None]
        + (_SHIFT[:, None] * sizes[None])[..., None, None] * _LIGHT
        + (_SHRINK[:, None] * sizes[None])[..., None, None] * _CIRCLE
    )
    points = np.round(rings * 2**_SUBPIXEL).astype(np.int32)
    towards = math.cos(heading - math.atan2(-x, camera.eye_z_m - z))
    for i, start, end in _order(parts, depth, towards):
        _fill(colours, cover, points[:, start:end], parts[i], light)
    core = np.repeat([part.core for part in parts], [len(part.balls) for part in parts])
    x1, y1 = (pixels - radii_px[:, None])[core].min(axis=0)
    x2, y2 = (pixels + radii_px[:, None])[core].max(axis=0)
    box = (float(x1), float(y1), float(x2), float(y2))
    return Sprite(int(low[0]), int(low[1]), colours, cover, box)


def _fill(
    colours: Image,
    cover: Image,
    points: NDArray[np.int32],
    part: Part,
    light: tuple[float, float, float],
) -> None:
    for layer, tone in enumerate(_TONES):
        hull = cv2.convexHull(points[layer].reshape(-1, 2))
        colour = tuple(min(255.0, c * tone * k) for c, k in zip(part.colour, light, strict=True))
        cv2.fillConvexPoly(colours, hull, colour, cv2.LINE_AA, _SUBPIXEL)
        if layer == 0:
            cv2.fillConvexPoly(cover, hull, 255.0, cv2.LINE_AA, _SUBPIXEL)
