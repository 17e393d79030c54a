"""A map saved while its shop is counted: nobody waits in a circle, no sum is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone as clock

from accounts.models import Store
from analytics.models import Bucket, DirtyDay
from analytics.rebuild import check
from tests.analytics.shop import NINE_UTC, Kind, Shop, make_facts, make_shop
from tests.analytics.test_rebuild_races import Meeting, before
from tests.cast import make_store, make_user
from tests.tracking.test_locks import at_once
from tracking.ledger import LedgerBatch, feed, take_sequence
from tracking.models import TrackingEvent
from zones import maps, services
from zones.maps import camera_map, map_save
from zones.models import CountingLine, Zone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="there one transaction writes at a time"
    ),
]
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


@pytest.fixture
def shop() -> Shop:
    """A shop whose line and zone were counted by a camera, and whose line by a door sensor too."""
    shop = make_shop(make_store())
    count(shop, 0)
    CountingLine.objects.update(kind="inner")
    told_outside(shop, 5)
    DirtyDay.objects.all().delete()
    return shop


def count(shop: Shop, second: int) -> None:
    facts = make_facts(shop)
    facts.step(second)
    facts.stay(second, 10)
    facts.seen(0, 600)
    facts.commit()


def told_outside(shop: Shop, second: int) -> None:
    """Have a door sensor tell of a step over the line, as the room of counters writes it."""
    with transaction.atomic():
        event = TrackingEvent(
            public_id=uuid.uuid4(), store=shop.store, kind=Kind.CROSSED, camera=shop.camera,
            at=NINE_UTC + timedelta(seconds=second), line=shop.line, direction="in",
            source="door sensor", client_key=str(second), seq=take_sequence(shop.store, 1),
        )  # fmt: skip
        event.save(force_insert=True)
        feed(LedgerBatch(shop.store, [event], [], [], sign=1))


def saving(shop: Shop, zone: dict[str, Any], line: dict[str, Any]) -> Callable[[], object]:
    """Return the saving of the shop's map with other fields of its zone and of its line."""
    user, now = make_user(), camera_map(shop.camera)
    (held, outline), (door, place) = now.zones[0], now.lines[0]
    zones = [{"id": held.public_id, "name": held.name, "vertices": outline.vertices} | zone]
    lines = [{"id": door.public_id, "name": door.name, "a": place.a, "b": place.b} | line]
    return lambda: map_save(
        camera=shop.camera, zones=zones, lines=lines, basis=now.basis, user=user
    )


def whole(store: Store) -> bool:
    found = check(store)
    return found.rows > 0 and found.differing == []


def test_counting_goes_on_while_a_map_is_saved(shop, monkeypatch):
    """Who counts refers to the camera and the zone; neither is to be waited for."""
    meeting, went_on = Meeting(), []
    real = services.zone_redraw

    def redraw(**told: Any) -> Any:
        version = real(**told)
        meeting.stop()
        went_on.append(meeting.other_through.is_set())
        return version

    monkeypatch.setattr(maps, "zone_redraw", redraw)
    save = saving(shop, {"vertices": TRIANGLE}, {})
    assert at_once([save, meeting.other(lambda: count(shop, 60))]) == []
    assert went_on == [True]
    assert whole(shop.store)


def test_a_save_and_a_count_do_not_wait_for_each_other(shop, monkeypatch):
    """The save puts days behind and moves sums; who counts does both.

    It stops where it has done the first, and has the last before it.
    """
    meeting = Meeting()
    monkeypatch.setattr(maps, "_take_line", before(meeting, maps._take_line))
    save = saving(shop, {"kind": "queue"}, {"kind": "entrance"})
    assert at_once([save, meeting.other(lambda: count(shop, 60))]) == []
    assert whole(shop.store)
    assert Bucket.objects.filter(subject_kind="zone").get().stays == 2


def test_a_zone_is_ended_while_it_is_redrawn(shop, monkeypatch):
    """Whoever comes second ends the outline that the first drew: none stays open."""
    meeting = Meeting()
    monkeypatch.setattr(services, "_close", before(meeting, services._close))
    zone = Zone.objects.get()
    redrawn = clock.now()
    end = meeting.other(lambda: services.zone_archive(zone=Zone.objects.get()))

    def redraw() -> None:
        services.zone_redraw(zone=zone, vertices=TRIANGLE, at=redrawn)

    assert at_once([redraw, end]) == []
    assert Zone.objects.get().archived_at
    assert [bool(each.valid_to) for each in zone.versions.all()] == [True, True]
