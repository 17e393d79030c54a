"""Linking in groups against linking everything with everything."""

import tracemalloc
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tracking.vision.colours import no_colours
from tracking.vision.offline import OfflineParams
from tracking.vision.offline.linking import _best, _links, chains_of
from tracking.vision.offline.pieces import Piece

PARAMS = OfflineParams(link_reach=0.5, link_reach_per_s=0.5)


def piece(key: int, begin: int, length: int, x: float, way: float, height: float) -> Piece:
    frames = np.arange(begin, begin + length)
    times = frames / 10
    places = x + way * (times - times[0])
    rest = np.full_like(places, 300.0), np.full_like(places, 50.0), np.full_like(places, height)
    boxes = np.stack([places, *rest], axis=1)
    return Piece(key, frames, times, boxes, np.full(length, 0.9), no_colours(length))


PIECES = st.lists(
    st.tuples(
        st.integers(0, 120),
        st.integers(3, 40),
        st.floats(0, 400),
        st.floats(-60, 60),
        st.sampled_from([120.0, 140.0, 190.0]),
    ),
    max_size=25,
)


def all_at_once(pieces: list[Piece]) -> float:
    """Return the largest total gain of any way to link, looking at every pair."""
    table = np.zeros((len(pieces), len(pieces)))
    ends, starts, gains = _links(pieces, PARAMS)
    table[ends, starts] = gains
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum())


@settings(max_examples=150, deadline=None)
@given(PIECES)
def test_groups_find_the_largest_total_gain(drawn):
    pieces = [piece(key, *each) for key, each in enumerate(drawn)]
    chains = chains_of(pieces, PARAMS)
    assert sorted(index for chain in chains for index in chain) == list(range(len(pieces)))
    ends, starts, gains = _links(pieces, PARAMS)
    gain = {(int(i), int(j)): g for i, j, g in zip(ends, starts, gains, strict=True)}
    made = [pair for chain in chains for pair in pairwise(chain)]
    assert np.isclose(sum(gain[pair] for pair in made), all_at_once(pieces), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(PIECES)
def test_only_what_begins_after_the_end_and_soon_enough_is_linked(drawn):
    pieces = [piece(key, *each) for key, each in enumerate(drawn)]
    ends, starts, _ = _links(pieces, PARAMS)
    linked = set(zip(ends.tolist(), starts.tolist(), strict=True))
    for i, before in enumerate(pieces):
        for j, after in enumerate(pieces):
            gap_s = after.times_s[0] - before.times_s[-1]
            if not 0 < gap_s <= PARAMS.link_ms / 1000 + 1e-9:
                assert (i, j) not in linked


def test_pieces_that_hang_together_for_hours_take_no_table_of_all_with_all():
    """A crowd of which each piece may go on in any of several others: 4000 x 4000 are 128 MB."""
    count, rng = 4000, np.random.default_rng(1)
    ends = np.repeat(np.arange(count), 6)
    starts = ends + np.tile(np.arange(1, 7), count)
    gains = rng.uniform(0.01, 1, len(ends))
    tracemalloc.start()
    following = _best(ends, starts, gains)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(following) > 0.9 * count
    assert len(set(following.values())) == len(following)
    assert peak_bytes < 20e6


def test_someone_who_stood_still_and_was_hidden_for_two_seconds_is_linked():
    still = [piece(0, 0, 20, 100.0, 0.0, 140.0), piece(1, 40, 20, 102.0, 0.0, 140.0)]
    assert chains_of(still, PARAMS) == [[0, 1]]
    assert chains_of([*still, piece(2, 41, 20, 300.0, 0.0, 140.0)], PARAMS) == [[0, 1], [2]]
