"""Cameras, zones and lines one by one: upon the services that save a map as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from tests.cast import SQUARE, make_camera, make_line, make_zone
from zones import one_shape, shape_api
from zones.models import Camera, Zone
from zones.services import zone_archive
from zones.shape_api import ZonesView
from zones.sources import opened

pytestmark = pytest.mark.db
JSON = "application/json"
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]
BOW = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]
SECRET = "rtsp://admin:secret-word@10.0.0.7/1"


@pytest.fixture
def camera(cast):
    camera = make_camera(cast.store)
    make_zone(camera, "till")
    make_line(camera)
    return camera


@pytest.fixture
def api(client, cast):
    client.force_login(cast.alice)

    def ask(method: str, address: str, body: Any = None, **headers: str) -> Any:
        given = {} if body is None else {"data": body, "content_type": JSON}
        return getattr(client, method)(f"/api/v1/{address}", **given, headers=headers)

    return ask


def test_a_zone_is_drawn_changed_redrawn_and_ended(api, camera):
    wish = {"name": "Shelf", "kind": "display", "vertices": SQUARE, "min_dwell_s": 3}
    made = api("post", f"cameras/{camera.public_id}/zones/", wish)
    assert made.status_code == 201, made.content
    told = made.json()
    assert told | wish == told
    assert (told["camera"], told["ended_at"]) == (str(camera.public_id), None)
    address = f"zones/{told['id']}/"
    assert api("get", address).json() == told
    changed = api("patch", address, {"vertices": TRIANGLE, "name": "Desk"}).json()
    assert changed == told | {"vertices": TRIANGLE, "name": "Desk"}
    versions = api("get", f"{address}versions/").json()["results"]
    assert [version["vertices"] for version in versions] == [SQUARE, TRIANGLE]
    assert versions[0]["valid_to"] == versions[1]["valid_from"]
    assert api("delete", address).status_code == 204
    assert api("get", address).json()["ended_at"] is not None
    late = api("patch", address, {"name": "Back"})
    assert (late.status_code, late.json()["code"]) == (409, "shape_ended")
    names = lambda **q: [  # noqa: E731
        row["name"]
        for row in api("get", f"cameras/{camera.public_id}/zones/" + q.get("query", "")).json()[
            "results"
        ]
    ]
    assert names() == ["till"]
    assert names(query="?ended=with") == ["till", "Desk"]
    entries = AuditEntry.objects.filter(action="map.saved").order_by("pk")
    assert [entry.detail["changes"] for entry in entries] == [
        ["“Shelf” was added"], ["“Shelf”: name changed", "“Desk” was redrawn"],
        ["“Desk” was ended"],
    ]  # fmt: skip


def test_a_line_is_drawn_turned_round_and_ended(api, camera):
    wish = {"name": "Back", "kind": "inner", "a": [0.1, 0.5], "b": [0.9, 0.5]}
    told = api("post", f"cameras/{camera.public_id}/lines/", wish | {"inside_side": "left"}).json()
    address = f"lines/{told['id']}/"
    turned = api("patch", address, {"inside_side": "right"}).json()
    assert turned == told | {"inside_side": "right"}
    sides = [one["inside_side"] for one in api("get", f"{address}versions/").json()["results"]]
    assert sides == ["left", "right"]
    assert api("delete", address).status_code == 204
    lines = api("get", f"cameras/{camera.public_id}/lines/").json()["results"]
    assert [line["name"] for line in lines] == ["entrance"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"vertices": BOW}, "vertices"),
        ({"vertices": SQUARE[:2]}, "vertices"),
        ({"vertices": [[0, 0], [2, 0], [1, 1]]}, "vertices"),
        ({"name": "till"}, "name"),
        ({"kind": "cellar"}, "kind"),
        ({"colour": 9}, "colour"),
    ],
)
def test_what_is_wrong_is_told_by_the_field_of_that_one(api, camera, wish, field):
    told = {"name": "Shelf", "kind": "display", "vertices": SQUARE} | wish
    answer = api("post", f"cameras/{camera.public_id}/zones/", told)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert camera.zones.count() == 1


def test_changing_one_leaves_the_others_as_they_were(api, camera):
    make_zone(camera, "shelf", vertices=TRIANGLE)
    before = api("get", f"cameras/{camera.public_id}/map/").json()
    zone = camera.zones.get(name="shelf")
    api("patch", f"zones/{zone.public_id}/", {"colour": 7})
    after = api("get", f"cameras/{camera.public_id}/map/").json()
    assert [one for one in after["zones"] if one["name"] == "till"] == [
        one for one in before["zones"] if one["name"] == "till"
    ]
    assert after["lines"] == before["lines"]
    assert zone.versions.count() == 1


def test_one_more_than_there_may_be_is_refused_also_where_two_come_at_once(
    api, camera, monkeypatch
):
    """Another one is drawn while this one waits for the camera."""
    real = one_shape.map_hold

    def waited(pk: int) -> None:
        make_zone(camera, "meanwhile", vertices=TRIANGLE)
        real(pk)

    monkeypatch.setattr(ZonesView, "most", 2)
    monkeypatch.setattr(one_shape, "map_hold", waited)
    wish = {"name": "Shelf", "kind": "display", "vertices": SQUARE}
    late = api("post", f"cameras/{camera.public_id}/zones/", wish)
    assert (late.status_code, late.json().get("code")) == (409, "too_many_shapes")
    assert not camera.zones.filter(name="Shelf").exists()


@pytest.mark.parametrize("ended", ["with", "without"])
def test_a_zone_drawn_while_a_page_is_made_stands_on_the_next(api, camera, monkeypatch, ended):
    real = shape_api.camera_map

    def read(found: Camera) -> Any:
        told = real(found)
        make_zone(camera, "meanwhile", vertices=TRIANGLE)
        return told

    address = f"cameras/{camera.public_id}/zones/?ended={ended}"
    with monkeypatch.context() as patch:
        patch.setattr(shape_api, "camera_map", read)
        page = api("get", address)
    assert [row["name"] for row in page.json()["results"]] == ["till"]
    names = [row["name"] for row in api("get", address).json()["results"]]
    assert names == ["till", "meanwhile"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there the database is locked as a whole")
def test_counting_goes_on_while_a_camera_is_changed_and_not_while_it_is_removed(api, camera):
    """Rows that name the camera take its key alone: KEY SHARE goes with NO KEY UPDATE."""
    for method, body, lock in (
        ("patch", {"name": "Door"}, "FOR NO KEY UPDATE"), ("delete", None, "FOR UPDATE"),
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as asked:
            assert api(method, f"cameras/{camera.public_id}/", body).status_code < 300
        (held,) = (query["sql"] for query in asked if " OF " in query["sql"])
        assert lock in held


def test_a_page_of_zones_costs_the_same_for_much_as_for_little(client, cast, camera):
    client.force_login(cast.bob)
    address = f"/api/v1/cameras/{camera.public_id}/zones/?ended=with"
    costs = []
    for number in range(2):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        costs.append(len(asked))
        for more in range(5):
            zone = make_zone(camera, f"zone {number} {more}")
            zone_archive(zone=zone)
    assert costs[0] == costs[1] == 8


# --- Cameras --------------------------------------------------------------------------------------


def test_a_camera_is_made_and_its_address_never_comes_out(api, cast):
    wish = {"name": "Yard", "source": SECRET, "final_count": "recording"}
    made = api("post", f"stores/{cast.store.public_id}/cameras/", wish)
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["has_source"], told["final_count"]) == (True, "recording")
    camera = Camera.objects.get(public_id=told["id"])
    assert opened(camera).url == "rtsp://admin:secret-word@10.0.0.7:554/1"
    renamed = api("patch", f"cameras/{told['id']}/", {"name": "Gate"})
    assert renamed.json() == told | {"name": "Gate"}
    assert api("patch", f"cameras/{told['id']}/", {"source": ""}).json()["has_source"] is False
    log = str(list(AuditEntry.objects.values()))
    assert "secret-word" not in made.content.decode() + renamed.content.decode() + log
    assert {entry.action for entry in AuditEntry.objects.all()} >= {"camera.made", "camera.changed"}


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"source": "file:///etc/passwd"}, "source"),
        ({"detector": "none-such"}, "detector"),
        ({"detector_settings": {"model": "x"}}, "detector_settings"),
        ({"ignore_masks": [[[0, 0], [1, 1]]]}, "ignore_masks"),
        ({"ignore_masks": "x"}, "ignore_masks"),
        ({"name": "Door"}, "non_field_errors"),
        ({"store": "x"}, "store"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(api, cast, camera, wish, field):
    answer = api("post", f"stores/{cast.store.public_id}/cameras/", {"name": "Yard"} | wish)
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["errors"]) == [field]
    assert Camera.objects.count() == 1


def test_a_camera_that_saw_nothing_is_removed_with_what_is_drawn(api, camera):
    assert api("delete", f"cameras/{camera.public_id}/").status_code == 204
    assert not Camera.objects.exists()
    assert not Zone.objects.exists()
    assert AuditEntry.objects.filter(action="camera.removed", subject="Door").exists()


def test_a_camera_that_has_seen_something_is_kept(api, cast):
    from tests.analytics.shop import make_facts, make_shop

    shop = make_shop(cast.store, "Front")
    facts = make_facts(shop)
    address = f"cameras/{shop.camera.public_id}/"
    told = api("delete", address)
    assert (told.status_code, told.json()["code"]) == (409, "camera_in_use")
    facts.step(5)
    facts.commit()
    assert api("delete", address).status_code == 409
    assert Camera.objects.filter(pk=shop.camera.pk).exists()


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_viewer_changes_nothing_and_charlie_finds_nothing(client, cast, camera, method):
    zone, line = camera.zones.get(), camera.lines.get()
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        client.force_login(person)
        for address in (
            f"cameras/{camera.public_id}/", f"zones/{zone.public_id}/", f"lines/{line.public_id}/"
        ):  # fmt: skip
            told = getattr(client, method)(
                f"/api/v1/{address}", {"name": "mine"}, content_type=JSON
            )
            assert told.status_code == status, (address, person)
            assert (client.get(f"/api/v1/{address}").status_code == 404) is (status == 404)
