"""How often and how long people stopped in each zone over some business days, from buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Store
from analytics.drawn import drawn_later
from analytics.kpis import histogram_median_s, histogram_percentile_s
from analytics.models import DWELL_EDGES_S, Bucket
from analytics.rollups import HISTOGRAM, clock_of
from analytics.summaries import UNCOUNTED_ZONES, Sums, subject_sums, was_seen
from tracking.selectors import entrance_lines
from zones.models import Zone

LONG = 0.9


@dataclass(frozen=True, slots=True)
class ZoneStays:
    """One zone, over some days.

    Everything is None where its camera did not look or it was not drawn yet, lengths where no stay
    was whole.

    `share` is that of the people who came in; who comes back counts again, so it may pass one.
    """

    zone: Zone
    stays: int | None
    share: float | None
    median_s: float | None
    p90_s: float | None


def zone_stays(store: Store, first: date, last: date) -> list[ZoneStays]:
    """Return every zone of shoppers that is drawn now, over these days: three queries.

    Two more where a zone counted nothing though its camera looked.
    """
    clock = clock_of(store)
    starts_at, ends_at = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    sums = subject_sums(store, starts_at, ends_at)
    came = _came_in(store, sums)
    drawn = Zone.objects.filter(camera__store=store, archived_at=None)
    zones = list(drawn.exclude(kind__in=UNCOUNTED_ZONES))
    silent = [zone for zone in zones if _looked(zone, sums) and not _counted(zone, sums)]
    later = drawn_later(silent, starts_at, ends_at)
    return [
        ZoneStays(zone, None, None, None, None) if zone.pk in later else _of(zone, sums, came)
        for zone in zones
    ]


def _looked(zone: Zone, sums: Sums) -> bool:
    return bool(sums.get((Bucket.Subject.CAMERA, zone.camera_id), {}).get("observed_ms"))


def _counted(zone: Zone, sums: Sums) -> bool:
    return any(sums.get((Bucket.Subject.ZONE, zone.pk), {}).values())


def _came_in(store: Store, sums: Sums) -> int:
    doors = entrance_lines(store).values_list("pk", flat=True)
    found = (sums.get((Bucket.Subject.LINE, pk)) for pk in doors)
    return sum(row["entries"] for row in found if row)


def _of(zone: Zone, sums: Sums, came: int) -> ZoneStays:
    found: Mapping[str, Any] = sums.get((Bucket.Subject.ZONE, zone.pk), {})
    if not was_seen(sums, Bucket.Subject.ZONE, zone):
        return ZoneStays(zone, None, None, None, None)
    bins = [found.get(name, 0) for name in HISTOGRAM]
    stays = found.get("stays", 0) + found.get("censored", 0)
    return ZoneStays(
        zone=zone,
        stays=stays,
        share=round(stays / came, 4) if came else None,
        median_s=histogram_median_s(bins, DWELL_EDGES_S),
        p90_s=histogram_percentile_s(bins, DWELL_EDGES_S, LONG),
    )
