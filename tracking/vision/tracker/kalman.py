"""One constant-velocity Kalman filter per axis of a box, for all tracks at once.

A box is held as ``(centre x, bottom y, width, height)``; the axes do not influence one another, so
a track is four filters with a 2 x 2 covariance each and everything is element-wise on arrays.
Noise grows with the box height as in DeepSORT (Wojke et al. 2017) and ByteTrack, whose constants
are per frame at about 25 frames a second; here they are per `UNIT_MS` of time, so a gap of any
length and any frame rate mean the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
UNIT_MS = 40.0  # velocities are pixels per this much time


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviations as shares of the box height: measurement, position, velocity."""

    measured: float = 1 / 20
    position: float = 1 / 20
    velocity: float = 1 / 160


@dataclass(slots=True)
class Belief:
    """What is believed of N tracks, every array of shape (N, 4).

    `var_p`, `cov`, `var_v` are the entries of each axis' covariance of position and velocity.
    """

    position: Array
    velocity: Array
    var_p: Array
    cov: Array
    var_v: Array


def initial_belief(measured: Array, noise: Noise) -> Belief:
    """Return the belief after a first sight. `measured` is (N, 4): cx, bottom, width, height."""
    height = measured[:, 3:4]
    ones = np.ones_like(measured)
    return Belief(
        position=measured.copy(),
        velocity=np.zeros_like(measured),
        var_p=ones * (2 * noise.measured * height) ** 2,
        cov=np.zeros_like(measured),
        var_v=ones * (10 * noise.velocity * height) ** 2,
    )


def predict(belief: Belief, elapsed_ms: Array, noise: Noise) -> Belief:
    """Return the belief a time later.

    Parameters
    ----------
    belief : Belief of N tracks
    elapsed_ms : ndarray of shape (N, 1)
        Time passed for each track.
    noise : Noise
    """
    units = elapsed_ms / UNIT_MS
    height = np.maximum(belief.position[:, 3:4], 1.0)
    drift_p = (noise.position * height) ** 2 * units
    drift_v = (noise.velocity * height) ** 2 * units
    return Belief(
        position=belief.position + belief.velocity * units,
        velocity=belief.velocity,
        var_p=belief.var_p + 2 * belief.cov * units + belief.var_v * units**2 + drift_p,
        cov=belief.cov + belief.var_v * units,
        var_v=belief.var_v + drift_v,
    )


def update(belief: Belief, measured: Array, noise: Noise) -> Belief:
    """Return the belief after a sight of each track. `measured` is (N, 4)."""
    height = np.maximum(belief.position[:, 3:4], 1.0)
    total = belief.var_p + (noise.measured * height) ** 2
    gain_p, gain_v = belief.var_p / total, belief.cov / total
    off = measured - belief.position
    return Belief(
        position=belief.position + gain_p * off,
        velocity=belief.velocity + gain_v * off,
        var_p=(1 - gain_p) * belief.var_p,
        cov=(1 - gain_p) * belief.cov,
        var_v=belief.var_v - gain_v * belief.cov,
    )


def to_anchored(boxes: Array) -> Array:
    """Return xyxy boxes as ``(centre x, bottom y, width, height)``. Shape (N, 4)."""
    x1, y1, x2, y2 = boxes.T
    return np.stack([(x1 + x2) / 2, y2, x2 - x1, y2 - y1], axis=1)


def to_xyxy(anchored: Array) -> Array:
    """Return ``(centre x, bottom y, width, height)`` as xyxy boxes. Shape (N, 4)."""
    x, bottom, width, height = anchored.T
    width, height = np.maximum(width, 1.0), np.maximum(height, 1.0)
    return np.stack([x - width / 2, bottom - height, x + width / 2, bottom], axis=1)
