"""Path sums: which zones people went through, kept inside the ledger's transaction.

A visit's path is its stays in the order they began. Stays of a chain that no visit has (nobody saw
it come in, or it was never near an entrance) are one path of their own, from where the chain was
first seen to where it was last seen; a stay without a chain stands alone. Visits of staff are left
out. The sums add and subtract like buckets, and `analytics.rebuild` compares them.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Q

from accounts.models import Store
from analytics.calendar import ONE_DAY, StoreClock
from analytics.models import PathClock, PathSum
from analytics.rollups import cameras_of_runs, upsert
from tracking.ledger import LedgerBatch, Stays, take_sequence
from tracking.models import Run, TrackingEvent, Visit
from tracking.selectors import OFFICIAL
from zones.models import Camera, Zone

Kind = PathSum.Kind
ROWS_AT_ONCE = 2000
# So many chains are asked for by their numbers; SQLite takes 32,766 values a statement.
CHAINS_AT_ONCE = 500
# What the digests of paths are made from.
PATHS = uuid.UUID("6f1c3c1e-5f6e-4a7e-9a55-0d1f6b7f2d10")


class PathKey(NamedTuple):
    """What one sum is about; its order is the order in which sums are locked."""

    camera_id: int
    business_day: date
    kind: str
    zones: str


class LooseStay(NamedTuple):
    """A stay that no visit has; stays of one run and chain follow each other by time."""

    since: datetime
    left_at: datetime
    ordinal: int
    zone_id: int
    camera_id: int


Deltas = Counter[PathKey]
Chain = tuple[int, int]  # run and number


def path_sink(batch: LedgerBatch) -> None:
    """Add a batch to the path sums, or take it out; called inside the ledger's transaction.

    Sums that are behind are left alone: they will be made afresh from all facts, these among them.
    """
    visits = [*batch.visits_closed, *(visit for visit, _ in batch.visits_grown)]
    loose = [event for event in batch.events if _is_loose(event)]
    if not visits and not loose:
        return
    clock = clock_held(batch.store)
    if clock is None:
        return
    deltas: Deltas = Counter()
    zone_ids, cameras = zone_ids_of(batch.store), cameras_of_runs(visits)
    for visit in batch.visits_closed:
        _add(deltas, visit_path(visit, visit.path, clock, cameras, zone_ids), 1)
    for visit, path_before in batch.visits_grown:
        _add(deltas, visit_path(visit, path_before, clock, cameras, zone_ids), -1)
        _add(deltas, visit_path(visit, visit.path, clock, cameras, zone_ids), 1)
    _add_loose(deltas, loose, _first_ordinals(batch.events), clock)
    write_paths(batch.store.pk, deltas, batch.sign)


def visit_path(
    visit: Visit,
    stays: Stays,
    clock: StoreClock,
    cameras: Mapping[int, int],
    zone_ids: Mapping[str, int],
) -> PathKey | None:
    """Return the path of a visit with these stays; None for one of staff."""
    if visit.staff:
        return None
    in_order = sorted(stays, key=itemgetter("entered_at", "left_at"))
    zones = [zone_ids[stay["zone"]] for stay in in_order if stay["zone"] in zone_ids]
    kind = Kind.UNENDED if visit.inferred else Kind.VISIT
    day = clock.business_day(visit.entered_at)
    return PathKey(cameras[visit.run_id], day, kind.value, _joined(zones))


def loose_path(stays: Iterable[LooseStay], clock: StoreClock) -> PathKey | None:
    """Return the path of one chain's stays outside any visit; None without any."""
    in_order = sorted(stays)
    if not in_order:
        return None
    first = in_order[0]
    zones = _joined([stay.zone_id for stay in in_order])
    return PathKey(first.camera_id, clock.business_day(first.since), Kind.LOOSE.value, zones)


def write_paths(store_id: int, deltas: Deltas, sign: int = 1) -> None:
    """Add the deltas to the stored sums, times `sign`; those that come down to nothing go."""
    changed = {key: sign * times for key, times in deltas.items() if times}
    rows = [
        (store_id, *key, uuid.uuid5(PATHS, key.zones).hex, times)
        for key, times in sorted(changed.items())
    ]
    columns = ("store_id", "camera_id", "business_day", "kind", "zones", "digest", "times")
    unique = ("camera_id", "business_day", "kind", "digest")
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        upsert("analytics_pathsum", columns, unique, ("times",), some)
    lowered = {(key.camera_id, key.business_day) for key, times in changed.items() if times < 0}
    for camera_id, day in sorted(lowered):
        PathSum.objects.filter(camera=camera_id, business_day=day, times=0).delete()


# --- Behind and afresh ------------------------------------------------------------------------


def clock_held(store: Store) -> StoreClock | None:
    """Return the store's clock of now if its path sums were made by it, else None.

    Asked for afresh: whoever adds to the sums holds the store's counter, as does whoever makes
    them afresh, so both see the same clock.
    """
    columns = ("timezone", "business_day_start", "path_clock__timezone", "path_clock__day_start")
    timezone, day_start, *kept = Store.objects.values_list(*columns).get(pk=store.pk)
    return StoreClock.of(timezone, day_start) if kept == [timezone, day_start] else None


