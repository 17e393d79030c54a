"""From an upload to a recording: what is asked, refused, offered and frozen."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone as clock
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.cast import make_camera, make_cast, make_line, make_zone
from tests.tracking import walks
from tests.tracking.doors import announce, ask, client_of, made, send_part, upload
from tests.tracking.files import make_sound, shaded
from tracking import media, runner
from tracking.models import JobState, Recording, Run, TrackingEvent, Upload, Visit
from tracking.problems import Problem
from tracking.recordings import (
    Wish,
    recording_create,
)
from tracking.vision.setup import SceneSetup
from zones.services import zone_redraw
from zones.sources import source_put

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


# --- Making one ----------------------------------------------------------------------------------


def test_an_upload_becomes_a_recording_that_waits(
    alice, cast, camera, tmp_path, django_capture_on_commit_callbacks
):
    path = shaded(tmp_path, seconds=3)
    upload_id = upload(alice, cast.store, path, "door.mp4")
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask(alice, cast.store, upload_id, camera)
    told = answer.json()
    assert answer.status_code == 201
    assert {name: told[name] for name in ("name", "source", "state", "stage", "progress")} == {
        "name": "door.mp4",
        "source": "video",
        "state": "queued",
        "stage": "checked",
        "progress": 0.0,
    }
    assert told["camera"] == {"id": str(camera.public_id), "name": "Door"}
    assert (told["started_at"], told["ended_at"]) == (
        "2026-07-01T07:00:00Z",
        "2026-07-01T07:00:03Z",
    )
    assert (told["declared_s"], told["decoded_s"]) == (3.0, 0.0)
    assert told["chunks"] == {"done": 0, "working": 0, "total": 1, "broken": 0}
    assert told["error"] is told["speed"] is told["eta_s"] is told["people_in_picture"] is None
    assert told["run"]["detector"] == "scripted"
    recording = Recording.objects.get()
    assert recording.size_bytes == path.stat().st_size
    assert media.source_path(recording.folder).read_bytes() == path.read_bytes()
    chunk = recording.chunks.get()
    assert (chunk.first_ms, chunk.last_ms, chunk.state) == (0, 3000, JobState.WAITING)
    assert chunk.rung_at is not None, "nobody was called to work"


def test_a_recording_is_told_in_these_words_and_no_others(alice, cast, camera, tmp_path):
    """The contract of the API; neither the folder, the hash nor the camera's address is told."""
    source_put(camera, "rtsp://user:canary@10.0.0.1/")
    camera.save()
    recording = made(alice, cast.store, camera, shaded(tmp_path))
    answer = alice.get(f"/api/v1/recordings/{recording.public_id}/")
    assert " ".join(answer.json()) == (
        "id name source camera state state_text paused progress stage chunks started_at ended_at "
        "declared_s decoded_s size_bytes video_kept entries exits visits people_in_picture speed "
        "eta_s error is_demo created_at finished_at run recount"
    )
    assert " ".join(answer.json()["run"]) == (
        "id mode detector detector_title detector_note model model_sha256 threshold next_chunk "
        "created_at final_left_out"
    )
    for secret in ("canary", recording.folder, recording.sha256, "truth_path"):
        assert secret not in answer.content.decode()


def test_everything_that_decides_the_count_is_frozen_on_the_run(alice, cast, tmp_path, settings):
    camera = make_camera(cast.store, detector_settings={"gap_ms": 200})
    zone, line = make_zone(camera), make_line(camera)
    middle = STARTED + timedelta(seconds=1)
    zone_redraw(zone=zone, vertices=TRIANGLE, at=middle)
    make_zone(camera, "later", valid_from=STARTED + timedelta(hours=1))
    run = Run.objects.get(recording=made(alice, cast.store, camera, shaded(tmp_path, seconds=3)))
    assert run.active
    assert run.card["code_version"] == settings.CODE_VERSION
    assert run.card["detector"]["name"] == "hog"
    assert run.card["detector"]["settings"]["gap_ms"] == 200
    assert run.card["detector"]["settings"]["input_width"] == 960, "defaults are frozen too"
    assert run.card["input"]["sha256"] == run.recording.sha256
    setup = SceneSetup.from_json(run.setup)
    assert (setup.width, setup.height) == (160, 120)
    spans = [(each.key, each.valid_from_ms, each.valid_to_ms) for each in setup.zones]
    key = str(zone.public_id)
    assert spans == [(key, None, 1000), (key, 1000, None)]
    assert [each.key for each in setup.lines] == [str(line.public_id)]


def test_asking_twice_for_one_upload_gives_the_same_recording(alice, cast, camera, tmp_path):
    upload_id = upload(alice, cast.store, shaded(tmp_path))
    first, second = (ask(alice, cast.store, upload_id, camera) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Recording.objects.count() == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="see test_uploads_at_once")
