"""The queue that is the database: states, claims, fences and leases of recordings and chunks.

Every change of a `state` column goes through `_move`. A claim is one conditional UPDATE that
raises the row's fence and takes a lease by the database's clock; every later write names the
fence, so a worker that lost its lease writes nothing more, however long it was away.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest, Now

from tracking.faults import fault
from tracking.models import OPEN_JOBS, OPEN_RECORDINGS, Chunk, JobState, Recording, Recount
from tracking.outages import passing
from tracking.owners import is_dead, machine, new_owner
from tracking.stopping import stop

log = structlog.get_logger(__name__)

# A claim is renewed this long at the most. A chunk is at most 20 s of media, which takes HOG some
# minutes on a small and busy machine; whoever takes longer than this hangs.
CLAIM_LONGEST_S = 1200

State = Recording.State
JobModel = type[Recording] | type[Chunk] | type[Recount]
OPEN = OPEN_RECORDINGS

RECORDING_FROM: dict[str, tuple[str, ...]] = {
    State.QUEUED: (State.FAILED, State.PARTIAL, State.QUARANTINED, State.CANCELLED, State.DONE),
    State.RUNNING: OPEN,
    State.DONE: (State.RUNNING,),
    State.PARTIAL: (State.RUNNING,),
    State.FAILED: OPEN,
    State.QUARANTINED: OPEN,
    State.CANCELLED: (*OPEN, State.QUARANTINED),
}
CHUNK_FROM: dict[str, tuple[str, ...]] = {
    JobState.WAITING: (JobState.WORKING, JobState.DONE, JobState.QUARANTINED, JobState.CANCELLED),
    JobState.WORKING: OPEN_JOBS,
    JobState.DONE: (JobState.WORKING,),
    JobState.QUARANTINED: OPEN_JOBS,
    JobState.CANCELLED: (*OPEN_JOBS, JobState.QUARANTINED),
}
# How long a worker waits for the database or the disk to take a row back.
PATIENCE_S = 60
# Workers die everywhere when so many chunks, on which some died lately, came out well in the end.
# A row is then not to blame for the third death on it, and has so many attempts in all.
INNOCENT, LATELY, MOST_ATTEMPTS = 3, timedelta(minutes=10), 10
NO_LEASE: dict[str, Any] = {"lease_owner": "", "lease_until": None}


class LeaseLostError(RuntimeError):
    """The row belongs to another worker by now, or to none: stop and write nothing."""


@dataclass(slots=True)
class Claim:
    """A row held by this worker as long as its fence stands."""

    model: JobModel
    pk: int
    fence: int
    attempt: int
    lost: threading.Event = field(default_factory=threading.Event)

    @property
    def rows(self) -> QuerySet[Any, Any]:
        """The row while it is ours; nothing once it is not."""
        return self.model._default_manager.filter(pk=self.pk, fence=self.fence)

    def check(self) -> None:
        """Raise LeaseLostError when the renewing thread found the lease gone."""
        if self.lost.is_set():
            raise LeaseLostError(f"{self.model.__name__} {self.pk} is no longer ours.")


def _move(rows: QuerySet[Any, Any], to: str, **changes: Any) -> int:
    """Change the state of rows that may change to it; return how many did."""
    table = RECORDING_FROM if rows.model is Recording else CHUNK_FROM
    return rows.filter(state__in=table[to]).update(state=to, **changes)


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.LEASE_S)


def lease_free() -> Q:
    """Return the condition that nobody holds a row, by the database's clock."""
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def leases_of_the_dead_end() -> int:
    """End the leases of workers of this machine that are gone; return how many.

    A lease would end by itself: this saves the quarter of a minute. The attempt counts, and the
    fence still decides: should the owner live after all, it is refused like any other that was
    too slow.
    """
    freed = 0
    for model in (Recording, Chunk, Recount):
        working = State.RUNNING if model is Recording else JobState.WORKING
        rows = model._default_manager.filter(state=working)
        owners = rows.filter(lease_owner__startswith=f"{machine()}:")
        for owner in owners.values_list("lease_owner", flat=True):
            if is_dead(owner):
                freed += rows.filter(lease_owner=owner).update(rung_at=None, **NO_LEASE)
    if freed:
        log.warning("workers_died", rows=freed)
    return freed


