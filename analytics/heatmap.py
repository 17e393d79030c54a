"""Heatmaps from stored tracks: a grid per camera and business day, added up for any period.

A day's grids are drawn when somebody asks and kept. The ledger's transactions raise `touched` of
the days whose tracks they change (new ones, taken out, counted again); a day is behind while
`drawn` is another number, or while the day's instants are others by the store's clock of now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import structlog
from django.db.models import Max, Min, QuerySet, Sum
from numpy.typing import NDArray

from accounts.models import Store
from analytics import heat
from analytics.calendar import ONE_DAY, StoreClock
from analytics.models import Bucket, HeatDay
from analytics.rollups import clock_of, upsert
from tracking.ledger import LedgerBatch
from tracking.models import Run, Track
from tracking.overlay import BadOverlayError, path_columns
from zones.geometry import Polygon
from zones.models import Camera, Zone
from zones.selectors import ZoneShape, shapes_now

log = structlog.get_logger(__name__)

PRESENCE, DWELL = "presence", "dwell"
KINDS = (PRESENCE, DWELL)
LEFT_OUT = (Zone.Kind.STAFF_ONLY, Zone.Kind.IGNORE)
# What one request draws by itself; the rest is a task's. 5,000 tracks take about a second.
DAYS_AT_ONCE = 2
TRACKS_AT_ONCE = 5000
TRACKS_READ_AT_ONCE = 200
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ZoneHeat:
    """What of the time was spent in the cells whose middle lies in a zone."""

    key: str
    name: str
    kind: str
    vertices: tuple[tuple[float, float], ...]
    seconds: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Time per cell of a camera's picture; `cells_us` is None where nobody looked."""

    cells_us: heat.Grid | None
    tracks: int
    days_behind: int
    observed_s: float
    zones: list[ZoneHeat]


def heat_sink(batch: LedgerBatch) -> None:
    """Note the days whose tracks a batch changed; called inside the ledger's transaction."""
    followed = batch.followed
    if followed is None:
        return
    clock = clock_of(Store.objects.only("timezone", "business_day_start").get(pk=batch.store.pk))
    first, last = (clock.business_day(at) for at in (followed.starts_at, followed.ends_at))
    columns = ("camera_id", "business_day", "touched", "tracks")
    rows = [(followed.camera_id, day, 1, 0) for day in _days(first, last)]
    upsert("analytics_heatday", columns, columns[:2], ("touched",), rows)


def heatmap(
    camera: Camera, first: date, last: date, kind: str, now: datetime, *, leave_out: bool = False
) -> Heatmap:
    """Return where people of a camera were on some business days, both included.

    Days that are behind are drawn here, a few at the most; `days_behind` says how many are left as
    they were, for `draw_behind` to do.
    """
    clock = clock_of(camera.store)
    left = _draw_some(camera, clock, first, last)
    rows = HeatDay.objects.filter(camera=camera, business_day__range=(first, last))
    total, tracks = heat.empty_grid(), 0
    for count, blob in rows.exclude(**{kind: None}).values_list("tracks", kind).iterator():
        total += heat.unpack(blob)
        tracks += count
    starts_at, ends_at = clock.day_starts_at(first), clock.day_bounds(last)[1]
    observed_s = _observed_s(camera, starts_at, ends_at)
    # An outline that holds at the end of the period; what is still to come has none.
    shapes = shapes_now(camera=camera, at=min(ends_at, now) - _MILLISECOND).zones
    if leave_out:
        total[_cells_of([shape for shape in shapes if shape.kind in LEFT_OUT])] = 0
    seen = bool(observed_s or tracks or left)
    return Heatmap(total if seen else None, tracks, left, observed_s, _zone_heats(shapes, total))


def draw_behind(camera: Camera, first: date, last: date) -> int:
    """Draw every day of a span that is behind; return how many."""
    clock = clock_of(camera.store)
    days = [day for day, _ in _behind(camera, clock, first, last)]
    for day in days:
        draw_day(camera, clock, day)
    return len(days)


def draw_day(camera: Camera, clock: StoreClock, day: date) -> None:
    """Draw one business day from its tracks and keep it.

    What it was touched by is read first: whatever changes while this draws leaves it behind.
    """
    row, _ = HeatDay.objects.get_or_create(camera=camera, business_day=day)
    starts_at, ends_at = clock.day_bounds(day)
    drawn, tracks = heat.draw(
        followed_between(camera, starts_at, ends_at), 0, (ends_at - starts_at) // _MILLISECOND
    )
    HeatDay.objects.filter(pk=row.pk).update(
        drawn=row.touched,
        starts_at=starts_at,
        ends_at=ends_at,
        tracks=tracks,
        presence=heat.pack(drawn.presence),
        dwell=heat.pack(drawn.dwell),
    )