@pytest.mark.django_db(transaction=True)
def test_twenty_askers_at_once_make_one_recording(tmp_path):
    cast = make_cast()
    upload_id = upload(client_of(cast.alice), cast.store, shaded(tmp_path))
    row = Upload.objects.get(public_id=upload_id)
    wish = Wish(camera=make_camera(cast.store), started_at=STARTED)
    assert sorted(at_once(20, lambda: recording_create(upload=row, wish=wish)[1])) == (
        [False] * 19 + [True]
    )
    assert Recording.objects.count() == Run.objects.count() == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="see test_uploads_at_once")
@pytest.mark.django_db(transaction=True)
def test_two_files_for_the_same_minutes_at_once_make_one_recording(tmp_path):
    cast = make_cast()
    camera, alice = make_camera(cast.store), client_of(cast.alice)
    ids = [upload(alice, cast.store, shaded(tmp_path, n)) for n in range(6)]
    rows = [Upload.objects.get(public_id=each) for each in ids]

    def create() -> str:
        try:
            recording_create(upload=rows.pop(), wish=Wish(camera=camera, started_at=STARTED))
        except Problem as problem:
            return problem.code
        return "made"

    assert sorted(at_once(6, create)) == ["made"] + ["overlap"] * 5


def at_once(count, call):
    """Call something in many threads at the same time; return what each call gave."""
    barrier, given_back = threading.Barrier(count), []

    def run():
        try:
            barrier.wait(20)
            given_back.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(given_back) == count
    return given_back


@pytest.mark.parametrize(
    ("started_at", "code"),
    [
        (..., "started_at_required"),
        (None, "invalid"),
        ("", "started_at_malformed"),
        ("yesterday at nine", "started_at_malformed"),
        (1782900000, "started_at_malformed"),
        (["2026-07-01T09:00:00Z"], "started_at_malformed"),
        ("2026-07-01", "offset_required"),
        ("2026-07-01T09:00:00", "offset_required"),
        ("2026-10-25T02:30:00", "offset_required"),  # twice that night in Berlin
        ("2026-13-01T09:00:00Z", "started_at_malformed"),
        ("0001-01-01T00:00:00+14:00", "started_at_malformed"),
        ("1999-12-31T23:59:59Z", "started_too_early"),
        ("9999-12-31T23:59:59-14:00", "started_at_malformed"),
        ("2999-01-01T00:00:00Z", "started_in_future"),
    ],
)
def test_a_start_that_cannot_be_is_refused_and_never_taken_for_now(
    alice, cast, camera, tmp_path, started_at, code
):
    upload_id = upload(alice, cast.store, shaded(tmp_path))
    answer = ask(alice, cast.store, upload_id, camera, started_at=started_at)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("ahead", "taken"), [(timedelta(seconds=110), True), (timedelta(seconds=130), False)]
)
def test_a_clock_may_be_two_minutes_ahead(alice, cast, camera, tmp_path, ahead, taken):
    upload_id = upload(alice, cast.store, shaded(tmp_path))
    started_at = (clock.now() + ahead).isoformat()
    answer = ask(alice, cast.store, upload_id, camera, started_at=started_at)
    assert (answer.status_code == 201) is taken


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    said=st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.just([1])
            for name in ("upload", "camera", "started_at", "on_overlap", "on_duplicate", "state")
        },
    )
)
def test_no_body_breaks_the_door(alice, cast, camera, said):
    answer = alice.post(
        f"/api/v1/stores/{cast.store.public_id}/recordings/", said, content_type="application/json"
    )
    assert 400 <= answer.status_code < 500
    assert answer["Content-Type"] == "application/problem+json"


def test_a_field_that_does_not_exist_is_refused(alice, cast, camera, tmp_path):
    upload_id = upload(alice, cast.store, shaded(tmp_path))
    answer = ask(alice, cast.store, upload_id, camera, on_overlp="replace", is_demo=True)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"on_overlp", "is_demo"}


def test_what_belongs_to_another_store_does_not_exist_here(alice, cast, camera, tmp_path):
    charlie = client_of(cast.charlie)
    theirs = upload(charlie, cast.elsewhere, shaded(tmp_path))
    ours = upload(alice, cast.store, shaded(tmp_path))
    assert ask(alice, cast.store, theirs, camera).status_code == 404
    assert ask(alice, cast.store, ours, make_camera(cast.elsewhere)).status_code == 404
    assert not Recording.objects.exists()


def test_an_upload_still_on_its_way_is_refused(alice, cast, camera, tmp_path):
    content = shaded(tmp_path).read_bytes()
    address = announce(alice, cast.store, len(content))["Location"]
    send_part(alice, address, 0, content[:50])
    answer = ask(alice, cast.store, address.split("/")[-2], camera)
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_incomplete")


