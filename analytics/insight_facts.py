"""What insights are told of a store's days: summaries and buckets, never events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Sum

from accounts.models import Store
from analytics.calendar import BUCKET_MS
from analytics.history import SummaryRow, summary_lines
from analytics.insights import WEEK, WELL_SEEN, Facts, HourFacts, ZoneFacts
from analytics.kpi_numbers import Period
from analytics.kpis import histogram_median_s
from analytics.models import DWELL_EDGES_S, Bucket
from analytics.rollups import HISTOGRAM, clock_of
from analytics.summaries import UNCOUNTED_ZONES
from zones.models import Zone

# What is usual at an hour of the week is learned from so many weeks.
WEEKS_LEARNED = 4
QUEUES = (Zone.Kind.QUEUE, Zone.Kind.CHECKOUT)


def facts_of(period: Period) -> Facts:
    """Return the facts of a period, with the weeks before it."""
    store = period.store
    days = (period.last - period.first).days + 1
    back = WEEK * -(-days // 7)
    learned = max(back, WEEK * WEEKS_LEARNED)
    lines = summary_lines(store, "hour", period.first - learned, period.last, period.now)
    hours = hour_facts(store, (line for line in lines if line.business_day >= period.first))
    before = hour_facts(store, (line for line in lines if line.business_day < period.first))
    return Facts(
        hours=hours,
        before=before,
        zones=zone_facts(store, period.first, period.last, back),
        back=back,
        has_opening_hours=bool(store.opening_hours),
    )


def hour_facts(store: Store, lines: Iterable[SummaryRow]) -> list[HourFacts]:
    """Return hours of the history on the store's clock, with what happened in their open time."""
    zone = ZoneInfo(store.timezone)
    return [
        HourFacts(
            at=line.starts_at.astimezone(zone),
            entries=line.entries_open,
            exits=None if line.exits is None else line.exits - (line.exits_closed or 0),
            observed=_share(line.observed_open_ms, line.open_so_far_ms),
            complete=line.complete,
            open_ms=line.open_so_far_ms,
            length_ms=(line.ends_at - line.starts_at) // timedelta(milliseconds=1),
        )
        for line in lines
    ]


def _share(part_ms: int, whole_ms: int) -> float | None:
    # To the last digit, unlike what is shown: it is held against a bound.
    return part_ms / whole_ms if whole_ms else None


def zone_facts(store: Store, first: date, last: date, back: timedelta) -> list[ZoneFacts]:
    """Return the stays of every zone, and of the same days some weeks before: two queries more."""
    zones = list(
        Zone.objects.filter(camera__store=store, archived_at=None).exclude(kind__in=UNCOUNTED_ZONES)
    )
    if not zones:
        return []
    now, then = (_stays(store, first - by, last - by) for by in (timedelta(0), back))
    return [
        ZoneFacts(
            zone.name,
            zone.kind in QUEUES,
            sum(bins := now.get(zone.pk, ())),
            histogram_median_s(bins, DWELL_EDGES_S),
            sum(earlier := then.get(zone.pk, ())),
            histogram_median_s(earlier, DWELL_EDGES_S),
        )
        for zone in zones
    ]


def _stays(store: Store, first: date, last: date) -> dict[int, Sequence[int]]:
    """Return each zone's histogram of stays that ended while its camera looked all the time."""
    clock = clock_of(store)
    watched = Bucket.objects.filter(
        camera_id=OuterRef("camera_id"),
        subject_kind=Bucket.Subject.CAMERA,
        subject_id=OuterRef("camera_id"),
        starts_at=OuterRef("starts_at"),
        observed_ms__gte=WELL_SEEN * BUCKET_MS,
    )
    rows = (
        Bucket.objects.filter(
            Exists(watched),
            store=store,
            subject_kind=Bucket.Subject.ZONE,
            starts_at__gte=clock.day_starts_at(first),
            starts_at__lt=clock.day_bounds(last)[1],
        )
        .order_by()
        .values_list("subject_id")
        .annotate(**{f"n_{name}": Sum(name) for name in HISTOGRAM})
    )
    return {zone: bins for zone, *bins in rows}
