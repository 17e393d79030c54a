"""Business days and local hours of a store, as UTC instants. Pure: no clock, no database.

A day's ends are computed from local dates, never by adding 24 hours: on the days when clocks
change, that would miss or add up to an hour. An hour is keyed by its UTC start and its offset,
so the hour that occurs twice stays two hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUCKET = timedelta(minutes=5)
BUCKET_MS = 300_000
HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hour:
    """One local hour; shorter where the clocks change within it."""

    business_day: date
    local_date: date
    starts_at: datetime
    ends_at: datetime
    utc_offset_s: int


@dataclass(frozen=True, slots=True)
class StoreClock:
    """How a store tells its days: its time zone and the wall-clock time a business day starts."""

    zone: ZoneInfo
    day_start: time

    @classmethod
    def of(cls, timezone: str, day_start: time) -> StoreClock:
        """Return the clock of a store with the named IANA zone."""
        return cls(ZoneInfo(timezone), day_start)

    def day_starts_at(self, day: date) -> datetime:
        """Return the UTC instant at which the business day starts.

        A start that the clocks jump over falls after the jump; one that occurs twice is the first.
        """
        return datetime.combine(day, self.day_start, tzinfo=self.zone).astimezone(UTC)

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the first instant of the business day and the first one after it, in UTC."""
        return self.day_starts_at(day), self.day_starts_at(day + ONE_DAY)

    def business_day(self, instant: datetime) -> date:
        """Return the business day that holds the instant."""
        day = instant.astimezone(self.zone).date()
        while instant < self.day_starts_at(day):
            day -= ONE_DAY
        while instant >= self.day_starts_at(day + ONE_DAY):
            day += ONE_DAY
        return day

    def hours_of_day(self, day: date) -> list[Hour]:
        """Return the local hours of a business day: 24, or 23 or 25 when the clocks change."""
        starts_at, ends_at = self.day_bounds(day)
        hours = []
        while starts_at < ends_at:
            until = min(self._hour_end(starts_at), ends_at)
            local = starts_at.astimezone(self.zone)
            hours.append(Hour(day, local.date(), starts_at, until, self._offset_s(starts_at)))
            starts_at = until
        return hours

    def hours_of_days(self, first: date, last: date) -> list[Hour]:
        """Return the local hours of the business days from the first to the last, both included."""
        days = (first + n * ONE_DAY for n in range((last - first).days + 1))
        return [hour for day in days for hour in self.hours_of_day(day)]

    def hours_until(self, now: datetime, span: timedelta = ONE_DAY) -> list[Hour]:
        """Return the hour of `now`, still incomplete, and the ones before it that fill `span`."""
        hours = self.hours_of_days(self.business_day(now - span), self.business_day(now))
        current = next(hour for hour in hours if hour.starts_at <= now < hour.ends_at)
        begin = current.ends_at - span
        return [hour for hour in hours if begin < hour.ends_at <= current.ends_at]

    def _hour_end(self, instant: datetime) -> datetime:
        """Return when the wall clock next shows a full hour, or jumps, after the instant."""
        local = instant.astimezone(self.zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        end = instant + (HOUR - into)
        offset_s = self._offset_s(instant)
        if self._offset_s(end - _MILLISECOND) == offset_s:
            return end
        step = floor_bucket(instant) + BUCKET
        while self._offset_s(step) == offset_s:
            step += BUCKET
        return step

    def _offset_s(self, instant: datetime) -> int:
        offset = instant.astimezone(self.zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())


def floor_bucket(instant: datetime) -> datetime:
    """Return the start of the five-minute UTC bucket that holds the instant."""
    return instant.astimezone(UTC) - (instant - _EPOCH) % BUCKET


def buckets_between(starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """Return the starts of all buckets that meet ``[starts_at, ends_at)``, oldest first."""
    starts = []
    at = floor_bucket(starts_at)
    while at < ends_at:
        starts.append(at)
        at += BUCKET
    return starts


def split_ms(starts_at: datetime, ends_at: datetime) -> Iterator[tuple[datetime, int]]:
    """Yield how many whole milliseconds of a span fall in each bucket, empty shares left out.

    The shares add up to the span's length exactly, wherever its ends lie.
    """
    done = 0
    for bucket in buckets_between(starts_at, ends_at):
        until = (min(bucket + BUCKET, ends_at) - starts_at) // _MILLISECOND
        if until > done:
            yield bucket, until - done
        done = until
