"""Hours and days as the History page and the API show them, from summaries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import Store
from analytics.calendar import Hour, StoreClock
from analytics.comparisons import Compared, CountedHour, compare, shift_of
from analytics.kpis import histogram_median_s, observed_share
from analytics.models import DWELL_EDGES_S, AnalyticsSummary
from analytics.opening import OpenSpan, open_ms, open_spans, well_seen
from analytics.rollups import clock_of, hours_of
from analytics.summaries import fold_dirty, whole_fold

Period = AnalyticsSummary.Period
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One hour or day; everything counted is None where nothing was seen.

    Entries and exits are all there were, those outside opening hours are told again beside them.
    `observed` is the share of the open time that was seen, so far where it goes on; None where the
    store was closed throughout or nothing was seen.
    """

    business_day: date
    starts_at: datetime
    ends_at: datetime
    utc_offset_s: int
    entries: int | None
    exits: int | None
    occupancy_end: int | None
    occupancy_peak: int | None
    visits: int | None
    visit_median_s: float | None
    zone_stays: int | None
    dwell_median_s: float | None
    observed: float | None
    complete: bool
    entries_closed: int | None
    exits_closed: int | None
    open_ms: int
    observed_open_ms: int
    # Of the open time, what has passed by now.
    open_so_far_ms: int

    @property
    def entries_open(self) -> int | None:
        """Who came in while the store was open."""
        return None if self.entries is None else self.entries - (self.entries_closed or 0)

    @property
    def well_seen(self) -> bool:
        """Whether it is over, was open, and was seen enough to stand beside others."""
        known = self.complete and self.entries is not None
        return known and well_seen(self.observed_open_ms, self.open_ms)


@dataclass(frozen=True, slots=True)
class Totals:
    """A whole span; medians come from the joint histogram, never from other medians."""

    entries: int | None
    exits: int | None
    visits: int | None
    visit_median_s: float | None
    zone_stays: int | None
    dwell_median_s: float | None
    occupancy_peak: int | None
    observed: float | None
    entries_closed: int | None
    exits_closed: int | None
    open_ms: int
    observed_open_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """The hours of a day or of the last 24 hours, with the busiest and the quietest."""

    hours: list[SummaryRow]
    peak: list[SummaryRow]
    slowest: list[SummaryRow]
    totals: Totals
    compared: Compared | None


def summary_lines(
    store: Store, period: str, first: date, last: date, now: datetime
) -> list[SummaryRow]:
    """Return every hour or day of the business days from first to last, folding what is behind."""
    clock = clock_of(store)
    if period == Period.HOUR:
        return hour_lines(store, clock.hours_of_days(first, last), now)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return _lines(store, Period.DAY, [_as_hour(clock, day) for day in days], now)


def hour_lines(store: Store, hours: Sequence[Hour], now: datetime) -> list[SummaryRow]:
    """Return a line for each of these hours, in the order of time, folding what is behind."""
    return _lines(store, Period.HOUR, hours, now)


def totals_of(store: Store, lines: Sequence[SummaryRow]) -> Totals:
    """Return the totals of lines that follow each other without a hole."""
    open_all_ms = sum(line.open_ms for line in lines)
    seen_open_ms = sum(line.observed_open_ms for line in lines)
    seen = [line for line in lines if line.entries is not None]
    if not seen:
        nothing = (None,) * 10
        return Totals(*nothing, open_ms=open_all_ms, observed_open_ms=seen_open_ms)
    whole = whole_fold(store, lines[0].starts_at, lines[-1].ends_at)
    return Totals(
        entries=whole.entries,
        exits=whole.exits,
        visits=whole.visits,
        visit_median_s=histogram_median_s(whole.visit_bins, DWELL_EDGES_S),
        zone_stays=whole.stays,
        dwell_median_s=histogram_median_s(whole.stay_bins, DWELL_EDGES_S),
        occupancy_peak=max(line.occupancy_peak or 0 for line in seen),
        observed=observed_share(seen_open_ms, sum(line.open_so_far_ms for line in lines)),
        entries_closed=sum(line.entries_closed or 0 for line in seen),
        exits_closed=sum(line.exits_closed or 0 for line in seen),
        open_ms=open_all_ms,
        observed_open_ms=seen_open_ms,
    )


def compared(store: Store, first: date, last: date, how: str, now: datetime) -> Compared:
    """Return business days, both included, compared by like hours with those `how` far back."""
    lines = summary_lines(store, Period.HOUR, first, last, now)
    return compared_lines(store, (first, last), lines, how, now)


def compared_lines(
    store: Store, days: tuple[date, date], lines: Sequence[SummaryRow], how: str, now: datetime
) -> Compared:
    """Return the hours of business days from first to last compared with those `how` far back.

    There are none in a day that the clocks skip.
    """
    shift = shift_of(how, (days[1] - days[0]).days + 1)
    return _compared(store, days, lines, shift, how, now)


def _compared(
    store: Store,
    days: tuple[date, date],
    lines: Sequence[SummaryRow],
    shift: timedelta,
    how: str,
    now: datetime,
) -> Compared:
    clock = clock_of(store)
    first, last = days[0] - shift, days[1] - shift
    others = hour_lines(store, clock.hours_of_days(first, last), now)
    here, there = ([_counted(line, clock) for line in some] for some in (lines, others))
    return compare(how, (first, last), here, there, shift)


