"""A camera's user name, password and path are looked for wherever anything is told.

Every answer and page of a whole store is searched for them in `tests/access`; here it is what those
do not reach: logs, reports of errors, refusals, exports of facts, the database itself.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.core.management import call_command
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from accounts.models import AuditEntry, KeptAnswer
from tests.cast import make_camera, make_user
from zones import services, sources
from zones.models import Camera
from zones.sources import opened, source_put

pytestmark = pytest.mark.db
WORD = "hush7f31c"
USER, PASSWORD, PATH = f"eye{WORD}", f"word{WORD}", f"path{WORD}?pwd={WORD}"
SECRETS = f"rtsp://{USER}:{PASSWORD}@10.0.0.9/{PATH}"
JSON = "application/json"
# Addresses that are refused, each for a reason of its own, with the password in them.
BAD = (
    f"rtsp://{USER}:{PASSWORD}@127.0.0.1/{PATH}",
    f"rtsp://{USER}:{PASSWORD}@169.254.169.254/{PATH}",
    f"rtsp://{USER}:{PASSWORD}@93.184.216.34/{PATH}",
    f"rtsp://{USER}:{PASSWORD}@2130706433/{PATH}",
    f"rtsp://{USER}:{PASSWORD}@10.0.0.9:99999/{PATH}",
    f"rtsp://{USER}:{PASSWORD}@10.0.0.9:{PASSWORD}/",
    f"rtsp://{USER}:{PASSWORD}@{PASSWORD}@10.0.0.9/",
    f"rtsp://{USER}:{PASSWORD}/@10.0.0.9/",
    f"rtsp://{PASSWORD}@10.0.0.9/",
    f"rtsp://{USER}:{PASSWORD}@10.0.0.9/#{PATH}",
    f"rtsp://{USER}:{PASSWORD}@10.0.0.9/\\{PATH}",
    f"rtsp://{USER}:ü{PASSWORD}@10.0.0.9/",
    f"rtsp://{USER}:%00{PASSWORD}@10.0.0.9/",
    f"rtsp://[{PASSWORD}::1]/",
    f"file://{PASSWORD}/",
    f"{USER}:{PASSWORD}@10.0.0.9",
    f"device:{PASSWORD}",
    f"loop:{PASSWORD}",
    f"rtsp://{USER}:{PASSWORD * 20}@10.0.0.9/",
    f"rtsp://{USER}:{PASSWORD}@10.0.0.9/{PASSWORD * 200}",
)


@pytest.fixture
def heard(capfd, caplog):
    """Return everything that was logged or printed so far."""
    caplog.set_level(logging.DEBUG)
    return lambda: "".join(capfd.readouterr()) + caplog.text


@pytest.fixture
def camera(cast) -> Camera:
    return make_camera(cast.store)


@pytest.fixture
def alice(client, cast):
    client.force_login(cast.alice)
    return client


@pytest.fixture
def root(client):
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def source_of(camera: Camera) -> str:
    return f"/api/v1/cameras/{camera.public_id}/source/"


def form(camera: Camera, **fields: Any) -> dict[str, Any]:
    return {
        "store": camera.store.pk, "name": camera.name, "detector": "hog", "transport": "tcp",
        "detector_settings": "{}", "ignore_masks": "[]", "final_count": "live", "keep_video_h": 72,
        **fields,
    }  # fmt: skip


def whole_database() -> str:
    rows = [row for model in apps.get_models() for row in model._default_manager.all()]
    return serializers.serialize("json", rows)


# --- The door -------------------------------------------------------------------------------------


def test_a_manager_sets_and_forgets_a_source_and_reads_no_secret_of_it(alice, cast, camera, heard):
    address = source_of(camera)
    wish = {"address": f"rtsp://10.0.0.9/{PATH}", "user_name": USER, "password": PASSWORD}
    told = {"kind": "rtsp", "host": "10.0.0.9:554", "transport": "udp", "has_password": True,
            "problem": ""}  # fmt: skip
    answers = [
        alice.put(address, wish | {"transport": "udp"}, JSON),
        alice.get(address),
        alice.get(f"/api/v1/stores/{cast.store.public_id}/cameras/"),
        alice.get(f"/api/v1/cameras/{camera.public_id}/"),
        alice.get(f"/api/v1/cameras/{camera.public_id}/map/"),
        alice.get(f"/api/v1/stores/{cast.store.public_id}/audit/"),
        alice.get(f"/stores/{cast.store.slug}/zones/"),
        alice.get("/"),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert [answer.json() for answer in answers[:2]] == [told, told]
    camera.refresh_from_db()
    assert opened(camera).url == f"rtsp://{USER}:{PASSWORD}@10.0.0.9:554/{PATH}"
    entry = AuditEntry.objects.get(action="camera.source_set")
    assert entry.detail == {"kind": "rtsp", "place": "rtsp://10.0.0.9:554"}
    assert WORD not in b"".join(answer.content for answer in answers).decode()
    assert WORD not in whole_database()
    assert WORD not in heard()
    forgotten = alice.delete(address)
    assert forgotten.status_code == 204
    assert alice.get(address).json() == told | {
        "kind": "files", "host": "", "has_password": False,
    }  # fmt: skip
    assert AuditEntry.objects.filter(action="camera.source_forgotten").exists()


def test_who_only_looks_learns_nothing_of_a_source(client, cast, camera):
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        client.force_login(person)
        answers = [
            client.get(source_of(camera)), client.delete(source_of(camera)),
            client.put(source_of(camera), {"address": SECRETS}, JSON),
        ]  # fmt: skip
        assert {answer.status_code for answer in answers} == {status}
    camera.refresh_from_db()
    assert camera.source == ""


def test_who_changes_an_older_source_is_told_that_it_changed(alice, camera):
    address = source_of(camera)
    before = alice.get(address)["ETag"]
    assert alice.put(address, {"address": SECRETS}, JSON).status_code == 200
    late = {"If-Match": before}
    assert alice.put(address, {"address": "device:1"}, JSON, headers=late).status_code == 412
    assert alice.delete(address, headers=late).status_code == 412
    assert alice.get(address).json()["kind"] == "rtsp"


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"address": ""},
        {"address": "rtsp://10.0.0.9/", "transport": "icmp"},
        {"address": "rtsp://10.0.0.9/", "pass": PASSWORD},
        {"address": ["rtsp://10.0.0.9/"]},
        {"address": "rtsp://10.0.0.9/", "user_name": 7},
    ],
    ids=range(6),
)
def test_a_wish_that_makes_no_sense_is_refused(alice, camera, wish):
    answer = alice.put(source_of(camera), wish, JSON)
    assert answer.status_code == 400, answer.content
    assert WORD not in answer.content.decode()


# --- Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", BAD, ids=range(len(BAD)))
def test_an_address_that_is_refused_is_not_echoed(alice, cast, camera, heard, address):
    store, key = cast.store.public_id, {"Idempotency-Key": "one"}
    cameras = f"/api/v1/stores/{store}/cameras/"
    answers = [
        alice.put(source_of(camera), {"address": address}, JSON),
        alice.post(cameras, {"name": "Yard", "source": address}, JSON, headers=key),
        alice.patch(f"/api/v1/cameras/{camera.public_id}/", {"source": address}, JSON),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    for answer, field in zip(answers, ("address", "source", "source"), strict=True):
        (sentences,) = answer.json()["errors"].values()
        assert list(answer.json()["errors"]) == [field]
        assert sentences[0].endswith(".")
    assert WORD not in b"".join(answer.content for answer in answers).decode()
    assert WORD not in whole_database()
    assert WORD not in heard()
    assert Camera.objects.filter(source="").count() == Camera.objects.count() == 1


def test_the_admin_neither_shows_nor_echoes_what_was_typed(root, camera, heard):
    page = f"/admin/zones/camera/{camera.pk}/change/"
    typed = {"address": f"rtsp://10.0.0.9/{PATH}", "user_name": USER, "password": PASSWORD}
    answers = [root.post(page, form(camera, address=bad)) for bad in BAD]
    assert all(answer.context["adminform"].form.errors for answer in answers)
    answers += [
        root.post(page, form(camera, **typed | {"name": ""})),
        root.post(page, form(camera, password=PASSWORD)),
    ]
    assert {answer.status_code for answer in answers} == {200}
    answers += [
        root.post(page, form(camera, **typed), follow=True),
        root.get(page),
        root.get(f"/admin/zones/camera/{camera.pk}/history/"),
        root.get(f"/admin/zones/camera/{camera.pk}/delete/"),
        root.get("/admin/zones/camera/"),
        root.get(f"/admin/accounts/store/{camera.store.pk}/change/"),
    ]
    camera.refresh_from_db()
    assert opened(camera).url == f"rtsp://{USER}:{PASSWORD}@10.0.0.9:554/{PATH}"
    shown = b"".join(answer.content for answer in answers).decode()
    assert "10.0.0.9:554, with a password" in shown
    assert WORD not in shown
    assert WORD not in whole_database()
    assert WORD not in heard()
    assert AuditEntry.objects.filter(action="camera.source_set").count() == 1


def test_a_key_for_a_write_keeps_no_trace_to_guess_a_password_from(alice, cast, settings):
    cameras = f"/api/v1/stores/{cast.store.public_id}/cameras/"
    wish, key = {"name": "Yard", "source": SECRETS}, {"Idempotency-Key": "one"}
    for _ in range(2):
        assert alice.post(cameras, wish, JSON, headers=key).status_code == 201
    told = KeptAnswer.objects.get().told
    KeptAnswer.objects.all().delete()
    Camera.objects.all().delete()
    settings.SECRET_KEY = "x" * 50
    settings.SECRET_KEY_FALLBACKS = []
    alice.force_login(cast.alice)
    assert alice.post(cameras, wish, JSON, headers=key).status_code == 201
    assert KeptAnswer.objects.get().told != told, "anybody could work it out"


# --- Exports --------------------------------------------------------------------------------------


def test_no_export_tells_of_it(camera, cast):
    source_put(camera, SECRETS)
    camera.save()
    told = io.StringIO()
    call_command("export_facts", store=cast.store.slug, stdout=told)
    call_command("dumpdata", "zones", stdout=told)
    assert camera.source in told.getvalue()
    assert WORD not in told.getvalue()


# --- Errors of ours -------------------------------------------------------------------------------


@pytest.fixture
def breaks(monkeypatch):
    """Make the sealing of a password break, with the password in its hands."""

    def seal(secret: dict[str, str], keys: Any) -> str:
        held = json.dumps(secret)
        raise RuntimeError(f"of {len(held)} characters")

    monkeypatch.setattr(sources, "seal", seal)


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "plain"])
def test_an_error_on_the_way_of_a_password_is_reported_without_it(
    root, cast, camera, breaks, heard, settings, debug
):
    settings.DEBUG = debug
    root.raise_request_exception = False
    typed = {"address": f"rtsp://10.0.0.9/{PATH}", "user_name": USER, "password": PASSWORD}
    answers = [
        root.post(f"/admin/zones/camera/{camera.pk}/change/", form(camera, **typed)),
        root.post("/admin/zones/camera/add/", form(camera, name="Yard", address=SECRETS)),
        root.put(source_of(camera), typed, JSON),
        root.post(
            f"/api/v1/stores/{cast.store.public_id}/cameras/",
            {"name": "Yard", "source": SECRETS}, JSON,
        ),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [500] * 4
    told = b"".join(answer.content for answer in answers).decode()
    logged = heard()
    assert ("Traceback" in told) is debug, "this is not the page that shows variables"
    assert "RuntimeError" in logged
    assert WORD not in told
    assert WORD not in logged


@pytest.mark.parametrize("asked", [True, False], ids=["request", "process"])
def test_an_error_while_a_source_is_opened_is_reported_without_it(
    cast, camera, monkeypatch, settings, asked
):
    """A recorder has no request; a page that reads has one that brought no password."""
    settings.DEBUG = True
    source_put(camera, SECRETS)

    def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken on purpose")

    request = RequestFactory().get("/") if asked else None
    told = []
    for what, call in (
        ("Source", lambda: opened(camera)),
        ("_judged", lambda: opened(camera)),
        ("_judged", lambda: source_put(camera, SECRETS)),
        ("_judged", lambda: services.source_asked(SECRETS, user_name="", password="")),
        ("seal", lambda: services.camera_create(store=camera.store, name="x", source=SECRETS)),
        ("seal", lambda: services.camera_add(
            store=camera.store, user=cast.alice, fields={"name": "x", "source": SECRETS})),
    ):  # fmt: skip
        with monkeypatch.context() as patched:
            patched.setattr(sources, what, breaks)
            try:
                call()
            except RuntimeError:
                reporter = ExceptionReporter(request, *sys.exc_info())
                told.append(reporter.get_traceback_text() + reporter.get_traceback_html())
    assert len(told) == 6
    assert all("broken on purpose" in text for text in told)
    # This file's own source, which reports show too, has the word's name, never the word.
    assert WORD not in "".join(told)
