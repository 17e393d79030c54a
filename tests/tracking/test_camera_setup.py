"""Managers set a camera up, step by step, and are told in words what is the matter."""

from __future__ import annotations

import base64
import threading

import pytest

from accounts.models import AuditEntry
from tests.cast import make_camera, make_line
from tests.tracking.files import shaded
from tracking import camera_setup
from tracking.cameras import Seen
from zones.models import Camera
from zones.sources import opened, source_put

pytestmark = pytest.mark.db
WORD = "hush41d"
JPEG = b"\xff\xd8picture"


@pytest.fixture
def alice(client, cast):
    client.force_login(cast.alice)
    return client


@pytest.fixture
def camera(cast):
    camera = make_camera(cast.store, "Front", recording=False)
    source_put(camera, f"rtsp://eye{WORD}:{WORD}@10.0.0.9/{WORD}")
    camera.save()
    return camera


@pytest.fixture
def seen(monkeypatch):
    """Stand in for the process that looks, which needs a real camera; what it got is kept."""
    asked = []

    def look(source):
        asked.append(source)
        return look.answer

    look.answer = Seen(width=640, height=360, codec="h264", fps=12.5, still=JPEG)
    look.asked = asked
    monkeypatch.setattr(camera_setup, "probe", look)
    return look


def begin(cast) -> str:
    return f"/stores/{cast.store.slug}/cameras/"


def page(camera: Camera) -> str:
    return f"/stores/{camera.store.slug}/cameras/{camera.public_id}/"


def told(answer) -> str:
    (note,) = answer.content.decode().split('role="alert">')[1:]
    return note.split("<div>")[1].split("</div>")[0]


def test_a_camera_goes_from_its_address_to_being_followed(alice, cast, seen):
    typed = {"name": "Yard", "address": f"rtsp://10.0.0.7/{WORD}", "user_name": f"eye{WORD}",
             "password": WORD, "transport": "udp"}  # fmt: skip
    made = alice.post(begin(cast), typed)
    camera = Camera.objects.get(name="Yard")
    assert (made.status_code, made["Location"]) == (302, page(camera))
    assert (camera.recording, camera.transport) == (False, "udp")
    assert opened(camera).url == f"rtsp://eye{WORD}:{WORD}@10.0.0.7:554/{WORD}"
    answers = [
        alice.get(page(camera)),
        alice.post(page(camera), {"step": "look"}),
        alice.post(page(camera), {"step": "detector", "detector": "hog"}),
        alice.post(page(camera), {"step": "done", "on": "yes"}),
        alice.get(begin(cast)),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    begun, looked, _, done, listed = (answer.content.decode() for answer in answers)
    assert "It is not followed yet." in begun
    assert "No entrance line yet" in begun
    assert "10.0.0.7:554, with a password" in begun
    assert "It answers: 640 x 360 pixels, h264, 12.5 pictures a second." in looked
    assert 'src="data:image/jpeg;base64,/9hwaWN0dXJl"' in looked
    assert [source.url for source in seen.asked] == [opened(camera).url]
    assert "It is followed." in done
    camera.refresh_from_db()
    assert (camera.recording, camera.detector) == (True, "hog")
    assert "Yard" in listed
    assert WORD not in begun + looked + done + listed
    log = {entry.action for entry in AuditEntry.objects.all()}
    assert log >= {"camera.made", "camera.source_set", "camera.changed"}
    stopped = alice.post(page(camera), {"step": "done", "on": ""}).content.decode()
    assert "What was counted stays." in stopped
    camera.refresh_from_db()
    assert not camera.recording


def test_another_address_takes_the_place_of_the_first(alice, camera):
    answer = alice.post(page(camera), {"step": "address", "address": "http://10.0.0.8:8080/mjpeg"})
    assert "Look at the camera next." in answer.content.decode()
    camera.refresh_from_db()
    assert opened(camera).url == "http://10.0.0.8:8080/mjpeg", "without the old password"


def test_lines_that_count_are_told(alice, camera):
    make_line(camera)
    assert "1 entrance line and 0 zones count." in alice.get(page(camera)).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": " "}, "Give the camera a name"),
        ({"address": f"rtsp://eye:{WORD}@127.0.0.1/"}, "OSKARTRACK_CAMERA_NETWORKS"),
        ({"address": f"rtsp://{WORD}@10.0.0.9/"}, "user:password@"),
        ({"address": WORD}, "starts with rtsp://"),
        ({"address": WORD * 300}, "longer than any address"),
        ({"address": "device:0", "password": WORD}, "Leave both empty"),
        ({"name": "Front"}, "Front"),
        ({"name": "x" * 81}, "80"),
    ],
    ids=range(8),
)
def test_what_cannot_be_is_refused_in_words_that_repeat_no_password(
    alice, cast, camera, typed, words
):
    answer = alice.post(begin(cast), {"name": "Yard", "address": "rtsp://10.0.0.7/"} | typed)
    assert answer.status_code == 400
    assert words in told(answer) + answer.content.decode().split("Cameras of this shop")[0]
    assert WORD not in answer.content.decode()
    assert Camera.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "Load the page again."),
        ({"step": "magic"}, "Load the page again."),
        ({"step": "address"}, "first"),
        ({"step": "address", "address": f"rtsp://eye:{WORD}@169.254.169.254/"}, "cloud"),
        ({"step": "detector", "detector": "magic"}, "There is no detector"),
    ],
    ids=range(5),
)
def test_a_step_that_cannot_be_is_refused_in_words(alice, camera, typed, words):
    answer = alice.post(page(camera), typed)
    assert answer.status_code == 400
    assert words in told(answer)
    assert WORD not in answer.content.decode()
    before = opened(camera).url
    camera.refresh_from_db()
    assert opened(camera).url == before


