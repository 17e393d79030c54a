"""Uploads by tus: every rule of the protocol, who may, and what is left on the disk."""

import base64
import errno
import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone as clock
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from tests.cast import make_camera, make_cast
from tests.tracking.doors import PART, TUS, announce, ask, client_of, offset_of, send_part, upload
from tests.tracking.files import make_picture, make_sound, make_video
from tracking import gate, media, uploads
from tracking.models import Recording, Upload
from tracking.problems import Problem
from tracking.uploads import display_name

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(tmp_path) -> bytes:
    return make_video(tmp_path / "a.mp4").read_bytes()


def stored(settings) -> list[Path]:
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


def test_a_file_comes_in_by_parts(alice, cast, video, settings):
    created = announce(alice, cast.store, len(video), "Türkamera 1.mp4")
    assert created.status_code == 201
    address = created["Location"]
    assert address == f"/api/v1/uploads/{Upload.objects.get().public_id}/"
    assert created["Tus-Resumable"] == "1.0.0"
    third = len(video) // 3
    for start, end in ((0, third), (third, 2 * third), (2 * third, len(video))):
        assert offset_of(alice, address) == start
        answer = send_part(alice, address, start, video[start:end])
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(end))
    head = alice.head(address, headers=TUS)
    assert head["Upload-Length"] == head["Upload-Offset"] == str(len(video))
    assert head["Cache-Control"] == "no-store"
    row = Upload.objects.get()
    assert row.completed_at is not None
    assert row.filename == "Türkamera 1.mp4"
    source = media.source_path(row.folder)
    assert source.read_bytes() == video
    assert source.stat().st_mode & 0o777 == 0o600
    assert source.parent.stat().st_mode & 0o777 == 0o700


def test_a_part_at_the_wrong_place_is_refused_and_told_where_to_go_on(alice, cast, video):
    address = announce(alice, cast.store, len(video))["Location"]
    send_part(alice, address, 0, video[:100])
    for wrong in (0, 50, 101, len(video)):
        answer = send_part(alice, address, wrong, b"x")
        assert answer.status_code == 409
        assert answer["Upload-Offset"] == "100"
        assert answer.json()["code"] == "offset_mismatch"
    assert offset_of(alice, address) == 100


def test_a_part_beyond_the_announced_length_is_refused_whole(alice, cast):
    address = announce(alice, cast.store, 10)["Location"]
    answer = send_part(alice, address, 0, b"x" * 11)
    assert (answer.status_code, answer.json()["code"]) == (413, "beyond_length")
    assert offset_of(alice, address) == 0


def test_a_part_over_8_mib_is_refused_unread(alice, cast, settings):
    settings.TUS_PART_BYTES = 1000
    address = announce(alice, cast.store, 5000)["Location"]
    answer = send_part(alice, address, 0, bytes(1001))
    assert (answer.status_code, answer.json()["code"]) == (413, "part_too_large")


def test_a_length_over_the_limit_is_refused_at_the_announcement(alice, cast, settings):
    answer = announce(alice, cast.store, settings.UPLOAD_MAX_BYTES + 1)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "4.0" in answer.json()["detail"]
    assert not Upload.objects.exists()


def test_an_empty_file_is_refused_at_the_announcement(alice, cast):
    answer = announce(alice, cast.store, 0)
    assert (answer.status_code, answer.json()["code"]) == (422, "empty_file")


@pytest.mark.parametrize("length", ["", "-1", "1.5", "ten", "1e3", "9" * 30, "٣"])
def test_a_length_that_is_no_number_is_refused(alice, cast, length):
    answer = announce(alice, cast.store, length.encode().decode("latin-1"))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")