def paths_begin(instance: Store, created: bool, **_: Any) -> None:
    """Keep the path sums of a new store from its first fact on."""
    if created:
        store = Store.objects.get(pk=instance.pk)
        PathClock.objects.create(
            store=store, timezone=store.timezone, day_start=store.business_day_start
        )


def paths_refresh(store: Store | None = None) -> int:
    """Make path sums afresh where they are behind, of one store or of all; return of how many.

    That is after the store's time zone or the start of its days was changed.
    """
    stores = Store.objects.exclude(
        path_clock__timezone=F("timezone"), path_clock__day_start=F("business_day_start")
    )
    behind = list(stores if store is None else stores.filter(pk=store.pk))
    for one in behind:
        paths_rewrite(one)
    return len(behind)


def paths_rewrite(store: Store) -> None:
    """Replace the store's path sums by freshly computed ones."""
    with transaction.atomic():
        take_sequence(store, 0)  # nobody adds meanwhile
        timezone, day_start = _clock_now(store)
        PathSum.objects.filter(store=store).delete()
        write_paths(store.pk, fresh_paths(store, StoreClock.of(timezone, day_start)))
        PathClock.objects.update_or_create(
            store=store, defaults={"timezone": timezone, "day_start": day_start}
        )


def paths_rewrite_day(store: Store, day: date, longest_stay: timedelta) -> None:
    """Replace the path sums of one business day, unless all of them are behind anyway."""
    with transaction.atomic():
        take_sequence(store, 0)
        clock = clock_held(store)
        if clock is not None:
            PathSum.objects.filter(store=store, business_day=day).delete()
            write_paths(store.pk, fresh_paths(store, clock, day, longest_stay))


def fresh_paths(
    store: Store, clock: StoreClock, day: date | None = None, longest_stay: timedelta = ONE_DAY
) -> Deltas:
    """Return the path sums of one business day, or of all, as official visits and stays make them.

    Visits and stays are read as streams: what is held is the sums. Of one day, stays are looked for
    up to `longest_stay` after its end, since they are told when they end.
    """
    deltas: Deltas = Counter()
    zone_ids = zone_ids_of(store)
    runs = Run.objects.filter(store=store, active=True)
    cameras = dict(runs.values_list("pk", "recording__camera_id"))
    visits = Visit.objects.filter(store=store, run__active=True, exited_at__isnull=False)
    loose = Q(OFFICIAL, store=store, kind=TrackingEvent.Kind.ZONE_LEFT)
    if day is not None:
        starts_at, ends_at = clock.day_bounds(day)
        visits = visits.filter(entered_at__gte=starts_at, entered_at__lt=ends_at)
        loose &= Q(at__gte=starts_at, at__lte=ends_at + longest_stay)
        loose &= Q(since__gte=starts_at, since__lt=ends_at)
    narrow = visits.only("path", "entered_at", "inferred", "staff", "run")
    for visit in narrow.order_by("pk").iterator(ROWS_AT_ONCE):
        _add(deltas, visit_path(visit, visit.path, clock, cameras, zone_ids), 1)
    chains = _by_chain(loose) if day is None else _whole_chains(loose)
    for chain, stays in chains:
        for path in _paths_of(chain, stays, clock):
            if path is not None and day in (None, path.business_day):
                _add(deltas, path, 1)
    return deltas


def stored_paths(store: Store, day: date | None = None) -> dict[PathKey, dict[str, Any]]:
    """Return the stored sums of one business day, or of all, by key."""
    sums = PathSum.objects.filter(store=store)
    if day is not None:
        sums = sums.filter(business_day=day)
    rows = sums.values_list(*PathKey._fields, "times")
    return {PathKey(*key): {"times": times} for *key, times in rows.iterator(ROWS_AT_ONCE)}


def path_facts(store: Store) -> Iterator[dict[str, Any]]:
    """Yield the store's path sums by natural key, for `export_facts`."""
    cameras = dict(Camera.objects.filter(store=store).values_list("pk", "name"))
    names = dict(Zone.objects.filter(camera__store=store).values_list("pk", "name"))
    for key, row in stored_paths(store).items():
        zones = [names.get(zone) for zone in split_zones(key.zones)]
        yield {
            "fact": "path",
            "camera": cameras.get(key.camera_id),
            "day": key.business_day.isoformat(),
            "kind": key.kind,
            "zones": zones,
            **row,
        }


def split_zones(zones: str) -> tuple[int, ...]:
    """Return the primary keys that a sum's text holds."""
    return tuple(int(zone) for zone in zones.split(",") if zone)


def zone_ids_of(store: Store) -> dict[str, int]:
    """Return the primary keys of a store's zones by public id, as a visit's path names them."""
    rows = Zone.objects.filter(camera__store=store).values_list("public_id", "pk")
    return {str(public_id): pk for public_id, pk in rows}


