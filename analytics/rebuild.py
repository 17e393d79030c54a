"""Buckets and summaries computed afresh from the facts, compared with the stored ones.

Day by day, each read from one state of the database, and both sides as streams in the order of
their keys: what is held in memory at once is a day's five minutes, however many events there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection, transaction

from accounts.models import Store
from analytics import fresh, marks
from analytics.calendar import StoreClock
from analytics.differences import Difference, words_of
from analytics.fresh import COLUMNS, EVER, BucketId, Reach, Row, Sums
from analytics.models import AnalyticsSummary, Bucket, DayChange, DirtyDay, PathSum
from analytics.path_sums import (
    clock_held,
    fresh_paths,
    paths_refresh,
    paths_rewrite,
    paths_rewrite_day,
    stored_paths,
)
from analytics.rollups import clock_of, mark_dirty
from analytics.summaries import UNCOUNTED_ZONES, VALUES, day_summaries, fold_dirty
from tracking.ledger import take_sequence
from tracking.selectors import entrance_lines, one_view
from zones.models import Camera, CountingLine, Zone

Subject = Bucket.Subject
Facts = dict[str, Any]
SummaryId = tuple[str, Any]
NAMED_AT_MOST = 1000
FOLDS_AT_MOST = 5
# In place of `DayChange.changes`, which count from one: no state of the day.
NO_CHANGES = -1
ONE_DAY = timedelta(days=1)
Progress = Callable[[float], None]


@dataclass(slots=True)
class Comparison:
    """How many rows were compared and how many differ; a line for each of the first of those."""

    rows: int = 0
    wrong: int = 0
    differing: list[str] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        """Add what another part found."""
        self.rows += other.rows
        self.wrong += other.wrong
        self.differing += other.differing[: NAMED_AT_MOST - len(self.differing)]


@dataclass(slots=True)
class DayCheck:
    """One business day: stored and fresh rows, as hashes, and where they differ."""

    store: Store
    day: date
    rows: int = 0
    wrong: int = 0
    found: list[Difference] = field(default_factory=list)
    # How often the day had been touched by then, see `DayChange`; `NO_CHANGES` where it was behind.
    changes: int = 0
    stored: Any = field(default_factory=sha256)
    fresh: Any = field(default_factory=sha256)

    def row(self, key: tuple[Any, ...], stored: Any, counted: Any) -> None:
        """Take in one row, stored and counted; None where there is none."""
        self.rows += 1
        for digest, values in ((self.stored, stored), (self.fresh, counted)):
            if values is not None:
                digest.update(repr((key, values)).encode())
        if stored != counted:
            self.wrong += 1
            if len(self.found) < NAMED_AT_MOST:
                self.found.append(Difference(key, stored, counted))

    def comparison(self) -> Comparison:
        """Return what was found, in words."""
        return Comparison(self.rows, self.wrong, words_of(self.store, self.found))


def check(store: Store, progress: Progress | None = None) -> Comparison:
    """Compare the store's buckets and summaries with freshly computed ones.

    Days that are behind are folded first, as any reader of them would; work that goes on meanwhile
    makes no difference. See `check_day` for a day on which that work never rests.
    """
    days, reach = days_of(store), fresh.reach_of(store)
    result = Comparison()
    for number, day in enumerate(days, start=1):
        result.add(check_day(store, day, reach).comparison())
        if progress:
            progress(number / len(days))
    return result


def check_day(store: Store, day: date, reach: Reach) -> DayCheck:
    """Compare one business day, read from one state of the database.

    A day that is counted right after its fold is folded again. One that is behind all the same has
    its summaries left out: its `changes` are then those of no day, so that it does not pass for
    verified whole.
    """
    tries_left = FOLDS_AT_MOST
    while True:
        tries_left -= 1
        fold_dirty(store, day, day)
        paths_refresh(store)
        with one_view():
            # As it is in this view: its calendar may have changed since the caller read it.
            found = DayCheck(Store.objects.get(pk=store.pk), day)
            behind = _is_behind(found)
            if behind and tries_left:
                continue
            found.changes = NO_CHANGES if behind else changes_of(store, day, day).get(day, 0)
            _check_rows(found, reach)
            return found


def _is_behind(found: DayCheck) -> bool:
    """Return whether the summaries of a day, or all path sums, are no cache of anything yet."""
    dirty = DirtyDay.objects.filter(store=found.store, business_day=found.day)
    return dirty.exists() or clock_held(found.store) is None


def _check_rows(found: DayCheck, reach: Reach) -> None:
    clock = clock_of(found.store)
    between = fresh.buckets_between(*clock.day_bounds(found.day))
    fives = FiveMinuteSums(found.store)
    counted = fives.watch(fresh.fresh_rows(found.store, between, reach))
    for key, old, new in merged(fresh.stored_rows(found.store, between), counted):
        found.row(("bucket", *key), old, new)
    _check_marks(found, between)
    if found.changes != NO_CHANGES:
        _check_summaries(found, clock, fives.rows)
    _check_paths(found, reach)


def _check_paths(found: DayCheck, reach: Reach) -> None:
    clock = clock_held(found.store)
    if clock is None:
        return  # made by another clock: they are behind
    starts_us = fresh.us_of(clock.day_starts_at(found.day))
    stored = stored_paths(found.store, found.day)
    counted = fresh_paths(found.store, clock, found.day, reach.stay)
    for key in sorted({*stored, *counted}):
        times = {"times": counted[key]} if counted[key] else None
        which = (key.camera_id, key.kind, key.zones)
        found.row(("path", starts_us, *which), stored.get(key), times)


def rewrite(store: Store, progress: Progress | None = None) -> Comparison:
    """Replace the store's buckets and summaries by freshly computed ones; say what changed.

    Summaries are left to the fold, which replaces a day's rows: it holds the day first and then
    them, and whoever took them the other way round would wait for it in a circle.
    """
    before = check(store, progress)
    with transaction.atomic():
        store = _hold(store)
        days = days_of(store)
        Bucket.objects.filter(store=store).delete()
        marks.rewrite_marks(store, fresh.EVER.starts_at, fresh.EVER.ends_at)
        fresh.fresh_insert(store, EVER, fresh.NO_REACH)
        mark_dirty(store, map(clock_of(store).day_starts_at, days))
    fold_dirty(store)
    paths_rewrite(store)
    return before


def rewrite_day(store: Store, day: date, reach: Reach) -> None:
    """Replace the buckets and summaries of one business day by freshly computed ones."""
    with transaction.atomic():
        store = _hold(store)
        clock = clock_of(store)
        between = fresh.buckets_between(*clock.day_bounds(day))
        Bucket.objects.filter(
            store=store, starts_at__gte=between.starts_at, starts_at__lt=between.ends_at
        ).delete()
        marks.rewrite_marks(store, between.starts_at, between.ends_at)
        fresh.fresh_insert(store, between, reach)
        mark_dirty(store, [clock.day_starts_at(day)])
    fold_dirty(store, day, day)
    paths_rewrite_day(store, day, reach.stay)


def days_of(store: Store) -> list[date]:
    """Return the business days of which the store has facts, buckets or summaries."""
    clock = clock_of(store)
    summaries = AnalyticsSummary.objects.filter(store=store)
    days = set(summaries.values_list("business_day", flat=True).distinct())
    paths = PathSum.objects.filter(store=store)
    days |= set(paths.values_list("business_day", flat=True).distinct())
    ends_at = None
    with one_view():
        for first, last in fresh.spans_of_facts(store):
            if ends_at is None or last >= ends_at:  # else the day is known already
                day, until = clock.business_day(first), clock.business_day(last)
                days |= {day + n * ONE_DAY for n in range((until - day).days + 1)}
                ends_at = clock.day_bounds(until)[1]
    return sorted(days)


def changes_of(store: Store, first: date, last: date) -> dict[date, int]:
    """Return how often each of these business days was touched."""
    rows = DayChange.objects.filter(store=store, business_day__gte=first, business_day__lte=last)
    return dict(rows.values_list("business_day", "changes"))


def bucket_facts(store: Store) -> Iterator[Facts]:
    """Yield the store's stored buckets by natural key, for `export_facts`."""
    cameras = dict(Camera.objects.filter(store=store).values_list("pk", "name"))
    lines = CountingLine.objects.filter(camera__store=store).values_list("pk", "name")
    zones = Zone.objects.filter(camera__store=store).values_list("pk", "name")
    names = {Subject.LINE: dict(lines), Subject.ZONE: dict(zones)}
    for key, sums in fresh.stored_rows(store):
        yield {
            "fact": "bucket",
            "camera": cameras.get(key.camera_id),
            "subject": key.subject_kind,
            "name": names.get(Subject(key.subject_kind), cameras).get(key.subject_id),
            "starts_at": fresh.instant_of(key.starts_us).isoformat(),
            **dict(zip(COLUMNS, sums, strict=True)),
        }


