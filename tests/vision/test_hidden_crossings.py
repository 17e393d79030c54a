"""Crossings behind somebody's back: lost before the line, found beyond it, counted once."""

import json
from dataclasses import replace

import pytest

from tracking.vision.counting import HiddenParams, LineCounter, Sight
from tracking.vision.setup import LineSetup

# A level line across a 400 x 300 picture, inside below it: "in" is walking down. People are 100
# pixels tall, so pixels are hundredths of a height.
WIDTH, HEIGHT, LINE_Y = 400, 300, 150
LINE = LineSetup("door", "Door", "entrance", (0.25, 0.5), (0.75, 0.5), "right", band=0.03)


def sight(time_ms, beyond, x=200.0, covered=0.5, unseen_ms=0):
    """Return a sight of somebody whose foot is so far inside, in pixels."""
    y = LINE_Y + beyond
    return Sight(time_ms, (x - 20, y - 100, x + 20, y), covered, unseen_ms)


def track(start_ms, *beyond, step_ms=200, **how):
    return [sight(start_ms + index * step_ms, y, **how) for index, y in enumerate(beyond)]


LOST = track(0, -60, -50, -40, -30)  # last seen at 600
FOUND = track(2000, 5, 15, 25, 35, 45, 55, 65)  # watched for a second at 3000
OUTSIDE = track(2000, -40, -42, -40, -42, -40, -42, -40)


def counted(*tracks, counter=None, rest=None):
    """Return (track, direction, time) of all crossings when the tracks' sights come by time."""
    counter = counter or LineCounter(LINE, WIDTH, HEIGHT)
    sights = [(each.time_ms, number, each) for number, t in enumerate(tracks, 1) for each in t]
    events = [
        event
        for _, number, each in sorted(sights, key=lambda item: item[:2])
        for event in counter.update(number, each)
    ]
    return [(event.track_number, event.direction, event.time_ms) for event in events]


def changed(sights, **what):
    return [replace(each, **what) for each in sights]


def test_who_is_lost_outside_and_found_inside_came_in():
    assert counted(LOST, FOUND) == [(2, "in", 2000)]


def test_who_is_lost_inside_and_found_outside_went_out():
    assert counted(track(0, 60, 45, 30, 15), OUTSIDE) == [(2, "out", 2000)]


NOT_THE_SAME = {
    "nobody was lost": ([], FOUND),
    "the lost one was in plain sight": (changed(LOST, covered=0.0), FOUND),
    "the found one begins in plain sight": (LOST, changed(FOUND, covered=0.0)),
    "too long ago": (LOST, [replace(each, time_ms=each.time_ms + 3000) for each in FOUND]),
    "lost after the other began": (track(1700, -40, -30, -20), FOUND),
    "found further inside than anybody gets unseen": (LOST, track(2000, *range(25, 95, 10))),
    "lost too far outside": (track(0, -110, -100, -90), FOUND),
    "lost far aside": (track(0, -60, -50, -40, x=110.0), FOUND),
    "lost and found past the line's end": (
        track(0, -60, -50, -40, -30, x=60.0),
        track(2000, 5, 15, 25, 35, 45, 55, 65, x=60.0),
    ),
    "lost and found on the same side": (track(0, 60, 50, 40), FOUND),
    "seen too shortly": (LOST, FOUND[:4]),
    "gone back before it is judged": (LOST, track(2000, 5, 2, -1, -5, -9, -13, -17)),
    "on the line when judged, a step inside after": (LOST, track(2000, 5, 2, 0, -1, -2, -2, 4, 8)),
    "lost past the line's end, on the line": (
        track(0, -20, -10, 4, x=90.0),
        track(2000, 15, 20, 25, 30, 35, 40, x=105.0),
    ),
}


@pytest.mark.parametrize(("lost", "found"), NOT_THE_SAME.values(), ids=NOT_THE_SAME)
def test_nothing_is_made_up(lost, found):
    assert counted(lost, found) == []


def test_one_who_has_just_crossed_is_lost_because_it_went():
    went = track(0, 30, 10, -10, -30)
    assert counted(went, FOUND) == [(1, "out", 300)]


def test_one_lost_track_explains_one_found_track():
    second = track(2200, 5, 15, 25, 35, 45, 55, 65)
    assert counted(LOST, FOUND, second) == [(2, "in", 2000)]


def test_one_who_is_seen_again_before_the_other_is_judged_was_not_it():
    again = [*LOST, *track(2100, -30, -30)]
    assert counted(again, FOUND) == []


def test_one_who_was_taken_for_another_is_not_counted_again_where_it_is_found():
    again = [*LOST, *track(3200, 30, 50)]
    assert counted(again, FOUND) == [(2, "in", 2000)]


def test_whoever_came_in_unseen_goes_out_in_sight():
    stay = [*FOUND, *track(4000, 20, -20)]
    assert counted(LOST, stay) == [(2, "in", 2000), (2, "out", 4100)]


def test_one_found_on_the_line_counts_when_it_walks_in():
    found = track(2000, -5, 0, 2, 4, 6, 8)
    assert counted(LOST, found) == [(2, "in", 2000)]
    assert counted(LOST, [*found, sight(3200, -30)])[1:] == [(2, "out", 3042)]


def test_one_lost_on_the_line_is_found_beyond_it():
    assert counted(track(0, -20, -10, 4), FOUND) == [(2, "in", 2000)]


def test_one_found_and_lost_at_once_did_not_go_out_again():
    found = track(2000, 5, 8, 12, 12, 12, 12, 12)
    outside = [replace(each, time_ms=each.time_ms + 2000) for each in OUTSIDE]
    assert counted(LOST, found, outside) == [(2, "in", 2000)]


