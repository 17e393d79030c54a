"""Counting again after a zone or line was redrawn: what a fresh count gives, and all at once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone as clock

from accounts.models import AuditEntry
from analytics.models import AnalyticsSummary, Bucket
from analytics.rebuild import check
from tests.cast import make_cast
from tests.tracking import walks
from tests.tracking.again import (
    CORNER,
    LOWER,
    counted,
    fresh_facts,
    numbers,
    ready_to_switch,
    recount,
    redraw,
)
from tests.tracking.doors import client_of
from tracking import facts, ledger, recounts, runner, tasks
from tracking.models import (
    Chunk,
    Coverage,
    Customer,
    JobState,
    Recording,
    Recount,
    RecountPart,
    Run,
    StoreSequence,
    Track,
    TrackingEvent,
    Visit,
)
from tracking.problems import Problem
from tracking.recording_selectors import facts_of, recounts_between, with_progress
from tracking.recounts import recording_recount
from zones.models import Camera
from zones.services import line_redraw, zone_archive, zone_create, zone_redraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(files) -> Recording:
    return counted(files)


# --- What comes of it -----------------------------------------------------------------------------


def test_a_recount_gives_what_a_fresh_count_with_the_new_shapes_gives(files, recording):
    before = facts.export_facts(recording.store)
    redraw(recording)
    made = recount(recording)
    after = facts.export_facts(recording.store)
    assert made.state == "done"
    assert after == fresh_facts(files)
    assert after != before
    assert numbers(recording) == (3, 3, 1)


def test_buckets_and_summaries_are_those_of_the_new_run_alone(recording):
    redraw(recording)
    recount(recording)
    assert sum(Bucket.objects.values_list("entries", flat=True)) == 3
    compared = check(recording.store)
    assert compared.rows > 0
    assert compared.differing == []
    assert AnalyticsSummary.objects.exists()


def test_counting_again_and_again_ends_where_a_fresh_count_ends(files, recording):
    first = facts.export_facts(recording.store)
    redraw(recording)
    recount(recording)
    zone_redraw(zone=recording.camera.zones.get(), vertices=[list(c) for c in walks.SHELF])
    line_redraw(line=recording.camera.lines.get(), a=walks.LINE[0], b=walks.LINE[1])
    recount(recording)
    assert facts.export_facts(recording.store) == first
    assert check(recording.store).differing == []
    assert recording.runs.count() == 3


def test_the_shapes_of_now_hold_for_the_whole_recording(recording):
    """Drawn today, long after the recording; a shape that was archived counts no more."""
    zone = recording.camera.zones.get()
    zone_redraw(zone=zone, vertices=CORNER)
    zone_create(camera=recording.camera, name="New", vertices=CORNER, valid_from=clock.now())
    line_redraw(line=recording.camera.lines.get(), a=LOWER[0], b=LOWER[1])
    made = recording_recount(recording=recording)
    setup = made.new_run.setup
    shapes = [*setup["zones"], *setup["lines"]]
    assert {(each["valid_from_ms"], each["valid_to_ms"]) for each in shapes} == {(None, None)}
    assert sorted(each["name"] for each in setup["zones"]) == ["New", "Shelf"]
    zone_archive(zone=zone)
    again = recording_recount(recording=recording)
    assert [each["name"] for each in again.new_run.setup["zones"]] == ["New"]


def test_no_video_is_needed(files, recording, monkeypatch):
    Recording.objects.update(folder="")
    redraw(recording)
    assert recount(recording).state == "done"
    assert facts.export_facts(recording.store) == fresh_facts(files)


def test_until_the_switch_nothing_official_moves(recording):
    before = facts.export_facts(recording.store)
    seq = StoreSequence.objects.get().value
    redraw(recording)
    made = recording_recount(recording=recording)
    while Run.objects.get(pk=made.new_run_id).next_chunk < recording.chunk_count:
        assert recounts.advance(made.pk, slice_s=1e-6)
        assert facts.export_facts(recording.store) == before
        assert StoreSequence.objects.get().value == seq
        assert set(made.new_run.events.values_list("seq", flat=True)) <= {None}
    assert not recounts.advance(made.pk)
    assert facts.export_facts(recording.store) != before


def test_overlays_are_those_of_the_new_run(files, recording):
    """A zone to ignore takes people out of the picture, so the boxes differ."""
    zone_create(camera=recording.camera, name="Mirror", vertices=CORNER, kind="ignore")
    before = list(recording.chunks.values_list("overlay", flat=True))
    recount(recording)
    after = list(recording.chunks.values_list("overlay", flat=True))
    assert None not in after
    assert [bytes(blob or b"") for blob in after] != [bytes(blob or b"") for blob in before]
    assert not RecountPart.objects.exists()


# --- The feed -------------------------------------------------------------------------------------


def test_a_reader_who_catches_up_sees_first_that_the_old_rows_count_no_more(recording):
    cast = make_cast()
    member(cast.bob, recording)
    behind = StoreSequence.objects.get().value
    redraw(recording)
    made = recount(recording)
    path = f"/api/v1/stores/{recording.store.public_id}/events/"
    told = client_of(cast.bob).get(path, {"after": behind, "limit": 500}).json()
    rows = told["results"]
    assert [row["seq"] for row in rows] == list(range(behind + 1, told["as_of_seq"] + 1))
    assert rows[0]["kind"] == "recounted"
    assert rows[0]["recount"]["old"] == str(made.old_run.public_id) == rows[0]["run"]
    assert rows[0]["recount"]["new"] == str(made.new_run.public_id)
    assert {row["run"] for row in rows[1:]} == {str(made.new_run.public_id)}
    assert not any(row["superseded"] for row in rows)
    ordinals = list(made.new_run.events.order_by("seq").values_list("ordinal", flat=True))
    assert ordinals == list(range(len(rows) - 1))
    old = client_of(cast.bob).get(path, {"after": 0, "limit": behind}).json()["results"]
    assert all(row["superseded"] for row in old)


def test_watchers_are_told_after_the_switch_and_never_before(recording, monkeypatch):
    hints: list[dict[str, Any]] = []
    monkeypatch.setattr(ledger.live, "publish", lambda store, hint: hints.append(hint))
    redraw(recording)
    made = recording_recount(recording=recording)
    while Run.objects.get(pk=made.new_run_id).next_chunk < recording.chunk_count:
        recounts.advance(made.pk, slice_s=1e-6)
    assert {hint["type"] for hint in hints} == {"progress"}


def member(user, recording: Recording) -> None:
    from accounts.services import membership_set

    membership_set(user=user, store=recording.store, role="viewer")


# --- People ---------------------------------------------------------------------------------------


def test_people_keep_their_customer_notes_and_flags(recording):
    run = recording.runs.get()
    for visit in run.visits.select_related("customer"):
        visit.customer.notes = f"came at {visit.entered_at:%M:%S}"
        visit.customer.save()
    line_redraw(line=recording.camera.lines.get(), a=LOWER[0], b=LOWER[1])
    kept = {visit.chain: visit.customer_id for visit in run.visits.all()}
    made = recount(recording)
    new = made.new_run.visits.select_related("customer").order_by("ordinal")
    assert [visit.customer_id for visit in new] == [kept[visit.chain] for visit in new]
    assert all(visit.customer.notes.startswith("came at") for visit in new)
    assert Customer.objects.count() == 3
    assert set(Customer.objects.values_list("hidden", flat=True)) == {False}
    for customer in Customer.objects.all():
        official = customer.visits.filter(run__active=True)
        assert customer.visit_count == official.count()
        assert customer.first_seen == official.order_by("entered_at").first().entered_at


def test_a_member_of_staff_stays_one_in_visits_and_buckets(recording):
    ordinal = recording.runs.get().visits.order_by("ordinal").first().ordinal
    staff_is(recording, ordinal)
    line_redraw(line=recording.camera.lines.get(), a=LOWER[0], b=LOWER[1])
    made = recount(recording)
    assert list(made.new_run.visits.order_by("ordinal").values_list("staff", flat=True)) == [
        True, False, False, False,
    ]  # fmt: skip
    assert check(recording.store).differing == []


def staff_is(recording: Recording, ordinal: int) -> None:
    """Mark a visit as staff's, and its buckets with it."""
    from analytics.rebuild import rewrite

    recording.runs.get().visits.filter(ordinal=ordinal).update(staff=True)
    rewrite(recording.store)


