"""Working a recording: `detect` sees one chunk, `advance` counts the next ones in order.

Detection is a pure function of the file, the chunk's bounds and the detector's settings, so it
runs anywhere, twice, in any order. Counting goes chunk by chunk through the ledger; its whole
state is the checkpoint on the run, so whoever comes next goes on from there.

A slice of counting stops after 45 s. A chunk, about ten seconds of media, is the smallest piece of
detection: on a small machine it may take longer, then its lease is renewed until it is through.
"""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from tracking import jobs, ledger, media, overlay, room, segments
from tracking.faults import fault
from tracking.ledger import AlreadyCountedError, Outcome, Slice
from tracking.models import OPEN_JOBS, Chunk, JobState, Recording, Run
from tracking.sandbox import detect_chunk
from tracking.stopping import check_stop
from tracking.vision import detections
from tracking.vision.errors import MediaError
from tracking.vision.events import Event, TrackEnded
from tracking.vision.pipeline import Pipeline, PipelineParams
from tracking.vision.results import ChunkResult
from tracking.vision.setup import SceneSetup
from tracking.visits import VisitBook

log = structlog.get_logger(__name__)

# A recording is counted in part when this much of what it declares was not decoded.
SHORT_BY_MS = 500
SHORT_SHARE = 0.05  # and of a short one already when this share was not
BOUNDS = ("index", "first_ms", "last_ms", "keyframe_ms")  # of `tracking.vision.frames`
STATE = struct.Struct("<4sI")  # magic, length of the visits' part
STATE_MAGIC = b"OTR1"


class FileMissingError(RuntimeError):
    """The recording's media file is not where it was put."""

    code = "file_gone"


def detect(chunk_id: int) -> int | None:
    """Find the people of one chunk and save them; return the recording's id.

    None when the chunk was not ours to work, stopped being ours on the way, or the disk is low:
    then it waits, and beat rings for it once there is room. One that workers died on too often is
    set aside instead, and its recording is to be looked at like after any other.
    """
    if room.disk_low():
        return None
    claim = jobs.chunk_claim(chunk_id)
    if claim is None:
        return _set_aside_of(chunk_id)
    chunk = Chunk.objects.select_related("recording").get(pk=chunk_id)
    structlog.contextvars.bind_contextvars(recording=chunk.recording_id)
    began = time.monotonic()
    with jobs.held(claim) as holding:
        try:
            result = _see(chunk)
        except FileMissingError as gone:
            # A second look brings no file back: said once, and the recording is set aside with it.
            log.warning(gone.code, chunk=chunk.pk, why=str(gone))
            jobs.set_aside(claim, gone.code, str(gone))
            return chunk.recording_id
        fault("after_detect")
        claim.check()
        _save(claim, chunk, result, began)
    fault("after_chunk_saved")
    if holding.lost.is_set():
        return None
    ledger.publish_progress(chunk.recording_id)
    return chunk.recording_id


def _set_aside_of(chunk_id: int) -> int | None:
    """Return the open recording of a chunk that is set aside; None of any other chunk."""
    spent = Chunk.objects.filter(pk=chunk_id, state=JobState.QUARANTINED)
    open_ones = spent.filter(recording__state__in=jobs.OPEN)
    return open_ones.values_list("recording_id", flat=True).first()


def _save(claim: jobs.Claim, chunk: Chunk, result: ChunkResult, began: float) -> None:
    """Write the chunk's pictures, then the row that names them; detected twice, they are the same.

    Parameters
    ----------
    began : float
        When the work did, on the clock of `time.monotonic`.
    """
    if result.previews:
        name = overlay.previews_name(chunk.index)
        media.write_file(chunk.recording.folder, name, result.previews)
    fault("after_previews")
    jobs.chunk_done(
        claim,
        detections=result.detections,
        frames=result.frames,
        searched=detections.searched(result.detections),
        decoded_to_ms=result.decoded_to_ms,
        broken=result.broken,
        error_code="broken" if result.broken else "",
        preview_index=[list(entry) for entry in result.preview_index],
        detect_ms=round((time.monotonic() - began) * 1000),
    )


