"""When a store is open, where clocks change, past midnight and on special days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accounts.opening_hours import WEEKDAYS, opening_hours_problems, special_days_problems
from analytics.calendar import StoreClock
from analytics.opening import OpeningHours, instant_of, open_by_bucket, open_ms, open_spans

MIDNIGHT, FOUR = time(0), time(4)
MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


def every_day(*spans: tuple[str, str]) -> dict[str, list[list[str]]]:
    return {day: [list(span) for span in spans] for day in WEEKDAYS}


def opened(zone, day_start, day, week, special=None) -> list[str]:
    """Return the open spans of a business day in UTC, as text."""
    clock = StoreClock.of(zone, day_start)
    bounds = clock.day_bounds(date.fromisoformat(day))
    found = open_spans(clock, OpeningHours.of(week, special or {}), *bounds)
    return [f"{opens:%d %H:%M}-{closes:%d %H:%M}" for opens, closes in found]


@pytest.mark.parametrize(
    ("zone", "day_start", "day", "spans", "expected"),
    [
        # An ordinary day with a break.
        (
            "Europe/Berlin", FOUR, "2026-06-02", [("09:00", "12:30"), ("14:00", "18:00")],
            ["02 07:00-02 10:30", "02 12:00-02 16:00"],
        ),
        # A bar: its night belongs to the business day on which it opens.
        ("Europe/Berlin", FOUR, "2026-06-02", [("20:00", "02:00")], ["02 18:00-03 00:00"]),
        # Cut where a business day starts at midnight: the night before, then this evening.
        (
            "Europe/Berlin", MIDNIGHT, "2026-06-02", [("20:00", "02:00")],
            ["01 22:00-02 00:00", "02 18:00-02 22:00"],
        ),
        # Nights of 23 and 25 hours: the bar is open for five hours and for seven.
        ("Europe/Berlin", FOUR, "2026-03-28", [("21:00", "03:30")], ["28 20:00-29 01:30"]),
        ("Europe/Berlin", FOUR, "2025-10-25", [("21:00", "03:00")], ["25 19:00-26 02:00"]),
        # Closing time occurs twice: the first is meant. Opening time does: the first too.
        ("Europe/Berlin", FOUR, "2025-10-25", [("21:00", "02:30")], ["25 19:00-26 00:30"]),
        ("Europe/Berlin", MIDNIGHT, "2025-10-26", [("02:30", "04:00")], ["26 00:30-26 03:00"]),
        # A time that does not occur is when the clocks spring; hours wholly in the hole are none.
        ("Europe/Berlin", MIDNIGHT, "2026-03-29", [("02:30", "04:00")], ["29 01:00-29 02:00"]),
        ("Europe/Berlin", MIDNIGHT, "2026-03-29", [("01:00", "02:30")], ["29 00:00-29 01:00"]),
        ("Europe/Berlin", MIDNIGHT, "2026-03-29", [("02:15", "02:45")], []),
        # Lord Howe moves by half an hour.
        (
            "Australia/Lord_Howe", MIDNIGHT, "2025-10-05", [("01:00", "03:00")],
            ["04 14:30-04 16:00"],
        ),
        (
            "Australia/Lord_Howe", MIDNIGHT, "2026-04-05", [("01:00", "03:00")],
            ["04 14:00-04 16:30"],
        ),
        ("Asia/Kolkata", FOUR, "2026-06-02", [("10:00", "22:00")], ["02 04:30-02 16:30"]),
        # Santiago: 00:00 does not occur on 7 September; hours from midnight begin at 01:00.
        ("America/Santiago", MIDNIGHT, "2025-09-07", [("00:00", "06:00")], ["07 04:00-07 09:00"]),
        (
            "America/Santiago", MIDNIGHT, "2025-09-06", [("20:00", "24:00")],
            ["07 00:00-07 04:00"],
        ),
        # All day long on a day of 25 hours.
        ("Europe/Berlin", MIDNIGHT, "2025-10-26", [("00:00", "24:00")], ["25 22:00-26 23:00"]),
    ],
)  # fmt: skip
def test_a_shop_is_open_by_the_clock_on_its_wall(zone, day_start, day, spans, expected):
    assert opened(zone, day_start, day, every_day(*spans)) == expected


def test_a_weekday_left_out_is_closed_and_an_empty_week_is_always_open():
    week = {"mon": [["09:00", "18:00"]]}
    assert opened("UTC", FOUR, "2026-06-02", week) == []
    assert opened("UTC", FOUR, "2026-06-02", {}) == ["02 04:00-03 04:00"]


def test_a_special_day_replaces_its_weekday_and_leaves_the_night_before_alone():
    week = every_day(("20:00", "02:00"))
    special = {"2026-12-24": {"spans": []}, "2026-12-26": {"spans": [["10:00", "12:00"]]}}
    told = {day: opened("UTC", MIDNIGHT, f"2026-12-{day}", week, special) for day in range(24, 28)}
    assert told == {
        24: ["24 00:00-24 02:00"],
        25: ["25 20:00-26 00:00"],
        26: ["26 00:00-26 02:00", "26 10:00-26 12:00"],
        27: ["27 20:00-28 00:00"],
    }
    closed = {"2026-12-25": {"spans": []}}
    assert opened("UTC", FOUR, "2026-12-25", {}, closed) == ["26 00:00-26 04:00"]


@pytest.mark.parametrize("name", ["\ud800", "Eve\udfff", "\0"])
def test_a_name_that_cannot_be_written_is_refused(name):
    (problem,) = special_days_problems({"2026-12-24": {"spans": [], "name": name}}, {})
    assert problem == "2026-12-24: the name holds a character that cannot be written down."
    assert special_days_problems({"2026-12-24": {"spans": [], "name": "🎄 Heiligabend"}}, {}) == []


def test_spans_that_touch_are_one():
    week = every_day(("09:00", "12:00"), ("12:00", "18:00"))
    assert opened("UTC", FOUR, "2026-06-02", week) == ["02 09:00-02 18:00"]


def test_open_time_is_cut_to_the_millisecond():
    clock = StoreClock.of("UTC", FOUR)
    bounds = clock.day_bounds(date(2026, 6, 2))
    week = OpeningHours.of(every_day(("09:30", "12:00"), ("13:00", "13:20")), {})
    found = open_spans(clock, week, *bounds)
    nine = datetime(2026, 6, 2, 9, tzinfo=UTC)
    hours = [open_ms(found, nine + n * 60 * MINUTE, nine + (n + 1) * 60 * MINUTE) for n in range(6)]
    assert [ms // 60_000 for ms in hours] == [30, 60, 60, 0, 20, 0]
    assert open_ms(found, *bounds) == 170 * 60_000 == sum(open_by_bucket(found).values())
    assert open_by_bucket(found)[nine] == 0


ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu",
    "America/Santiago", "Africa/Cairo", "America/St_Johns", "Pacific/Chatham", "Asia/Beirut",
    "Europe/Lisbon", "UTC",
)  # fmt: skip
STARTS = (MIDNIGHT, FOUR, time(2, 30))


@cache
def changes_of(zone: str) -> list[date]:
    """Return the days on which a zone's clocks change, and one on which they do not."""
    noons = [datetime(2024, 1, 1, 12, tzinfo=UTC) + n * ONE_DAY for n in range(3 * 365)]
    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
    moved = [noons[n].date() for n in range(1, len(noons)) if offsets[n] != offsets[n - 1]]
    return [*moved, date(2025, 6, 3)]