def test_a_customer_left_without_a_visit_is_hidden_and_never_becomes_somebody_else(recording):
    second = recording.runs.get().visits.order_by("ordinal")[1].customer
    second.notes = "never seen again"
    second.save()
    redraw(recording)
    made = recount(recording)
    second.refresh_from_db()
    assert (second.hidden, second.visit_count, second.notes) == (True, 0, "never seen again")
    assert not made.new_run.visits.filter(customer=second).exists()
    assert made.new_run.visits.count() == 3
    assert Customer.objects.filter(hidden=False).count() == 2


def test_a_customer_with_visits_elsewhere_stays_and_keeps_those(files, recording):
    customer = recording.runs.get().visits.order_by("ordinal")[1].customer
    later = Recording.objects.create(
        store=recording.store, camera=recording.camera, name="later", started_at=clock.now(),
        ended_at=clock.now(), state="done",
    )  # fmt: skip
    run = Run.objects.create(store=recording.store, recording=later)
    stay = {"entered_at": clock.now(), "exited_at": clock.now(), "duration_ms": 0}
    Visit.objects.create(
        public_id=later.public_id, store=recording.store, run=run, ordinal=0, chain=1,
        customer=customer, **stay,
    )  # fmt: skip
    redraw(recording)
    recount(recording)
    customer.refresh_from_db()
    assert (customer.hidden, customer.visit_count) == (False, 1)


