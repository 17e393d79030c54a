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
    return histogram_percentile_s(counts, edges_s, 0.5)


def shown_occupancy(raw: int, correction: int = 0) -> int:
    """Return the people inside as shown: never below zero, whatever the raw sum says."""
    return max(0, raw + correction)


def histogram_percentile_s(
    counts: Sequence[int], edges_s: Sequence[int], share: float
) -> float | None:
    """Return the duration that a share of binned durations does not pass, or None for none.

    Placed within its bin like `histogram_median_s`, which is the share of one half; in the open bin
    it is that bin's lower edge. Definition: inverse of the cumulative histogram (Hyndman and Fan,
    1996, type 4, on binned data).
    """
    total = sum(counts)
    if total <= 0:
        return None
    wanted, below, lower = share * total, 0, 0
    for count, upper in zip(counts, edges_s, strict=False):
        if count > 0 and below + count >= wanted - 1e-9:
            return round(lower + (upper - lower) * (wanted - below) / count, 3)
        below += count
        lower = upper
    return float(lower)


def observed_share(observed_ms: int, open_ms: int) -> float | None:
    """Return the share of an open time that was observed: observed / open, 1 at the most.

    None where nothing was observed or the store was not open: nobody knows, or there was nothing
    to know.
    """
    return round(min(1.0, observed_ms / open_ms), 4) if observed_ms and open_ms else None


def mean_s(total_ms: int, count: int) -> float | None:
    """Return the mean duration in seconds: total time / completed stays; None without any."""
    return round(total_ms / count / 1000, 3) if count else None


def total_s(total_ms: int, count: int) -> float | None:
    """Return the time of all completed stays together in seconds; None without any."""
    return total_ms / 1000 if count else None


def footfall(entries: Sequence[int]) -> int:
    """Return footfall: the sum of entries of individuals over all entrances in opening hours.

    Source: Aura Vision, "What is counted as an entry"; FootfallCam A01 in individuals. People who
    come in twice are counted twice.
    """
    return sum(entries)


def occupancy_mean(integral_ms: int, watched_ms: int) -> float | None:
    """Return the mean number of people inside: the integral of occupancy over time / time.

    Parameters
    ----------
    integral_ms : int
        People times milliseconds, of corrected occupancy; below zero counts as zero.
    watched_ms : int
        How long that was; 0 gives None.
    """
    return max(0, integral_ms) / watched_ms if watched_ms else None


def occupancy_peak(peaks: Sequence[int]) -> int | None:
    """Return the highest occupancy of several periods: their maximum; None without any."""
    return max(peaks, default=None)


def closing_residual(corrected: Sequence[int]) -> int | None:
    """Return who the count says was left over at closing: the sum over days, signs dropped.

    A shop empties at night, so anything but zero is what was counted wrongly that day.
    """
    return sum(abs(left) for left in corrected) if corrected else None


def stay_by_littles_law_s(integral_ms: int, entries: int) -> float | None:
    """Return the mean stay without knowing who is who: W = integral of occupancy / entries.

    Source: Little (1961), L = lambda W. Exact over a span that starts and ends with nobody inside.
    """
    return round(max(0, integral_ms) / entries / 1000, 3) if entries else None


def bounce_rate(counts: Sequence[int], edges_s: Sequence[int], threshold_s: int) -> float | None:
    """Return the share of completed visits that took no longer than the threshold.

    Visits up to T / completed visits. Source: Tapway, "walk-by or bounced", default T = 2 min.

    Raises
    ------
    ValueError
        For a threshold that is no edge of the histogram: it could not be told from bins.
    """
    if threshold_s not in edges_s:
        raise ValueError(f"Choose one of {list(edges_s)} seconds; got {threshold_s}.")
    total = sum(counts)
    short = sum(counts[: list(edges_s).index(threshold_s) + 1])
    return short / total if total else None


def balance(entries: int, exits: int) -> float | None:
    """Return how well entries and exits agree: 1 - |in - out| / in; None where nobody came in.

    Who comes in goes out again, so a low figure shows wrong counting. It is not accuracy: misses on
    both sides cancel out.
    """
    return 1 - abs(entries - exits) / entries if entries else None


def capture_rate(entries: int, passers_by: int) -> float | None:
    """Return the capture (turn-in) rate, bounded: entries / (entries + passers-by).

    Source: Aura Vision, "What is a capture rate". Others divide by passers-by alone (Bumbee): 50 in
    and 150 past make 25 % here and 33 % there.
    """
    everybody = entries + passers_by
    return entries / everybody if everybody else None


def conversion(transactions: int, visitors: int) -> float | None:
    """Return transactions / footfall of the same local hours; above 1 it is told, not cut.

    Returns and voids are no transactions. Source: RetailNext, FootfallCam.
    """
    return transactions / visitors if visitors else None


def sales_per_visitor(sales: float, visitors: int) -> float | None:
    """Return takings for each visitor: sales / footfall of the same local hours.

    Source: RetailNext.
    """
    return round(sales / visitors, 4) if visitors else None


def queue_length(waited_ms: int, watched_ms: int) -> float | None:
    """Return the mean number of people in a queue: time spent waiting / time watched.

    Little (1961): the integral of the queue's length is the sum of the stays in it. A stay whose
    start or end was not seen has no known time and is missing, so the queue was this long at the
    least. Of a queue drawn or ended within the period the time before and after counts as watched
    and empty, so then too it was longer.

    Parameters
    ----------
    waited_ms : int
        Time of the completed stays in all queues.
    watched_ms : int
        How long the camera of each of these queues looked in the whole period, added up; 0 gives
        None.
    """
    return waited_ms / watched_ms if watched_ms else None


def queue_wait_estimate_s(length: float, served: int, window_s: float) -> float | None:
    """Return how long who joins now will wait, an estimate: W = L / mu (Little, 1961).

    Parameters
    ----------
    length : float
        People in the queue now, L.
    served : int
        Who left it within the window; mu is this per second. With nobody served there is none.
    window_s : float
        Length of the rolling window in seconds.
    """
    return round(length * window_s / served, 3) if served else None


def zone_visit_rate(zone_visits: int, entries: int) -> float | None:
    """Return visits to zones / entries of the store; who returns to a zone may bring it past 1.

    Source: Aura Vision, zone entry rate.
    """
    return zone_visits / entries if entries else None
