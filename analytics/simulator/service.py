"""Simulated days of a store: written through the ledger, known by their seed, taken out whole.

What was asked for last is what there is: asked again, days that are there already stay as they are,
those of another seed or with another end give way, and those that are missing are made. So after an
interruption the same call goes on. A day that another recording has is left to it.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store
from analytics.calendar import ONE_DAY, StoreClock, floor_bucket
from analytics.models import Bucket
from analytics.rollups import SUMS, clock_of, hours_of
from analytics.simulator import shop
from analytics.simulator.days import VERSION, Day, Span, simulated_day, times_of
from analytics.simulator.plan import ShopPlan, plan_of
from analytics.summaries import fold_dirty
from tracking import ledger
from tracking.ledger import Slice
from tracking.models import Recording, Run, TrackingEvent
from tracking.outside import (
    MinutesTakenError,
    Told,
    map_now,
    outside_begin,
    outside_commit,
    outside_finish,
    outside_remove,
    simulated_of,
)
from tracking.selectors import run_numbers
from tracking.vision.events import Event, TrackEnded
from tracking.vision.setup import SceneSetup
from tracking.visits import VisitBook
from zones.models import Camera

VISITORS = 200.0
LONGEST_DAYS, MOST_VISITORS = 800, 20_000
# A transaction takes so many events of the pipeline: each becomes one or two rows.
EVENTS_A_SLICE = 2500

Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to simulate.

    Attributes
    ----------
    seed : int
        Names the world.
    days : int
        So many business days, the last one is that of `until`.
    until : datetime
        Nothing of this instant and later.
    visitors : float
        How many people come in on an average day.
    """

    seed: int
    days: int
    until: datetime
    visitors: float = VISITORS


@dataclass(frozen=True, slots=True)
class Scene:
    """A camera with its map as it is now, and how its store tells the time."""

    camera: Camera
    setup: SceneSetup
    plan: ShopPlan
    clock: StoreClock


@dataclass(frozen=True, slots=True)
class WantedDay:
    """One camera's day, not made yet."""

    scene: Scene
    day: date
    starts_at: datetime
    ends_at: datetime
    public_id: uuid.UUID


def store_find(slug: str, timezone: str) -> tuple[Store, str]:
    """Return the store, made where it is missing, and what was made: "store", "camera" or ""."""
    store = Store.objects.filter(slug=slug).first()
    if store is None:
        return shop.store_make(slug, timezone), "store"
    if not store.cameras.exists():
        shop.camera_make(store)
        return store, "camera"
    return store, ""


