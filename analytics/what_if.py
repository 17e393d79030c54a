"""What a map that is not saved would have done, beside the one that holds: over the last day.

A try-out: the ways that are kept are counted with both, so what differs is the drawing's doing.
Nothing is written, and no official number is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any
from uuid import UUID

from analytics.rollups import clock_of
from tracking.vision.counting import ShapeCount
from tracking.what_if import newest_way_at, what_if
from zones.models import Camera, CountingLine, Zone, ZoneVersion
from zones.selectors import shapes_drawn
from zones.tried import TriedMap

Counts = Mapping[str, ShapeCount]


@dataclass(frozen=True, slots=True)
class ZoneNumbers:
    """What a zone counts; `median_s` is None where no stay was seen from start to end."""

    stays: int
    median_s: float | None


@dataclass(frozen=True, slots=True)
class LineNumbers:
    """What a line counts."""

    entries: int
    exits: int


@dataclass(frozen=True, slots=True)
class ZoneTried:
    """A zone by both maps; None where a map does not count it. A new one has no id."""

    id: UUID | None
    name: str
    colour: int
    saved: ZoneNumbers | None
    drawn: ZoneNumbers | None


@dataclass(frozen=True, slots=True)
class LineTried:
    """A line by both maps; see ZoneTried."""

    id: UUID | None
    name: str
    saved: LineNumbers | None
    drawn: LineNumbers | None


@dataclass(frozen=True, slots=True)
class MapTried:
    """A camera's zones and lines by both maps.

    Attributes
    ----------
    day : date or None
        The business day whose ways were counted; None where nobody was followed lately.
    since, until : datetime or None
        From when to when those people were followed.
    ways, ways_of_day : int
        How many people's ways were counted, the newest, and how many the day has.
    opens_ignored : bool
        Whether a place would be counted where nobody was followed because it is ignored.
    zones, lines
        As sent, then those that would end.
    """

    day: date | None
    since: datetime | None
    until: datetime | None
    ways: int
    ways_of_day: int
    opens_ignored: bool
    zones: list[ZoneTried]
    lines: list[LineTried]


def map_what_if(camera: Camera, tried: TriedMap) -> MapTried:
    """Return what a map would have done on the last day on which the camera followed anybody."""
    at = newest_way_at(camera)
    if at is None:
        return MapTried(None, None, None, 0, 0, opens_ignored=False, zones=[], lines=[])
    clock = clock_of(camera.store)
    day = clock.business_day(at)
    now_zones = [version for _, version in tried.before.zones]
    now_lines = [version for _, version in tried.before.lines]
    maps = [
        shapes_drawn(camera, now_zones, now_lines),
        shapes_drawn(camera, tried.zones, tried.lines),
    ]
    told = what_if(camera, maps, *clock.day_bounds(day))
    return MapTried(
        day=day,
        since=told.since,
        until=told.until,
        ways=told.ways,
        ways_of_day=told.there,
        opens_ignored=bool(_ignored(now_zones) - _ignored(tried.zones)),
        zones=_zone_rows(_each_once(tried.zones, now_zones, "zone"), *told.maps),
        lines=_line_rows(_each_once(tried.lines, now_lines, "line"), *told.maps),
    )


def _each_once(tried: Iterable[Any], now: Iterable[Any], what: str) -> list[Any]:
    """Return the shapes that were sent, then those of now that were not."""
    sent = [getattr(version, what) for version in tried]
    kept = {shape.pk for shape in sent}
    held = (getattr(version, what) for version in now)
    return [*sent, *(shape for shape in held if shape.pk not in kept)]


def _ignored(versions: Iterable[ZoneVersion]) -> set[str]:
    """Return the outlines in which nobody is followed."""
    ignored = (each for each in versions if each.zone.kind == Zone.Kind.IGNORE)
    return {json.dumps(each.vertices) for each in ignored}


def _zone_rows(zones: Iterable[Zone], saved: Counts, drawn: Counts) -> list[ZoneTried]:
    """Return every zone that either map counts."""
    return [
        ZoneTried(
            zone.public_id if zone.pk else None,
            zone.name,
            zone.colour,
            _of_zone(saved.get(str(zone.public_id))),
            _of_zone(drawn.get(str(zone.public_id))),
        )
        for zone in zones
        if str(zone.public_id) in {*saved, *drawn}
    ]


def _line_rows(lines: Iterable[CountingLine], saved: Counts, drawn: Counts) -> list[LineTried]:
    return [
        LineTried(
            line.public_id if line.pk else None,
            line.name,
            _of_line(saved.get(str(line.public_id))),
            _of_line(drawn.get(str(line.public_id))),
        )
        for line in lines
    ]


def _of_zone(count: ShapeCount | None) -> ZoneNumbers | None:
    """Return the stays as the pages count them: all of them, and the length of the whole ones."""
    if count is None:
        return None
    dwells_ms = count.dwells_ms
    middle = round(median(dwells_ms) / 1000, 1) if dwells_ms else None
    return ZoneNumbers(len(dwells_ms) + count.censored, middle)


def _of_line(count: ShapeCount | None) -> LineNumbers | None:
    return None if count is None else LineNumbers(count.entries, count.exits)
