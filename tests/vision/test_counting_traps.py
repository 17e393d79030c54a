"""Traps that other counters fall into, walked through by whole pipelines in both modes."""

import numpy as np
import pytest

from tests.vision.test_pipeline import DOOR, HEIGHT, SETUP, TILL, WIDTH, frame, of, run, walk
from tracking.vision.events import LineCrossed, TrackEnded, ZoneEntered
from tracking.vision.offline import OfflineParams, count_recording
from tracking.vision.setup import SceneSetup

LINE_Y = HEIGHT // 2
SHORT = SceneSetup(WIDTH, HEIGHT, (TILL,), (DOOR,))  # the line goes from x = 288 to x = 672


def live(frames, setup=SETUP):
    return run(frames, setup)


def recording(frames, setup=SETUP):
    return count_recording(frames, setup, OfflineParams())


def without(frames, gone):
    return [frame(each.time_ms) if index in gone else each for index, each in enumerate(frames)]


def jitter(pixels, count):
    rng = np.random.default_rng(11)
    return walk(LINE_Y + rng.uniform(-pixels, pixels, count), step_ms=40)


def there(count=30):
    return np.linspace(LINE_Y - 90, LINE_Y + 90, count)


WALK = walk(there(), step_ms=40)
AT_LINE = int(np.argmax(there() > LINE_Y))
AROUND = [
    *((720.0, y) for y in there(24)),
    *((x, LINE_Y + 90.0) for x in range(712, 480, -8)),
    *((480.0, y) for y in there(24)[::-1]),
]
TRAPS = {
    "a plain walk": (WALK, ["in"]),
    "hidden for three frames at the line": (without(WALK, range(AT_LINE - 1, AT_LINE + 2)), ["in"]),
    "hidden for a second at the line": (
        without(walk(there(60), step_ms=50), range(20, 40)),
        ["in"],
    ),
    "two pixels of jitter on the line for 300 frames": (jitter(2, 300), []),
    "in, out, in": (walk([*there(), *there()[::-1], *there()], step_ms=40), ["in", "out", "in"]),
    "a fast step over the line between two frames": (
        walk(LINE_Y - 14 + 28.0 * np.arange(-6, 7), step_ms=100),
        ["in"],
    ),
    "up to the line, and back": (
        walk([*np.linspace(LINE_Y - 90, LINE_Y, 30), *np.linspace(LINE_Y, LINE_Y - 90, 30)]),
        [],
    ),
    "past the line's end": (walk(there(), x=720.0), []),
    "around the line's end and back through the door": (
        [frame(t * 100, foot) for t, foot in enumerate(AROUND)],
        ["out"],
    ),
    "two frames of a ghost on the line": (
        [*walk([240, 300]), *map(frame, range(200, 3000, 100))],
        [],
    ),
}


@pytest.mark.parametrize("count", [live, recording])
@pytest.mark.parametrize(("frames", "expected"), TRAPS.values(), ids=TRAPS)
def test_a_trap_counts_what_really_happened(count, frames, expected):
    events = count(frames, SHORT)
    assert [event.direction for event in of(events, LineCrossed)] == expected


@pytest.mark.parametrize("count", [live, recording])
@pytest.mark.parametrize(("frames", "expected"), TRAPS.values(), ids=TRAPS)
def test_a_trap_upside_down_counts_the_other_way(count, frames, expected):
    height = 140.0
    turned = []
    for each in frames:
        feet = [((x1 + x2) / 2, 2.0 * LINE_Y - y2) for x1, _, x2, y2 in each.boxes.tolist()]
        turned.append(frame(each.time_ms, *feet, height=height))
    events = count(turned, SHORT)
    swapped = {"in": "out", "out": "in"}
    assert [event.direction for event in of(events, LineCrossed)] == [
        swapped[direction] for direction in expected
    ]


@pytest.mark.parametrize("count", [live, recording])
@pytest.mark.parametrize("fps", [5, 10, 25, 29.97])
def test_the_frame_rate_changes_no_count(count, fps):
    times = np.arange(0, 6, 1 / fps)
    frames = [frame(round(1000 * t), (480.0, LINE_Y - 90 + 30 * t)) for t in times]
    assert [event.direction for event in of(count(frames), LineCrossed)] == ["in"]


@pytest.mark.parametrize("count", [live, recording])
def test_someone_leaning_over_a_zone_is_not_in_it(count):
    # A box is 56 pixels wide: it reaches over the side while the feet stay 8 pixels before it.
    edge = 0.3 * WIDTH
    beside = [frame(t * 100, (edge - 8.0, 400.0)) for t in range(60)]
    assert of(count(beside), ZoneEntered) == []
    assert len(of(count(beside), TrackEnded)) == 1
    inside = [frame(t * 100, (edge + 8.0, 400.0)) for t in range(60)]
    assert len(of(count(inside), ZoneEntered)) == 1


@pytest.mark.parametrize("count", [live, recording])
def test_people_who_cross_side_by_side_both_count(count):
    frames = [
        frame(t * 40, (430.0, float(y)), (520.0, float(y) - 4)) for t, y in enumerate(there(40))
    ]
    assert [event.direction for event in of(count(frames), LineCrossed)] == ["in", "in"]