def forget_rings() -> int:
    """Let every open row that nobody holds be rung for again; return how many had been rung.

    For when the messages may be gone with the server that carried them: otherwise each row would
    wait until its last ring is long enough ago.
    """
    open_rows = (
        Recording.objects.filter(state__in=OPEN),
        Chunk.objects.filter(state__in=OPEN_JOBS),
        Recount.objects.filter(state__in=OPEN_JOBS),
    )
    rung = (rows.filter(lease_free(), rung_at__isnull=False) for rows in open_rows)
    return sum(rows.update(rung_at=None) for rows in rung)


def chunk_claim(chunk_id: int) -> Claim | None:
    """Take a chunk of an open recording, or return None when it is taken, done or spent.

    The conditions stand on the chunk's own columns: PostgreSQL looks at those again after it
    waited for a rival's update, at a joined table it would not.
    """
    rows = Chunk.objects.filter(
        lease_free(), pk=chunk_id, recording__in=Recording.objects.filter(state__in=OPEN)
    )
    _set_aside_spent(rows)
    claim = _claim(Chunk, rows, JobState.WORKING)
    if claim is not None:
        _move(
            Recording.objects.filter(chunks=chunk_id, state=State.QUEUED),
            State.RUNNING,
            first_worked_at=Coalesce("first_worked_at", Now()),
        )
    return claim


def recording_claim(recording_id: int) -> Claim | None:
    """Take an open recording for counting, or return None when it is taken, closed or spent."""
    rows = Recording.objects.filter(lease_free(), pk=recording_id, state__in=OPEN)
    _set_aside_spent(rows)
    started = {"first_worked_at": Coalesce("first_worked_at", Now())}
    return _claim(Recording, rows, State.RUNNING, **started)


def _claim(model: JobModel, rows: QuerySet[Any, Any], to: str, **changes: Any) -> Claim | None:
    owner = new_owner()
    with transaction.atomic():
        taken = _move(
            rows,
            to,
            fence=F("fence") + 1,
            attempt=F("attempt") + 1,
            lease_owner=owner,
            lease_until=_lease_end(),
            touched_at=Now(),
            **changes,
        )
        if not taken:
            return None
        row = model._default_manager.values("pk", "fence", "attempt").get(lease_owner=owner)
        fault(f"in_claim_{model._meta.model_name}")
    fault(f"after_claim_{model._meta.model_name}")
    return Claim(model, row["pk"], row["fence"], row["attempt"])


def _set_aside_spent(rows: QuerySet[Any, Any]) -> None:
    """Set aside a row whose workers died on it as often as is allowed."""
    spent = rows.filter(attempt__gte=settings.MAX_ATTEMPTS)
    if not spent.exists():
        return
    spent = rows.filter(attempt__gte=attempts_allowed())
    to = State.QUARANTINED if rows.model is Recording else JobState.QUARANTINED
    finished = {"finished_at": Now()} if rows.model is Recording else {}
    if _move(spent.filter(error_code=""), to, error_code="crashed", **NO_LEASE, **finished):
        return
    _move(spent, to, **NO_LEASE, **finished)


def attempts_allowed() -> int:
    """Return how many attempts a row has.

    Three, unless workers die everywhere: a machine that kills for want of memory, or restarts
    again and again, hits the same row three times by chance, and the row is none the worse.
    A row that kills its worker each time has no such company: of those that died with others,
    each finished its chunk in the end.
    """
    well = Chunk.objects.filter(state=JobState.DONE, attempt__gte=1, touched_at__gt=Now() - LATELY)
    return MOST_ATTEMPTS if well.count() >= INNOCENT else int(settings.MAX_ATTEMPTS)


def renew(claim: Claim) -> bool:
    """Prolong the lease; False when the row is no longer ours."""
    fault("before_renew")
    held = (State.RUNNING,) if claim.model is Recording else (JobState.WORKING,)
    return bool(claim.rows.filter(state__in=held).update(lease_until=_lease_end()))


def give_back(claim: Claim) -> None:
    """Let go of the row without counting the attempt: nothing went wrong."""
    fault("before_give_back")
    changes = {**NO_LEASE, "attempt": Greatest(F("attempt") - 1, 0), "rung_at": None}
    if claim.model is not Recording:
        _move(claim.rows.filter(state=JobState.WORKING), JobState.WAITING, **changes)
    else:
        claim.rows.filter(state__in=OPEN).update(**changes)


