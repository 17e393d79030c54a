"""Today's numbers of what is drawn on a camera's picture: of each zone and of each line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Sum

from analytics.kpis import histogram_median_s
from analytics.models import DWELL_EDGES_S, Bucket
from analytics.rollups import HISTOGRAM, clock_of
from analytics.summaries import was_seen
from zones.models import Camera, CountingLine, Zone

Subject = Bucket.Subject
ADDED = ("stays", "censored", "entries", "exits", "observed_ms", *HISTOGRAM)


@dataclass(frozen=True, slots=True)
class ZoneToday:
    """A zone's business day so far; `stays` is None where nobody looked at it."""

    id: UUID
    stays: int | None
    median_s: float | None


@dataclass(frozen=True, slots=True)
class LineToday:
    """A line's business day so far; None where nobody looked at it."""

    id: UUID
    entries: int | None
    exits: int | None


@dataclass(frozen=True, slots=True)
class MapToday:
    """A camera's business day so far; `seen` where any of it has a number."""

    day: date
    seen: bool
    zones: list[ZoneToday]
    lines: list[LineToday]


def map_today(camera: Camera, now: datetime) -> MapToday:
    """Return the business day's numbers of every shape of a camera, from its buckets."""
    clock = clock_of(camera.store)
    day = clock.business_day(now)
    rows = (
        Bucket.objects.filter(
            camera=camera, starts_at__gte=clock.day_starts_at(day), starts_at__lte=now
        )
        .order_by()
        .values_list("subject_kind", "subject_id")
        .annotate(**{f"n_{name}": Sum(name) for name in ADDED})
    )
    sums = {(kind, key): dict(zip(ADDED, told, strict=True)) for kind, key, *told in rows}
    return MapToday(
        day=day,
        seen=any(any(told.values()) for told in sums.values()),
        zones=[
            _zone(zone, sums.get((Subject.ZONE, zone.pk), {}), was_seen(sums, Subject.ZONE, zone))
            for zone in Zone.objects.filter(camera=camera, archived_at=None)
        ],
        lines=[
            _line(line, sums.get((Subject.LINE, line.pk), {}), was_seen(sums, Subject.LINE, line))
            for line in CountingLine.objects.filter(camera=camera, archived_at=None)
        ],
    )


def _zone(zone: Zone, told: dict[str, int], seen: bool) -> ZoneToday:
    stays = told.get("stays", 0) + told.get("censored", 0)
    bins = [told.get(name, 0) for name in HISTOGRAM]
    return ZoneToday(
        zone.public_id, stays if seen else None, histogram_median_s(bins, DWELL_EDGES_S)
    )


def _line(line: CountingLine, told: dict[str, int], seen: bool) -> LineToday:
    counts = (told.get("entries", 0), told.get("exits", 0)) if seen else (None, None)
    return LineToday(line.public_id, *counts)
