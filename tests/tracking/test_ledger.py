"""The one transaction: all of a chunk or nothing of it, once, and only by whoever holds it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import IntegrityError, transaction

from analytics.models import Bucket
from tests.tracking import walks
from tracking import facts, jobs, ledger, runner
from tracking.faults import VARIABLE, InjectedFaultError, fault
from tracking.models import (
    Chunk,
    Coverage,
    Customer,
    Recording,
    Run,
    StoreSequence,
    Track,
    TrackingEvent,
    Visit,
)

pytestmark = pytest.mark.django_db
POINTS = (
    "after_fence", "after_checkpoint", "after_tracks", "after_visits", "after_events",
    "after_coverage", "after_sinks", "before_commit",
)  # fmt: skip
FACTS = (Track, TrackingEvent, Visit, Customer, Coverage, Bucket, StoreSequence)


def make_detected(files, slug: str = "corner") -> Recording:
    return walks.make_detected(walks.make_store(slug), files)


@pytest.fixture
def recording(files) -> Recording:
    return make_detected(files)


def everything() -> list[list[dict[str, Any]]]:
    """Return all rows of all tables that the ledger writes."""
    models: tuple[Any, ...] = (*FACTS, Run, Recording, Chunk)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def counted(recording: Recording) -> tuple[jobs.Claim, Run, Chunk, ledger.Slice]:
    """Claim the recording and count its next chunk, up to the commit."""
    claim = jobs.recording_claim(recording.pk)
    assert claim is not None
    run = runner._active_run(recording.pk)
    assert run is not None
    chunk = recording.chunks.get(index=run.next_chunk)
    return claim, run, chunk, runner.count_chunk(run, chunk)


def commit(claim: jobs.Claim, run: Run, chunk: Chunk, part: ledger.Slice) -> None:
    ledger.commit_slice(claim=claim, run=run, chunk=chunk, counted=part)


def test_a_replayed_commit_changes_nothing(recording):
    work = counted(recording)
    commit(*work)
    before = facts.export_facts(recording.store)
    with pytest.raises(ledger.AlreadyCountedError):
        commit(*work)
    assert facts.export_facts(recording.store) == before


def test_a_replay_past_the_checkpoint_is_stopped_by_the_unique_key(recording):
    """With the checkpoint defeated the event's natural key still refuses the second writing."""
    work = counted(recording)
    _, run, _, part = work
    assert part.events
    commit(*work)
    Run.objects.filter(pk=run.pk).update(next_chunk=0)
    before = everything()
    with pytest.raises(IntegrityError), transaction.atomic():
        commit(*work)
    assert everything() == before


def test_a_zombie_with_an_old_fence_writes_nothing(recording):
    zombie = counted(recording)
    Recording.objects.update(lease_until=None)
    commit(*counted(recording))
    jobs.give_back(zombie[0])
    before = everything()
    # Its checkpoint is made to fit, so that the fence alone can refuse it.
    Run.objects.filter(pk=zombie[1].pk).update(next_chunk=0)
    with pytest.raises(jobs.LeaseLostError):
        commit(*zombie)
    Run.objects.filter(pk=zombie[1].pk).update(next_chunk=1)
    assert everything() == before


def test_a_cancelled_recording_gets_no_more_facts(recording):
    work = counted(recording)
    jobs.recording_cancel(recording)
    with pytest.raises(jobs.LeaseLostError):
        commit(*work)
    assert not TrackingEvent.objects.exists()


@pytest.mark.parametrize("point", POINTS)
def test_an_error_at_any_point_leaves_nothing_half_written(recording, point, monkeypatch):
    commit(*counted(recording))  # so that changes of older rows are in it too
    Recording.objects.update(lease_until=None)
    work = counted(recording)
    before = everything()
    monkeypatch.setenv(VARIABLE, f"{point}:raise")
    with pytest.raises(InjectedFaultError):
        commit(*work)
    assert everything() == before


@pytest.mark.parametrize("point", [*POINTS, "after_counted", "after_commit"])
def test_counting_goes_on_after_an_error_at_any_point(files, point, monkeypatch, recording):
    runner.work(recording.pk)
    expected = facts.export_facts(recording.store)
    other = make_detected(files, "other")
    monkeypatch.setenv(VARIABLE, f"{point}:raise:3")
    monkeypatch.setattr("tracking.faults._passed", Counter())
    runner.work(other.pk)
    assert facts.export_facts(other.store) == expected


def test_the_third_time_means_the_third(monkeypatch):
    monkeypatch.setenv(VARIABLE, "somewhere:raise:3")
    monkeypatch.setattr("tracking.faults._passed", Counter())
    fault("somewhere")
    fault("elsewhere")
    fault("somewhere")
    with pytest.raises(InjectedFaultError):
        fault("somewhere")
    fault("somewhere")


def test_production_passes_every_fault_point(recording, monkeypatch):
    monkeypatch.setenv(VARIABLE, "after_events:raise")
    monkeypatch.setenv("OSKARTRACK_ENV", "production")
    commit(*counted(recording))


def test_a_failing_sink_takes_the_whole_chunk_with_it(recording, monkeypatch):
    def sink(batch: ledger.LedgerBatch) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ledger, "_sinks", [*ledger._sinks, sink])
    work = counted(recording)
    before = everything()
    with pytest.raises(ZeroDivisionError):
        commit(*work)
    assert everything() == before


