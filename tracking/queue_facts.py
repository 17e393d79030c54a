"""Where the work stands, in a handful of cheap queries: for health, metrics and the self-check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, Min, OuterRef, Sum
from django.db.models.functions import Now
from django.utils import timezone as clock

from tracking.jobs import OPEN, lease_free
from tracking.models import Chunk, JobState, Recording, Run

# The newest finished chunks tell how fast people are found at present.
NEWEST = 100


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """The queue at one moment.

    Parameters
    ----------
    recordings, chunks : dict
        How many stand in each state; chunks of open recordings alone.
    leases : dict
        How many rows workers hold, by kind.
    oldest_unclaimed_s : float
        Age of the oldest count that is under way and in nobody's hands; 0 where there is none.
    lag_s : float
        Age of the oldest count that is not finished.
    backlog_s : float
        Seconds of media in which nobody has looked for people yet.
    frames_per_s : float
        Of one worker, over the newest finished chunks.
    errors : dict
        How many recordings ended with each code.
    """

    recordings: dict[str, int]
    chunks: dict[str, int]
    leases: dict[str, int]
    oldest_unclaimed_s: float
    lag_s: float
    backlog_s: float
    frames_per_s: float
    errors: dict[str, int]

    @property
    def waiting(self) -> int:
        """How many recordings are not through."""
        return sum(self.recordings[state] for state in OPEN)

    @property
    def held(self) -> int:
        """How many rows are in some worker's hands."""
        return sum(self.leases.values())


def queue_facts(now: datetime | None = None) -> QueueFacts:
    """Return where the work stands."""
    now = now or clock.now()
    open_chunks = Chunk.objects.filter(recording__state__in=OPEN)
    held_chunks = open_chunks.filter(lease_until__gte=Now())
    unclaimed, oldest = _oldest_runs()
    return QueueFacts(
        recordings=dict.fromkeys(Recording.State.values, 0)
        | _by("state", Recording.objects.order_by()),
        chunks=dict.fromkeys(JobState.values, 0) | _by("state", open_chunks.order_by()),
        leases={
            "chunk": held_chunks.count(),
            "recording": Recording.objects.filter(state__in=OPEN, lease_until__gte=Now()).count(),
        },
        oldest_unclaimed_s=_age(unclaimed, now),
        lag_s=_age(oldest, now),
        backlog_s=_backlog_ms() / 1000,
        frames_per_s=_frames_per_s(),
        errors=_by("error_code", Recording.objects.exclude(state__in=OPEN).order_by()),
    )


def _by(column: str, rows: object) -> dict[str, int]:
    counted = rows.values_list(column).annotate(Count("pk"))  # type: ignore[attr-defined]
    return {str(value): number for value, number in counted if value}


def _oldest_runs() -> tuple[datetime | None, datetime | None]:
    """Return when the oldest count in nobody's hands began, and the oldest of all."""
    runs = Run.objects.filter(active=True, recording__state__in=OPEN)
    held = Chunk.objects.filter(recording=OuterRef("recording"), lease_until__gte=Now())
    free = Recording.objects.filter(lease_free(), pk=OuterRef("recording"))
    unclaimed = runs.filter(Exists(free)).exclude(Exists(held))
    return (
        unclaimed.aggregate(at=Min("created_at"))["at"],
        runs.aggregate(at=Min("created_at"))["at"],
    )


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0


def _backlog_ms() -> int:
    rows = Chunk.objects.filter(
        recording__state__in=OPEN, state__in=(JobState.WAITING, JobState.WORKING)
    )
    return rows.aggregate(ms=Sum(F("last_ms") - F("first_ms")))["ms"] or 0


def _frames_per_s() -> float:
    newest = Chunk.objects.filter(state=JobState.DONE, detect_ms__gt=0).order_by("-pk")
    pairs = list(newest.values_list("frames", "detect_ms")[:NEWEST])
    spent_ms = sum(ms for _, ms in pairs)
    return 1000 * sum(frames for frames, _ in pairs) / spent_ms if spent_ms else 0.0
