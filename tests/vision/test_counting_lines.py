"""Counting lines by table: positions in, crossings out, in both directions."""

import numpy as np
import pytest

from tracking.vision.counting import LineCounter, Sight
from tracking.vision.setup import LineSetup

# A level line across a 200 x 100 picture, inside below it: "in" is walking down. Band: 3 pixels.
HEIGHT, WIDTH = 100, 200
LINE = LineSetup("door", "Door", "entrance", (0.25, 0.5), (0.75, 0.5), "right", band=0.03)


def sight(time_ms, foot, height=0.0):
    x, y = foot
    return Sight(time_ms, (x - 10, y - height, x + 10, y))


def crossings(points, line=LINE, step_ms=100, box_height=0.0, share=0.0):
    """Return the directions counted for one track walking over points."""
    counter = LineCounter(line, WIDTH, HEIGHT, band_per_height=share)
    return [
        event.direction
        for index, point in enumerate(points)
        for event in counter.update(1, sight(index * step_ms, point, box_height))
    ]


def down(*ys, x=100.0):
    return [(x, float(y)) for y in ys]


def mirrored(points):
    return [(x, 100 - y) for x, y in points]


PATHS = {
    "a plain walk": (down(30, 40, 48, 52, 60, 70), ["in"]),
    "a fast step over the line between two frames": (down(20, 80), ["in"]),
    "a fast step over line and band alike": (down(46.5, 53.5), ["in"]),
    "in, out, in": (down(30, 70, 30, 70), ["in", "out", "in"]),
    "jitter on the line, then on": (down(40, 49, 51, 49, 51, 60), ["in"]),
    "up to the line and back": (down(30, 45, 49, 51, 50, 45, 30), []),
    "along the line within the band": ([(x, 51.0) for x in range(20, 180, 10)], []),
    "past the line's end": (down(30, 45, 55, 70, x=170), []),
    "exactly at the line's end": (down(30, 45, 55, 70, x=150), ["in"]),
    "a stop exactly on the line": (down(30, 50, 50, 50, 70), ["in"]),
    "a stop on the line and back": (down(30, 50, 50, 50, 30), []),
    "a walk that begins inside": (down(60, 70, 80), []),
    "around the end and back through the door": (
        [(100, 30), (170, 30), (170, 70), (100, 70), (100, 30)],
        ["out"],
    ),
}


@pytest.mark.parametrize(("path", "expected"), PATHS.values(), ids=PATHS)
def test_each_real_crossing_counts_once(path, expected):
    assert crossings(path) == expected


@pytest.mark.parametrize(("path", "expected"), PATHS.values(), ids=PATHS)
def test_the_other_way_round_counts_the_other_way(path, expected):
    swapped = {"in": "out", "out": "in"}
    assert crossings(mirrored(path)) == [swapped[direction] for direction in expected]


def test_two_pixels_of_jitter_for_300_frames_count_nothing():
    rng = np.random.default_rng(4)
    assert crossings(down(*(50 + rng.uniform(-2, 2, 300)))) == []


def test_jitter_beyond_the_band_would_count_so_the_band_is_what_holds_it():
    assert len(crossings(down(*([44, 56] * 10)))) == 19


def test_a_track_hidden_for_three_frames_at_the_line_counts_once():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    seen = {0: 30, 100: 38, 200: 46, 600: 62, 700: 70}  # nothing at 300, 400, 500
    events = [e for t, y in seen.items() for e in counter.update(1, sight(t, (100.0, float(y))))]
    assert [(event.direction, event.track_number) for event in events] == [("in", 1)]
    assert events[0].time_ms == 300  # a quarter of the way from 46 to 62 lies before the line


def test_the_time_is_that_of_the_line_not_of_the_band():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    events = [
        e
        for t, y in enumerate((40, 49, 51, 52, 52, 60))
        for e in counter.update(1, sight(t * 100, (100.0, float(y))))
    ]
    assert [event.time_ms for event in events] == [150]


def test_a_large_person_needs_to_go_further_beyond():
    path = down(30, 46, 56, 46, 30)
    assert crossings(path, box_height=100, share=0.04) == ["in", "out"]
    assert crossings(path, box_height=200, share=0.04) == []


def test_the_inside_is_the_lines_own_and_not_the_order_of_its_ends():
    left = LineSetup("door", "Door", "entrance", (0.25, 0.5), (0.75, 0.5), "left", band=0.03)
    turned = LineSetup("door", "Door", "entrance", (0.75, 0.5), (0.25, 0.5), "left", band=0.03)
    assert crossings(down(30, 70), left) == ["out"]
    assert crossings(down(30, 70), turned) == ["in"]


def test_tracks_do_not_share_their_sides():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    events = []
    for index, (first, second) in enumerate([(30, 70), (70, 30)]):
        events += counter.update(1, sight(index * 100, (100.0, float(first))))
        events += counter.update(2, sight(index * 100, (120.0, float(second))))
    assert [(event.track_number, event.direction) for event in events] == [(1, "in"), (2, "out")]


def test_a_forgotten_track_leaves_nothing_behind():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    counter.update(1, sight(0, (100.0, 30.0)))
    assert counter.end(1) == []
    assert "passages" not in counter.to_json()
    assert counter.update(1, sight(100, (100.0, 70.0))) == []


def test_a_line_counts_only_while_its_version_is_valid():
    late = LineSetup(
        "door", "Door", "entrance", (0.25, 0.5), (0.75, 0.5), "right", 0.03, 1000, 2000
    )
    walk = down(30, 70, 30, 70, 30, 70)
    counter = LineCounter(late, WIDTH, HEIGHT)
    times = [0, 900, 1100, 1500, 2000, 2400]
    events = [e for t, p in zip(times, walk, strict=True) for e in counter.update(1, sight(t, p))]
    assert [(event.direction, event.time_ms) for event in events] == [("in", 1300)]
