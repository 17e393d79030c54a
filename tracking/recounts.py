"""Counting a recording again, from its stored detections, after zones or lines were redrawn.

The shapes that hold when a person asks apply to the whole recording, from its first frame to its
last: that is what asking for it means. (A redrawn shape by itself applies from its own instant
on.) The official numbers stay those of the old run until the new one is complete; then they change
at once, see `tracking.switch`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone as clock

from accounts.models import User
from accounts.services import audit_record
from tracking import finals, jobs, ledger, room, runner, whole
from tracking.faults import fault
from tracking.ledger import Slice
from tracking.models import (
    OPEN_JOBS,
    Chunk,
    Customer,
    JobState,
    Recording,
    Recount,
    Run,
    Track,
    TrackingEvent,
    Visit,
)
from tracking.problems import Problem
from tracking.recount_words import WHOLE_KNOWN, changes_between
from tracking.stopping import check_stop
from tracking.switch import ROWS, SupersededError, commit_part, run_switch
from tracking.vision.errors import BadSetupError
from tracking.vision.pipeline import PipelineParams
from tracking.vision.setup import SceneSetup
from zones.selectors import SceneShapes, shapes_now

log = structlog.get_logger(__name__)

State = Recording.State
# A still picture has no crossings, and of a simulated day nothing was ever detected.
WITHOUT_DETECTIONS = (Recording.Source.IMAGE, Recording.Source.SIMULATED)
# So many runs are removed at the most before other work has its turn.
AT_ONCE = 20


def recording_recount(*, recording: Recording, user: User | None = None) -> Recount:
    """Have a counted recording counted again with the zones and lines of now.

    Asked twice for the same map it returns the same re-count; with another map by now the open one
    is dropped for a new one.

    Raises
    ------
    Problem
        `not_recountable`, `detections_gone`, `somebody_erased` or `bad_camera_map`.
    """
    with transaction.atomic():
        held = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        run = run_to_replace(held)
        setup = _map_of_now(held)
        final = finals.card_again(held, run)
        open_one = held.recounts.filter(state__in=OPEN_JOBS).select_related("new_run").first()
        if open_one is not None and _asks_for(open_one, setup, final):
            return open_one
        changes = changes_between(run.setup, setup)
        recount = recount_begin(held, run, setup, final, user, changes)
        fault("recount_made")
        if user is not None:
            detail = {"recording": str(held.public_id), "changes": recount.changes}
            audit_record(
                action="recording.recount",
                actor=user,
                store=held.store,
                subject=held.name,
                detail=detail,
            )
    return recount


def run_to_replace(recording: Recording) -> Run:
    run = recording.runs.filter(active=True).first()
    is_counted = recording.state in {State.DONE, State.PARTIAL}
    if run is None or not is_counted or recording.source in WITHOUT_DETECTIONS:
        raise Problem("not_recountable")
    known = Q(state=JobState.DONE, detections__isnull=False)
    if recording.source == Recording.Source.CAMERA:
        known |= Q(state=JobState.QUARANTINED)  # nothing seen, now as before
    kept = recording.chunks.filter(known).count()
    if kept < recording.chunk_count:
        erased = Visit.objects.filter(run=run, erased_at__isnull=False).exists()
        raise Problem("somebody_erased" if erased else "detections_gone")
    return run


def _map_of_now(recording: Recording) -> dict[str, Any]:
    """Return the shapes of now as the recording's map, each without an end in time."""
    shapes = shapes_now(camera=recording.camera, at=clock.now())
    size = {"width": recording.media["width"], "height": recording.media["height"]}
    try:
        setup = SceneSetup.from_json(size | asdict(_for_ever(shapes)))
    except BadSetupError as error:
        raise Problem("bad_camera_map", why=error) from error
    as_stored: dict[str, Any] = json.loads(json.dumps(setup.to_json()))
    return as_stored


def _for_ever(shapes: SceneShapes) -> SceneShapes:
    return SceneShapes(
        zones=tuple(replace(each, valid_from_ms=None, valid_to_ms=None) for each in shapes.zones),
        lines=tuple(replace(each, valid_from_ms=None, valid_to_ms=None) for each in shapes.lines),
    )


def _asks_for(recount: Recount, setup: dict[str, Any], final: dict[str, Any]) -> bool:
    """Whether an open re-count has this map and is, or is not, a final count."""
    is_final = recount.new_run.mode == Run.Mode.RECORDING
    return recount.new_run.setup == setup and is_final == bool(final)


def recount_begin(
    recording: Recording,
    run: Run,
    setup: dict[str, Any],
    final: dict[str, Any],
    user: User | None,
    changes: list[str],
) -> Recount:
    """Let a re-count wait: its run, not active, with the map and what its card says of a final one.

    It takes the place of an open one, or one set aside, whose card is read before: links that it
    was to undo stay undone. The caller holds the recording's lock.
    """
    gone = ("final", finals.TOLD_APART)
    card = {name: value for name, value in run.card.items() if not name.startswith(gone)}
    card |= {
        "code_version": settings.CODE_VERSION,
        "params": PipelineParams.for_detector(run.card["detector"]["name"]).to_json(),
    }
    mode = Run.Mode.RECORDING if final else Run.Mode.LIVE
    ways = [] if mode == run.mode else [WHOLE_KNOWN if final else finals.AS_IT_CAME]
    new = Run(
        store=recording.store,
        recording=recording,
        mode=mode,
        active=False,
        card=card | final | finals.kept_apart(recording, run, final),
        setup=setup,
    )
    new.full_clean()
    new.save()
    jobs.recount_cancel(recording)
    return Recount.objects.create(
        store=recording.store,
        recording=recording,
        old_run=run,
        new_run=new,
        changes=[*changes, *ways],
        created_by=user,
    )


