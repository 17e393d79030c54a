"""The events behind a number: the very facts that the sums add up, newest first.

A list is read page by page from where the last one ended and never counted as a whole:
`found_up_to` looks at no more rows than it is told to, to tell whether both agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F, Max, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from accounts.models import Store
from tracking.models import Recording, Run, TrackingEvent
from tracking.selectors import OFFICIAL
from zones.models import Camera, CountingLine

Kind = TrackingEvent.Kind
Span = tuple[datetime, datetime]  # from its first instant to the first one after it
Place = tuple[datetime, int]  # instant and primary key of the event that a page ended with

ROWS = 50
# So many spans in one statement: SQLite takes an expression of a depth of 1,000.
SPANS_A_STATEMENT = 100
# What is decoded may be longer than what the file declares.
SLACK = timedelta(days=1)
# A counter outside has no recording that would end its stays: so long is the longest it may tell.
LONGEST_TOLD = timedelta(days=7)
STEP_KINDS = {"in": Kind.ENTERED, "out": Kind.EXITED}
TOLD_KINDS = (Kind.CORRECTED, Kind.OCCUPANCY_RESET)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which facts, by the rules that the sums are made by.

    Attributes
    ----------
    store : Store
        Whose facts.
    spans : tuple of (datetime, datetime)
        When, the oldest first and apart; of stays, when they began.
    directions : tuple of str
        Steps over lines, "in" and "out"; empty for none.
    line_kind : str
        Over lines of this kind.
    told : bool
        Also what people told of who is inside.
    zones : tuple of int
        Finished stays in these zones (primary keys); empty for none.
    censored : bool or None
        Of stays, those of which an end was not seen, those seen whole, or both.
    line, camera : CountingLine, Camera or None
        Only of this one.
    run : Run or None
        Only what this run counted, whenever: then `spans` may be empty.
    """

    store: Store
    spans: tuple[Span, ...] = ()
    directions: tuple[str, ...] = ()
    line_kind: str = CountingLine.Kind.ENTRANCE.value
    told: bool = False
    zones: tuple[int, ...] = ()
    censored: bool | None = None
    line: CountingLine | None = None
    camera: Camera | None = None
    run: Run | None = None


def evidence_page(
    wanted: Wanted, after: Place | None = None, rows: int = ROWS
) -> tuple[list[TrackingEvent], Place | None]:
    """Return a page of the facts, newest first, and where the next page goes on."""
    found: list[TrackingEvent] = []
    older = Q() if after is None else Q(at__lt=after[0]) | Q(at=after[0], pk__lt=after[1])
    for events in _newest_first(wanted):
        found += _with_names(events.filter(older))[: rows + 1 - len(found)]
        if len(found) > rows:
            last = found[rows - 1]
            return found[:rows], (last.at, last.pk)
    return found, None


def found_up_to(wanted: Wanted, most: int) -> int:
    """Return how many facts there are, `most` + 1 where there are more; reads no more rows."""
    found = 0
    for events in _newest_first(wanted):
        found += events[: most + 1 - found].count()
        if found > most:
            break
    return found


def _newest_first(wanted: Wanted) -> Iterator[QuerySet[TrackingEvent]]:
    """Yield the facts in pieces of time, each newest first."""
    facts = _facts(wanted)
    if wanted.run is not None and not wanted.spans:
        # Its own time, so that nobody walks to it through all that happened since.
        recording = wanted.run.recording
        begin, end = recording.started_at - SLACK, recording.ended_at + SLACK
        yield facts.filter(at__gte=begin, at__lt=end)
        return
    spans = list(reversed(wanted.spans))
    for start in range(0, len(spans), SPANS_A_STATEMENT):
        some = spans[start : start + SPANS_A_STATEMENT]
        yield _began_within(wanted, facts, some) if wanted.zones else _within(facts, some)


def _facts(wanted: Wanted) -> QuerySet[TrackingEvent]:
    events = TrackingEvent.objects.filter(OFFICIAL, store=wanted.store).order_by("-at", "-pk")
    if wanted.run is not None:
        events = events.filter(run=wanted.run)
    for name in ("line", "camera"):
        if (chosen := getattr(wanted, name)) is not None:
            events = events.filter(**{name: chosen})
    which = Q(kind__in=TOLD_KINDS) if wanted.told else Q(pk=None)
    if wanted.directions:
        which |= _steps(wanted)
    if wanted.zones:
        stays = Q(kind=Kind.ZONE_LEFT, camera__isnull=False, line=None, zone__in=wanted.zones)
        which |= stays if wanted.censored is None else stays & Q(censored=wanted.censored)
    return events.filter(which)


def _steps(wanted: Wanted) -> Q:
    """Return the steps that count: one row each, though an entrance's step is told twice.

    That is `crossed`, whatever its line was then; only where a run's own numbers are asked for it
    is what the run called came in and went out, whatever its line is now.
    """
    if wanted.run is not None:
        return Q(kind__in=[STEP_KINDS[direction] for direction in wanted.directions])
    crossed = Q(kind=Kind.CROSSED, direction__in=wanted.directions)
    return crossed & Q(line__kind=wanted.line_kind, camera__isnull=False)


def _within(events: QuerySet[TrackingEvent], spans: Sequence[Span]) -> QuerySet[TrackingEvent]:
    """Return the events in these spans, newest first; the bounds of all let an index be used."""
    first, last = spans[-1][0], spans[0][1]
    within = events.filter(at__gte=first, at__lt=last)
    return within.filter(_any(spans, "at")) if len(spans) > 1 else within


def _began_within(
    wanted: Wanted, events: QuerySet[TrackingEvent], spans: Sequence[Span]
) -> QuerySet[TrackingEvent]:
    """Return the stays that began in these spans; they are told when they end."""
    began = events.annotate(began=Coalesce("since", F("at") - _stayed(), F("at")))
    first, last = spans[-1][0], spans[0][1]
    # A stay ends with its recording at the latest, so nothing later has to be looked through.
    running = Recording.objects.filter(store=wanted.store, started_at__lt=last, ended_at__gt=last)
    until = running.aggregate(until=Max("ended_at"))["until"] or last
    ends_at = max(until + SLACK, last + LONGEST_TOLD)
    return began.filter(_any(spans, "began"), at__gte=first, at__lt=ends_at)


def _stayed() -> ExpressionWrapper[Any]:
    """Return how long a stay was as a span of time, which SQLite keeps as microseconds."""
    sqlite = connection.vendor == "sqlite"
    unit = Value(1000) if sqlite else Value(timedelta(milliseconds=1))
    return ExpressionWrapper(F("dwell_ms") * unit, output_field=DurationField())


def _any(spans: Sequence[Span], column: str) -> Q:
    which = Q(pk=None)
    for starts_at, ends_at in spans:
        which |= Q(**{f"{column}__gte": starts_at, f"{column}__lt": ends_at})
    return which


def _with_names(events: QuerySet[TrackingEvent]) -> QuerySet[TrackingEvent]:
    """Return events with everything a row of the list names."""
    return events.select_related("camera", "zone", "line").only(
        "public_id", "kind", "at", "direction", "dwell_ms", "censored", "value", "source",
        "is_demo", "camera__name", "zone__name", "zone__colour", "line__name", "line__kind",
    )  # fmt: skip
