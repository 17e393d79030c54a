"""The Zones page: what each person finds there, and what it costs."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone as clock

from analytics.calendar import floor_bucket
from tests.cast import make_camera, make_line, make_zone
from tests.pages.rows import make_hour, make_recording, make_run
from zones.models import Zone
from zones.services import zone_archive

pytestmark = pytest.mark.django_db
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


@pytest.fixture
def camera(cast):
    camera = make_camera(cast.store, "Floor")
    make_zone(camera, "Till", kind="queue", colour=3)
    make_line(camera, "Front door")
    return camera


def zones_page(store, **query):
    return reverse("analytics:zones", kwargs={"store_slug": store.slug}, query=query or None)


def embedded(text, name):
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', text)
    assert found, f"no {name} on the page"
    return json.loads(found[1])


def test_a_manager_may_draw_and_a_viewer_finds_no_tool(cast, as_user, camera):
    tools = ("data-tools", "data-save", "data-undo", "data-snap", "data-new-zone", "data-discard")
    for user, there in ((cast.alice, True), (cast.bob, False)):
        text = as_user(user).get(zones_page(cast.store)).content.decode()
        assert [sign in text for sign in tools] == [there] * len(tools)
        assert embedded(text, "page-context")["role"] == ("manager" if there else "viewer")
        assert "Till" in text
        assert 'points="0.1000,0.1000 0.9000,0.1000' in text


def test_the_page_hands_its_scripts_the_very_answers_of_the_api(cast, as_user, camera):
    client = as_user(cast.bob)
    text = client.get(zones_page(cast.store)).content.decode()
    address = f"/api/v1/cameras/{camera.public_id}/"
    assert embedded(text, "camera-map") == client.get(f"{address}map/").json()
    assert embedded(text, "camera-today") == client.get(f"{address}today/").json()
    kinds = embedded(text, "page-context")["kinds"]
    assert [kind["value"] for kind in kinds["zone"]] == list(Zone.Kind.values)
    assert all(kind["why"] for kinds_of in kinds.values() for kind in kinds_of)


def test_todays_numbers_stand_beside_the_shapes_and_a_dash_where_nobody_looked(cast, as_user):
    camera = make_camera(cast.store, "Floor")
    make_line(camera, "Front door")
    client = as_user(cast.bob)
    row = re.compile(r'Front door</span>.*?<b class="num">(.*?)</b>')
    assert row.findall(client.get(zones_page(cast.store)).content.decode()) == ["—"]
    make_hour(cast.store, floor_bucket(clock.now()), entries=7, minutes=5)
    assert row.findall(client.get(zones_page(cast.store)).content.decode()) == ["7"]


def test_the_camera_is_chosen_by_the_address_and_a_foreign_one_is_404(cast, as_user, camera):
    second = make_camera(cast.store, "Back room")
    make_zone(second, "Shelf")
    foreign = make_camera(cast.elsewhere, "Back door of others")
    client = as_user(cast.alice)
    text = client.get(zones_page(cast.store, camera=second.public_id)).content.decode()
    assert embedded(text, "camera-map")["camera"]["name"] == "Back room"
    assert "Shelf" in text
    assert "Back door of others" not in text
    for nothing in (foreign.public_id, "nonsense"):
        assert client.get(zones_page(cast.store, camera=nothing)).status_code == 404


def test_without_a_camera_the_page_says_what_to_do(cast, as_user):
    text = as_user(cast.alice).get(zones_page(cast.store)).content.decode()
    assert "No camera yet" in text
    assert "Add a video" in text
    assert "js/pages/zones" not in text
    assert "Add a video" not in as_user(cast.bob).get(zones_page(cast.store)).content.decode()


def test_ended_zones_are_handed_over_apart(cast, as_user, camera):
    zone_archive(zone=camera.zones.get())
    text = as_user(cast.alice).get(zones_page(cast.store)).content.decode()
    told = embedded(text, "camera-map")
    assert told["zones"] == []
    assert [zone["name"] for zone in told["ended_zones"]] == ["Till"]


def test_names_from_people_are_text_and_never_markup(cast, as_user):
    camera = make_camera(cast.store, "<script>alert(1)</script>")
    make_zone(camera, "</script><script>alert(2)</script>")
    text = as_user(cast.alice).get(zones_page(cast.store)).content.decode()
    assert "<script>alert" not in text


def test_the_page_reads_no_event_and_costs_the_same_for_much_as_for_little(
    cast, as_user, camera, django_assert_num_queries
):
    client = as_user(cast.alice)
    make_run(make_recording(cast.store))
    for number in range(6):
        make_zone(camera, f"zone {number}")
        make_line(camera, f"line {number}")
    client.get(zones_page(cast.store))
    with django_assert_num_queries(17) as told:
        client.get(zones_page(cast.store))
    assert not [each for each in told if "trackingevent" in each["sql"]]
