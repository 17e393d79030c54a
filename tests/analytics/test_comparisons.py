"""Like hours: which hours of two spans stand beside each other, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from analytics import comparisons
from analytics.calendar import StoreClock
from analytics.comparisons import Compared, CountedHour, compare, like_hours, shift_of

HOUR_MS = 3_600_000
MIDNIGHT = time(0)
DAYS = (date(2026, 6, 1), date(2026, 6, 1))
MONDAY = date(2026, 6, 1)


def hours_of(zone: str, day: date, entries: dict[str, int | None] | int = 0) -> list[CountedHour]:
    """Return the hours of a day that was open and seen throughout, with who came in."""
    clock = StoreClock.of(zone, MIDNIGHT)
    found = []
    for hour in clock.hours_of_day(day):
        local = hour.starts_at.astimezone(clock.zone)
        length_ms = (hour.ends_at - hour.starts_at) // timedelta(milliseconds=1)
        came = entries if isinstance(entries, int) else entries.get(f"{local:%H:%M}", 0)
        wall = local.replace(tzinfo=None, fold=0)
        found.append(
            CountedHour(hour.starts_at, wall, local.fold, length_ms, length_ms, True, True, came)
        )
    return found


def some(here: dict[str, int | None], there: dict[str, int | None]) -> Compared:
    shift = timedelta(days=7)
    now, then = hours_of("UTC", MONDAY, here), hours_of("UTC", MONDAY - shift, there)
    only_here = [hour for hour in now if f"{hour.wall:%H:%M}" in here]
    only_there = [hour for hour in then if f"{hour.wall:%H:%M}" in there]
    return compare("week", DAYS, only_here, only_there, shift)


def told(found: Compared) -> tuple[float | None, int | None, int | None, int, int]:
    return found.change, found.here, found.there, found.hours, found.of


def test_a_change_is_that_of_the_hours_that_both_have():
    found = some({"09:00": 12, "10:00": 18, "11:00": 50}, {"09:00": 10, "10:00": 15, "12:00": 99})
    assert told(found) == (0.2, 30, 25, 2, 3)
    assert found.why_null is None
    assert [(pair.here, pair.there) for pair in found.pairs] == [(12, 10), (18, 15)]


@pytest.mark.parametrize("side", ["here", "there"])
@pytest.mark.parametrize(
    "fault",
    [
        {"well_seen": False},
        {"complete": False},
        {"open_ms": 0},
        {"open_ms": HOUR_MS // 2},
        {"entries": None},
        {"length_ms": HOUR_MS // 2},
    ],
)
def test_an_hour_unlike_the_other_is_left_out_whichever_of_the_two_it_is(side, fault):
    shift = timedelta(days=7)
    hours = {"here": hours_of("UTC", MONDAY, 4), "there": hours_of("UTC", MONDAY - shift, 2)}
    hours[side][9] = replace(hours[side][9], **fault)
    found = compare("week", DAYS, hours["here"], hours["there"], shift)
    is_shut_here = side == "here" and fault == {"open_ms": 0}
    assert told(found) == (1.0, 92, 46, 23, 23 if is_shut_here else 24)
    assert 9 not in [pair.starts_at.hour for pair in found.pairs]


@pytest.mark.parametrize(
    ("here", "there", "why", "sums"),
    [
        ({}, {}, comparisons.CLOSED, (None, None)),
        ({"09:00": None}, {"09:00": 3}, comparisons.NONE_HERE, (None, None)),
        ({"09:00": 3}, {"09:00": None}, comparisons.NONE_THERE, (None, None)),
        ({"09:00": 3}, {"10:00": 3}, comparisons.NONE_ALIKE, (None, None)),
        # Nobody came in then: the sums are true zeros, and a share of nothing is none.
        ({"09:00": 3}, {"09:00": 0}, comparisons.NOBODY_THERE, (3, 0)),
    ],
)
def test_where_there_is_nothing_to_compare_it_says_why(here, there, why, sums):
    found = some(here, there)
    assert (found.change, found.why_null) == (None, why)
    assert (found.here, found.there) == sums


def test_nobody_now_and_somebody_then_is_a_change_of_all():
    assert told(some({"09:00": 0}, {"09:00": 5})) == (-1.0, 0, 5, 1, 1)


@pytest.mark.parametrize(
    ("how", "days", "shift"),
    [("previous", 1, 1), ("previous", 10, 10), ("week", 10, 7), ("year", 10, 364)],
)
def test_spans_are_compared_as_far_back_as_their_name_says(how, days, shift):
    assert shift_of(how, days) == timedelta(days=shift)


@pytest.mark.parametrize(
    ("zone", "day", "shift", "pairs", "left_out"),
    [
        # 23 hours beside 24: the hour that the clocks skip has no partner.
        ("Europe/Berlin", "2026-03-29", 7, 23, set()),
        ("Europe/Berlin", "2026-04-05", 7, 23, {"02:00"}),
        # 25 beside 24: the first 02:00 has one, the second has none.
        ("Europe/Berlin", "2025-10-26", 7, 24, {"02:00 again"}),
        ("Europe/Berlin", "2025-11-02", 7, 24, set()),
        # 364 days before the last Sunday of October is the last Sunday of October: all 25.
        ("Europe/Berlin", "2026-10-25", 364, 25, set()),
        # Lord Howe: an hour cut to its half is like no whole one.
        ("Australia/Lord_Howe", "2025-10-05", 7, 23, {"02:30"}),
        ("Australia/Lord_Howe", "2026-04-05", 7, 24, {"01:30 again"}),
        ("America/Santiago", "2025-09-07", 7, 23, set()),
        ("Asia/Kolkata", "2026-06-01", 7, 24, set()),
    ],
)
def test_hours_are_matched_by_the_clock_on_the_wall_where_clocks_change(
    zone, day, shift, pairs, left_out
):
    day, shift = date.fromisoformat(day), timedelta(days=shift)
    here, there = hours_of(zone, day, 1), hours_of(zone, day - shift, 1)
    found = like_hours(here, there, shift)
    assert len(found) == pairs
    matched = {pair.starts_at for pair in found}
    alone = [hour for hour in here if hour.starts_at not in matched]
    assert {f"{hour.wall:%H:%M}{' again' * hour.fold}" for hour in alone} == left_out


def test_a_pair_says_which_two_hours_it_is():
    (pair, *_) = like_hours(
        hours_of("Europe/Berlin", date(2026, 3, 30), {"00:00": 5}),
        hours_of("Europe/Berlin", date(2026, 3, 23), {"00:00": 4}),
        timedelta(days=7),
    )
    # Midnight in summer time and in winter time: not 168 hours apart.
    assert pair.starts_at == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert pair.there_starts_at == datetime(2026, 3, 22, 23, tzinfo=UTC)
    assert (pair.here, pair.there) == (5, 4)
