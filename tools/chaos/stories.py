"""The stories that the sweep breaks: a piece of work each, which another process can take up.

A story passes fault points; together they pass every one that the product has.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import django
import redis

django.setup()

from django.conf import settings  # noqa: E402

from accounts.models import Store, User  # noqa: E402
from tools.chaos.hooks import loose  # noqa: E402
from tracking import (  # noqa: E402
    ingest,
    jobs,
    recordings,
    recounts,
    runner,
    tasks,
    uploads,
)
from tracking.models import Recording, Upload  # noqa: E402
from tracking.problems import Problem  # noqa: E402
from zones.models import Camera  # noqa: E402
from zones.services import line_redraw, zone_redraw  # noqa: E402

AT = "2026-07-01T09:00:00+00:00"
ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = re.compile(r'\bfault\("(\w+)"\)')
# The one name that is put together: by the kind of row.
BY_KIND = re.compile(r'\bfault\(f"(\w+)_\{[^}]+\}"\)')
KINDS = ("chunk", "recording", "recount")
# What a browser does about these, by the rules of tus: ask how much is there, and go on from there.
ASKS_AGAIN = ("upload_locked", "offset_mismatch")
GIVES_UP_AFTER_S = 90.0


@dataclass(frozen=True, slots=True)
class Film:
    """The file that every story is about."""

    video: Path
    script: Path


@dataclass(frozen=True, slots=True)
class Story:
    """A piece of work.

    Parameters
    ----------
    begin : callable
        Makes what the work starts from, in a store of the name given.
    work : callable
        Does all that is left to do in that store; called again, it goes on.
    points : tuple of str
        The fault points it passes.
    times : int
        At which passing of a point to break it.
    """

    begin: Callable[[str, Film], None]
    work: Callable[[str, Film], None]
    points: tuple[str, ...]
    times: int = 1


def points_in_code() -> set[str]:
    """Return the name of every fault point that the product has."""
    found: set[str] = set()
    for path in (ROOT / "tracking").rglob("*.py"):
        text = path.read_text()
        found |= set(NAMED.findall(text))
        found |= {f"{head}_{kind}" for head in BY_KIND.findall(text) for kind in KINDS}
    return found


def _camera(slug: str, film: Film) -> Any:
    setup = json.loads(film.script.read_text())["setup"]
    place = ingest.Place(slug, "Door", setup, "scripted", {"truth_path": str(film.script)})
    return ingest.place_make(place)


def _recording(slug: str) -> Recording:
    return Recording.objects.filter(store__slug=slug).latest("pk")


def _waiting(slug: str, film: Film) -> None:
    """Let the film wait in its store."""
    at = datetime.fromisoformat(AT)
    ingest.ingest(camera=_camera(slug, film), path=film.video, started_at=at)


def _waiting_for_all(slug: str, film: Film) -> None:
    """Let the film wait where it is counted once more with all of it known."""
    camera = _camera(slug, film)
    camera.final_count = Camera.FinalCount.RECORDING
    camera.save()
    _waiting(slug, film)


def _count(slug: str, _: Film) -> None:
    runner.work(_recording(slug).pk)


def _count_finally(slug: str, film: Film) -> None:
    _count(slug, film)
    recounts.work(_recording(slug))


def _count_with_renewals(slug: str, _: Film) -> None:
    settings.LEASE_RENEW_S = 0.03
    detect = loose(runner).detect_chunk

    def slowly(*arguments: Any, **named: Any) -> Any:
        time.sleep(0.15)
        return detect(*arguments, **named)

    loose(runner).detect_chunk = slowly
    runner.work(_recording(slug).pk)


def _count_with_trouble(slug: str, _: Film) -> None:
    """Count, with a detector that fails the first time in each process."""
    detect, tries = loose(runner).detect_chunk, iter([RuntimeError("a stumble")])

    def stumbling(*arguments: Any, **named: Any) -> Any:
        for trouble in tries:
            raise trouble
        return detect(*arguments, **named)

    loose(runner).detect_chunk = stumbling
    runner.work(_recording(slug).pk)


def _counted(slug: str, film: Film) -> None:
    _waiting(slug, film)
    _count(slug, film)


def _to_be_recounted(slug: str, film: Film) -> None:
    _counted(slug, film)
    recording = _recording(slug)
    zone_redraw(zone=recording.camera.zones.get(), vertices=[[0.5, 0.6], [1, 0.6], [1, 1]])
    line_redraw(line=recording.camera.lines.get(), a=[0.0, 0.55], b=[0.6, 0.55])


def _recount(slug: str, _: Film) -> None:
    recording = _recording(slug)
    made = recording.recounts.first() or recounts.recording_recount(recording=recording)
    while recounts.is_open(made.pk):
        if not recounts.advance(made.pk):
            time.sleep(0.02)  # the rest is in other hands


def _shop(slug: str, film: Film) -> None:
    _camera(slug, film)


def _bring_in(slug: str, film: Film) -> None:
    """Do what a browser does: announce, send, send on after a break, ask for the count."""
    if not Recording.objects.filter(store__slug=slug).exists():
        _upload(Store.objects.get(slug=slug), film)
    runner.work(_recording(slug).pk)


def _upload(store: Store, film: Film) -> None:
    content = film.video.read_bytes()
    upload = Upload.objects.filter(store=store).last()
    if upload is None:
        upload = uploads.upload_create(
            store=store, user=User.objects.get(), filename="film.mp4", size_bytes=len(content)
        )
    give_up = time.monotonic() + GIVES_UP_AFTER_S
    while upload.offset_bytes < len(content):
        try:
            _send_part(upload, content)
        except Problem as problem:
            if problem.code not in ASKS_AGAIN or time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        upload.refresh_from_db()  # how much is there? Another may have sent on meanwhile
    at = datetime.fromisoformat(AT)
    wish = recordings.Wish(store.cameras.get(), at, on_duplicate="count_again")
    recordings.recording_create(upload=upload, wish=wish)


def _send_part(upload: Upload, content: bytes) -> None:
    """Send the next half of the file, or what is left of it."""
    part = content[upload.offset_bytes :][: len(content) // 2 + 1]
    pieces = iter([part, b""])
    uploads.upload_append(
        upload=upload,
        offset=upload.offset_bytes,
        length=len(part),
        read=lambda _: next(pieces),
    )


def _cancel_and_count(slug: str, _: Film) -> None:
    """Count a part, cancel, ask for it again."""
    recording = _recording(slug)
    if recording.runs.count() == 1 and recording.state in jobs.OPEN:
        for chunk in recording.chunks.order_by("index")[:2]:
            runner.detect(chunk.pk)
            runner.advance(recording.pk)
        recordings.recording_cancel(recording=recording)
    recording.refresh_from_db()
    if recording.state == "cancelled":
        recordings.recording_retry(recording=recording)
    runner.work(recording.pk)


def _replace(slug: str, film: Film) -> None:
    """Bring the minutes of a counted film in again, in its place."""
    if Recording.objects.filter(store__slug=slug).count() == 1:
        camera, at = _recording(slug).camera, datetime.fromisoformat(AT)
        wish = recordings.Wish(camera, at, on_overlap="replace", on_duplicate="count_again")
        recordings.recording_from_file(path=film.video, wish=wish)
    runner.work(_recording(slug).pk)


def _waiting_unrung(slug: str, film: Film) -> None:
    """Let the film wait; no message of another story waits with it."""
    _waiting(slug, film)
    with closing(redis.Redis.from_url(settings.REDIS_URL)) as client:
        client.flushall()


def _ring_and_count(slug: str, film: Film) -> None:
    recording = _recording(slug)
    tasks.ring_next()
    for chunk in recording.chunks.order_by("index"):
        tasks.detect_chunk(chunk.pk)
    _count(slug, film)


STORIES: dict[str, Story] = {
    "count": Story(_waiting, _count, (
        "in_claim_chunk", "after_claim_chunk", "after_detect", "after_previews",
        "after_chunk_saved", "in_claim_recording", "after_claim_recording", "after_counted",
        "after_fence", "after_checkpoint", "after_tracks", "after_visits", "after_events",
        "after_coverage", "after_sinks", "before_commit", "after_commit", "before_give_back",
    ), times=2),
    "renew": Story(_waiting, _count_with_renewals, ("before_renew",), times=3),
    "stumble": Story(_waiting, _count_with_trouble, ("before_fail_attempt",)),
    "count again": Story(_to_be_recounted, _recount, (
        "recount_made", "in_claim_recount", "after_claim_recount", "recount_after_counted",
        "recount_after_fence", "recount_before_commit", "recount_after_commit",
        "switch_after_locks", "switch_after_runs", "switch_after_people",
        "switch_after_numbers", "switch_after_sinks", "switch_after_overlays",
        "switch_before_commit", "switch_after_commit",
    )),
    "count finally": Story(_waiting_for_all, _count_finally, ("final_begun", "final_known")),
    "bring in": Story(_shop, _bring_in, (
        "upload_after_files", "upload_after_row", "upload_after_part", "upload_after_offset",
        "upload_after_name", "upload_after_check", "write_after_recording",
        "write_after_chunks", "write_after_run", "write_after_commit",
    )),
    "cancel": Story(_waiting, _cancel_and_count, (
        "in_cancel", "take_out_after_fence", "take_out_after_run", "take_out_after_event",
        "take_out_after_people", "take_out_after_sinks", "in_reopen", "after_reopen",
    )),
    "replace": Story(_counted, _replace, ("write_after_room",)),
    "ring": Story(_waiting_unrung, _ring_and_count, ("before_send", "after_send")),
}  # fmt: skip
