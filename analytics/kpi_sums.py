"""What the formulas of key numbers are fed with: sums of buckets, summaries and transactions."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Sum

from accounts.models import Store
from analytics.drawn import drawn_later
from analytics.history import SummaryRow, busiest, quietest, summary_lines
from analytics.kpis import observed_share
from analytics.models import BOUNCE_S, AnalyticsSummary, Bucket, KpiSettings, Transaction
from analytics.opening import open_spans
from analytics.rollups import HISTOGRAM, clock_of, hours_of
from analytics.summaries import UNCOUNTED_ZONES, subject_sums
from analytics.watched import observed_open_ms
from zones.models import CountingLine, Zone

Subject = Bucket.Subject
Shape = TypeVar("Shape", Zone, CountingLine)


@dataclass(frozen=True, slots=True)
class Period:
    """Business days, both included, with the zone chosen or all zones."""

    store: Store
    first: date
    last: date
    zone: Zone | None
    now: datetime

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Return the first instant of the period and the first one after it."""
        clock = clock_of(self.store)
        return clock.day_bounds(self.first)[0], clock.day_bounds(self.last)[1]


@dataclass(slots=True)
class Stays:
    """Visits, or stays in zones: their number, time and histogram."""

    completed: int = 0
    censored: int = 0
    total_ms: int = 0
    bins: list[int] = field(default_factory=lambda: [0] * len(HISTOGRAM))
    # How long each of their zones was watched, added up, at any hour. A zone counts for as long as
    # its camera looked in the whole period, also before it was drawn and after it ended.
    watched_ms: int = 0
    # Their cameras, and how long those looked while the store was open, added up.
    cameras: int = 0
    observed_open_ms: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Add the sums of one subject."""
        self.completed += row["stays"]
        self.censored += row["censored"]
        self.total_ms += row["dwell_ms"]
        for index, name in enumerate(HISTOGRAM):
            self.bins[index] += row[name]

    def watch(self, zones: Iterable[Zone], looked: Looked) -> None:
        """Note how long the cameras behind these stays looked."""
        watching = [zone.camera_id for zone in zones]
        self.watched_ms = sum(looked.at_any_hour.get(camera, 0) for camera in watching)
        self.cameras = len(set(watching))
        self.observed_open_ms = sum(looked.while_open.get(camera, 0) for camera in set(watching))

    def share(self, open_ms: int) -> float | None:
        """Return the share of the open time that those cameras looked; None where none did."""
        return observed_share(self.observed_open_ms, self.cameras * open_ms)


@dataclass(frozen=True, slots=True)
class Looked:
    """How long each camera looked, in milliseconds by its primary key."""

    at_any_hour: dict[int, int]
    while_open: dict[int, int]


@dataclass(frozen=True, slots=True)
class PassersBy:
    """Who went past the shop: over how many of the lines that were there somebody looked."""

    # Either way; None where nobody looked at any line.
    people: int | None
    lines: int
    watched: int


@dataclass(slots=True)
class KpiSums:
    """Everything that the key numbers of a period are made of."""

    hours: list[SummaryRow]
    days: list[AnalyticsSummary]
    observed: float | None
    passers_by: PassersBy
    visits: Stays
    zones: Stays
    queues: Stays
    has_zones: bool
    has_queues: bool
    bounce_s: int
    transactions: int | None
    # Of these, the ones of hours in which the store was closed throughout.
    transactions_closed: int = 0
    # Transactions and takings with the footfall of the open hours that have both.
    sold: int = 0
    sold_visitors: int = 0
    sales: Decimal | None = None
    sales_visitors: int = 0

    @property
    def seen(self) -> list[SummaryRow]:
        """Return the hours in which an entrance was seen."""
        return [hour for hour in self.hours if hour.entries is not None]

    @property
    def open_ms(self) -> int:
        """Return how long the store was open so far."""
        return sum(hour.open_so_far_ms for hour in self.hours)

    @property
    def peak(self) -> list[SummaryRow]:
        """Return the busiest hours, all that tie."""
        return busiest(self.hours)

    @property
    def slowest(self) -> list[SummaryRow]:
        """Return the quietest hours, all that tie."""
        return quietest(self.hours)


def sums_of(period: Period) -> KpiSums:
    """Return the sums of a period; a dozen statements, none of which reads an event."""
    store = period.store
    hours = summary_lines(store, "hour", period.first, period.last, period.now)
    days = list(
        AnalyticsSummary.objects.filter(
            store=store,
            period=AnalyticsSummary.Period.DAY,
            business_day__gte=period.first,
            business_day__lte=period.last,
        ).order_by("business_day")
    )
    past = CountingLine.objects.filter(camera__store=store, kind=CountingLine.Kind.PASSER_BY)
    rows = subject_sums(store, *period.bounds)
    lines = _there(list(past), Subject.LINE, period, rows)
    zones = _there(zones_of(period), Subject.ZONE, period, rows)
    queues = [zone for zone in zones if zone.kind == Zone.Kind.QUEUE]
    looked = _looked(period, rows, {zone.camera_id for zone in zones})
    settings = KpiSettings.objects.filter(store=store).first()
    sums = KpiSums(
        hours=hours,
        days=days,
        observed=_observed(hours),
        passers_by=_passers_by(lines, rows, looked.at_any_hour),
        visits=_stays(rows, Subject.VISIT),
        zones=_stays(rows, Subject.ZONE, zones, looked),
        queues=_stays(rows, Subject.ZONE, queues, looked),
        has_zones=bool(zones),
        has_queues=bool(queues),
        bounce_s=settings.bounce_s if settings else BOUNCE_S,
        transactions=None,
    )
    _add_sales(period, sums)
    return sums


def zones_of(period: Period) -> list[Zone]:
    """Return the zones asked for, of those that are counted: one, or all of the store."""
    asked = [period.zone] if period.zone else Zone.objects.filter(camera__store=period.store)
    return [zone for zone in asked if zone.kind not in UNCOUNTED_ZONES]


def _looked(period: Period, rows: dict[Any, dict[str, int]], cameras: set[int]) -> Looked:
    """Return how long cameras looked; while the store was open, these alone."""
    at_any_hour = {
        pk: row["observed_ms"] for (kind, pk), row in rows.items() if kind == Subject.CAMERA
    }
    clock, hours = clock_of(period.store), hours_of(period.store)
    opened = open_spans(clock, hours, *period.bounds)
    return Looked(at_any_hour, observed_open_ms(opened, cameras))


def _observed(hours: Sequence[SummaryRow]) -> float | None:
    """Return the share of the open time so far of these hours that the entrances were watched."""
    seen_ms = sum(hour.observed_open_ms for hour in hours)
    return observed_share(seen_ms, sum(hour.open_so_far_ms for hour in hours))


def _there(
    shapes: Sequence[Shape], kind: str, period: Period, rows: dict[Any, dict[str, int]]
) -> list[Shape]:
    """Return the shapes that were there to count in a period.

    That is those that did count, and of the others those that neither ended before it, unless
    asked for by themselves, nor were drawn after it.
    """
    starts_at, ends_at = period.bounds
    counted = {shape.pk for shape in shapes if any(rows.get((kind, shape.pk), {}).values())}
    gone = {
        shape.pk
        for shape in shapes
        if shape.archived_at is not None and shape.archived_at <= starts_at and shape != period.zone
    } - counted
    silent = [shape for shape in shapes if shape.pk not in counted | gone]
    absent = gone | drawn_later(silent, starts_at, ends_at)
    return [shape for shape in shapes if shape.pk not in absent]


def _passers_by(
    lines: list[CountingLine], rows: dict[Any, dict[str, int]], observed: dict[int, int]
) -> PassersBy:
    """Return who went past; a line that counted nobody and that nobody watched knows nothing."""
    past = []
    for line in lines:
        row = rows.get((Subject.LINE, line.pk))
        steps = row["entries"] + row["exits"] if row else 0
        if steps or observed.get(line.camera_id):
            past.append(steps)
    return PassersBy(sum(past) if past else None, len(lines), len(past))


def _stays(
    rows: dict[Any, dict[str, Any]],
    kind: str,
    zones: Sequence[Zone] = (),
    looked: Looked | None = None,
) -> Stays:
    stays = Stays()
    wanted = {zone.pk for zone in zones}
    for (subject, pk), row in rows.items():
        if subject == kind and (kind == Subject.VISIT or pk in wanted):
            stays.add(row)
    if looked:
        stays.watch(zones, looked)
    return stays


def _add_sales(period: Period, sums: KpiSums) -> None:
    """Join transactions with the footfall of the same local hours, those that were open at all.

    On a day of whose open hours a till told anything, one that it is silent about sold nothing;
    other days are left out, and so are hours in which no entrance was seen. Footfall is of opening
    hours alone, so what was sold in a closed hour has nobody to be shared by.
    """
    starts_at, ends_at = period.bounds
    told = Transaction.objects.filter(
        store=period.store, starts_at__gte=starts_at, starts_at__lt=ends_at
    )
    rows = told.order_by().values_list("starts_at").annotate(n=Sum("count"), sales=Sum("amount"))
    begins = [hour.starts_at for hour in sums.hours]
    sold: Counter[int] = Counter()
    sales: dict[int, Decimal] = {}
    for at, count, amount in rows:
        hour = bisect_right(begins, at) - 1
        sold[hour] += count
        if amount is not None:
            sales[hour] = sales.get(hour, Decimal(0)) + amount
    if not sold:
        return
    sums.transactions = sold.total()
    closed = {n for n in sold if not sums.hours[n].open_ms}
    sums.transactions_closed = sum(sold.pop(n) for n in closed)
    sales = {n: amount for n, amount in sales.items() if n not in closed}
    both = _hours_of_days(sums.hours, sold)
    sums.sold = sum(sold[n] for n in both)
    sums.sold_visitors = sum(sums.hours[n].entries_open or 0 for n in both)
    if sales:
        paid = _hours_of_days(sums.hours, sales)
        sums.sales = sum((sales.get(n, Decimal(0)) for n in paid), Decimal(0))
        sums.sales_visitors = sum(sums.hours[n].entries_open or 0 for n in paid)


def _hours_of_days(hours: Sequence[SummaryRow], told: Iterable[int]) -> list[int]:
    """Return the places of all open hours seen on the days of which something was told."""
    days = {hours[n].business_day for n in told}
    return [
        n
        for n, hour in enumerate(hours)
        if hour.open_ms and hour.entries is not None and hour.business_day in days
    ]
