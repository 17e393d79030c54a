"""A simulated day is one a camera could have told: drawn from a seed, without a database."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from math import log
from statistics import fmean, median, pstdev

import pytest

from analytics.calendar import StoreClock
from analytics.opening import OpeningHours
from analytics.simulator import shop
from analytics.simulator.days import Day, simulated_day, times_of
from analytics.simulator.people import STAYS
from analytics.simulator.plan import plan_of
from tracking.vision.events import LineCrossed, TrackEnded, ZoneEntered, ZoneLeft
from tracking.vision.setup import SceneSetup
from zones.geometry import Polygon

NEVER = datetime(2100, 1, 1, tzinfo=UTC)
FRIDAY = date(2026, 6, 5)


def corners(first: tuple[float, float], second: tuple[float, float]) -> tuple:
    (left, top), (right, bottom) = first, second
    return ((left, top), (right, top), (right, bottom), (left, bottom))


SETUP = SceneSetup.from_json(
    {
        "width": 1280,
        "height": 720,
        "zones": [
            {"key": name, "name": name, "kind": kind, "vertices": corners(a, b)}
            for name, kind, a, b in shop.ZONES
        ],
        "lines": [
            {"key": name, "name": name, "kind": kind, "a": a, "b": b, "inside_side": "left"}
            for name, kind, a, b in shop.LINES
        ],
    }
)
PLAN = plan_of(SETUP, OpeningHours.of(shop.OPENING_HOURS, {}))


def draw(
    day: date = FRIDAY,
    seed: str = "1",
    *,
    zone: str = "Europe/Berlin",
    starts: time = time(4),
    until: datetime = NEVER,
    visitors: float = 200,
    plan=PLAN,
) -> Day:
    return simulated_day(plan, StoreClock.of(zone, starts), day, until, seed, visitors)


def entries(day: Day, zone: str = "Europe/Berlin") -> list[datetime]:
    """Return when people came in through the front door, on the wall clock."""
    clock = StoreClock.of(zone, time(4)).zone
    return [
        (day.starts_at + timedelta(milliseconds=event.time_ms)).astimezone(clock)
        for event in day.events
        if isinstance(event, LineCrossed)
        and event.line_key == "Front door"
        and event.direction == "in"
        and event.track_number not in day.staff
    ]


def with_gap() -> Day:
    return next(day for n in range(50) if len((day := draw(seed=f"gap {n}")).covered) == 2)


def test_the_same_seed_gives_the_same_day_and_another_one_another():
    assert draw() == draw()
    assert draw(seed="2").events != draw().events
    assert draw(FRIDAY + timedelta(days=7)).events != draw().events


def test_a_day_that_is_not_over_is_the_beginning_of_the_whole_one():
    until = datetime(2026, 6, 5, 15, 0, tzinfo=UTC)
    whole, half = draw(), draw(until=until)
    end_ms = (until - whole.starts_at) // timedelta(milliseconds=1)
    crossed = [e for e in whole.events if isinstance(e, LineCrossed) and e.time_ms < end_ms - 1]
    assert [e for e in half.events if isinstance(e, LineCrossed)] == crossed
    assert half.length_ms == end_ms and max(times_of(half.events)) < end_ms


def test_people_come_while_it_is_open_with_two_peaks_on_a_weekday_and_one_at_the_weekend():
    hours = Counter(at.hour for n in range(5) for at in entries(draw(seed=str(n))))
    assert set(hours) <= set(range(9, 20))
    assert min(hours[12], hours[17]) > 1.3 * hours[15]
    saturday = FRIDAY + timedelta(days=1)
    weekend = Counter(at.hour for n in range(5) for at in entries(draw(saturday, str(n))))
    assert min(weekend) >= 9 and weekend[14] > 1.2 * weekend[17] > weekend[19]
    assert weekend.total() > hours.total()


def test_nobody_comes_on_a_weekday_without_opening_hours_and_somebody_at_night_with_late_ones():
    closed = plan_of(SETUP, OpeningHours.of({"mon": [["09:00", "18:00"]]}, {}))
    assert draw(plan=closed).events == [] and draw(plan=closed).covered
    late = plan_of(SETUP, OpeningHours.of({"fri": [["20:00", "02:00"]]}, {}))
    came = [at.hour for n in range(3) for at in entries(draw(seed=str(n), plan=late))]
    assert set(came) <= {20, 21, 22, 23, 0, 1} and {0, 1} & set(came)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("America/Santiago", date(2026, 9, 6), 23),
        ("Asia/Kolkata", FRIDAY, 24),
    ],
)
def test_a_day_on_which_the_clocks_change_keeps_the_shop_s_hours(zone, day, hours):
    drawn = draw(day, zone=zone, starts=time(0))
    assert drawn.length_ms == hours * 3_600_000
    came = entries(drawn, zone)
    opens, closes = (12, 18) if day.weekday() == 6 else (9, 20)
    assert len(came) > 50
    assert opens <= min(at.hour for at in came) and max(at.hour for at in came) < closes
    assert max(times_of(drawn.events)) < drawn.length_ms


def test_nothing_is_told_of_a_gap_and_whoever_was_there_is_somebody_new_behind_it():
    day = with_gap()
    (_, gap_begin), (gap_end, _) = day.covered
    assert gap_end - gap_begin >= 6 * 60_000
    assert not any(gap_begin <= at < gap_end for at in times_of(day.events))
    cut = [e for e in day.events if isinstance(e, ZoneLeft) and e.time_ms == gap_begin - 1]
    assert all(event.censored for event in cut)
    spans = [(e.started_ms, e.ended_ms) for e in day.events if isinstance(e, TrackEnded)]
    assert not any(begin < gap_begin and end >= gap_end for begin, end in spans)


def test_every_stay_begins_and_ends_once_and_is_as_long_as_it_says():
    for day in (draw(), with_gap()):
        inside: dict[tuple[int, str], ZoneEntered] = {}
        for event in day.events:
            if isinstance(event, ZoneEntered):
                key = event.track_number, event.zone_key
                assert key not in inside
                inside[key] = event
            elif isinstance(event, ZoneLeft):
                begun = inside.pop((event.track_number, event.zone_key))
                assert event.dwell_ms == event.time_ms - begun.time_ms > 0
                assert event.censored or not begun.censored
        assert not inside


def test_some_stays_are_censored_and_their_people_found_again_as_somebody_else():
    left = [e for e in draw(visitors=600).events if isinstance(e, ZoneLeft)]
    assert 0 < sum(event.censored for event in left) < 0.05 * len(left)


def test_stays_at_displays_are_log_normal_and_queues_are_longer_when_it_is_busy():
    day = draw(visitors=600)
    kinds = {name: kind for name, kind, _, _ in shop.ZONES}
    stays = [e for e in day.events if isinstance(e, ZoneLeft) and not e.censored]
    looked = [log(e.dwell_ms / 1000) for e in stays if kinds[e.zone_key] == "display"]
    median_s, spread = STAYS["display"]
    assert fmean(looked) == pytest.approx(log(median_s), abs=0.1)
    assert pstdev(looked) == pytest.approx(spread, abs=0.1)
    quiet = draw(visitors=60)
    waits = [
        median(e.dwell_ms for e in each.events if isinstance(e, ZoneLeft) and e.zone_key == "Queue")
        for each in (quiet, day)
    ]
    assert waits[0] < waits[1]


def test_people_are_where_their_events_say():
    day = draw(visitors=60)
    ways = {e.track_number: e.path for e in day.events if isinstance(e, TrackEnded)}
    outlines = {zone.key: Polygon(zone.vertices) for zone in SETUP.zones}
    checked = 0
    for event in day.events:
        if isinstance(event, ZoneLeft) and not event.censored:
            began_ms = event.time_ms - event.dwell_ms
            spots = [p[1:] for p in ways[event.track_number] if p[0] in (began_ms, event.time_ms)]
            checked += sum(outlines[event.zone_key].contains(spot) for spot in spots) >= 2
    stays = [e for e in day.events if isinstance(e, ZoneLeft) and not e.censored]
    assert checked == len(stays) > 50
    for way in ways.values():
        assert [point[0] for point in way] == sorted(point[0] for point in way)
        assert all(0 <= value <= 1 for point in way for value in point[1:])


def test_a_camera_without_an_entrance_tells_of_stays_and_one_with_a_street_of_passers_by():
    inside = plan_of(SceneSetup(1280, 720, SETUP.zones, ()), PLAN.opening_hours)
    day = draw(plan=inside)
    assert any(isinstance(event, ZoneLeft) for event in day.events)
    assert not any(isinstance(event, LineCrossed) for event in day.events)
    passed = [e for e in draw().events if isinstance(e, LineCrossed) and e.line_key == "Street"]
    assert len(passed) > 2 * len(entries(draw()))