def test_sinks_see_each_fact_once(recording, monkeypatch):
    seen: list[ledger.LedgerBatch] = []
    monkeypatch.setattr(ledger, "_sinks", [seen.append])
    runner.work(recording.pk)
    events = [event.public_id for batch in seen for event in batch.events]
    visits = [visit.pk for batch in seen for visit in batch.visits_closed]
    spans = [span.pk for batch in seen for span in batch.coverage]
    written = TrackingEvent.objects.order_by("ordinal")
    assert events == list(written.values_list("public_id", flat=True))
    assert sorted(visits) == sorted(Visit.objects.values_list("pk", flat=True))
    assert spans == list(Coverage.objects.order_by("starts_at").values_list("pk", flat=True))
    assert {batch.sign for batch in seen} == {1}


def test_a_run_that_is_not_active_stays_out_of_feed_and_sums(recording):
    Run.objects.update(active=False)
    other = Run.objects.get(recording=recording)
    claim = jobs.recording_claim(recording.pk)
    assert claim is not None
    chunk = recording.chunks.get(index=0)
    part = runner.count_chunk(other, chunk)
    commit(claim, other, chunk, part)
    assert set(TrackingEvent.objects.values_list("seq", flat=True)) == {None}
    assert not Bucket.objects.exists()
    assert not Customer.objects.filter(visit_count__gt=0).exists()


def test_taking_a_run_out_brings_every_sum_back_to_zero(recording):
    runner.work(recording.pk)
    sums = ("entries", "exits", "stays", "censored", "dwell_ms", "observed_ms", "h03", "h04")
    assert sum(Bucket.objects.values_list("entries", flat=True)) == walks.ENTRIES
    run = Run.objects.get()
    seq = StoreSequence.objects.get().value
    assert ledger.run_take_out(run)
    assert {value for row in Bucket.objects.values_list(*sums) for value in row} == {0}
    told = TrackingEvent.objects.get(kind="recounted")
    assert (told.seq, told.run) == (seq + 1, run)
    assert set(Customer.objects.values_list("hidden", "visit_count")) == {(True, 0)}
    before = everything()
    assert not ledger.run_take_out(run)
    assert everything()[:-3] == before[:-3]  # but for the fence


def test_taking_a_run_out_stops_whoever_is_counting_it(recording):
    commit(*counted(recording))
    Recording.objects.update(lease_until=None)
    work = counted(recording)
    ledger.run_take_out(Run.objects.get())
    with pytest.raises(jobs.LeaseLostError):
        commit(*work)


def test_numbers_of_one_store_say_nothing_about_another(files, recording):
    other = make_detected(files, "other")
    commit(*counted(recording))
    commit(*counted(other))
    for store in (recording.store, other.store):
        seqs = TrackingEvent.objects.filter(store=store).order_by("ordinal")
        assert list(seqs.values_list("seq", flat=True)) == list(range(1, seqs.count() + 1))


def test_watchers_are_told_after_the_commit_and_never_before(
    recording, settings, django_capture_on_commit_callbacks
):
    client = redis.Redis.from_url(settings.REDIS_URL)
    with client.pubsub(ignore_subscribe_messages=True) as watcher:
        watcher.subscribe(f"oskartrack:store:{recording.store.public_id}")
        watcher.get_message(timeout=1)
        with django_capture_on_commit_callbacks() as callbacks:
            commit(*counted(recording))
        assert watcher.get_message(timeout=0.05) is None
        for callback in callbacks:
            callback()
        hints = {hint["type"]: hint for hint in received(watcher, until="picture")}
    client.close()
    assert hints["events"]["seq"] == StoreSequence.objects.get().value
    assert (hints["picture"]["from_ms"], hints["picture"]["to_ms"]) == (0, 10_000)


def received(watcher: redis.client.PubSub, until: str) -> Iterator[dict[str, Any]]:
    """Yield hints up to the first of a kind; progress may be left out when told a moment ago."""
    while message := watcher.get_message(timeout=2):
        hint = json.loads(message["data"])
        yield hint
        if hint["type"] == until:
            return


def test_the_queries_of_a_commit_do_not_grow_with_its_facts(
    recording, django_assert_max_num_queries
):
    commit(*counted(recording))
    Recording.objects.update(lease_until=None)
    work = counted(recording)
    assert len(work[3].events) >= 3
    with django_assert_max_num_queries(40):
        commit(*work)


def test_a_recording_without_chunks_is_closed_and_no_chunk_is_touched(recording):
    recording.chunks.all().delete()
    Recording.objects.update(chunk_count=0)
    claim = jobs.recording_claim(recording.pk)
    assert claim is not None
    run = runner._active_run(recording.pk)
    assert run is not None
    nothing = ledger.Slice(runner.VisitBook(frozenset()), outcome=ledger.Outcome("failed", "empty"))
    assert ledger.commit_slice(claim=claim, run=run, chunk=None, counted=nothing) is None
    recording.refresh_from_db()
    run.refresh_from_db()
    assert (recording.state, recording.error_code) == ("failed", "empty")
    assert (run.next_chunk, run.finished_at is not None) == (0, True)
    assert not TrackingEvent.objects.exists()
    assert not Coverage.objects.exists()


def test_a_slice_without_a_picture_tells_progress_alone(
    recording, settings, django_capture_on_commit_callbacks, monkeypatch
):
    told: list[str] = []
    monkeypatch.setattr("tracking.live.publish", lambda _store, hint: told.append(hint["type"]))
    claim, run, chunk, part = counted(recording)
    part.overlay, part.events, part.covered_ms = None, [], None
    with django_capture_on_commit_callbacks(execute=True):
        commit(claim, run, chunk, part)
    assert told == ["progress"]
    assert not Coverage.objects.exists()


def test_a_sink_that_registers_twice_is_called_once(monkeypatch):
    monkeypatch.setattr(ledger, "_sinks", [])
    seen: list[ledger.LedgerBatch] = []
    sink = ledger.register_sink(seen.append)
    ledger.register_sink(sink)
    assert ledger._sinks == [sink]