def test_a_part_without_its_place_or_its_type_is_refused(alice, cast):
    address = announce(alice, cast.store, 10)["Location"]
    answer = alice.patch(address, b"x", content_type=PART, headers=TUS)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")
    answer = alice.patch(
        address, b"x", content_type="text/plain", headers={**TUS, "Upload-Offset": "0"}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong_part_type")


@pytest.mark.parametrize("version", ["0.2.2", "", None])
def test_another_version_of_the_protocol_is_refused(alice, cast, version):
    address = announce(alice, cast.store, 10)["Location"]
    headers = {"Upload-Offset": "0", "Upload-Length": "10"}
    headers |= {} if version is None else {"Tus-Resumable": version}
    place = f"/api/v1/stores/{cast.store.public_id}/uploads/"
    for answer in (
        alice.post(place, headers=headers),
        alice.patch(address, b"x", content_type=PART, headers=headers),
        alice.head(address, headers=headers),
        alice.delete(address, headers=headers),
    ):
        assert answer.status_code == 412
        assert answer["Tus-Version"] == "1.0.0"


def test_options_says_what_the_server_can(alice, cast, settings):
    answer = alice.options(f"/api/v1/stores/{cast.store.public_id}/uploads/")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Extension"] == "creation,termination"
    assert answer["Tus-Max-Size"] == str(settings.UPLOAD_MAX_BYTES)


def test_a_dropped_file_leaves_nothing(alice, cast, video, settings):
    address = announce(alice, cast.store, len(video))["Location"]
    send_part(alice, address, 0, video[:100])
    assert alice.delete(address, headers=TUS).status_code == 204
    assert alice.head(address, headers=TUS).status_code == 404
    assert stored(settings) == []
    assert list(Path(settings.MEDIA_ROOT).iterdir()) == []


def test_a_sender_without_patch_may_override_post(alice, cast, video):
    address = announce(alice, cast.store, len(video))["Location"]
    headers = {**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = alice.post(address, video, content_type=PART, headers=headers)
    assert answer.status_code == 204
    assert alice.post(address, b"", content_type=PART, headers=TUS).status_code == 405


def test_a_broken_line_keeps_what_came(cast, video):
    """Behind a WSGI server the view itself reads from the line, which may break in a part."""
    row = uploads.upload_create(
        store=cast.store, user=cast.alice, filename="a", size_bytes=len(video)
    )
    pieces = [video[:300], b""]
    here = uploads.upload_append(
        upload=row, offset=0, length=len(video), read=lambda _: pieces.pop(0)
    )
    assert here == 300
    rest = [video[300:]]
    uploads.upload_append(
        upload=row, offset=300, length=len(video) - 300, read=lambda _: rest.pop(0)
    )
    assert media.source_path(row.folder).read_bytes() == video


def test_bytes_beyond_the_counted_ones_are_written_over(cast, video):
    """A crash between the write and the count leaves bytes that nobody counted."""
    row = uploads.upload_create(
        store=cast.store, user=cast.alice, filename="a", size_bytes=len(video)
    )
    media.file_path(row.folder, uploads.PART).write_bytes(b"\xff" * 500)
    uploads.upload_append(upload=row, offset=0, length=len(video), read=reader(video))
    assert media.source_path(row.folder).read_bytes() == video


def reader(content: bytes):
    left = [content]

    def read(most: int) -> bytes:
        piece, left[0] = left[0][:most], left[0][most:]
        return piece

    return read


def test_a_crash_after_the_last_byte_is_made_good_at_the_next_look(cast, video, alice):
    row = uploads.upload_create(
        store=cast.store, user=cast.alice, filename="a", size_bytes=len(video)
    )
    media.file_path(row.folder, uploads.PART).write_bytes(video)
    Upload.objects.update(offset_bytes=len(video))
    answer = alice.get(f"/api/v1/uploads/{row.public_id}/")
    assert answer.json()["complete"] is True
    assert media.source_path(row.folder).read_bytes() == video
    # ... and once more after the file had its name, but the row did not know yet.
    Upload.objects.update(completed_at=None)
    assert alice.get(f"/api/v1/uploads/{row.public_id}/").json()["complete"] is True


def test_a_stranger_renamed_mp4_is_refused_with_its_last_part_and_removed(alice, cast, settings):
    text = b"hello\n" * 100
    address = announce(alice, cast.store, len(text), "holiday.mp4")["Location"]
    answer = send_part(alice, address, 0, text)
    assert answer.status_code == 415
    problem = answer.json()
    assert (answer["Content-Type"], problem["code"]) == (
        "application/problem+json",
        "unknown_container",
    )
    assert "a text file" in problem["detail"]
    assert stored(settings) == []
    assert not Upload.objects.exists()


def test_a_full_disk_is_told_and_nothing_is_counted(cast, video, monkeypatch):
    row = uploads.upload_create(
        store=cast.store, user=cast.alice, filename="a", size_bytes=len(video)
    )

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Problem) as refused:
        uploads.upload_append(upload=row, offset=0, length=len(video), read=reader(video))
    assert (refused.value.status_code, refused.value.code) == (507, "disk_full")
    monkeypatch.undo()
    row.refresh_from_db()
    assert row.offset_bytes == 0
    uploads.upload_append(upload=row, offset=0, length=len(video), read=reader(video))
    assert media.source_path(row.folder).read_bytes() == video


def test_what_is_promised_to_others_counts_as_taken(alice, cast, monkeypatch):
    gigabyte = 1024**3
    monkeypatch.setattr(media, "free_bytes", lambda: 3 * gigabyte)
    assert announce(alice, cast.store, 2 * gigabyte).status_code == 201
    answer = announce(alice, cast.store, gigabyte)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


def test_unfinished_uploads_are_counted_and_old_ones_go(alice, cast, settings, monkeypatch):
    settings.STORE_MAX_UPLOADS = 2
    first = announce(alice, cast.store, 10)
    announce(alice, cast.store, 10)
    answer = announce(alice, cast.store, 10)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_uploads")
    Upload.objects.filter(public_id=first["Location"].split("/")[-2]).update(
        created_at=clock.now() - timedelta(hours=25)
    )
    assert announce(alice, cast.store, 10).status_code == 201
    assert Upload.objects.count() == 2
    assert len(list(Path(settings.MEDIA_ROOT).iterdir())) == 2


def test_purging_an_upload_keeps_the_file_of_its_recording(alice, cast, video):
    upload_id = upload(alice, cast.store, video)
    assert ask(alice, cast.store, upload_id, make_camera(cast.store)).status_code == 201
    uploads.uploads_purge(store=cast.store, now=clock.now() + timedelta(days=2))
    assert not Upload.objects.exists()
    assert media.source_path(Recording.objects.get().folder).read_bytes() == video


@pytest.mark.parametrize("who", ["bob", "charlie", None])
def test_nobody_but_a_manager_of_the_store_comes_in(alice, cast, video, who):
    """Bob looks at the store: 403. Charlie belongs elsewhere: for him there is nothing, 404."""
    address = announce(alice, cast.store, len(video))["Location"]
    other = client_of(getattr(cast, who) if who else None)
    expected = {"bob": 403, "charlie": 404, None: 401}[who]
    for answer in (
        announce(other, cast.store, 10),
        other.get(address),
        other.head(address, headers=TUS),
        send_part(other, address, 0, video),
        other.delete(address, headers=TUS),
        other.post(address, b"", content_type=PART, headers={"X-HTTP-Method-Override": "PATCH"}),
    ):
        assert answer.status_code == expected
    assert offset_of(alice, address) == 0
    assert Upload.objects.count() == 1


def test_a_session_needs_its_csrf_header(cast):
    strict = client_of(cast.alice, enforce_csrf_checks=True)
    assert announce(strict, cast.store, 10).status_code == 403
    strict.cookies["csrftoken"] = token = "a" * 32
    created = announce(strict, cast.store, 10, **{"X-CSRFToken": token})
    assert created.status_code == 201
    address = created["Location"]
    assert send_part(strict, address, 0, b"x").status_code == 403
    assert send_part(strict, address, 0, b"x", **{"X-CSRFToken": token}).status_code == 204
    headers = {**TUS, "Upload-Offset": "1", "X-HTTP-Method-Override": "PATCH"}
    answer = strict.post(address, b"x", content_type=PART, headers=headers | {"X-CSRFToken": token})
    assert answer.status_code == 204


def test_what_the_file_says_of_itself_is_offered_as_a_suggestion(alice, cast, tmp_path):
    said = {"creation_time": "2026-06-30T08:15:00.000000Z"}
    path = make_video(tmp_path / "b.mp4", seconds=3, metadata=said)
    upload_id = upload(alice, cast.store, path, "door.mp4")
    told = alice.get(f"/api/v1/uploads/{upload_id}/").json()
    assert told["suggested_started_at"] == "2026-06-30T08:15:00Z"
    assert "file gives for its own creation" in told["suggestion_reason"]
    assert (told["duration_s"], told["kind"], told["problem"]) == (3.0, "video", None)
    assert (told["filename"], told["size_bytes"]) == ("door.mp4", path.stat().st_size)


def test_a_file_that_says_nothing_or_nonsense_suggests_nothing(alice, cast, tmp_path):
    for year in (None, 1904, 2999):
        said = {} if year is None else {"creation_time": f"{year}-01-01T00:00:00Z"}
        upload_id = upload(alice, cast.store, make_video(tmp_path / "b.mp4", metadata=said))
        told = alice.get(f"/api/v1/uploads/{upload_id}/").json()
        assert told["suggested_started_at"] is told["suggestion_reason"] is None
        assert told["kind"] == "video"


def test_a_picture_without_an_offset_is_read_in_the_stores_time(alice, cast, tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2026:06:30 10:15:00"
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg", exif=exif)
    told = alice.get(f"/api/v1/uploads/{upload(alice, cast.store, tmp_path / 'a.jpg')}/").json()
    assert told["suggested_started_at"] == "2026-06-30T08:15:00Z"
    assert "Europe/Berlin" in told["suggestion_reason"]
    assert (told["kind"], told["duration_s"]) == ("image", None)


def test_a_file_with_a_problem_is_told_with_the_way_out_and_removed(
    alice, cast, tmp_path, settings
):
    upload_id = upload(alice, cast.store, make_sound(tmp_path / "a.mp4"))
    for _ in range(2):
        told = alice.get(f"/api/v1/uploads/{upload_id}/").json()
        assert told["problem"]["code"] == "no_video_stream"
        assert told["problem"]["next_step"].startswith("Upload the file")
        assert told["kind"] is None
    assert "source" not in {path.name for path in stored(settings)}


def test_a_file_is_opened_once_however_often_it_is_asked_about(alice, cast, video, monkeypatch):
    upload_id = upload(alice, cast.store, video)
    opened: list[Path] = []
    check = gate.check_file

    def noted(path: Path) -> gate.CheckedFile:
        opened.append(path)
        return check(path)

    monkeypatch.setattr(gate, "check_file", noted)
    first, second = (alice.get(f"/api/v1/uploads/{upload_id}/").json() for _ in range(2))
    assert first == second
    assert ask(alice, cast.store, upload_id, make_camera(cast.store)).status_code == 201
    assert len(opened) == 1


def test_an_unfinished_upload_says_how_far_it_is(alice, cast, video):
    address = announce(alice, cast.store, len(video))["Location"]
    send_part(alice, address, 0, video[:10])
    told = alice.get(address).json()
    assert (told["complete"], told["offset_bytes"], told["kind"]) == (False, 10, None)


@given(st.text(max_size=400))
def test_any_name_becomes_one_safe_line(name):
    shown = display_name(name)
    assert 1 <= len(shown) <= 300
    assert shown.isprintable()
    assert not set(shown) & set("/\\\0\n\r\u202e\u2066")
    assert display_name(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\clip.mp4", "clip.mp4"),
        ("/etc/shadow", "shadow"),
        ("a\0b.mp4", "ab.mp4"),
        ("CON", "CON"),
        ("one\ntwo.mp4", "one two.mp4"),
        ("gnp.\u202e4pm.exe", "gnp.4pm.exe"),
        ("x" * 400, "x" * 300),
        ("", "video"),
        ("..", ".."),
        ("\u200b", "video"),
    ],
)
def test_names_that_play_tricks_are_only_text(name, shown):
    assert display_name(name) == shown


@hypothesis_settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(name=st.text(max_size=350))
def test_no_name_reaches_the_disk_or_breaks_the_door(alice, cast, settings, name):
    answer = announce(alice, cast.store, 10, name)
    assert answer.status_code == 201
    folder = Upload.objects.latest("pk").folder
    assert media.folder_path(folder).parent == Path(settings.MEDIA_ROOT)
    assert {path.name for path in media.folder_path(folder).iterdir()} == {"part", "lock"}
    assert alice.delete(answer["Location"], headers=TUS).status_code == 204


@pytest.mark.parametrize("metadata", ["filename !!!", "filename a", "filename"])
def test_metadata_that_is_no_base64_is_refused_or_empty(alice, cast, metadata):
    answer = announce(alice, cast.store, 10, **{"Upload-Metadata": metadata})
    assert answer.status_code in {201, 400}
    assert answer.status_code == 201 or answer.json()["code"] == "bad_header"


def test_a_name_in_another_encoding_is_still_a_name(alice, cast):
    latin = base64.b64encode("Tür.mp4".encode("latin-1")).decode()
    answer = announce(alice, cast.store, 10, **{"Upload-Metadata": f"filename {latin}"})
    assert answer.status_code == 201
    assert Upload.objects.get().filename == "T\ufffdr.mp4"


@pytest.mark.skipif(connection.vendor == "sqlite", reason="see test_uploads_at_once")
@pytest.mark.django_db(transaction=True)
def test_parts_sent_at_once_are_taken_once(tmp_path):
    """Eight senders, one place: one wins, the file holds the winner's bytes alone."""
    cast = make_cast()
    marked = [
        make_picture(tmp_path / "a").read_bytes()[:4] + bytes([n]) * 300_000 for n in range(8)
    ]
    for _ in range(3):
        row = uploads.upload_create(
            store=cast.store, user=cast.alice, filename="a", size_bytes=len(marked[0])
        )
        barrier = threading.Barrier(8)
        outcomes: dict[int, str] = {}

        def send(number: int, row=row, barrier=barrier, outcomes=outcomes) -> None:
            try:
                barrier.wait(10)
                mine = Upload.objects.get(pk=row.pk)
                uploads.upload_append(
                    upload=mine, offset=0, length=300_004, read=reader(marked[number])
                )
                outcomes[number] = "taken"
            except Problem as problem:
                outcomes[number] = problem.code
            finally:
                connection.close()

        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        winners = [number for number, outcome in outcomes.items() if outcome == "taken"]
        assert len(outcomes) == 8
        assert len(winners) == 1
        assert set(outcomes.values()) <= {"taken", "upload_locked", "offset_mismatch"}
        assert media.source_path(row.folder).read_bytes() == marked[winners[0]]


def test_nothing_of_an_upload_is_audited_but_its_recording_is(alice, cast, video):
    upload_id = upload(alice, cast.store, video)
    assert ask(alice, cast.store, upload_id, make_camera(cast.store)).status_code == 201
    entry = AuditEntry.objects.get(action__startswith="recording.")
    assert (entry.action, entry.actor, entry.store) == ("recording.created", cast.alice, cast.store)
