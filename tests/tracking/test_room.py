"""Quotas, limits of the queue, and the disk's floor: refused in words, paused, going on again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from django.db import OperationalError

from accounts.models import AuditEntry
from tests.cast import make_camera
from tests.tracking import walks
from tests.tracking.doors import announce, ask, client_of, send_part, upload
from tests.tracking.files import make_video
from tracking import facts, jobs, media, recounts, room, runner, tasks
from tracking.models import Recording, Upload
from tracking.problems import Problem
from tracking.recordings import Wish, recording_from_file
from tracking.recounts import recording_recount

pytestmark = pytest.mark.django_db
MEGABYTE = 1_000_000


@pytest.fixture
def video(tmp_path) -> bytes:
    return make_video(tmp_path / "a.mp4").read_bytes()


@pytest.fixture
def disk(monkeypatch):
    """Says how much is free; a test changes it."""

    class Disk:
        free = 10**12

    monkeypatch.setattr(media, "free_bytes", lambda: Disk.free)
    return Disk


def test_a_file_over_the_stores_quota_is_refused_with_used_and_limit(alice, cast, settings):
    settings.STORE_QUOTA_BYTES = 5 * MEGABYTE
    assert announce(alice, cast.store, 3 * MEGABYTE).status_code == 201
    answer = announce(alice, cast.store, 3 * MEGABYTE)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (413, "quota_full")
    assert (told["used_bytes"], told["limit_bytes"]) == (3 * MEGABYTE, 5 * MEGABYTE)
    assert "3.0 MB of the 5.0 MB" in told["detail"]
    assert int(answer["Retry-After"]) > 0
    assert Upload.objects.count() == 1
    assert len(list(Path(settings.MEDIA_ROOT).iterdir())) == 1  # nothing is left of the refused


def test_the_quota_of_one_store_is_not_anothers(alice, cast, settings):
    settings.STORE_QUOTA_BYTES = 5 * MEGABYTE
    announce(alice, cast.store, 5 * MEGABYTE)
    charlie = client_of(cast.charlie)
    assert announce(charlie, cast.elsewhere, 5 * MEGABYTE).status_code == 201


def test_the_files_of_another_store_take_nothing_of_the_quota(alice, cast, video):
    upload_id = upload(alice, cast.store, video)
    assert ask(alice, cast.store, upload_id, make_camera(cast.store)).status_code == 201
    Upload.objects.all().delete()
    assert room.store_room(cast.store).used_bytes == len(video)
    assert room.store_room(cast.elsewhere).used_bytes == 0


def test_a_recording_and_the_upload_it_was_made_of_count_once(alice, cast, video):
    upload_id = upload(alice, cast.store, video)
    assert room.store_room(cast.store).used_bytes == len(video)
    assert ask(alice, cast.store, upload_id, make_camera(cast.store)).status_code == 201
    assert room.store_room(cast.store).used_bytes == len(video)
    Recording.objects.update(folder="")  # its file is no longer kept
    Upload.objects.all().delete()
    assert room.store_room(cast.store).used_bytes == 0


def test_a_file_that_was_refused_is_gone_and_takes_no_room(alice, cast, tmp_path):
    """It starts like a film and is none: the gate says so when it is opened, and removes it."""
    film = make_video(tmp_path / "b.mp4").read_bytes()
    nonsense = film[:64] + bytes(len(film) - 64)
    upload_id = upload(alice, cast.store, nonsense)
    assert room.used_bytes(cast.store) == len(nonsense)
    answer = ask(alice, cast.store, upload_id, make_camera(cast.store))
    assert answer.status_code in {415, 422}
    assert room.used_bytes(cast.store) == 0
    again = ask(alice, cast.store, upload_id, make_camera(cast.store, "Till"))
    assert (again.status_code, again.json()["code"]) == (answer.status_code, answer.json()["code"])


def test_as_many_recordings_wait_as_a_store_may_have(alice, cast, video, settings):
    settings.STORE_MAX_WAITING = 1
    camera = make_camera(cast.store)
    first, second = (upload(alice, cast.store, video) for _ in range(2))
    assert ask(alice, cast.store, first, camera).status_code == 201
    wish = {"started_at": "2026-07-02T09:00:00+02:00", "on_duplicate": "count_again"}
    answer = ask(alice, cast.store, second, camera, **wish)
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert int(answer["Retry-After"]) > 0
    Recording.objects.update(state="cancelled")
    assert ask(alice, cast.store, second, camera, **wish).status_code == 201
    again = Recording.objects.order_by("pk")[0]
    retried = alice.post(f"/api/v1/recordings/{again.public_id}/retry/")
    assert (retried.status_code, retried.json()["code"]) == (429, "queue_full")


@pytest.mark.parametrize("code", ["too_many_uploads", "disk_full", "quota_full", "queue_full"])
def test_every_refusal_for_want_of_room_says_when_to_come_again(code):
    problem = Problem(code, most=1, used="1", limit="2")
    assert int(problem.headers["Retry-After"]) > 0


def test_below_the_floor_no_file_and_no_part_is_taken(alice, cast, disk, settings, video):
    address = announce(alice, cast.store, len(video))["Location"]
    disk.free = settings.DISK_FLOOR_BYTES - 1
    for answer in (announce(alice, cast.store, 10), send_part(alice, address, 0, video)):
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert int(answer["Retry-After"]) > 0
    disk.free = 10**12
    assert send_part(alice, address, 0, video).status_code == 204


def test_a_local_file_that_would_fill_the_disk_is_refused_before_it_is_copied(
    cast, disk, settings, files
):
    wish = Wish(camera=walks.scripted_camera(cast.store, files), started_at=walks.STARTED)
    size = files[0].stat().st_size
    disk.free = settings.DISK_FLOOR_BYTES + size - 1
    with pytest.raises(Problem) as refused:
        recording_from_file(path=files[0], wish=wish)
    assert refused.value.code == "disk_full"
    assert not list(Path(settings.MEDIA_ROOT).glob("*"))
    disk.free += 1
    assert recording_from_file(path=files[0], wish=wish).size_bytes == size


def test_a_disk_that_fills_while_the_folder_is_made_is_told_too(alice, cast, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(media, "new_folder", full)
    answer = announce(alice, cast.store, 10)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


def test_work_pauses_below_the_floor_says_so_and_goes_on_by_itself(
    cast, disk, settings, files, monkeypatch
):
    recording = walks.make_recording(cast.store, files)
    chunk = recording.chunks.order_by("index").first()
    rung: list[int] = []
    monkeypatch.setattr(tasks, "_send", lambda task, row_id: bool(rung.append(row_id)) or True)
    disk.free = settings.DISK_FLOOR_BYTES - 1
    assert tasks.ring_next() == 0
    assert runner.detect(chunk.pk) is None
    assert not runner.advance(recording.pk)
    chunk.refresh_from_db()
    assert (chunk.state, chunk.attempt) == ("waiting", 0)
    client = client_of(cast.bob)
    told = client.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert told["paused"].startswith("Waiting for disk space: 500 MB free")
    assert told["state_text"] == told["paused"]
    page = client.get(f"/stores/{cast.store.slug}/recordings/").content.decode()
    assert "Waiting for disk space:" in page
    disk.free = 10**12
    assert tasks.ring_next() > 0
    runner.work(recording.pk)
    told = client.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert (told["state"], told["paused"]) == ("done", "")


def test_a_disk_full_in_the_middle_costs_no_attempt_and_no_fact(cast, files, monkeypatch):
    whole = walks.make_recording(cast.elsewhere, files)
    runner.work(whole.pk)
    recording = walks.make_recording(cast.store, files)
    real, failures = os.fsync, [errno.ENOSPC] * 7

    def fsync(descriptor: int) -> None:
        if failures:
            raise OSError(failures.pop(), "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    runner.work(recording.pk)
    assert not failures
    recording.refresh_from_db()
    assert recording.state == "done"
    told = [facts.export_facts(store) for store in (cast.store, cast.elsewhere)]
    assert told[0] == told[1]
    assert len(told[0]) > 20
    folder = media.folder_path(recording.folder)
    assert not list(folder.glob(".*"))  # no half-written picture


def test_an_outage_of_the_database_costs_no_attempt(cast, files, monkeypatch):
    recording = walks.make_recording(cast.store, files)
    chunk = recording.chunks.order_by("index").first()
    claim = jobs.chunk_claim(chunk.pk)
    assert claim is not None
    real, tries = jobs.give_back, []

    def away(*_):
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("database is locked")
        real(*_)

    monkeypatch.setattr(jobs, "give_back", away)
    monkeypatch.setattr(jobs.connection, "close", lambda: None)
    monkeypatch.setattr(jobs.time, "sleep", lambda _: None)
    with pytest.raises(OperationalError), jobs.held(claim):
        raise OperationalError("database is locked")
    chunk.refresh_from_db()
    assert (len(tries), chunk.state, chunk.attempt) == (3, "waiting", 0)


def test_a_query_that_the_database_refuses_still_counts_as_an_attempt(cast, files):
    recording = walks.make_recording(cast.store, files)
    chunk = recording.chunks.order_by("index").first()
    claim = jobs.chunk_claim(chunk.pk)
    assert claim is not None
    with pytest.raises(OperationalError), jobs.held(claim):
        raise OperationalError("too many SQL variables")
    chunk.refresh_from_db()
    assert (chunk.state, chunk.attempt, chunk.error_code) == ("waiting", 1, "error")


@pytest.mark.parametrize(
    ("who", "status"), [("alice", 200), ("bob", 200), ("charlie", 404), ("", 401)]
)
def test_only_members_see_the_room_of_a_store(cast, who, status):
    client = client_of(getattr(cast, who) if who else None)
    answer = client.get(f"/api/v1/stores/{cast.store.public_id}/room/")
    assert answer.status_code == status


def test_the_room_of_a_store_is_told(alice, cast, settings):
    announce(alice, cast.store, 2 * MEGABYTE)
    told = alice.get(f"/api/v1/stores/{cast.store.public_id}/room/").json()
    assert told == {
        "used_bytes": 2 * MEGABYTE, "limit_bytes": settings.STORE_QUOTA_BYTES,
        "uploads": 1, "most_uploads": settings.STORE_MAX_UPLOADS,
        "waiting": 0, "most_waiting": settings.STORE_MAX_WAITING, "paused": "",
    }  # fmt: skip
    page = alice.get(f"/stores/{cast.store.slug}/recordings/").content.decode()
    assert "Files: 2.0 MB of 200 GB" in page


# --- Room comes back ------------------------------------------------------------------------------


@pytest.fixture
def counted(cast, files):
    """A counted recording of the cast's store, with its video and its pictures."""
    recording = walks.make_recording(cast.store, files, size_bytes=5_000)
    runner.work(recording.pk)
    recording.refresh_from_db()
    return recording


