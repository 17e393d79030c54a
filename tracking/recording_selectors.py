"""Recordings as people read them: how far, what was counted, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone as clock

from accounts.models import Store
from tracking import room
from tracking.models import OPEN_JOBS, OPEN_RECORDINGS, Chunk, JobState, Recording, Recount, Run
from tracking.problems import known
from tracking.recount_words import SET_ASIDE_WORDS, done_words, open_words
from tracking.selectors import RunNumbers, run_numbers

State = Recording.State

STAGES = ("received", "checked", "finding", "counting", "done")
STATE_WORDS: dict[str, str] = {
    State.QUEUED: "Waiting for its turn",
    State.RUNNING: "Being counted",
    State.DONE: "Counted",
    State.PARTIAL: "Counted in part",
    State.FAILED: "Could not be counted",
    State.QUARANTINED: "Set aside after several tries",
    State.CANCELLED: "Cancelled",
}
# The least that is worth a guess of how long the rest takes.
GUESS_FROM = 0.05
# A page tells of so many re-counts, the newest.
MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class ChunkCounts:
    """How many parts of a recording stand where."""

    done: int
    working: int
    total: int
    broken: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, what to do about it, and whether trying again can help."""

    code: str
    what: str
    next_step: str
    retry: bool


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run on show: the active one, else the last."""

    public_id: Any
    mode: str
    detector: str
    detector_title: str
    detector_note: str
    model: str
    model_sha256: str
    threshold: float | None
    next_chunk: int
    created_at: datetime
    final_left_out: str


@dataclass(frozen=True, slots=True)
class RecountFacts:
    """The newest re-count: what is going on, or why a number changed."""

    state: str
    text: str
    progress: float
    changes: list[str]
    old: dict[str, int] | None
    new: dict[str, int] | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """A recording with everything a page or a client is told of it."""

    recording: Recording
    state_text: str
    progress: float
    stage: str
    chunks: ChunkCounts
    entries: int | None
    exits: int | None
    visits: int | None
    people_in_picture: int | None
    speed: float | None
    eta_s: float | None
    error: Fault | None
    run: RunFacts | None = field(default=None)
    # Why an open recording does not go on at the moment; empty when it does.
    paused: str = ""
    recount: RecountFacts | None = field(default=None)


def with_progress(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Add to recordings what `facts_of` reads: chunk counts by subquery, runs by one query."""
    broken = Q(broken=True) | Q(state=JobState.QUARANTINED)
    runs = Run.objects.order_by("-active", "-pk").defer("setup", "tracker_state")
    recounts = Recount.objects.exclude(state=JobState.CANCELLED).order_by("-pk")
    return (
        recordings.select_related("camera", "store")
        .prefetch_related(
            Prefetch("runs", runs, to_attr="runs_newest_first"),
            Prefetch("recounts", recounts, to_attr="recounts_newest_first"),
        )
        .annotate(
            chunks_done=_chunks(Q(state=JobState.DONE)),
            chunks_working=_chunks(Q(state=JobState.WORKING)),
            chunks_broken=_chunks(broken),
        )
    )


def _chunks(condition: Q) -> Coalesce:
    rows = Chunk.objects.filter(condition, recording=OuterRef("pk")).order_by()
    counts = rows.values("recording").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)


def facts_of(recordings: Sequence[Recording], now: datetime | None = None) -> list[RecordingFacts]:
    """Return the facts of recordings that come from `with_progress`; two queries for any number."""
    now = now or clock.now()
    runs = [run for each in recordings if (run := _run(each)) is not None and run.active]
    numbers = run_numbers([run.pk for run in runs])
    is_open = [each.state in OPEN_RECORDINGS or _is_recounted(each) for each in recordings]
    paused = room.pause_words() if any(is_open) else ""
    return [_facts(each, numbers, now, paused) for each in recordings]


def _is_recounted(recording: Recording) -> bool:
    recounts: list[Recount] = recording.recounts_newest_first  # type: ignore[attr-defined]
    return bool(recounts) and recounts[0].state in OPEN_JOBS


def _run(recording: Recording) -> Run | None:
    runs: list[Run] = recording.runs_newest_first  # type: ignore[attr-defined]
    return runs[0] if runs else None


def _facts(
    recording: Recording, numbers: dict[int, RunNumbers], now: datetime, paused: str
) -> RecordingFacts:
    run = _run(recording)
    is_image = recording.source == Recording.Source.IMAGE
    counted = numbers.get(run.pk) if run and not is_image else None
    chunks = _chunk_counts(recording)
    progress = _progress(recording, chunks, run)
    recount = _recount_facts(recording, run, now, paused)
    paused = paused if recording.state in OPEN_RECORDINGS else ""
    speed, eta_s = _pace(recording, progress, now)
    return RecordingFacts(
        recording=recording,
        state_text=paused or _state_text(recording, run),
        progress=progress,
        stage=_stage(recording, chunks),
        chunks=chunks,
        entries=counted.entries if counted else None,
        exits=counted.exits if counted else None,
        visits=counted.visits if counted else None,
        people_in_picture=run.card.get("people_in_picture") if run and is_image else None,
        speed=speed,
        eta_s=None if paused else eta_s,
        error=_fault(recording),
        run=_run_facts(run) if run else None,
        paused=paused,
        recount=recount,
    )


