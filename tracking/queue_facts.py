"""Where the work stands, in a handful of cheap queries: for health, metrics and the self-check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Sum
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone as clock

from tracking.jobs import OPEN, lease_free
from tracking.models import OPEN_JOBS, Chunk, JobState, Recording, Recount, Run

# The newest finished chunks tell how fast people are found at present.
NEWEST = 100


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """The queue at one moment.

    Parameters
    ----------
    recordings, chunks, recounts : dict
        How many stand in each state; chunks of open recordings alone.
    leases : dict
        How many rows workers hold, by kind.
    oldest_unclaimed_s : float
        How long the count that waits longest has been in nobody's hands; 0 where there is none.
    idle_s : float
        How long no worker has taken anything; 0 where nothing waits.
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
    recounts: dict[str, int]
    leases: dict[str, int]
    oldest_unclaimed_s: float
    idle_s: float
    lag_s: float
    backlog_s: float
    frames_per_s: float
    errors: dict[str, int]

    @property
    def waiting(self) -> int:
        """How many counts are not through, first ones and later ones."""
        first = sum(self.recordings[state] for state in OPEN)
        return first + sum(self.recounts[state] for state in OPEN_JOBS)

    @property
    def held(self) -> int:
        """How many rows are in some worker's hands."""
        return sum(self.leases.values())


def queue_facts(now: datetime | None = None) -> QueueFacts:
    """Return where the work stands."""
    now = now or clock.now()
    open_chunks = Chunk.objects.filter(recording__state__in=OPEN)
    held_chunks = open_chunks.filter(lease_until__gte=Now())
    open_recounts = Recount.objects.filter(state__in=OPEN_JOBS)
    unclaimed, oldest = _oldest()
    return QueueFacts(
        recordings=dict.fromkeys(Recording.State.values, 0)
        | _by("state", Recording.objects.order_by()),
        chunks=dict.fromkeys(JobState.values, 0) | _by("state", open_chunks.order_by()),
        recounts=dict.fromkeys(JobState.values, 0) | _by("state", Recount.objects.order_by()),
        leases={
            "chunk": held_chunks.count(),
            "recording": Recording.objects.filter(state__in=OPEN, lease_until__gte=Now()).count(),
            "recount": open_recounts.filter(lease_until__gte=Now()).count(),
        },
        oldest_unclaimed_s=_age(unclaimed, now),
        idle_s=_age(_last_taken() or unclaimed, now) if unclaimed else 0.0,
        lag_s=_age(oldest, now),
        backlog_s=_backlog_ms() / 1000,
        frames_per_s=_frames_per_s(),
        errors=_by("error_code", Recording.objects.exclude(state__in=OPEN).order_by()),
    )


def _by(column: str, rows: object) -> dict[str, int]:
    counted = rows.values_list(column).annotate(Count("pk"))  # type: ignore[attr-defined]
    return {str(value): number for value, number in counted if value}


def _oldest() -> tuple[datetime | None, datetime | None]:
    """Return since when the first count is in nobody's hands, and since when the first waits.

    A run may be old and asked for again just now, so what counts is when it was last touched.
    """
    runs = Run.objects.filter(active=True, recording__state__in=OPEN)
    held = Chunk.objects.filter(recording=OuterRef("recording"), lease_until__gte=Now())
    free = Recording.objects.filter(lease_free(), pk=OuterRef("recording"))
    recounts = Recount.objects.filter(state__in=OPEN_JOBS)
    unclaimed = (
        runs.filter(Exists(free)).exclude(Exists(held)).aggregate(at=Min(_touched("recording__"))),
        recounts.filter(lease_free()).aggregate(at=Min(_touched())),
    )
    waiting = (rows.aggregate(at=Min("created_at")) for rows in (runs, recounts))
    return _first(unclaimed), _first(waiting)


def _touched(row: str = "") -> Greatest:
    return Greatest("created_at", Coalesce(f"{row}touched_at", "created_at"))


def _first(found: Iterable[dict[str, datetime | None]]) -> datetime | None:
    return min((each["at"] for each in found if each["at"]), default=None)


def _last_taken() -> datetime | None:
    """Return when a worker last took anything; what is through is told by its recording."""
    rows = (
        Chunk.objects.filter(recording__state__in=OPEN),
        Recording.objects.order_by(),
        Recount.objects.order_by(),
    )
    found = (each.aggregate(at=Max("touched_at"))["at"] for each in rows)
    return max((at for at in found if at), default=None)


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0


def _backlog_ms() -> int:
    rows = Chunk.objects.filter(recording__state__in=OPEN, state__in=OPEN_JOBS)
    return rows.aggregate(ms=Sum(F("last_ms") - F("first_ms")))["ms"] or 0


def _frames_per_s() -> float:
    newest = Chunk.objects.filter(state=JobState.DONE, detect_ms__gt=0).order_by("-pk")
    pairs = list(newest.values_list("frames", "detect_ms")[:NEWEST])
    spent_ms = sum(ms for _, ms in pairs)
    return 1000 * sum(frames for frames, _ in pairs) / spent_ms if spent_ms else 0.0
