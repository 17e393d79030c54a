"""Rows that differ from what was counted, in words that a person can look up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Store
from analytics.fresh import COLUMNS, instant_of
from analytics.models import DWELL_EDGES_S, AnalyticsSummary, Bucket, PathSum
from analytics.path_sums import split_zones
from zones.models import Camera, CountingLine, Zone

Period = AnalyticsSummary.Period
Subject = Bucket.Subject
WIDTHS = {
    "bucket": timedelta(minutes=5),
    "mark": timedelta(minutes=5),
    Period.HOUR: timedelta(hours=1),
}
# What says which row it is, and no number of it.
WHICH = ("business_day", "ends_at", "utc_offset_s")
# More than these of one row help nobody; the rest is told as a number.
COLUMNS_TOLD = 4

WORDS = {
    "entries": "came in",
    "exits": "went out",
    "inside_ms": "ms inside to its end",
    "stays": "stays",
    "censored": "stays not seen whole",
    "dwell_ms": "ms of stays",
    "observed_ms": "ms watched",
    "zone_stays": "zone stays",
    "visit_ms": "ms of visits",
    "visit_median_s": "typical visit in s",
    "dwell_median_s": "typical zone stay in s",
    "occupancy_end": "inside at the end",
    "occupancy_peak": "most at once",
    "occupancy_raw": "inside as counted",
    "occupancy_corrected": "inside as corrected",
    "occupancy_ms": "people inside times ms",
    "watched_ms": "ms with an entrance watched",
    "open_ms": "ms open",
    "observed_open_ms": "ms watched while open",
    "entries_closed": "came in while closed",
    "exits_closed": "went out while closed",
    "visits": "visits",
    "at": "told for",
    "seq": "place among the events",
    "resets": "a reset",
    "value": "people told",
    "net_before": "entries less exits before the reset",
    "times": "times",
    "business_day": "business day",
    "ends_at": "end",
    "utc_offset_s": "offset from UTC in s",
} | {
    f"h{index:02d}": f"stays of {lower} to {upper} s" if upper else f"stays over {lower} s"
    for index, (lower, upper) in enumerate(
        zip((0, *DWELL_EDGES_S), (*DWELL_EDGES_S, 0), strict=True)
    )
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One row: its key, and its values as stored and as counted; None where there is no row.

    The key is ``("bucket", starts_us, camera, subject kind, subject)``,
    ``("mark", at_us, event)`` or ``(period, starts_us)``.
    """

    key: tuple[Any, ...]
    stored: Any
    counted: Any


def words_of(store: Store, found: Sequence[Difference]) -> list[str]:
    """Return each difference as a sentence: when, what, how much is stored and was counted."""
    if not found:
        return []
    names, zone = _names(store), ZoneInfo(store.timezone)
    return [f"{_when(one.key, zone)}, {_what(one.key, names)}: {_values(one)}" for one in found]


def _names(store: Store) -> dict[tuple[str, int], str]:
    cameras = dict(Camera.objects.filter(store=store).values_list("pk", "name"))
    told = {(str(Subject.CAMERA), pk): f"camera '{name}'" for pk, name in cameras.items()}
    told |= {(str(Subject.VISIT), pk): f"visits at camera '{n}'" for pk, n in cameras.items()}
    shapes: Iterable[tuple[str, Any]] = ((Subject.LINE, CountingLine), (Subject.ZONE, Zone))
    for kind, model in shapes:
        rows = model.objects.filter(camera__store=store).values_list("pk", "name", "camera_id")
        for pk, name, camera in rows:
            told[str(kind), pk] = f"{kind} '{name}' of camera '{cameras[camera]}'"
    return told


def _when(key: tuple[Any, ...], zone: ZoneInfo) -> str:
    starts_at = instant_of(key[1])
    local = starts_at.astimezone(zone)
    day = f"{local:%A} {local.day} {local:%B %Y}"
    if key[0] not in WIDTHS:
        return day
    until = (starts_at + WIDTHS[key[0]]).astimezone(zone)
    return f"{day}, {local:%H:%M}–{until:%H:%M}{_which_time(local)}"


def _which_time(local: datetime) -> str:
    """Return which of two hours of the same name is meant, where the clock is set back."""
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return ""
    return " (the first time)" if local.fold == 0 else " (the second time)"


def _what(key: tuple[Any, ...], names: Mapping[tuple[str, int], str]) -> str:
    if key[0] == "mark":
        return "what somebody told of who is inside"
    if key[0] == "path":
        return _path(key, names)
    if key[0] != "bucket":
        return f"sums of the {key[0]}"
    _, _, camera, kind, subject = key
    return names.get((kind, subject)) or f"{kind} {subject} of camera {camera}, which is no more"


def _path(key: tuple[Any, ...], names: Mapping[tuple[str, int], str]) -> str:
    _, _, camera, kind, zones = key
    where = names.get((str(Subject.CAMERA), camera), f"camera {camera}")
    named = [names.get((str(Subject.ZONE), zone), f"zone {zone}") for zone in split_zones(zones)]
    way = ", then ".join(named) or "no zone"
    return f"{PathSum.Kind(kind).label.lower()}, {where}, through {way}"


def _values(one: Difference) -> str:
    stored, counted = _named(one.stored), _named(one.counted)
    if stored is None or counted is None:
        values = {k: v for k, v in (stored or counted or {}).items() if k not in WHICH and v}
        told = _listed([f"{WORDS[name]} {value}" for name, value in values.items()])
        return f"no row is stored, counted: {told}" if stored is None else f"{told}: not counted"
    return _listed(
        [
            f"{WORDS[name]} {stored[name]} stored, {counted[name]} counted"
            for name in stored
            if stored[name] != counted[name]
        ]
    )


def _named(values: Any) -> dict[str, Any] | None:
    if values is None or isinstance(values, dict):
        return values
    return dict(zip(COLUMNS, values, strict=True))


def _listed(parts: list[str]) -> str:
    more = len(parts) - COLUMNS_TOLD
    return "; ".join([*parts[:COLUMNS_TOLD], *([f"and {more} more"] if more > 0 else [])])
