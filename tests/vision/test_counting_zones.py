"""Zones by table: when a stay begins, ends and how long it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.vision.counting import ZoneCounter
from tracking.vision.events import ZoneEntered, ZoneLeft
from tracking.vision.setup import ZoneSetup

# The left half of a 100 x 100 picture. Going in takes 300 ms, leaving 500 ms.
ZONE = ZoneSetup(
    "till", "Till", "checkout", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), 300, 500, min_dwell_ms=60_000
)
IN, OUT = (20.0, 50.0), (80.0, 50.0)


def events_of(pattern, zone=ZONE, step_ms=100):
    """Return the events of one track: "i" a frame inside, "o" outside, "." not seen."""
    counter = ZoneCounter(zone, 100, 100)
    events = []
    for index, where in enumerate(pattern):
        if where != ".":
            events += counter.update(1, index * step_ms, IN if where == "i" else OUT)
    return events + counter.end(1)


def stays(pattern, **kwargs):
    """Return (entered, left, dwell, censored) of every stay."""
    events = events_of(pattern, **kwargs)
    entered = [event for event in events if isinstance(event, ZoneEntered)]
    left = [event for event in events if isinstance(event, ZoneLeft)]
    assert len(entered) == len(left)
    return [
        (begun.time_ms, over.time_ms, over.dwell_ms, over.censored)
        for begun, over in zip(entered, left, strict=True)
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("oiiiiiooooooo", [(100, 500, 400, False)]),
        ("oiioooooooooo", []),  # a pass over the corner
        ("oioioioiooooo", []),  # flicker on the edge
        ("oiiiiioooiiiioooooooo", [(100, 1200, 700, False)]),  # 400 ms aside are taken out
        ("oiiiiioooooooiiiiiooooooo", [(100, 500, 400, False), (1300, 1700, 400, False)]),
        ("oiiiii.....iiiiooooooo", [(100, 1400, 1300, False)]),  # hidden inside is inside
        ("oiiiiio..........iiiiooooooo", [(100, 500, 400, False), (1700, 2000, 300, False)]),
        ("iiiiiooooooo", [(0, 400, 400, True)]),  # was there before it was seen
        ("oiiiii", [(100, 500, 400, True)]),  # was there when last seen
        ("oiiiiioo", [(100, 500, 400, False)]),  # had left, within the grace time
        ("oi", []),
        ("", []),
    ],
)
def test_a_stay_has_its_beginning_end_and_dwell(pattern, expected):
    assert stays(pattern) == expected


def test_a_short_stay_is_reported_whatever_the_least_dwell():
    assert stays("oiiiiiooooooo")[0][2] < ZONE.min_dwell_ms


def test_someone_leaning_over_a_zone_with_the_feet_outside_does_not_enter():
    counter = ZoneCounter(ZONE, 100, 100)
    box = np.array([30.0, 10.0, 72.0, 60.0])  # the body reaches over x = 50, the foot is at 51
    foot = (float(box[0] + box[2]) / 2, float(box[3]))
    assert [e for t in range(0, 3000, 100) for e in counter.update(1, t, foot)] == []


def test_a_foot_on_the_edge_is_inside():
    counter = ZoneCounter(ZONE, 100, 100)
    events = [e for t in range(0, 1000, 100) for e in counter.update(1, t, (50.0, 50.0))]
    assert [type(event) for event in events] == [ZoneEntered]


def test_a_redrawn_zone_ends_the_stay_of_its_old_version_as_censored():
    old = ZoneSetup("till", "Till", "checkout", ZONE.vertices, 300, 500, 0, None, 1000)
    new = ZoneSetup("till", "Till", "checkout", ZONE.vertices, 300, 500, 0, 1000, None)
    counters = [ZoneCounter(version, 100, 100) for version in (old, new)]
    events = [
        event
        for time_ms in range(0, 2100, 100)
        for counter in counters
        for event in counter.update(1, time_ms, IN)
    ]
    events += [event for counter in counters for event in counter.end(1)]
    left = [event for event in events if isinstance(event, ZoneLeft)]
    assert [(event.time_ms, event.dwell_ms, event.censored) for event in left] == [
        (900, 900, True),
        (2000, 1000, True),
    ]


@given(st.text("io.", max_size=80))
def test_every_entering_has_exactly_one_leaving_and_dwell_never_exceeds_time_inside(pattern):
    events = events_of(pattern)
    kinds = [type(event) for event in events]
    assert kinds == [ZoneEntered, ZoneLeft] * (len(kinds) // 2)
    for begun, over in zip(events[::2], events[1::2], strict=True):
        assert 0 <= over.dwell_ms <= over.time_ms - begun.time_ms
