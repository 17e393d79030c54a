"""The pinhole camera on the shop's ceiling: world metres to picture pixels and back.

World axes: x to the right, y up from the floor, z away from the camera along its heading.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A camera that looks along +z, tilted down, without lens distortion.

    Attributes
    ----------
    width, height : int
        Picture size in pixels.
    focal_px : float
        Focal length in pixels of that picture.
    eye_height_m, eye_z_m : float
        Height of the lens above the floor, and its place along z; its x is 0.
    tilt : float
        Angle below the horizon in radians.
    """

    width: int = 960
    height: int = 540
    focal_px: float = 1000.0
    eye_height_m: float = 4.2
    eye_z_m: float = -3.0
    tilt: float = math.radians(19.0)

    @cached_property
    def eye(self) -> Floats:
        """Return the lens's position, shape (3,), metres."""
        return np.array([0.0, self.eye_height_m, self.eye_z_m])

    @cached_property
    def axes(self) -> Floats:
        """Return rows right, down and forward of the camera in world axes, shape (3, 3)."""
        c, s = math.cos(self.tilt), math.sin(self.tilt)
        return np.array([[1.0, 0.0, 0.0], [0.0, -c, -s], [0.0, -s, c]])

    def project(self, points: ArrayLike) -> tuple[Floats, Floats]:
        """Return pixels and distance along the optical axis of world points.

        Parameters
        ----------
        points : array_like of shape (..., 3)
            World positions in metres; all must lie in front of the lens.

        Returns
        -------
        pixels : ndarray of shape (..., 2)
            Position in the picture, x right, y down.
        depth : ndarray of shape (...)
            Metres along the optical axis.
        """
        seen = (np.asarray(points, np.float64) - self.eye) @ self.axes.T
        depth = seen[..., 2]
        scale = self.focal_px / depth
        pixels = np.stack(
            [self.width / 2 + seen[..., 0] * scale, self.height / 2 + seen[..., 1] * scale], axis=-1
        )
        return pixels, depth

    def rays(self, x_px: Floats, y_px: Floats) -> Floats:
        """Return world directions, shape (..., 3), of the rays through pixels (not unit length)."""
        right, down, forward = self.axes
        u = (x_px - self.width / 2)[..., None] / self.focal_px
        v = (y_px - self.height / 2)[..., None] / self.focal_px
        return np.asarray(forward + u * right + v * down)

    def floor_points(self, places: ArrayLike) -> list[tuple[float, float]]:
        """Return floor places (x, z) in metres as fractions of the frame."""
        ground = np.asarray(places, np.float64)
        points = np.stack([ground[:, 0], np.zeros(len(ground)), ground[:, 1]], axis=1)
        pixels, _ = self.project(points)
        return [(float(x / self.width), float(y / self.height)) for x, y in pixels]
