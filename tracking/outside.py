"""Facts that no film of ours holds, by the ledger's own functions.

A simulated day is a recording without a file and without chunks, so no worker ever claims it, and
one run. What it tells enters slice by slice: numbered, summed and fed as a counted chunk is, and
taken out as any run is. Its camera's minutes are taken, as by any recording.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Store
from tracking import ledger
from tracking.ledger import Slice
from tracking.live_protocol import events_hint
from tracking.models import Customer, Recording, Run, TrackingEvent, Visit
from tracking.recordings import overlapping
from tracking.vision.setup import SceneSetup
from zones.models import Camera
from zones.selectors import shapes_now

SIMULATED = Recording.Source.SIMULATED
# The frame that made-up people walk in; nothing is ever drawn at this size.
FRAME = {"width": 1280, "height": 720}
_MILLISECOND = timedelta(milliseconds=1)


class OutsideGoneError(RuntimeError):
    """The run's facts count no more: somebody took them out meanwhile."""


class MinutesTakenError(ValidationError):
    """Another recording counts some of the same minutes of the camera."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is about to be told: whose picture it would be, of when, and how it is called."""

    camera: Camera
    public_id: uuid.UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    card: dict[str, Any]


def map_now(camera: Camera, at: datetime) -> SceneSetup:
    """Return the zones and lines that a camera has at an instant, as a run keeps them."""
    shapes = shapes_now(camera=camera, at=at)
    whole = FRAME | asdict(shapes)
    for shape in (*whole["zones"], *whole["lines"]):
        shape |= {"valid_from_ms": None, "valid_to_ms": None}
    return SceneSetup.from_json(whole)


def outside_begin(told: Told, setup: SceneSetup) -> Run:
    """Make the recording and the run that facts are about to be told of.

    Raises
    ------
    MinutesTakenError
        Another recording of the camera counts some of the same minutes.
    """
    length_ms = (told.ends_at - told.starts_at) // _MILLISECOND
    recording = Recording(
        store=told.camera.store,
        camera=told.camera,
        public_id=told.public_id,
        name=told.name,
        source=SIMULATED,
        media=dict(FRAME),
        started_at=told.starts_at,
        ended_at=told.ends_at,
        declared_ms=length_ms,
        state=Recording.State.DONE,
        is_demo=True,
        # In a list it stands where its day does, not before what was counted since.
        created_at=told.ends_at,
        finished_at=told.ends_at,
    )
    detector = {"name": "simulated", "title": "Simulated", "note": "Made up: no camera saw it."}
    card = {"code_version": settings.CODE_VERSION, "detector": detector} | told.card
    with transaction.atomic():
        Camera.objects.select_for_update(no_key=True).get(pk=told.camera.pk)
        if (other := overlapping(recording).first()) is not None:
            raise MinutesTakenError(
                f"Camera '{told.camera.name}' has '{other.name}' of the same minutes as "
                f"'{told.name}'; nothing is counted twice. Simulate a store of its own, or up to "
                "an earlier instant (--until)."
            )
        recording.save()
        return Run.objects.create(
            public_id=uuid.uuid5(recording.public_id, "run"),
            store=told.camera.store,
            recording=recording,
            mode=Run.Mode.RECORDING,
            card=card,
            setup=setup.to_json(),
        )


def outside_commit(run: Run, told: Slice) -> int | None:
    """Write a slice of facts in one transaction; return the store's sequence after it.

    Locks are taken in the ledger's order: the recording, the store's counter, the buckets.

    Raises
    ------
    OutsideGoneError
        The run's facts were taken out meanwhile.
    """
    covered_ms = 0 if told.covered_ms is None else told.covered_ms[1] - told.covered_ms[0]
    with transaction.atomic():
        Recording.objects.filter(pk=run.recording_id).update(
            fence=F("fence") + 1, decoded_ms=F("decoded_ms") + covered_ms
        )
        if not Run.objects.filter(pk=run.pk, active=True).exists():
            raise OutsideGoneError(f"Run {run.public_id} counts no more.")
        ledger.move_checkpoint(run, None, told)
        batch = ledger.write_facts(run, told)
        if not batch.events:
            ledger.take_sequence(run.store, 0)
        ledger.feed(batch)
        seq = batch.events[-1].seq if batch.events else None
        if seq is not None:
            ledger.publish_on_commit(run.store, events_hint(seq))
    run.next_ordinal += len(told.events)
    return seq


def outside_finish(run: Run, at: datetime, ends_at: datetime | None = None) -> None:
    """Note that all was told, at an earlier end perhaps: only then is the run whole."""
    recording = run.recording
    if ends_at is not None:
        recording.ended_at = recording.finished_at = recording.created_at = ends_at
        recording.declared_ms = (ends_at - recording.started_at) // _MILLISECOND
        recording.save(update_fields=["ended_at", "finished_at", "created_at", "declared_ms"])
    length_ms = (recording.ended_at - recording.started_at) // _MILLISECOND
    Run.objects.filter(pk=run.pk).update(finished_at=at, counted_to_ms=length_ms)


def simulated_of(store: Store) -> QuerySet[Recording]:
    """Return what was simulated in a store, the oldest first."""
    recordings = Recording.objects.filter(store=store, source=SIMULATED)
    return recordings.select_related("store", "camera").order_by("started_at", "pk")


def outside_remove(recordings: Iterable[Recording]) -> int:
    """Take simulated recordings out of the numbers and remove all that they told.

    Each goes by itself; after an interruption the rest goes with the next call.
    """
    removed = 0
    for recording in recordings:
        runs = list(recording.runs.select_related("store", "recording__camera"))
        for run in runs:
            ledger.run_take_out(run)
        with transaction.atomic():
            _forget(recording, runs)
        removed += 1
    return removed


def _forget(recording: Recording, runs: list[Run]) -> None:
    """Remove the rows of a recording whose runs count no more."""
    visits = Visit.objects.filter(run__in=runs)
    people = set(visits.exclude(customer=None).values_list("customer_id", flat=True))
    TrackingEvent.objects.filter(run__in=runs).delete()
    visits.delete()
    _forget_people(people)
    recording.delete()


def _forget_people(people: set[int]) -> None:
    """Remove the customers that no visit is left of."""
    wanted = sorted(people)
    for start in range(0, len(wanted), ledger.ROWS):
        some = Customer.objects.filter(pk__in=wanted[start : start + ledger.ROWS])
        some.filter(visits=None).delete()
