"""Formulas of the numbers we show, one function each. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def histogram_bin(duration_ms: int, edges_s: Sequence[int]) -> int:
    """Return the bin of a duration: the first whose upper edge it does not pass.

    The last bin, ``len(edges_s)``, is open.
    """
    return bisect_left(edges_s, duration_ms / 1000)


def histogram_median_s(counts: Sequence[int], edges_s: Sequence[int]) -> float | None:
    """Return the median of binned durations in seconds, or None where there is none.

    Within its bin the median is placed by linear interpolation, so it is at most one bin's width
    off; a median in the open bin is given as that bin's lower edge, which it is not below.

    Parameters
    ----------
    counts : sequence of int, length ``len(edges_s) + 1``
        Durations in each bin.
    edges_s : sequence of int
        Upper edges in seconds, rising; the first bin starts at 0.
    """
    total = sum(counts)
    if total <= 0:
        return None
    below = 0
    lower = 0
    for count, upper in zip(counts, edges_s, strict=False):
        if 2 * (below + count) >= total and count > 0:
            return round(lower + (upper - lower) * (total / 2 - below) / count, 3)
        below += count
        lower = upper
    return float(lower)


def shown_occupancy(raw: int, correction: int = 0) -> int:
    """Return the people inside as shown: never below zero, whatever the raw sum says."""
    return max(0, raw + correction)
