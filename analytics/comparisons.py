"""Like hours of two spans, and what became of their numbers. Pure.

Two hours are alike when the clock on the wall shows the same time on days a fixed shift apart, when
both are over, open for equally long and seen to 95 % or more. Whatever has no such partner is left
out on both sides, so a change is never one of opening hours, cameras or clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

PREVIOUS, WEEK, YEAR = "previous", "week", "year"
WAYS = (PREVIOUS, WEEK, YEAR)
# 52 weeks: the same weekday a year before.
YEAR_DAYS = 364
WEEK_DAYS = 7

CLOSED = "The shop was closed in all of these hours."
NONE_HERE = "None of these hours is over, open and seen to 95 % or more yet."
NONE_THERE = "None of the hours to compare with was open and seen to 95 % or more."
NONE_ALIKE = (
    "No hour was open for as long, over and seen to 95 % or more both now and in the hours to "
    "compare with."
)
NOBODY_THERE = "Nobody came in during the hours to compare with, so there is no per cent."


@dataclass(frozen=True, slots=True)
class CountedHour:
    """An hour as a comparison sees it; `entries` are those within opening hours."""

    starts_at: datetime
    # Naive, as the clock on the wall shows its start; `fold` is 1 for the second of two such times.
    wall: datetime
    fold: int
    length_ms: int
    open_ms: int
    well_seen: bool
    complete: bool
    entries: int | None

    @property
    def counts(self) -> bool:
        """Whether its number can stand beside another's."""
        return self.open_ms > 0 and self.well_seen and self.complete and self.entries is not None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two like hours with who came in; `starts_at` and `here` are those of the span asked for."""

    starts_at: datetime
    there_starts_at: datetime
    here: int
    there: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Two spans by their like hours; null is not zero, and says why."""

    how: str
    # The business days compared with, both included.
    first: date
    last: date
    # Share by which more came in here: 0.12 is 12 % more.
    change: float | None
    here: int | None
    there: int | None
    # Like hours, of so many open ones here.
    hours: int
    of: int
    why_null: str | None
    pairs: Sequence[Pair]


def shift_of(how: str, days: int) -> timedelta:
    """Return how far back a span of so many days is compared with.

    The span right before has the same length; the others keep the weekday.
    """
    shifts = {PREVIOUS: days, WEEK: WEEK_DAYS, YEAR: YEAR_DAYS}
    return timedelta(days=shifts[how])


def like_hours(
    here: Iterable[CountedHour], there: Iterable[CountedHour], shift: timedelta
) -> list[Pair]:
    """Return every hour with its like one `shift` earlier by the clock on the wall.

    Of a time that occurs twice, the second has a partner only where that occurs twice too; an hour
    that the clocks cut short, only one that is as short.
    """
    partners = {(hour.wall + shift, hour.fold): hour for hour in there}
    pairs = []
    for hour in here:
        other = partners.get((hour.wall, hour.fold))
        if other is None or not (hour.counts and other.counts):
            continue
        if (hour.length_ms, hour.open_ms) != (other.length_ms, other.open_ms):
            continue
        pairs.append(Pair(hour.starts_at, other.starts_at, hour.entries or 0, other.entries or 0))
    return pairs


def compare(
    how: str,
    days: tuple[date, date],
    here: Sequence[CountedHour],
    there: Sequence[CountedHour],
    shift: timedelta,
) -> Compared:
    """Return two spans compared by their like hours.

    Parameters
    ----------
    days : pair of date
        The business days compared with.
    """
    pairs = like_hours(here, there, shift)
    now, then = sum(pair.here for pair in pairs), sum(pair.there for pair in pairs)
    return Compared(
        how=how,
        first=days[0],
        last=days[1],
        change=round(now / then - 1, 4) if then else None,
        here=now if pairs else None,
        there=then if pairs else None,
        hours=len(pairs),
        of=sum(hour.open_ms > 0 for hour in here),
        why_null=None if then else _why(pairs, here, there),
        pairs=pairs,
    )


def _why(pairs: Sequence[Pair], here: Sequence[CountedHour], there: Sequence[CountedHour]) -> str:
    """Return why there is no change to tell."""
    if pairs:
        return NOBODY_THERE
    if not any(hour.open_ms for hour in here):
        return CLOSED
    if not any(hour.counts for hour in here):
        return NONE_HERE
    return NONE_ALIKE if any(hour.counts for hour in there) else NONE_THERE