# --- The queue ------------------------------------------------------------------------------------


def test_a_waiting_recount_is_rung_for_and_worked_by_its_task(recording, monkeypatch):
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(tasks, "_send", lambda task, row: not sent.append((task.name, row)))
    made = recording_recount(recording=recording)
    tasks.ring_next()
    tasks.ring_next()
    assert sent == [("tracking.tasks.advance_recount", made.pk)]
    tasks.advance_recount(made.pk)
    made.refresh_from_db()
    assert made.state == "done"


def test_while_the_disk_is_low_it_waits_and_then_goes_on(recording, monkeypatch, settings):
    made = recording_recount(recording=recording)
    free = {"bytes": settings.DISK_FLOOR_BYTES - 1}
    monkeypatch.setattr(recounts.room, "free_bytes", lambda: free["bytes"])
    assert not recounts.advance(made.pk)
    made.refresh_from_db()
    assert (made.state, made.attempt, made.new_run.next_chunk) == ("waiting", 0, 0)
    (told,) = facts_of(list(with_progress(Recording.objects.all())))
    assert told.recount.text.endswith(
        "those of before. Waiting for disk space: 500 MB free, work goes on at 500 MB."
    )
    assert told.paused == ""
    free["bytes"] = 10**12
    assert recount(recording).state == "done"


def test_asked_twice_it_is_counted_once_and_with_another_map_anew(recording):
    first = recording_recount(recording=recording)
    assert recording_recount(recording=recording) == first
    redraw(recording)
    second = recording_recount(recording=recording)
    first.refresh_from_db()
    assert (first.state, second.state) == ("cancelled", "waiting")
    assert not recounts.advance(first.pk)
    assert recount(recording) == second


