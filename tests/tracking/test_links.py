"""People who were lost and found again: linked tracks, and links that are undone."""

from __future__ import annotations

from itertools import pairwise

import pytest

from accounts.models import AuditEntry, Membership
from analytics.rebuild import check
from tests.tracking import walks
from tests.tracking.again import CORNER, recount
from tests.tracking.doors import client_of
from tests.tracking.test_finals import counted, hide, make_waiting
from tracking import facts, links, overlay, recounts, whole
from tracking.models import Recording, Track, Visit
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
    (link,) = client_of(cast.bob).get(listed).json()
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
