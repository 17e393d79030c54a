"""What counters outside tell: door sensors, other systems. Each key counts once.

Whoever tells a key again with the same content changes nothing; with another content it is
refused, since an event that counted is never rewritten. Late and out of order is as good as any.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store, User
from accounts.services import audit_record
from tracking.bulk import insert_rows
from tracking.ledger import LedgerBatch, feed, publish_on_commit, take_sequence
from tracking.live_protocol import events_hint
from tracking.models import Coverage, TrackingEvent
from zones.models import Camera, CountingLine, Zone

Kind = TrackingEvent.Kind
# Sources of our own: nobody outside speaks in their name.
OURS = ("video", "person", "simulated")
ROWS_AT_MOST = 1000
LONGEST_SPAN = timedelta(days=31)
# Of all spans of a batch: the store's counter is held while they go into the sums.
SPANS_AT_MOST = timedelta(days=366)
# Clocks differ; a moment ahead is still now.
AHEAD = timedelta(minutes=1)
TOLD_OTHERWISE = "This key told something else before. Tell what is new under a new key."
TWICE_IN_ONE = "This key is in the batch twice, with two contents."
TO_COME = "This time is still to come. Check the counter's clock."


@dataclass(frozen=True, slots=True)
class Told:
    """One row of a batch: somebody crossed a line, or left a zone after a stay.

    Parameters
    ----------
    row : int
        Its place in the batch, from 0, by which it is answered for.
    client_key : str
        The sender's own name of the event.
    line, zone : uuid.UUID or None
        One of the two.
    direction : str
        `in` or `out` over the line.
    dwell_ms : int or None
        Length of the stay in the zone, which ended `at`.
    """

    row: int
    client_key: str
    at: datetime
    line: uuid.UUID | None = None
    direction: str = ""
    zone: uuid.UUID | None = None
    dwell_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A span in which a counter was at work: without it an hour without people is not seen."""

    row: int
    camera: uuid.UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(slots=True)
class Report:
    """What became of a batch: rows taken, known before, and those refused with the reason."""

    taken: int = 0
    known: int = 0
    watched_ms: int = 0
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
    refused_spans: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Places:
    """The lines, zones and cameras of a store that a batch names."""

    lines: dict[uuid.UUID, CountingLine]
    zones: dict[uuid.UUID, Zone]
    cameras: dict[uuid.UUID, Camera]


@transaction.atomic
def events_take(
    *,
    store: Store,
    source: str,
    told: Sequence[Told],
    watched: Sequence[Watched],
    user: User | None,
    now: datetime,
) -> Report:
    """Write what a counter tells, each key once, in one transaction with the sums.

    The store's counter is held from the start: of two senders of one key the second finds it.
    Without a user it was an administrator who let the topic of a broker tell of the store.

    Raises
    ------
    ValidationError
        The source bears a name of ours, or the spans are more than a year together.
    """
    _check(source, watched)
    take_sequence(store, 0)
    places, report = _places(store, told, watched), Report()
    events = list(_named(_new_events(store, source, told, places, now, report)))
    first = take_sequence(store, len(events))
    for seq, event in enumerate(events, start=first):
        event.seq = seq
    insert_rows(events)
    coverage = _new_spans(watched, places, now, report)
    Coverage.objects.bulk_create(coverage)
    if events or coverage:
        feed(LedgerBatch(store, events, [], coverage, sign=1))
        detail = {"taken": report.taken, "watched_ms": report.watched_ms, "source": source}
        audit_record(action="events.told", actor=user, store=store, detail=detail)
    if events:
        publish_on_commit(store, events_hint(events[-1].seq))
    return report


def _check(source: str, watched: Sequence[Watched]) -> None:
    if source in OURS:
        wrong = f"'{source}' is a name of ours. Call the counter its own."
        raise ValidationError({"source": wrong})
    # What is too long or ends before it begins is refused by itself.
    lengths = (span.ends_at - span.starts_at for span in watched)
    if sum((one for one in lengths if one <= LONGEST_SPAN), timedelta(0)) > SPANS_AT_MOST:
        wrong = f"Tell {SPANS_AT_MOST.days} days of spans at a time, and the rest in another batch."
        raise ValidationError({"watched": wrong})


def _places(store: Store, told: Sequence[Told], watched: Sequence[Watched]) -> _Places:
    lines = CountingLine.objects.filter(
        camera__store=store, public_id__in={one.line for one in told if one.line}
    )
    zones = Zone.objects.filter(
        camera__store=store, public_id__in={one.zone for one in told if one.zone}
    )
    cameras = Camera.objects.filter(store=store, public_id__in={span.camera for span in watched})
    return _Places(
        {line.public_id: line for line in lines.select_related("camera")},
        {zone.public_id: zone for zone in zones.select_related("camera")},
        {camera.public_id: camera for camera in cameras},
    )


