"""The ledger: one transaction per counted chunk, and the way back out.

`commit_slice` writes tracks, customers, visits, events, coverage, the sums of the registered sinks
and the checkpoint together or not at all. Locks are taken in one order: the recording's fence, the
store's counter, then what the sinks touch.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Min, QuerySet
from django.db.models.functions import Now

from accounts.models import Store
from tracking import finals, jobs, live
from tracking.bulk import insert_rows
from tracking.faults import fault
from tracking.live_protocol import Hint, Progress, events_hint, picture_hint
from tracking.models import (
    Chunk,
    Coverage,
    Customer,
    Recording,
    Run,
    StoreSequence,
    Track,
    TrackingEvent,
    Visit,
)
from tracking.overlay import pack_path
from tracking.vision.events import TrackEnded
from tracking.visits import EventDraft, VisitBook, VisitDraft
from zones.models import CountingLine, Zone

ROWS = 500  # an INSERT; SQLite takes 32,766 values
COUNTED = (Recording.State.DONE, Recording.State.PARTIAL)
# What an event says of where it comes from, by the source of its recording.
EVENT_SOURCES = {
    Recording.Source.SIMULATED.value: "simulated",
    Recording.Source.CAMERA.value: "camera",
}


class AlreadyCountedError(RuntimeError):
    """The chunk is in the ledger already: the answer to an earlier commit was lost."""


Stays = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Followed:
    """From the first to the last moment of some tracks of a camera."""

    camera_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """What a sink adds (`sign` +1) or takes out again (-1), inside the ledger's transaction."""

    store: Store
    events: list[TrackingEvent]
    visits_closed: list[Visit]
    coverage: list[Coverage]
    sign: int
    # Visits closed in an earlier batch that have gained a stay since, each with the path it had:
    # a stay is reported with its zone's grace after it ended.
    visits_grown: list[tuple[Visit, Stays]] = field(default_factory=list)
    # Where and when the tracks of this batch were followed; they may have begun days before.
    followed: Followed | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a recording ended."""

    state: str
    code: str = ""
    detail: str = ""


@dataclass(slots=True)
class Slice:
    """What counting one chunk gave, in media time and without rows."""

    book: VisitBook
    events: list[EventDraft] = field(default_factory=list)
    tracks: list[TrackEnded] = field(default_factory=list)
    covered_ms: tuple[int, int] | None = None
    overlay: bytes | None = None
    state: bytes = b""
    card: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None


Sink = Callable[[LedgerBatch], None]
_sinks: list[Sink] = []


def register_sink(sink: Sink) -> Sink:
    """Have `sink` called within every ledger transaction that changes the official numbers."""
    if sink not in _sinks:
        _sinks.append(sink)
    return sink


def commit_slice(*, claim: jobs.Claim, run: Run, chunk: Chunk | None, counted: Slice) -> int | None:
    """Write what one chunk gave, in one transaction; return the store's sequence after it.

    Parameters
    ----------
    claim : Claim
        The recording's claim; nothing is written once its fence was raised.
    run : Run
        As loaded when the slice began, with store, recording and camera; its checkpoint columns
        are brought up to date on success.
    chunk : Chunk or None
        The chunk counted; None closes a recording without chunks.
    counted : Slice
        What it gave.

    Raises
    ------
    LeaseLostError
        The recording is another worker's by now, or was cancelled.
    AlreadyCountedError
        The run's checkpoint is past this chunk.
    """
    with transaction.atomic():
        jobs.recording_hold(claim, decoded_ms=F("decoded_ms") + _length_ms(counted.covered_ms))
        fault("after_fence")
        run.active = Run.objects.values_list("active", flat=True).get(pk=run.pk)
        move_checkpoint(run, chunk, counted)
        fault("after_checkpoint")
        batch = write_facts(run, counted)
        if run.active:
            if not batch.events:
                take_sequence(run.store, 0)
            feed(batch)
        fault("after_sinks")
        if chunk is not None:
            Chunk.objects.filter(pk=chunk.pk).update(overlay=counted.overlay)
        if counted.outcome is not None:
            _close(claim, run, counted.outcome)
        fault("before_commit")
        seq = batch.events[-1].seq if batch.events else None
        _tell_on_commit(run, counted, seq)
    fault("after_commit")
    return seq


def run_take_out(run: Run) -> bool:
    """Take an active run's facts out of the official numbers; False when it was out already.

    Its rows stay, marked by the run being inactive. One `recounted` event tells readers of the
    feed that numbers changed behind them.
    """
    with transaction.atomic():
        Recording.objects.filter(pk=run.recording_id).update(fence=F("fence") + 1)
        fault("take_out_after_fence")
        if not Run.objects.filter(pk=run.pk, active=True).update(active=False):
            return False
        run.active = False
        fault("take_out_after_run")
        batch = LedgerBatch(
            run.store,
            events_of(run),
            closed_visits(run),
            coverage_of(run),
            sign=-1,
            followed=followed_in(run),
        )
        recounted = recounted_event(run, take_sequence(run.store, 1))
        fault("take_out_after_event")
        Customer.objects.filter(visits__run=run).update(hidden=True, visit_count=0)
        fault("take_out_after_people")
        feed(batch)
        fault("take_out_after_sinks")
        hint = events_hint(recounted.seq)
        publish_on_commit(run.store, hint, _progress(run.recording_id))
    return True


def recounted_event(run: Run, seq: int) -> TrackingEvent:
    """Write the event that tells readers of the feed that a run's facts count no more."""
    recounted = TrackingEvent(
        public_id=uuid.uuid5(run.public_id, "taken-out"),
        store=run.store,
        seq=seq,
        kind=TrackingEvent.Kind.RECOUNTED,
        at=run.recording.started_at,
        camera=run.recording.camera,
        run=run,
        is_demo=run.recording.is_demo,
    )
    recounted.save(force_insert=True)
    return recounted


