"""What the formulas of key numbers are fed with: sums of buckets, summaries and transactions."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from accounts.models import Store
from analytics.history import SummaryRow, busiest, quietest, summary_lines
from analytics.models import BOUNCE_S, AnalyticsSummary, Bucket, KpiSettings, Transaction
from analytics.rollups import HISTOGRAM, clock_of
from analytics.summaries import UNCOUNTED_ZONES, subject_sums
from zones.models import CountingLine, Zone

Subject = Bucket.Subject
_MILLISECOND = timedelta(milliseconds=1)


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
    # Cameras that watched them; None where there is nothing to watch.
    observed_ms: int = 0
    cameras: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Add the sums of one subject."""
        self.completed += row["stays"]
        self.censored += row["censored"]
        self.total_ms += row["dwell_ms"]
        for index, name in enumerate(HISTOGRAM):
            self.bins[index] += row[name]

    def watched_by(self, cameras: Iterable[int], observed: dict[int, int]) -> None:
        """Note how long the cameras behind these stays looked."""
        watching = set(cameras)
        self.cameras = len(watching)
        self.observed_ms = sum(observed.get(camera, 0) for camera in watching)

    def share(self, open_ms: int) -> float | None:
        """Return the share of the open time that those cameras looked; None where none did."""
        if not (self.cameras and open_ms and self.observed_ms):
            return None
        return round(min(1.0, self.observed_ms / self.cameras / open_ms), 4)


@dataclass(slots=True)
class Sums:
    """Everything that the key numbers of a period are made of."""

    hours: list[SummaryRow]
    days: list[AnalyticsSummary]
    observed: float | None
    passers_by: int | None
    visits: Stays
    zones: Stays
    queues: Stays
    has_zones: bool
    has_queues: bool
    bounce_s: int
    transactions: int | None
    # Transactions and takings with the footfall of the hours that have both.
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


def sums_of(period: Period) -> Sums:
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
    lines = list(CountingLine.objects.filter(camera__store=store))
    zones = [zone for zone in zones_of(period) if zone.kind not in UNCOUNTED_ZONES]
    queues = [zone for zone in zones if zone.kind == Zone.Kind.QUEUE]
    rows = subject_sums(store, *period.bounds)
    observed = {key[1]: row["observed_ms"] for key, row in rows.items() if key[0] == Subject.CAMERA}
    settings = KpiSettings.objects.filter(store=store).first()
    sums = Sums(
        hours=hours,
        days=days,
        observed=observed_share(hours),
        passers_by=_passers_by(lines, rows),
        visits=_stays(rows, Subject.VISIT),
        zones=_stays(rows, Subject.ZONE, zones, observed),
        queues=_stays(rows, Subject.ZONE, queues, observed),
        has_zones=bool(zones),
        has_queues=bool(queues),
        bounce_s=settings.bounce_s if settings else BOUNCE_S,
        transactions=None,
    )
    _add_sales(period, sums)
    return sums


def zones_of(period: Period) -> list[Zone]:
    """Return the zones asked for: one, or all of the store; archived ones counted once too."""
    if period.zone is not None:
        return [period.zone]
    return list(Zone.objects.filter(camera__store=period.store))


def observed_share(hours: Sequence[SummaryRow]) -> float | None:
    """Return the share of the open time so far of these hours that the entrances were watched."""
    seen_ms = sum(hour.observed_open_ms for hour in hours)
    due_ms = sum(hour.open_so_far_ms for hour in hours)
    return round(min(1.0, seen_ms / due_ms), 4) if seen_ms and due_ms else None


def _passers_by(lines: list[CountingLine], rows: dict[Any, dict[str, Any]]) -> int | None:
    """Return who went past over passer-by lines, either way; None without such a line."""
    past = [line.pk for line in lines if line.kind == CountingLine.Kind.PASSER_BY]
    found = [rows[key] for key in ((Subject.LINE, pk) for pk in past) if key in rows]
    return sum(row["entries"] + row["exits"] for row in found) if past else None


def _stays(
    rows: dict[Any, dict[str, Any]],
    kind: str,
    zones: Sequence[Zone] = (),
    observed: dict[int, int] | None = None,
) -> Stays:
    stays = Stays()
    wanted = {zone.pk for zone in zones}
    for (subject, pk), row in rows.items():
        if subject == kind and (kind == Subject.VISIT or pk in wanted):
            stays.add(row)
    stays.watched_by((zone.camera_id for zone in zones), observed or {})
    return stays


def _add_sales(period: Period, sums: Sums) -> None:
    """Join transactions with the footfall of the same local hours.

    On a day of which a till told anything, an hour that it is silent about sold nothing; other days
    are left out, and so are hours in which no entrance was seen.
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
    both = _hours_of_days(sums.hours, sold)
    sums.sold = sum(sold[n] for n in both)
    sums.sold_visitors = sum(sums.hours[n].entries_open or 0 for n in both)
    if sales:
        paid = _hours_of_days(sums.hours, sales)
        sums.sales = sum((sales.get(n, Decimal(0)) for n in paid), Decimal(0))
        sums.sales_visitors = sum(sums.hours[n].entries_open or 0 for n in paid)


def _hours_of_days(hours: Sequence[SummaryRow], told: Iterable[int]) -> list[int]:
    """Return the places of all seen hours on the days of which something was told."""
    days = {hours[n].business_day for n in told}
    return [
        n for n, hour in enumerate(hours) if hour.entries is not None and hour.business_day in days
    ]
