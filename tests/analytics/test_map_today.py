"""Today's numbers of what is drawn on a camera: from buckets, null where nobody looked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analytics.map_numbers import map_today
from analytics.zone_stays import zone_stays
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.cast import make_cast, make_line, make_zone
from tracking.models import Recording, Run, Track
from tracking.overlay import pack_path
from tracking.track_ends import track_ends

pytestmark = pytest.mark.db
HOUR = timedelta(hours=1)


@pytest.fixture
def cast(settings: Any):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_cast()


@pytest.fixture
def shop(cast):
    return make_shop(cast.store)


def test_zones_have_their_stays_and_lines_their_steps_of_today_alone(shop):
    quiet = make_zone(shop.camera, "Quiet")
    inner = make_line(shop.camera, "Inner", kind="inner")
    yesterday = make_facts(shop, NINE_UTC - timedelta(days=1))
    yesterday.stay(10, 40)
    yesterday.step(10)
    yesterday.seen(0, 3600)
    yesterday.commit()
    facts = make_facts(shop)
    facts.stay(10, 40)
    facts.stay(100, 44)
    facts.stay(200, 7, censored=True)
    facts.step(10)
    facts.step(11)
    facts.step(20, "out")
    facts.step(30, line=inner)
    facts.seen(0, 3600)
    facts.commit()
    told = map_today(shop.camera, NINE_UTC + HOUR)
    assert told.seen
    assert {zone.id: zone.stays for zone in told.zones} == {
        shop.zone.public_id: 3, quiet.public_id: 0,
    }  # fmt: skip
    median = next(zone.median_s for zone in told.zones if zone.id == shop.zone.public_id)
    assert median is not None
    assert 30 <= median <= 45
    assert {line.id: (line.entries, line.exits) for line in told.lines} == {
        shop.line.public_id: (2, 1), inner.public_id: (1, 0),
    }  # fmt: skip


def test_where_nobody_looked_there_is_no_zero(shop):
    told = map_today(shop.camera, NINE_UTC)
    assert not told.seen
    assert [zone.stays for zone in told.zones] == [None]
    assert [(line.entries, line.exits) for line in told.lines] == [(None, None)]


def test_what_a_counter_tells_of_one_shape_says_nothing_of_the_others(shop):
    make_zone(shop.camera, "Quiet")
    facts = make_facts(shop)
    facts.stay(10, 40)
    facts.commit()
    told = map_today(shop.camera, NINE_UTC + HOUR)
    of_zone = {zone.id: zone.stays for zone in told.zones}
    assert of_zone.pop(shop.zone.public_id) == 1
    assert list(of_zone.values()) == [None]
    assert [(line.entries, line.exits) for line in told.lines] == [(None, None)]
    dashboard = zone_stays(shop.store, told.day, told.day)
    assert {each.zone.public_id: each.stays for each in dashboard} == {
        zone.id: zone.stays for zone in told.zones
    }


def test_the_numbers_cost_the_same_for_much_as_for_little(
    client, cast, shop, django_assert_num_queries
):
    client.force_login(cast.bob)
    for number in range(5):
        make_zone(shop.camera, f"zone {number}")
        make_line(shop.camera, f"line {number}")
    # Session, person, camera with its store, buckets, zones, lines.
    with django_assert_num_queries(6):
        answer = client.get(f"/api/v1/cameras/{shop.camera.public_id}/today/")
    assert len(answer.json()["zones"]) == 6


def make_track(run: Run, number: int, points: list[tuple[int, float, float]]) -> None:
    at = NINE_UTC + timedelta(seconds=number)
    Track.objects.create(
        public_id=f"{number:08d}-0000-4000-8000-000000000000", run=run, number=number,
        chain=number, started_at=at, ended_at=at + timedelta(seconds=9), path=pack_path(points),
    )  # fmt: skip


def test_starts_and_ends_are_those_of_official_tracks_newest_first(client, cast, shop):
    run = make_facts(shop).run
    make_track(run, 1, [(0, 0.5, 0.25), (500, 0.6, 0.3), (4000, 0.75, 1.0)])
    make_track(run, 2, [(0, 0.1, 0.1), (5000, 0.9, 0.9)])
    make_track(run, 3, [(0, 0.4, 0.4), (300, 0.4, 0.41)])  # a flicker
    old = Run.objects.create(store=shop.store, recording=run.recording, active=False)
    make_track(old, 4, [(0, 0.2, 0.2), (5000, 0.3, 0.3)])
    other = make_shop(shop.store, "Back")
    make_track(make_facts(other).run, 5, [(0, 0.2, 0.2), (5000, 0.3, 0.3)])
    found = track_ends(shop.camera)
    assert found.starts == [pytest.approx((0.1, 0.1)), pytest.approx((0.5, 0.25), abs=1e-4)]
    assert found.ends == [pytest.approx((0.9, 0.9)), pytest.approx((0.75, 1.0), abs=1e-4)]
    client.force_login(cast.bob)
    told = client.get(f"/api/v1/cameras/{shop.camera.public_id}/track-ends/").json()
    assert told["starts"] == [list(place) for place in found.starts]


def test_a_damaged_path_spoils_its_own_dot_alone(shop):
    run = make_facts(shop).run
    make_track(run, 1, [(0, 0.1, 0.1), (5000, 0.9, 0.9)])
    make_track(run, 2, [(0, 0.1, 0.1), (5000, 0.9, 0.9)])
    Track.objects.filter(number=2).update(path=b"no path")
    assert len(track_ends(shop.camera).starts) == 1
    assert Recording.objects.count() == 1


@pytest.mark.parametrize("door", ["today", "track-ends"])
def test_a_strangers_camera_does_not_exist(client, cast, shop, door):
    address = f"/api/v1/cameras/{shop.camera.public_id}/{door}/"
    assert client.get(address).status_code == 401
    client.force_login(cast.charlie)
    assert client.get(address).status_code == 404