def events_of(run: Run) -> list[TrackingEvent]:
    """Return what a run counted, in its own order."""
    events = TrackingEvent.objects.filter(run=run, ordinal__isnull=False)
    return list(events.select_related("line", "zone", "camera").order_by("ordinal"))


def closed_visits(run: Run) -> list[Visit]:
    """Return a run's visits that have an end, in its own order."""
    return list(run.visits.filter(exited_at__isnull=False).order_by("ordinal"))


def coverage_of(run: Run) -> list[Coverage]:
    """Return the spans that a run observed."""
    return list(run.coverage.select_related("camera").order_by("starts_at"))


def followed_in(run: Run) -> Followed | None:
    """Return from when to when a run followed anybody."""
    span = run.tracks.aggregate(first=Min("started_at"), last=Max("ended_at"))
    if span["first"] is None:
        return None
    return Followed(run.recording.camera_id, span["first"], span["last"])


def take_sequence(store: Store, count: int) -> int:
    """Bump the store's counter by `count` and return the first number taken.

    The counter is a row: it stays locked until the transaction ends, so numbers become visible in
    order. A database sequence hands them out in order and commits them out of it. Whoever feeds the
    sinks without an event takes none and holds it all the same: a switch passes over the sums
    twice, so two at once could each wait for a bucket of the other.
    """
    rows = StoreSequence.objects.filter(store=store)
    if not rows.update(value=F("value") + count):
        StoreSequence.objects.bulk_create([StoreSequence(store=store)], ignore_conflicts=True)
        rows.update(value=F("value") + count)
    return rows.values_list("value", flat=True).get() - count + 1


def publish(store: Store, *hints: Hint) -> None:
    """Send hints to whoever watches a store; they are hints, so nothing fails without them."""
    for hint in hints:
        live.publish(store.public_id, hint)


def publish_progress(recording_id: int) -> None:
    """Tell watchers how far a recording is."""
    recording = Recording.objects.select_related("store").get(pk=recording_id)
    publish(recording.store, _progress(recording_id))


def move_checkpoint(run: Run, chunk: Chunk | None, counted: Slice) -> None:
    """Move the run past the chunk, provided it still stands before it."""
    before = run.next_chunk
    changes: dict[str, Any] = {
        "next_ordinal": run.next_ordinal + len(counted.events),
        "next_visit": counted.book.next_visit,
        "tracker_state": counted.state,
        "card": run.card | counted.card,
    }
    if chunk is not None:
        changes |= {"next_chunk": chunk.index + 1, "counted_to_ms": chunk.last_ms}
    if not Run.objects.filter(pk=run.pk, next_chunk=before).update(**changes):
        raise AlreadyCountedError(f"Run {run.public_id} is past part {before + 1}.")