def advance(recording_id: int, slice_s: float | None = None) -> bool:
    """Count the next chunks that are detected; return whether more are ready by now.

    Whoever saves a chunk calls this. When it finds the recording taken, the holder looks again
    after letting go, so a chunk that became ready in between is never left behind.
    """
    deadline = time.monotonic() + (settings.SLICE_S if slice_s is None else slice_s)
    while is_ready(recording_id) and not room.disk_low():
        claim = jobs.recording_claim(recording_id)
        if claim is None:
            return False
        with jobs.held(claim):
            _count_ready(claim, deadline)
            jobs.give_back(claim)
        if time.monotonic() >= deadline:
            return is_ready(recording_id)
    return False


def is_ready(recording_id: int) -> bool:
    """Whether an open recording's next chunk waits to be counted, or was set aside."""
    run = _active_run(recording_id)
    if run is None or run.recording.state not in jobs.OPEN:
        return False
    if run.next_chunk >= run.recording.chunk_count:
        return not run.recording.growing
    states = (JobState.DONE, JobState.QUARANTINED)
    return Chunk.objects.filter(
        recording=recording_id, index=run.next_chunk, state__in=states
    ).exists()


def work(recording_id: int, tell: Callable[[], None] = lambda: None) -> None:
    """Work an open recording to its end in this process, beside any worker that helps.

    Parameters
    ----------
    recording_id : int
        Which recording.
    tell : callable
        Called after every step.
    """
    while _is_open(recording_id):
        check_stop()
        chunks = Chunk.objects.filter(jobs.lease_free(), recording=recording_id)
        unclaimed = chunks.filter(state__in=OPEN_JOBS)
        chunk_id = unclaimed.order_by("index").values_list("pk", flat=True).first()
        worked = chunk_id is not None and _try(detect, chunk_id) is not None
        _try(advance, recording_id)
        tell()
        if not worked and not is_ready(recording_id) and _is_open(recording_id):
            time.sleep(0.2)  # the rest is in other hands


def _is_open(recording_id: int) -> bool:
    return Recording.objects.filter(pk=recording_id, state__in=jobs.OPEN).exists()


def _try(step: Callable[[int], Any], row_id: int) -> Any:
    """Take one step; an error is on the row by now, which is tried again or set aside."""
    try:
        return step(row_id)
    except Exception:
        log.exception("step_failed", step=step.__name__, id=row_id)
        return None


def _see(chunk: Chunk) -> ChunkResult:
    """Have a chunk decoded and detected; one that cannot be opened is broken, without frames."""
    recording = chunk.recording
    run = _active_run(recording.pk)
    path = segments.chunk_path(chunk) if recording.folder else Path()
    if run is None or not path.is_file():
        raise FileMissingError("The media file is gone: upload it again.")
    bounds = {name: getattr(chunk, name) for name in BOUNDS}
    try:
        colours = bool(run.card.get("colours"))
        detector = segments.detector_of(run.card, chunk)
        return detect_chunk(path, recording.media, bounds, detector, colours=colours)
    except MediaError as error:
        log.warning("chunk_broken", chunk=chunk.pk, why=str(error))
        return ChunkResult(
            detections=detections.pack([]),
            previews=b"",
            preview_index=[],
            decoded_to_ms=chunk.first_ms,
            frames=0,
            broken=True,
        )


def _active_run(recording_id: int) -> Run | None:
    runs = Run.objects.filter(recording=recording_id, active=True)
    return runs.select_related("store", "recording__camera").first()


