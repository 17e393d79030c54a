"""Claims, fences, leases and attempts: who may work on a row, and who no longer."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import redis
from django.db.models import F
from django.db.models.functions import Now

from oskartrack.celery import app
from tests.tracking import walks
from tracking import jobs, runner, stopping, tasks
from tracking.models import Chunk, JobState, Recording, Run

pytestmark = pytest.mark.django_db
FAR = datetime(2199, 1, 1, tzinfo=walks.STARTED.tzinfo)


@pytest.fixture
def recording(files) -> Recording:
    return walks.make_recording(walks.make_store(), files)


@pytest.fixture
def chunk(recording) -> Chunk:
    return recording.chunks.get(index=0)


@pytest.fixture
def queue(settings) -> Iterator[redis.Redis]:
    """Return the broker that the messages go to, emptied."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("celery")
    yield client
    client.delete("celery")
    client.close()


def run_out(row: Chunk | Recording) -> None:
    """Let the row's lease have ended a moment ago."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    rows.update(lease_until=Now() - timedelta(milliseconds=1))


def claimed(row: Chunk | Recording) -> jobs.Claim:
    claim = jobs.chunk_claim(row.pk) if isinstance(row, Chunk) else jobs.recording_claim(row.pk)
    assert claim is not None
    return claim


def fresh(row):
    row.refresh_from_db()
    return row


def test_a_claim_raises_the_fence_and_takes_a_lease_of_fifteen_seconds(chunk):
    assert claimed(chunk).fence == 1
    row = Chunk.objects.annotate(left=F("lease_until") - Now()).get(pk=chunk.pk)
    assert (row.state, row.attempt) == ("working", 1)
    assert timedelta(seconds=13) < row.left <= timedelta(seconds=15)


def test_a_claim_starts_its_recording(chunk, recording):
    claimed(chunk)
    assert fresh(recording).state == "running"
    assert recording.first_worked_at is not None


@pytest.mark.parametrize("row_name", ["chunk", "recording"])
def test_a_row_in_work_is_not_handed_out_twice(row_name, request):
    row = request.getfixturevalue(row_name)
    claimed(row)
    again = jobs.chunk_claim if row_name == "chunk" else jobs.recording_claim
    assert again(row.pk) is None


@pytest.mark.parametrize("row_name", ["chunk", "recording"])
def test_a_row_whose_lease_ran_out_is_handed_out_again(row_name, request):
    row = request.getfixturevalue(row_name)
    first = claimed(row)
    run_out(row)
    assert claimed(row).fence == first.fence + 1


def test_leases_follow_the_clock_of_the_database_and_not_of_the_worker(chunk, monkeypatch):
    claimed(chunk)
    monkeypatch.setattr("django.utils.timezone.now", lambda: FAR)
    monkeypatch.setattr("time.time", FAR.timestamp)
    assert jobs.chunk_claim(chunk.pk) is None


def test_a_zombie_that_wakes_up_saves_nothing(chunk):
    zombie = claimed(chunk)
    run_out(chunk)
    living = claimed(chunk)
    with pytest.raises(jobs.LeaseLostError):
        jobs.chunk_done(zombie, detections=b"old", frames=1)
    assert not jobs.renew(zombie)
    jobs.fail_attempt(zombie, "error", "late")
    jobs.give_back(zombie)
    assert fresh(chunk).state == "working"
    assert chunk.detections is None
    jobs.chunk_done(living, detections=b"new", frames=1)
    assert bytes(fresh(chunk).detections) == b"new"


def test_renewing_prolongs_the_lease(chunk):
    claim = claimed(chunk)
    run_out(chunk)
    assert jobs.renew(claim)
    assert jobs.chunk_claim(chunk.pk) is None


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_held_is_renewed_in_the_background(chunk, settings):
    settings.LEASE_RENEW_S = 0.02
    claim = claimed(chunk)
    run_out(chunk)
    with jobs.held(claim):
        until_renewed(chunk)
        jobs.give_back(claim)


def until_renewed(chunk: Chunk) -> None:
    for _ in range(200):
        if Chunk.objects.filter(pk=chunk.pk, lease_until__gt=Now()).exists():
            return
        time.sleep(0.02)
    pytest.fail("The lease was not renewed.")


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_the_lease_is_told(chunk, settings):
    settings.LEASE_RENEW_S = 0.02
    claim = claimed(chunk)
    run_out(chunk)
    claimed(chunk)
    with jobs.held(claim):
        assert claim.lost.wait(5)
        with pytest.raises(jobs.LeaseLostError):
            claim.check()
    assert fresh(chunk).fence == claim.fence + 1
    assert chunk.state == "working"


@pytest.mark.parametrize("row_name", ["chunk", "recording"])
def test_three_workers_that_died_on_a_row_set_it_aside(row_name, request):
    row = request.getfixturevalue(row_name)
    for attempt in (1, 2, 3):
        assert claimed(row).attempt == attempt
        run_out(row)
    again = jobs.chunk_claim if row_name == "chunk" else jobs.recording_claim
    assert again(row.pk) is None
    assert (fresh(row).state, row.error_code) == ("quarantined", "crashed")


def test_an_error_is_noted_and_the_third_sets_the_row_aside(chunk):
    for state in ("waiting", "waiting", "quarantined"):
        with pytest.raises(OSError, match="no disk"), jobs.held(claimed(chunk)):
            raise OSError("no disk")
        assert fresh(chunk).state == state
    assert (chunk.error_code, chunk.error_detail) == ("error", "OSError: no disk")


@pytest.mark.parametrize("row_name", ["chunk", "recording"])
def test_being_asked_to_stop_gives_the_row_back_without_an_attempt(row_name, request):
    row = request.getfixturevalue(row_name)
    with (
        pytest.raises(KeyboardInterrupt),
        stopping.stoppable(),
        jobs.held(claimed(row)),
    ):
        signal.raise_signal(signal.SIGINT)
    assert (fresh(row).attempt, row.lease_until) == (0, None)
    assert claimed(row).attempt == 1


def test_being_asked_to_stop_right_after_a_claim_gives_the_row_back_too(chunk):
    with pytest.raises(KeyboardInterrupt), stopping.stoppable():
        claim = claimed(chunk)
        signal.raise_signal(signal.SIGINT)
        with jobs.held(claim):
            pytest.fail("The work began although the process was asked to stop.")
    assert (fresh(chunk).state, chunk.attempt, chunk.lease_until) == ("waiting", 0, None)


def test_a_signal_that_was_to_be_ignored_stays_so(chunk):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.stoppable(), jobs.held(claimed(chunk)):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert fresh(chunk).state == "working"
    assert stopping.stop.asked is None


def test_progress_forgets_earlier_attempts(recording):
    claimed(recording)
    run_out(recording)
    claim = claimed(recording)
    assert fresh(recording).attempt == 2
    jobs.recording_hold(claim)
    assert fresh(recording).attempt == 0


def test_a_cancelled_recording_takes_no_more_work(recording, chunk):
    on_chunk, on_recording = claimed(chunk), claimed(recording)
    assert jobs.recording_cancel(recording)
    with pytest.raises(jobs.LeaseLostError):
        jobs.chunk_done(on_chunk, detections=b"", frames=0)
    with pytest.raises(jobs.LeaseLostError):
        jobs.recording_hold(on_recording)
    assert jobs.chunk_claim(recording.chunks.get(index=1).pk) is None
    assert jobs.recording_claim(recording.pk) is None
    assert set(recording.chunks.values_list("state", flat=True)) == {"cancelled"}
    # Raised too, so that a worker which comes back after a restart finds the row another's.
    assert fresh(recording).fence > on_recording.fence
    assert fresh(chunk).fence > on_chunk.fence
    assert not jobs.recording_cancel(recording)


@pytest.mark.parametrize("state", ["done", "partial", "failed"])
def test_a_finished_recording_cannot_be_cancelled_or_claimed(recording, chunk, state):
    Recording.objects.update(state=state)
    assert not jobs.recording_cancel(recording)
    assert jobs.recording_claim(recording.pk) is None
    assert jobs.chunk_claim(chunk.pk) is None


def test_starting_again_lets_every_chunk_wait(recording, chunk):
    jobs.chunk_done(claimed(chunk), detections=b"x", frames=1)
    Recording.objects.update(decoded_ms=10_000)
    jobs.recording_cancel(recording)
    assert jobs.recording_restart(recording)
    assert set(recording.chunks.values_list("state", flat=True)) == {"waiting"}
    assert (fresh(recording).state, recording.decoded_ms) == ("queued", 0)


def test_only_what_was_set_aside_waits_again(recording, chunk):
    assert not jobs.recording_requeue(recording)
    jobs.set_aside(claimed(chunk), "error", "")
    jobs.set_aside(claimed(recording), "error", "")
    assert jobs.recording_requeue(recording)
    assert (fresh(recording).state, fresh(chunk).state) == ("queued", "waiting")
    assert (chunk.error_code, chunk.attempt) == ("", 0)


def test_no_state_changes_into_one_that_the_table_does_not_name(chunk):
    for state in JobState.values:
        Chunk.objects.filter(pk=chunk.pk).update(state=state)
        for to, allowed in jobs.CHUNK_FROM.items():
            moved = jobs._move(Chunk.objects.filter(pk=chunk.pk), to)
            assert bool(moved) == (state in allowed)
            Chunk.objects.filter(pk=chunk.pk).update(state=state)


# Ringing


def rung(queue: redis.Redis) -> list[tuple[str, int]]:
    """Return what lies in the queue, oldest first: task and id."""
    found = []
    for raw in reversed(queue.lrange("celery", 0, -1)):
        message = json.loads(raw)
        arguments = json.loads(base64.b64decode(message["body"]))[0]
        found.append((message["headers"]["task"].rsplit(".", 1)[1], arguments[0]))
    queue.delete("celery")
    return found


def test_the_oldest_unclaimed_chunks_are_rung_twice_as_many_as_workers(recording, queue, settings):
    settings.WORKERS = 2
    assert tasks.ring_next() == 4
    ids = list(recording.chunks.order_by("index").values_list("pk", flat=True))
    assert rung(queue) == [("detect_chunk", chunk_id) for chunk_id in ids[:4]]


def test_a_row_is_rung_at_most_once_in_fifteen_seconds(recording, queue, settings):
    settings.WORKERS = 1
    tasks.ring_next()
    first = rung(queue)
    tasks.ring_next()
    assert not set(first) & set(rung(queue))
    Chunk.objects.update(rung_at=Now() - timedelta(seconds=16))
    tasks.ring_next()
    assert rung(queue) == first


def test_the_more_urgent_recording_is_rung_first(recording, queue, settings, files):
    settings.WORKERS = 1
    urgent = walks.make_recording(recording.store, files, recording.camera, priority=-1)
    tasks.ring_next()
    ids = urgent.chunks.order_by("index").values_list("pk", flat=True)[:2]
    assert rung(queue) == [("detect_chunk", chunk_id) for chunk_id in ids]


def test_held_and_finished_rows_are_not_rung(recording, chunk, queue, settings):
    settings.WORKERS = 50
    claimed(chunk)
    other = recording.chunks.get(index=1)
    jobs.chunk_done(claimed(other), detections=b"", frames=0)
    tasks.ring_next()
    assert not {("detect_chunk", chunk.pk), ("detect_chunk", other.pk)} & set(rung(queue))


def test_a_row_whose_worker_died_is_rung_again(chunk, queue, settings):
    settings.WORKERS = 1
    claimed(chunk)
    run_out(chunk)
    tasks.ring_next()
    assert rung(queue)[0] == ("detect_chunk", chunk.pk)


def test_a_recording_that_waits_for_counting_is_rung(recording, queue, settings):
    settings.WORKERS = 1
    runner.detect(recording.chunks.get(index=1).pk)
    tasks.ring_next()
    assert ("advance_recording", recording.pk) not in rung(queue)
    runner.detect(recording.chunks.get(index=0).pk)
    tasks.ring_next()
    assert rung(queue)[0] == ("advance_recording", recording.pk)


def test_an_older_run_does_not_decide_what_waits(recording, queue, settings):
    settings.WORKERS = 1
    runner.detect(recording.chunks.get(index=0).pk)
    Run.objects.update(next_chunk=1)
    Run.objects.create(store=recording.store, recording=recording, active=False)
    tasks.ring_next()
    assert ("advance_recording", recording.pk) not in rung(queue)


def test_ringing_waits_for_the_commit(recording, queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        tasks.ring(recording.pk)
        assert rung(queue) == []
    assert rung(queue)[0][0] == "detect_chunk"


def test_a_task_does_the_most_urgent_work_whichever_its_message_names(recording, chunk, queue):
    last = recording.chunks.last()
    tasks.detect_chunk(last.pk)
    assert (fresh(chunk).state, fresh(last).state) == ("done", "waiting")
    assert Run.objects.get(recording=recording).next_chunk == 1
    tasks.detect_chunk(chunk.pk)  # late: that one is done
    assert Run.objects.get(recording=recording).next_chunk == 2


def test_messages_are_known_to_the_application_by_the_names_that_beat_uses():
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "tracking.tasks.ring_unclaimed" in scheduled
    assert {"tracking.tasks.ring_unclaimed", "tracking.tasks.detect_chunk"} <= set(app.tasks)
