"""People who were lost and found again: linked tracks, and links that are undone."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import AuditEntry, Membership
from analytics.rebuild import check
from tests.tracking import walks
from tests.tracking.again import CORNER, recount
from tests.tracking.doors import client_of
from tests.tracking.test_finals import counted, hide, make_waiting
from tracking import facts, links, overlay, recounts, whole
from tracking.models import Recording, Run, Track, Visit
from tracking.problems import Problem
from zones.services import zone_redraw

pytestmark = pytest.mark.django_db
LOST_MS, FOUND_MS = 13_000, 15_600


@pytest.fixture
def recording(files) -> Recording:
    """Return a counted recording in which the first person is hidden at the shelf for a while."""
    whole.forget()
    waiting = make_waiting(files)
    hide(waiting, LOST_MS, FOUND_MS)
    return counted(waiting)


def media_ms(recording: Recording, at) -> int:
    return round((at - recording.started_at).total_seconds() * 1000)


def tracks_of(recording: Recording) -> list[Track]:
    return list(Track.objects.filter(run__recording=recording, run__active=True).order_by("number"))


def inferred(recording: Recording) -> int:
    return Visit.objects.filter(run__recording=recording, run__active=True, inferred=True).count()


def undone(recording: Recording) -> Recording:
    (link,) = links.links_of(recording)
    links.link_undo(recording=recording, track=link.track)
    recounts.work(recording)
    return recording


def test_the_tracks_of_one_person_are_a_chain(recording):
    (link,) = links.links_of(recording)
    assert (link.before, link.chain) == (1, 1)
    assert LOST_MS - 300 < media_ms(recording, link.ended_at) < LOST_MS
    assert FOUND_MS <= media_ms(recording, link.began_at) < FOUND_MS + 300
    tracks = tracks_of(recording)
    assert [track.number for track in tracks] == list(range(1, len(tracks) + 1))
    assert [track.number for track in tracks if track.chain == 1] == [1, link.track]
    assert all(track.chain == track.number for track in tracks if track.number != link.track)
    assert [visit.chain for visit in Visit.objects.filter(run__active=True)].count(1) == 1


def test_every_fact_names_the_track_that_was_seen_then(recording):
    (link,) = links.links_of(recording)
    tracks = {track.number: track for track in tracks_of(recording)}
    events = recording.runs.get(active=True).events
    mine = list(events.filter(track_number__in=(1, link.track)).order_by("at"))
    assert {"entered", "exited", "zone_entered", "zone_left"} <= {event.kind for event in mine}
    for event in mine:
        assert event.track_number is not None
        assert tracks[event.track_number].started_at <= event.at
    assert {e.track_number for e in mine if e.kind == "entered"} == {1}
    assert {e.track_number for e in mine if e.kind == "exited"} == {link.track}


def test_each_track_has_the_way_it_was_seen_on(recording):
    for track in tracks_of(recording):
        path = overlay.unpack_path(bytes(track.path))
        assert recording.started_at is not None
        assert path[0][0] >= media_ms(recording, track.started_at)
        assert path[-1][0] <= media_ms(recording, track.ended_at)
        assert all(a[0] < b[0] for a, b in pairwise(path))


def test_a_link_that_is_undone_makes_two_people_of_one(recording):
    before, (link,) = inferred(recording), links.links_of(recording)
    undone(recording)
    assert links.links_of(recording) == []
    assert all(track.chain == track.number for track in tracks_of(recording))
    assert inferred(recording) == before + 1
    assert check(recording.store).differing == []
    made = recording.recounts.order_by("-pk")[0]
    assert made.state == "done"
    assert made.changes == [f"tracks 1 and {link.track} were told apart"]
    assert made.new_run.setup == made.old_run.setup


def test_what_is_told_apart_stays_apart_when_it_is_counted_again(recording):
    undone(recording)
    zone_redraw(zone=recording.camera.zones.get(), vertices=CORNER)
    assert recount(recording).new_run.mode == "recording"
    assert links.links_of(recording) == []


def test_what_was_told_apart_is_remembered_by_a_count_that_joins_nobody(recording):
    undone(recording)
    for choice, mode in (("live", "live"), ("live", "live"), ("recording", "recording")):
        recording.camera.final_count = choice
        recording.camera.save()
        assert recount(recording).new_run.mode == mode
    assert links.links_of(recording) == []
    card = recording.runs.get(active=True).card
    assert len(card["final"]["apart"]) == 1
    assert "told_apart" not in card


def test_what_is_told_apart_stays_so_where_a_count_that_joins_nobody_comes_first(recording):
    """The undo's own count is dropped before it is done: what was said is not."""
    (link,) = links.links_of(recording)
    dropped = links.link_undo(recording=recording, track=link.track)
    apart = dropped.new_run.card["final"]["apart"]
    recording.camera.final_count = "live"
    recording.camera.save()
    made = recount(recording)
    dropped.refresh_from_db()
    assert (dropped.state, made.new_run.mode) == ("cancelled", "live")
    assert made.new_run.card["told_apart"] == apart != []
    recording.camera.final_count = "recording"
    recording.camera.save()
    assert recount(recording).new_run.mode == "recording"
    assert links.links_of(recording) == []


