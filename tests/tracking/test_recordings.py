"""From an upload to a recording: what is asked, refused, offered, frozen, stopped, begun again."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone as clock
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.cast import make_camera, make_cast, make_line, make_store, make_zone
from tests.tracking import walks
from tests.tracking.doors import announce, ask, client_of, send_part, upload
from tests.tracking.files import make_picture, make_sound, make_video
from tracking import jobs, media, runner
from tracking.models import Chunk, JobState, Recording, Run, TrackingEvent, Upload, Visit
from tracking.problems import Problem
from tracking.recordings import (
    Wish,
    recording_cancel,
    recording_create,
    recording_from_file,
    recording_retry,
)
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.setup import SceneSetup
from zones.services import zone_redraw

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(own_media):
    return make_cast()


@pytest.fixture
def alice(cast):
    return client_of(cast.alice)


@pytest.fixture
def camera(cast, tmp_path):
    """A camera whose detector sees nobody, in no time."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"fps": 10, "boxes": [[[1, 20, 20, 50, 100, 1.0]]]}))
    return make_camera(
        cast.store, detector="scripted", detector_settings={"truth_path": str(script)}
    )


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    return walks.make_files(tmp_path_factory.mktemp("walks"))


def shaded(tmp_path, number: int = 0, **how):
    """A video like no other of the test."""
    return make_video(tmp_path / f"{number}.mp4", shade=30 + 8 * number, **how)


def made(alice, cast, camera, file, **said) -> Recording:
    answer = ask(alice, cast.store, upload(alice, cast.store, file), camera, **said)
    assert answer.status_code == 201, answer.content
    return Recording.objects.get(public_id=answer.json()["id"])


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
    camera.source = "rtsp://user:canary@10.0.0.1/"
    camera.save()
    recording = made(alice, cast, camera, shaded(tmp_path))
    answer = alice.get(f"/api/v1/recordings/{recording.public_id}/")
    assert " ".join(answer.json()) == (
        "id name source camera state state_text paused progress stage chunks started_at ended_at "
        "declared_s decoded_s size_bytes video_kept entries exits visits people_in_picture speed "
        "eta_s error is_demo created_at finished_at run recount"
    )
    assert " ".join(answer.json()["run"]) == (
        "id mode detector detector_title detector_note model model_sha256 threshold next_chunk "
        "created_at"
    )
    for secret in ("canary", recording.folder, recording.sha256, "truth_path"):
        assert secret not in answer.content.decode()


def test_everything_that_decides_the_count_is_frozen_on_the_run(alice, cast, tmp_path, settings):
    camera = make_camera(cast.store, detector_settings={"gap_ms": 200})
    zone, line = make_zone(camera), make_line(camera)
    middle = STARTED + timedelta(seconds=1)
    zone_redraw(zone=zone, vertices=TRIANGLE, at=middle)
    make_zone(camera, "later", valid_from=STARTED + timedelta(hours=1))
    run = Run.objects.get(recording=made(alice, cast, camera, shaded(tmp_path, seconds=3)))
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
    made(alice, cast, camera, shaded(tmp_path))  # and the next file works


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
    first = made(alice, cast, camera, path)
    other = make_camera(cast.store, "Till", detector="scripted",
                        detector_settings=camera.detector_settings)  # fmt: skip
    again = upload(alice, cast.store, path)
    answer = ask(alice, cast.store, again, other)
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert [each["id"] for each in answer.json()["recordings"]] == [str(first.public_id)]
    assert ask(alice, cast.store, again, other, on_duplicate="count_again").status_code == 201


def test_another_stores_copy_of_a_file_is_nobodys_business(alice, cast, camera, tmp_path):
    path = shaded(tmp_path)
    made(alice, cast, camera, path)
    made(client_of(cast.charlie), Far(cast.elsewhere), make_camera(cast.elsewhere), path)


class Far:
    """The cast as seen from the other store."""

    def __init__(self, store):
        self.store = store


@pytest.mark.parametrize(
    ("shift_s", "meets"), [(0, True), (2.9, True), (-2.9, True), (3, False), (-3, False)]
)
def test_two_recordings_of_a_camera_may_not_cover_the_same_minutes(
    alice, cast, camera, tmp_path, shift_s, meets
):
    first = made(alice, cast, camera, shaded(tmp_path, 0, seconds=3))
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
    first = made(alice, cast, camera, shaded(tmp_path, 0))
    second = made(alice, cast, camera, shaded(tmp_path, 1), on_overlap="replace")
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert set(first.chunks.values_list("state", flat=True)) == {"cancelled"}
    assert list(Run.objects.filter(active=True).values_list("recording", flat=True)) == [second.pk]