def _counted(line: SummaryRow, clock: StoreClock) -> CountedHour:
    local = line.starts_at.astimezone(clock.zone)
    return CountedHour(
        starts_at=line.starts_at,
        wall=local.replace(tzinfo=None, fold=0),
        fold=local.fold,
        length_ms=(line.ends_at - line.starts_at) // _MILLISECOND,
        open_ms=line.open_ms,
        well_seen=line.well_seen,
        complete=line.complete,
        entries=line.entries_open,
    )


def history(
    store: Store, now: datetime, day: date | None = None, how: str | None = None
) -> History:
    """Return the hours of a business day, or of the last 24 hours, with what stands out."""
    clock = clock_of(store)
    hours = clock.hours_of_day(day) if day is not None else clock.hours_until(now)
    lines = hour_lines(store, hours, now)
    days = (day, day) if day else (lines[0].business_day, lines[-1].business_day)
    shift = shift_of(how, days=1) if how else None
    return History(
        hours=lines,
        peak=busiest(lines),
        slowest=quietest(lines),
        totals=totals_of(store, lines),
        compared=_compared(store, days, lines, shift, how, now) if how and shift else None,
    )


def busiest(lines: Iterable[SummaryRow]) -> list[SummaryRow]:
    """Return all hours with the most entries; none where nobody came in."""
    found = _extreme([line for line in lines if line.well_seen], max)
    return found if found and found[0].entries_open else []


def quietest(lines: Iterable[SummaryRow]) -> list[SummaryRow]:
    """Return all hours with the fewest entries, of those that were open from start to end.

    An hour that is open in part has less time to be visited in; it is asked only where all are so.
    """
    seen = [line for line in lines if line.well_seen]
    whole = [line for line in seen if line.ends_at - line.starts_at <= line.open_ms * _MILLISECOND]
    return _extreme(whole or seen, min)


def _extreme(seen: Sequence[SummaryRow], pick: Callable[[Iterable[int]], int]) -> list[SummaryRow]:
    """Return all hours with the most or the least entries within opening hours.

    Asked are hours that are over, open and seen to 95 % or more: of others nobody knows.
    """
    best = pick([line.entries_open or 0 for line in seen]) if seen else None
    return [line for line in seen if line.entries_open == best]


def sorted_lines(lines: Sequence[SummaryRow], order: str) -> list[SummaryRow]:
    """Return the lines by a column, ``-`` for falling; what was not seen comes last either way."""
    column = order.removeprefix("-")
    falling = order.startswith("-")

    def key(line: SummaryRow) -> Any:
        return getattr(line, column), line.starts_at

    known = [line for line in lines if getattr(line, column) is not None]
    unknown = [line for line in lines if getattr(line, column) is None]
    return sorted(known, key=key, reverse=falling) + unknown


def _as_hour(clock: StoreClock, day: date) -> Hour:
    """Return a business day in the form of an hour: its ends and its offset."""
    starts_at, ends_at = clock.day_bounds(day)
    offset = starts_at.astimezone(clock.zone).utcoffset() or timedelta()
    return Hour(day, day, starts_at, ends_at, int(offset.total_seconds()))


def _lines(store: Store, period: str, spans: Sequence[Hour], now: datetime) -> list[SummaryRow]:
    if not spans:
        return []
    first, last = spans[0].business_day, spans[-1].business_day
    fold_dirty(store, first, last)
    stored = _stored(store, period, {span.business_day for span in spans})
    opened = open_spans(clock_of(store), hours_of(store), spans[0].starts_at, spans[-1].ends_at)
    # A day that a shop's clocks skip is as long as nothing and begins with the next one.
    return [
        _row(span, opened, stored.get((span.business_day, span.starts_at)), now) for span in spans
    ]


def _stored(
    store: Store, period: str, days: Collection[date]
) -> dict[tuple[date, datetime], AnalyticsSummary]:
    first, last = min(days), max(days)
    rows = AnalyticsSummary.objects.filter(
        store=store, period=period, business_day__gte=first, business_day__lte=last
    )
    if len(days) <= (last - first).days:  # there are others between them
        rows = rows.filter(business_day__in=days)
    return {(row.business_day, row.starts_at): row for row in rows}


def _row(
    span: Hour, opened: Sequence[OpenSpan], row: AnalyticsSummary | None, now: datetime
) -> SummaryRow:
    # A zone's camera may have looked while no entrance was seen: then nobody knows who came in.
    known = row is not None and bool(row.observed_ms or row.entries or row.exits)
    steps = row if known else None
    open_so_far_ms = open_ms(opened, span.starts_at, min(span.ends_at, now))
    seen_open_ms = row.observed_open_ms if row else 0
    return SummaryRow(
        business_day=span.business_day,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        utc_offset_s=span.utc_offset_s,
        entries=steps.entries if steps else None,
        exits=steps.exits if steps else None,
        occupancy_end=steps.occupancy_end if steps else None,
        occupancy_peak=steps.occupancy_peak if steps else None,
        visits=row.visits if row else None,
        visit_median_s=row.visit_median_s if row else None,
        zone_stays=row.zone_stays if row else None,
        dwell_median_s=row.dwell_median_s if row else None,
        observed=observed_share(seen_open_ms, open_so_far_ms),
        complete=span.ends_at <= now,
        entries_closed=steps.entries_closed if steps else None,
        exits_closed=steps.exits_closed if steps else None,
        open_ms=open_ms(opened, span.starts_at, span.ends_at),
        observed_open_ms=seen_open_ms,
        open_so_far_ms=open_so_far_ms,
    )
