"""Business days and local hours where clocks change, and where they never do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.calendar import BUCKET, StoreClock, buckets_between, floor_bucket, split_ms

ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
    "America/Santiago", "UTC",
)  # fmt: skip
MIDNIGHT, FOUR = time(0), time(4)


def clock(zone: str, day_start: time = FOUR) -> StoreClock:
    return StoreClock.of(zone, day_start)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day_start", "day", "starts", "ends", "hours"),
    [
        # Berlin: the day before the change holds the short night, since it ends at 04:00.
        ("Europe/Berlin", FOUR, "2026-03-28", "2026-03-28T03:00", "2026-03-29T02:00", 23),
        ("Europe/Berlin", FOUR, "2026-03-29", "2026-03-29T02:00", "2026-03-30T02:00", 24),
        ("Europe/Berlin", FOUR, "2025-10-25", "2025-10-25T02:00", "2025-10-26T03:00", 25),
        ("Europe/Berlin", MIDNIGHT, "2025-10-26", "2025-10-25T22:00", "2025-10-26T23:00", 25),
        ("America/New_York", MIDNIGHT, "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00", 23),
        ("America/New_York", MIDNIGHT, "2025-11-02", "2025-11-02T04:00", "2025-11-03T05:00", 25),
        # Lord Howe moves by 30 minutes: one hour of the day is a half.
        ("Australia/Lord_Howe", MIDNIGHT, "2025-10-05", "2025-10-04T13:30", "2025-10-05T13:00", 24),
        ("Australia/Lord_Howe", MIDNIGHT, "2026-04-05", "2026-04-04T13:00", "2026-04-05T13:30", 25),
        ("Asia/Kolkata", FOUR, "2026-01-01", "2025-12-31T22:30", "2026-01-01T22:30", 24),
        # Santiago: 00:00 does not occur, the day starts at 01:00.
        ("America/Santiago", MIDNIGHT, "2025-09-07", "2025-09-07T04:00", "2025-09-08T03:00", 23),
        ("America/Santiago", MIDNIGHT, "2026-04-04", "2026-04-04T03:00", "2026-04-05T04:00", 25),
    ],
)  # fmt: skip
def test_a_business_day_is_as_long_as_the_clocks_make_it(zone, day_start, day, starts, ends, hours):
    store = clock(zone, day_start)
    day = date.fromisoformat(day)
    assert store.day_bounds(day) == (utc(starts), utc(ends))
    assert len(store.hours_of_day(day)) == hours


def test_the_hour_that_occurs_twice_stays_two_hours_told_apart_by_the_offset():
    hours = clock("Europe/Berlin", MIDNIGHT).hours_of_day(date(2025, 10, 26))
    twos = [h for h in hours if h.starts_at.astimezone(clock("Europe/Berlin").zone).hour == 2]
    assert [(h.starts_at, h.utc_offset_s) for h in twos] == [
        (utc("2025-10-26T00:00"), 7200),
        (utc("2025-10-26T01:00"), 3600),
    ]
    assert {h.local_date for h in hours} == {date(2025, 10, 26)}


def test_lord_howe_has_one_half_hour_where_its_clocks_move():
    store = clock("Australia/Lord_Howe", MIDNIGHT)
    for day in (date(2025, 10, 5), date(2026, 4, 5)):
        lengths = [h.ends_at - h.starts_at for h in store.hours_of_day(day)]
        assert min(lengths) == timedelta(minutes=30)
        assert sorted(lengths)[1:] == [timedelta(hours=1)] * (len(lengths) - 1)


def test_hours_in_kolkata_start_at_the_half_hour_of_utc():
    hours = clock("Asia/Kolkata").hours_of_day(date(2026, 5, 1))
    assert {h.starts_at.minute for h in hours} == {30}


def test_a_moment_before_the_day_start_belongs_to_the_day_before():
    store = clock("Europe/Berlin")
    assert store.business_day(utc("2026-06-02T01:59")) == date(2026, 6, 1)
    assert store.business_day(utc("2026-06-02T02:00")) == date(2026, 6, 2)


def test_the_last_24_hours_end_with_the_hour_that_goes_on():
    now = utc("2026-06-02T09:20")
    hours = clock("Asia/Kolkata").hours_until(now)
    assert len(hours) == 24
    assert hours[-1].starts_at == utc("2026-06-02T08:30")
    assert hours[0].starts_at == utc("2026-06-01T09:30")


def test_a_day_that_a_country_skipped_is_empty():
    samoa = clock("Pacific/Apia")
    assert samoa.hours_of_day(date(2011, 12, 30)) == []
    assert samoa.business_day(utc("2011-12-30T15:00")) == date(2011, 12, 31)


instants = st.integers(0, 20 * 365 * 86400).map(
    lambda s: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
starts = st.times().map(lambda t: t.replace(minute=t.minute // 5 * 5, second=0, microsecond=0))


@given(st.sampled_from(ZONES), starts, instants)
def test_days_and_hours_tile_time_without_hole_or_overlap(zone, day_start, instant):
    store = StoreClock.of(zone, day_start)
    day = store.business_day(instant)
    starts_at, ends_at = store.day_bounds(day)
    assert starts_at <= instant < ends_at
    hours = store.hours_of_day(day)
    assert hours[0].starts_at == starts_at and hours[-1].ends_at == ends_at
    assert all(a.ends_at == b.starts_at for a, b in pairwise(hours))
    assert all(timedelta(0) < h.ends_at - h.starts_at <= timedelta(hours=1) for h in hours)
    assert all(floor_bucket(h.starts_at) == h.starts_at for h in hours)
    assert sum(h.starts_at <= instant < h.ends_at for h in hours) == 1


@given(st.sampled_from(ZONES), instants)
def test_a_window_holds_the_moment_and_the_24_hours_before_its_end(zone, instant):
    hours = clock(zone).hours_until(instant)
    assert hours[-1].starts_at <= instant < hours[-1].ends_at
    span = hours[-1].ends_at - hours[0].starts_at
    assert timedelta(hours=24) <= span < timedelta(hours=25)


@given(instants, st.integers(0, 5_000_000), st.integers(0, 999))
def test_a_span_is_split_over_its_buckets_to_the_millisecond(starts_at, length_ms, stray_us):
    starts_at += timedelta(microseconds=stray_us)
    shares = list(split_ms(starts_at, starts_at + timedelta(milliseconds=length_ms)))
    assert sum(ms for _, ms in shares) == length_ms
    assert all(0 < ms <= 300_000 for _, ms in shares)
    assert [at for at, _ in shares] == sorted({at for at, _ in shares})


def test_buckets_cover_a_span_from_its_first_to_its_last_moment():
    starts_at = utc("2026-06-02T09:07")
    assert buckets_between(starts_at, starts_at + BUCKET) == [
        utc("2026-06-02T09:05"),
        utc("2026-06-02T09:10"),
    ]
    assert buckets_between(utc("2026-06-02T09:05"), utc("2026-06-02T09:10")) == [
        utc("2026-06-02T09:05")
    ]
