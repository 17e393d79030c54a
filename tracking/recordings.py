"""Recordings begin, end early and begin again: the rows and the run that count them.

A recording's rows (itself, its chunks, its run with everything frozen that decides the count)
appear together or not at all; from then on they are the queue. Ringing for them is the door's
part (`tracking.tasks.ring`).

Rows are locked so that others which merely refer to them pass: a worker that holds a recording and
writes what a camera observed must not wait for whoever holds the camera and wants the recording.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone as clock

from accounts.models import User
from accounts.services import audit_record
from tracking import detectors, finals, gate, jobs, ledger, media, room
from tracking.faults import fault
from tracking.gate import CheckedFile
from tracking.models import Chunk, Recording, Run, Upload
from tracking.problems import Problem
from tracking.uploads import display_name, remove_unless_used, upload_check
from tracking.vision.errors import BadSetupError
from tracking.vision.pipeline import PipelineParams
from tracking.vision.setup import SceneSetup
from zones.models import Camera
from zones.selectors import scene_setup

OnOverlap = Literal["refuse", "replace"]
OnDuplicate = Literal["refuse", "count_again"]

State = Recording.State
# Clocks of senders differ from ours by this much at the most.
CLOCK_SLACK = timedelta(minutes=2)
EARLIEST_YEAR = 2000
OVERLAP_CHOICES = ("replace", "cancel", "another_camera")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says about a file: whose picture it is, when it began, what may give way."""

    camera: Camera
    started_at: datetime
    on_overlap: OnOverlap = "refuse"
    on_duplicate: OnDuplicate = "refuse"
    is_demo: bool = False


def recording_create(
    *, upload: Upload, wish: Wish, user: User | None = None
) -> tuple[Recording, bool]:
    """Make the recording of a complete upload; return it and whether it is new.

    Asked twice for one upload (a double click, a lost answer) it returns the same recording.

    Raises
    ------
    Problem
        What the gate says of the file; `duplicate` or `overlap` with the recordings in the way;
        `queue_full` when the store has as many waiting as it may.
    """
    if made := Recording.objects.filter(folder=upload.folder).first():
        return made, False
    check_start(wish.started_at)
    checked = upload_check(upload=upload)
    detector = detectors.frozen(wish.camera)
    with transaction.atomic():
        Camera.objects.select_for_update(no_key=True).get(pk=wish.camera.pk)
        if not Upload.objects.select_for_update(no_key=True).filter(pk=upload.pk).exists():
            raise Problem("upload_gone")
        if made := Recording.objects.filter(folder=upload.folder).first():
            return made, False
        room.refuse_recording_without_room(wish.camera.store)
        named = {"folder": upload.folder, "name": upload.filename}
        recording = _write(checked, wish, detector, user=user, **named)
    fault("write_after_commit")
    return recording, True


def recording_from_file(
    *, path: Path, wish: Wish, name: str = "", user: User | None = None
) -> Recording:
    """Make the recording of a file on this machine, by the same road as an upload.

    Raises
    ------
    Problem
        As `recording_create`; the copy that was made of the file is removed again.
    """
    gate.check_head(path)
    check_start(wish.started_at)
    room.refuse_when_disk_low(path.stat().st_size)
    folder = media.copy_in(path)
    try:
        checked = gate.check_file(media.source_path(folder))
        detector = detectors.frozen(wish.camera)
        with transaction.atomic():
            Camera.objects.select_for_update(no_key=True).get(pk=wish.camera.pk)
            named = {"folder": folder, "name": display_name(name or path.name)}
            return _write(checked, wish, detector, user=user, **named)
    except BaseException:
        remove_unless_used(folder)
        raise


def recording_cancel(*, recording: Recording, user: User | None = None) -> None:
    """Stop a recording and take what it counted so far out of the numbers.

    Raises
    ------
    Problem
        `not_cancellable` when it is finished.
    """
    with transaction.atomic():
        held = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        if not jobs.recording_cancel(held):
            raise Problem("not_cancellable")
        _take_out(held)
        _note("recording.cancelled", held, user)