def remove_video(client, recording):
    return client.post(f"/api/v1/recordings/{recording.public_id}/remove-video/")


def test_removing_a_video_gives_its_room_back_and_keeps_every_number(
    alice, cast, counted, django_capture_on_commit_callbacks
):
    folder, before = media.folder_path(counted.folder), facts.export_facts(cast.store)
    assert room.used_bytes(cast.store) == 5_000
    with django_capture_on_commit_callbacks(execute=True):
        answer = remove_video(alice, counted)
    assert (answer.status_code, answer.json()["video_kept"]) == (200, False)
    assert not folder.exists()
    assert room.used_bytes(cast.store) == 0
    assert facts.export_facts(cast.store) == before
    assert AuditEntry.objects.get(action="recording.video_removed").subject == counted.name
    overlay = alice.get(
        f"/api/v1/recordings/{counted.public_id}/overlay/", {"from_ms": 0, "to_ms": 9000}
    ).json()
    assert overlay["frames"]
    assert overlay["pictures"] == []  # none that could not be fetched
    assert remove_video(alice, counted).status_code == 200
    assert AuditEntry.objects.filter(action="recording.video_removed").count() == 1
    again = recording_recount(recording=counted)
    while recounts.advance(again.pk):
        pass
    assert facts.export_facts(cast.store) == before


def test_a_video_that_is_being_counted_stays(alice, cast, counted):
    Recording.objects.update(state="running")
    answer = remove_video(alice, counted)
    assert (answer.status_code, answer.json()["code"]) == (409, "video_in_use")
    assert media.source_path(counted.folder).exists()


def test_only_a_manager_of_the_store_removes_a_video(cast, counted):
    assert remove_video(client_of(None), counted).status_code in {401, 403}
    assert remove_video(client_of(cast.bob), counted).status_code == 403
    assert remove_video(client_of(cast.charlie), counted).status_code == 404
    assert media.source_path(counted.folder).exists()


def test_the_page_offers_what_can_be_removed_to_whom_it_may(alice, cast, counted):
    page = "/stores/corner-shop/recordings/"
    assert 'data-act="remove-video"' in alice.get(page).content.decode()
    assert 'data-act="remove-video"' not in client_of(cast.bob).get(page).content.decode()
    remove_video(alice, counted)
    text = alice.get(page).content.decode()
    assert 'data-act="remove-video"' not in text
    assert "removed; the numbers stay" in text
