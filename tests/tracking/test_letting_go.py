"""How a held row is let go of: by an error, an outage, a lost lease, a request to stop, a hang."""

from __future__ import annotations

import errno
import signal
import threading

import pytest
from django.db import DatabaseError, OperationalError

from tests.tracking import walks
from tracking import jobs, stopping
from tracking.models import Chunk, Recount, Run

pytestmark = pytest.mark.django_db
FULL = OSError(errno.ENOSPC, "No space left on device")
AWAY = OperationalError("database is locked")


@pytest.fixture
def recording(files):
    return walks.make_recording(walks.make_store(), files)


@pytest.fixture
def chunk(recording):
    return recording.chunks.get(index=0)


def claimed(chunk):
    claim = jobs.chunk_claim(chunk.pk)
    assert claim is not None
    return claim


def fresh(row):
    row.refresh_from_db()
    return row


def failing(monkeypatch, name, *errors):
    """Have a function of the queue fail so often, then work; return how often it was called."""
    real, left, calls = getattr(jobs, name), list(errors), []

    def fails(claim, *arguments):
        calls.append(claim)
        if left:
            raise left.pop(0)
        return real(claim, *arguments)

    monkeypatch.setattr(jobs, name, fails)
    return calls


def test_work_that_finds_its_row_anothers_ends_without_an_error(chunk):
    zombie = claimed(chunk)
    Chunk.objects.update(lease_until=None)
    living = claimed(chunk)
    with jobs.held(zombie):
        jobs.chunk_done(zombie, detections=b"old", frames=1)
    assert zombie.lost.is_set()
    assert (fresh(chunk).state, chunk.fence, chunk.attempt) == ("working", living.fence, 2)


def test_a_recording_is_closed_only_by_whoever_holds_it(recording):
    zombie = jobs.recording_claim(recording.pk)
    assert zombie is not None
    recording_claimed_again(recording)
    with pytest.raises(jobs.LeaseLostError):
        jobs.recording_finish(zombie, "done")
    assert fresh(recording).state == "running"


def recording_claimed_again(recording):
    type(recording).objects.update(lease_until=None)
    assert jobs.recording_claim(recording.pk) is not None


def test_an_error_of_its_own_kind_is_noted_by_its_code(chunk):
    class GoneError(RuntimeError):
        code = "file_gone"

    with pytest.raises(GoneError), jobs.held(claimed(chunk)):
        raise GoneError
    assert fresh(chunk).error_code == "file_gone"


@pytest.mark.parametrize("outage", [FULL, AWAY], ids=["disk full", "database away"])
def test_an_outage_counts_as_no_attempt(chunk, outage):
    for _ in range(5):
        with pytest.raises(type(outage)), jobs.held(claimed(chunk)):
            raise outage
    assert (fresh(chunk).state, chunk.attempt, chunk.error_code) == ("waiting", 0, "")
    assert chunk.lease_until is None