def _new_events(
    store: Store,
    source: str,
    told: Sequence[Told],
    places: _Places,
    now: datetime,
    report: Report,
) -> list[TrackingEvent]:
    keys = {one.client_key for one in told}
    stored = TrackingEvent.objects.filter(store=store, source=source, client_key__in=keys)
    known = {event.client_key: event for event in stored}
    in_batch: set[str] = set()
    events = []
    for one in told:
        event = _event(store, source, one, places, now)
        if isinstance(event, tuple):
            report.refused[one.row] = event
            continue
        before = known.setdefault(one.client_key, event)
        if before is event:
            in_batch.add(one.client_key)
            events.append(event)
        elif _content(before) == _content(event):
            report.known += 1
        else:
            why = TWICE_IN_ONE if one.client_key in in_batch else TOLD_OTHERWISE
            report.refused[one.row] = ("client_key", why)
    report.taken = len(events)
    return events


def _event(
    store: Store, source: str, told: Told, places: _Places, now: datetime
) -> TrackingEvent | tuple[str, str]:
    """Return the event of a row, or the field that is wrong and why."""
    if told.at > now + AHEAD:
        return "at", TO_COME
    event = TrackingEvent(
        public_id=uuid.uuid4(),
        store=store,
        at=told.at,
        source=source,
        client_key=told.client_key,
        is_demo=store.is_demo,
        received_at=now,
    )
    if told.line is not None:
        line = places.lines.get(told.line)
        if line is None:
            return "line", "This shop has no such line."
        event.line, event.camera, event.direction = line, line.camera, told.direction
        event.kind = Kind.CROSSED
        return event
    zone = places.zones.get(told.zone) if told.zone else None
    if zone is None:
        return "zone", "This shop has no such zone."
    event.zone, event.camera, event.kind = zone, zone.camera, Kind.ZONE_LEFT
    event.dwell_ms = told.dwell_ms or 0
    event.since = told.at - timedelta(milliseconds=event.dwell_ms)
    return event


def _named(events: Iterable[TrackingEvent]) -> Iterator[TrackingEvent]:
    """Yield events, behind a step over an entrance who came in or went out, as a run tells it.

    `crossed` has the key and is what counts; the other names it in the feed.
    """
    for event in events:
        yield event
        if event.line is not None and event.line.kind == CountingLine.Kind.ENTRANCE:
            named = copy(event)
            named.public_id, named.client_key = uuid.uuid4(), None
            named.kind = Kind.ENTERED if event.direction == "in" else Kind.EXITED
            yield named


def _content(event: TrackingEvent) -> tuple[object, ...]:
    """Return what one key may tell only once."""
    return event.at, event.line_id, event.direction, event.zone_id, event.dwell_ms


def _new_spans(
    watched: Iterable[Watched], places: _Places, now: datetime, report: Report
) -> list[Coverage]:
    """Return what of the spans no counter has told yet, so that a span told twice counts once.

    What a video saw of it stays in: sums count that once, whichever comes first and whether the
    video's count is replaced or taken out.
    """
    new: list[Coverage] = []
    for span in watched:
        if (wrong := _span_problem(span, places, now)) is not None:
            report.refused_spans[span.row] = wrong
            continue
        camera = places.cameras[span.camera]
        taken = [(one.starts_at, one.ends_at) for one in new if one.camera_id == camera.pk]
        before = Coverage.objects.filter(run=None, camera=camera)
        meeting = before.filter(starts_at__lt=span.ends_at, ends_at__gt=span.starts_at)
        taken += list(meeting.values_list("starts_at", "ends_at"))
        for starts_at, ends_at in _rest(span.starts_at, span.ends_at, taken):
            new.append(Coverage(camera=camera, starts_at=starts_at, ends_at=ends_at))
            report.watched_ms += (ends_at - starts_at) // timedelta(milliseconds=1)
    return new


def _span_problem(span: Watched, places: _Places, now: datetime) -> tuple[str, str] | None:
    if span.camera not in places.cameras:
        return "camera", "This shop has no such camera."
    if span.ends_at > now + AHEAD:
        return "to", TO_COME
    if not timedelta(0) < span.ends_at - span.starts_at <= LONGEST_SPAN:
        return "to", "A span ends after it begins, within 31 days."
    return None


def _rest(
    starts_at: datetime, ends_at: datetime, taken: list[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    """Return the parts of a span that none of the others covers, in order."""
    rest = []
    for begun, ended in sorted(taken):
        if begun > starts_at:
            rest.append((starts_at, min(begun, ends_at)))
        starts_at = max(starts_at, ended)
        if starts_at >= ends_at:
            return rest
    return [*rest, (starts_at, ends_at)]
