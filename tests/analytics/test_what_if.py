"""A map that is not saved, tried on the ways of the last day: what it counts, and leaves alone."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from analytics.models import Bucket, DirtyDay
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.analytics.ways import follow
from tests.cast import make_cast, make_line, make_zone
from tests.tracking.doors import client_of
from tracking import what_if
from tracking.models import Run, Track, TrackingEvent
from zones.models import CountingLineVersion, Zone, ZoneVersion
from zones.services import zone_archive

pytestmark = pytest.mark.db
LEFT = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.9], [0.1, 0.9]]
RIGHT = [[0.6, 0.1], [0.9, 0.1], [0.9, 0.9], [0.6, 0.9]]


@pytest.fixture
def cast(settings: Any):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_cast()


@pytest.fixture
def shop(cast):
    """A shop with a door line across the middle and a shelf on the left."""
    shop = make_shop(cast.store)
    ZoneVersion.objects.update(vertices=LEFT)
    return shop


def in_by(facts, number: int, second: float, x: float = 0.25) -> None:
    """Somebody comes in over the line at half its height and stays before the shelf."""
    points = ((second, 0.5, 0.3), (second + 4, 0.5, 0.7), (second + 8, x, 0.7),
              (second + 18, x, 0.71), (second + 22, 0.5, 0.7))  # fmt: skip
    follow(facts, number, *_by_the_second(points))


def _by_the_second(points):
    """Walk a way by the second, as ways are kept."""
    found = []
    for (at, x, y), (until, to_x, to_y) in pairwise(points):
        parts = round(until - at)
        found += [
            (at + n, x + (to_x - x) * n / parts, y + (to_y - y) * n / parts) for n in range(parts)
        ]
    return [*found, points[-1]]


def wish(client, camera) -> dict[str, Any]:
    """Return the map that holds, as the page sends it."""
    told = client.get(f"/api/v1/cameras/{camera.public_id}/map/").json()
    drawn = [{k: v for k, v in zone.items() if k != "ended_at"} for zone in told["zones"]]
    return {"basis": told["basis"], "zones": drawn, "lines": told["lines"]}


def ask(client, camera, told):
    address = f"/api/v1/cameras/{camera.public_id}/what-if/"
    return client.post(address, json.dumps(told), content_type="application/json")


def test_the_saved_map_and_the_drawn_one_count_the_same_ways(cast, shop):
    facts = make_facts(shop)
    for number in range(3):
        in_by(facts, number, 60 * number)
    in_by(facts, 3, 200, x=0.75)
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    told["zones"][0]["vertices"] = RIGHT
    told["zones"].append({"name": "Window", "kind": "display", "vertices": LEFT})
    told["lines"] = []
    answer = ask(alice, shop.camera, told).json()
    assert (answer["ways"], answer["ways_of_day"], answer["opens_ignored"]) == (4, 4, False)
    assert answer["day"] == "2026-06-02"
    shelf, window = answer["zones"]
    assert shelf["id"] == str(shop.zone.public_id)
    assert (shelf["saved"]["stays"], shelf["drawn"]["stays"]) == (3, 1)
    assert shelf["saved"]["median_s"] == pytest.approx(14.5, abs=1)
    assert (window["id"], window["saved"], window["drawn"]["stays"]) == (None, None, 3)
    (door,) = answer["lines"]
    assert (door["saved"], door["drawn"]) == ({"entries": 4, "exits": 0}, None)


def test_nothing_is_written_and_no_number_moves(cast, shop):
    facts = make_facts(shop)
    facts.step(5)
    facts.stay(10, 20)
    facts.seen(0, 600)
    facts.commit()
    in_by(facts, 1, 5)
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    told["zones"][0] |= {"vertices": RIGHT, "name": "Renamed", "kind": "queue"}
    kinds = (Zone, ZoneVersion, CountingLineVersion, Bucket, DirtyDay, TrackingEvent, Track, Run)
    before = [list(kind._default_manager.order_by("pk").values()) for kind in kinds]
    assert ask(alice, shop.camera, told).json()["zones"][0]["name"] == "Renamed"
    assert [list(kind._default_manager.order_by("pk").values()) for kind in kinds] == before


def test_only_the_last_day_and_official_counts_and_this_camera_are_asked(cast, shop):
    yesterday = make_facts(shop, NINE_UTC - timedelta(days=1))
    in_by(yesterday, 1, 5)
    today = make_facts(shop)
    in_by(today, 1, 5)
    in_by(today, 2, 65)
    replaced = Run.objects.create(store=shop.store, recording=today.run.recording, active=False)
    row = Track.objects.filter(run=today.run).first()
    row.pk, row.run, row.public_id = None, replaced, "00000000-0000-4000-8000-000000000009"
    row.save()
    other = make_shop(shop.store, "Back")
    in_by(make_facts(other, NINE_UTC + timedelta(hours=1)), 1, 5)
    alice = client_of(cast.alice)
    answer = ask(alice, shop.camera, wish(alice, shop.camera)).json()
    assert (answer["ways"], answer["lines"][0]["drawn"]["entries"]) == (2, 2)
    assert answer["since"].startswith("2026-06-02T08:00:05")
    assert answer["until"].startswith("2026-06-02T08:01:27")


def test_the_tracks_of_one_person_are_one_way(cast, shop):
    facts = make_facts(shop)
    follow(facts, 1, (0, 0.5, 0.4), (1, 0.5, 0.5))
    follow(facts, 2, (3, 0.5, 0.7), (4, 0.5, 0.75))
    Track.objects.filter(number=2).update(chain=1)
    alice = client_of(cast.alice)
    answer = ask(alice, shop.camera, wish(alice, shop.camera)).json()
    assert (answer["ways"], answer["lines"][0]["saved"]["entries"]) == (1, 1)


def test_where_there_is_no_time_for_all_the_newest_are_taken_and_it_says_of_how_many(
    cast, shop, monkeypatch
):
    facts = make_facts(shop)
    for number in range(5):
        in_by(facts, number, 60 * number)
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    monkeypatch.setattr(what_if, "LOOKS_AT_MOST", 1)
    answer = ask(alice, shop.camera, told).json()
    assert (answer["ways"], answer["ways_of_day"]) == (1, 5)
    assert answer["since"].startswith("2026-06-02T08:04:00")
    monkeypatch.setattr(what_if, "LOOKS_AT_MOST", 10**9)
    monkeypatch.setattr(what_if, "TRACKS_AT_MOST", 3)
    answer = ask(alice, shop.camera, told).json()
    assert (answer["ways"], answer["ways_of_day"]) == (3, 5)


def test_nobody_followed_yet_is_told_apart_from_zero(cast, shop):
    alice = client_of(cast.alice)
    answer = ask(alice, shop.camera, wish(alice, shop.camera)).json()
    assert (answer["day"], answer["ways"], answer["zones"], answer["lines"]) == (None, 0, [], [])


def test_a_place_that_is_no_longer_ignored_is_said_to_be_unknown(cast, shop):
    mirror = make_zone(shop.camera, "Mirror", kind="ignore", vertices=RIGHT)
    facts = make_facts(shop)
    in_by(facts, 1, 0)
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    answer = ask(alice, shop.camera, told).json()
    assert answer["opens_ignored"] is False
    assert [zone["name"] for zone in answer["zones"]] == ["Shelf"]
    opened = next(zone for zone in told["zones"] if zone["id"] == str(mirror.public_id))
    opened["kind"] = "display"
    answer = ask(alice, shop.camera, told).json()
    assert answer["opens_ignored"] is True
    assert [(each["name"], each["saved"]) for each in answer["zones"]][1] == ("Mirror", None)


def crossing(told):
    told["zones"][0]["vertices"] = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]


def same_name(told):
    told["zones"].append(told["zones"][0] | {"id": None})


def name_of_an_ended_one(told):
    told["zones"][0]["name"] = "Old"


def two_ends_in_one(told):
    told["lines"][0]["b"] = told["lines"][0]["a"]


def another_cameras(told):
    told["lines"][0]["id"] = "00000000-0000-4000-8000-000000000001"


def no_seconds(told):
    told["zones"][0]["grace_s"] = -1


def changed_meanwhile(told):
    told["basis"] = "another"


@pytest.mark.parametrize(
    "spoil",
    [
        crossing,
        same_name,
        name_of_an_ended_one,
        two_ends_in_one,
        another_cameras,
        no_seconds,
        changed_meanwhile,
    ],
)
def test_what_a_save_refuses_is_refused_with_the_same_words(cast, shop, spoil):
    zone_archive(zone=make_zone(shop.camera, "Old"))
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    spoil(told)
    tried = ask(alice, shop.camera, told)
    address = f"/api/v1/cameras/{shop.camera.public_id}/map/"
    saved = alice.put(address, json.dumps(told), content_type="application/json")
    assert tried.status_code == saved.status_code
    assert tried.status_code in (400, 409)
    same = ("title", "detail", "code", "errors")
    assert [tried.json().get(name) for name in same] == [saved.json().get(name) for name in same]


def test_what_is_tried_may_be_saved_and_an_ended_one_may_come_back(cast, shop):
    old = make_zone(shop.camera, "Old", vertices=RIGHT)
    zone_archive(zone=old)
    facts = make_facts(shop)
    in_by(facts, 1, 0, x=0.75)
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    back = {"id": str(old.public_id), "name": "Old", "kind": "display", "vertices": RIGHT}
    told["zones"].append(back)
    answer = ask(alice, shop.camera, told).json()
    returned = answer["zones"][1]
    assert (returned["id"], returned["saved"], returned["drawn"]["stays"]) == (back["id"], None, 1)
    address = f"/api/v1/cameras/{shop.camera.public_id}/map/"
    saved = alice.put(address, json.dumps(told), content_type="application/json")
    assert saved.status_code == 200


def test_a_viewer_may_not_try_and_a_stranger_finds_no_camera(cast, shop):
    told = wish(client_of(cast.alice), shop.camera)
    assert ask(client_of(cast.bob), shop.camera, told).status_code == 403
    assert ask(client_of(cast.charlie), shop.camera, told).status_code == 404
    assert ask(client_of(None), shop.camera, told).status_code == 401


def test_it_costs_as_many_queries_for_much_as_for_little(cast, shop, django_assert_num_queries):
    facts = make_facts(shop)
    for number in range(6):
        in_by(facts, number, 60 * number)
        make_zone(shop.camera, f"zone {number}")
        make_line(shop.camera, f"line {number}")
    alice = client_of(cast.alice)
    told = wish(alice, shop.camera)
    # Session, person, camera with its store, membership; the map by four and its shapes by two;
    # the newest runs and their newest way; the day's tracks, how many they are, their runs.
    with django_assert_num_queries(15):
        assert ask(alice, shop.camera, told).status_code == 200
