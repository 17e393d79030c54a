"""The stays in each zone over business days, worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from rest_framework.test import APIClient

from analytics.zone_stays import ZoneStays, zone_stays
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.cast import Cast, make_camera, make_cast, make_zone
from tracking.models import Recording
from zones.models import Zone

pytestmark = pytest.mark.db
DAY = date(2026, 6, 2)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


def test_stays_share_and_lengths_of_a_zone(cast):
    shop = make_shop(cast.store)
    facts = make_facts(shop)
    for second in range(4):
        facts.step(second)
    for second in range(5):
        facts.stay(10 + second, 40)
    facts.stay(100, 7, censored=True)
    facts.seen(0, 3600)
    facts.commit()
    later = make_facts(shop, NINE_UTC + timedelta(days=1), state=Recording.State.DONE)
    later.stay(10, 40)
    later.commit()
    # Five stays in the bin of 30 to 45 s: half of them end by 37.5 s, nine tenths by 43.5 s.
    assert zone_stays(cast.store, DAY, DAY) == [ZoneStays(shop.zone, 6, 1.5, 37.5, 43.5)]
    [both] = zone_stays(cast.store, DAY, DAY + timedelta(days=1))
    assert both.stays == 7


def test_a_zone_that_nobody_looked_at_has_no_number_and_an_empty_one_has_none(cast):
    shop = make_shop(cast.store)
    unseen = make_zone(make_camera(cast.store, "Yard"), "Gate")
    make_zone(shop.camera, "Office", kind=Zone.Kind.STAFF_ONLY)
    facts = make_facts(shop)
    facts.seen(0, 3600)
    facts.commit()
    assert zone_stays(cast.store, DAY, DAY) == [
        ZoneStays(shop.zone, 0, None, None, None),
        ZoneStays(unseen, None, None, None, None),
    ]


def test_a_zone_drawn_after_the_days_knows_nothing_of_them(cast):
    shop = make_shop(cast.store)
    facts = make_facts(shop)
    facts.seen(0, 3600)
    facts.commit()
    new = make_zone(shop.camera, "New")
    assert zone_stays(cast.store, DAY, DAY) == [
        ZoneStays(shop.zone, 0, None, None, None),
        ZoneStays(new, None, None, None, None),
    ]
    make_facts(shop)  # counted once more
    assert [each.stays for each in zone_stays(cast.store, DAY, DAY)] == [0, 0]


def test_the_api_tells_it_to_members_alone_by_three_queries(cast, django_assert_num_queries):
    shop = make_shop(cast.store)
    client, address = APIClient(), f"/api/v1/stores/{cast.store.public_id}/zone-stays/"
    asked = {"from": "2026-06-02", "to": "2026-06-02"}
    client.force_login(cast.bob)
    told = client.get(address, asked).json()
    assert told == {
        "zones": [
            {
                "id": str(shop.zone.public_id), "name": "Shelf", "kind": "display",
                "colour": shop.zone.colour, "stays": None, "share": None, "median_s": None,
                "p90_s": None,
            }
        ]
    }  # fmt: skip
    client.force_login(cast.charlie)
    assert client.get(address, asked).status_code == 404
    with django_assert_num_queries(3):
        zone_stays(cast.store, DAY, DAY)