def rows_of_runs() -> dict[str, int]:
    """Return how many rows of every kind that a run writes there are."""
    kinds = (Run, Recount, RecountPart, Track, TrackingEvent, Visit, Customer, Coverage)
    return {model.__name__: model._default_manager.count() for model in kinds}


def almost_through(recording: Recording) -> Recount:
    """Ask for a re-count and let it come as far as the switch."""
    made = ready_to_switch(recording)
    assert made.new_run.events.exists()
    assert made.new_run.visits.filter(customer__hidden=True).exists()
    return made


def test_what_a_cancelled_recount_wrote_is_removed_and_nothing_else(files, recording, settings):
    assert "recounts-forget" in settings.CELERY_BEAT_SCHEDULE
    before, told = rows_of_runs(), facts.export_facts(recording.store)
    almost_through(recording)
    tasks.recounts_forget()
    assert Recount.objects.get().state == "waiting", "one that still waits was removed"
    zone_redraw(zone=recording.camera.zones.get(), vertices=[list(c) for c in walks.SHELF])
    second = recording_recount(recording=recording)
    assert recounts.recounts_forget() == 1
    assert rows_of_runs() == before | {"Run": before["Run"] + 1, "Recount": 1}
    assert facts.export_facts(recording.store) == told
    assert recount(recording) == second
    assert check(recording.store).differing == []
    assert recounts.recounts_forget() == 0


def test_one_that_was_set_aside_is_told_until_another_is_asked_for(recording):
    first = almost_through(recording)
    Recount.objects.update(state="quarantined")
    assert recounts.recounts_forget() == 0
    second = recording_recount(recording=recording)
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert recounts.recounts_forget() == 1
    assert list(Recount.objects.all()) == [second]
    assert not Run.objects.filter(pk=first.new_run_id).exists()


def test_a_run_that_counts_is_never_removed_whatever_the_state_of_its_recount_says(recording):
    made = ready_to_switch(recording)
    assert not recounts.advance(made.pk)
    told = facts.export_facts(recording.store)
    Recount.objects.update(state="cancelled")
    assert recounts.recounts_forget() == 0
    assert facts.export_facts(recording.store) == told
    Run.objects.filter(pk=made.new_run_id).update(active=False)
    assert recounts.recounts_forget() == 1


def test_other_work_has_its_turn_after_some_runs_were_removed(recording, monkeypatch):
    monkeypatch.setattr(recounts, "AT_ONCE", 2)
    made = []
    for corner in (walks.SHELF, CORNER, walks.SHELF, CORNER):
        zone_redraw(zone=recording.camera.zones.get(), vertices=[list(each) for each in corner])
        made.append(recording_recount(recording=recording))
    assert [recounts.recounts_forget() for _ in range(3)] == [2, 1, 0]
    assert list(Recount.objects.all()) == made[-1:]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "running"}, "not_recountable"),
        ({"state": "failed"}, "not_recountable"),
        ({"state": "cancelled"}, "not_recountable"),
        ({"source": "image"}, "not_recountable"),
    ],
)
def test_what_is_not_a_counted_video_is_refused(recording, changes, code):
    Recording.objects.update(**changes)
    with pytest.raises(Problem) as refused:
        recording_recount(recording=recording)
    assert refused.value.code == code
    assert not Recount.objects.exists()


def test_without_what_was_seen_it_is_refused_in_words(recording):
    Chunk.objects.filter(index=1).update(detections=None)
    with pytest.raises(Problem, match="no longer stored"):
        recording_recount(recording=recording)


# --- The door and the words -----------------------------------------------------------------------


@pytest.fixture
def seen(files):
    """The cast's own store with a counted recording."""
    cast = make_cast()
    recording = walks.make_detected(cast.store, files)
    runner.work(recording.pk)
    recording.refresh_from_db()
    return cast, recording


def press(user, recording: Recording) -> Any:
    return client_of(user).post(f"/api/v1/recordings/{recording.public_id}/recount/")