def write_facts(run: Run, counted: Slice) -> LedgerBatch:
    """Write the rows of a slice, within the transaction that moves the checkpoint."""
    insert_rows([_track(run, track) for track in counted.tracks])
    fault("after_tracks")
    visits, closed, grown = _write_visits(run, counted)
    fault("after_visits")
    events = _events(run, counted.events, visits)
    if run.active and events:
        _number(events, run.store)
    insert_rows(events)
    fault("after_events")
    coverage = _coverage(run, counted.covered_ms)
    Coverage.objects.bulk_create(coverage)
    fault("after_coverage")
    return LedgerBatch(
        run.store, events, closed, coverage, 1, visits_grown=grown, followed=_followed(run, counted)
    )


def _followed(run: Run, counted: Slice) -> Followed | None:
    if not counted.tracks:
        return None
    first = min(track.started_ms for track in counted.tracks)
    last = max(track.ended_ms for track in counted.tracks)
    return Followed(run.recording.camera_id, _at(run, first), _at(run, last))


def _write_visits(
    run: Run, counted: Slice
) -> tuple[dict[int, Visit], list[Visit], list[tuple[Visit, Stays]]]:
    """Write new and changed visits; return those that events name, those closed, those grown."""
    book = counted.book
    customers = _write_customers(run, book)
    named = {event.visit for event in counted.events if event.visit is not None}
    opened = set(book.opened)
    older = (named | set(book.changed)) - opened
    rows = {visit.ordinal: visit for visit in run.visits.filter(ordinal__in=older)}
    was_open = opened | {ordinal for ordinal, row in rows.items() if row.exited_at is None}
    paths_before = {ordinal: row.path for ordinal, row in rows.items()}
    for ordinal, draft in book.changed.items():
        row = rows.setdefault(ordinal, Visit(store=run.store, run=run, ordinal=ordinal))
        _fill_visit(row, run, draft)
        row.customer = customers[draft.chain]
    new = [rows[ordinal] for ordinal in sorted(opened)]
    Visit.objects.bulk_create(new, ROWS)
    changed = [rows[ordinal] for ordinal in sorted(set(book.changed) - opened)]
    Visit.objects.bulk_update(
        changed, ["exited_at", "duration_ms", "path", "inferred"], batch_size=ROWS
    )
    closed = [
        rows[ordinal]
        for ordinal in sorted(book.changed)
        if ordinal in was_open and rows[ordinal].exited_at is not None
    ]
    grown = [
        (rows[ordinal], paths_before[ordinal])
        for ordinal in sorted(book.changed)
        if ordinal not in was_open and rows[ordinal].path != paths_before[ordinal]
    ]
    return rows, closed, grown


def _write_customers(run: Run, book: VisitBook) -> dict[int, Customer]:
    """Write the customers of the chains whose visits changed; return them by chain."""
    customers: dict[int, Customer] = {}
    for chain in sorted({draft.chain for draft in book.changed.values()}):
        visits = book.visits[chain]
        last_ms = max(visit.seen_ms for visit in visits)
        customers[chain] = Customer(
            public_id=uuid.uuid5(run.public_id, f"customer/{chain}"),
            store=run.store,
            first_seen=_at(run, visits[0].entered_ms),
            last_seen=_at(run, last_ms),
            visit_count=len(visits) if run.active else 0,
            hidden=not run.active,
        )
    Customer.objects.bulk_create(
        list(customers.values()),
        ROWS,
        update_conflicts=True,
        unique_fields=["public_id"],
        update_fields=["last_seen", "visit_count"],
    )
    return customers


def _fill_visit(row: Visit, run: Run, draft: VisitDraft) -> None:
    row.public_id = uuid.uuid5(run.public_id, f"visit/{draft.ordinal}")
    row.chain = draft.chain
    row.entered_at = _at(run, draft.entered_ms)
    row.inferred = draft.inferred
    row.staff = row.staff or draft.staff
    if draft.exited_ms is not None:
        row.exited_at = _at(run, draft.exited_ms)
        row.duration_ms = draft.exited_ms - draft.entered_ms
    row.path = [
        {
            "zone": stay.zone_key,
            "entered_at": _at(run, stay.entered_ms).isoformat(timespec="milliseconds"),
            "left_at": _at(run, stay.left_ms).isoformat(timespec="milliseconds"),
            "dwell_ms": stay.dwell_ms,
            "censored": stay.censored,
        }
        for stay in draft.stays
    ]