def is_open(recount_id: int) -> bool:
    """Whether a re-count still waits to be worked."""
    return Recount.objects.filter(pk=recount_id, state__in=OPEN_JOBS).exists()


def advance(recount_id: int, slice_s: float | None = None) -> bool:
    """Count the next chunks again, switch when none is left; return whether more is to do.

    While the disk is low it waits, as all work does; beat rings once there is room.
    """
    if room.disk_low():
        return False
    claim = jobs.recount_claim(recount_id)
    if claim is None:
        return False
    with jobs.held(claim), _superseded(claim):
        _make_known(claim)
        deadline = time.monotonic() + (settings.SLICE_S if slice_s is None else slice_s)
        claim.check()
        while _step(claim) and time.monotonic() < deadline and not room.disk_low():
            claim.check()
        jobs.give_back(claim)
    goes_on = is_open(recount_id)
    if not goes_on or claim.lost.is_set():
        whole.forget()
    return goes_on and not room.disk_low()


def work(recording: Recording) -> None:
    """Work a recording's open re-count to its end in this process, beside any worker that helps."""
    while made := recording.recounts.filter(state__in=OPEN_JOBS).first():
        check_stop()
        try:
            went_on = advance(made.pk)
        except Exception:
            log.exception("step_failed", step="advance_recount", id=made.pk)
            continue  # the error is on the row by now, which is tried again or set aside
        if not went_on and is_open(made.pk):
            time.sleep(0.2)  # the rest is in other hands


def _make_known(claim: jobs.Claim) -> None:
    """Go through all of a recording first where the run is one that knows it."""
    run = Recount.objects.select_related("new_run").get(pk=claim.pk).new_run
    is_counted = run.next_chunk >= run.recording.chunk_count
    if run.mode == Run.Mode.RECORDING and not is_counted:
        whole.know(run)


def _count(run: Run, chunk: Chunk) -> Slice:
    if run.mode == Run.Mode.RECORDING:
        return whole.know(run)[chunk.index]
    return runner.count_chunk(run, chunk)


def _step(claim: jobs.Claim) -> bool:
    """Count one chunk or switch; return whether there is another step."""
    related = ("store", "old_run__store", "new_run__store", "old_run__recording__camera",
               "new_run__recording__camera", "recording")  # fmt: skip
    recount = Recount.objects.select_related(*related).get(pk=claim.pk)
    if not recount.old_run.active:
        raise SupersededError(f"Run {recount.old_run.public_id} counts no more.")
    run = recount.new_run
    if run.next_chunk >= recount.recording.chunk_count:
        whole.forget()
        run_switch(claim=claim, recount=recount)
        return False
    chunk = Chunk.objects.get(recording=recount.recording_id, index=run.next_chunk)
    counted = _count(run, chunk)
    fault("recount_after_counted")
    try:
        commit_part(claim=claim, recount=recount, chunk=chunk, counted=counted)
    except ledger.AlreadyCountedError as error:
        log.info("already_counted", why=str(error))
    ledger.publish_progress(recount.recording_id)
    return True


@contextmanager
def _superseded(claim: jobs.Claim) -> Iterator[None]:
    """Drop a re-count whose old run counts no more: the recording was replaced meanwhile."""
    try:
        yield
    except SupersededError as error:
        log.info("recount_dropped", recount=claim.pk, why=str(error))
        jobs.recount_drop(claim)


def recounts_forget() -> int:
    """Remove the runs of re-counts that nobody needs any more; return of how many.

    One that was cancelled leaves rows that no number, feed or list has; so does one that was set
    aside, which asking for a later one cancels. Its worker, if it still lives, is refused by the
    fence. A run that counts is never removed, whatever the state says.
    """
    left = Recount.objects.filter(state=JobState.CANCELLED, new_run__active=False)
    runs = [recount.new_run for recount in left.select_related("new_run").order_by("pk")[:AT_ONCE]]
    for run in runs:
        _forget(run)
    if runs:
        log.info("recounts_forgotten", runs=len(runs))
    return len(runs)


def _forget(run: Run) -> None:
    """Remove a run that never counted, some rows at a time: others write meanwhile.

    Its customers are its own: the old run's are handed over by the switch alone.
    """
    kinds = (
        TrackingEvent.objects.filter(run=run),
        Customer.objects.filter(visits__run=run),
        Visit.objects.filter(run=run),
        Track.objects.filter(run=run),
    )
    for rows in kinds:
        while some := list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS]):
            rows.model._default_manager.filter(pk__in=some).delete()
    run.delete()  # with its re-count, and the overlays that were never drawn