def test_a_manager_asks_a_viewer_may_not_and_for_others_there_is_none(
    seen, django_capture_on_commit_callbacks
):
    cast, recording = seen
    assert press(None, recording).status_code in {401, 403}
    assert press(cast.charlie, recording).status_code == 404
    assert press(cast.bob, recording).status_code == 403
    assert not Recount.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = press(cast.alice, recording)
    assert answer.status_code == 200
    assert answer.json()["recount"]["state"] == "waiting"
    made = Recount.objects.get()
    assert made.created_by == cast.alice
    assert made.rung_at is not None, "nobody was called to work"
    entry = AuditEntry.objects.get(action="recording.recount")
    assert (entry.actor, entry.store) == (cast.alice, cast.store)


def test_a_refusal_has_its_code(seen):
    cast, recording = seen
    Recording.objects.update(state="failed")
    answer = press(cast.alice, recording)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_recountable")


def test_only_the_store_s_own_people_read_its_recounts(seen):
    cast, recording = seen
    made = recording_recount(recording=recording)
    recounts.advance(made.pk, slice_s=1e-6)
    for model in (Recount, RecountPart):
        rows = model.objects
        assert rows.for_user(cast.alice).exists()
        assert rows.for_user(cast.bob).exists()
        assert not rows.for_user(cast.charlie).exists()


def test_the_answer_says_what_goes_on_and_then_why_the_number_changed(seen):
    cast, recording = seen
    redraw(recording)
    press(cast.alice, recording)
    made = Recount.objects.get()
    recounts.advance(made.pk, slice_s=1e-6)
    path = f"/api/v1/recordings/{recording.public_id}/"
    told = client_of(cast.bob).get(path).json()
    assert told["entries"] == walks.ENTRIES
    assert told["recount"]["text"].startswith(
        "Being counted again after zone 'Shelf' was redrawn and line 'Entrance' was redrawn: 1 of"
    )
    assert 0 < told["recount"]["progress"] < 1
    while recounts.advance(made.pk):
        pass
    told = client_of(cast.bob).get(path).json()
    assert told["entries"] == 3
    assert told["recount"]["new"] == {"entries": 3, "exits": 3, "visits": 3, "stays": 1}
    local = clock.localtime(Recount.objects.get().finished_at, ZoneInfo(cast.store.timezone))
    assert told["recount"]["text"] == (
        f"Counted again at {local:%H:%M} after zone 'Shelf' was redrawn and line 'Entrance' was "
        "redrawn: 3 in instead of 4, 3 visits instead of 4, 1 zone stay instead of 2."
    )
    assert json.dumps(told).count(told["recount"]["text"][:13]) == 1


def test_history_tells_it_for_the_hours_of_the_recording_alone(recording):
    redraw(recording)
    recount(recording)
    start, hour = recording.started_at, timedelta(hours=1)
    (text,) = recounts_between(recording.store, start - hour, start + hour)
    assert text.startswith("walks.mp4: Counted again")
    assert recounts_between(recording.store, start + hour, start + 2 * hour) == []
    ledger.run_take_out(recording.runs.get(active=True))
    assert recounts_between(recording.store, start - hour, start + hour) == []


def test_a_recount_costs_a_bounded_number_of_queries(recording, django_assert_max_num_queries):
    made = ready_to_switch(recording)
    with django_assert_max_num_queries(76):
        recounts.advance(made.pk)


def test_a_camera_without_its_shapes_is_counted_without_them(recording):
    """Everything archived: nothing is crossed and nobody visits, but the time was observed."""
    camera = Camera.objects.get()
    zone_archive(zone=camera.zones.get())
    camera.lines.get().versions.update(valid_to=clock.now())
    recount(recording)
    assert numbers(recording) == (0, 0, 0)
    assert Coverage.objects.filter(run__active=True).exists()
    assert set(Customer.objects.values_list("hidden", flat=True)) == {True}
    assert Recount.objects.get().state == JobState.DONE