def _track(run: Run, track: TrackEnded) -> Track:
    heights = sorted(height for _, height in track.boxes_px)
    return Track(
        public_id=uuid.uuid5(run.public_id, f"track/{track.track_number}"),
        run=run,
        number=track.track_number,
        chain=track.chain or track.track_number,
        started_at=_at(run, track.started_ms),
        ended_at=_at(run, track.ended_ms),
        path=pack_path(track.path),
        height_px=float(heights[len(heights) // 2]) if heights else 0.0,
        confidence=track.confidence,
        joint_apart=track.joint.apart if track.joint else None,
        joint_taller=track.joint.taller if track.joint else None,
        joint_unlike=track.joint.unlike if track.joint else None,
    )


def _events(
    run: Run, drafts: Sequence[EventDraft], visits: dict[int, Visit]
) -> list[TrackingEvent]:
    recording = run.recording
    zones = _by_key(Zone.objects.filter(camera=recording.camera)) if drafts else {}
    lines = _by_key(CountingLine.objects.filter(camera=recording.camera)) if drafts else {}
    # By primary key: to set a related row takes as long as all the rest of an event.
    return [
        TrackingEvent(
            public_id=uuid.uuid5(run.public_id, f"event/{ordinal}"),
            store_id=run.store_id,
            kind=draft.kind,
            at=_at(run, draft.time_ms),
            camera_id=recording.camera_id,
            zone_id=zones.get(draft.zone_key),
            line_id=lines.get(draft.line_key),
            direction=draft.direction,
            run_id=run.pk,
            ordinal=ordinal,
            track_number=draft.track_number,
            visit_id=None if draft.visit is None else visits[draft.visit].pk,
            since=None if draft.since_ms is None else _at(run, draft.since_ms),
            dwell_ms=draft.dwell_ms,
            censored=draft.censored,
            source=EVENT_SOURCES.get(recording.source, "video"),
            is_demo=recording.is_demo,
        )
        for ordinal, draft in enumerate(drafts, start=run.next_ordinal)
    ]


def _by_key(rows: QuerySet[Any]) -> dict[str | None, int]:
    """Return the primary keys of shapes by what names them in a run's map."""
    return {str(public_id): pk for public_id, pk in rows.values_list("public_id", "pk")}


def _number(events: Sequence[TrackingEvent], store: Store) -> None:
    """Give events their places in the store's feed."""
    for seq, event in enumerate(events, start=take_sequence(store, len(events))):
        event.seq = seq


def _coverage(run: Run, covered_ms: tuple[int, int] | None) -> list[Coverage]:
    if not _length_ms(covered_ms):
        return []
    assert covered_ms is not None
    starts_at, ends_at = (_at(run, time_ms) for time_ms in covered_ms)
    return [Coverage(camera=run.recording.camera, run=run, starts_at=starts_at, ends_at=ends_at)]


def _length_ms(covered_ms: tuple[int, int] | None) -> int:
    return 0 if covered_ms is None else max(0, covered_ms[1] - covered_ms[0])


def feed(batch: LedgerBatch) -> None:
    """Hand a batch to every sink, inside the transaction."""
    for sink in _sinks:
        sink(batch)


def _close(claim: jobs.Claim, run: Run, outcome: Outcome) -> None:
    jobs.recording_finish(claim, outcome.state, outcome.code, outcome.detail)
    Run.objects.filter(pk=run.pk).update(finished_at=Now())
    if outcome.state in COUNTED:
        finals.final_begin(run)


def _at(run: Run, time_ms: int) -> Any:
    return run.recording.started_at + timedelta(milliseconds=time_ms)


def _progress(recording_id: int) -> Progress:
    """Return the hint of how far a recording is: seeing and counting weigh the same."""
    recording = Recording.objects.get(pk=recording_id)
    total = max(1, recording.chunk_count)
    counted = Run.objects.filter(recording=recording, active=True).values_list("next_chunk")
    seen = Chunk.objects.filter(recording=recording, state="done").count()
    share = (seen + (counted[0][0] if counted else 0)) / (2 * total)
    return {
        "type": "progress",
        "recording": str(recording.public_id),
        "state": recording.state,
        "progress": round(min(1.0, share), 4),
    }


def _tell_on_commit(run: Run, counted: Slice, seq: int | None) -> None:
    hints: list[Hint] = [_progress(run.recording_id)]
    if seq is not None:
        hints.insert(0, events_hint(seq))
    if counted.overlay is not None and counted.covered_ms is not None:
        hints.append(picture_hint(run.recording.public_id, *counted.covered_ms))
    publish_on_commit(run.store, *hints)


def publish_on_commit(store: Store, *hints: Hint) -> None:
    """Send hints once the transaction is committed."""
    transaction.on_commit(lambda: publish(store, *hints), robust=True)