def fail_attempt(claim: Claim, code: str, detail: str) -> None:
    """Let go of the row after an error; set it aside once it was tried often enough."""
    fault("before_fail_attempt")
    changes: dict[str, Any] = {"error_code": code, "error_detail": detail[:500], **NO_LEASE}
    if claim.attempt >= settings.MAX_ATTEMPTS and claim.attempt >= attempts_allowed():
        set_aside(claim, code, detail)
    elif claim.model is not Recording:
        _move(claim.rows.filter(state=JobState.WORKING), JobState.WAITING, **changes)
    else:
        claim.rows.filter(state__in=OPEN).update(**changes)


def set_aside(claim: Claim, code: str, detail: str) -> bool:
    """Take the row out of the work until a person asks for it again."""
    changes: dict[str, Any] = {"error_code": code, "error_detail": detail[:500], **NO_LEASE}
    if claim.model is not Recording:
        return bool(_move(claim.rows, JobState.QUARANTINED, **changes))
    return bool(_move(claim.rows, State.QUARANTINED, finished_at=Now(), **changes))


@contextmanager
def held(claim: Claim) -> Iterator[Claim]:
    """Hold a claimed row while the body runs: renew its lease, and account for how it ended.

    An error counts as an attempt; being asked to stop (`tracking.stopping`, Ctrl-C) does not, nor
    does a database that is away or a disk that is full; losing the lease leaves the row to whoever
    has it now.
    """
    done = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(claim, done), daemon=True)
    thread.start()
    try:
        with stop.raised():
            yield claim
    except LeaseLostError as lost:
        claim.lost.set()
        log.warning("lease_lost", row=claim.model.__name__, id=claim.pk, why=str(lost))
    except Exception as error:
        if passing(error):
            log.warning("work_interrupted", row=claim.model.__name__, id=claim.pk, why=str(error))
            _give_back_when_possible(claim)
            raise
        code = getattr(error, "code", None)
        _quietly(fail_attempt, claim, code if isinstance(code, str) else "error", _plain(error))
        raise
    except BaseException:
        _quietly(give_back, claim)
        raise
    finally:
        done.set()
        thread.join()


