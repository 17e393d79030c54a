"""One constant-velocity Kalman filter per axis of a box, for all tracks at once.

A box is held as ``(cx, cy, width, height)``, centre and sides; the axes do not influence one
another, so a track is four filters with a 2 x 2 covariance each and everything is element-wise on
arrays. Noise grows with the box height as in DeepSORT (Wojke et al. 2017) and ByteTrack, whose
constants are per frame at about 25 frames a second; here they are per `UNIT_MS` of time, so a gap
of any length and any frame rate mean the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
UNIT_MS = 40.0  # velocities are pixels per this much time
UNLIKELY = 2.0  # standard deviations from which a height is not believed


Shares = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviations as shares of the box height, for each of ``(cx, cy, width, height)``.

    `measured` is a detection's error; `position` and `velocity` are what a person's way changes
    beyond a steady walk within `UNIT_MS` and its square root of time. Measured on HOG: the centre
    is off by 3 % of the height and the height by 6 to 8 %, so the bottom edge of a single box by
    5 %; a slow height makes the foot point as good as the centre.
    """

    measured: Shares = (0.03, 0.03, 0.08, 0.07)
    position: Shares = (0.01, 0.005, 0.005, 0.003)
    velocity: Shares = (0.003, 0.002, 0.0005, 0.0003)
    first_velocity: Shares = (0.03, 0.03, 0.005, 0.005)


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
    """Return the belief after a first sight. `measured` is (N, 4): cx, cy, width, height."""
    height = measured[:, 3:4]
    return Belief(
        position=measured.copy(),
        velocity=np.zeros_like(measured),
        var_p=(2 * np.array(noise.measured) * height) ** 2,
        cov=np.zeros_like(measured),
        var_v=(np.array(noise.first_velocity) * height) ** 2,
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
    drift_p = (np.array(noise.position) * height) ** 2 * units
    drift_v = (np.array(noise.velocity) * height) ** 2 * units
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
    total = belief.var_p + (np.array(noise.measured) * height) ** 2
    gain_p, gain_v = belief.var_p / total, belief.cov / total
    off = measured - belief.position
    return Belief(
        position=belief.position + gain_p * off,
        velocity=belief.velocity + gain_v * off,
        var_p=(1 - gain_p) * belief.var_p,
        cov=(1 - gain_p) * belief.cov,
        var_v=belief.var_v - gain_v * belief.cov,
    )


def upright(belief: Belief, measured: Array, let_through: Array, noise: Noise) -> Array:
    """Return sights in which a height that cannot be is replaced by the expected one.

    Someone whose legs are hidden is found as a smaller person with the head in the right place;
    taken at its word, the foot point walks away over the floor. People do not shrink: where the
    height is off by more than `UNLIKELY` standard deviations the expected one is taken, hung from
    the top edge when too short, around the centre when too tall. A little of the limit is let
    through, so that a height that was wrong from the start heals.

    Parameters
    ----------
    belief : Belief of N tracks
    measured : ndarray of shape (N, 4)
        ``(cx, cy, width, height)``.
    let_through : ndarray of shape (N,)
        The share of the limit by which an unlikely height may still pull.
    noise : Noise
    """
    expected = np.maximum(belief.position[:, 3], 1.0)
    limit = UNLIKELY * np.sqrt(belief.var_p[:, 3] + (noise.measured[3] * expected) ** 2)
    off = measured[:, 3] - expected
    short, tall = off < -limit, off > limit
    height = np.where(short | tall, expected + np.sign(off) * let_through * limit, measured[:, 3])
    top = measured[:, 1] - measured[:, 3] / 2
    result = measured.copy()
    result[:, 1] = np.where(short, top + height / 2, measured[:, 1])
    result[:, 3] = height
    return result


def to_centred(boxes: Array) -> Array:
    """Return xyxy boxes as ``(cx, cy, width, height)``. Shape (N, 4)."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def to_xyxy(centred: Array) -> Array:
    """Return ``(cx, cy, width, height)`` as xyxy boxes. Shape (N, 4)."""
    half = np.maximum(centred[:, 2:], 1.0) / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1)
