"""How recordings end, are stopped and begin again: pictures, broken files, cancel, retry."""

from datetime import UTC, datetime

import pytest

from tests.cast import make_line, make_store, make_zone
from tests.tracking import walks
from tests.tracking.doors import ask, made, post, upload
from tests.tracking.files import make_picture, make_sound, shaded
from tracking import jobs, media, runner
from tracking.models import Chunk, Recording, Run, TrackingEvent, Visit
from tracking.problems import Problem
from tracking.recordings import (
    Wish,
    recording_from_file,
)

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


# --- Pictures, broken files ----------------------------------------------------------------------


def test_a_still_picture_counts_people_and_makes_no_visit(alice, cast, camera, tmp_path):
    make_zone(camera)
    make_line(camera)
    video = made(alice, cast.store, camera, shaded(tmp_path))
    picture = made(alice, cast.store, camera, make_picture(tmp_path / "a.jpg", size=(160, 120)))
    assert picture.source == "image", "and it covers no minutes of the video's"
    assert (picture.declared_ms, picture.chunk_count) == (0, 1)
    runner.work(picture.pk)
    told = alice.get(f"/api/v1/recordings/{picture.public_id}/").json()
    assert (told["state"], told["people_in_picture"]) == ("done", 1)
    assert told["entries"] is told["visits"] is told["speed"] is None
    assert not TrackingEvent.objects.filter(run__recording=picture).exists()
    assert not Visit.objects.exists()
    assert Recording.objects.get(pk=video.pk).state == "queued"


def test_a_file_that_was_cut_off_ends_as_counted_in_part_with_both_durations(
    alice, cast, camera, tmp_path
):
    whole = shaded(tmp_path, seconds=30, container="avi").read_bytes()
    recording = made(alice, cast.store, camera, whole[: len(whole) // 2])
    runner.work(recording.pk)
    told = alice.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert told["state"] == "partial"
    assert told["declared_s"] == 30.0
    assert 10 < told["decoded_s"] < 16
    assert told["error"]["code"] == "cut_off"
    assert told["error"]["retry"] is False
    assert told["state_text"] == f"Counted in part: {told['decoded_s']:.1f} s of 30.0 s"


def test_a_file_full_of_damage_is_never_done_and_the_next_one_works(alice, cast, camera, tmp_path):
    content = bytearray(shaded(tmp_path, seconds=10, codec="libx264").read_bytes())
    start = content.index(b"mdat") + 40
    for at in range(start, content.index(b"moov") - 8, 3):
        content[at] ^= 0x5A
    answer = ask(alice, cast.store, upload(alice, cast.store, bytes(content)), camera)
    if answer.status_code == 201:
        damaged = Recording.objects.get()
        runner.work(damaged.pk)
        damaged.refresh_from_db()
        assert damaged.state in {"partial", "failed"}
    else:
        assert answer.json()["code"] == "unreadable"
    good = made(alice, cast.store, camera, shaded(tmp_path, 1), on_overlap="replace")
    runner.work(good.pk)
    good.refresh_from_db()
    assert good.state == "done"


# --- Stopping and beginning again ----------------------------------------------------------------


def test_cancelling_stops_the_work_and_takes_the_numbers_out(alice, cast, files):
    recording = made(alice, cast.store, walks.scripted_camera(cast.store, files), files[0])
    for chunk in recording.chunks.all()[:2]:
        runner.detect(chunk.pk)
    runner.advance(recording.pk)
    assert TrackingEvent.objects.exclude(kind="recounted").exists()
    answer = post(alice, recording, "cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer.json()["error"]["code"] == "cancelled"
    assert not Run.objects.filter(active=True).exists()
    assert jobs.chunk_claim(recording.chunks.last().pk) is None
    assert post(alice, recording, "cancel").json()["code"] == "not_cancellable"


def test_what_is_done_cannot_be_cancelled_nor_retried(alice, cast, camera, tmp_path):
    recording = made(alice, cast.store, camera, shaded(tmp_path))
    assert post(alice, recording, "retry").json()["code"] == "not_retryable"
    runner.work(recording.pk)
    for what, code in (("cancel", "not_cancellable"), ("retry", "not_retryable")):
        answer = post(alice, recording, what)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert Run.objects.get().active


def test_a_cancelled_recording_begins_anew_and_counts_the_same(alice, cast, files):
    recording = made(alice, cast.store, walks.scripted_camera(cast.store, files), files[0])
    runner.detect(recording.chunks.first().pk)
    runner.advance(recording.pk)
    post(alice, recording, "cancel")
    assert post(alice, recording, "retry").json()["state"] == "queued"
    runner.work(recording.pk)
    told = alice.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert (told["state"], told["entries"], told["exits"]) == ("done", walks.ENTRIES, walks.EXITS)
    assert told["decoded_s"] == pytest.approx(told["declared_s"], abs=0.2)
    straight = make_store("Straight shop")
    other = recording_from_file(
        path=files[0],
        wish=Wish(camera=walks.scripted_camera(straight, files), started_at=STARTED),
    )
    runner.work(other.pk)
    assert counted(recording) == counted(other)


def counted(recording):
    run = Run.objects.get(recording=recording, active=True)
    events = TrackingEvent.objects.filter(run=run, ordinal__isnull=False).order_by("ordinal")
    return list(
        events.values_list("ordinal", "kind", "at", "direction", "dwell_ms", "track_number")
    )


def test_one_that_was_set_aside_goes_on_from_where_it_was(alice, cast, files):
    recording = made(alice, cast.store, walks.scripted_camera(cast.store, files), files[0])
    first, second = recording.chunks.all()[:2]
    runner.detect(first.pk)
    runner.advance(recording.pk)
    Chunk.objects.filter(pk=second.pk).update(state="quarantined", error_code="crashed")
    runner.advance(recording.pk)
    told = alice.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert (told["state"], told["error"]["code"]) == ("quarantined", "crashed")
    assert told["error"]["retry"] is True
    run = Run.objects.get()
    assert post(alice, recording, "retry").json()["state"] == "queued"
    assert Run.objects.get().next_chunk == run.next_chunk == 1
    runner.work(recording.pk)
    assert alice.get(f"/api/v1/recordings/{recording.public_id}/").json()["state"] == "done"


def test_a_retry_does_not_take_minutes_that_another_has_by_now(alice, cast, camera, tmp_path):
    first = made(alice, cast.store, camera, shaded(tmp_path, 0))
    post(alice, first, "cancel")
    second = made(alice, cast.store, camera, shaded(tmp_path, 1))
    answer = post(alice, first, "retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "overlap")
    assert [each["id"] for each in answer.json()["recordings"]] == [str(second.public_id)]
    first.refresh_from_db()
    assert first.state == "cancelled"


def test_a_retry_without_its_file_says_so(alice, cast, camera, tmp_path):
    recording = made(alice, cast.store, camera, shaded(tmp_path))
    post(alice, recording, "cancel")
    media.remove_folder(recording.folder)
    answer = post(alice, recording, "retry")
    assert (answer.status_code, answer.json()["code"]) == (422, "file_gone")


def test_a_local_file_that_is_refused_leaves_no_copy(cast, camera, tmp_path, settings):
    with pytest.raises(Problem, match="no moving picture"):
        recording_from_file(
            path=make_sound(tmp_path / "a.mp4"), wish=Wish(camera=camera, started_at=STARTED)
        )
    assert list(settings.MEDIA_ROOT.iterdir()) == []
