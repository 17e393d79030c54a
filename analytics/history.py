"""Hours and days as the History page and the API show them, from summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import Store
from analytics.calendar import Hour
from analytics.kpis import histogram_median_s
from analytics.models import DWELL_EDGES_S, AnalyticsSummary
from analytics.rollups import clock_of
from analytics.summaries import Fold, bucket_rows, fold_dirty

Period = AnalyticsSummary.Period


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One hour or day; everything counted is None where nothing was seen."""

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


@dataclass(frozen=True, slots=True)
class History:
    """The hours of a day or of the last 24 hours, with the busiest and the quietest."""

    hours: list[SummaryRow]
    peak: list[SummaryRow]
    slowest: list[SummaryRow]
    totals: Totals


def summary_lines(
    store: Store, period: str, first: date, last: date, now: datetime
) -> list[SummaryRow]:
    """Return every hour or day of the business days from first to last, folding what is behind."""
    clock = clock_of(store)
    if period == Period.HOUR:
        return hour_lines(store, clock.hours_of_days(first, last), now)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    fold_dirty(store, first, last)
    stored = _stored(store, Period.DAY, first, last)
    lines = []
    for day in days:
        starts_at, ends_at = clock.day_bounds(day)
        offset_s = int(
            (starts_at.astimezone(clock.zone).utcoffset() or timedelta()).total_seconds()
        )
        lines.append(_row(day, starts_at, ends_at, offset_s, stored.get(starts_at), now))
    return lines


def hour_lines(store: Store, hours: Sequence[Hour], now: datetime) -> list[SummaryRow]:
    """Return a line for each of these hours, folding what is behind."""
    if not hours:
        return []
    first, last = hours[0].business_day, hours[-1].business_day
    fold_dirty(store, first, last)
    stored = _stored(store, Period.HOUR, first, last)
    return [
        _row(h.business_day, h.starts_at, h.ends_at, h.utc_offset_s, stored.get(h.starts_at), now)
        for h in hours
    ]


def totals_of(store: Store, lines: Sequence[SummaryRow]) -> Totals:
    """Return the totals of lines that follow each other without a hole."""
    seen = [line for line in lines if line.entries is not None]
    if not seen:
        return Totals(None, None, None, None, None, None, None, None)
    whole = Fold()
    for row in bucket_rows(store, lines[0].starts_at, lines[-1].ends_at):
        whole.add(row)
    length_ms = (lines[-1].ends_at - lines[0].starts_at) // timedelta(milliseconds=1)
    return Totals(
        entries=whole.entries,
        exits=whole.exits,
        visits=whole.visits,
        visit_median_s=histogram_median_s(whole.visit_bins, DWELL_EDGES_S),
        zone_stays=whole.stays,
        dwell_median_s=histogram_median_s(whole.stay_bins, DWELL_EDGES_S),
        occupancy_peak=max(line.occupancy_peak or 0 for line in seen),
        observed=round(whole.seen_ms / length_ms, 4) if whole.seen_ms else None,
    )


def history(store: Store, now: datetime, day: date | None = None) -> History:
    """Return the hours of a business day, or of the last 24 hours, with what stands out."""
    clock = clock_of(store)
    hours = clock.hours_of_day(day) if day is not None else clock.hours_until(now)
    lines = hour_lines(store, hours, now)
    return History(
        hours=lines,
        peak=extreme(lines, max),
        slowest=extreme(lines, min),
        totals=totals_of(store, lines),
    )


def extreme(lines: Iterable[SummaryRow], pick: Callable[[Iterable[int]], int]) -> list[SummaryRow]:
    """Return all hours with the most or the least entries, among hours with data.

    An hour that still goes on is not compared with whole ones; alone it is all there is. A busiest
    hour needs somebody to have come in.
    """
    seen = [line for line in lines if line.entries is not None]
    whole = [line for line in seen if line.complete] or seen
    if not whole:
        return []
    best = pick([line.entries or 0 for line in whole])
    if pick is max and best == 0:
        return []
    return [line for line in whole if line.entries == best]


def sorted_lines(lines: Sequence[SummaryRow], order: str) -> list[SummaryRow]:
    """Return the lines by a column, ``-`` for falling; what was not seen comes last either way."""
    column = order.removeprefix("-")
    falling = order.startswith("-")

    def key(line: SummaryRow) -> Any:
        return getattr(line, column), line.starts_at

    known = [line for line in lines if getattr(line, column) is not None]
    unknown = [line for line in lines if getattr(line, column) is None]
    return sorted(known, key=key, reverse=falling) + unknown


def _stored(store: Store, period: str, first: date, last: date) -> dict[datetime, AnalyticsSummary]:
    rows = AnalyticsSummary.objects.filter(
        store=store, period=period, business_day__gte=first, business_day__lte=last
    )
    return {row.starts_at: row for row in rows}


def _row(
    day: date,
    starts_at: datetime,
    ends_at: datetime,
    utc_offset_s: int,
    row: AnalyticsSummary | None,
    now: datetime,
) -> SummaryRow:
    # A zone's camera may have looked while no entrance was seen: then nobody knows who came in.
    known = row is not None and bool(row.observed is not None or row.entries or row.exits)
    steps = row if known else None
    return SummaryRow(
        business_day=day,
        starts_at=starts_at,
        ends_at=ends_at,
        utc_offset_s=utc_offset_s,
        entries=steps.entries if steps else None,
        exits=steps.exits if steps else None,
        occupancy_end=steps.occupancy_end if steps else None,
        occupancy_peak=steps.occupancy_peak if steps else None,
        visits=row.visits if row else None,
        visit_median_s=row.visit_median_s if row else None,
        zone_stays=row.zone_stays if row else None,
        dwell_median_s=row.dwell_median_s if row else None,
        observed=round(row.observed, 4) if row and row.observed is not None else None,
        complete=ends_at <= now,
    )