def test_replacing_takes_the_other_ones_numbers_out(alice, cast, walked):
    camera = scripted_camera(cast.store, walked)
    first = made(alice, cast, camera, walked[0])
    runner.work(first.pk)
    before = alice.get(f"/api/v1/recordings/{first.public_id}/").json()
    assert (before["entries"], before["exits"]) == (walks.ENTRIES, walks.EXITS)
    assert before["visits"] == walks.VISITS
    assert before["state_text"] == "Counted"
    again = {"on_duplicate": "count_again", "on_overlap": "replace"}
    second = made(alice, cast, camera, walked[0], **again)
    runner.work(second.pk)
    official = Visit.objects.filter(run__active=True)
    assert official.count() == walks.VISITS
    assert {visit.run.recording_id for visit in official} == {second.pk}
    assert TrackingEvent.objects.filter(kind="recounted").count() == 1
    replaced = alice.get(f"/api/v1/recordings/{first.public_id}/").json()
    assert replaced["state_text"] == "Replaced: no longer counted"
    assert replaced["entries"] is replaced["visits"] is None


def scripted_camera(store, files):
    camera = walks.make_camera(store)
    camera.detector_settings = {"truth_path": str(files[1])}
    camera.save()
    return camera


# --- Pictures, broken files ----------------------------------------------------------------------