def test_the_row_is_given_back_as_soon_as_the_database_answers_again(chunk, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(jobs.connection, "close", lambda: None)  # the test's transaction is in it
    calls = failing(monkeypatch, "give_back", AWAY, AWAY)
    with pytest.raises(OSError, match="No space"), jobs.held(claimed(chunk)):
        raise FULL
    assert len(calls) == 3
    assert (fresh(chunk).attempt, chunk.lease_until) == (0, None)


@pytest.mark.parametrize("why", ["refused", "patience", "stop"])
def test_where_the_row_cannot_be_given_back_its_lease_runs_out(chunk, monkeypatch, why):
    claim = claimed(chunk)
    error = DatabaseError("no such column") if why == "refused" else AWAY
    calls = failing(monkeypatch, "give_back", *[error] * 5)
    if why == "patience":
        monkeypatch.setattr(jobs, "PATIENCE_S", 0)
    if why == "stop":
        monkeypatch.setattr(stopping.stop, "asked", signal.SIGTERM)
    jobs._give_back_when_possible(claim)
    assert len(calls) == (why == "refused")
    assert (fresh(chunk).state, chunk.attempt) == ("working", 1)
    assert chunk.lease_until is not None


def test_a_database_that_is_away_does_not_hide_why_the_work_ended(chunk, monkeypatch):
    failing(monkeypatch, "give_back", AWAY)
    with pytest.raises(KeyboardInterrupt), jobs.held(claimed(chunk)):
        raise KeyboardInterrupt
    assert fresh(chunk).attempt == 1


@pytest.mark.django_db(transaction=True)
def test_a_renewal_that_fails_is_tried_again(chunk, settings, monkeypatch):
    settings.LEASE_RENEW_S = 0.02
    renewed = threading.Event()
    real = jobs.renew
    errors = [AWAY, AWAY]

    def renew(claim):
        if errors:
            raise errors.pop()
        renewed.set()
        return real(claim)

    monkeypatch.setattr(jobs, "renew", renew)
    with jobs.held(claimed(chunk)) as claim:
        assert renewed.wait(10)
        jobs.give_back(claim)
    assert not errors


@pytest.mark.django_db(transaction=True)
def test_whoever_holds_a_row_for_ever_ends_its_own_process(chunk, settings, monkeypatch):
    """The blow itself is tried on a real process by `test_crash`; here it is caught."""
    settings.LEASE_RENEW_S = 0.02
    monkeypatch.setattr(jobs, "CLAIM_LONGEST_S", 0)
    struck: list[tuple[int, int]] = []
    fell = threading.Event()

    def kill(pid, number):
        struck.append((pid, number))
        fell.set()

    monkeypatch.setattr("os.kill", kill)
    with jobs.held(claimed(chunk)) as claim:
        assert fell.wait(10)
        jobs.give_back(claim)
    assert struck[0] == (jobs.os.getpid(), signal.SIGKILL)


def test_a_second_request_to_stop_does_not_cut_the_giving_back_short(chunk, monkeypatch):
    real = jobs.give_back

    def give_back(claim):
        signal.raise_signal(signal.SIGINT)
        real(claim)

    monkeypatch.setattr(jobs, "give_back", give_back)
    with pytest.raises(KeyboardInterrupt), stopping.stoppable(), jobs.held(claimed(chunk)):
        signal.raise_signal(signal.SIGINT)
    assert (fresh(chunk).attempt, chunk.lease_until) == (0, None)


def test_a_thread_beside_the_main_one_leaves_signals_alone():
    seen = []

    def work():
        with stopping.stoppable():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_work_between_two_rows_can_be_stopped_too():
    with pytest.raises(KeyboardInterrupt), stopping.stoppable():
        signal.raise_signal(signal.SIGINT)
        stopping.check_stop()
        pytest.fail("It went on although it was asked to stop.")
    stopping.check_stop()


@pytest.fixture
def recount(recording):
    old = recording.runs.get()
    new = Run.objects.create(store=recording.store, recording=recording, active=False)
    return Recount.objects.create(
        store=recording.store, recording=recording, old_run=old, new_run=new
    )


def test_a_recount_is_held_closed_and_dropped_only_by_whoever_has_its_fence(recount):
    zombie = jobs.recount_claim(recount.pk)
    assert zombie is not None
    assert jobs.recount_claim(recount.pk) is None
    Recount.objects.update(lease_until=None)
    living = jobs.recount_claim(recount.pk)
    assert living is not None
    for step in (jobs.recount_hold, jobs.recount_done):
        with pytest.raises(jobs.LeaseLostError):
            step(zombie)
    jobs.recount_drop(zombie)
    assert (fresh(recount).state, recount.attempt) == ("working", 2)
    jobs.recount_hold(living)
    assert fresh(recount).attempt == 0
    jobs.recount_done(living)
    assert fresh(recount).state == "done"
    assert jobs.recount_cancel(recount.recording) == 0


def test_a_recount_that_is_dropped_or_cancelled_is_nobodys(recount):
    claim = jobs.recount_claim(recount.pk)
    assert claim is not None
    assert jobs.recount_cancel(recount.recording) == 1
    assert (fresh(recount).state, recount.lease_until) == ("cancelled", None)
    with pytest.raises(jobs.LeaseLostError):
        jobs.recount_hold(claim)


def test_a_recount_with_nothing_left_to_replace_is_closed(recount):
    claim = jobs.recount_claim(recount.pk)
    assert claim is not None
    jobs.recount_drop(claim)
    assert (fresh(recount).state, recount.lease_until) == ("cancelled", None)


def test_an_errors_third_time_on_a_recording_or_recount_sets_it_aside(recording, recount):
    for row, claim_it in ((recording, jobs.recording_claim), (recount, jobs.recount_claim)):
        for _ in range(3):
            claim = claim_it(row.pk)
            assert claim is not None
            with pytest.raises(ValueError, match="odd"), jobs.held(claim):
                raise ValueError("odd")
        assert (fresh(row).state, row.error_detail) == ("quarantined", "ValueError: odd")


def test_spent_rows_keep_the_code_of_the_error_that_came_before(chunk):
    Chunk.objects.filter(pk=chunk.pk).update(attempt=3, error_code="decoder", error_detail="x")
    assert jobs.chunk_claim(chunk.pk) is None
    assert (fresh(chunk).state, chunk.error_code) == ("quarantined", "decoder")
