"""Sums kept up to date against sums made anew, and pages read from sums against events.

`python -m tools.bench.rollup_race EVENTS [check]` fills the database of DATABASE_URL and prints one
line of JSON, in seconds. With `check` the sums are compared with the events in the end, row by row.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.models import Count, Q, Sum  # noqa: E402
from django.db.models.functions import TruncDay, TruncHour  # noqa: E402

from accounts.models import Store  # noqa: E402
from analytics import rebuild  # noqa: E402
from analytics.history import hour_lines, summary_lines, totals_of  # noqa: E402
from analytics.models import Bucket  # noqa: E402
from analytics.rollups import clock_of  # noqa: E402
from analytics.summaries import fold_dirty  # noqa: E402
from tools.bench.many_events import bounds, year_of  # noqa: E402
from tracking.bulk import insert_rows  # noqa: E402
from tracking.ledger import LedgerBatch, feed  # noqa: E402
from tracking.models import TrackingEvent  # noqa: E402

ROUNDS = 5
TOUCHED = timedelta(hours=2)
AFTERNOON = timedelta(hours=11)  # after the business day begins, at four


def main(wanted: int, *, compare: bool) -> dict[str, Any]:
    """Return seconds of everything, and how many rows differ in the end."""
    began = time.monotonic()
    store = year_of(wanted)
    told: dict[str, Any] = {"fill_s": time.monotonic() - began}
    told["events"] = TrackingEvent.objects.count()
    told["full_s"] = timed(lambda: full(store))
    told["touched"], told["incremental_s"] = incremental(store)
    told |= reads(store)
    if compare:
        result = rebuild.check(store)
        told |= {"rows": result.rows, "differing": len(result.differing)}
    told["buckets"] = Bucket.objects.count()
    return told


def timed(do: Callable[[], object]) -> float:
    """Return how long something takes, by the clock."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def full(store: Store) -> None:
    """Make all sums anew, as `rebuild_rollups` does, without the comparison that comes before."""
    with patch.object(rebuild, "check"):
        rebuild.rewrite(store)


def incremental(store: Store) -> tuple[float, float]:
    """Return how many new events two hours have, and how long their sums take, as medians.

    The events are new ones, written before; what is timed is what a full rebuild would do.
    """
    _, last = bounds()
    clock = clock_of(store)
    sizes, took = [], []
    for number in range(ROUNDS):
        day = clock.business_day(last) - timedelta(days=3 + 40 * number)
        until = clock.day_starts_at(day) + AFTERNOON
        some = list(
            TrackingEvent.objects.filter(
                store=store, run=None, at__gte=until - TOUCHED, at__lt=until
            ).order_by("at")
        )
        for event in some:
            event.pk, event.public_id = None, uuid.uuid4()

        insert_rows(some)
        batch = LedgerBatch(store, some, [], [], sign=1)
        sizes.append(len(some))
        took.append(timed(partial(sums, batch)))
    return median(sizes), median(took)


def sums(batch: LedgerBatch) -> None:
    """Add events to the sums and fold what is behind then."""
    with transaction.atomic():
        feed(batch)
    fold_dirty(batch.store)


def reads(store: Store) -> dict[str, float]:
    """Return how long a day's hours, a month's days and its totals take: sums, and events."""
    _, now = bounds()
    day, month = now - timedelta(hours=24), now - timedelta(days=30)
    clock = clock_of(store)
    first, last = clock.business_day(month), clock.business_day(now)
    lines = summary_lines(store, "day", first, last, now)  # what is behind is folded before
    ways: dict[str, Callable[[], object]] = {
        "day_s": lambda: hour_lines(store, clock.hours_until(now), now),
        "month_s": lambda: summary_lines(store, "day", first, last, now),
        "totals_s": lambda: totals_of(store, lines),
        "day_raw_s": lambda: raw(store, TruncHour, day, now),
        "month_raw_s": lambda: raw(store, TruncDay, month, now),
        "totals_raw_s": lambda: raw_totals(store, month, now),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # in turn, so that a neighbour on the machine disturbs all alike
        for name, read in ways.items():
            took[name].append(timed(read))
    return {name: median(each) for name, each in took.items()}


def raw(store: Store, period: Any, since: datetime, until: datetime) -> list[Any]:
    """Return steps, finished stays and their time by hour or day, straight from the events."""
    events = TrackingEvent.objects.filter(store=store, at__gte=since, at__lt=until)
    stays = Q(kind="zone_left", censored=False)
    rows = (
        events.annotate(period=period("at", tzinfo=clock_of(store).zone))
        .values("period")
        .annotate(
            entries=Count("pk", filter=Q(kind="entered")),
            exits=Count("pk", filter=Q(kind="exited")),
            stays=Count("pk", filter=stays),
            dwell_ms=Sum("dwell_ms", filter=stays),
        )
    )
    return list(rows.order_by("period"))


def raw_totals(store: Store, since: datetime, until: datetime) -> tuple[int, int, float]:
    """Return steps and the median stay of a span, straight from the events."""
    events = TrackingEvent.objects.filter(store=store, at__gte=since, at__lt=until)
    steps = events.aggregate(
        entries=Count("pk", filter=Q(kind="entered")), exits=Count("pk", filter=Q(kind="exited"))
    )
    stays = events.filter(kind="zone_left", censored=False).values_list("dwell_ms", flat=True)
    return steps["entries"], steps["exits"], median(ms or 0 for ms in stays.iterator(10_000))


if __name__ == "__main__":
    result = main(int(sys.argv[1]), compare="check" in sys.argv[2:])
    print(json.dumps(result | {"database": connection.vendor}))