def _chunk_counts(recording: Recording) -> ChunkCounts:
    row: Any = recording
    return ChunkCounts(
        done=row.chunks_done,
        working=row.chunks_working,
        total=recording.chunk_count,
        broken=row.chunks_broken,
    )


def _progress(recording: Recording, chunks: ChunkCounts, run: Run | None) -> float:
    """Return how far a recording is in [0, 1]: seeing and counting weigh the same."""
    if recording.state in {State.DONE, State.PARTIAL}:
        return 1.0
    counted = run.next_chunk if run and run.active else 0
    return round(min(1.0, (chunks.done + counted) / (2 * max(1, chunks.total))), 4)


def _pace(
    recording: Recording, progress: float, now: datetime
) -> tuple[float | None, float | None]:
    """Return the speed in times real time, and about how many seconds are left."""
    if recording.first_worked_at is None or recording.source == Recording.Source.IMAGE:
        return None, None
    worked_s = ((recording.finished_at or now) - recording.first_worked_at).total_seconds()
    if worked_s <= 0 or progress < GUESS_FROM:
        return None, None
    speed = round(progress * recording.declared_ms / 1000 / worked_s, 3)
    if recording.state != State.RUNNING:
        return speed, None
    return speed, round(worked_s * (1 - progress) / progress, 1)


def _stage(recording: Recording, chunks: ChunkCounts) -> str:
    """Return where a recording is, or where it was when it failed or was cancelled."""
    if recording.state in {State.DONE, State.PARTIAL}:
        return "done"
    if recording.state == State.QUEUED or not (chunks.done or recording.first_worked_at):
        return "checked"
    return "finding" if chunks.done < chunks.total else "counting"


def _state_text(recording: Recording, run: Run | None) -> str:
    if recording.state in {State.DONE, State.PARTIAL} and not (run and run.active):
        return "Replaced: no longer counted"
    if recording.state == State.PARTIAL:
        read, whole = recording.decoded_ms / 1000, recording.declared_ms / 1000
        return f"Counted in part: {read:.1f} s of {whole:.1f} s"
    return STATE_WORDS[recording.state]


def _fault(recording: Recording) -> Fault | None:
    """Return what went wrong, once it is the recording's end and not a try among several."""
    if recording.state in {*OPEN_RECORDINGS, State.DONE}:
        return None
    code = recording.error_code or ("cancelled" if recording.state == State.CANCELLED else "error")
    if recording.state == State.PARTIAL and not recording.error_code:
        code = "cut_off"
    problem = known(code)
    return Fault(code, problem.what, problem.next_step, problem.retry)


def _run_facts(run: Run) -> RunFacts:
    detector = run.card.get("detector") or {}
    name, how = detector.get("name", ""), detector.get("settings") or {}
    return RunFacts(
        public_id=run.public_id,
        mode=run.mode,
        detector=name,
        detector_title=detector.get("title", name),
        detector_note=detector.get("note", ""),
        model=how.get("model", ""),
        model_sha256=how.get("sha256", ""),
        threshold=how.get("threshold", how.get("least_margin")),
        next_chunk=run.next_chunk,
        created_at=run.created_at,
        final_left_out=run.card.get("final_left_out", ""),
    )


def _recount_facts(
    recording: Recording, run: Run | None, now: datetime, paused: str
) -> RecountFacts | None:
    """Return the newest re-count, as long as it says something of the run on show."""
    recounts: list[Recount] = recording.recounts_newest_first  # type: ignore[attr-defined]
    if not recounts or run is None or not run.active:
        return None
    recount = recounts[0]
    if run.pk != (recount.new_run_id if recount.finished_at else recount.old_run_id):
        return None
    total = max(1, recording.chunk_count)
    runs: list[Run] = recording.runs_newest_first  # type: ignore[attr-defined]
    counted = next((each.next_chunk for each in runs if each.pk == recount.new_run_id), 0)
    text = recount_text(recount, recording.store.timezone, now, counted, total)
    if paused and recount.state in OPEN_JOBS:
        text = f"{text} {paused}."
    return RecountFacts(
        state=recount.state,
        text=text,
        progress=1.0 if recount.finished_at else round(counted / total, 4),
        changes=recount.changes,
        old=recount.numbers.get("old"),
        new=recount.numbers.get("new"),
        created_at=recount.created_at,
        finished_at=recount.finished_at,
    )


def recount_text(
    recount: Recount, zone: str, now: datetime, counted: int = 0, total: int = 0
) -> str:
    """Return a re-count in plain words, with times on the clock of the store."""
    if recount.state == JobState.QUARANTINED:
        return SET_ASIDE_WORDS
    if recount.finished_at is None or not recount.numbers:
        return open_words(recount.changes, counted, total)
    return done_words(
        at=recount.finished_at, now=now, zone=zone, changes=recount.changes, **recount.numbers
    )


def recounts_between(store: Store, since: datetime, until: datetime) -> list[str]:
    """Return why numbers of a span changed: its official runs that took another one's place."""
    recounts = Recount.objects.filter(
        store=store,
        state=JobState.DONE,
        new_run__active=True,
        recording__started_at__lt=until,
        recording__ended_at__gt=since,
    )
    now = clock.now()
    return [
        f"{recount.recording.name}: {recount_text(recount, store.timezone, now)}"
        for recount in recounts.select_related("recording").order_by("-finished_at")[:MOST_TOLD]
    ]
