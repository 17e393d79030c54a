"""Visits with a path, and stays that no visit has, for a shop whose facts a test writes."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from tests.analytics.shop import Facts
from tests.cast import make_zone
from tracking import ledger
from tracking.models import TrackingEvent, Visit
from tracking.overlay import pack_path
from tracking.vision.events import TrackEnded
from zones.models import Zone

Stop = tuple[Zone, float, float]  # zone, second it began, seconds it took


def make_zones(facts: Facts, *names: str, **fields: Any) -> list[Zone]:
    return [make_zone(facts.shop.camera, name, **fields) for name in names]


def stays_of(facts: Facts, stops: list[Stop]) -> list[dict[str, Any]]:
    """Return a visit's path as the ledger writes it."""
    return [
        {
            "zone": str(zone.public_id),
            "entered_at": facts.at(second).isoformat(timespec="milliseconds"),
            "left_at": facts.at(second + seconds).isoformat(timespec="milliseconds"),
            "dwell_ms": round(seconds * 1000),
            "censored": False,
        }
        for zone, second, seconds in stops
    ]


def way(
    facts: Facts, second: float, *zones: Zone, inferred: bool = False, staff: bool = False
) -> Visit:
    """Somebody comes in and goes from zone to zone, ten seconds each."""
    stops = [(zone, second + 1 + 20 * n, 10.0) for n, zone in enumerate(zones)]
    facts.visit(second, 20 * len(zones) + 5, inferred=inferred)
    visit = facts.visits[-1]
    visit.path, visit.staff = stays_of(facts, stops), staff
    return visit


def loose(facts: Facts, chain: int, zone: Zone, second: float, seconds: float = 10.0) -> None:
    """Somebody whom no visit has stays in a zone."""
    facts._event(
        TrackingEvent.Kind.ZONE_LEFT,
        second + seconds,
        zone=zone,
        since=facts.at(second),
        dwell_ms=round(seconds * 1000),
    )
    facts.events[-1].track_number = chain


def grow(facts: Facts, visit: Visit, *stops: Stop) -> None:
    """A stay of a visit that is closed already is told late, as after a zone's grace."""
    before = visit.path
    visit.path = [*before, *stays_of(facts, list(stops))]
    with transaction.atomic():
        ledger.take_sequence(visit.store, 0)
        visit.save(update_fields=["path"])
        batch = ledger.LedgerBatch(visit.store, [], [], [], 1, visits_grown=[(visit, before)])
        ledger.feed(batch)


def follow(facts: Facts, number: int, *points: tuple[float, float, float]) -> None:
    """Write down a track through these (second, x, y) and tell the sinks of it."""
    ms = [(round(second * 1000), x, y) for second, x, y in points]
    ended = TrackEnded(
        track_number=number,
        started_ms=ms[0][0],
        ended_ms=ms[-1][0],
        path=tuple(ms),
        boxes_px=((60, 180),),
        confidence=0.9,
    )
    with transaction.atomic():
        row = ledger._track(facts.run, ended)
        assert bytes(row.path) == pack_path(ms)
        row.save()
        span = ledger.Followed(facts.shop.camera.pk, row.started_at, row.ended_at)
        ledger.feed(ledger.LedgerBatch(facts.shop.store, [], [], [], 1, followed=span))
