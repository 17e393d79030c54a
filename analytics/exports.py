"""What an export holds: exactly what the page shows, all of its pages, in its order.

Each maker takes a store and a checked question and returns the rows that the page's own selector
returns. A table with a totals row keeps it, as its last; the first column tells it from the others,
so a sum over the file can leave it out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from rest_framework import serializers

from accounts.models import Store
from analytics.comparisons import Compared
from analytics.export_files import KINDS, Column, Kind, Table
from analytics.history import (
    SummaryRow,
    Totals,
    compared_lines,
    history,
    sorted_lines,
    summary_lines,
    totals_of,
)
from analytics.kpi_numbers import Period, kpi_numbers
from analytics.rollups import clock_of
from analytics.serializers import KpiSerializer
from tracking.models import TrackingEvent
from tracking.selectors import OFFICIAL
from zones.models import Zone

# Events that are read from the database at once.
EVENTS_AT_ONCE = 2000
TOTAL = "total"
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Export:
    """A table with the name of its file, without the ending."""

    table: Table
    file_name: str


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for; a store's days from first to last, a day, or the last 24 hours."""

    now: datetime
    day: date | None = None
    first: date | None = None
    last: date | None = None
    order: str = ""
    kinds: Sequence[str] = ()
    recording: UUID | None = None
    zone: Zone | None = None
    compare: str | None = None


def columns_of(row: type) -> tuple[Column, ...]:
    """Return a column for every plain value of a dataclass, in its order."""
    hints = get_type_hints(row)
    columns = []
    for each in fields(row):
        hint = hints[each.name]
        told = [part for part in get_args(hint) if part is not NoneType] or [hint]
        if len(told) == 1 and told[0] in KINDS:
            columns.append(Column(each.name, KINDS[told[0]]))
    return tuple(columns)


# --- Hours and days ---------------------------------------------------------------------------

# It grows while an hour goes on, so no two looks at it are alike; the share seen is worked out.
APART = ("open_so_far_ms",)
SUMMARY_COLUMNS = tuple(each for each in columns_of(SummaryRow) if each.name not in APART)


def hours_export(store: Store, asked: Question) -> Export:
    """Return the table of the History page, or the same of several business days."""
    other = None
    if asked.first is not None and asked.last is not None:
        lines = summary_lines(store, "hour", asked.first, asked.last, asked.now)
        totals = totals_of(store, lines)
        if asked.compare:
            days = (asked.first, asked.last)
            other = compared_lines(store, days, lines, asked.compare, asked.now)
    else:
        found = history(store, asked.now, asked.day, asked.compare)
        lines, totals, other = found.hours, found.totals, found.compared
    table = summary_table(store, sorted_lines(lines, asked.order), totals, "hour")
    if other is not None:
        table = _beside(table, other)
    return Export(table, _file_name(store, "hours", asked))


def _beside(table: Table, other: Compared) -> Table:
    """Return hours with who came in during the like hour that each is compared with."""
    there = {pair.starts_at: pair.there for pair in other.pairs}
    at = [column.name for column in table.columns].index("starts_at")
    rows = [[*row, other.there if row[0] == TOTAL else there.get(row[at])] for row in table.rows]
    return replace(table, columns=(*table.columns, Column("there", Kind.WHOLE)), rows=rows)


def days_export(store: Store, asked: Question) -> Export:
    """Return business days with their totals."""
    assert asked.first is not None
    assert asked.last is not None
    lines = summary_lines(store, "day", asked.first, asked.last, asked.now)
    totals = totals_of(store, lines)
    table = summary_table(store, sorted_lines(lines, asked.order), totals, "day")
    return Export(table, _file_name(store, "days", asked))


def summary_table(store: Store, lines: Sequence[SummaryRow], totals: Totals, row: str) -> Table:
    """Return hours or days as a table that ends with its totals."""
    names = [column.name for column in SUMMARY_COLUMNS]
    rows = [[row, *(getattr(line, name) for name in names)] for line in lines]
    rows.append([TOTAL, *(getattr(totals, name, None) for name in names)])
    return Table((Column("row", Kind.TEXT), *SUMMARY_COLUMNS), rows, ZoneInfo(store.timezone))


# --- Events -----------------------------------------------------------------------------------

# The name in the API, what it holds, and where it is read; "" is worked out of the others.
EVENT_COLUMNS = (
    ("id", Kind.TEXT, "public_id"),
    ("seq", Kind.WHOLE, "seq"),
    ("kind", Kind.TEXT, "kind"),
    ("at", Kind.TIME, "at"),
    ("camera", Kind.TEXT, "camera__name"),
    ("zone", Kind.TEXT, "zone__name"),
    ("line", Kind.TEXT, "line__name"),
    ("direction", Kind.TEXT, "direction"),
    ("dwell_s", Kind.NUMBER, "dwell_ms"),
    ("stay_s", Kind.NUMBER, "visit__duration_ms"),
    ("censored", Kind.FLAG, "censored"),
    ("value", Kind.WHOLE, "value"),
    ("run", Kind.TEXT, "run__public_id"),
    ("recording", Kind.TEXT, "run__recording__public_id"),
    ("track", Kind.WHOLE, "track_number"),
    ("media_ms", Kind.WHOLE, "run__recording__started_at"),
    ("source", Kind.TEXT, "source"),
)