def followed_between(
    camera: Camera, starts_at: datetime, ends_at: datetime
) -> Iterator[heat.Followed]:
    """Yield the official tracks that meet a span, in milliseconds since its start."""
    tracks = _tracks(camera, starts_at, ends_at)
    columns = ("run_id", "number", "started_at", "ended_at", "height_px", "path")
    runs: dict[int, tuple[int, tuple[int, int]]] = {}
    for run_id, number, began, ended, height_px, blob in tracks.values_list(*columns).iterator(
        TRACKS_READ_AT_ONCE
    ):
        if run_id not in runs:
            runs[run_id] = _frame_of(run_id, starts_at)
        offset_ms, size_px = runs[run_id]
        try:
            times_ms, places = path_columns(blob)
        except BadOverlayError as error:
            log.warning("track_unreadable", run=run_id, track=number, why=str(error))
            continue
        first_ms, last_ms = ((at - starts_at) // _MILLISECOND for at in (began, ended))
        yield heat.Followed(times_ms + offset_ms, places, first_ms, last_ms, height_px, size_px)


# --- Which days are behind ----------------------------------------------------------------------


def _draw_some(camera: Camera, clock: StoreClock, first: date, last: date) -> int:
    """Draw a few of the days that are behind, newest first; return how many are left."""
    behind = _behind(camera, clock, first, last)
    small = [day for day, tracks in reversed(behind) if tracks <= TRACKS_AT_ONCE][:DAYS_AT_ONCE]
    for day in small:
        draw_day(camera, clock, day)
    return len(behind) - len(small)


def _behind(camera: Camera, clock: StoreClock, first: date, last: date) -> list[tuple[date, int]]:
    """Return the days that have to be drawn, with the tracks they had when they were last drawn."""
    columns = ("business_day", "touched", "drawn", "starts_at", "ends_at", "tracks")
    rows = HeatDay.objects.filter(camera=camera, business_day__range=(first, last))
    kept = {day: row for day, *row in rows.values_list(*columns)}
    behind, unknown = [], []
    for day in _days(first, last):
        bounds = clock.day_bounds(day)
        if day not in kept:
            unknown.append(day)
            continue
        touched, drawn, *cut_to, tracks = kept[day]
        if drawn != touched or tuple(cut_to) != bounds:
            behind.append((day, tracks))
    return sorted([*behind, *((day, 0) for day in _with_tracks(camera, clock, unknown))])


def _with_tracks(camera: Camera, clock: StoreClock, days: list[date]) -> list[date]:
    """Return the days between the first and the last track; keep in mind that others have none."""
    if not days:
        return []
    starts_at, ends_at = clock.day_starts_at(days[0]), clock.day_bounds(days[-1])[1]
    tracks = _tracks(camera, starts_at, ends_at)
    hull = tracks.order_by().aggregate(first=Min("started_at"), last=Max("ended_at"))
    bounds = {day: clock.day_bounds(day) for day in days}
    if hull["first"] is None:
        found = []
    else:
        meets = {d for d, (a, b) in bounds.items() if a < hull["last"] and hull["first"] < b}
        found = [day for day in days if day in meets]
    without = [
        HeatDay(camera=camera, business_day=day, drawn=0, starts_at=a, ends_at=b)
        for day, (a, b) in bounds.items()
        if day not in found
    ]
    HeatDay.objects.bulk_create(without, ignore_conflicts=True)
    return found


def _tracks(camera: Camera, starts_at: datetime, ends_at: datetime) -> QuerySet[Track]:
    runs = Run.objects.filter(
        recording__camera=camera, recording__started_at__lt=ends_at, active=True
    )
    return Track.objects.filter(run__in=runs, started_at__lt=ends_at, ended_at__gt=starts_at)


def _frame_of(run_id: int, starts_at: datetime) -> tuple[int, tuple[int, int]]:
    """Return a run's first frame in milliseconds since an instant, and its pictures' size."""
    began, media = Run.objects.values_list("recording__started_at", "recording__media").get(
        pk=run_id
    )
    size = (int(media.get("width") or 0), int(media.get("height") or 0))
    return (began - starts_at) // _MILLISECOND, size


def _observed_s(camera: Camera, starts_at: datetime, ends_at: datetime) -> float:
    looked = Bucket.objects.filter(
        camera=camera,
        subject_kind=Bucket.Subject.CAMERA,
        starts_at__gte=starts_at,
        starts_at__lt=ends_at,
    )
    return float((looked.aggregate(ms=Sum("observed_ms"))["ms"] or 0) / 1000)


def _days(first: date, last: date) -> list[date]:
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


# --- Zones --------------------------------------------------------------------------------------


def _zone_heats(shapes: tuple[ZoneShape, ...], cells_us: heat.Grid) -> list[ZoneHeat]:
    whole_us = int(cells_us.sum())
    found = []
    for shape in shapes:
        time_us = int(cells_us[_cells_of([shape])].sum())
        share = time_us / whole_us if whole_us else None
        vertices = tuple((x, y) for x, y in shape.vertices)
        found.append(ZoneHeat(shape.key, shape.name, shape.kind, vertices, time_us / 1e6, share))
    return found


def _cells_of(shapes: list[ZoneShape]) -> NDArray[np.bool_]:
    """Return which cells have their middle in one of the zones."""
    inside = np.zeros(heat.ROWS * heat.COLUMNS, np.bool_)
    for shape in shapes:
        inside |= Polygon(shape.vertices).contains_many(heat.cell_centres())
    return inside.reshape(heat.ROWS, heat.COLUMNS)
