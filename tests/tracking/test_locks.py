"""Locks come in one order, and hold up nobody who only refers to what is locked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.rebuild import check
from analytics.summaries import fold_dirty
from tests.tracking import walks
from tests.tracking.again import ready_to_switch
from tracking import jobs, ledger, recordings, recounts, runner
from tracking.models import Recording, Recount, Run, TrackingEvent
from tracking.problems import Problem
from tracking.recordings import Wish, recording_from_file
from tracking.selectors import store_sequence

pytestmark = pytest.mark.db
WAIT_S = 20


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there one transaction writes at a time")
@pytest.mark.django_db(transaction=True)
def test_a_recording_is_replaced_while_a_worker_writes_what_its_camera_observed(files, monkeypatch):
    """The worker holds the recording and wants to name the camera; the other way round here."""
    recording = walks.make_detected(walks.make_store(), files)
    recording.camera.detector_settings = {"truth_path": str(files[1])}
    recording.camera.save()
    written, camera_held, failed = threading.Event(), threading.Event(), []

    def fault(point: str) -> None:
        if point == "before_commit":
            written.set()
            camera_held.wait(WAIT_S)

    def make_room(newer: Recording, on_overlap: recordings.OnOverlap) -> None:
        camera_held.set()
        whole(newer, on_overlap)

    def work() -> None:
        try:
            runner.advance(recording.pk)
        except Exception as error:  # noqa: BLE001 - told by the test
            failed.append(error)
        finally:
            connection.close()

    whole = recordings._make_room
    monkeypatch.setattr(recordings, "_make_room", make_room)
    monkeypatch.setattr(ledger, "fault", fault)
    worker = threading.Thread(target=work)
    worker.start()
    assert written.wait(WAIT_S)
    wish = Wish(recording.camera, walks.STARTED, on_overlap="replace", on_duplicate="count_again")
    newer = recording_from_file(path=files[0], wish=wish)
    worker.join(WAIT_S)
    assert failed == []
    recording.refresh_from_db()
    assert recording.state == Recording.State.CANCELLED
    assert list(Run.objects.filter(active=True).values_list("recording", flat=True)) == [newer.pk]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there one transaction writes at a time")
@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_for_the_last_place_in_the_queue_do_not_both_get_it(
    files, monkeypatch, settings
):
    """The first stays in its transaction until the second waits for the lock, or is through."""
    settings.STORE_MAX_WAITING = 1
    store = walks.make_store()
    cameras = [walks.make_camera(store, name) for name in ("Door", "Till")]
    both = [walks.make_recording(store, files, each, state="quarantined") for each in cameras]
    first_in, second_through = threading.Event(), threading.Event()
    answers: list[str] = []

    def fault(point: str) -> None:
        if point == "in_reopen" and not first_in.is_set():
            first_in.set()
            until(lambda: second_through.is_set() or somebody_waits_for_a_lock())

    def retry(recording: Recording) -> None:
        try:
            recordings.recording_retry(recording=recording)
            answers.append("queued")
        except Problem as refused:
            answers.append(refused.code)

    def second() -> None:
        assert first_in.wait(WAIT_S)
        retry(both[1])
        second_through.set()

    monkeypatch.setattr(jobs, "fault", fault)
    assert at_once([lambda: retry(both[0]), second]) == []
    assert sorted(answers) == ["queue_full", "queued"]
    assert Recording.objects.filter(state="queued").count() == 1


def somebody_waits_for_a_lock() -> bool:
    """Whether somebody waits in this database; the server has another one for other tests."""
    waits = "datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else it shows one state for ever
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {waits}")
        return bool(cursor.fetchone()[0])


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.django_db
def test_whoever_changes_the_sums_holds_the_stores_counter_events_or_not(files):
    recording = walks.make_detected(walks.make_store(), files)
    Run.objects.update(setup=recording.runs.get().setup | {"zones": [], "lines": []})
    with CaptureQueriesContext(
        connection,
    ) as queries:
        runner.advance(recording.pk)
    holds, fed = False, 0
    for query in queries.captured_queries:
        sql = query["sql"]
        if 'UPDATE "tracking_recording"' in sql:
            holds = False  # the fence: the next transaction
        holds = holds or 'UPDATE "tracking_storesequence"' in sql
        if "INSERT INTO analytics_bucket" in sql:
            fed += 1
            assert holds, "sums were changed without the counter"
    assert fed == recording.chunk_count


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there one transaction writes at a time")
@pytest.mark.django_db(transaction=True)
def test_switches_counting_folding_and_taking_out_at_once_leave_sums_that_fit_and_a_whole_feed(
    files,
):
    """All of one camera and of the same five minutes: they meet in the same buckets."""
    store = walks.make_store()
    minutes = [later(walks.make_detected(store, files), 0)]
    minutes += [later(walks.make_detected(store, files, minutes[0].camera), n) for n in range(1, 4)]
    for recording in minutes[:3]:
        runner.work(recording.pk)
    switched, taken_out = minutes[:2], minutes[2]
    made = [ready_to_switch(recording) for recording in switched]
    work: list[Callable[[], object]] = [
        *(lambda one=one: recounts.advance(one.pk) for one in made),
        lambda: runner.work(minutes[3].pk),
        lambda: ledger.run_take_out(taken_out.runs.select_related("recording__camera").get()),
        *[lambda: [fold_dirty() for _ in range(20)]] * 2,
    ]
    assert at_once(work) == []
    assert {one.state for one in Recount.objects.all()} == {"done"}
    assert Recording.objects.get(pk=minutes[3].pk).state == Recording.State.DONE
    compared = check(store)
    assert compared.rows > 0
    assert compared.differing == []
    feed = TrackingEvent.objects.filter(store=store, seq__isnull=False).order_by("seq")
    assert list(feed.values_list("seq", flat=True)) == list(range(1, store_sequence(store) + 1))
    assert feed.filter(kind="recounted").count() == 3


def later(recording: Recording, minute: int) -> Recording:
    """Move a recording by so many minutes."""
    by = timedelta(minutes=minute)
    recording.started_at, recording.ended_at = recording.started_at + by, recording.ended_at + by
    recording.save()
    return recording


def at_once(work: Sequence[Callable[[], object]]) -> list[Exception]:
    """Do things at the same time, each on a connection of its own; return what went wrong."""
    barrier, failed = threading.Barrier(len(work)), []

    def do(one: Callable[[], object]) -> None:
        try:
            barrier.wait(WAIT_S)
            one()
        except Exception as error:  # noqa: BLE001 - told by the test
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failed