def merged(
    stored: Iterator[Row], counted: Iterator[Row]
) -> Iterator[tuple[BucketId, Sums | None, Sums | None]]:
    """Yield every key of two streams in order with the sums of both, None where one has none."""
    old, new = next(stored, None), next(counted, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            assert old is not None
            yield old[0], old[1], None
            old = next(stored, None)
        elif old is None or new[0] < old[0]:
            yield new[0], None, new[1]
            new = next(counted, None)
        else:
            yield old[0], old[1], new[1]
            old, new = next(stored, None), next(counted, None)


class FiveMinuteSums:
    """Fresh buckets as `summaries.bucket_rows` would have them, added up as they pass by.

    So the summaries are proven from the facts, and the query that folds stored buckets is proven
    with them.
    """

    def __init__(self, store: Store) -> None:
        lines = dict(entrance_lines(store).values_list("pk", "camera_id"))
        hidden = Zone.objects.filter(camera__store=store, kind__in=UNCOUNTED_ZONES)
        self._entrances, self._watched = set(lines), set(lines.values())
        self._hidden = set(hidden.values_list("pk", flat=True))
        self.rows: list[Facts] = []

    def watch(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows on, having added them up; they come in order of time."""
        for key, sums in rows:
            starts_at = fresh.instant_of(key.starts_us)
            if not self.rows or self.rows[-1]["starts_at"] != starts_at:
                self.rows.append(self._empty(starts_at))
            self._add(self.rows[-1], key, dict(zip(COLUMNS, sums, strict=True)))
            yield key, sums

    def _empty(self, starts_at: Any) -> Facts:
        told = {f"{name}_{column}": 0 for name in ("visit", "zone") for column in COLUMNS}
        entrances = {f"n_{column}": 0 for column in COLUMNS}
        return {"starts_at": starts_at, "seen_ms": 0, **told, **entrances}

    def _add(self, row: Facts, key: BucketId, sums: dict[str, int]) -> None:
        kind, subject = key.subject_kind, key.subject_id
        if kind == Subject.CAMERA and subject in self._watched:
            row["seen_ms"] = max(row["seen_ms"], sums["observed_ms"])
        elif kind == Subject.LINE and subject in self._entrances:
            _add_to(row, "n", sums)
        elif kind == Subject.VISIT or (kind == Subject.ZONE and subject not in self._hidden):
            _add_to(row, kind, sums)


def _add_to(row: Facts, name: str, sums: dict[str, int]) -> None:
    for column, value in sums.items():
        row[f"{name}_{column}"] += value


def _check_marks(found: DayCheck, between: fresh.Between) -> None:
    """Compare the resets and corrections of a day with the events that told them."""
    stored = marks.stored_rows(found.store, between.starts_at, between.ends_at)
    told = marks.fresh_rows(found.store, between.starts_at, between.ends_at)
    for event in sorted({*stored, *told}):
        old, new = stored.get(event), told.get(event)
        at = (old or new or {})["at"]
        found.row(("mark", fresh.us_of(at), event), old, new)


def _check_summaries(found: DayCheck, clock: StoreClock, fives: Iterable[Facts]) -> None:
    rows = AnalyticsSummary.objects.filter(store=found.store, business_day=found.day)
    stored = _by_start(rows)
    counted = _by_start(day_summaries(found.store, clock, found.day, fives))
    for key in sorted({*stored, *counted}):
        found.row(key, stored.get(key), counted.get(key))


def _by_start(rows: Iterable[AnalyticsSummary]) -> dict[tuple[Any, ...], Facts]:
    return {
        (row.period, fresh.us_of(row.starts_at)): {name: getattr(row, name) for name in VALUES}
        for row in rows
    }


def _hold(store: Store) -> Store:
    """Keep others from the store's facts and sums until this transaction ends; return it as it is.

    Whoever writes facts, tells who is inside or changes the calendar takes the store's counter
    first, and so does this. A line of another kind moves its buckets without it: ledger and line
    write their facts before their buckets, so each is seen whole or waits and adds later. SQLite's
    transactions are one at a time anyway.
    """
    take_sequence(store, 0)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE analytics_bucket IN SHARE ROW EXCLUSIVE MODE")
    return Store.objects.get(pk=store.pk)
