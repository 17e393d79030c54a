"""A camera's map is saved as a whole: the rules of the page, held by the server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone as clock

from accounts.models import AuditEntry
from analytics.models import Bucket, DirtyDay
from tests.cast import SQUARE, make_camera, make_line, make_user, make_zone
from zones.models import Camera, CountingLineVersion, Zone, ZoneVersion
from zones.services import zone_archive, zone_redraw

pytestmark = pytest.mark.db
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]
BOW = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]
NOON = datetime(2026, 6, 2, 10, tzinfo=UTC)
JSON = "application/json"


@pytest.fixture
def camera(cast):
    camera = make_camera(cast.store)
    make_zone(camera, "till")
    make_line(camera)
    return camera


@pytest.fixture
def door(client, cast, camera):
    """Return functions that read and save the map as Alice."""
    client.force_login(cast.alice)
    address = f"/api/v1/cameras/{camera.public_id}/map/"

    class Door:
        def read(self) -> dict[str, Any]:
            return client.get(address).json()

        def wish(self, **changes: Any) -> dict[str, Any]:
            told = self.read()
            return {name: told[name] for name in ("basis", "zones", "lines")} | changes

        def save(self, wish: dict[str, Any]) -> Any:
            return client.put(address, wish, content_type=JSON)

    return Door()


def new_zone(name="table", **changes):
    return {"name": name, "kind": "display", "vertices": TRIANGLE} | changes


def new_line(name="door", **changes):
    return {
        "name": name, "kind": "inner", "a": [0.1, 0.5], "b": [0.9, 0.5], "inside_side": "left",
    } | changes  # fmt: skip


def count_some(camera: Camera) -> None:
    """Have each shape of a camera something counted, and no day behind."""
    lines = [("line", line.pk) for line in camera.lines.all()]
    for kind, subject in (*lines, *(("zone", zone.pk) for zone in camera.zones.all())):
        Bucket.objects.create(
            store=camera.store, camera=camera, subject_kind=kind, subject_id=subject,
            starts_at=NOON,
        )  # fmt: skip
    DirtyDay.objects.all().delete()


def test_what_was_read_sent_back_changes_nothing(door, camera):
    count_some(camera)
    before = door.read()
    assert door.save(door.wish()).json() == before
    assert not DirtyDay.objects.exists()
    assert ZoneVersion.objects.count() == CountingLineVersion.objects.count() == 1
    assert not AuditEntry.objects.filter(action="map.saved").exists()


def test_only_what_differs_is_written_and_puts_its_days_behind(door, camera):
    make_zone(camera, "table")
    count_some(camera)
    wish = door.wish()
    wish["zones"][0]["kind"] = "queue"
    with CaptureQueriesContext(connection) as asked:
        assert door.save(wish).status_code == 200
    written = [each["sql"] for each in asked if each["sql"].startswith("UPDATE")]
    assert sum('"zones_zone"' in sql for sql in written) == 1
    assert not any('"zones_countingline"' in sql for sql in written)
    assert DirtyDay.objects.get().touched == 1


def test_a_zone_and_a_line_are_drawn_redrawn_and_ended_in_one_save(door, camera, cast):
    wish = door.wish()
    wish["zones"][0]["vertices"] = TRIANGLE
    wish["zones"].append(new_zone(colour=5, min_dwell_s=4, grace_s=1.5))
    wish["lines"] = [new_line()]
    answer = door.save(wish)
    assert answer.status_code == 200
    told = answer.json()
    assert [(zone["name"], zone["vertices"]) for zone in told["zones"]] == [
        ("till", TRIANGLE), ("table", TRIANGLE),
    ]  # fmt: skip
    table = Zone.objects.get(name="table")
    assert (table.colour, table.min_dwell_s, table.grace_s) == (5, 4, 1.5)
    assert [line["name"] for line in told["lines"]] == ["door"]
    assert [line["name"] for line in told["ended_lines"]] == ["entrance"]
    till = Zone.objects.get(name="till")
    first, second = till.versions.all()
    assert (first.vertices, first.valid_to) == (SQUARE, second.valid_from)
    said = AuditEntry.objects.get(action="map.saved")
    assert (said.actor, said.subject) == (cast.alice, "Door")
    assert set(said.detail["changes"]) == {
        "“entrance” was ended", "“till” was redrawn", "“table” was added", "“door” was added",
    }  # fmt: skip


def test_a_line_that_is_turned_round_gets_a_version_and_keeps_its_band(door, camera):
    wish = door.wish()
    wish["lines"][0] |= {"inside_side": "left"}
    assert door.save(wish).status_code == 200
    first, second = CountingLineVersion.objects.all()
    assert (first.inside_side, second.inside_side) == ("right", "left")
    assert first.band == second.band
    assert first.valid_to == second.valid_from


@pytest.mark.parametrize(
    ("vertices", "said"),
    [
        (BOW, "crosses itself: side 1-2 meets side 3-4"),
        ([[0.1, 0.1], [0.9, 0.9]], "at least 3 vertices"),
        ([[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]], "no area"),
        ([[0.1, 0.1], [1.2, 0.5], [0.9, 0.9]], "outside the picture"),
        ([[0.1, 0.1], [0.1, 0.1], [0.9, 0.9], [0.2, 0.8]], "the same point"),
        ("nonsense", "needs a list"),
        ([[0.1, 0.1]] * 201, "at most 200"),
    ],
)
def test_an_outline_that_is_none_is_refused_in_words_and_nothing_of_the_save_is_kept(
    door, camera, vertices, said
):
    wish = door.wish(lines=[])
    wish["zones"] += [new_zone("good"), new_zone("bad", vertices=vertices)]
    answer = door.save(wish)
    assert answer.status_code == 400
    (place,) = answer.json()["errors"]
    assert place == "zones.2.vertices"
    assert said in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"
    told = door.read()
    assert [zone["name"] for zone in told["zones"]] == ["till"]
    assert len(told["lines"]) == 1


def test_everything_that_is_wrong_is_told_at_once_by_its_place(door, camera):
    wish = door.wish()
    wish["zones"] += [new_zone(" "), new_zone("b", colour=9), new_zone("c", kind="cellar")]
    errors = door.save(wish).json()["errors"]
    assert set(errors) == {"zones.1.name", "zones.2.colour", "zones.3.kind"}
    wish = door.wish(lines=[new_line(b=[0.1, 0.5])])
    wish["zones"] += [new_zone("b", vertices=BOW)]
    assert set(door.save(wish).json()["errors"]) == {"zones.1.vertices", "lines.0"}


@pytest.mark.parametrize("seconds", [-1, "nan", "inf", 10**6])
def test_times_that_are_no_times_are_refused(door, camera, seconds):
    wish = door.wish()
    wish["zones"][0]["min_dwell_s"] = seconds
    assert door.save(wish).status_code == 400


def test_unknown_fields_are_refused_and_not_taken_for_a_default(door, camera):
    wish = door.wish()
    wish["zones"][0]["min_dwel_s"] = 3
    answer = door.save(wish)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["zones.0.min_dwel_s"])


def test_two_shapes_may_swap_their_names_and_two_may_not_share_one(door, camera):
    make_zone(camera, "table")
    wish = door.wish()
    wish["zones"][0]["name"], wish["zones"][1]["name"] = "table", "till"
    assert door.save(wish).status_code == 200
    assert [zone["name"] for zone in door.read()["zones"]] == ["table", "till"]
    wish = door.wish()
    wish["zones"][0]["name"] = "till"
    answer = door.save(wish)
    assert answer.json()["errors"] == {
        "zones.1.name": ["Two have the name “till”. Give each its own."]
    }


def test_an_ended_zone_keeps_its_name_and_can_be_brought_back(door, camera):
    wish = door.wish(zones=[])
    (ended,) = door.save(wish).json()["ended_zones"]
    refused = door.save(door.wish(zones=[new_zone("till")]))
    assert refused.status_code == 400
    assert "“till” is the name of one that was ended" in refused.json()["detail"]
    ended.pop("ended_at")
    answer = door.save(door.wish(zones=[ended | {"vertices": TRIANGLE}]))
    assert answer.status_code == 200
    (zone,) = answer.json()["zones"]
    assert (zone["id"], zone["vertices"]) == (ended["id"], TRIANGLE)
    assert answer.json()["ended_zones"] == []
    first, second = ZoneVersion.objects.all()
    assert first.valid_to
    assert second.valid_from
    assert first.valid_to < second.valid_from
    assert second.valid_to is None


def test_who_saves_upon_an_older_map_overwrites_nothing(door, camera):
    old = door.wish()
    zone_redraw(zone=camera.zones.get(), vertices=TRIANGLE)
    answer = door.save(old)
    assert (answer.status_code, answer.json()["code"]) == (409, "map_changed")
    assert camera.zones.get().versions.count() == 2
    assert door.save(door.wish()).status_code == 200


@pytest.mark.parametrize("change", ["name", "kind", "colour", "min_dwell_s", "grace_s"])
def test_any_change_of_a_zone_is_another_state_of_the_map(door, camera, change):
    basis = door.read()["basis"]
    value = {"name": "x", "kind": "queue", "colour": 4}.get(change, 7)
    Zone.objects.update(**{change: value})
    assert door.read()["basis"] != basis


def test_a_shape_of_another_camera_is_not_taken(door, camera, cast):
    foreign = make_zone(make_camera(cast.elsewhere), "far")
    wish = door.wish()
    wish["zones"].append(new_zone(id=str(foreign.public_id)))
    answer = door.save(wish)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["zones.1.id"])
    twice = door.wish()
    twice["zones"].append(twice["zones"][0] | {"name": "again"})
    assert door.save(twice).status_code == 400


def test_only_managers_save_viewers_read_and_strangers_find_nothing(client, cast, camera):
    address = f"/api/v1/cameras/{camera.public_id}/map/"
    assert client.get(address).status_code == 401
    client.force_login(cast.bob)
    told = client.get(address).json()
    wish = {name: told[name] for name in ("basis", "zones", "lines")}
    refused = client.put(address, wish | {"zones": []}, content_type=JSON)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    client.force_login(cast.charlie)
    assert client.get(address).status_code == 404
    assert client.put(address, wish, content_type=JSON).status_code == 404
    assert len(camera.zones.filter(archived_at=None)) == 1


def test_the_versions_say_what_was_changed_and_what_was_drawn_then(door, camera):
    now = clock.now()
    for table, minutes in ((ZoneVersion, 90), (CountingLineVersion, 90)):
        table.objects.update(created_at=now - timedelta(minutes=minutes))
    zone_redraw(zone=camera.zones.get(), vertices=TRIANGLE, at=now - timedelta(minutes=30))
    ZoneVersion.objects.filter(valid_to=None).update(created_at=now - timedelta(minutes=30))
    zone_archive(zone=camera.zones.get())
    newest, middle, first = door.read()["history"]
    assert newest["changes"] == ["“till” was ended"]
    assert (newest["zones"], len(newest["lines"])) == ([], 1)
    assert middle["changes"] == ["“till” was redrawn"]
    assert middle["zones"][0]["vertices"] == TRIANGLE
    assert first["changes"] == ["“till” and “entrance” were added"]
    assert first["zones"][0]["vertices"] == SQUARE


def test_the_versions_name_who_drew_them_and_who_ended_them(client, door, camera, cast):
    """Whatever way they took: the page, one shape by the API, or a program, which has no name."""
    for table in (ZoneVersion, CountingLineVersion):
        table.objects.update(created_at=NOON)
    type(cast.alice).objects.filter(pk=cast.alice.pk).update(first_name="Mia", last_name="Okafor")
    assert door.read()["history"][0]["by"] == []
    (zone,), (line,) = door.read()["zones"], door.read()["lines"]
    drawn = [zone | {"vertices": TRIANGLE}, new_zone()]
    assert door.save(door.wish(zones=drawn, lines=[])).status_code == 200
    assert door.read()["history"][0]["by"] == ["Mia Okafor"]
    first, second = client.get(f"/api/v1/zones/{zone['id']}/versions/").json()["results"]
    assert (first["drawn_by"], first["ended_by"]) == (None, "Mia Okafor")
    assert (second["drawn_by"], second["ended_by"]) == ("Mia Okafor", None)
    (ended,) = client.get(f"/api/v1/lines/{line['id']}/versions/").json()["results"]
    assert ended["ended_by"] == "Mia Okafor"
    address = f"/api/v1/zones/{zone['id']}/"
    assert client.patch(address, {"vertices": SQUARE}, content_type=JSON).status_code == 200
    newest = ZoneVersion.objects.get(zone__public_id=zone["id"], valid_to=None)
    assert newest.drawn_by == cast.alice
    # Who goes takes nothing along that explains a number.
    cast.alice.delete()
    assert ZoneVersion.objects.get(pk=newest.pk).drawn_by is None


def test_who_draws_in_the_administration_is_named_too(client, cast, camera):
    chief = make_user("chief", is_staff=True, is_superuser=True)
    client.force_login(chief)
    zone, line = camera.zones.get(), camera.lines.get()
    inlines = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    told = {
        "camera": camera.pk, "name": "till", "kind": "display", "colour": 1, "min_dwell_s": 0,
        "grace_s": 2, "min_inside_s": 0.5, "vertices": json.dumps(TRIANGLE),
    }  # fmt: skip
    answer = client.post(f"/admin/zones/zone/{zone.pk}/change/", told | inlines)
    assert answer.status_code == 302
    assert zone.versions.get(valid_to=None).drawn_by == chief
    for table in (ZoneVersion, CountingLineVersion):
        table.objects.update(created_at=NOON)
    chosen = {"action": "archive", "_selected_action": [line.pk]}
    assert client.post("/admin/zones/countingline/", chosen).status_code == 302
    assert line.versions.get().ended_by == chief
    newest = client.get(f"/api/v1/cameras/{camera.public_id}/map/").json()["history"][0]
    assert (newest["changes"], newest["by"]) == (["“entrance” was ended"], ["chief"])


def test_the_map_costs_the_same_for_much_as_for_little(
    client, cast, camera, django_assert_num_queries
):
    client.force_login(cast.bob)
    for number in range(6):
        zone = make_zone(camera, f"zone {number}")
        zone_redraw(zone=zone, vertices=TRIANGLE)
        make_line(camera, f"line {number}")
    # Session, person, camera with its store, zones and lines with their versions.
    with django_assert_num_queries(7):
        assert client.get(f"/api/v1/cameras/{camera.public_id}/map/").status_code == 200