def test_a_camera_that_does_not_answer_is_told_in_the_words_of_who_looked(alice, camera, seen):
    seen.answer = Seen("password", "The camera refuses the password. Type it again.")
    answer = alice.post(page(camera), {"step": "look"})
    assert (answer.status_code, told(answer)) == (400, seen.answer.words)


def test_a_camera_without_an_address_is_neither_looked_at_nor_followed(alice, cast, seen):
    camera = make_camera(cast.store)
    for step in ({"step": "look"}, {"step": "done", "on": "yes"}):
        answer = alice.post(page(camera), step)
        assert answer.status_code == 400
        assert "address" in told(answer)
    assert seen.asked == []
    assert "It takes added videos." in alice.get(page(camera)).content.decode()


def test_one_camera_is_looked_at_at_a_time(alice, camera, seen, monkeypatch):
    busy = threading.Lock()
    busy.acquire()
    monkeypatch.setattr(camera_setup, "_looking", busy)
    assert "half a minute" in told(alice.post(page(camera), {"step": "look"}))
    assert seen.asked == []


def test_an_address_that_no_key_opens_any_more_is_told_with_the_way_out(alice, camera, settings):
    settings.CAMERA_KEYS = ["n" * 64]
    assert "OSKARTRACK_CAMERA_KEY" in alice.get(page(camera)).content.decode()
    assert "OSKARTRACK_CAMERA_KEY" in told(alice.post(page(camera), {"step": "look"}))


def test_the_first_look_is_a_real_one(alice, cast, settings, tmp_path):
    """By the process that looks, at a film that is played as a camera."""
    settings.LOOPS_DIR = tmp_path
    shaded(tmp_path).rename(tmp_path / "shop.mp4")
    camera = make_camera(cast.store, "Loop", source="loop:shop.mp4", recording=False)
    answer = alice.post(page(camera), {"step": "look"})
    assert answer.status_code == 200, told(answer)
    shown = answer.content.decode()
    picture = base64.b64decode(shown.split("data:image/jpeg;base64,")[1].split('"')[0])
    assert "It answers: 160 x 120 pixels" in shown
    assert picture.startswith(b"\xff\xd8")


def test_viewers_and_strangers_set_nothing_up(client, cast, camera, seen):
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        client.force_login(person)
        for address in (begin(cast), page(camera)):
            assert client.get(address).status_code == status
            assert client.post(address, {"step": "look"}).status_code == status
    client.force_login(cast.bob)
    assert "Add a camera" not in client.get(f"/stores/{cast.store.slug}/zones/").content.decode()
    assert seen.asked == []


def test_a_camera_of_another_store_is_not_there(alice, cast):
    elsewhere = make_camera(cast.elsewhere)
    address = f"/stores/{cast.store.slug}/cameras/{elsewhere.public_id}/"
    assert alice.get(address).status_code == 404


def test_the_administration_and_the_zones_page_lead_here(admin_client, cast, camera):
    shown = admin_client.get(f"/admin/zones/camera/{camera.pk}/change/").content.decode()
    assert f'href="{page(camera)}"' in shown
    zones = admin_client.get(f"/stores/{cast.store.slug}/zones/").content.decode()
    assert f'href="{page(camera)}"' in zones
    assert f'href="{begin(cast)}"' in zones
