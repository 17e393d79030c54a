"""Recordings and buckets put into the database by hand, for pages to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from accounts.models import Store
from analytics.models import Bucket, DirtyDay
from analytics.rollups import clock_of
from tests.cast import make_camera, make_line
from tracking.models import Chunk, JobState, Recording, Run
from zones.models import Camera

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def camera_of(store: Store) -> Camera:
    camera = store.cameras.first()
    if camera is None:
        camera = make_camera(store)
        make_line(camera)
    return camera


def make_recording(
    store: Store, name: str = "noon.mp4", *, done: int = 0, **fields: Any
) -> Recording:
    """Make a recording of four parts, `done` of them through."""
    wanted: dict[str, Any] = {
        "folder": uuid4().hex,
        "started_at": NOON,
        "ended_at": NOON + timedelta(minutes=20),
        "declared_ms": 1_200_000,
        "decoded_ms": 1_200_000,
        "size_bytes": 340_000_000,
        "chunk_count": 4,
        "state": Recording.State.DONE,
    }
    recording = Recording.objects.create(
        store=store, camera=camera_of(store), name=name, **wanted | fields
    )
    for index in range(recording.chunk_count):
        state = JobState.DONE if index < done else JobState.WAITING
        first_ms = index * 10_000
        Chunk.objects.create(
            recording=recording,
            index=index,
            first_ms=first_ms,
            last_ms=first_ms + 10_000,
            state=state,
        )
    return recording


def make_run(recording: Recording, **card: Any) -> Run:
    return Run.objects.create(store=recording.store, recording=recording, card=card)


def make_hour(
    store: Store, starts_at: datetime, entries: int, exits: int = 0, minutes: int = 60
) -> None:
    """Let the store's entrance count this in the first five minutes, and be seen so long."""
    camera = camera_of(store)
    line = camera.lines.get()
    for step in range(minutes // 5):
        at = starts_at + step * timedelta(minutes=5)
        shared = {"store": store, "camera": camera, "starts_at": at}
        Bucket.objects.create(
            **shared, subject_kind=Bucket.Subject.CAMERA, subject_id=camera.pk, observed_ms=300_000
        )
        if step == 0:
            Bucket.objects.create(
                **shared, subject_kind=Bucket.Subject.LINE, subject_id=line.pk,
                entries=entries, exits=exits,
            )  # fmt: skip
    day = clock_of(store).business_day(starts_at)
    DirtyDay.objects.get_or_create(store=store, business_day=day)