def events_export(store: Store, asked: Question) -> Export:
    """Return the events that make the numbers, newest first, read a part at a time."""
    table = Table(
        tuple(Column(name, kind) for name, kind, _ in EVENT_COLUMNS),
        event_rows(store, asked),
        ZoneInfo(store.timezone),
    )
    return Export(table, _file_name(store, "events", asked))


def event_rows(store: Store, asked: Question) -> Iterator[list[Any]]:
    """Yield the events of a span as the columns name them.

    On PostgreSQL they come through a cursor on the server's side, on SQLite by its own stepping:
    however many there are, `EVENTS_AT_ONCE` of them are here at a time, and all are of one moment.
    """
    since, until = span_of(store, asked)
    told = OFFICIAL | Q(kind=TrackingEvent.Kind.RECOUNTED)
    events = TrackingEvent.objects.filter(told, store=store, at__gte=since, at__lt=until)
    if asked.kinds:
        events = events.filter(kind__in=asked.kinds)
    if asked.recording is not None:
        events = events.filter(run__recording__public_id=asked.recording)
    read = events.order_by("-at", "-pk").values_list(*(source for _, _, source in EVENT_COLUMNS))
    for found in read.iterator(chunk_size=EVENTS_AT_ONCE):
        yield _event_row(found)


def _event_row(found: Sequence[Any]) -> list[Any]:
    row = list(found)
    kind, at, dwell_ms, stay_ms, started_at = row[2], row[3], row[8], row[9], row[15]
    row[7] = row[7] or None
    row[8] = None if dwell_ms is None else dwell_ms / 1000
    row[9] = stay_ms / 1000 if kind == TrackingEvent.Kind.EXITED and stay_ms is not None else None
    row[15] = None if started_at is None else (at - started_at) // _MILLISECOND
    row[0], row[12], row[13] = (None if row[n] is None else str(row[n]) for n in (0, 12, 13))
    return row


# --- The Dashboard ----------------------------------------------------------------------------

# What the API tells of a key number becomes a column by its kind of field; JSON stays JSON.
FIELD_KINDS: dict[type, Kind] = {
    serializers.CharField: Kind.TEXT,
    serializers.FloatField: Kind.NUMBER,
    serializers.BooleanField: Kind.FLAG,
    serializers.JSONField: Kind.TEXT,
}
VALUE = "value"


def kpis_export(store: Store, asked: Question) -> Export:
    """Return the key numbers with all that the API tells of them, in the Dashboard's order."""
    assert asked.first is not None
    assert asked.last is not None
    found = kpi_numbers(Period(store, asked.first, asked.last, asked.zone, asked.now))
    columns = tuple(
        Column(name, Kind.NUMBER if name == VALUE else FIELD_KINDS[type(field)])
        for name, field in KpiSerializer().fields.items()
    )
    told = KpiSerializer(found, many=True).data
    rows = [[_plain(kpi[column.name]) for column in columns] for kpi in told]
    return Export(Table(columns, rows, ZoneInfo(store.timezone)), _file_name(store, "kpis", asked))


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


# --- What all have in common --------------------------------------------------------------------


def span_of(store: Store, asked: Question) -> tuple[datetime, datetime]:
    """Return the first instant of the span and the first one after it."""
    clock = clock_of(store)
    if asked.first is not None and asked.last is not None:
        return clock.day_starts_at(asked.first), clock.day_bounds(asked.last)[1]
    if asked.day is not None:
        return clock.day_bounds(asked.day)
    hours = clock.hours_until(asked.now)
    return hours[0].starts_at, hours[-1].ends_at


def _file_name(store: Store, what: str, asked: Question) -> str:
    """Return shop, contents and days in letters that every file system takes."""
    if asked.first is not None and asked.last is not None:
        days = f"{asked.first}" if asked.first == asked.last else f"{asked.first}_to_{asked.last}"
    elif asked.day is not None:
        days = f"{asked.day}"
    else:
        days = f"24h-to-{asked.now.astimezone(ZoneInfo(store.timezone)):%Y-%m-%d-%H%M}"
    return f"{store.slug}_{what}_{days}"


Maker = Callable[[Store, Question], Export]
MAKERS: dict[str, Maker] = {
    "hours": hours_export,
    "days": days_export,
    "events": events_export,
    "kpis": kpis_export,
}
