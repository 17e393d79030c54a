"""A usual week: who comes in at each hour of each weekday, from the weeks before.

Pure but for `usual_week`, which reads summaries. A cell is the median of like hours: of one weekday
of the store's calendar and one time on its clock, over, open for equally long, seen to 95 % or
more. Of a time that occurs twice in a night the second is left out: no other night has it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from accounts.models import Store
from analytics.history import SummaryRow, summary_lines
from analytics.models import AnalyticsSummary

# So many weeks at the least, the last one included; more where the span asked for is longer.
WEEKS_AT_LEAST = 4
WEEKDAYS = 7
DAY_MINUTES = 24 * 60
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of one weekday; `value` is None where it was closed or never seen well."""

    weekday: int
    # As the clock on the wall shows its start: 13:00.
    hour: str
    value: float | None
    # How many hours the value rests on, and how many open ones are left out of it.
    rests_on: int
    left_out: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class UsualWeek:
    """The cells by hour of the business day and weekday, Monday first."""

    first: date
    last: date
    hours: Sequence[str]
    cells: Sequence[Cell]
    # Business days of which at least one hour is in it.
    days: int
    most: float | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """An open hour as a cell takes it."""

    day: date
    entries: int
    counts: bool
    # Its length and its open time, milliseconds: hours are alike where both are.
    kind: tuple[int, int]


def usual_week(store: Store, first: date, last: date, now: datetime) -> UsualWeek:
    """Return the usual week of the weeks that end with a span of business days."""
    days = (last - first).days + 1
    weeks = max(WEEKS_AT_LEAST, -(-days // WEEKDAYS))
    begins = last - weeks * WEEKDAYS * ONE_DAY + ONE_DAY
    lines = summary_lines(store, AnalyticsSummary.Period.HOUR, begins, last, now)
    return week_of(lines, ZoneInfo(store.timezone))


def week_of(lines: Sequence[SummaryRow], zone: ZoneInfo) -> UsualWeek:
    """Return the usual week of hours that follow each other, oldest first."""
    found: dict[tuple[int, str], list[_Seen]] = defaultdict(list)
    order: set[str] = set()
    for line in lines:
        local = line.starts_at.astimezone(zone)
        name = f"{local:%H:%M}"
        if not local.fold:
            order.add(name)
            if line.open_ms:
                found[line.business_day.weekday(), name].append(_seen(line))
    used: set[date] = set()
    begins = _begins(lines, zone)
    hours = sorted(order, key=lambda name: (_minute(name) - begins) % DAY_MINUTES)
    cells = [
        _cell(weekday, hour, found.get((weekday, hour), []), used)
        for hour in hours
        for weekday in range(WEEKDAYS)
    ]
    known = [cell.value for cell in cells if cell.value is not None]
    shown = _between_the_known(hours, {c.hour for c in cells if c.value is not None})
    return UsualWeek(
        first=lines[0].business_day,
        last=lines[-1].business_day,
        hours=shown,
        cells=[cell for cell in cells if cell.hour in shown],
        days=len(used),
        most=max(known, default=None),
    )


def _begins(lines: Sequence[SummaryRow], zone: ZoneInfo) -> int:
    """Return the minute of the clock at which business days begin, all but those of a change."""
    first: dict[date, int] = {}
    for line in lines:
        first.setdefault(line.business_day, _minute(f"{line.starts_at.astimezone(zone):%H:%M}"))
    return Counter(first.values()).most_common(1)[0][0]


def _minute(name: str) -> int:
    return int(name[:2]) * 60 + int(name[3:])


def _seen(line: SummaryRow) -> _Seen:
    length_ms = (line.ends_at - line.starts_at) // timedelta(milliseconds=1)
    kind = (length_ms, line.open_ms)
    return _Seen(line.business_day, line.entries_open or 0, line.well_seen, kind)


def _cell(weekday: int, hour: str, seen: Sequence[_Seen], used: set[date]) -> Cell:
    """Return the median of the like hours among these, and note their days."""
    kinds = Counter(each.kind for each in seen if each.counts)
    # Where opening hours changed midway, as many are alike before as after: the newer ones count.
    newest = {each.kind: each.day for each in seen if each.counts}
    kind = max(kinds, key=lambda one: (kinds[one], newest[one]), default=None)
    alike = [each for each in seen if each.counts and each.kind == kind]
    used.update(each.day for each in alike)
    return Cell(
        weekday=weekday,
        hour=hour,
        value=float(median(each.entries for each in alike)) if alike else None,
        rests_on=len(alike),
        left_out=len(seen) - len(alike),
        is_open=bool(seen),
    )


def _between_the_known(hours: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the hours from the first to the last of which anything is known."""
    places = [hours.index(hour) for hour in known]
    return list(hours[min(places) : max(places) + 1]) if places else []
