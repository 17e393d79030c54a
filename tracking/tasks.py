"""Celery's doors to the work: a message carries an id and rings, the row decides.

A lost, doubled or late message changes nothing: `ring_unclaimed` rings again for every row that
nobody holds, and whoever comes second finds the row taken.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from celery.app import app_or_default
from django.conf import settings
from django.db import Error, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone as clock
from kombu.exceptions import OperationalError

from tracking import jobs, reconcile, recounts, room, runner
from tracking.faults import fault
from tracking.models import OPEN_JOBS, Chunk, JobState, Recording, Recount, Run
from tracking.stopping import stoppable

log = structlog.get_logger(__name__)

RING_AGAIN_S = 15


@shared_task
def detect_chunk(chunk_id: int) -> None:
    """Find the people of the most urgent chunk, then count what became ready."""
    with stoppable():
        jobs.leases_of_the_dead_end()
        _count_left_behind()
        recording_id = _detect_most_urgent(chunk_id)
        _ring(_undetected(), detect_chunk, _room_in_queue())  # the others have work meanwhile
        if recording_id is not None and runner.advance(recording_id):
            _send(advance_recording, recording_id)
        _ring(_unrecounted(), advance_recount, _room_in_queue())  # a final count may have begun


@shared_task
def advance_recording(recording_id: int) -> None:
    """Count the next detected chunks of a recording for one slice of time."""
    with stoppable():
        if runner.advance(recording_id):
            _send(advance_recording, recording_id)
        _ring(_unrecounted(), advance_recount, _room_in_queue())  # a final count may have begun


@shared_task
def advance_recount(recount_id: int) -> None:
    """Count the next chunks of a recording again for one slice of time."""
    with stoppable():
        if recounts.advance(recount_id):
            _send(advance_recount, recount_id)


@shared_task
def ring_unclaimed() -> None:
    """Ring for what nobody holds; beat calls this every five seconds."""
    ring_next()


@shared_task
def files_reconcile() -> None:
    """Compare files and rows once a day; tell at once, put right a day later."""
    reconcile.reconcile(now=clock.now())


@shared_task
def recounts_forget() -> None:
    """Remove what re-counts that were cancelled or set aside have left behind."""
    recounts.recounts_forget()


def ring_anew() -> None:
    """Ring again for what was rung for before the scheduler started; beat calls it as it starts.

    An embedded Valkey begins empty and takes the messages of before along. With one that kept
    them each row is rung for once more, which changes nothing.
    """
    try:
        rows = jobs.forget_rings()
    except Error as error:
        log.warning("rings_not_forgotten", why=str(error))  # each is rung for again in 15 s
        return
    if rows:
        log.info("ringing_anew", rows=rows)


def ring(recording_id: int) -> None:
    """Ring for a recording's work once the present transaction is committed."""
    log.info("recording_ready", recording=recording_id)
    transaction.on_commit(ring_next, robust=True)


def ring_next() -> int:
    """Ring for the oldest rows that nobody holds; return for how many.

    At most until twice as many messages wait as there are workers, and each at most once in 15 s.
    """
    jobs.leases_of_the_dead_end()
    if paused := room.pause_words():
        log.warning("work_paused", why=paused)
        return 0
    limit = _room_in_queue()
    rung = _ring(_uncounted(), advance_recording, limit)
    rung += _ring(_unrecounted(), advance_recount, limit - rung)
    return rung + _ring(_undetected(), detect_chunk, limit - rung)


def _detect_most_urgent(rung_for: int) -> int | None:
    """Work the first chunk in order that nobody holds, whichever was rung for.

    A message may have waited behind many others, and a chunk whose worker died comes before all
    that follow it.
    """
    waiting = _undetected(_to_be_had()).values_list("pk", flat=True)
    for chunk_id in [*waiting[: settings.WORKERS + 1], rung_for]:
        recording_id = runner.detect(chunk_id)
        if recording_id is not None:
            return recording_id
    return None


def _count_left_behind() -> None:
    """Count what is detected and in nobody's hands: whoever counted it died, or is about to begin.

    It takes a moment, and its own message would wait behind the detection of others for minutes.
    """
    ready = _uncounted(_to_be_had()).values_list("pk", flat=True)
    for recording_id in list(ready[: settings.WORKERS + 1]):
        if runner.advance(recording_id):
            _send(advance_recording, recording_id)


def _ring(rows: Any, task: Any, limit: int) -> int:
    """Ring for the first rows, each unless another process just did; return for how many."""
    rung = 0
    for row_id in list(rows.values_list("pk", flat=True)[:limit]):
        due = rows.model._default_manager.filter(_due(), pk=row_id)
        if due.update(rung_at=Now()):
            rung += 1
            if not _send(task, row_id):
                break
    return rung


def _due() -> Q:
    long_ago = Now() - timedelta(seconds=RING_AGAIN_S)
    return jobs.lease_free() & (Q(rung_at=None) | Q(rung_at__lt=long_ago))


def _to_be_had() -> Q:
    """Return the condition that a row may be worked now, whether or not it was just rung for.

    The message for a row whose worker died may be lost or far behind. One that failed with an
    error a moment ago is left alone until it is rung for again.
    """
    return jobs.lease_free() & (Q(attempt=0) | Q(error_code="") | _due())


def _undetected(which: Q | None = None) -> Any:
    """Return chunks that wait for detection, the most urgent first; those that are due."""
    rows = Chunk.objects.filter(
        which or _due(), state__in=OPEN_JOBS, recording__state__in=jobs.OPEN
    )
    # Of live cameras whichever chunk is oldest, so that none waits for another's.
    return rows.order_by("recording__priority", "made_at", "recording_id", "index")


def _uncounted(which: Q | None = None) -> Any:
    """Return recordings whose next chunk is detected or set aside, or that have none left.

    The most urgent first; those that are due, unless told which.
    """
    ready = Chunk.objects.filter(
        recording=OuterRef("pk"),
        index=F("recording__runs__next_chunk"),
        recording__runs__active=True,
        state__in=(JobState.DONE, JobState.QUARANTINED),
    )
    rows = Recording.objects.filter(which or _due(), state__in=jobs.OPEN)
    counted = Run.objects.filter(
        recording=OuterRef("pk"), active=True, next_chunk__gte=OuterRef("chunk_count")
    )
    over = Q(growing=False) & Exists(counted)
    return rows.filter(Exists(ready) | over).order_by("priority", "pk")


def _unrecounted() -> Any:
    """Return re-counts that wait, the oldest first."""
    return Recount.objects.filter(_due(), state__in=OPEN_JOBS).order_by("pk")


def _room_in_queue() -> int:
    """Return how many more messages may wait: twice as many as there are workers in all.

    This keeps the queue short while no worker takes any. Messages have no time of their own at
    which they expire: a sender whose clock is a minute behind would have each one thrown away.
    """
    app: Any = app_or_default()
    most: int = 2 * settings.WORKERS
    try:
        with app.producer_pool.acquire(block=True) as producer:
            queue = producer.channel.queue_declare(app.conf.task_default_queue)
    except (OperationalError, OSError):
        return most
    return max(0, most - int(queue.message_count))


def _send(task: Any, row_id: int) -> bool:
    """Send one message; a broker that is away is no reason to fail: beat rings again."""
    fault("before_send")
    try:
        task.apply_async((row_id,), retry=False)
    except OperationalError as error:
        log.warning("not_rung", task=task.name, id=row_id, why=str(error))
        return False
    fault("after_send")
    return True
