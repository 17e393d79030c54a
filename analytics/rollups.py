"""Five-minute buckets: kept up to date inside the ledger's transaction, as integer deltas.

Everything in a bucket adds and subtracts, so a run's facts can be taken out again exactly. Buckets
are a cache of the facts: `analytics.rebuild` computes them afresh and compares.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Store
from analytics.calendar import BUCKET, StoreClock, floor_bucket, split_ms
from analytics.kpis import histogram_bin
from analytics.models import DWELL_EDGES_S, AnalyticsSummary, Bucket, DirtyDay
from analytics.opening import OpeningHours
from tracking.ledger import LedgerBatch, take_sequence
from tracking.models import Coverage, Run, TrackingEvent, Visit
from zones.models import CountingLine, Zone

Kind = TrackingEvent.Kind
Subject = Bucket.Subject

HISTOGRAM = tuple(f"h{index:02d}" for index in range(len(DWELL_EDGES_S) + 1))
SUMS = (
    "entries", "exits", "inside_ms", "stays", "censored", "dwell_ms", "observed_ms", *HISTOGRAM,
)  # fmt: skip
KEY = ("store_id", "camera_id", "subject_kind", "subject_id", "starts_at")
# 28 values a row; SQLite takes 32,766 a statement.
ROWS_PER_STATEMENT = 500


class BucketKey(NamedTuple):
    """What one bucket is about; its order is the order in which buckets are locked."""

    camera_id: int
    subject_kind: str
    subject_id: int
    starts_at: datetime


class Seen(NamedTuple):
    """A span that a camera observed."""

    camera_id: int
    starts_at: datetime
    ends_at: datetime


Ends = tuple[datetime, datetime]
_MILLISECOND = timedelta(milliseconds=1)
Deltas = dict[BucketKey, Counter[str]]


def bucket_sink(batch: LedgerBatch) -> None:
    """Add a batch of facts to the buckets, or take it out; called inside the transaction."""
    deltas = new_deltas()
    add_events(deltas, batch.events)
    add_visits(deltas, batch.visits_closed, cameras_of_runs(batch.visits_closed))
    add_coverage(deltas, batch.coverage)
    write_deltas(batch.store.pk, deltas, batch.sign)
    mark_dirty(batch.store, (key.starts_at for key in deltas))


def new_deltas() -> Deltas:
    """Return an empty collection of deltas."""
    return defaultdict(Counter)


def clock_of(store: Store) -> StoreClock:
    """Return how the store tells its days."""
    return StoreClock.of(store.timezone, store.business_day_start)


def hours_of(store: Store) -> OpeningHours:
    """Return when the store is open."""
    return OpeningHours.of(store.opening_hours, store.special_days)


def cameras_of_runs(visits: Iterable[Visit]) -> dict[int, int]:
    """Return the camera of every run that these visits belong to."""
    runs = Run.objects.filter(pk__in={visit.run_id for visit in visits})
    return dict(runs.values_list("pk", "recording__camera_id")) if visits else {}


def add_events(deltas: Deltas, events: Iterable[TrackingEvent]) -> None:
    """Add crossings to their lines and finished stays to their zones.

    A step over an entrance is told twice: as `crossed`, which is counted, and as `entered` or
    `exited`, which names it. So a line may become an entrance or cease to be one, and what it
    counted stays. An event without a camera has no bucket.
    """
    for event in events:
        if event.camera_id is None:
            continue
        if event.line_id is not None:
            if event.kind == Kind.CROSSED:
                column = "entries" if event.direction == "in" else "exits"
                at = floor_bucket(event.at)
                key = BucketKey(event.camera_id, Subject.LINE, event.line_id, at)
                _add_step(deltas[key], column, event.at, at)
        elif event.kind == Kind.ZONE_LEFT and event.zone_id is not None:
            dwell_ms = event.dwell_ms or 0
            since = event.since or event.at - timedelta(milliseconds=dwell_ms)
            key = BucketKey(event.camera_id, Subject.ZONE, event.zone_id, floor_bucket(since))
            _add_stay(deltas[key], dwell_ms, event.censored)


def add_visits(deltas: Deltas, visits: Iterable[Visit], cameras_of_runs: Mapping[int, int]) -> None:
    """Add closed visits to their camera, in the bucket they began in; staff are left out."""
    for visit in visits:
        if visit.staff:
            continue
        camera_id = cameras_of_runs[visit.run_id]
        at = floor_bucket(visit.entered_at)
        unseen_end = visit.inferred or visit.duration_ms is None
        key = BucketKey(camera_id, Subject.VISIT, camera_id, at)
        _add_stay(deltas[key], visit.duration_ms or 0, unseen_end)


def add_coverage(deltas: Deltas, spans: Sequence[Coverage]) -> None:
    """Add observed spans to their camera, split exactly over the buckets they meet.

    What a run saw while a counter outside was at work is taken off again, so that it is seen once
    whoever told of it first. The rows are in the database by now.
    """
    for span in spans:
        _add_span(deltas, Seen(span.camera_id, span.starts_at, span.ends_at), 1)
    for twice in seen_twice(spans):
        _add_span(deltas, twice, -1)


def _add_span(deltas: Deltas, span: Seen, sign: int) -> None:
    for at, observed_ms in split_ms(span.starts_at, span.ends_at):
        key = BucketKey(span.camera_id, Subject.CAMERA, span.camera_id, at)
        deltas[key]["observed_ms"] += sign * observed_ms


def seen_twice(spans: Sequence[Coverage]) -> Iterator[Seen]:
    """Yield where spans of runs meet what counters told, and told ones what active runs saw.

    Of one kind no two spans of a camera are alike: counters' are cut as they are told, and two
    recordings may not have the same minutes.
    """
    by_camera: dict[int, list[Coverage]] = defaultdict(list)
    for span in spans:
        if span.run_id is not None:
            by_camera[span.camera_id].append(span)
            continue
        camera = Coverage.objects.filter(camera_id=span.camera_id, run__active=True)
        yield from _meeting(span, _within(camera, span.starts_at, span.ends_at))
    for camera_id, some in by_camera.items():
        camera = Coverage.objects.filter(camera_id=camera_id, run=None)
        first, last = min(one.starts_at for one in some), max(one.ends_at for one in some)
        told = _within(camera, first, last)
        ends = [ends_at for _, ends_at in told]
        for span in some:
            yield from _meeting(span, told[bisect_right(ends, span.starts_at) :])


def _within(spans: QuerySet[Coverage], first: datetime, last: datetime) -> list[Ends]:
    meeting = spans.filter(starts_at__lt=last, ends_at__gt=first).order_by("starts_at")
    return list(meeting.values_list("starts_at", "ends_at"))


def _meeting(span: Coverage, others: Iterable[Ends]) -> Iterator[Seen]:
    """Yield where a span meets others, which come by their start."""
    for starts_at, ends_at in others:
        if starts_at >= span.ends_at:
            return
        first, last = max(starts_at, span.starts_at), min(ends_at, span.ends_at)
        if first < last:
            yield Seen(span.camera_id, first, last)


def write_deltas(store_id: int, deltas: Deltas, sign: int = 1) -> None:
    """Add the deltas to the stored buckets, times `sign`, locking them in key order."""
    rows = [
        (store_id, *key, *(sign * deltas[key][column] for column in SUMS)) for key in sorted(deltas)
    ]
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        upsert("analytics_bucket", (*KEY, *SUMS), KEY[1:], SUMS, rows[start:][:ROWS_PER_STATEMENT])


def mark_dirty(store: Store, bucket_starts: Iterable[datetime]) -> None:
    """Note the business days whose summaries, and whose verification, are now behind.

    Told by the calendar as it is stored: whoever writes facts may have read the store before its
    time zone changed. The change waits for the ledger, so this is the one that holds at the end.
    """
    clock = clock_of(Store.objects.get(pk=store.pk))
    days: set[date] = {clock.business_day(at) for at in set(bucket_starts)}
    key = ("store_id", "business_day")
    rows = [(store.pk, day, 1) for day in sorted(days)]
    for table, count in (("analytics_dirtyday", "touched"), ("analytics_daychange", "changes")):
        upsert(table, (*key, count), key, (count,), rows)


def hold_books(instance: Zone | CountingLine, **_: Any) -> None:
    """Wait for whoever writes facts; called before a zone or line is saved, ahead of all else.

    What follows puts days behind, which it must see all of, and locks them in another order than
    the ledger does.
    """
    take_sequence(instance.camera.store, 0)


def mark_calendar_dirty(store: Store, **_: Any) -> None:
    """Have all that was told by a store's former calendar told anew; called as it changes.

    Whoever writes facts and whoever folds a day is waited for, so none of them ends later by the
    former calendar.
    """
    take_sequence(store, 0)
    behind = DirtyDay.objects.filter(store=store).order_by("business_day")
    list(behind.select_for_update(of=("self",)).values_list("pk", flat=True))
    AnalyticsSummary.objects.filter(store=store).delete()
    counted = Bucket.objects.filter(store=store).order_by()
    mark_dirty(store, counted.values_list("starts_at", flat=True).distinct().iterator())


def mark_shape_dirty(instance: Zone | CountingLine, **_: Any) -> None:
    """Note that the days on which a saved zone or line was counted are behind.

    Its kind says which numbers use it, and may be another by now. Which cameras watch an entrance
    depends on lines alone, so a line puts every day of its camera behind.
    """
    camera = instance.camera
    counted = Bucket.objects.filter(store=camera.store_id, camera_id=camera.pk)
    if isinstance(instance, Zone):
        counted = counted.filter(subject_kind=Subject.ZONE, subject_id=instance.pk)
    mark_dirty(camera.store, counted.values_list("starts_at", flat=True).distinct().iterator())


def _add_step(delta: Counter[str], column: str, at: datetime, starts_at: datetime) -> None:
    """Count a crossing, and the time from it to the end of its bucket, in whole milliseconds."""
    rest_ms = (starts_at + BUCKET - at) // _MILLISECOND
    delta[column] += 1
    delta["inside_ms"] += rest_ms if column == "entries" else -rest_ms


def _add_stay(delta: Counter[str], duration_ms: int, censored: bool) -> None:
    """Count a stay; one whose start or end was not seen has no known length."""
    if censored:
        delta["censored"] += 1
        return
    delta["stays"] += 1
    delta["dwell_ms"] += duration_ms
    delta[HISTOGRAM[histogram_bin(duration_ms, DWELL_EDGES_S)]] += 1


def upsert(
    table: str,
    columns: Sequence[str],
    key: Sequence[str],
    sums: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> None:
    """Insert rows, adding to the columns `sums` where the key exists; rows come in key order."""
    if not rows:
        return
    one = f"({', '.join(['%s'] * len(columns))})"
    added = ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in sums)
    # Table and columns are this module's constants; every value is a parameter.
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(rows))} "  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_parameter(value) for row in rows for value in row])


def _parameter(value: object) -> Any:
    """Return the value as the database wants it (SQLite stores instants as naive UTC text)."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return value