def _plain(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _quietly(write: Any, *arguments: Any) -> None:
    """Write what can be written; with the database away the lease runs out by itself."""
    try:
        write(*arguments)
    except Error as error:
        log.warning("job_not_released", why=str(error))


def _give_back_when_possible(claim: Claim) -> None:
    """Give the row back as soon as the outage is over; there is nothing else to do meanwhile.

    Without it three outages on one row would count as three attempts and set it aside. Past our
    patience the lease runs out by itself.
    """
    give_up = time.monotonic() + PATIENCE_S
    while stop.asked is None and time.monotonic() < give_up:
        try:
            return give_back(claim)
        except Error as error:
            if not passing(error):
                log.warning("job_not_released", why=str(error))
                return None
            connection.close()
            time.sleep(1)
    return None


def _renew_until(claim: Claim, done: threading.Event) -> None:
    """Renew every few seconds until told to end; runs in a thread with its own connection.

    A decoder that hangs cannot be interrupted from within its process, so past the longest claim
    the process ends itself: its row is another's once the lease is over, its place is taken by a
    new worker, and the third such death sets the row aside.
    """
    give_up = time.monotonic() + CLAIM_LONGEST_S
    try:
        while not done.wait(settings.LEASE_RENEW_S):
            if time.monotonic() > give_up:
                log.error("worker_hangs", row=claim.model.__name__, id=claim.pk)
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                kept = renew(claim)
            except Error as error:
                log.warning("lease_not_renewed", id=claim.pk, why=str(error))
                connection.close()  # a broken one never heals by itself
                continue
            if not kept:
                claim.lost.set()
                return
    finally:
        connection.close()


def chunk_done(claim: Claim, **results: Any) -> None:
    """Save what was detected; raise LeaseLostError when the chunk is no longer ours.

    The row keeps how many attempts were lost on it, see `attempts_allowed`.
    """
    cleared = {**NO_LEASE, "attempt": Greatest(F("attempt") - 1, 0), "error_detail": ""}
    if not _move(claim.rows, JobState.DONE, **cleared, **results):
        raise LeaseLostError(f"Chunk {claim.pk} was detected, but it is no longer ours.")


def recording_hold(claim: Claim, **changes: Any) -> None:
    """Lock the recording's row within a transaction and renew its lease: progress was made."""
    rows = claim.rows.filter(state=State.RUNNING)
    gained = {"attempt": 0, "error_code": "", "error_detail": ""}
    if not rows.update(lease_until=_lease_end(), **gained, **changes):
        raise LeaseLostError(f"Recording {claim.pk} is no longer ours.")


def recording_finish(claim: Claim, state: str, code: str = "", detail: str = "") -> None:
    """Close a counted recording as done, partial or failed."""
    changes = {"error_code": code, "error_detail": detail[:500], "finished_at": Now(), **NO_LEASE}
    if not _move(claim.rows, state, **changes):
        raise LeaseLostError(f"Recording {claim.pk} is no longer ours.")


def recording_cancel(recording: Recording) -> bool:
    """Cancel a recording that is not finished; whoever works on it finds the fence raised."""
    with transaction.atomic():
        raised = {"fence": F("fence") + 1, **NO_LEASE}
        rows = Recording.objects.filter(pk=recording.pk)
        if not _move(rows, State.CANCELLED, finished_at=Now(), **raised):
            return False
        fault("in_cancel")
        _move(Chunk.objects.filter(recording=recording), JobState.CANCELLED, **raised)
    return True


def recording_requeue(recording: Recording) -> bool:
    """Let a recording that was set aside wait again; counting goes on from its checkpoint."""
    return _reopen(recording, (State.QUARANTINED,), (JobState.QUARANTINED,))


def recording_restart(recording: Recording) -> bool:
    """Let a finished recording wait again with all its chunks; its new run counts from zero."""
    finished = (State.FAILED, State.PARTIAL, State.CANCELLED, State.DONE, State.QUARANTINED)
    return _reopen(recording, finished, tuple(CHUNK_FROM[JobState.WAITING]), decoded_ms=0)


def _reopen(
    recording: Recording, states: tuple[str, ...], chunks: tuple[str, ...], **changes: Any
) -> bool:
    fresh = {"fence": F("fence") + 1, "attempt": 0, "rung_at": None, **NO_LEASE}
    fresh |= {"touched_at": Now()}
    fresh |= {"error_code": "", "error_detail": ""}
    with transaction.atomic():
        rows = Recording.objects.filter(pk=recording.pk, state__in=states)
        if not _move(rows, State.QUEUED, finished_at=None, **fresh, **changes):
            return False
        fault("in_reopen")
        again = Chunk.objects.filter(recording=recording, state__in=chunks)
        _move(again, JobState.WAITING, **fresh)
        fault("after_reopen")
    return True


def recount_claim(recount_id: int) -> Claim | None:
    """Take an open re-count, or return None when it is taken, closed or spent."""
    rows = Recount.objects.filter(lease_free(), pk=recount_id)
    _set_aside_spent(rows)
    return _claim(Recount, rows, JobState.WORKING)


def recount_hold(claim: Claim) -> None:
    """Lock the re-count's row within a transaction and renew its lease: progress was made."""
    gained = {"attempt": 0, "error_code": "", "error_detail": ""}
    rows = claim.rows.filter(state=JobState.WORKING)
    if not rows.update(lease_until=_lease_end(), **gained):
        raise LeaseLostError(f"Re-count {claim.pk} is no longer ours.")


def recount_done(claim: Claim) -> None:
    """Close a re-count within the transaction that makes its run the official one."""
    if not _move(claim.rows, JobState.DONE, finished_at=Now(), **NO_LEASE):
        raise LeaseLostError(f"Re-count {claim.pk} is no longer ours.")


def recount_drop(claim: Claim) -> None:
    """Close a re-count that has nothing left to replace."""
    _move(claim.rows, JobState.CANCELLED, finished_at=Now(), **NO_LEASE)


def recount_cancel(recording: Recording) -> int:
    """Cancel the recording's open re-counts; whoever works on one finds the fence raised."""
    rows = Recount.objects.filter(recording=recording)
    changes = {"fence": F("fence") + 1, "finished_at": Now(), **NO_LEASE}
    return _move(rows, JobState.CANCELLED, **changes)
