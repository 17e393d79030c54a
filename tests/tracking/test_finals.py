"""The final count: once more with the whole recording known, where the camera is set to it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from django.db.models import F

from accounts.models import Membership
from analytics.rebuild import check
from tests.tracking import walks
from tests.tracking.again import CORNER, numbers, recount
from tests.tracking.doors import client_of
from tests.tracking.test_recounts_interrupted import PART_POINTS, SWITCH_POINTS
from tracking import facts, finals, ingest, jobs, recordings, recounts, runner, tasks, whole
from tracking.faults import VARIABLE, InjectedFaultError
from tracking.models import Chunk, Recording, Recount, Run, TrackingEvent, Visit
from tracking.recording_selectors import facts_of, with_progress
from tracking.recount_words import WHOLE_KNOWN
from tracking.recounts import recording_recount
from tracking.vision import detections
from tracking.vision.counting import CountingParams
from tracking.vision.detections import DetectedFrame
from tracking.vision.offline import OfflineParams, count_recording
from tracking.vision.setup import SceneSetup
from tracking.visits import VisitBook
from zones.models import Camera
from zones.services import zone_redraw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known():
    whole.forget()


@pytest.fixture
def waiting(files) -> Recording:
    return make_waiting(files)


def make_waiting(files, slug: str = "corner") -> Recording:
    """Return a detected recording of a camera that is set to a final count."""
    recording = walks.make_detected(walks.make_store(slug), files)
    camera = recording.camera
    camera.final_count = Camera.FinalCount.RECORDING
    camera.save()
    run = recording.runs.get()
    run.card |= finals.card_of(recording, "scripted")
    run.save()
    return recording


def counted(recording: Recording) -> Recording:
    runner.work(recording.pk)
    recounts.work(recording)
    recording.refresh_from_db()
    return recording


def all_frames(recording: Recording) -> list[DetectedFrame]:
    blobs = recording.chunks.order_by("index").values_list("detections", flat=True)
    return [frame for blob in blobs for frame in detections.unpack(bytes(blob or b""))]


def hide(recording: Recording, from_ms: int, to_ms: int) -> None:
    """Let nobody be found in the lower part of the picture for a while."""
    for chunk in recording.chunks.all():
        frames = []
        for frame in detections.unpack(bytes(chunk.detections or b"")):
            hidden = (from_ms <= frame.time_ms < to_ms) & (frame.boxes[:, 3] > 180)
            frames.append(DetectedFrame(frame.time_ms, frame.boxes[~hidden], frame.scores[~hidden]))
        Chunk.objects.filter(pk=chunk.pk).update(detections=detections.pack(frames))


# --- What comes of it -----------------------------------------------------------------------------


def test_the_final_count_takes_the_first_ones_place(waiting):
    runner.work(waiting.pk)
    first = waiting.runs.get(active=True)
    assert (first.mode, numbers(waiting)) == ("live", (walks.ENTRIES, walks.EXITS, 2))
    made = waiting.recounts.get()
    assert (made.state, made.old_run, made.changes) == ("waiting", first, [WHOLE_KNOWN])
    counted(waiting)
    final = waiting.runs.get(active=True)
    assert (final.mode, final.pk) == ("recording", made.new_run_id)
    assert numbers(waiting) == (walks.ENTRIES, walks.EXITS, 2)
    assert Visit.objects.filter(run=final).count() == walks.VISITS
    assert check(waiting.store).differing == []
    assert waiting.runs.count() == 2
    told = TrackingEvent.objects.filter(kind="recounted", recount=made)
    assert told.count() == 1


def test_pages_say_why_a_number_may_have_changed(waiting):
    counted(waiting)
    (told,) = facts_of(list(with_progress(Recording.objects.all())))
    assert told.recount is not None
    assert "after the whole recording was known" in told.recount.text
    assert told.run is not None
    assert told.run.mode == "recording"


def test_the_page_says_in_the_words_of_the_cameras_choice_which_count_it_shows(waiting, cast):
    Membership.objects.create(user=cast.alice, store=waiting.store, role="viewer")
    where = f"/stores/{waiting.store.slug}/recordings/"

    def page() -> str:
        return client_of(cast.alice).get(where).content.decode()

    assert "as the pictures came, provisional<" in page()
    runner.work(waiting.pk)
    assert "as the pictures came<" in page(), "counted: provisional no more"
    counted(waiting)
    assert "once more, when all of it was known<" in page()


def test_whoever_was_hidden_for_longer_than_live_waits_is_one_visit(waiting):
    hide(waiting, 13_000, 15_600)
    runner.work(waiting.pk)
    first = waiting.runs.get(active=True)
    lost = Visit.objects.filter(run=first, inferred=True).count()
    counted(waiting)
    final = waiting.runs.get(active=True)
    assert Visit.objects.filter(run=final, inferred=True).count() == lost - 1
    began = Visit.objects.filter(run=final).order_by("ordinal").first()
    assert began is not None
    assert began.duration_ms is not None
    assert 22_000 < began.duration_ms < 26_000


def test_the_parts_are_what_one_count_of_everything_gives(waiting):
    """Against the visits reckoned in one go: no parts, no checkpoints."""
    hide(waiting, 13_000, 15_600)
    counted(waiting)
    run = waiting.runs.get(active=True)
    setup = SceneSetup.from_json(run.setup)
    params = OfflineParams.from_json(run.card["final"])
    entrances = frozenset(line.key for line in setup.lines if line.kind == "entrance")
    book = VisitBook(entrances)
    events = count_recording(all_frames(waiting), setup, params, CountingParams())
    drafts = [draft for event in events for draft in book.take(event)]
    book.finish()
    told = run.events.order_by("ordinal").values_list("kind", "track_number", "dwell_ms")
    chains = dict(run.tracks.values_list("number", "chain"))
    assert [(kind, chains[track], dwell_ms) for kind, track, dwell_ms in told] == [
        (each.kind, each.track_number, each.dwell_ms) for each in drafts
    ]
    visits = {visit.ordinal: visit for kept in book.visits.values() for visit in kept}
    rows = Visit.objects.filter(run=run).order_by("ordinal")
    assert [(row.chain, row.duration_ms, row.inferred, len(row.path)) for row in rows] == [
        (v.chain, v.exited_ms - v.entered_ms, v.inferred, len(v.stays))
        for _, v in sorted(visits.items())
        if v.exited_ms is not None
    ]
    assert run.next_chunk == waiting.chunk_count > 3
    counts = Counter(visit.chain for visit in visits.values())
    assert [(row.chain, row.customer.visit_count) for row in rows if row.customer] == [
        (row.chain, counts[row.chain]) for row in rows
    ]
    assert max(counts.values()) == 2


def test_a_visit_that_is_longer_than_anyone_stays_ends_where_its_person_was_seen(
    waiting, monkeypatch
):
    monkeypatch.setattr("tracking.visits.LONGEST_VISIT_MS", 10_000)
    runner.work(waiting.pk)
    first = list(Visit.objects.order_by("ordinal").values_list("inferred", "duration_ms"))
    counted(waiting)
    rows = Visit.objects.filter(run__active=True).order_by("ordinal")
    final = list(rows.values_list("inferred", "duration_ms"))
    assert [inferred for inferred, _ in final] == [inferred for inferred, _ in first]
    assert any(inferred and (ms or 0) > 10_000 for inferred, ms in final)
    assert all(abs((a or 0) - (b or 0)) < 500 for (_, a), (_, b) in zip(first, final, strict=True))


def test_boxes_are_drawn_as_the_final_count_has_them(waiting):
    hide(waiting, 13_000, 13_800)
    counted(waiting)
    from tracking import overlay

    frames = [
        frame
        for blob in waiting.chunks.order_by("index").values_list("overlay", flat=True)
        for frame in overlay.unpack(bytes(blob))
    ]
    assert [frame.time_ms for frame in frames] == [f.time_ms for f in all_frames(waiting)]
    hidden = [frame for frame in frames if 13_000 <= frame.time_ms < 13_800]
    assert hidden
    assert all(1 in frame.numbers for frame in hidden)


# --- Which recordings have one --------------------------------------------------------------------


def test_a_camera_counts_as_pictures_come_unless_it_is_set_otherwise(files):
    recording = walks.make_detected(walks.make_store(), files)
    assert finals.card_of(recording, "scripted") == {}
    counted(recording)
    assert recording.recounts.count() == 0
    assert recording.runs.get().mode == "live"


def test_what_a_recording_was_begun_with_holds(files, settings):
    camera = walks.scripted_camera(walks.make_store(), files)
    camera.final_count = Camera.FinalCount.RECORDING
    camera.save()
    recording, _ = ingest.ingest(camera=camera, path=files[0], started_at=walks.STARTED)
    Camera.objects.update(final_count=Camera.FinalCount.LIVE)
    numbers_told = ingest.work(recording, lambda share: None)
    assert recording.runs.get(active=True).mode == "recording"
    assert (numbers_told["entries"], numbers_told["exits"]) == (walks.ENTRIES, walks.EXITS)


def test_one_that_is_too_long_keeps_its_first_count_and_says_so(waiting, monkeypatch):
    monkeypatch.setattr(finals, "MOST_FRAMES", 299)
    counted(waiting)
    run = waiting.runs.get()
    assert (run.mode, run.active) == ("live", True)
    assert "299" in run.card["final_left_out"]
    assert waiting.recounts.count() == 0


def test_one_of_which_nothing_could_be_read_has_none(waiting):
    Chunk.objects.filter(recording=waiting).update(frames=0, detections=detections.pack([]))
    counted(waiting)
    assert waiting.state == "failed"
    assert waiting.recounts.count() == 0


def test_counting_again_follows_the_cameras_choice_of_now(files, waiting):
    counted(waiting)
    zone_redraw(zone=waiting.camera.zones.get(), vertices=CORNER)
    again = recount(waiting)
    assert (again.new_run.mode, again.state) == ("recording", "done")
    assert again.changes == ["zone 'Shelf' was redrawn"]
    Camera.objects.update(final_count=Camera.FinalCount.LIVE)
    waiting.camera.refresh_from_db()
    live = recount(waiting)
    assert (live.new_run.mode, live.changes) == ("live", [finals.AS_IT_CAME])
    assert not any(name.startswith("final") for name in live.new_run.card)
    assert check(waiting.store).differing == []


def test_asked_for_while_the_final_count_waits_it_is_that_one_or_takes_its_place(waiting):
    Run.objects.update(setup=recounts._map_of_now(waiting))
    runner.work(waiting.pk)
    made = waiting.recounts.get()
    assert recording_recount(recording=waiting).pk == made.pk
    zone_redraw(zone=waiting.camera.zones.get(), vertices=CORNER)
    other = recording_recount(recording=waiting)
    made.refresh_from_db()
    assert (made.state, other.new_run.mode) == ("cancelled", "recording")


def test_a_recording_that_is_cancelled_meanwhile_does_not_come_back(waiting):
    runner.work(waiting.pk)
    recordings._take_out(waiting)
    recounts.work(waiting)
    assert waiting.recounts.get().state == "cancelled"
    assert not Run.objects.filter(active=True).exists()


def test_a_manager_sees_it_and_charlie_does_not(waiting, cast):
    counted(waiting)
    path = f"/api/v1/recordings/{waiting.public_id}/"
    assert client_of(cast.charlie).get(path).status_code == 404


# --- Interrupted ----------------------------------------------------------------------------------


def raise_at(monkeypatch, point: str, times: int = 1) -> None:
    monkeypatch.setenv(VARIABLE, f"{point}:raise:{times}")
    monkeypatch.setattr("tracking.faults._passed", Counter())


def unbroken(files) -> list[str]:
    return facts.export_facts(counted(make_waiting(files, "unbroken")).store)


def test_a_first_count_that_cannot_be_closed_leaves_no_final_one(files, waiting, monkeypatch):
    raise_at(monkeypatch, "final_begun")
    runner._try(runner.advance, waiting.pk)
    assert (Recount.objects.count(), waiting.runs.count()) == (0, 1)
    assert facts.export_facts(counted(waiting).store) == unbroken(files)
    assert waiting.recounts.count() == 1


@pytest.mark.parametrize(
    ("point", "times"),
    [
        ("final_known", 1), ("recount_after_commit", 2), ("switch_after_commit", 1),
        *((point, 2) for point in PART_POINTS if point.startswith("recount")),
        *((point, 1) for point in SWITCH_POINTS),
    ],
)  # fmt: skip
def test_an_error_anywhere_leaves_the_facts_of_an_unbroken_count(
    files, waiting, point, times, monkeypatch
):
    runner.work(waiting.pk)
    raise_at(monkeypatch, point, times)
    with pytest.raises(InjectedFaultError):
        while recounts.advance(waiting.recounts.get().pk):
            pass
    whole.forget()  # another process knows nothing of what this one reckoned
    monkeypatch.delenv(VARIABLE)
    assert facts.export_facts(counted(waiting).store) == unbroken(files)
    assert check(waiting.store).differing == []


def test_each_part_by_another_worker_gives_the_facts_of_one(files, waiting):
    runner.work(waiting.pk)
    made = waiting.recounts.get()
    steps = 0
    while recounts.advance(made.pk, slice_s=1e-6):
        whole.forget()
        steps += 1
    assert steps == waiting.chunk_count
    assert facts.export_facts(waiting.store) == unbroken(files)


def test_what_is_reckoned_is_let_go_of(waiting):
    counted(waiting)
    assert whole._known == {}


@pytest.mark.parametrize("gone_to", ["another worker", "nobody"])
def test_what_was_reckoned_for_a_count_that_is_lost_is_let_go_of(waiting, monkeypatch, gone_to):
    runner.work(waiting.pk)
    made = waiting.recounts.get()
    know = whole.know

    def lost_meanwhile(run):
        known = know(run)
        if gone_to == "nobody":
            jobs.recount_cancel(waiting)
        else:
            Recount.objects.update(fence=F("fence") + 1)
        return known

    monkeypatch.setattr(whole, "know", lost_meanwhile)
    recounts.advance(made.pk)
    assert waiting.runs.get(active=True) == made.old_run
    assert whole._known == {}


def test_workers_are_rung_for_the_final_count_at_once(waiting, monkeypatch):
    rung = []
    monkeypatch.setattr(tasks, "_send", lambda task, row_id: rung.append((task.name, row_id)) or 1)
    tasks.advance_recording(waiting.pk)
    assert rung == [(tasks.advance_recount.name, waiting.recounts.get().pk)]


def test_reckoning_twice_gives_the_same(waiting):
    runner.work(waiting.pk)
    run = waiting.recounts.get().new_run
    first = whole.know(run)
    whole.forget()
    again = whole.know(run)
    assert [each.overlay for each in first] == [each.overlay for each in again]
    assert [each.events for each in first] == [each.events for each in again]
    assert np.sum([len(each.events) for each in first]) > 10