def test_what_was_told_apart_stays_so_when_another_map_is_asked_for_at_once(recording):
    """Also where the count that was to tell them apart was set aside."""
    (link,) = links.links_of(recording)
    links.link_undo(recording=recording, track=link.track)
    zone_redraw(zone=recording.camera.zones.get(), vertices=CORNER)
    made = recounts.recording_recount(recording=recording)
    assert len(made.new_run.card["final"]["apart"]) == 1
    recording.recounts.filter(pk=made.pk).update(state="quarantined")
    again = recounts.recording_recount(recording=recording)
    assert again.pk != made.pk
    recounts.work(recording)
    assert links.links_of(recording) == []


def test_a_link_that_was_undone_is_made_again(recording):
    before = facts.export_facts(recording.store)
    undone(recording)
    (told,) = links.undone_of(recording)
    assert LOST_MS - 300 < media_ms(recording, told.ended_at) < LOST_MS
    made = links.link_redo(recording=recording, ended_at=told.ended_at, began_at=told.began_at)
    assert made.new_run.card["final"]["apart"] == []
    assert links.undone_of(recording) == []
    recounts.work(recording)
    assert len(links.links_of(recording)) == 1
    assert facts_of_tracks(before) == facts_of_tracks(facts.export_facts(recording.store))
    assert check(recording.store).differing == []


def facts_of_tracks(told) -> list[str]:
    return [line for line in told if '"fact": "track"' in line]


def test_a_link_is_made_again_beside_others_that_stay_undone(recording):
    (link,) = links.links_of(recording)
    run = recording.runs.get(active=True)
    run.card["final"]["apart"] = [[1_000, 2_000]]
    run.save()
    links.link_undo(recording=recording, track=link.track)
    waiting = links.undone_of(recording)
    assert len(waiting) == 2
    other = waiting[0]
    assert media_ms(recording, other.ended_at) == 1_000
    made = links.link_redo(recording=recording, ended_at=other.ended_at, began_at=other.began_at)
    assert links.undone_of(recording) == waiting[1:]
    assert made.changes == [
        f"tracks 1 and {link.track} were told apart",
        "two ways that were told apart may be one again",
    ]


def test_only_what_was_undone_is_made_again(recording):
    (link,) = links.links_of(recording)
    with pytest.raises(Problem) as refused:
        links.link_redo(recording=recording, ended_at=link.ended_at, began_at=link.began_at)
    assert refused.value.code == "not_undone"
    assert recording.recounts.filter(state="waiting").count() == 0


def test_a_link_says_why_it_was_made(recording):
    (link,) = links.links_of(recording)
    assert link.apart is not None
    assert 0 <= link.apart < 0.72  # 2.6 s hidden: 0.2 of a height, and 0.2 a second more
    assert link.taller == pytest.approx(0, abs=0.05)
    assert link.unlike is None, "nobody looked at colours"
    firsts = [track for track in tracks_of(recording) if track.chain == track.number]
    assert {track.joint_apart for track in firsts} == {None}


def test_undoing_a_link_keeps_what_an_open_recount_was_asked_for(recording):
    (link,) = links.links_of(recording)
    zone_redraw(zone=recording.camera.zones.get(), vertices=CORNER)
    asked = recounts.recording_recount(recording=recording)
    other = [[1_000, 2_000]]  # as of another link that was undone
    asked.new_run.card["final"]["apart"] = other
    asked.new_run.save()
    made = links.link_undo(recording=recording, track=link.track)
    assert made.new_run.setup == asked.new_run.setup != asked.old_run.setup
    assert made.changes[:-1] == asked.changes
    assert made.new_run.card["final"]["apart"][:-1] == other
    assert links.link_undo(recording=recording, track=link.track).pk == made.pk, "asked twice"