def test_a_file_without_a_picture_makes_no_recording(alice, cast, camera, tmp_path):
    upload_id = upload(alice, cast.store, make_sound(tmp_path / "a.mp4"))
    for _ in range(2):
        answer = ask(alice, cast.store, upload_id, camera)
        assert (answer.status_code, answer.json()["code"]) == (422, "no_video_stream")
    assert not Recording.objects.exists()
    made(alice, cast.store, camera, shaded(tmp_path))  # and the next file works


@pytest.mark.parametrize(
    ("detector", "how"),
    [
        ("gone", {}),
        ("hog", {"speed": 9}),
        ("scripted", {}),
        ("scripted", {"truth_path": "/nowhere"}),
    ],
)
def test_a_camera_whose_detector_cannot_be_made_is_named(alice, cast, tmp_path, detector, how):
    camera = make_camera(cast.store)
    type(camera).objects.update(detector=detector, detector_settings=how)
    answer = ask(alice, cast.store, upload(alice, cast.store, shaded(tmp_path)), camera)
    assert (answer.status_code, answer.json()["code"]) == (409, "detector_not_ready")
    assert f"'{detector}'" in answer.json()["detail"]


# --- The same file, the same minutes -------------------------------------------------------------


def test_the_same_file_is_offered_as_a_duplicate(alice, cast, camera, tmp_path):
    path = shaded(tmp_path)
    first = made(alice, cast.store, camera, path)
    other = make_camera(cast.store, "Till", detector="scripted",
                        detector_settings=camera.detector_settings)  # fmt: skip
    again = upload(alice, cast.store, path)
    answer = ask(alice, cast.store, again, other)
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert [each["id"] for each in answer.json()["recordings"]] == [str(first.public_id)]
    assert ask(alice, cast.store, again, other, on_duplicate="count_again").status_code == 201


def test_another_stores_copy_of_a_file_is_nobodys_business(alice, cast, camera, tmp_path):
    path = shaded(tmp_path)
    made(alice, cast.store, camera, path)
    made(client_of(cast.charlie), cast.elsewhere, make_camera(cast.elsewhere), path)


@pytest.mark.parametrize(
    ("shift_s", "meets"), [(0, True), (2.9, True), (-2.9, True), (3, False), (-3, False)]
)
def test_two_recordings_of_a_camera_may_not_cover_the_same_minutes(
    alice, cast, camera, tmp_path, shift_s, meets
):
    first = made(alice, cast.store, camera, shaded(tmp_path, 0, seconds=3))
    started_at = (STARTED + timedelta(seconds=shift_s)).isoformat()
    again = upload(alice, cast.store, shaded(tmp_path, 1, seconds=3))
    answer = ask(alice, cast.store, again, camera, started_at=started_at)
    if not meets:
        assert answer.status_code == 201
        return
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "overlap")
    assert told["choices"] == ["replace", "cancel", "another_camera"]
    assert [each["id"] for each in told["recordings"]] == [str(first.public_id)]
    assert Recording.objects.count() == 1
    other = make_camera(cast.store, "Till", detector="scripted",
                        detector_settings=camera.detector_settings)  # fmt: skip
    assert ask(alice, cast.store, again, other, started_at=started_at).status_code == 201


def test_replacing_cancels_what_waits(alice, cast, camera, tmp_path):
    first = made(alice, cast.store, camera, shaded(tmp_path, 0))
    second = made(alice, cast.store, camera, shaded(tmp_path, 1), on_overlap="replace")
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert set(first.chunks.values_list("state", flat=True)) == {"cancelled"}
    assert list(Run.objects.filter(active=True).values_list("recording", flat=True)) == [second.pk]


def test_replacing_takes_the_other_ones_numbers_out(alice, cast, files):
    camera = walks.scripted_camera(cast.store, files)
    first = made(alice, cast.store, camera, files[0])
    runner.work(first.pk)
    before = alice.get(f"/api/v1/recordings/{first.public_id}/").json()
    assert (before["entries"], before["exits"]) == (walks.ENTRIES, walks.EXITS)
    assert before["visits"] == walks.VISITS
    assert before["state_text"] == "Counted"
    again = {"on_duplicate": "count_again", "on_overlap": "replace"}
    second = made(alice, cast.store, camera, files[0], **again)
    runner.work(second.pk)
    official = Visit.objects.filter(run__active=True)
    assert official.count() == walks.VISITS
    assert {visit.run.recording_id for visit in official} == {second.pk}
    assert TrackingEvent.objects.filter(kind="recounted").count() == 1
    replaced = alice.get(f"/api/v1/recordings/{first.public_id}/").json()
    assert replaced["state_text"] == "Replaced: no longer counted"
    assert replaced["entries"] is replaced["visits"] is None