def recording_retry(*, recording: Recording, user: User | None = None) -> None:
    """Count a recording again that failed, was set aside or was cancelled.

    One that was set aside goes on from its checkpoint; any other begins anew with a new run.

    Raises
    ------
    Problem
        `not_retryable`, `file_gone`, `queue_full`, or `overlap` when another recording has its
        minutes by now.
    """
    detector = detectors.frozen(recording.camera) if _begins_anew(recording) else None
    with transaction.atomic():
        Camera.objects.select_for_update(no_key=True).get(pk=recording.camera_id)
        held = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        if held.state not in {State.FAILED, State.QUARANTINED, State.CANCELLED}:
            raise Problem("not_retryable")
        if not held.folder or not media.source_path(held.folder).is_file():
            raise Problem("file_gone")
        room.refuse_recording_without_room(held.store)
        if _begins_anew(held):
            _begin_anew(held, detector or detectors.frozen(held.camera))
        else:
            jobs.recording_requeue(held)
        _note("recording.retried", held, user)


def recording_remove_video(*, recording: Recording, user: User | None = None) -> None:
    """Remove a recording's file and pictures; what was counted and detected stays.

    So a store that has used up its room gets some back, and the recording can be counted again all
    the same. Asked twice it changes nothing more.

    Raises
    ------
    Problem
        `video_in_use` while it waits or is being counted.
    """
    with transaction.atomic():
        held = Recording.objects.select_for_update(no_key=True).get(pk=recording.pk)
        if held.state in jobs.OPEN:
            raise Problem("video_in_use")
        if not held.folder:
            return
        Recording.objects.filter(pk=held.pk).update(folder="")
        Upload.objects.filter(folder=held.folder).delete()
        _note("recording.video_removed", held, user)
        # After a crash in between, a day later the daily comparison removes it.
        transaction.on_commit(lambda: media.remove_folder(held.folder))


def check_start(started_at: datetime) -> None:
    """Refuse a start that cannot be true."""
    if started_at > clock.now() + CLOCK_SLACK:
        raise Problem("started_in_future")
    if started_at.year < EARLIEST_YEAR:
        raise Problem("started_too_early")


def overlapping(recording: Recording) -> QuerySet[Recording]:
    """Return the camera's recordings that count some of the same minutes.

    A still picture covers none. A recording whose run was taken out counts nothing any more.
    """
    return (
        Recording.objects.filter(
            camera=recording.camera,
            runs__active=True,
            started_at__lt=recording.ended_at,
            ended_at__gt=recording.started_at,
        )
        .exclude(source=Recording.Source.IMAGE)
        .exclude(state__in=(State.CANCELLED, State.FAILED))
        .exclude(pk=recording.pk)
        .order_by("pk")
    )


def _begins_anew(recording: Recording) -> bool:
    """Whether trying it again means a new run; one that was set aside goes on with its own."""
    if recording.state == State.QUARANTINED:
        return not recording.runs.filter(active=True).exists()
    return recording.state in {State.FAILED, State.CANCELLED}


def _begin_anew(recording: Recording, detector: dict[str, Any]) -> None:
    _take_out(recording)
    _make_room(recording, "refuse")
    jobs.recording_restart(recording)
    add_run(recording, detector)


def _write(
    checked: CheckedFile,
    wish: Wish,
    detector: dict[str, Any],
    *,
    folder: str,
    name: str,
    user: User | None,
) -> Recording:
    """Write a recording with its chunks and its run; the caller holds the camera's lock."""
    recording = _described(checked, wish)
    recording.folder, recording.name, recording.created_by = folder, name, user
    if wish.on_duplicate == "refuse":
        _refuse_duplicate(recording)
    _make_room(recording, wish.on_overlap)
    fault("write_after_room")
    recording.full_clean()
    recording.save()
    fault("write_after_recording")
    Chunk.objects.bulk_create(
        [
            Chunk(recording=recording, index=index, **chunk._asdict())
            for index, chunk in enumerate(checked.chunks)
        ],
        batch_size=500,
    )
    fault("write_after_chunks")
    add_run(recording, detector)
    _note("recording.created", recording, user)
    fault("write_after_run")
    return recording


