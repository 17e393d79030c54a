"""Formulas, on numbers small enough to check by head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.kpis import histogram_bin, histogram_median_s, shown_occupancy
from analytics.models import DWELL_EDGES_S

EDGES = (5, 10, 15)


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [(0, 0), (5000, 0), (5001, 1), (10_000, 1), (15_000, 2), (15_001, 3)],
)
def test_a_duration_falls_in_the_first_bin_whose_edge_it_does_not_pass(duration_ms, expected):
    assert histogram_bin(duration_ms, EDGES) == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0, 0, 0, 0], None),
        ([], None),
        ([2, 0, 0, 0], 2.5),  # half way through the first bin
        ([1, 0, 1, 0], 5.0),  # the lower half ends with the first bin
        ([0, 4, 0, 0], 7.5),
        ([1, 2, 1, 0], 7.5),
        ([0, 0, 0, 3], 15.0),  # the open bin: not below its edge
    ],
)
def test_the_median_lies_where_half_are_shorter(counts, expected):
    assert histogram_median_s(counts, EDGES) == expected


@given(st.lists(st.integers(0, 3_600_000), min_size=1))
def test_the_median_of_bins_is_within_a_bin_of_the_true_one(durations_ms):
    counts = [0] * (len(DWELL_EDGES_S) + 1)
    for duration_ms in durations_ms:
        counts[histogram_bin(duration_ms, DWELL_EDGES_S)] += 1
    found = histogram_median_s(counts, DWELL_EDGES_S)
    ordered = sorted(durations_ms)
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    edges = (0, *DWELL_EDGES_S)
    lowest = edges[histogram_bin(lower, DWELL_EDGES_S)]
    highest = DWELL_EDGES_S[histogram_bin(upper, DWELL_EDGES_S)]
    assert found is not None
    assert lowest <= found <= highest


def test_occupancy_is_never_shown_below_zero():
    assert [shown_occupancy(raw, by) for raw, by in ((-3, 0), (5, 0), (2, -4), (-1, 3))] == [
        0, 5, 0, 2,
    ]  # fmt: skip
