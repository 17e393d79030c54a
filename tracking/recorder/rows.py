"""The rows of a live camera: its open-ended recording, a chunk for each segment, how it goes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.db.models import F

from tracking import detectors, jobs, media, tasks
from tracking.faults import fault
from tracking.models import Chunk, JobState, Recording
from tracking.recorder.cutting import Placed
from tracking.recorder.pictures import Shape
from tracking.recorder.troubles import Trouble
from tracking.recordings import add_run, frozen_map, overlapping
from tracking.segments import LEFT_OUT, SUFFIX, segment_name
from tracking.vision import detections
from zones.models import Camera

log = structlog.get_logger(__name__)

# Before files that were added: what happens now is asked for now.
PRIORITY = -10
# What nobody saw between two recordings is told where they are no further apart than this.
TOLD_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Written:
    """A segment that is ready for its row.

    Attributes
    ----------
    content : bytes
        The file; empty for one that is left out.
    keyframe_ms : int
        Where it begins, in media time.
    pictures : int
        How many came, without the lead-in.
    gap_ms : int, optional
        See `Chunk.gap_ms`.
    why : str
        Why it is left out; empty where it is not.
    """

    place: Placed
    content: bytes
    keyframe_ms: int
    pictures: int
    gap_ms: int | None = None
    why: str = ""


class NoLongerOurs(RuntimeError):
    """The recording was closed, cancelled or set aside: another one begins."""


def at(wall_ms: int) -> datetime:
    """Return an instant from milliseconds since 1970."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC)


def wall_ms(instant: datetime) -> int:
    """Return milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def asked_of(camera: Camera) -> dict[str, Any]:
    """Return what a person chose for a camera that decides how it is counted."""
    return {
        "detector": camera.detector,
        "settings": camera.detector_settings,
        "masks": camera.ignore_masks,
        "colours": camera.clothing_colours,
    }


def media_of(shape: Shape) -> dict[str, Any]:
    """Return what the segments are, as `MediaInfo`: their times are the recording's own."""
    return {
        "container": "matroska",
        "codec": shape.codec,
        "width": shape.width,
        "height": shape.height,
        "rotation": 0,
        "fps_declared": shape.fps,
        "duration_declared_ms": None,
        "first_pts_ms": 0,
        "frame_count_declared": None,
        "creation_time": None,
        "size_bytes": 0,
        "is_whole": True,
    }


def growing_of(camera: Camera) -> Recording | None:
    """Return the camera's recording that still grows, if there is one."""
    rows = Recording.objects.filter(camera=camera, growing=True, state__in=jobs.OPEN)
    return rows.order_by("-started_at", "-pk").first()


def resumed(camera: Camera, shape: Shape, now: datetime) -> Recording | None:
    """Return the recording that what comes now belongs to, or close it and return None.

    A recorder that comes after one that was killed goes on with its recording: the gap is told.
    """
    recording = growing_of(camera)
    if recording is None:
        return None
    if is_as_before(recording, camera, shape) and day_of(camera, recording.started_at) == day_of(
        camera, now
    ):
        _forget_orphans(recording)
        return recording
    closed(recording)
    return None


def is_as_before(recording: Recording, camera: Camera, shape: Shape) -> bool:
    """Whether pictures, map and detector are those that the recording is counted with."""
    same = ("codec", "width", "height")
    now = media_of(shape)
    if any(recording.media[name] != now[name] for name in same):
        return False
    run = recording.runs.filter(active=True).first()
    if run is None or run.card.get("asked") != asked_of(camera):
        return False
    return bool(_shapes(run.setup) == _shapes(_map_now(recording)))


def _map_now(recording: Recording) -> dict[str, Any]:
    """Return the map as it is now; the recording's own start may lie before a change."""
    started_at, recording.started_at = recording.started_at, datetime.now(UTC)
    try:
        as_stored: dict[str, Any] = json.loads(json.dumps(frozen_map(recording).to_json()))
        return as_stored
    finally:
        recording.started_at = started_at


def _shapes(setup: dict[str, Any]) -> Any:
    """Return the shapes of a map without from when they hold."""
    times = ("valid_from_ms", "valid_to_ms")
    return {
        kind: [{name: value for name, value in each.items() if name not in times} for each in those]
        if isinstance(those, list)
        else those
        for kind, those in setup.items()
    }


def day_of(camera: Camera, instant: datetime) -> date:
    """Return the shop's business day: a recording is of one, so it ends when nobody is there."""
    local = instant.astimezone(ZoneInfo(camera.store.timezone))
    begins = camera.store.business_day_start
    return (local - timedelta(hours=begins.hour, minutes=begins.minute)).date()


