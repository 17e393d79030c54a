"""Recordings that are counted, redrawn and counted again, for the tests of re-counting."""

from __future__ import annotations

from collections import Counter
from typing import Any

from analytics.models import Bucket, DirtyDay
from tests.tracking import walks
from tracking import facts, recounts, runner
from tracking.models import (
    Chunk,
    Coverage,
    Customer,
    Recording,
    Recount,
    RecountPart,
    Run,
    StoreSequence,
    Track,
    TrackingEvent,
    Visit,
)
from tracking.recounts import recording_recount
from zones.services import line_redraw, zone_redraw

# Further right: of the two who stop at the shelf only the second comes here.
CORNER = [[0.75, 0.7], [0.95, 0.7], [0.95, 1.0], [0.75, 1.0]]
# Across the left half alone: the one who comes in on the right is not seen to.
SHORT = ([0.0, 0.5], [0.6, 0.5])
LOWER = ([0.0, 0.55], [1.0, 0.55])
ROWS: tuple[Any, ...] = (
    Track, TrackingEvent, Visit, Customer, Coverage, Bucket, DirtyDay, StoreSequence, Run,
    Recording, Chunk, RecountPart,
)  # fmt: skip


def counted(files, slug: str = "corner", **store) -> Recording:
    recording = walks.make_detected(walks.make_store(slug, **store), files)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"
    return recording


def redraw(recording: Recording) -> None:
    """Move the shelf to the corner and shorten the entrance line."""
    zone_redraw(zone=recording.camera.zones.get(), vertices=CORNER)
    line_redraw(line=recording.camera.lines.get(), a=SHORT[0], b=SHORT[1])


def fresh_facts(files, name: str = "fresh") -> list[str]:
    """Return the facts of a first count with the new shapes, of the very same pictures."""
    recording = walks.make_detected(walks.make_store(name), files)
    redraw(recording)
    run = recording.runs.get()
    run.setup = recounts._map_of_now(recording)
    run.save()
    runner.work(recording.pk)
    return facts.export_facts(recording.store)


def recount(recording: Recording, **asked) -> Recount:
    made = recording_recount(recording=recording, **asked)
    while recounts.advance(made.pk):
        pass
    made.refresh_from_db()
    return made


def everything() -> list[list[dict[str, Any]]]:
    return [list(model._default_manager.order_by("pk").values()) for model in ROWS]


def numbers(recording: Recording) -> tuple[int, int, int]:
    run = recording.runs.get(active=True)
    kinds = Counter(run.events.values_list("kind", flat=True))
    return kinds["entered"], kinds["exited"], kinds["zone_left"]


def ready_to_switch(recording: Recording) -> Recount:
    redraw(recording)
    made = recording_recount(recording=recording)
    while Run.objects.get(pk=made.new_run_id).next_chunk < recording.chunk_count:
        assert recounts.advance(made.pk, slice_s=1e-6)
    return made