def _described(checked: CheckedFile, wish: Wish) -> Recording:
    """Return the recording of a file, not written yet."""
    is_image = checked.kind == "image"
    return Recording(
        store=wish.camera.store,
        camera=wish.camera,
        source=Recording.Source.IMAGE if is_image else Recording.Source.VIDEO,
        sha256=checked.sha256,
        size_bytes=checked.size_bytes,
        media=checked.media,
        started_at=wish.started_at,
        ended_at=wish.started_at + timedelta(milliseconds=checked.declared_ms),
        declared_ms=checked.declared_ms,
        chunk_count=len(checked.chunks),
        is_demo=wish.is_demo,
    )


def _refuse_duplicate(recording: Recording) -> None:
    twins = Recording.objects.filter(store=recording.store, sha256=recording.sha256)
    counted = twins.exclude(state__in=(State.CANCELLED, State.FAILED)).filter(runs__active=True)
    if in_the_way := list(counted.order_by("-pk")[:10]):
        raise Problem("duplicate", extras={"recordings": _brief(in_the_way)})


def _make_room(recording: Recording, on_overlap: OnOverlap) -> None:
    """Refuse where the minutes are taken, or take out what took them."""
    if recording.source == Recording.Source.IMAGE:
        return
    # All rows are locked before the first is taken out: a worker that holds one of them waits
    # for the store's counter, which taking out holds.
    in_the_way = list(overlapping(recording).select_for_update(of=("self",), no_key=True))
    if in_the_way and on_overlap == "refuse":
        extras = {"choices": list(OVERLAP_CHOICES), "recordings": _brief(in_the_way)}
        raise Problem("overlap", extras=extras)
    for other in in_the_way:
        jobs.recording_cancel(other)
        _take_out(other)


def _take_out(recording: Recording) -> None:
    runs = Run.objects.filter(recording=recording, active=True)
    for run in runs.select_related("store", "recording__camera"):
        ledger.run_take_out(run)


def add_run(recording: Recording, detector: dict[str, Any]) -> Run:
    """Freeze, on a new active run, everything that decides the count beside the file."""
    run = Run(
        store=recording.store,
        recording=recording,
        card={
            "code_version": settings.CODE_VERSION,
            "detector": detector,
            "params": PipelineParams.for_detector(detector["name"]).to_json(),
            "input": {"sha256": recording.sha256, "size_bytes": recording.size_bytes},
        }
        | ({"colours": True} if recording.camera.clothing_colours else {})
        | finals.card_of(recording, detector["name"]),
        setup=frozen_map(recording).to_json(),
    )
    run.full_clean()
    run.save()
    return run


def frozen_map(recording: Recording) -> SceneSetup:
    """Return the zones and lines that hold while the recording runs, in its media time."""
    shapes = scene_setup(
        camera=recording.camera,
        media_start=recording.started_at,
        media_end=max(recording.ended_at, recording.started_at + timedelta(milliseconds=1)),
    )
    size = {"width": recording.media["width"], "height": recording.media["height"]}
    try:
        return SceneSetup.from_json(size | asdict(shapes))
    except BadSetupError as error:
        raise Problem("bad_camera_map", why=error) from error


def _brief(recordings: list[Recording]) -> list[dict[str, Any]]:
    """Return what a person needs to tell recordings apart, as JSON."""
    return [
        {
            "id": str(recording.public_id),
            "name": recording.name,
            "camera": {"id": str(recording.camera.public_id), "name": recording.camera.name},
            "state": recording.state,
            "started_at": _iso(recording.started_at),
            "ended_at": _iso(recording.ended_at),
        }
        for recording in recordings
    ]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _note(action: str, recording: Recording, user: User | None) -> None:
    if user is not None:
        detail = {"recording": str(recording.public_id)}
        audit_record(
            action=action, actor=user, store=recording.store, subject=recording.name, detail=detail
        )
