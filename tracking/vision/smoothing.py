"""Whittaker's smoother over media time, with any spacing of frames and with holes."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

Array = NDArray[np.float64]
LEAST_WEIGHT = 1e-9  # keeps the equations solvable where nothing was seen at all


def whittaker(times_s: Array, values: Array, weights: Array, smooth_s: float) -> Array:
    """Return values smoothed over time and carried over holes (Whittaker 1923, Eilers 2003).

    Minimises ``sum w (y - z)^2 + smooth_s^4 sum z''^2``: what swings slower than ``2 pi smooth_s``
    stays, what swings faster goes, at any frame rate. Where the weight is 0 nothing pulls, and the
    curve bends as little as it can: a straight walk stays one.

    Parameters
    ----------
    times_s : ndarray of shape (N,)
        Seconds, rising.
    values : ndarray of shape (N, K)
        K curves; what stands where the weight is 0 does not matter.
    weights : ndarray of shape (N,)
        How far each row is believed; at least two rows must have more than 0.
    smooth_s : float
        The time scale in seconds.

    Returns
    -------
    smooth : ndarray of shape (N, K)
    """
    if len(times_s) < 3 or smooth_s <= 0:
        return values.copy()
    bands = np.zeros((3, len(times_s)))  # lower form: main diagonal, first, second below it
    bands[0] = np.maximum(weights, LEAST_WEIGHT)
    bend = _second_differences(times_s) * smooth_s**2
    for first in range(3):
        for second in range(first, 3):
            products = bend[:, first] * bend[:, second]
            bands[second - first, first : first + len(products)] += products
    return np.asarray(solveh_banded(bands, values * weights[:, None], lower=True))


def _second_differences(times_s: Array) -> Array:
    """Return the coefficients of the second divided difference at each inner point. (N - 2, 3)."""
    before, after = np.diff(times_s)[:-1], np.diff(times_s)[1:]
    span = before + after
    return np.stack([2 / (before * span), -2 / (before * after), 2 / (after * span)], axis=1)
