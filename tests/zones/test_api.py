"""The cameras of a store with what is drawn on them, through the API."""

from __future__ import annotations

import uuid

import pytest

from tests.cast import SQUARE, make_camera, make_line, make_user, make_zone
from zones.services import line_archive, zone_redraw

pytestmark = pytest.mark.db

TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


def address(store) -> str:
    return f"/api/v1/stores/{store.public_id}/cameras/"


@pytest.fixture
def camera(cast):
    camera = make_camera(cast.store, source="rtsp://admin:secret-word@10.0.0.7/1")
    zone_redraw(zone=make_zone(camera), vertices=TRIANGLE)
    make_line(camera, inside_side="left")
    return camera


def test_a_viewer_reads_cameras_with_the_shapes_that_hold_now(client, cast, camera):
    line_archive(line=make_line(camera, "old"))
    client.force_login(cast.bob)
    (found,) = client.get(address(cast.store)).json()["results"]
    zone, line = camera.zones.get(), camera.lines.get(name="entrance")
    assert found == {
        "id": str(camera.public_id),
        "name": "Door",
        "detector": "auto",
        "clothing_colours": False,
        "final_count": "live",
        "has_source": True,
        "watch": None,
        "source_kind": "rtsp",
        "recording": True,
        "keep_video_h": 72,
        "ignore_masks": [],
        "zones": [
            {
                "id": str(zone.public_id),
                "name": "till",
                "kind": "display",
                "colour": 1,
                "vertices": TRIANGLE,
                "min_dwell_s": 0.0,
                "grace_s": 2.0,
            }
        ],
        "lines": [
            {
                "id": str(line.public_id),
                "name": "entrance",
                "kind": "entrance",
                "a": [0.2, 0.6],
                "b": [0.8, 0.6],
                "inside_side": "left",
            }
        ],
    }


def test_nobody_reads_a_cameras_address_not_even_an_administrator(client, cast, camera):
    for person in (cast.alice, make_user("root", is_staff=True, is_superuser=True)):
        client.force_login(person)
        assert "secret-word" not in client.get(address(cast.store)).content.decode()


def test_a_foreign_stores_cameras_are_404_like_those_of_no_store(client, cast, camera):
    client.force_login(cast.charlie)
    foreign = client.get(address(cast.store))
    missing = client.get(f"/api/v1/stores/{uuid.uuid4()}/cameras/")
    assert foreign.status_code == missing.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    assert client.get(address(cast.elsewhere)).json()["results"] == []


def test_without_a_log_in_there_is_no_answer(client, cast, camera):
    assert client.get(address(cast.store)).status_code == 401


def test_the_list_costs_the_same_for_one_camera_and_for_six(
    client, cast, camera, django_assert_num_queries
):
    client.force_login(cast.bob)
    for number in range(5):
        more = make_camera(cast.store, f"Camera {number}")
        make_zone(more, vertices=SQUARE)
        make_line(more)
    # Session, person, store, cameras, zones and lines with their versions.
    with django_assert_num_queries(8):
        assert len(client.get(address(cast.store)).json()["results"]) == 6
