"""A store's facts by their natural keys, for comparing one way of counting with another.

Left out on purpose: primary keys, public ids, places in the feed and bookkeeping times, which
differ between two equal counts. Only active runs are exported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from accounts.models import Store
from tracking.models import Coverage, Recording, Run, Track, TrackingEvent, Visit
from zones.models import Zone

Fact = dict[str, Any]
Exporter = Callable[[Store], Iterable[Fact]]
_exporters: list[Exporter] = []


def register_exporter(exporter: Exporter) -> Exporter:
    """Have a room's own facts exported too: dictionaries with a name under "fact"."""
    if exporter not in _exporters:
        _exporters.append(exporter)
    return exporter


def export_facts(store: Store) -> list[str]:
    """Return every fact of a store as one line of JSON, sorted."""
    facts = [*_recordings(store), *_runs(store), *_outside_events(store)]
    facts += [fact for exporter in _exporters for fact in exporter(store)]
    return sorted(json.dumps(fact, sort_keys=True, ensure_ascii=False) for fact in facts)


def _recordings(store: Store) -> Iterator[Fact]:
    for recording in Recording.objects.filter(store=store).select_related("camera"):
        yield _key(recording) | {
            "fact": "recording",
            "state": recording.state,
            "error": recording.error_code,
            "declared_ms": recording.declared_ms,
            "decoded_ms": recording.decoded_ms,
            "chunks": recording.chunk_count,
        }


def _runs(store: Store) -> Iterator[Fact]:
    runs = Run.objects.filter(store=store, active=True).select_related("recording__camera")
    zones = dict(Zone.objects.filter(camera__store=store).values_list("public_id", "name"))
    names = {str(public_id): name for public_id, name in zones.items()}
    for run in runs:
        key = _key(run.recording)
        yield key | {"fact": "run", "counted_to_ms": run.counted_to_ms, "next": run.next_ordinal}
        yield from (key | _track(track) for track in run.tracks.all())
        events = run.events.select_related("zone", "line", "visit")
        yield from (key | _event(event) for event in events)
        for visit in run.visits.select_related("customer"):
            yield key | _visit(visit, names)
            yield key | _customer(visit)
        yield from (key | _coverage(span) for span in run.coverage.all())


def _outside_events(store: Store) -> Iterator[Fact]:
    """Yield events of sensors and people, which belong to no run."""
    events = TrackingEvent.objects.filter(store=store, run=None)
    for event in events.select_related("zone", "line", "visit"):
        yield _event(event) | {"client_key": event.client_key}


def _key(recording: Recording) -> Fact:
    return {"camera": recording.camera.name, "recording": _instant(recording.started_at)}


def _track(track: Track) -> Fact:
    return {
        "fact": "track",
        "number": track.number,
        "chain": track.chain,
        "started_at": _instant(track.started_at),
        "ended_at": _instant(track.ended_at),
        "path": hashlib.sha256(bytes(track.path)).hexdigest(),
        "height_px": track.height_px,
        "confidence": track.confidence,
    }


def _event(event: TrackingEvent) -> Fact:
    return {
        "fact": "event",
        "ordinal": event.ordinal,
        "kind": event.kind,
        "at": _instant(event.at),
        "zone": event.zone.name if event.zone else None,
        "line": event.line.name if event.line else None,
        "direction": event.direction,
        "track": event.track_number,
        "visit": event.visit.ordinal if event.visit else None,
        "since": _instant(event.since),
        "dwell_ms": event.dwell_ms,
        "censored": event.censored,
        "value": event.value,
        "source": event.source,
        "in_feed": event.seq is not None,
    }


def _visit(visit: Visit, zone_names: dict[str, str]) -> Fact:
    return {
        "fact": "visit",
        "ordinal": visit.ordinal,
        "chain": visit.chain,
        "entered_at": _instant(visit.entered_at),
        "exited_at": _instant(visit.exited_at),
        "duration_ms": visit.duration_ms,
        "path": [stay | {"zone": zone_names.get(stay["zone"])} for stay in visit.path],
        "inferred": visit.inferred,
        "staff": visit.staff,
    }


def _customer(visit: Visit) -> Fact:
    """Return the customer of a visit; one with several visits appears as often, alike."""
    customer = visit.customer
    return {"fact": "customer", "chain": visit.chain} | (
        {}
        if customer is None
        else {
            "first_seen": _instant(customer.first_seen),
            "last_seen": _instant(customer.last_seen),
            "visit_count": customer.visit_count,
            "hidden": customer.hidden,
        }
    )


def _coverage(span: Coverage) -> Fact:
    starts_at, ends_at = _instant(span.starts_at), _instant(span.ends_at)
    return {"fact": "coverage", "starts_at": starts_at, "ends_at": ends_at}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")