def test_a_count_that_joins_nobody_is_not_dropped_for_a_link(recording):
    (link,) = links.links_of(recording)
    recording.camera.final_count = "live"
    recording.camera.save()
    asked = recounts.recording_recount(recording=recording)
    assert links.link_undo(recording=recording, track=link.track).pk == asked.pk


def test_undoing_a_link_changes_nobody_else(files, recording):
    (link,) = links.links_of(recording)
    mine = {1, link.track}

    def others() -> set[str]:
        told = (line for line in facts.export_facts(recording.store) if '"fact": "track"' in line)
        return {line for line in told if not any(f'"number": {n},' in line for n in mine)}

    before = others()
    undone(recording)
    assert others() == before
    assert len(before) >= 3


def test_only_what_is_linked_is_undone(recording, files):
    with pytest.raises(Problem) as refused:
        links.link_undo(recording=recording, track=1)
    assert refused.value.code == "not_linked"
    other = walks.make_detected(walks.make_store("other"), files)
    counted(other)
    assert links.links_of(other) == []
    with pytest.raises(Problem):
        links.link_undo(recording=other, track=1)


def test_managers_undo_links_staff_read_them_and_charlie_sees_nothing(recording, cast):
    for person, role in ((cast.alice, "manager"), (cast.bob, "viewer")):
        Membership.objects.create(user=person, store=recording.store, role=role)
    listed = f"/api/v1/recordings/{recording.public_id}/links/"
    (link,) = client_of(cast.bob).get(listed).json()["results"]
    one = f"{listed}{link['track']}/"
    assert (link["before"], link["chain"]) == (1, 1)
    assert client_of(cast.charlie).get(listed).status_code == 404
    assert client_of(cast.charlie).delete(one).status_code == 404
    assert client_of(cast.bob).delete(one).status_code == 403
    assert client_of(None).get(listed).status_code in {401, 403}
    assert recording.recounts.filter(state="waiting").count() == 0
    answer = client_of(cast.alice).delete(one)
    assert answer.status_code == 200
    assert "told apart" in answer.json()["recount"]["text"]
    assert client_of(cast.alice).delete(f"{listed}99/").status_code == 409
    assert AuditEntry.objects.filter(action="recording.link_undone").count() == 1
    undone = f"{listed}undone/"
    (told,) = client_of(cast.bob).get(undone).json()["results"]
    assert client_of(cast.charlie).get(undone).status_code == 404
    assert client_of(cast.charlie).post(undone, told, "application/json").status_code == 404
    assert client_of(cast.bob).post(undone, told, "application/json").status_code == 403
    assert client_of(cast.alice).post(undone, told, "application/json").status_code == 200
    assert client_of(cast.alice).post(undone, told, "application/json").status_code == 409
    assert client_of(cast.alice).post(undone, {}, "application/json").status_code == 400
    assert AuditEntry.objects.filter(action="recording.link_redone").count() == 1


def steps_for(run: Run) -> int:
    """Return how many times a hundred steps SQLite takes to find a run's links."""
    told = 0

    def tell() -> int:
        nonlocal told
        told += 1
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(tell, 100)
    try:
        links.links_in(run)
    finally:
        connection.connection.set_progress_handler(None, 0)
    return told


def follow_more(run: Run, count: int) -> None:
    """Follow more people, every tenth of them for the second time, within the last ten."""
    last = run.tracks.order_by("-number").first()
    assert last is not None
    rows = []
    for number in range(last.number + 1, last.number + 1 + count):
        at = last.ended_at + timedelta(seconds=number)
        chain = number - 5 if number % 10 == 0 else number
        rows.append(
            Track(public_id=uuid4(), run=run, number=number, chain=chain, path=b"", started_at=at,
                  ended_at=at + timedelta(milliseconds=500))
        )  # fmt: skip
    Track.objects.bulk_create(rows)


@pytest.mark.once
def test_links_of_four_times_the_tracks_are_found_in_four_times_the_steps(recording):
    run = recording.runs.get(active=True)
    follow_more(run, 1_000)
    few, found = steps_for(run), len(links.links_in(run))
    follow_more(run, 3_000)
    assert len(links.links_in(run)) == pytest.approx(4 * found, rel=0.05)
    assert steps_for(run) < 6 * few