def begun(camera: Camera, shape: Shape, start_ms: int) -> Recording:
    """Begin a recording of a camera from an instant on, in ms since 1970.

    Raises
    ------
    Trouble
        `taken`: a file that was added has these minutes.
    """
    detector = detectors.frozen(camera)
    folder = media.new_folder()
    try:
        with transaction.atomic():
            Camera.objects.select_for_update(no_key=True).get(pk=camera.pk)
            recording = _described(camera, shape, start_ms, folder)
            recording.full_clean()
            recording.save()
            run = add_run(recording, detector)
            run.card |= {"asked": asked_of(camera)}
            run.save(update_fields=["card"])
    except BaseException:
        media.remove_folder(folder)
        raise
    log.info("live_recording_begun", camera=camera.pk, recording=recording.pk)
    return recording


def _described(camera: Camera, shape: Shape, start_ms: int, folder: str) -> Recording:
    live = Recording.objects.filter(camera=camera, source=Recording.Source.CAMERA)
    live.filter(growing=True).update(growing=False)
    before = live.filter(runs__active=True).order_by("-ended_at").first()
    started_at = at(start_ms)
    unseen = timedelta()
    if before is not None:
        started_at = max(started_at, before.ended_at)
        unseen = started_at - before.ended_at
    unseen = unseen if unseen <= TOLD_WITHIN else timedelta()
    local = started_at.astimezone(ZoneInfo(camera.store.timezone))
    recording = Recording(
        store=camera.store,
        camera=camera,
        name=f"Live, {local:%Y-%m-%d %H:%M}",
        source=Recording.Source.CAMERA,
        folder=folder,
        media=media_of(shape),
        started_at=started_at,
        ended_at=started_at + timedelta(milliseconds=1),
        priority=PRIORITY,
        growing=True,
        unseen_ms=unseen // timedelta(milliseconds=1),
        is_demo=camera.source_kind == Camera.SourceKind.LOOP,
    )
    if overlapping(recording).exists():
        raise Trouble("taken")
    return recording


def added(recording: Recording, written: Written) -> Chunk:
    """Add a segment to a recording: its file first, then its row; both or neither count.

    Raises
    ------
    NoLongerOurs
        Somebody closed the recording meanwhile.
    """
    index = recording.chunk_count
    chunk = Chunk(
        recording=recording,
        index=index,
        first_ms=written.place.first_ms,
        last_ms=written.place.last_ms,
        keyframe_ms=written.keyframe_ms,
        decoded_to_ms=written.place.first_ms,
        made_at=datetime.now(UTC),
        pictures=written.pictures,
        gap_ms=written.gap_ms,
    )
    if written.why:
        chunk.state, chunk.error_code, chunk.error_detail = JobState.DONE, LEFT_OUT, written.why
        chunk.detections = detections.pack([])
    else:
        media.write_file(recording.folder, segment_name(index), written.content)
        fault("segment_written")
        chunk.sha256 = hashlib.sha256(written.content).hexdigest()
        chunk.size_bytes = len(written.content)
    with transaction.atomic():
        _grow(recording, chunk)
        chunk.save(force_insert=True)
        fault("segment_row")
        transaction.on_commit(tasks.ring_next, robust=True)
    fault("segment_committed")
    recording.chunk_count = index + 1
    return chunk


def _grow(recording: Recording, chunk: Chunk) -> None:
    open_ones = Recording.objects.filter(growing=True, state__in=jobs.OPEN)
    grown = open_ones.filter(pk=recording.pk, chunk_count=chunk.index).update(
        chunk_count=chunk.index + 1,
        ended_at=recording.started_at + timedelta(milliseconds=chunk.last_ms),
        declared_ms=chunk.last_ms,
        size_bytes=F("size_bytes") + chunk.size_bytes,
    )
    if not grown:
        raise NoLongerOurs


def closed(recording: Recording) -> None:
    """Let a recording grow no more: what is counted of it is closed by whoever counts."""
    if Recording.objects.filter(pk=recording.pk, growing=True).update(growing=False):
        log.info("live_recording_closed", recording=recording.pk)
        tasks.ring_next()


def _forget_orphans(recording: Recording) -> None:
    """Remove files of a recorder that was killed before it wrote their rows."""
    folder = media.folder_path(recording.folder)
    known = {segment_name(index) for index in range(recording.chunk_count)}
    for path in folder.glob(f"segment-*{SUFFIX}"):
        if path.name not in known:
            path.unlink(missing_ok=True)
    for path in folder.glob(f".segment-*{SUFFIX}.*"):
        path.unlink(missing_ok=True)