# Half of the times lie in the hours in which clocks change.
steps = st.one_of(st.integers(0, 48), st.integers(0, 287)).map(
    lambda step: f"{step // 12:02}:{step % 12 * 5:02}"
)
some_spans = st.one_of(
    st.lists(steps, min_size=2, max_size=2, unique=True).map(lambda one: [one]),
    st.lists(steps, min_size=4, max_size=4, unique=True).map(
        lambda four: [sorted(four)[:2], sorted(four)[2:]]
    ),
    st.just([]),
)
weeks = st.one_of(
    some_spans.map(lambda spans: dict.fromkeys(WEEKDAYS, spans)),
    st.dictionaries(st.sampled_from(WEEKDAYS), some_spans, max_size=3),
)


def walk(zone: str, week, special, begin: datetime, minutes: int) -> list[bool]:
    """Say minute by minute whether the shop is open, as a person before its clock would.

    They know nothing of offsets: they note the latest time that the clock has shown so far, and
    that alone says which opening and closing times have come. They have watched for a day.
    """
    latest = datetime.min  # noqa: DTZ901 - what a clock on a wall shows has no zone
    answers = []
    for minute in range(-1440, minutes):
        shown = (begin + minute * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        latest = max(latest, shown)
        if minute >= 0:
            answers.append(any(_holds(day, latest, week, special) for day in (0, 1)))
    return answers


def _holds(days_ago: int, latest: datetime, week, special) -> bool:
    """Return whether the hours of the day so long ago hold the time that the clock shows."""
    day = latest.date() - days_ago * ONE_DAY
    told = special.get(day.isoformat(), {"spans": week.get(WEEKDAYS[day.weekday()], [])})
    if not week and day.isoformat() not in special:
        told = {"spans": [["00:00", "24:00"]]}
    for opens, closes in told["spans"]:
        begin = datetime.combine(day, time.fromisoformat(opens))
        end = begin.replace(hour=0, minute=0) + timedelta(
            hours=int(closes[:2]), minutes=int(closes[3:])
        )
        if begin <= latest < (end if closes > opens else end + ONE_DAY):
            return True
    return False


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(ZONES), st.sampled_from(STARTS), weeks, st.none() | some_spans)
def test_every_minute_is_open_or_closed_as_a_person_before_the_clock_would_say(
    data, zone, day_start, week, spans
):
    change = data.draw(st.sampled_from(changes_of(zone)))
    special = {} if spans is None else {change.isoformat(): {"spans": spans}}
    assume(not opening_hours_problems(week))
    assume(not special_days_problems(special, week))
    clock = StoreClock.of(zone, day_start)
    begin, end = clock.day_bounds(change - data.draw(st.sampled_from([0, 0, 1])) * ONE_DAY)
    found = open_spans(clock, OpeningHours.of(week, special), begin, end)
    assert all(a.ends_at < b.starts_at for a, b in pairwise(found))
    minutes = (end - begin) // MINUTE
    told = [
        any(opens <= begin + n * MINUTE < closes for opens, closes in found) for n in range(minutes)
    ]
    assert told == walk(zone, week, special, begin, minutes)


def test_a_time_on_the_wall_is_the_first_instant_that_has_come_to_it():
    berlin = ZoneInfo("Europe/Berlin")
    for wall, instant in (
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        ("2026-03-29T02:00:00", "2026-03-29T01:00:00"),
        ("2026-03-29T02:59:59", "2026-03-29T01:00:00"),
        ("2025-10-26T02:00:00", "2025-10-26T00:00:00"),
        ("2025-10-26T03:00:00", "2025-10-26T02:00:00"),
    ):
        found = instant_of(datetime.fromisoformat(wall), berlin)
        assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    # Samoa skipped a whole day.
    apia = instant_of(datetime(2011, 12, 30, 12), ZoneInfo("Pacific/Apia"))  # noqa: DTZ001
    assert apia == datetime(2011, 12, 30, 10, tzinfo=UTC)
