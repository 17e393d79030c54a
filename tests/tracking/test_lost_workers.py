"""What is left behind by a worker that died, and how soon somebody else has it."""

from __future__ import annotations

import os
import pickle
import signal
import time
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from celery import signals
from django.db import OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from oskartrack.beat import Every
from tests.tracking import again, walks
from tracking import jobs, owners, tasks
from tracking.models import Chunk, Recording, Recount
from tracking.outages import database_away
from tracking.recounts import recording_recount

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(files) -> Recording:
    return walks.make_recording(walks.make_store(), files)


@pytest.fixture
def chunk(recording) -> Chunk:
    return recording.chunks.get(index=0)


def dead_process() -> tuple[int, str]:
    """Return the id and the start of a process that has ended."""
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    started = owners.started_at(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return child, started


CLAIMS = {
    Chunk: jobs.chunk_claim, Recording: jobs.recording_claim, Recount: jobs.recount_claim
}  # fmt: skip


def held_by(row: Chunk | Recording | Recount, pid: int, started: str, machine: str = "") -> None:
    """Let a row be held by another process, by a lease that has long to go."""
    claim = CLAIMS[type(row)](row.pk)
    assert claim is not None
    owner = f"{machine or owners.machine()}:{pid}:{started}:0a1b2c:here"
    claim.rows.update(lease_owner=owner, rung_at=Now())


@pytest.mark.parametrize("row_name", ["chunk", "recording"])
def test_a_row_of_a_process_that_is_gone_is_free_at_once_and_the_attempt_counts(row_name, request):
    row = request.getfixturevalue(row_name)
    held_by(row, *dead_process())
    assert jobs.leases_of_the_dead_end() == 1
    row.refresh_from_db()
    assert (row.attempt, row.lease_until, row.rung_at) == (1, None, None)


def test_a_row_of_a_process_that_nobody_has_buried_yet_is_free_too(chunk):
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    held_by(chunk, child, owners.started_at(child))
    os.kill(child, signal.SIGKILL)
    while owners.started_at(child):
        time.sleep(0.01)
    assert jobs.leases_of_the_dead_end() == 1
    os.waitpid(child, 0)


def test_the_lease_of_a_living_process_stays(chunk):
    assert jobs.chunk_claim(chunk.pk) is not None
    assert jobs.leases_of_the_dead_end() == 0


def test_another_process_under_the_same_number_does_not_keep_the_lease_of_the_dead(chunk):
    _, started = dead_process()
    held_by(chunk, os.getpid(), str(int(started) - 1))
    assert jobs.leases_of_the_dead_end() == 1


def test_a_process_of_another_machine_is_nobody_we_could_know_to_be_dead(chunk):
    held_by(chunk, *dead_process(), machine="ffffffffffff")
    assert jobs.leases_of_the_dead_end() == 0


def test_a_lost_chunk_comes_before_all_that_follow_it(recording, chunk):
    held_by(chunk, *dead_process())
    tasks.detect_chunk(recording.chunks.get(index=2).pk)
    chunk.refresh_from_db()
    assert (chunk.state, chunk.attempt) == ("done", 1)  # it keeps how many attempts were lost


def test_a_lost_chunk_that_was_rung_for_a_moment_ago_does_not_wait_for_its_message(
    recording, chunk
):
    """The message is lost, or it is the last of a long queue."""
    held_by(chunk, *dead_process())
    jobs.leases_of_the_dead_end()
    Chunk.objects.filter(pk=chunk.pk).update(rung_at=Now())
    tasks.detect_chunk(recording.chunks.get(index=2).pk)
    chunk.refresh_from_db()
    assert chunk.state == "done"


def test_a_chunk_that_failed_a_moment_ago_is_left_alone_for_a_while(recording, chunk):
    claim = jobs.chunk_claim(chunk.pk)
    assert claim is not None
    jobs.fail_attempt(claim, "error", "a stumble")
    Chunk.objects.filter(pk=chunk.pk).update(rung_at=Now())
    tasks.detect_chunk(recording.chunks.get(index=2).pk)
    chunk.refresh_from_db()
    assert (chunk.state, chunk.attempt) == ("waiting", 1)
    Chunk.objects.filter(pk=chunk.pk).update(rung_at=Now() - timedelta(seconds=16))
    tasks.detect_chunk(recording.chunks.get(index=2).pk)
    chunk.refresh_from_db()
    assert chunk.state == "done"


def test_a_count_whose_worker_died_goes_on_before_the_next_detection(recording, chunk, files):
    urgent = walks.make_recording(recording.store, files, recording.camera, priority=-1)
    assert tasks.runner.detect(chunk.pk) == recording.pk
    held_by(recording, *dead_process())
    jobs.leases_of_the_dead_end()
    Recording.objects.filter(pk=recording.pk).update(rung_at=Now())
    tasks.detect_chunk(urgent.chunks.get(index=0).pk)
    assert recording.runs.get().next_chunk == 1
    assert urgent.chunks.get(index=0).state == "done"


def test_the_recording_of_a_chunk_that_killed_each_worker_is_set_aside_with_it(recording, chunk):
    """Its other parts would only kill more of them."""
    lose(chunk, 3)
    tasks.detect_chunk(recording.chunks.get(index=2).pk)
    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == ("quarantined", "crashed")
    assert not recording.chunks.filter(state="done").exists()


def lose(chunk: Chunk, times: int) -> None:
    """Let workers die on a chunk."""
    for _ in range(times):
        claim = jobs.chunk_claim(chunk.pk)
        assert claim is not None
        claim.rows.update(lease_until=Now() - timedelta(milliseconds=1))


def finish(chunk: Chunk) -> None:
    claim = jobs.chunk_claim(chunk.pk)
    assert claim is not None
    jobs.chunk_done(claim)


def test_a_row_hit_by_chance_while_workers_die_everywhere_is_not_set_aside(recording, chunk):
    for index in (1, 2, 3):
        other = recording.chunks.get(index=index)
        lose(other, 1)
        finish(other)
    lose(chunk, 9)
    finish(chunk)
    chunk.refresh_from_db()
    assert chunk.state == "done"


def test_even_then_a_row_that_kills_each_worker_is_set_aside_after_ten(recording, chunk):
    for index in (1, 2, 3):
        other = recording.chunks.get(index=index)
        lose(other, 1)
        finish(other)
    lose(chunk, 10)
    assert jobs.chunk_claim(chunk.pk) is None
    chunk.refresh_from_db()
    assert (chunk.state, chunk.error_code) == ("quarantined", "crashed")


def test_chunks_that_failed_long_ago_excuse_nobody(recording, chunk):
    for index in (1, 2, 3):
        other = recording.chunks.get(index=index)
        lose(other, 1)
        finish(other)
    Chunk.objects.update(touched_at=Now() - timedelta(minutes=11))
    lose(chunk, 3)
    assert jobs.chunk_claim(chunk.pk) is None


def test_messages_carry_no_time_at_which_a_worker_would_throw_them_away(chunk, settings):
    import redis

    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("celery")
    tasks.ring_next()
    sent = client.lrange("celery", 0, -1)
    client.delete("celery")
    client.close()
    assert sent
    assert all(b'"expires": null' in message for message in sent)


def test_what_was_rung_for_in_the_instant_of_a_stop_is_rung_for_as_soon_as_beat_starts(recording):
    """The message went with the Valkey that carried it; a row that somebody holds is let be."""
    held, lost, seen = (recording.chunks.get(index=index) for index in range(3))
    claim = jobs.chunk_claim(held.pk)
    finish(seen)
    Chunk.objects.update(rung_at=Now())
    Recording.objects.update(rung_at=Now())
    assert lost not in tasks._undetected()
    signals.beat_init.send(sender=None)
    assert tasks._undetected().first() == lost
    assert held not in tasks._undetected()
    assert claim is not None
    rung = Chunk.objects.filter(rung_at__isnull=False)
    assert set(rung) == {held, seen}  # how lately one came out well excuses others
    recording.refresh_from_db()
    assert recording.rung_at is None


@pytest.fixture
def recount(files) -> Recount:
    recording = again.counted(files)
    again.redraw(recording)
    return recording_recount(recording=recording)


def test_a_recount_of_a_process_that_is_gone_is_free_at_once_and_the_attempt_counts(recount):
    held_by(recount, *dead_process())
    assert jobs.leases_of_the_dead_end() == 1
    recount.refresh_from_db()
    assert (recount.attempt, recount.lease_until, recount.rung_at) == (1, None, None)


def test_a_recount_rung_for_in_the_instant_of_a_stop_is_rung_for_as_soon_as_beat_starts(recount):
    Recount.objects.update(rung_at=Now())
    signals.beat_init.send(sender=None)
    recount.refresh_from_db()
    assert recount.rung_at is None


def test_a_scheduler_that_starts_before_the_database_answers_starts_all_the_same(monkeypatch):
    def away() -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr(jobs, "forget_rings", away)
    tasks.ring_anew()


def test_no_more_messages_wait_than_twice_the_workers(recording, settings):
    import redis

    settings.WORKERS = 2
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("celery")
    for _ in range(5):
        Chunk.objects.update(rung_at=None)
        tasks.ring_next()
    waiting = client.llen("celery")
    client.delete("celery")
    client.close()
    assert waiting == 4


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_does_not_keep_the_scheduler_from_ringing(hours):
    every = Every(seconds=5)
    rang = datetime(2026, 7, 1, 9, tzinfo=UTC)
    every.nowfun = lambda: rang + timedelta(hours=hours)
    due = every.is_due(rang)
    assert due.is_due
    assert 0 < due.next <= 5


def test_the_scheduler_waits_its_seconds_and_survives_its_own_file():
    every = pickle.loads(pickle.dumps(Every(seconds=5)))
    rang = datetime(2026, 7, 1, 9, tzinfo=UTC)
    every.nowfun = lambda: rang + timedelta(seconds=2)
    assert every == Every(seconds=5)
    assert every.is_due(rang) == (False, 3)


@pytest.mark.django_db(transaction=True)
def test_a_worker_frozen_within_a_transaction_does_not_keep_its_locks(recording):
    """Only PostgreSQL can do that; on SQLite whoever froze the worker has to wake it up."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no way to end another process's transaction")
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("15s",)
        cursor.execute("SET idle_in_transaction_session_timeout = 100")
    with pytest.raises(Exception) as cut, transaction.atomic():  # noqa: PT011 - told below
        Recording.objects.filter(pk=recording.pk).update(name="frozen")
        time.sleep(0.5)
        Recording.objects.filter(pk=recording.pk).update(name="awake")
    assert database_away(cut.value)
    assert isinstance(cut.value.__cause__, psycopg2.Error)
    connections.close_all()
    recording.refresh_from_db()
    assert recording.name == "walks.mp4"