def test_one_who_is_seen_walking_in_counts_once():
    found = track(2000, -9.5, 12, 24, 40, 56, 72, 88)
    assert counted(LOST, found) == [(2, "in", 2088)]


def test_a_line_that_is_redrawn_forgets_who_was_lost():
    late = replace(LINE, valid_from_ms=1000)
    assert counted(LOST, FOUND, counter=LineCounter(late, WIDTH, HEIGHT)) == []


@pytest.mark.parametrize("cut_ms", [100, 700, 2100, 2900, 3100])
def test_the_rule_goes_on_after_its_state_went_through_json(cut_ms):
    counter, events = LineCounter(LINE, WIDTH, HEIGHT), []
    for number, each in [*((1, s) for s in LOST), *((2, s) for s in FOUND)]:
        if each.time_ms > cut_ms:
            state = json.loads(json.dumps(counter.to_json()))
            counter = LineCounter(LINE, WIDTH, HEIGHT)
            counter.restore(state)
        events += counter.update(number, each)
    assert [(event.track_number, event.direction) for event in events] == [(2, "in")]


def test_a_rule_that_is_off_counts_and_keeps_nothing():
    counter = LineCounter(LINE, WIDTH, HEIGHT, hidden=HiddenParams(longest_ms=0))
    assert counted(LOST, FOUND, counter=counter) == []
    assert counter.end(1) == []
    assert counter.end(2) == []
    assert counter.to_json() == {}


def test_who_was_lost_long_ago_is_forgotten():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    counted(LOST, track(9000, *range(60, 130, 10)), counter=counter)
    assert list(counter.to_json()["hidden"]["traces"]) == ["2"]


LEAVING = track(0, 60, 45, 30, 15)  # last seen at 600, at 75 pixels a second
OTHER = track(0, *([90] * 14))  # somebody else, seen until 2600


def ended(leaving, other=OTHER, **params):
    """Return what is counted when a track that was lost comes to its end."""
    counter = LineCounter(LINE, WIDTH, HEIGHT, hidden=HiddenParams(**params))
    assert counted(leaving, other, counter=counter) == []
    counter = restored(counter, **params)
    return [(event.track_number, event.direction, event.time_ms) for event in counter.end(1)]


def restored(counter, **params):
    again = LineCounter(LINE, WIDTH, HEIGHT, hidden=HiddenParams(**params))
    again.restore(json.loads(json.dumps(counter.to_json())))
    return again


def test_who_is_lost_at_the_line_on_the_way_out_and_never_found_went_out():
    assert ended(LEAVING) == [(1, "out", 600)]
    assert ended(LEAVING, gone_ms=0) == []
    assert ended(LEAVING, longest_ms=0) == []


STAYED = {
    "it was in plain sight": (changed(LEAVING, covered=0.3), OTHER),
    "it was further inside": (track(0, 75, 60, 45, 30), OTHER),
    "it was outside already": (track(0, 36, 22, 8, -6), OTHER),
    "it came from outside": (track(0, -60, -45, -30, -15), OTHER),
    "it stood": (track(0, 15, 15, 15, 15), OTHER),
    "it walked on along the line": (
        [
            sight(t, y, x=x)
            for t, y, x in [(0, 60, 110), (200, 45, 150), (400, 30, 190), (600, 15, 230)]
        ],
        OTHER,
    ),
    "it was past the line's end": (track(0, 60, 45, 30, 15, x=60.0), OTHER),
    "the film ended": (LEAVING, OTHER[:8]),
}


@pytest.mark.parametrize(("leaving", "other"), STAYED.values(), ids=STAYED)
def test_a_track_that_ends_otherwise_did_not_go_out(leaving, other):
    assert ended(leaving, other) == []


def test_who_was_found_outside_already_does_not_go_out_again():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    assert counted(LEAVING, OUTSIDE, counter=counter) == [(2, "out", 2000)]
    assert counter.end(1) == []


def test_who_went_out_unseen_is_not_found_outside_once_more():
    counter = LineCounter(LINE, WIDTH, HEIGHT)
    counted(LEAVING, OTHER, counter=counter)
    assert [event.direction for event in counter.end(1)] == ["out"]
    late = [replace(each, time_ms=each.time_ms + 800) for each in OUTSIDE]
    assert [event for each in late for event in counter.update(3, each)] == []


STEPS = {
    "straight over": (sight(2000, 30, unseen_ms=1000), ["in"]),
    "at the pace it had": (sight(2000, 55, unseen_ms=1000), ["in"]),
    "far ahead": (sight(2000, 120, unseen_ms=1000), []),
    "aside": (sight(2000, 30, x=240.0, unseen_ms=1000), []),
    "aside, but within a moment": (sight(2000, 30, x=240.0, unseen_ms=300), ["in"]),
    "far aside in a film of one picture a second": (sight(2000, 30, x=240.0), ["in"]),
}


@pytest.mark.parametrize(("again", "expected"), STEPS.values(), ids=STEPS)
def test_a_track_found_again_beyond_the_line_must_have_walked_there(again, expected):
    before = [sight(time_ms, time_ms / 20 - 60) for time_ms in range(0, 900, 100)]
    assert [direction for _, direction, _ in counted([*before, again])] == expected


def test_a_jump_over_the_line_changes_sides_all_the_same():
    before = [sight(time_ms, -30) for time_ms in range(0, 900, 100)]
    jump = sight(2000, 60, x=290.0, unseen_ms=1000)
    assert counted([*before, jump, sight(2100, 30), sight(2200, -30)]) == [(1, "out", 2150)]
