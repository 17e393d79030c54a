"""Counting again, interrupted: all of the switch or nothing of it, and only by whoever holds it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from analytics.rebuild import check
from tests.tracking import walks
from tests.tracking.again import (
    counted,
    everything,
    fresh_facts,
    numbers,
    ready_to_switch,
    recount,
    redraw,
)
from tracking import facts, jobs, ledger, recounts
from tracking.faults import VARIABLE, InjectedFaultError
from tracking.models import Chunk, Recording, Recount, Run
from tracking.recounts import recording_recount
from tracking.switch import SupersededError, run_switch
from tracking.vision import detections

pytestmark = pytest.mark.django_db
SWITCH_POINTS = (
    "switch_after_locks", "switch_after_runs", "switch_after_people", "switch_after_numbers",
    "switch_after_sinks", "switch_after_overlays", "switch_before_commit",
)  # fmt: skip
PART_POINTS = (
    "recount_after_counted", "recount_after_fence", "after_tracks", "after_visits",
    "after_events", "after_coverage", "recount_before_commit",
)  # fmt: skip


@pytest.fixture
def recording(files) -> Recording:
    return counted(files)


@pytest.mark.parametrize("point", SWITCH_POINTS)
def test_an_error_at_any_point_of_the_switch_leaves_the_old_numbers_whole(
    files, recording, point, monkeypatch
):
    made = ready_to_switch(recording)
    before = everything()
    monkeypatch.setenv(VARIABLE, f"{point}:raise")
    monkeypatch.setattr("tracking.faults._passed", Counter())
    with pytest.raises(InjectedFaultError):
        recounts.advance(made.pk)
    assert everything() == before
    made.refresh_from_db()
    assert (made.state, made.event, made.numbers) == ("waiting", None, {})
    assert not recounts.advance(made.pk)  # the fault comes once
    assert facts.export_facts(recording.store) == fresh_facts(files)
    assert check(recording.store).differing == []


@pytest.mark.parametrize("point", [*PART_POINTS, "recount_after_commit"])
def test_counting_again_goes_on_after_an_error_at_any_point(files, recording, point, monkeypatch):
    redraw(recording)
    made = recording_recount(recording=recording)
    monkeypatch.setenv(VARIABLE, f"{point}:raise:2")
    monkeypatch.setattr("tracking.faults._passed", Counter())
    with pytest.raises(InjectedFaultError):
        recounts.advance(made.pk)
    while recounts.advance(made.pk):
        pass
    monkeypatch.delenv(VARIABLE)
    assert facts.export_facts(recording.store) == fresh_facts(files)


def test_an_answer_lost_after_the_switch_changes_nothing_more(recording, monkeypatch):
    made = ready_to_switch(recording)
    monkeypatch.setenv(VARIABLE, "switch_after_commit:raise")
    monkeypatch.setattr("tracking.faults._passed", Counter())
    with pytest.raises(InjectedFaultError):
        recounts.advance(made.pk)
    made.refresh_from_db()
    assert made.state == "done"
    before = everything()
    assert not recounts.advance(made.pk)
    assert everything() == before


def test_a_zombie_neither_counts_nor_switches(recording):
    made = ready_to_switch(recording)
    claim = jobs.recount_claim(made.pk)
    assert claim is not None
    Recount.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert jobs.recount_claim(made.pk) is not None
    before = everything()
    with pytest.raises(jobs.LeaseLostError):
        recounts._step(claim)
    Run.objects.filter(pk=made.new_run_id).update(next_chunk=0)
    with pytest.raises(jobs.LeaseLostError):
        recounts._step(claim)
    Run.objects.filter(pk=made.new_run_id).update(next_chunk=recording.chunk_count)
    assert everything() == before


def test_a_recount_taken_by_one_worker_is_not_taken_by_another(recording):
    made = recording_recount(recording=recording)
    assert jobs.recount_claim(made.pk) is not None
    assert jobs.recount_claim(made.pk) is None
    assert not recounts.advance(made.pk)
    made.new_run.refresh_from_db()
    assert made.new_run.next_chunk == 0


def test_a_recount_that_fails_three_times_is_set_aside_and_can_be_asked_for_again(
    recording, monkeypatch, settings
):
    made = recording_recount(recording=recording)
    whole = detections.pack
    Chunk.objects.filter(recording=recording, index=0).update(detections=b"damaged")
    for _ in range(settings.MAX_ATTEMPTS):
        with pytest.raises(Exception, match=r".+"):
            recounts.advance(made.pk)
    made.refresh_from_db()
    assert made.state == "quarantined"
    assert not recounts.advance(made.pk)
    assert numbers(recording) == (walks.ENTRIES, walks.EXITS, 2)
    Chunk.objects.filter(recording=recording, index=0).update(detections=whole([]))
    assert recount(recording).state == "done"


def test_a_recording_that_is_replaced_meanwhile_does_not_come_back(recording):
    made = ready_to_switch(recording)
    ledger.run_take_out(made.old_run)
    before = everything()
    assert not recounts.advance(made.pk)
    made.refresh_from_db()
    assert made.state == "cancelled"
    assert everything() == before
    assert not Run.objects.filter(active=True).exists()


def test_a_switch_that_finds_the_old_run_gone_at_the_last_moment_undoes_itself(recording):
    made = ready_to_switch(recording)
    claim = jobs.recount_claim(made.pk)
    assert claim is not None
    stale = Recount.objects.select_related("old_run", "new_run", "recording", "store").get()
    ledger.run_take_out(made.old_run)
    before = everything()
    with pytest.raises(SupersededError):
        run_switch(claim=claim, recount=stale)
    assert everything() == before
