"""Time over the cells of a picture: exact along segments, cut to the span, standing told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import heat
from analytics.heat import (
    COLUMNS,
    ROWS,
    BadGridError,
    Followed,
    Grid,
    cell_centres,
    draw,
    empty_grid,
    pack,
    top_of_scale,
    unpack,
)

SIZE = (1920, 1080)


def followed(*points: tuple[float, float, float], height_px: float = 200.0) -> Followed:
    rows = np.array(points, np.float64)
    times = rows[:, 0].astype(np.int64)
    return Followed(times, rows[:, 1:], int(times[0]), int(times[-1]), height_px, SIZE)


def random_track(rng: np.random.Generator) -> Followed:
    """Return somebody who walks, stands, jumps and leaves the picture's edge, at odd times."""
    count = int(rng.integers(1, 30))
    times = np.cumsum(rng.choice([0, 1, 40, 333, 1000, 7001], count)) + rng.integers(-5000, 60_000)
    places = np.clip(np.cumsum(rng.normal(0, 0.08, (count, 2)), axis=0) + rng.random(2), 0, 1)
    places[rng.random(count) < 0.2] = rng.choice([0.0, 0.25, 1.0])
    first, last = int(times[0]), int(times[-1])
    before, after = rng.integers(0, 2, 2) * 500
    return Followed(times.astype(np.int64), places, first - before, last + after, 180.0, SIZE)


def seconds(grid: Grid) -> float:
    return float(grid.sum()) / 1e6


@pytest.mark.parametrize("seed", range(20))
def test_the_cells_add_up_to_the_time_the_tracks_were_followed_within_the_span(seed):
    rng = np.random.default_rng(seed)
    tracks = [random_track(rng) for _ in range(50)]
    from_ms, to_ms = 5_000, 40_000
    drawn, count = draw(tracks, from_ms, to_ms)
    each = [max(0, min(t.last_ms, to_ms) - max(t.first_ms, from_ms)) / 1000 for t in tracks]
    assert sum(each) > 100
    assert seconds(drawn.presence) == pytest.approx(sum(each), rel=1e-5)
    assert count == sum(time > 0 for time in each)
    assert (drawn.dwell <= drawn.presence).all()


@pytest.mark.parametrize("seed", range(5))
def test_each_cell_holds_what_a_walk_in_steps_of_a_tenth_of_a_millisecond_finds(seed):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.integers(50, 900, 8)).astype(np.int64)
    track = Followed(times, rng.random((8, 2)), int(times[0]), int(times[-1]), 150.0, SIZE)
    drawn, _ = draw([track], 400, 2_500)
    at = np.arange(max(400, times[0]), min(2_500, times[-1]), 0.1) + 0.05
    x, y = (np.interp(at, times, track.places[:, axis]) for axis in (0, 1))
    walked = empty_grid()
    np.add.at(walked, ((y * ROWS).astype(int), (x * COLUMNS).astype(int)), 100)
    assert np.abs(drawn.presence - walked).max() <= 300


def test_a_walk_between_two_points_leaves_time_in_every_cell_on_the_way():
    drawn, _ = draw([followed((0, 0.0, 0.5), (64_000, 1.0, 0.5))], 0, 64_000)
    assert drawn.presence.sum(axis=0).tolist() == [1_000_000] * COLUMNS


def test_a_track_over_midnight_is_cut_where_the_person_was_at_that_moment():
    walk = followed((-10_000, 0.0, 0.1), (10_000, 1.0, 0.1))
    before, _ = draw([walk], -20_000, 0)
    after, _ = draw([walk], 0, 20_000)
    half = COLUMNS // 2
    assert seconds(before.presence[:, :half]) == pytest.approx(10, abs=1e-3)
    assert seconds(after.presence[:, half:]) == pytest.approx(10, abs=1e-3)
    whole, _ = draw([walk], -20_000, 20_000)
    assert np.abs(whole.presence - before.presence - after.presence).max() <= 1


def test_who_stands_dwells_and_who_walks_does_not():
    stands = followed((0, 0.5, 0.5), (1000, 0.5, 0.5), (10_000, 0.501, 0.5))
    walks = followed((0, 0.1, 0.5), (10_000, 0.9, 0.5))
    drawn, _ = draw([stands, walks], 0, 10_000)
    assert seconds(drawn.presence) == pytest.approx(20, abs=1e-3)
    assert seconds(drawn.dwell) == pytest.approx(10, abs=1e-3)


def test_a_foot_that_trembles_from_frame_to_frame_stands():
    rng = np.random.default_rng(7)
    points = [(40 * n, 0.5 + rng.normal(0, 0.003), 0.5) for n in range(250)]
    drawn, _ = draw([followed(*points)], 0, 10_000)
    assert seconds(drawn.dwell) > 0.9 * seconds(drawn.presence)


def test_without_a_height_nobody_is_said_to_stand():
    drawn, _ = draw([followed((0, 0.5, 0.5), (10_000, 0.5, 0.5), height_px=0)], 0, 10_000)
    assert (seconds(drawn.presence), seconds(drawn.dwell)) == (10, 0)


def test_the_edges_of_the_picture_belong_to_its_outermost_cells():
    drawn, _ = draw([followed((0, 1.0, 1.0), (1000, 1.0, 1.0))], 0, 1000)
    assert drawn.presence[-1, -1] == 1_000_000


def test_a_track_that_only_meets_the_span_at_its_ends_is_not_counted():
    drawn, count = draw([followed((0, 0.5, 0.5), (1000, 0.5, 0.5))], 1000, 2000)
    assert (count, seconds(drawn.presence)) == (0, 0)


def test_segments_worked_some_at_a_time_lose_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    tracks = [random_track(rng) for _ in range(40)]
    at_once, count = draw(tracks, 0, 60_000)
    monkeypatch.setattr(heat, "SEGMENTS_AT_ONCE", 20)
    in_turn, same = draw(iter(tracks), 0, 60_000)
    assert count == same
    assert np.abs(at_once.presence - in_turn.presence).max() <= 1
    assert np.abs(at_once.dwell - in_turn.dwell).max() <= 1


def test_the_scale_ends_at_the_99th_percentile_of_cells_that_anybody_was_in():
    grid = empty_grid()
    assert top_of_scale(grid) == 0
    grid[0, :50], grid[0, 50:60], grid[1, :40], grid[2, 0] = 1, 1, 2, 10**9
    assert top_of_scale(grid) == 2


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_grid_comes_back_from_its_bytes(seed):
    grid = np.random.default_rng(seed).integers(0, 2**50, (ROWS, COLUMNS))
    assert (unpack(pack(grid)) == grid).all()
    assert pack(grid) == pack(unpack(pack(grid)))


@pytest.mark.parametrize("blob", [b"", b"OTH1", b"XXXX" + pack(empty_grid())[4:], b"OTH1zzzz"])
def test_damaged_bytes_are_told(blob):
    with pytest.raises(BadGridError):
        unpack(blob)


def test_centres_lie_in_their_cells_row_by_row():
    centres = cell_centres()
    assert centres[0].tolist() == [0.5 / COLUMNS, 0.5 / ROWS]
    assert centres[COLUMNS].tolist() == [0.5 / COLUMNS, 1.5 / ROWS]
