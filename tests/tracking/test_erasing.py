"""Erasing somebody: nothing is left of who it was, no number changes, and nobody comes back."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import AuditEntry, KeptAnswer, Membership, Store, User
from analytics.heatmap import heatmap
from analytics.models import AnalyticsSummary, Bucket, PathSum
from analytics.rebuild import check
from analytics.tasks import summaries_fold
from tests.cast import PASSWORD, make_user
from tests.tracking import walks
from tests.tracking.again import counted, ready_to_switch, recount, redraw
from tests.tracking.doors import client_of
from tests.tracking.test_finals import counted as counted_whole
from tests.tracking.test_finals import hide, make_waiting
from tests.tracking.test_recordings import at_once
from tracking import facts, jobs, links, media, recounts, switch, whole
from tracking.clients import client_note, code_of
from tracking.erasing import client_erase, receipt_of_client, receipt_of_visit, visit_erase
from tracking.held import held_about_client
from tracking.models import Chunk, Customer, Recording, Recount, Run, Track, TrackingEvent, Visit
from tracking.overlay import unpack
from tracking.problems import Problem
from tracking.recordings import recording_retry
from tracking.recounts import recording_recount

pytestmark = pytest.mark.db
CANARY = "delivery on tuesdays"
SUMS = (Bucket, AnalyticsSummary, PathSum)
A_DAY = date(2026, 7, 1)
# Whose walk is known by head, in the order in which they come: the last comes in twice.
FIRST, TWICE = 0, -1


@pytest.fixture
def recording(files) -> Recording:
    recording = counted(files)
    summaries_fold()
    return recording


@pytest.fixture
def manager(recording) -> User:
    return manager_of(recording.store)


def manager_of(store: Store) -> User:
    user = make_user("boss")
    Membership.objects.create(user=user, store=store, role="manager")
    return user


def people() -> list[Customer]:
    return list(Customer.objects.filter(hidden=False).order_by("first_seen", "pk"))


def sums() -> dict[str, list[dict[str, Any]]]:
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in ("id", "updated_at")}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in SUMS
    }


def counts(store: Store) -> dict[str, Any]:
    """Return everything that a number is made of."""
    events = TrackingEvent.objects.filter(store=store).order_by("pk")
    visits = Visit.objects.filter(store=store).order_by("pk")
    return sums() | {
        "events": list(events.values()),
        "visits": list(visits.values("pk", "entered_at", "exited_at", "duration_ms", "path",
                                     "inferred", "staff")),
    }  # fmt: skip


def rows_with(text: str) -> dict[str, int]:
    """Return in which tables of the database a text stands, in any column."""
    found = {}
    for model in apps.get_models():
        rows = [str(row) for row in model._default_manager.values()]
        if number := sum(text in row for row in rows):
            found[model.__name__] = number
    return found


def tracks_of(run: Run, chain: int) -> set[int]:
    return set(Track.objects.filter(run=run, chain=chain).values_list("number", flat=True))


def drawn_numbers(recording: Recording) -> set[int]:
    blobs = recording.chunks.exclude(overlay=None).values_list("overlay", flat=True)
    frames = [frame for blob in blobs for frame in unpack(bytes(blob or b""))]
    return {number for frame in frames for number in frame.numbers}


# --- What goes, what stays ------------------------------------------------------------------------


def test_all_that_says_who_it_was_goes_and_no_number_changes(recording, manager):
    customer = people()[FIRST]
    client_note(customer=customer, notes=CANARY, user=manager)
    (visit,) = customer.visits.all()
    numbers = tracks_of(visit.run, visit.chain)
    before, told = counts(recording.store), facts.export_facts(recording.store)
    assert numbers and numbers <= drawn_numbers(recording)
    assert (media.source_path(recording.folder)).is_file()

    receipt = client_erase(customer=customer, user=manager)

    assert counts(recording.store) == before
    assert check(recording.store).differing == []
    gone = {line for line in told if line not in set(facts.export_facts(recording.store))}
    assert {json.loads(line)["fact"] for line in gone} == {"track", "customer"}
    assert {json.loads(line)["chain"] for line in gone} == {visit.chain}
    assert not rows_with(CANARY) and set(rows_with(customer.public_id.hex)) <= {"AuditEntry"}
    assert not Track.objects.filter(run=visit.run, chain=visit.chain).exists()
    assert not numbers & drawn_numbers(recording) and drawn_numbers(recording)
    assert not Chunk.objects.filter(detections__isnull=False).exists()
    assert not Run.objects.filter(tracker_state__isnull=False).exists()
    assert [one.pk for one in people()] and customer.pk not in [one.pk for one in people()]
    recording.refresh_from_db()
    assert recording.folder == ""
    assert receipt.removed["ways"] == len(numbers) and receipt.removed["notes"] == 1


@pytest.mark.django_db(transaction=True)
def test_the_film_and_its_pictures_are_removed_from_the_disk(files, settings):
    recording = counted(files)
    folder = media.folder_path(recording.folder)
    media.write_file(recording.folder, "previews-00000", b"a picture")
    client_erase(customer=people()[FIRST], user=manager_of(recording.store))
    assert not folder.exists()


def test_a_receipt_is_kept_that_says_nothing_of_the_person(recording, manager):
    customer = people()[FIRST]
    (visit,) = customer.visits.all()
    receipt = client_erase(customer=customer, user=manager)
    entry = AuditEntry.objects.get(action="client.erased")
    assert (entry.actor, entry.store) == (manager, recording.store)
    assert entry.detail == {
        "id": str(customer.public_id), "visits": [str(visit.public_id)],
        "removed": receipt.removed,
    }  # fmt: skip
    visit.refresh_from_db()
    assert (visit.erased_at, visit.customer) == (entry.at, None)
    assert receipt_of_client(recording.store, customer.public_id) == receipt
    assert receipt_of_visit(visit) == receipt
    assert receipt.code == code_of(customer.public_id) and receipt.by == "boss"
    assert "1 client with its code" in receipt.words


def test_the_heatmap_of_the_day_is_drawn_without_the_way(recording, manager):
    now = recording.ended_at + timedelta(days=1)
    before = heatmap(recording.camera, A_DAY, A_DAY, "presence", now)
    client_erase(customer=people()[FIRST], user=manager)
    after = heatmap(recording.camera, A_DAY, A_DAY, "presence", now)
    assert after.tracks < before.tracks
    assert 0 < after.cells_us.sum() < before.cells_us.sum()


def test_a_visit_leaves_its_client_who_goes_with_the_last_one(recording, manager):
    customer = people()[TWICE]
    first, second = customer.visits.order_by("entered_at")
    before = counts(recording.store)
    receipt = visit_erase(visit=first, user=manager)
    customer.refresh_from_db()
    assert (customer.visit_count, customer.first_seen) == (1, second.entered_at)
    assert "clients" not in receipt.removed and receipt.removed["visits"] == 1
    # The way was one: nobody can say where the part of one visit ends.
    assert not Track.objects.filter(run=first.run, chain=first.chain).exists()
    with pytest.raises(Problem, match="erased already"):
        visit_erase(visit=first, user=manager)
    assert visit_erase(visit=second, user=manager).removed["clients"] == 1
    assert not Customer.objects.filter(pk=customer.pk).exists()
    assert counts(recording.store) == before
    assert check(recording.store).differing == []


def test_links_go_and_what_people_told_apart(files):
    whole.forget()
    waiting = make_waiting(files)
    hide(waiting, 13_000, 15_600)
    recording = counted_whole(waiting)
    (link,) = links.links_of(recording)
    customer = Customer.objects.get(visits__run__active=True, visits__chain=link.chain)
    run = Run.objects.get(active=True)
    ended = (link.ended_at - recording.started_at) // timedelta(milliseconds=1)
    run.card["final"]["apart"] = [[ended, ended + 900], [7, 9]]
    run.save()
    receipt = client_erase(customer=customer, user=manager_of(recording.store))
    assert links.links_of(recording) == []
    run.refresh_from_db()
    assert run.card["final"]["apart"] == [[7, 9]]
    assert (receipt.removed["links"], receipt.removed["links_undone"]) == (1, 1)


def test_whom_earlier_counts_followed_goes_too(recording, manager):
    redraw(recording)
    recount(recording)
    old = Run.objects.get(active=False)
    assert Track.objects.filter(run=old).exists()
    assert Customer.objects.filter(hidden=True).exists()
    events = list(TrackingEvent.objects.order_by("pk").values())
    client_erase(customer=people()[FIRST], user=manager)
    assert not Track.objects.filter(run=old).exists()
    assert not Customer.objects.filter(hidden=True).exists()
    assert not Visit.objects.filter(run=old).exclude(customer=None).exists()
    assert list(TrackingEvent.objects.order_by("pk").values()) == events  # the feed stays whole


# --- Nobody comes back ----------------------------------------------------------------------------


def test_the_recording_is_never_counted_again_so_that_nobody_is_missing(recording, manager):
    customer = people()[FIRST]
    client_erase(customer=customer, user=manager)
    before = counts(recording.store)
    redraw(recording)
    with pytest.raises(Problem, match="Somebody was erased") as refused:
        recording_recount(recording=recording)
    assert refused.value.code == "somebody_erased"
    Recording.objects.update(state="quarantined")
    with pytest.raises(Problem) as refused:
        recording_retry(recording=recording)
    assert refused.value.code == "file_gone"
    assert counts(recording.store) == before


def test_a_count_again_that_waits_is_dropped_and_its_worker_switches_nothing(recording, manager):
    made = ready_to_switch(recording)
    claim = jobs.recount_claim(made.pk)
    assert claim is not None
    customer = people()[FIRST]
    before = counts(recording.store)["visits"]
    receipt = client_erase(customer=customer, user=manager)
    assert receipt.removed["recounts"] == 1
    related = ("store", "old_run__store", "new_run__store", "recording",
               "old_run__recording__camera", "new_run__recording__camera")  # fmt: skip
    loaded = Recount.objects.select_related(*related).get(pk=made.pk)
    with pytest.raises(jobs.LeaseLostError):
        switch.run_switch(claim=claim, recount=loaded)
    assert not recounts.advance(made.pk)
    assert customer.pk not in [one.pk for one in people()]
    assert not Track.objects.filter(run=made.new_run).exists()
    assert counts(recording.store)["visits"] == before
    recounts.recounts_forget()
    assert check(recording.store).differing == []


@pytest.mark.skipif(connection.vendor == "sqlite", reason="writers wait for each other as a whole")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["erase", "switch"])
def test_beside_a_switch_one_waits_for_the_other_and_nobody_comes_back(files, monkeypatch, first):
    """Whoever holds the recording first ends first; both orders end with the person gone."""
    recording = counted(files)
    manager = manager_of(recording.store)
    made = ready_to_switch(recording)
    customer = people()[FIRST]
    inside, go_on = threading.Event(), threading.Event()
    place = (switch, "_swap") if first == "switch" else (jobs, "recount_cancel")
    true = getattr(*place)

    def slowly(*arguments: Any) -> Any:
        inside.set()
        assert go_on.wait(30)
        return true(*arguments)

    monkeypatch.setattr(*place, slowly)
    told: list[str] = []

    def erase() -> None:
        told.append(str(client_erase(customer=customer, user=manager).removed["clients"]))

    def count() -> None:
        recounts.advance(made.pk)

    acts = [erase, count] if first == "erase" else [count, erase]

    def second() -> None:
        assert inside.wait(30)
        threading.Timer(0.5, go_on.set).start()
        acts[1]()

    turns = [second, acts[0]]

    def act() -> None:
        turns.pop()()

    at_once(2, act)
    assert told == ["1"]
    assert customer.pk not in [one.pk for one in people()]
    active = Run.objects.get(active=True)
    assert (active.pk == made.new_run_id) == (first == "switch")
    erased = Visit.objects.get(run=active, erased_at__isnull=False)
    assert not Track.objects.filter(run=active, chain=erased.chain).exists()
    assert check(recording.store).differing == []


@pytest.mark.skipif(connection.vendor == "sqlite", reason="writers wait for each other as a whole")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_erase_the_same_one_is_told_that_it_is_done(files):
    recording = counted(files)
    manager, customer = manager_of(recording.store), people()[FIRST]

    def erase() -> str:
        try:
            return client_erase(customer=customer, user=manager).kind
        except Problem as problem:
            return problem.code

    assert sorted(at_once(2, erase)) == ["client", "erased_already"]
    assert AuditEntry.objects.filter(action="client.erased").count() == 1


@pytest.mark.parametrize("state", ["queued", "running", "made up as it goes"])
def test_what_is_still_counted_is_refused_and_left_alone(recording, manager, state):
    if state == "made up as it goes":
        Recording.objects.update(source="simulated")
        Run.objects.update(finished_at=None)
    else:
        Recording.objects.update(state=state)
    customer, before = people()[FIRST], counts(recording.store)
    with pytest.raises(Problem) as refused:
        client_erase(customer=customer, user=manager)
    assert refused.value.code == "still_counted"
    assert counts(recording.store) == before and Track.objects.filter(run__active=True).exists()
    assert Customer.objects.filter(pk=customer.pk).exists()


def test_a_visit_of_an_earlier_count_is_refused(recording, manager):
    redraw(recording)
    recount(recording)
    with pytest.raises(Problem) as refused:
        visit_erase(visit=Visit.objects.filter(run__active=False).earliest("pk"), user=manager)
    assert refused.value.code == "counts_no_more"


# --- By the API -----------------------------------------------------------------------------------


def test_all_that_is_held_is_in_one_file_and_the_log_says_who_took_it(recording, manager):
    customer = people()[FIRST]
    client_note(customer=customer, notes=CANARY, user=manager)
    told = client_of(manager).get(f"/api/v1/clients/{customer.public_id}/export/")
    assert told.status_code == 200 and told["Cache-Control"] == "no-store"
    assert f"client-{code_of(customer.public_id)}.json" in told["Content-Disposition"]
    held = told.json()
    assert held["client"]["notes"] == CANARY
    (visit,) = customer.visits.all()
    (row,) = held["visits"]
    assert row["id"] == str(visit.public_id)
    assert [stay["zone_name"] for stay in row["stays"]] == ["Shelf"]
    kinds = [event["kind"] for event in row["events"]]
    assert kinds == ["crossed", "entered", "zone_entered", "zone_left", "crossed", "exited"]
    assert {way["number"] for way in held["ways"]} == tracks_of(visit.run, visit.chain)
    assert all(len(way["path"]) > 10 for way in held["ways"])
    assert held["pictures"] == [
        {"recording": str(recording.public_id), "film_kept": True, "detections_kept": True,
         "pixelated_pictures": held["pictures"][0]["pixelated_pictures"]},
    ]  # fmt: skip
    assert held["pictures"][0]["pixelated_pictures"] > 0
    assert AuditEntry.objects.get(action="client.exported").actor == manager
    assert {"client.noted"} <= {line["action"] for line in held["log"]}
    one = client_of(manager).get(f"/api/v1/visits/{visit.public_id}/export/").json()
    assert (one["visits"], one["ways"]) == (held["visits"], held["ways"])


def test_nothing_of_another_person_is_in_the_file(recording, manager):
    one, other = people()[FIRST], people()[TWICE]
    client_note(customer=other, notes=CANARY, user=manager)
    text = json.dumps(held_about_client(one, recording.ended_at))
    assert CANARY not in text and str(other.public_id) not in text
    numbers = {way["number"] for way in held_about_client(other, recording.ended_at)["ways"]}
    assert not numbers & {way["number"] for way in json.loads(text)["ways"]}


@pytest.mark.parametrize("confirm", [{}, {"confirm": ""}, {"confirm": "yes"}])
def test_nothing_is_erased_without_the_code(recording, manager, confirm):
    customer = people()[FIRST]
    address = f"/api/v1/clients/{customer.public_id}/erase/"
    told = client_of(manager).post(address, confirm, content_type="application/json")
    assert told.status_code == 400
    assert Customer.objects.filter(pk=customer.pk).exists()


def test_by_the_api_with_the_code_and_what_programs_were_answered_goes_too(recording, manager):
    customer = people()[FIRST]
    address, asking = f"/api/v1/clients/{customer.public_id}/", client_of(manager)
    kept = {"Idempotency-Key": "note-1"}
    asking.patch(address, {"notes": CANARY}, content_type="application/json", headers=kept)
    assert KeptAnswer.objects.filter(answer__contains=CANARY).exists()
    confirm = {"confirm": code_of(customer.public_id).lower()}
    told = asking.post(f"{address}erase/", confirm, content_type="application/json")
    assert told.status_code == 200, told.content
    assert told.json()["removed"]["answers"] == 1
    assert not rows_with(CANARY)
    assert asking.get(address).status_code == 404
    again = asking.post(f"{address}erase/", confirm, content_type="application/json")
    assert again.status_code == 404
    assert PASSWORD not in str(told.json())


def test_walks_has_the_people_that_these_tests_know(recording):
    assert Visit.objects.count() == walks.VISITS
    assert people()[FIRST].visit_count == 1 and people()[TWICE].visit_count == 2
