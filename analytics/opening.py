"""When a store is open, as UTC instants. Pure: no clock, no database.

A shop opens when the clock on its wall first shows the opening time or has passed it, and closes in
the same way: a time that clocks spring over is the instant at which they spring, a time that
occurs twice is the first. So 01:00 to 04:00 is four hours in the night that has 02:00 twice, and
two in the night that has none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from accounts.opening_hours import MINUTES_A_DAY, WEEKDAYS, Span, spans_of
from analytics.calendar import BUCKET_MS, StoreClock, split_ms

# Below this share of its open time seen, an hour is left out of comparisons.
WELL_SEEN_PERCENT = 95
ALL_DAY = (Span(0, MINUTES_A_DAY),)
ONE_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)


class OpenSpan(NamedTuple):
    """A time for which a store is open, in UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A store's week and its special days, in minutes of the day on which the spans begin."""

    # None: always open.
    week: Sequence[Sequence[Span]] | None
    special: Mapping[date, Sequence[Span]]

    @classmethod
    def of(cls, week: Mapping[str, Any], special: Mapping[str, Any]) -> OpeningHours:
        """Return opening hours as they are stored; an empty week is always open."""
        return cls(
            week=[spans_of(week.get(day, ())) for day in WEEKDAYS] if week else None,
            special={date.fromisoformat(day): spans_of(special[day]["spans"]) for day in special},
        )

    def spans_on(self, day: date) -> Sequence[Span]:
        """Return the spans that begin on a local date."""
        if day in self.special:
            return self.special[day]
        return ALL_DAY if self.week is None else self.week[day.weekday()]


def open_spans(
    clock: StoreClock, hours: OpeningHours, starts_at: datetime, ends_at: datetime
) -> list[OpenSpan]:
    """Return when the store is open within ``[starts_at, ends_at)``: apart, earliest first."""
    if hours.week is None and not hours.special:
        return [OpenSpan(starts_at, ends_at)] if starts_at < ends_at else []
    # What begins on the day before may run past midnight, and a country may skip a day.
    day = starts_at.astimezone(clock.zone).date() - 2 * ONE_DAY
    last = ends_at.astimezone(clock.zone).date()
    found: list[OpenSpan] = []
    while day <= last:
        midnight = datetime.combine(day, time(0))
        for span in hours.spans_on(day):
            opens, closes = (
                instant_of(midnight + timedelta(minutes=end), clock.zone) for end in span
            )
            _append(found, max(opens, starts_at), min(closes, ends_at))
        day += ONE_DAY
    return found


def _append(found: list[OpenSpan], opens: datetime, closes: datetime) -> None:
    """Add a span, joined to the last one where they touch; one without a length is none."""
    if opens >= closes:
        return
    if found and opens <= found[-1].ends_at:
        last = found.pop()
        opens, closes = last.starts_at, max(last.ends_at, closes)
    found.append(OpenSpan(opens, closes))


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the clock on the wall shows a time or has passed it.

    Parameters
    ----------
    wall : datetime
        Naive, as the clock shows it.
    """
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    # The clocks spring over it: read with the offset that holds after, it lies before they do.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // (2 * _SECOND) * _SECOND
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def open_ms(spans: Sequence[OpenSpan], starts_at: datetime, ends_at: datetime) -> int:
    """Return how many milliseconds of ``[starts_at, ends_at)`` the store is open."""
    index = max(0, bisect_right(spans, starts_at, key=lambda span: span.starts_at) - 1)
    total = timedelta()
    while index < len(spans) and spans[index].starts_at < ends_at:
        begin, end = max(spans[index].starts_at, starts_at), min(spans[index].ends_at, ends_at)
        total += max(timedelta(), end - begin)
        index += 1
    return total // _MILLISECOND


def open_by_bucket(spans: Sequence[OpenSpan]) -> Counter[datetime]:
    """Return how many milliseconds of each five-minute bucket the store is open."""
    found: Counter[datetime] = Counter()
    for span in spans:
        for bucket, share_ms in split_ms(*span):
            found[bucket] += share_ms
    return found


def observed_of_open(observed_ms: int, open_ms: int) -> int:
    """Return how much of a bucket's open time was observed, in milliseconds.

    Of a bucket that is open in part nobody knows which part was observed: it counts by its share,
    everywhere alike.
    """
    return min(observed_ms, BUCKET_MS) * open_ms // BUCKET_MS


def well_seen(observed_open_ms: int, open_ms: int) -> bool:
    """Return whether enough of an open time was seen to compare it with others."""
    return open_ms > 0 and 100 * observed_open_ms >= WELL_SEEN_PERCENT * open_ms