def _count_ready(claim: jobs.Claim, deadline: float) -> None:
    """Count chunk after chunk until none is ready, the time is up or the recording is closed."""
    while time.monotonic() < deadline and not room.disk_low():
        claim.check()
        run = _active_run(claim.pk)
        if run is None or run.recording.state not in jobs.OPEN:
            return
        chunk = Chunk.objects.filter(recording=claim.pk, index=run.next_chunk).first()
        if chunk is None and run.recording.growing:
            return
        if chunk is None:
            _close(claim, run)
        elif chunk.state == JobState.QUARANTINED and not is_live(run.recording):
            jobs.set_aside(claim, chunk.error_code or "error", chunk.error_detail)
            ledger.publish_progress(claim.pk)
        elif chunk.state not in (JobState.DONE, JobState.QUARANTINED):
            return
        else:
            counted = count_chunk(run, chunk)
            fault("after_counted")
            _commit(claim, run, chunk, counted)


def is_live(recording: Recording) -> bool:
    """Whether a recording is a live camera's: open-ended, a file for each chunk."""
    return recording.source == Recording.Source.CAMERA


def _close(claim: jobs.Claim, run: Run) -> None:
    """Close a recording past its last chunk: a live camera's that is over, or one without any."""
    if is_live(run.recording):
        return _commit(claim, run, None, close_live(run))
    book = VisitBook(_entrances(run))
    return _commit(claim, run, None, Slice(book, outcome=Outcome("failed", "unreadable")))


def close_live(run: Run) -> Slice:
    """Return what the end of a live camera's recording adds to its run; writes nothing.

    For one that ended when all of it was counted; otherwise its last chunk is counted as the last.
    """
    pipeline, book = _restore(run)
    counted = Slice(book)
    _finish(counted, pipeline, run.counted_to_ms)
    counted.outcome = _live_outcome(run)
    return counted


def _finish(counted: Slice, pipeline: Pipeline, time_ms: int) -> None:
    _take(counted, pipeline.finish(time_ms))
    counted.book.finish()
    counted.state = _pack_state(pipeline, counted.book)


def _live_outcome(run: Run) -> Outcome:
    """Say how a live camera's recording ended: parts that nobody looked at make it a part."""
    chunks = Chunk.objects.filter(recording=run.recording)
    if not chunks.filter(frames__gt=0).exists():
        return Outcome("failed", "unreadable")
    is_whole = not chunks.exclude(error_code="").exists()
    return Outcome("done") if is_whole else Outcome("partial", "parts_unseen")


def _commit(claim: jobs.Claim, run: Run, chunk: Chunk | None, counted: Slice) -> None:
    try:
        ledger.commit_slice(claim=claim, run=run, chunk=chunk, counted=counted)
    except AlreadyCountedError as error:
        log.info("already_counted", why=str(error))


def count_chunk(run: Run, chunk: Chunk) -> Slice:
    """Return what one detected chunk adds to its run; writes nothing.

    A pure function of the run's checkpoint, its set-up and the chunk's detections.
    """
    frames = detections.unpack(bytes(chunk.detections or detections.pack([])))
    is_last = chunk.index + 1 >= run.recording.chunk_count and not run.recording.growing
    if run.recording.source == Recording.Source.IMAGE:
        counted = _count_image(run, frames)
    elif is_live(run.recording):
        counted = _count_live(run, chunk, frames, is_last)
    else:
        counted = _count_video(run, chunk, frames, is_last)
        counted.covered_ms = (chunk.first_ms, min(chunk.decoded_to_ms, chunk.last_ms))
    if is_last:
        live = is_live(run.recording)
        counted.outcome = _live_outcome(run) if live else _outcome(run.recording, chunk)
    return counted


def _count_image(run: Run, frames: list[detections.DetectedFrame]) -> Slice:
    """Return the slice of a still picture: people in it, but no tracks, events or visits."""
    people = sum(len(frame.boxes) for frame in frames)
    size = (run.setup["width"], run.setup["height"])
    tracked = [
        overlay.tracked_frame(frame.time_ms, list(enumerate(frame.boxes.tolist(), 1)), *size)
        for frame in frames
    ]
    book = VisitBook(frozenset())
    card = {"people_in_picture": people}
    return Slice(book, overlay=overlay.pack(tracked), card=card)