def simulate(
    store: Store, wanted: Wanted, *, now: datetime, made: str = "", tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Make a store's simulated days what is wanted; return what is there then.

    Parameters
    ----------
    store : Store
    wanted : Wanted
    now : datetime
        The present, whose zones and lines the people find.
    made : str
        What of the store was made for this: it goes when its simulated days go.
    tell : callable
        Called with the share that is done, in [0, 1].

    Raises
    ------
    ValidationError
        Its cameras have nothing to count, or every day is taken by another recording.
    """
    days = list(_days(store, wanted, now))
    there = list(simulated_of(store).prefetch_related("runs"))
    made = made_for(store, made)
    keep = {day.public_id for day in days}
    gone = [each for each in there if each.public_id not in keep or not _is_whole(each)]
    outside_remove(gone)
    kept = {each.public_id for each in there} - {each.public_id for each in gone}
    missing = [day for day in days if day.public_id not in kept]
    taken: list[MinutesTakenError] = []
    for number, day in enumerate(missing):
        try:
            write_day(day, wanted, made, now)
        except MinutesTakenError as error:
            taken.append(error)
        tell((number + 1) / len(missing))
    if gone:
        _sweep(store)
    fold_dirty(store)
    if taken and len(taken) == len(days):
        raise taken[0]
    counts = {"made": len(missing) - len(taken), "kept": len(kept), "taken": len(taken)}
    return told(store) | {f"{name}_recordings": number for name, number in counts.items()}


def write_day(day: WantedDay, wanted: Wanted, made: str, now: datetime) -> Run:
    """Make up one day and write it, a few thousand events at a time; return its run."""
    scene = day.scene
    drawn = simulated_day(
        scene.plan, scene.clock, day.day, wanted.until,
        f"{wanted.seed}/{scene.camera.name}", wanted.visitors,
    )  # fmt: skip
    card = {"simulator": {"seed": wanted.seed, "version": VERSION, "made": made}}
    name = f"Simulated {day.day.isoformat()} (demo)"
    told = Told(scene.camera, day.public_id, name, day.starts_at, day.ends_at, card)
    run = outside_begin(told, scene.setup)
    for part in slices(scene.setup, drawn):
        outside_commit(run, part)
    outside_finish(run, now)
    return run


def simulate_remove(store: Store) -> dict[str, Any]:
    """Take everything simulated out of a store, and the store where it was made for this."""
    recordings = list(simulated_of(store).prefetch_related("runs"))
    made = {_made(recording) for recording in recordings}
    cameras = {recording.camera for recording in recordings}
    removed = outside_remove(recordings)
    if "store" in made and not (store.recordings.exists() or store.uploads.exists()):
        store.delete()
        return {"removed_recordings": removed, "removed_store": True}
    _sweep(store)
    fold_dirty(store)
    if "camera" in made:
        for camera in cameras:
            if not camera.recordings.exists():
                camera.delete()
    return {"removed_recordings": removed, "removed_store": False}


def told(store: Store) -> dict[str, Any]:
    """Return what is simulated in a store, for one line of JSON."""
    runs = Run.objects.filter(recording__in=simulated_of(store), active=True)
    numbers = run_numbers(list(runs.values_list("pk", flat=True))).values()
    spans = [(each.started_at, each.ended_at) for each in simulated_of(store)]
    return {
        "store": store.slug,
        "cameras": len(set(runs.values_list("recording__camera", flat=True))),
        "days": len({start for start, _ in spans}),
        "from": min(start for start, _ in spans).isoformat() if spans else None,
        "until": max(end for _, end in spans).isoformat() if spans else None,
        "events": TrackingEvent.objects.filter(run__in=runs).count(),
        "entries": sum(each.entries for each in numbers),
        "exits": sum(each.exits for each in numbers),
        "visits": sum(each.visits for each in numbers),
    }


class Teller:
    """Turns what a camera told into slices for the ledger, one after the other."""

    def __init__(self, setup: SceneSetup) -> None:
        self._entrances = frozenset(line.key for line in setup.lines if line.kind == "entrance")
        self._book = VisitBook(self._entrances)

    def slice_of(
        self, events: Sequence[Event], span: Span, staff: frozenset[int], *, last: bool
    ) -> Slice:
        """Return the facts of an observed span; the slice before it must be in the ledger."""
        book = self._book = VisitBook.from_json(self._entrances, self._book.settled())
        drafts = [draft for event in events for draft in book.take(event)]
        tracks = [event for event in events if isinstance(event, TrackEnded)]
        book.expire(span[1])
        if last:
            book.finish()
        for visit in book.changed.values():
            visit.staff = visit.chain in staff
        return Slice(book=book, events=drafts, tracks=tracks, covered_ms=span)


def slices(setup: SceneSetup, day: Day) -> Iterator[Slice]:
    """Yield a day's facts for the ledger: each slice is one observed span, or a part of it."""
    teller = Teller(setup)
    parts = list(_parts(day, times_of(day.events)))
    for number, (span, (begin, end)) in enumerate(parts):
        last = number == len(parts) - 1
        yield teller.slice_of(day.events[begin:end], span, day.staff, last=last)


def _parts(day: Day, times: list[int]) -> Iterator[tuple[Span, tuple[int, int]]]:
    """Yield spans of time that were observed, with where their events begin and end."""
    for first_ms, last_ms in day.covered:
        since_ms, begin = first_ms, bisect_left(times, first_ms)
        until = bisect_left(times, last_ms)
        while until - begin > EVENTS_A_SLICE:
            # Never between two events of one moment.
            cut_ms = times[begin + EVENTS_A_SLICE]
            end = bisect_left(times, cut_ms, begin)
            if end == begin:
                break
            yield (since_ms, cut_ms), (begin, end)
            since_ms, begin = cut_ms, end
        yield (since_ms, last_ms), (begin, until)


def _days(store: Store, wanted: Wanted, now: datetime) -> Iterator[WantedDay]:
    """Yield the days that are wanted of every camera that counts something, oldest first."""
    clock = clock_of(store)
    scenes = scenes_of(store, clock, now)
    last = clock.business_day(wanted.until - timedelta(milliseconds=1))
    for back in range(wanted.days - 1, -1, -1):
        day = last - back * ONE_DAY
        starts_at, ends_at = clock.day_bounds(day)
        ends_at = min(ends_at, wanted.until.astimezone(UTC))
        if starts_at >= ends_at:  # some calendars leave a day out
            continue
        for scene in scenes:
            # All that decides what is told, so that what is told has one name for ever.
            named = f"simulated/{VERSION}/{wanted.seed}/{wanted.visitors:g}/{day}/{ends_at}"
            public_id = uuid.uuid5(scene.camera.public_id, named)
            yield WantedDay(scene, day, starts_at, ends_at, public_id)


def scenes_of(store: Store, clock: StoreClock, now: datetime) -> list[Scene]:
    """Return the cameras of a store that count something, by name."""
    scenes = []
    for camera in store.cameras.order_by("name"):
        setup = map_now(camera, now)
        plan = plan_of(setup, hours_of(store))
        if plan.counts:
            scenes.append(Scene(camera, setup, plan, clock))
    if not scenes:
        raise ValidationError(
            f"No camera of store '{store.slug}' has a zone or a counting line, so nobody could be "
            "counted there. Draw one, or simulate a store of its own."
        )
    return scenes


def made_for(store: Store, made: str) -> str:
    """Return what of a store was made for its simulated days, now or when the first came."""
    there = simulated_of(store).prefetch_related("runs")
    return made or next((_made(recording) for recording in there if _made(recording)), "")


def broken_off(store: Store) -> list[Recording]:
    """Return what was simulated in a store and is not whole."""
    return [each for each in simulated_of(store).prefetch_related("runs") if not _is_whole(each)]


def _made(recording: Recording) -> str:
    """Return what was made for a simulated recording, as its card says."""
    cards = [run.card.get("simulator", {}) for run in recording.runs.all()]
    return next((str(card["made"]) for card in cards if card.get("made")), "")


def _is_whole(recording: Recording) -> bool:
    """Whether all of a day was written and counts."""
    return any(run.active and run.finished_at is not None for run in recording.runs.all())


def _sweep(store: Store) -> None:
    """Remove buckets that came down to nothing, under the lock that whoever adds to them holds."""
    with transaction.atomic():
        ledger.take_sequence(store, 0)
        Bucket.objects.filter(store=store, **dict.fromkeys(SUMS, 0)).delete()


def floored(instant: datetime) -> datetime:
    """Return the last full five minutes."""
    return floor_bucket(instant)
