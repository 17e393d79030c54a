"""How following a camera goes, told to whoever asks: one row a camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Min, Q, Sum

from tracking.models import OPEN_JOBS, CameraWatch, Chunk, JobState, Recording
from tracking.recorder.troubles import Trouble
from zones.models import Camera

State = CameraWatch.State
# What is told of how much came and was searched is of this long.
RECENT = timedelta(minutes=5)


def told(camera: Camera, state: str, trouble: Trouble | None = None) -> bool:
    """Write down how it goes; return whether that is another state than before."""
    now = datetime.now(UTC)
    problem, words = (trouble.code, trouble.words) if trouble else ("", "")
    rows = CameraWatch.objects.filter(camera=camera)
    rows.update(told_at=now, problem=problem, words=words[:500])
    return bool(rows.exclude(state=state).update(state=state, since=now))


def seen(camera: Camera) -> None:
    """Write down that a picture came just now."""
    now = datetime.now(UTC)
    CameraWatch.objects.filter(camera=camera).update(last_picture_at=now, told_at=now)


@dataclass(frozen=True, slots=True)
class Pace:
    """How counting a camera keeps up, over the last minutes.

    Attributes
    ----------
    came, processed, dropped : int
        Pictures: of those not waiting any more, `came` is the sum of the other two.
    lag_ms : int
        How old the oldest chunk is that waits.
    load : float
        Share of a core that searching takes.
    span_ms : int
        Media time of what was searched.
    """

    came: int
    processed: int
    dropped: int
    lag_ms: int
    load: float
    span_ms: int


def pace_of(camera: Camera, now: datetime) -> Pace:
    """Return how counting a camera keeps up."""
    rows = Chunk.objects.filter(
        recording__camera=camera,
        recording__source=Recording.Source.CAMERA,
        made_at__isnull=False,
    )
    closed = Q(state__in=(JobState.DONE, JobState.QUARANTINED))
    looked = closed & Q(frames__gt=0)
    sums = rows.filter(made_at__gt=now - RECENT).aggregate(
        came=Sum("pictures", filter=closed),
        processed=Sum("searched", filter=closed),
        detect_ms=Sum("detect_ms", filter=looked),
        span_ms=Sum(F("last_ms") - F("first_ms"), filter=looked),
        chunks=Count("pk"),
    )
    waiting = rows.filter(state__in=OPEN_JOBS, recording__state__in=("queued", "running"))
    oldest = waiting.aggregate(at=Min("made_at"))["at"]
    came, processed = sums["came"] or 0, sums["processed"] or 0
    span_ms = sums["span_ms"] or 0
    return Pace(
        came=came,
        processed=processed,
        dropped=max(0, came - processed),
        lag_ms=max(0, (now - oldest) // timedelta(milliseconds=1)) if oldest else 0,
        load=round((sums["detect_ms"] or 0) / span_ms, 3) if span_ms else 0.0,
        span_ms=span_ms,
    )


def pace_told(camera: Camera, pace: Pace) -> None:
    """Write down how counting keeps up."""
    CameraWatch.objects.filter(camera=camera).update(
        came=pace.came,
        processed=pace.processed,
        dropped=pace.dropped,
        lag_ms=pace.lag_ms,
        load=pace.load,
    )


def advice(watch: CameraWatch) -> str:
    """Return in words how many more cameras like this one the machine can follow."""
    if watch.load <= 0 or watch.state != State.UP:
        return ""
    up = CameraWatch.objects.filter(state=State.UP)
    taken = up.aggregate(load=Sum("load"))["load"] or 0.0
    free = settings.WORKERS * MOST_LOAD - taken
    more = int(free / watch.load)
    if watch.gap_ms is not None or more < 1:
        return (
            "This machine is at its limit: pictures are searched less often. Use a smaller stream "
            "of the camera, or a faster machine."
        )
    cameras = "1 more camera" if more == 1 else f"{more} more cameras"
    return f"This machine can follow {cameras} of this size."


# The rest is for the web, the database and busy hours.
MOST_LOAD = 0.8
