"""Buckets and summaries computed afresh from the facts, compared with the stored ones."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from django.db import connection, transaction

from accounts.models import Store
from analytics import marks
from analytics.models import AnalyticsSummary, Bucket, DirtyDay
from analytics.rollups import (
    KEY,
    SUMS,
    BucketKey,
    Deltas,
    add_coverage,
    add_events,
    add_visits,
    cameras_of_runs,
    clock_of,
    entrance_lines,
    mark_dirty,
    new_deltas,
    write_deltas,
)
from analytics.summaries import VALUES, day_summaries, fold_dirty
from tracking.models import Coverage, TrackingEvent, Visit
from tracking.selectors import OFFICIAL, one_view
from zones.models import Camera, CountingLine, Zone

Row = dict[str, Any]
EVENTS_AT_ONCE = 5000


@dataclass(slots=True)
class Comparison:
    """How many rows were compared, and a line for each that differs."""

    rows: int = 0
    differing: list[str] = field(default_factory=list)

    def compare(self, what: str, stored: Mapping[Any, Row], fresh: Mapping[Any, Row]) -> None:
        """Compare two sets of rows by key; a row that is missing differs."""
        keys: set[Hashable] = {*stored, *fresh}
        self.rows += len(keys)
        for key in sorted(keys, key=str):
            old, new = stored.get(key, {}), fresh.get(key, {})
            if old != new:
                names = [name for name in {**new, **old} if old.get(name) != new.get(name)]
                told = ", ".join(f"{n}: {old.get(n)} for {new.get(n)}" for n in names)
                self.differing.append(f"{what} {_words(key)}: {told}")


def fresh_buckets(store: Store) -> Deltas:
    """Return the store's buckets as its official events, visits and coverage make them."""
    deltas = new_deltas()
    events = TrackingEvent.objects.filter(OFFICIAL, store=store).only(
        "kind", "at", "camera", "line", "zone", "run", "direction", "since", "dwell_ms", "censored"
    )
    stream = events.order_by("pk").iterator(EVENTS_AT_ONCE)
    while some := list(islice(stream, EVENTS_AT_ONCE)):
        add_events(deltas, some, entrance_lines(some))
    visits = list(
        Visit.objects.filter(store=store, run__active=True, exited_at__isnull=False).defer("path")
    )
    add_visits(deltas, visits, cameras_of_runs(visits))
    add_coverage(deltas, Coverage.objects.filter(OFFICIAL, camera__store=store).iterator())
    return deltas


def check(store: Store) -> Comparison:
    """Compare the store's buckets and summaries with freshly computed ones.

    Days that are behind are folded first, as any reader of them would; everything is then read
    from one state of the database, so work that goes on meanwhile makes no difference.
    """
    fold_dirty(store)
    result = Comparison()
    with one_view():
        result.compare("Bucket", _stored_buckets(store), _as_rows(fresh_buckets(store)))
        result.compare("Mark", marks.stored_marks(store), marks.fresh_rows(store))
        behind = set(DirtyDay.objects.filter(store=store).values_list("business_day", flat=True))
        stored, fresh = _summaries(store, behind)
        result.compare("Summary", stored, fresh)
    return result


def rewrite(store: Store) -> Comparison:
    """Replace the store's buckets and summaries by freshly computed ones; say what changed."""
    before = check(store)
    with transaction.atomic():
        _hold_buckets()
        Bucket.objects.filter(store=store).delete()
        AnalyticsSummary.objects.filter(store=store).delete()
        marks.rewrite_marks(store)
        deltas = fresh_buckets(store)
        write_deltas(store.pk, deltas)
        mark_dirty(store, (key.starts_at for key in deltas))
    fold_dirty(store)
    return before


def bucket_facts(store: Store) -> Iterator[Row]:
    """Yield the store's stored buckets by natural key, for `export_facts`."""
    cameras = dict(Camera.objects.filter(store=store).values_list("pk", "name"))
    lines = CountingLine.objects.filter(camera__store=store).values_list("pk", "name")
    zones = Zone.objects.filter(camera__store=store).values_list("pk", "name")
    names = {Bucket.Subject.LINE: dict(lines), Bucket.Subject.ZONE: dict(zones)}
    for key, sums in _stored_buckets(store).items():
        yield {
            "fact": "bucket",
            "camera": cameras.get(key.camera_id),
            "subject": key.subject_kind,
            "name": names.get(Bucket.Subject(key.subject_kind), cameras).get(key.subject_id),
            "starts_at": key.starts_at.isoformat(),
            **sums,
        }


def _hold_buckets() -> None:
    """Keep ledger transactions from the buckets until the end of this one.

    They write their facts before their buckets, so each is seen whole or waits and adds later.
    SQLite's transactions are one at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE analytics_bucket IN SHARE ROW EXCLUSIVE MODE")


def _as_rows(deltas: Deltas) -> dict[BucketKey, Row]:
    rows = {key: {name: sums[name] for name in SUMS} for key, sums in deltas.items()}
    return {key: row for key, row in rows.items() if any(row.values())}


def _stored_buckets(store: Store) -> dict[BucketKey, Row]:
    """Return the stored buckets; those that came down to nothing count as none."""
    rows = Bucket.objects.filter(store=store).values_list(*KEY[1:], *SUMS)
    width = len(KEY) - 1
    found = {
        BucketKey(*row[:width]): dict(zip(SUMS, row[width:], strict=True))
        for row in rows.iterator(EVENTS_AT_ONCE)
    }
    return {key: row for key, row in found.items() if any(row.values())}


def _summaries(store: Store, behind: set[date]) -> tuple[dict[Any, Row], dict[Any, Row]]:
    """Return stored and fresh summaries of all days but those that are behind."""
    clock = clock_of(store)
    stored_rows = list(
        AnalyticsSummary.objects.filter(store=store).exclude(business_day__in=behind)
    )
    starts = Bucket.objects.filter(store=store).values_list("starts_at", flat=True).distinct()
    days = {clock.business_day(at) for at in starts} | {row.business_day for row in stored_rows}
    fresh_rows = [row for day in sorted(days - behind) for row in day_summaries(store, clock, day)]
    return _by_start(stored_rows), _by_start(fresh_rows)


def _by_start(rows: list[AnalyticsSummary]) -> dict[Any, Row]:
    return {
        (row.period, row.starts_at): {name: getattr(row, name) for name in VALUES} for row in rows
    }


def _words(key: Any) -> str:
    return " ".join(str(part) for part in key)