def test_a_still_picture_counts_people_and_makes_no_visit(alice, cast, camera, tmp_path):
    make_zone(camera)
    make_line(camera)
    video = made(alice, cast, camera, shaded(tmp_path))
    picture = made(alice, cast, camera, make_picture(tmp_path / "a.jpg", size=(160, 120)))
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
    recording = made(alice, cast, camera, whole[: len(whole) // 2])
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
    good = made(alice, cast, camera, shaded(tmp_path, 1), on_overlap="replace")
    runner.work(good.pk)
    good.refresh_from_db()
    assert good.state == "done"


# --- Stopping and beginning again ----------------------------------------------------------------


def post(client, recording, what):
    return client.post(f"/api/v1/recordings/{recording.public_id}/{what}/")


def test_cancelling_stops_the_work_and_takes_the_numbers_out(alice, cast, walked):
    recording = made(alice, cast, scripted_camera(cast.store, walked), walked[0])
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
    recording = made(alice, cast, camera, shaded(tmp_path))
    assert post(alice, recording, "retry").json()["code"] == "not_retryable"
    runner.work(recording.pk)
    for what, code in (("cancel", "not_cancellable"), ("retry", "not_retryable")):
        answer = post(alice, recording, what)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert Run.objects.get().active


def test_a_cancelled_recording_begins_anew_and_counts_the_same(alice, cast, walked):
    recording = made(alice, cast, scripted_camera(cast.store, walked), walked[0])
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
        path=walked[0],
        wish=Wish(camera=scripted_camera(straight, walked), started_at=STARTED),
    )
    runner.work(other.pk)
    assert counted(recording) == counted(other)


def counted(recording):
    run = Run.objects.get(recording=recording, active=True)
    events = TrackingEvent.objects.filter(run=run, ordinal__isnull=False).order_by("ordinal")
    return list(
        events.values_list("ordinal", "kind", "at", "direction", "dwell_ms", "track_number")
    )


def test_one_that_was_set_aside_goes_on_from_where_it_was(alice, cast, walked):
    recording = made(alice, cast, scripted_camera(cast.store, walked), walked[0])
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
    first = made(alice, cast, camera, shaded(tmp_path, 0))
    post(alice, first, "cancel")
    second = made(alice, cast, camera, shaded(tmp_path, 1))
    answer = post(alice, first, "retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "overlap")
    assert [each["id"] for each in answer.json()["recordings"]] == [str(second.public_id)]
    first.refresh_from_db()
    assert first.state == "cancelled"


def test_a_retry_without_its_file_says_so(alice, cast, camera, tmp_path):
    recording = made(alice, cast, camera, shaded(tmp_path))
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


# --- Who may, and lists --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "reads", "writes"), [("bob", 200, 403), ("charlie", 404, 404), (None, 401, 401)]
)
def test_viewers_read_and_strangers_find_nothing(alice, cast, camera, tmp_path, who, reads, writes):
    recording = made(alice, cast, camera, shaded(tmp_path))
    waiting = upload(alice, cast.store, shaded(tmp_path, 1))
    other = client_of(getattr(cast, who) if who else None)
    for path in (
        f"stores/{cast.store.public_id}/recordings/",
        f"recordings/{recording.public_id}/",
    ):
        answer = other.get(f"/api/v1/{path}")
        assert answer.status_code == reads
        assert (recording.name in answer.content.decode()) is (reads == 200)
    for answer in (
        ask(other, cast.store, waiting, camera),
        post(other, recording, "cancel"),
        post(other, recording, "retry"),
    ):
        assert answer.status_code == writes
    assert Recording.objects.get().state == "queued"


def test_recordings_come_in_pages_newest_first(alice, cast, camera, tmp_path, monkeypatch):
    rows = seeded(cast, camera, 7)
    monkeypatch.setattr("tracking.recording_api.NewestFirst.page_size", 3)
    address, names = f"/api/v1/stores/{cast.store.public_id}/recordings/", []
    while address:
        page = alice.get(address).json()
        assert len(page["results"]) <= 3
        names += [each["name"] for each in page["results"]]
        address = page["next"]
    assert names == [row.name for row in reversed(rows)]


def test_a_page_of_recordings_takes_the_same_queries_for_any_number(
    alice, cast, camera, django_assert_num_queries
):
    address = f"/api/v1/stores/{cast.store.public_id}/recordings/"
    # Session, person, store; the page with its chunk counts in one, its runs, what they counted.
    for count in (1, 12):
        seeded(cast, camera, count, offset=count)
        with django_assert_num_queries(8):
            assert len(alice.get(address).json()["results"]) >= count


def seeded(cast, camera, count, offset=0):
    rows = []
    for number in range(count):
        at = STARTED + timedelta(minutes=offset * 100 + number)
        row = Recording.objects.create(
            store=cast.store, camera=camera, name=f"{offset}-{number}.mp4", started_at=at,
            ended_at=at + timedelta(seconds=9), created_at=at, chunk_count=1,
            state="failed" if number % 2 else "queued",
        )  # fmt: skip
        Run.objects.create(store=cast.store, recording=row)
        rows.append(row)
    return rows


def test_recordings_are_picked_by_state(alice, cast, camera):
    seeded(cast, camera, 5)
    address = f"/api/v1/stores/{cast.store.public_id}/recordings/"
    failed = alice.get(address, {"state": "failed"}).json()["results"]
    assert [each["name"] for each in failed] == ["0-3.mp4", "0-1.mp4"]
    assert {each["error"]["code"] for each in failed} == {"error"}
    both = alice.get(address, {"state": "failed,queued"}).json()["results"]
    assert [each["name"] for each in both] == [f"0-{number}.mp4" for number in range(4, -1, -1)]
    for query in (
        {"state": "failed,nonsense"},
        {"state": "failed,"},
        {"store__owner__password__startswith": "a"},
    ):
        assert alice.get(address, query).status_code == 400


@pytest.mark.parametrize(
    ("done", "begun", "stage"),
    [(0, False, "checked"), (0, True, "finding"), (1, True, "finding"), (2, True, "counting")],
)
@pytest.mark.parametrize("state", ["failed", "quarantined", "cancelled"])
def test_what_failed_or_was_cancelled_tells_the_stage_it_had_come_to(
    alice, cast, camera, state, done, begun, stage
):
    (row,) = seeded(cast, camera, 1)
    for index in range(2):
        part = "done" if index < done else "waiting"
        row.chunks.create(index=index, first_ms=index * 9, last_ms=index * 9 + 9, state=part)
    begun_at = STARTED if begun else None
    Recording.objects.update(state=state, first_worked_at=begun_at, chunk_count=2)
    assert alice.get(f"/api/v1/recordings/{row.public_id}/").json()["stage"] == stage


def test_a_recording_whose_detector_is_gone_says_so(alice, cast, camera):
    (row,) = seeded(cast, camera, 1)
    Recording.objects.update(state="failed", error_code=UnknownDetectorError.code)
    error = alice.get(f"/api/v1/recordings/{row.public_id}/").json()["error"]
    assert error["code"] == "unknown_detector"
    assert "detector" in error["what"]
    assert "{" not in error["what"] + error["next_step"]


def test_the_pace_tells_how_much_longer_it_takes(alice, cast, camera, tmp_path):
    recording = made(alice, cast, camera, shaded(tmp_path, seconds=30, fps=2))
    parts = recording.chunks.count()
    assert parts == 3
    recording.chunks.filter(index__lt=2).update(state="done")
    Run.objects.update(next_chunk=1)
    began = clock.now() - timedelta(seconds=60)
    Recording.objects.update(state="running", first_worked_at=began)
    told = alice.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert (told["progress"], told["stage"]) == (0.5, "finding")
    assert told["eta_s"] == pytest.approx(60, abs=3)
    assert told["speed"] == pytest.approx(0.25, abs=0.02)


def test_services_can_be_called_without_a_person(cast, camera, tmp_path):
    recording = recording_from_file(
        path=shaded(tmp_path), wish=Wish(camera=camera, started_at=STARTED, is_demo=True)
    )
    assert (recording.name, recording.is_demo, recording.created_by) == ("0.mp4", True, None)
    recording_cancel(recording=recording)
    recording_retry(recording=recording)
    assert Recording.objects.get().state == "queued"