# --- Stays that no visit has ------------------------------------------------------------------


def _is_loose(event: TrackingEvent) -> bool:
    is_stay = event.kind == TrackingEvent.Kind.ZONE_LEFT and event.since is not None
    placed = event.zone_id is not None and event.camera_id is not None
    return is_stay and placed and event.visit_id is None


def _add_loose(
    deltas: Deltas, events: list[TrackingEvent], firsts: Mapping[int, int], clock: StoreClock
) -> None:
    """Lengthen the paths of these stays' chains, by what was there before and what is now."""
    come: defaultdict[Chain | None, list[LooseStay]] = defaultdict(list)
    for event in events:
        stay: Any = (event.since, event.at, event.ordinal or 0, event.zone_id, event.camera_id)
        come[_chain(event.run_id, event.track_number)].append(LooseStay(*stay))
    before = _stays_before({chain for chain in come if chain is not None}, firsts)
    for chain, stays in come.items():
        were = before.get(chain, []) if chain is not None else []
        if were:
            _add(deltas, loose_path(were, clock), -1)
        for path in _paths_of(chain, [*were, *stays], clock):
            _add(deltas, path, 1)


def _paths_of(
    chain: Chain | None, stays: list[LooseStay], clock: StoreClock
) -> Iterator[PathKey | None]:
    if chain is None:
        yield from (loose_path([stay], clock) for stay in stays)
    else:
        yield loose_path(stays, clock)


def _stays_before(
    chains: set[Chain], firsts: Mapping[int, int]
) -> Mapping[Chain | None, list[LooseStay]]:
    """Return the chains' stays that were written before the batch that begins with `firsts`."""
    return _stays_of({chain for chain in chains if firsts[chain[0]] > 0}, firsts)


def _stays_of(
    chains: set[Chain], firsts: Mapping[int, int] | None = None
) -> Mapping[Chain | None, list[LooseStay]]:
    """Return the chains' stays that no visit has; with `firsts`, those of lower ordinals alone."""
    found: defaultdict[Chain | None, list[LooseStay]] = defaultdict(list)
    for run_id in sorted({run for run, _ in chains}):
        numbers = sorted(number for run, number in chains if run == run_id)
        which = Q(run=run_id)
        if firsts is not None:
            which &= Q(ordinal__lt=firsts[run_id])
        if len(numbers) <= CHAINS_AT_ONCE:
            which &= Q(track_number__in=numbers)
        for chain, stay in _loose_stays(which):
            found[chain].append(stay)
    return found


def _by_chain(which: Q) -> Iterator[tuple[Chain | None, list[LooseStay]]]:
    for chain, told in groupby(_loose_stays(which), key=itemgetter(0)):
        yield chain, [stay for _, stay in told]


def _whole_chains(which: Q) -> Iterator[tuple[Chain | None, list[LooseStay]]]:
    """Yield all stays of the chains that have one of these: before it and after it, too."""
    chains: set[Chain] = set()
    for chain, stay in _loose_stays(which):
        if chain is None:
            yield None, [stay]
        else:
            chains.add(chain)
    rest = iter(sorted(chains))
    while some := set(islice(rest, CHAINS_AT_ONCE)):
        yield from _stays_of(some).items()


def _loose_stays(which: Q) -> Iterator[tuple[Chain | None, LooseStay]]:
    """Yield stays that no visit has, chain by chain; those without a chain under None."""
    rows = TrackingEvent.objects.filter(
        which, visit=None, since__isnull=False, zone__isnull=False, camera__isnull=False
    )
    columns = ("since", "at", "ordinal", "zone_id", "camera_id")
    values = rows.order_by("run_id", "track_number", "ordinal").values_list(
        "run_id", "track_number", *columns
    )
    for run_id, number, since, at, ordinal, *place in values.iterator(ROWS_AT_ONCE):
        yield _chain(run_id, number), LooseStay(since, at, ordinal or 0, *place)


def _chain(run_id: int | None, number: int | None) -> Chain | None:
    return None if run_id is None or number is None else (run_id, number)


def _first_ordinals(events: Iterable[TrackingEvent]) -> dict[int, int]:
    """Return, by run, the first of the ordinals that a batch holds."""
    firsts: dict[int, int] = {}
    for event in events:
        if event.run_id is not None and event.ordinal is not None:
            firsts[event.run_id] = min(event.ordinal, firsts.get(event.run_id, event.ordinal))
    return firsts


def _add(deltas: Deltas, path: PathKey | None, times: int) -> None:
    if path is not None:
        deltas[path] += times


def _joined(zones: Iterable[int]) -> str:
    return ",".join(map(str, zones))


def _clock_now(store: Store) -> Any:
    """Return the store's time zone and start of day as they are stored now."""
    return Store.objects.values_list("timezone", "business_day_start").get(pk=store.pk)
