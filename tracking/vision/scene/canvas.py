"""A picture with a depth buffer, on which textured flat panels of the shop are drawn."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera import Camera, Floats

Image: TypeAlias = NDArray[np.uint8]
Depths: TypeAlias = NDArray[np.float32]

NEAREST_M = 0.05  # panels are kept in front of the lens; nothing in the shop comes this near


class Canvas:
    """An enlarged picture and, for each pixel, how far away on the floor plan its surface is.

    The buffer holds the world's z (metres along the camera's heading), not the optical depth: an
    upright person has one z from head to foot, so one comparison per pixel decides who hides whom.

    Parameters
    ----------
    camera : Camera
        The view.
    scale : int
        Sub-pixels per pixel on either axis.
    mirrored : bool
        Draw the world upside down below the floor, as a polished floor shows it.
    """

    def __init__(self, camera: Camera, scale: int, *, mirrored: bool = False) -> None:
        self.camera = camera
        self.scale = scale
        self.mirrored = mirrored
        size = (camera.height * scale, camera.width * scale)
        self.image: Image = np.zeros((*size, 3), np.uint8)
        self.depth: Depths = np.full(size, np.inf, np.float32)
        self.is_floor: NDArray[np.bool_] = np.zeros(size, np.bool_)

    def panel(
        self,
        corners: ArrayLike,
        texture: Image,
        alpha: Image | None = None,
        *,
        floor: bool = False,
        lift: float = 0.0,
    ) -> None:
        """Draw a texture on a flat four-cornered panel, hidden by whatever is nearer.

        Parameters
        ----------
        corners : array_like of shape (4, 3)
            World corners in the order of the texture's own: top left, top right, bottom right,
            bottom left. The panel must be flat.
        texture : ndarray of shape (h, w, 3), uint8
            Blue, green, red.
        alpha : ndarray of shape (h, w), uint8, optional
            Cover; below 128 the panel has a hole.
        floor : bool
            Marks the pixels as floor: shadows and reflections fall there.
        lift : float
            Metres by which the panel wins over a surface it lies on.
        """
        world = np.array(corners, np.float64)
        if self.mirrored:
            world[:, 1] *= -1
        pixels, _ = self.camera.project(world)
        pixels *= self.scale
        x0, y0 = np.maximum(np.floor(pixels.min(axis=0)).astype(int), 0)
        x1 = min(int(np.ceil(pixels[:, 0].max())) + 1, self.image.shape[1])
        y1 = min(int(np.ceil(pixels[:, 1].max())) + 1, self.image.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        window = (slice(y0, y1), slice(x0, x1))
        local = (pixels - (x0, y0)).astype(np.float32)
        colours, cover = _warp(texture, alpha, local, (x1 - x0, y1 - y0))
        depth = self._plane_depth(world, window)
        shown = (cover > 127) & (depth - lift < self.depth[window])
        self.image[window][shown] = colours[shown]
        self.depth[window][shown] = depth[shown]
        self.is_floor[window][shown] = floor

    def _plane_depth(self, world: Floats, window: tuple[slice, slice]) -> Depths:
        normal = np.cross(world[1] - world[0], world[3] - world[0])
        rows, columns = window
        x = (np.arange(columns.start, columns.stop) + 0.5) / self.scale
        y = (np.arange(rows.start, rows.stop) + 0.5) / self.scale
        rays = self.camera.rays(*np.meshgrid(x, y))
        facing = rays @ normal
        facing = np.where(np.abs(facing) < 1e-9, 1e-9, facing)
        reach = float((world[0] - self.camera.eye) @ normal) / facing
        return np.asarray(rays[..., 2] * reach + self.camera.eye_z_m, np.float32)

    def box(self, low: ArrayLike, high: ArrayLike, faces: dict[str, Image]) -> None:
        """Draw the faces of an upright box that a camera above can see.

        Parameters
        ----------
        low, high : array_like of shape (3,)
            Smallest and largest corner.
        faces : dict of str to ndarray
            Textures for ``top``, ``front`` (towards the camera), ``left`` and ``right``.
        """
        x0, y0, z0 = np.asarray(low, np.float64)
        x1, y1, z1 = np.asarray(high, np.float64)
        sides = {
            "top": ((x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)),
            "front": ((x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)),
            "left": ((x0, y1, z1), (x0, y1, z0), (x0, y0, z0), (x0, y0, z1)),
            "right": ((x1, y1, z0), (x1, y1, z1), (x1, y0, z1), (x1, y0, z0)),
        }
        hidden = {"left": x0 <= 0, "right": x1 >= 0, "top": self.mirrored}
        for name, corners in sides.items():
            if name in faces and not hidden.get(name, False):
                self.panel(corners, faces[name])


def _warp(
    texture: Image, alpha: Image | None, corners: NDArray[np.float32], size: tuple[int, int]
) -> tuple[Image, Image]:
    """Return the texture and its cover bent into four corners of a window of ``size`` (w, h)."""
    edges = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    # A texture far finer than the picture would glitter: bring it near the size it will have.
    wanted = (max(2, int(max(edges[0], edges[2]))), max(2, int(max(edges[1], edges[3]))))
    height, width = texture.shape[:2]
    wanted = (min(wanted[0], width), min(wanted[1], height))
    if alpha is None:
        alpha = np.full((height, width), 255, np.uint8)
    if wanted != (width, height):
        texture = cv2.resize(texture, wanted, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        alpha = cv2.resize(alpha, wanted, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        width, height = wanted
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, corners - 0.5)
    colours = cv2.warpPerspective(
        texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    cover = cv2.warpPerspective(alpha, matrix, size, flags=cv2.INTER_LINEAR)
    return colours, cover  # type: ignore[return-value]
