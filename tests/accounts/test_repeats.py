"""A write that is sent twice with one key is done once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone as clock

from accounts import repeats
from accounts.models import AuditEntry, KeptAnswer, Membership
from tests.cast import SQUARE, make_camera, make_cast
from tests.tracking.test_locks import at_once
from zones import camera_api
from zones.models import Camera, Zone

pytestmark = pytest.mark.db
JSON = "application/json"
WISH = {"name": "Shelf", "kind": "display", "vertices": SQUARE}


def send(client, camera, key="k-1", **changes):
    headers = {"Idempotency-Key": key} if key else {}
    address = f"/api/v1/cameras/{camera.public_id}/zones/"
    return client.post(address, WISH | changes, content_type=JSON, headers=headers)


@pytest.fixture
def camera(cast):
    return make_camera(cast.store)


def test_the_same_key_brings_the_first_answer_and_does_nothing(client, cast, camera):
    client.force_login(cast.alice)
    first, again = send(client, camera), send(client, camera)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["ETag"] == first["ETag"]
    assert (first.headers.get(repeats.REPLAYED), again[repeats.REPLAYED]) == (None, "true")
    assert Zone.objects.count() == 1
    assert AuditEntry.objects.filter(action="map.saved").count() == 1
    # Without a key the name is taken.
    assert send(client, camera, key="").status_code == 400


def test_the_same_key_with_another_request_is_refused(client, cast, camera):
    client.force_login(cast.alice)
    send(client, camera)
    other = send(client, camera, name="Desk")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = send(client, make_camera(cast.store, "Yard"))
    assert elsewhere.status_code == 422
    assert Zone.objects.count() == 1
    # The order of fields is no other request.
    address = f"/api/v1/cameras/{camera.public_id}/zones/"
    turned = client.post(
        address, dict(reversed(WISH.items())), content_type=JSON,
        headers={"Idempotency-Key": "k-1"},
    )  # fmt: skip
    assert turned.status_code == 201


def test_a_write_that_was_refused_leaves_its_key_free(client, cast, camera):
    client.force_login(cast.alice)
    assert send(client, camera, vertices=[[0, 0], [1, 1]]).status_code == 400
    assert not KeptAnswer.objects.exists()
    assert send(client, camera).status_code == 201


def test_a_write_that_breaks_leaves_nothing(client, cast, camera, monkeypatch):
    client.force_login(cast.alice)
    client.raise_request_exception = False

    def broken(*_args, **_kwargs):
        raise RuntimeError("after the write")

    with monkeypatch.context() as patch:
        patch.setattr(repeats, "_keep", broken)
        assert send(client, camera).status_code == 500
    assert (Zone.objects.count(), KeptAnswer.objects.count()) == (0, 0)
    assert send(client, camera).status_code == 201


def test_keys_are_their_senders_own_and_kept_for_a_day(client, cast, camera):
    Membership.objects.filter(user=cast.bob).update(role=Membership.Role.MANAGER)
    client.force_login(cast.alice)
    send(client, camera)
    client.force_login(cast.bob)
    assert send(client, camera).status_code == 400, "another person's key says nothing"
    client.force_login(cast.alice)
    KeptAnswer.objects.update(created_at=clock.now() - timedelta(hours=25))
    assert send(client, camera).status_code == 400, "the name is taken, and the key is forgotten"
    assert send(client, camera, key="k-2", name="Desk").status_code == 201
    assert [kept.key for kept in KeptAnswer.objects.all()] == ["k-2"]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), (None, 404)])
def test_whoever_manages_no_more_is_not_told_the_answer_again(client, cast, camera, role, status):
    client.force_login(cast.alice)
    assert send(client, camera).status_code == 201
    held = Membership.objects.filter(user=cast.alice)
    held.update(role=role) if role else held.delete()
    assert send(client, camera).status_code == status


@pytest.mark.parametrize("key", [" ", "a b", "x" * 101, "schlüssel", "\x01"])
def test_a_key_that_is_none_is_refused(client, cast, camera, key):
    client.force_login(cast.alice)
    told = send(client, camera, key=key)
    assert (told.status_code, told.json()["code"]) == (400, "bad_idempotency_key")
    assert not Zone.objects.exists()


def test_a_write_that_is_too_slow_for_one_transaction_is_done_once_too(client, cast, monkeypatch):
    """Announced first, answered last: in between others are asked to wait."""
    from accounts.doors import WRITES
    from zones.camera_api import CamerasView

    assert "POST" in WRITES
    monkeypatch.setattr(CamerasView, "keyed", "apart")
    client.force_login(cast.alice)
    address, headers = f"/api/v1/stores/{cast.store.public_id}/cameras/", {"Idempotency-Key": "k"}

    def make(name="Yard"):
        return client.post(address, {"name": name}, content_type=JSON, headers=headers)

    first = make()
    assert make().json() == first.json()
    assert make("Other").status_code == 422
    KeptAnswer.objects.update(status=0, answer="")
    waiting = make()
    assert (waiting.status_code, waiting.json()["code"]) == (409, "still_answering")
    assert int(waiting["Retry-After"]) > 0
    KeptAnswer.objects.update(created_at=clock.now() - timedelta(minutes=4))
    assert make().status_code == 409, "a request may take five minutes"
    KeptAnswer.objects.update(created_at=clock.now() - timedelta(minutes=7))
    # The first one died: this one does it, and finds the name taken.
    assert make().status_code == 400
    assert not KeptAnswer.objects.exists()
    assert Camera.objects.filter(store=cast.store).count() == 1


@pytest.fixture
def make(client, cast, monkeypatch):
    """Make a camera by a slow write, always with the same key."""
    from zones.camera_api import CamerasView

    monkeypatch.setattr(CamerasView, "keyed", "apart")
    client.force_login(cast.alice)
    address, headers = f"/api/v1/stores/{cast.store.public_id}/cameras/", {"Idempotency-Key": "k"}
    return lambda: client.post(address, {"name": "Yard"}, content_type=JSON, headers=headers)


@pytest.mark.parametrize("late_name", ["Yard", "Late"])
def test_who_was_taken_for_dead_leaves_the_answer_of_the_other_one(
    make, cast, monkeypatch, late_name
):
    """It fails late, since the name is taken, or it answers late with something else."""
    real, answers = camera_api.camera_add, []

    def slow(*, store, user, fields):
        monkeypatch.setattr(camera_api, "camera_add", real)
        KeptAnswer.objects.update(created_at=clock.now() - timedelta(minutes=7))
        answers.append(make())
        return real(store=store, user=user, fields=fields | {"name": late_name})

    monkeypatch.setattr(camera_api, "camera_add", slow)
    assert make().status_code == (400 if late_name == "Yard" else 201)
    (other,) = answers
    assert other.status_code == 201
    again = make()
    assert (again.status_code, again[repeats.REPLAYED]) == (201, "true")
    assert again.json() == other.json()


def test_of_two_that_take_a_dead_one_over_one_does_it(make, cast, monkeypatch):
    make()
    KeptAnswer.objects.update(status=0, answer="", created_at=clock.now() - timedelta(minutes=7))
    real = repeats._taken

    def read(*args):
        found = real(*args)
        KeptAnswer.objects.update(created_at=clock.now())  # the other one was faster
        return found

    monkeypatch.setattr(repeats, "_taken", read)
    late = make()
    assert (late.status_code, late.json()["code"]) == (409, "still_answering")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there one transaction writes at a time")
@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_one_is_done_and_all_are_told_the_same():
    cast = make_cast()
    cameras = [make_camera(cast.store, f"Camera {number}") for number in range(5)]
    for number, camera in enumerate(cameras):
        told = []

        def one(camera=camera, number=number, told=told):
            client = Client(raise_request_exception=False)
            client.force_login(cast.alice)
            told.append(send(client, camera, key=f"race-{number}"))

        assert at_once([one] * 8) == []
        assert {answer.status_code for answer in told} == {201}, [a.content for a in told]
        assert len({answer.json()["id"] for answer in told}) == 1
        assert sum(repeats.REPLAYED in answer.headers for answer in told) == 7
        assert camera.zones.count() == 1