def _count_live(
    run: Run, chunk: Chunk, frames: list[detections.DetectedFrame], is_last: bool
) -> Slice:
    """Return the slice of one chunk of a live camera; one that nobody looked at covers nothing."""
    if not segments.is_unseen(chunk):
        counted = _count_video(run, chunk, frames, is_last)
        counted.events = [*segments.gap_before(chunk), *counted.events]
        counted.covered_ms = (chunk.first_ms, min(chunk.decoded_to_ms, chunk.last_ms))
        return counted
    pipeline, book = _restore(run)
    counted = Slice(book)
    if is_last:
        _finish(counted, pipeline, chunk.last_ms)
    else:
        counted.state = _pack_state(pipeline, book)
    return counted


def _count_video(
    run: Run, chunk: Chunk, frames: list[detections.DetectedFrame], is_last: bool
) -> Slice:
    pipeline, book = _restore(run)
    counted = Slice(book)
    size = (pipeline.setup.width, pipeline.setup.height)
    tracked = []
    for frame in frames:
        _take(counted, pipeline.step(frame))
        visible = pipeline.visible()
        book.seen((number for number, _ in visible), frame.time_ms)
        tracked.append(overlay.tracked_frame(frame.time_ms, visible, *size))
    book.expire(chunk.last_ms)
    if is_last:
        _finish(counted, pipeline, chunk.last_ms)
    else:
        counted.state = _pack_state(pipeline, book)
    counted.overlay = overlay.pack(tracked)
    return counted


def _take(counted: Slice, events: list[Event]) -> None:
    for event in events:
        counted.events += counted.book.take(event)
        if isinstance(event, TrackEnded):
            counted.tracks.append(event)


def _outcome(recording: Recording, last: Chunk) -> Outcome:
    """Say how a fully counted recording ended: what was not decoded is never passed over."""
    chunks = Chunk.objects.filter(recording=recording)
    if not chunks.filter(frames__gt=0).exists():
        return Outcome("failed", "unreadable")
    if recording.source == Recording.Source.IMAGE:
        return Outcome("partial", "cut_off") if last.broken else Outcome("done")
    decoded_ms = recording.decoded_ms + max(0, last.decoded_to_ms - last.first_ms)
    fps = recording.media.get("fps_declared") or 0
    short_ms = min(SHORT_BY_MS, SHORT_SHARE * recording.declared_ms)
    slack_ms = max(1000 / fps if fps else 0, short_ms)
    if chunks.filter(broken=True).exists() or decoded_ms + slack_ms < recording.declared_ms:
        return Outcome("partial", "cut_off")
    return Outcome("done")


def _entrances(run: Run) -> frozenset[str]:
    return frozenset(line["key"] for line in run.setup["lines"] if line["kind"] == "entrance")


def _restore(run: Run) -> tuple[Pipeline, VisitBook]:
    """Return the pipeline and the visits as the checkpoint left them."""
    setup = SceneSetup.from_json(run.setup)
    if run.tracker_state:
        return _unpack_state(setup, _entrances(run), bytes(run.tracker_state))
    params = run.card.get("params")
    pipeline = Pipeline(setup, PipelineParams.from_json(params) if params else PipelineParams())
    return pipeline, VisitBook(_entrances(run))


def _pack_state(pipeline: Pipeline, book: VisitBook) -> bytes:
    """Return the checkpoint's blob: the visits after the ledger took them over, the pipeline."""
    settled = book.settled()
    visits = zlib.compress(json.dumps(settled, separators=(",", ":")).encode())
    return STATE.pack(STATE_MAGIC, len(visits)) + visits + pipeline.to_bytes()


def _unpack_state(
    setup: SceneSetup, entrances: frozenset[str], blob: bytes
) -> tuple[Pipeline, VisitBook]:
    magic, length = STATE.unpack_from(blob)
    if magic != STATE_MAGIC:
        raise ValueError(f"A run's state starts with {STATE_MAGIC!r}, this one with {magic!r}.")
    visits = blob[STATE.size : STATE.size + length]
    book = VisitBook.from_json(entrances, json.loads(zlib.decompress(visits)))
    return Pipeline.from_bytes(setup, blob[STATE.size + length :]), book
