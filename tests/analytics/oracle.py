"""What a shop's periods must add up to, counted on its raw events and minute by minute.

Slow and simple on purpose, and nothing in it is the product's: a business day is told by looking
at the wall clock of every minute, a crossing is counted one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Store
from tracking.models import Coverage, TrackingEvent, Visit
from zones.models import CountingLine

Fact = tuple[datetime, str, int]
TOLD = ("kind", "at", "line_id", "zone__kind", "since", "dwell_ms", "censored")
MINUTE, FIVE = timedelta(minutes=1), timedelta(minutes=5)


@dataclass(slots=True)
class Period:
    """A stretch of minutes that bear the same name, and what is counted in it."""

    day: date
    starts_at: datetime
    ends_at: datetime
    counts: Counter[str] = field(default_factory=Counter)


def hours(store: Store, first: datetime, last: datetime) -> list[Period]:
    """Return the local hours from before one instant to after another, minute by minute.

    A business day begins the first time that the wall shows its date and start. A start that the
    clocks jump over comes as much later as they jump.
    """
    zone, start = ZoneInfo(store.timezone), store.business_day_start
    at = datetime.combine(first.date(), time(0), UTC) - timedelta(days=3)
    wall = at.astimezone(zone).replace(tzinfo=None)
    day, found = wall.date() - timedelta(days=2), [Period(date.min, at, at)]
    jump = (wall, wall)
    while at < last + timedelta(days=3):
        before, wall = wall, at.astimezone(zone).replace(tzinfo=None)
        moved = wall - before not in {MINUTE, timedelta(0)}
        if wall > before + MINUTE:
            jump = (before + MINUTE, wall)
        while wall >= _start_of(day + timedelta(days=1), start, jump):
            day += timedelta(days=1)
        if day != found[-1].day or wall.minute == 0 or moved:
            found.append(Period(day, at, at))
        at += MINUTE
        found[-1].ends_at = at
    return [period for period in found if found[1].day < period.day < found[-1].day]


def _start_of(day: date, start: time, jump: tuple[datetime, datetime]) -> datetime:
    """Return what the wall shows when a business day starts."""
    told = datetime.combine(day, start)
    return told + (jump[1] - jump[0]) if jump[0] <= told < jump[1] else told


def days(hours: Iterable[Period]) -> list[Period]:
    """Return the business days that these hours make up, with what was counted in them."""
    found: dict[date, Period] = {}
    for hour in hours:
        day = found.setdefault(hour.day, Period(hour.day, hour.starts_at, hour.ends_at))
        day.ends_at = hour.ends_at
        day.counts.update(hour.counts)
    return list(found.values())


def counted(periods: list[Period], facts: Iterable[Fact]) -> None:
    """Count every fact into the period that holds it."""
    place = iter(periods)
    period = next(place)
    for at, column, value in sorted(facts, key=lambda fact: fact[0]):
        while at >= period.ends_at:
            period = next(place)
        assert period.starts_at <= at
        period.counts[column] += value


def facts(store: Store) -> Iterator[Fact]:
    """Yield every official fact: when it counts, as what, how much."""
    entrances = dict(
        CountingLine.objects.filter(camera__store=store, kind="entrance").values_list(
            "pk", "camera_id"
        )
    )
    events = TrackingEvent.objects.filter(store=store, run__active=True)
    outside = TrackingEvent.objects.filter(store=store, run=None)
    for event in chain(*(some.values_list(*TOLD).iterator() for some in (events, outside))):
        yield from _told(event, entrances)
    visits = Visit.objects.filter(store=store, run__active=True, staff=False)
    closed = visits.exclude(exited_at=None).values_list("entered_at", "duration_ms", "inferred")
    for entered_at, duration_ms, inferred in closed:
        yield entered_at, "visits", 1
        if not inferred:
            yield entered_at, "visit_ms", duration_ms or 0
    yield from _seen(store, set(entrances.values()))


def _told(event: tuple[Any, ...], entrances: Container[int | None]) -> Iterator[Fact]:
    kind, at, line, zone, since, dwell_ms, censored = event
    if kind in {"entered", "exited"} and line in entrances:
        yield at, "entries" if kind == "entered" else "exits", 1
    elif kind == "zone_left" and zone != "staff_only":
        since = since or at - timedelta(milliseconds=dwell_ms or 0)
        yield since, "zone_stays", 1
        if not censored:
            yield since, "dwell_ms", dwell_ms or 0


def _seen(store: Store, cameras: Iterable[int]) -> Iterator[Fact]:
    """Yield how long each five minutes were seen, by the camera of an entrance that saw most.

    A span's whole milliseconds are told by the instants at which they are full.
    """
    seen: Counter[tuple[int, datetime]] = Counter()
    for camera, starts_at, ends_at, sign in _spans(cameras):
        edge = starts_at.replace(minute=starts_at.minute // 5 * 5, second=0, microsecond=0)
        done = 0
        while edge < ends_at:
            until_ms = (min(edge + FIVE, ends_at) - starts_at) // timedelta(milliseconds=1)
            seen[camera, edge] += sign * (until_ms - done)
            done, edge = until_ms, edge + FIVE
    most: dict[datetime, int] = {}
    for (_, edge), ms in seen.items():
        most[edge] = max(most.get(edge, 0), min(ms, 300_000))
    for edge, ms in most.items():
        yield edge, "seen_ms", ms


def _spans(cameras: Iterable[int]) -> Iterator[tuple[int, datetime, datetime, int]]:
    """Yield what was seen, and with -1 what a run and a counter outside both saw."""
    for camera in cameras:
        of_camera = Coverage.objects.filter(camera_id=camera)
        ends = ("starts_at", "ends_at")
        told = list(of_camera.filter(run=None).values_list(*ends))
        for begun, ended in told:
            yield camera, begun, ended, 1
        for begun, ended in of_camera.filter(run__active=True).values_list(*ends):
            yield camera, begun, ended, 1
            for first, last in told:
                if max(first, begun) < min(last, ended):
                    yield camera, max(first, begun), min(last, ended), -1
