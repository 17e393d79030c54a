"""All that is held about a person, as plain JSON: to be given to whoever asks for their own."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry, Store
from tracking.clients import code_of
from tracking.finals import told_apart
from tracking.links import link_at, linked_tracks
from tracking.models import Chunk, Customer, Recording, Run, Track, TrackingEvent, Visit
from tracking.overlay import BadOverlayError, unpack_path
from zones.models import Zone

FORM = "oskartrack/person/1"
DECIMALS = 4
_MILLISECOND = timedelta(milliseconds=1)
Told = dict[str, Any]


def held_about_client(customer: Customer, now: datetime) -> Told:
    """Return all that is held about a client, visits of earlier counts too."""
    visits = _visits(Visit.objects.filter(customer=customer))
    return _held(customer.store, customer, visits, now)


def held_about_visit(visit: Visit, now: datetime) -> Told:
    """Return all that is held about one visit, and its client where it has one."""
    visits = _visits(Visit.objects.filter(pk=visit.pk))
    return _held(visit.store, visits[0].customer, visits, now)


def _visits(visits: QuerySet[Visit]) -> list[Visit]:
    related = visits.select_related("customer", "run__recording__camera")
    return list(related.defer("run__tracker_state", "run__setup").order_by("entered_at", "pk"))


def _held(store: Store, customer: Customer | None, visits: list[Visit], now: datetime) -> Told:
    """Return it in one form for both."""
    zones = Zone.objects.filter(camera__store=store).values_list("public_id", "name")
    names = {str(public_id): name for public_id, name in zones}
    people = {(visit.run.pk, visit.chain): visit.run for visit in visits}
    recordings = {visit.run.recording.pk: visit.run.recording for visit in visits}
    return {
        "form": FORM,
        "told_at": _at(now),
        "store": {"id": str(store.public_id), "name": store.name, "timezone": store.timezone},
        "client": None if customer is None else _client(customer),
        "visits": [_visit(visit, names) for visit in visits],
        "ways": [way for (_, chain), run in people.items() for way in _ways(run, chain)],
        "links": [link for (_, chain), run in people.items() for link in _links(run, chain)],
        "pictures": [_pictures(recording) for recording in recordings.values()],
        "log": _log(store, customer, visits),
    }


def _client(customer: Customer) -> Told:
    face = customer.face_encoding
    return {
        "id": str(customer.public_id),
        "code": code_of(customer.public_id),
        "first_seen": _at(customer.first_seen),
        "last_seen": _at(customer.last_seen),
        "visit_count": customer.visit_count,
        "notes": customer.notes,
        "demographics": customer.demographics,
        "consent": customer.consent,
        "face_encoding": None if face is None else base64.b64encode(bytes(face)).decode(),
    }


def _visit(visit: Visit, zones: dict[str, str]) -> Told:
    recording = visit.run.recording
    return {
        "id": str(visit.public_id),
        "recording": {
            "id": str(recording.public_id),
            "name": recording.name,
            "camera": recording.camera.name,
            "made_up": recording.is_demo,
        },
        "run": str(visit.run.public_id),
        "counts": visit.run.active,
        "entered_at": _at(visit.entered_at),
        "exited_at": _at(visit.exited_at),
        "duration_ms": visit.duration_ms,
        "end_seen": visit.exited_at is not None and not visit.inferred,
        "staff": visit.staff,
        "erased_at": _at(visit.erased_at),
        "stays": [stay | {"zone_name": zones.get(stay["zone"])} for stay in visit.path],
        "events": [_event(event) for event in _events(visit)],
    }


def _events(visit: Visit) -> Iterable[TrackingEvent]:
    """Return what was told of a visit, and of the same person outside any visit of that count."""
    own = Q(visit=visit) | Q(visit=None, track_number=visit.chain)
    events = TrackingEvent.objects.filter(own, run=visit.run, ordinal__isnull=False)
    return events.select_related("zone", "line").order_by("ordinal")


def _event(event: TrackingEvent) -> Told:
    return {
        "id": str(event.public_id),
        "kind": event.kind,
        "at": _at(event.at),
        "zone": event.zone.name if event.zone else None,
        "line": event.line.name if event.line else None,
        "direction": event.direction or None,
        "since": _at(event.since),
        "dwell_ms": event.dwell_ms,
        "whole": not event.censored,
    }


def _ways(run: Run, chain: int) -> list[Told]:
    tracks = Track.objects.filter(run=run, chain=chain).order_by("number")
    return [
        {
            "id": str(track.public_id),
            "run": str(run.public_id),
            "number": track.number,
            "started_at": _at(track.started_at),
            "ended_at": _at(track.ended_at),
            "height_px": track.height_px,
            "confidence": track.confidence,
            "path": _points(track),
        }
        for track in tracks
    ]


def _points(track: Track) -> list[list[float]]:
    """Return foot points as media milliseconds, x and y as fractions of the frame."""
    try:
        points = unpack_path(bytes(track.path))
    except BadOverlayError:
        return []
    return [[ms, round(x, DECIMALS), round(y, DECIMALS)] for ms, x, y in points]


def _links(run: Run, chain: int) -> list[Told]:
    """Return why ways were taken for one person's, and which were told apart from them."""
    made = [link_at(track) for track in linked_tracks(run).filter(chain=chain).order_by("number")]
    told = [
        {
            "run": str(run.public_id),
            "joined": True,
            "ended_at": _at(link.ended_at),
            "began_at": _at(link.began_at),
            "apart": link.apart,
            "taller": link.taller,
            "unlike": link.unlike,
        }
        for link in made
    ]
    start = run.recording.started_at
    ends = Track.objects.filter(run=run, chain=chain).values_list("started_at", "ended_at")
    known = {(at - start) // _MILLISECOND for pair in ends for at in pair}
    parted = told_apart(run.recording, run) if run.active else []
    return told + [
        {
            "run": str(run.public_id),
            "joined": False,
            "ended_at": _at(start + lost * _MILLISECOND),
            "began_at": _at(start + found * _MILLISECOND),
            "apart": None,
            "taller": None,
            "unlike": None,
        }
        for lost, found in parted
        if known & {lost, found}
    ]


def _pictures(recording: Recording) -> Told:
    """Return whether a film is kept that may show the person, and how many pixelated pictures."""
    kept = bool(recording.folder)
    chunks = Chunk.objects.filter(recording=recording)
    indexes = chunks.values_list("preview_index", flat=True) if kept else ()
    return {
        "recording": str(recording.public_id),
        "film_kept": kept,
        "pixelated_pictures": sum(len(index) for index in indexes),
        "detections_kept": chunks.filter(detections__isnull=False).exists(),
    }


def _log(store: Store, customer: Customer | None, visits: list[Visit]) -> list[Told]:
    """Return what the audit log has about the person: what was done, and when."""
    ids = [visit.public_id for visit in visits]
    codes = {code_of(one) for one in [*ids, *([customer.public_id] if customer else [])]}
    of_people = Q(action__startswith="client.") | Q(action__startswith="visit.")
    entries = AuditEntry.objects.filter(of_people, store=store, subject__in=codes).order_by("at")
    return [{"at": _at(entry.at), "action": entry.action} for entry in entries]


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
