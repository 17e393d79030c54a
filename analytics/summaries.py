"""Hours and business days folded from buckets.

Occupancy at the end of a period is the running sum of entries less exits over the store's entrance
lines since the business day began or was reset, with what people told of it; its peak is the
highest such sum at the end of a five-minute bucket or at a reset or correction. Both are shown as
zero at the least; what the sum really says is kept beside them. The observed share counts, of each
five minutes, the most that one entrance camera saw. Medians are interpolated from histograms with
fixed edges.

`entries` and `exits` are all there were; `entries_closed` and `exits_closed` are those of them
outside opening hours. `observed_open_ms` is how much of `open_ms`, the open time, was observed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from django.db import transaction
from django.db.models import Max, Q, Sum

from accounts.models import Store
from analytics.calendar import BUCKET_MS, StoreClock, floor_bucket
from analytics.kpis import histogram_median_s, shown_occupancy
from analytics.marks import told_between
from analytics.models import DWELL_EDGES_S, AnalyticsSummary, Bucket, DirtyDay
from analytics.occupancy import Occupancy, Stood, Told
from analytics.opening import observed_of_open, open_by_bucket, open_ms, open_spans
from analytics.rollups import HISTOGRAM, clock_of, hours_of
from tracking.selectors import entrance_lines
from zones.models import CountingLine, Zone

Period = AnalyticsSummary.Period
Subject = Bucket.Subject
Sums = Mapping[tuple[str, int], Mapping[str, int]]

SUMMED = ("entries", "exits", "stays", "censored", "dwell_ms", "observed_ms", *HISTOGRAM)
# Staff and masked areas are no shoppers' stays.
UNCOUNTED_ZONES = (Zone.Kind.STAFF_ONLY, Zone.Kind.IGNORE)
VALUES = (
    "business_day", "ends_at", "utc_offset_s", "entries", "exits", "occupancy_end",
    "occupancy_peak", "visits", "visit_ms", "visit_median_s", "zone_stays", "dwell_ms",
    "dwell_median_s", "open_ms", "observed_ms", "observed_open_ms", "entries_closed",
    "exits_closed",
    "occupancy_raw", "occupancy_corrected", "occupancy_ms", "watched_ms",
)  # fmt: skip


@dataclass(slots=True)
class Fold:
    """What a period adds up to so far; `inside` runs on from the period before."""

    inside: Occupancy = field(default_factory=Occupancy)
    peak: int = 0
    occupancy_ms: int = 0
    watched_ms: int = 0
    entries: int = 0
    exits: int = 0
    visits: int = 0
    visit_ms: int = 0
    stays: int = 0
    dwell_ms: int = 0
    seen_ms: int = 0
    seen_open_ms: int = 0
    entries_closed: int = 0
    exits_closed: int = 0
    visit_bins: list[int] = field(default_factory=lambda: [0] * len(HISTOGRAM))
    stay_bins: list[int] = field(default_factory=lambda: [0] * len(HISTOGRAM))

    def add(self, row: dict[str, Any], open_ms: int) -> None:
        """Add one five-minute row of `bucket_rows`, of which the store was open so long."""
        entries, exits = row["n_entries"] or 0, row["n_exits"] or 0
        self.entries += entries
        self.exits += exits
        self.visits += (row["visit_stays"] or 0) + (row["visit_censored"] or 0)
        self.visit_ms += row["visit_dwell_ms"] or 0
        self.stays += (row["zone_stays"] or 0) + (row["zone_censored"] or 0)
        self.dwell_ms += row["zone_dwell_ms"] or 0
        seen_ms = min(row["seen_ms"] or 0, BUCKET_MS)
        self.seen_ms += seen_ms
        self.seen_open_ms += observed_of_open(seen_ms, open_ms)
        if not open_ms:
            self.entries_closed += entries
            self.exits_closed += exits
        for index, name in enumerate(HISTOGRAM):
            self.visit_bins[index] += row[f"visit_{name}"] or 0
            self.stay_bins[index] += row[f"zone_{name}"] or 0

    def stand(self, row: dict[str, Any], stood: Stood) -> None:
        """Add how occupancy went over the same five minutes; where nobody looked, nobody knows."""
        self.peak = max(self.peak, stood.peak)
        if row["seen_ms"] or row["n_entries"] or row["n_exits"]:
            self.occupancy_ms += stood.integral_ms
            self.watched_ms += BUCKET_MS

    @property
    def is_empty(self) -> bool:
        """Whether nothing was seen and nothing counted."""
        return not (self.entries or self.exits or self.visits or self.stays or self.seen_ms)

    def summary(self, store: Store, period: str, span: Span) -> AnalyticsSummary:
        """Return the row to store."""
        return AnalyticsSummary(
            store=store,
            period=period,
            business_day=span.business_day,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            utc_offset_s=span.utc_offset_s,
            entries=self.entries,
            exits=self.exits,
            occupancy_end=shown_occupancy(self.inside.corrected),
            occupancy_peak=shown_occupancy(self.peak),
            occupancy_raw=self.inside.raw,
            occupancy_corrected=self.inside.corrected,
            occupancy_ms=self.occupancy_ms,
            watched_ms=self.watched_ms,
            visits=self.visits,
            visit_ms=self.visit_ms,
            visit_median_s=histogram_median_s(self.visit_bins, DWELL_EDGES_S),
            zone_stays=self.stays,
            dwell_ms=self.dwell_ms,
            dwell_median_s=histogram_median_s(self.stay_bins, DWELL_EDGES_S),
            open_ms=span.open_ms,
            observed_ms=self.seen_ms,
            observed_open_ms=self.seen_open_ms,
            entries_closed=self.entries_closed,
            exits_closed=self.exits_closed,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The instants of a period, and how long of it the store is open."""

    business_day: date
    starts_at: datetime
    ends_at: datetime
    utc_offset_s: int
    open_ms: int


def bucket_rows(store: Store, starts_at: datetime, ends_at: datetime) -> Iterable[dict[str, Any]]:
    """Return the store's five-minute sums in ``[starts_at, ends_at)``, oldest first, by SQL."""
    lines = dict(entrance_lines(store).values_list("pk", "camera_id"))
    hidden = Zone.objects.filter(camera__store=store, kind__in=UNCOUNTED_ZONES).values("pk")
    at_entrance = Q(subject_kind=Subject.LINE, subject_id__in=lines)
    of_visits = Q(subject_kind=Subject.VISIT)
    in_zones = Q(subject_kind=Subject.ZONE) & ~Q(subject_id__in=hidden)
    watched = Q(subject_kind=Subject.CAMERA, subject_id__in=set(lines.values()))
    sums = {
        f"{name}_{column}": Sum(column, filter=those)
        for name, those in (("visit", of_visits), ("zone", in_zones))
        for column in ("stays", "censored", "dwell_ms", *HISTOGRAM)
    }
    rows: Any = (
        Bucket.objects.filter(store=store, starts_at__gte=starts_at, starts_at__lt=ends_at)
        .order_by("starts_at")
        .values("starts_at")
        .annotate(
            n_entries=Sum("entries", filter=at_entrance),
            n_exits=Sum("exits", filter=at_entrance),
            n_inside_ms=Sum("inside_ms", filter=at_entrance),
            seen_ms=Max("observed_ms", filter=watched),
            **sums,
        )
    )
    return cast("Iterable[dict[str, Any]]", rows)


def subject_sums(
    store: Store, starts_at: datetime, ends_at: datetime
) -> dict[tuple[str, int], dict[str, int]]:
    """Return the sums of every camera, line and zone over a span, in one statement.

    For totals this reads each bucket once; `bucket_rows` adds up forty sums for each five minutes.
    """
    rows = (
        Bucket.objects.filter(store=store, starts_at__gte=starts_at, starts_at__lt=ends_at)
        .order_by()
        .values_list("subject_kind", "subject_id")
        .annotate(**{f"n_{name}": Sum(name) for name in SUMMED})
    )
    return {
        (kind, subject): dict(zip(SUMMED, (found or 0 for found in sums), strict=True))
        for kind, subject, *sums in rows
    }


def was_seen(sums: Sums, kind: str, shape: Zone | CountingLine) -> bool:
    """Return whether these sums tell of a zone or line: its camera looked, or it has a number.

    A counter outside may tell of one shape without saying that it watched the others.
    """
    camera = sums.get((Subject.CAMERA, shape.camera_id), {})
    return bool(camera.get("observed_ms")) or any(sums.get((kind, shape.pk), {}).values())


def whole_fold(store: Store, starts_at: datetime, ends_at: datetime) -> Fold:
    """Return what a span adds up to; nothing of who stood inside, or of what was watched when."""
    entrances = set(entrance_lines(store).values_list("pk", flat=True))
    hidden = Zone.objects.filter(camera__store=store, kind__in=UNCOUNTED_ZONES)
    uncounted = set(hidden.values_list("pk", flat=True))
    whole = Fold()
    for (kind, subject), sums in subject_sums(store, starts_at, ends_at).items():
        if kind == Subject.LINE and subject in entrances:
            whole.entries += sums["entries"]
            whole.exits += sums["exits"]
        elif kind == Subject.VISIT:
            whole.visits += sums["stays"] + sums["censored"]
            whole.visit_ms += sums["dwell_ms"]
            _add_bins(whole.visit_bins, sums)
        elif kind == Subject.ZONE and subject not in uncounted:
            whole.stays += sums["stays"] + sums["censored"]
            whole.dwell_ms += sums["dwell_ms"]
            _add_bins(whole.stay_bins, sums)
    return whole


def _add_bins(bins: list[int], sums: dict[str, int]) -> None:
    for index, name in enumerate(HISTOGRAM):
        bins[index] += sums[name]


def told_by_bucket(
    store: Store, starts_at: datetime, ends_at: datetime
) -> dict[datetime, list[Told]]:
    """Return what people told of occupancy in a span, by the bucket that it falls in."""
    found: dict[datetime, list[Told]] = {}
    for told in told_between(store, starts_at, ends_at):
        found.setdefault(floor_bucket(told.at), []).append(told)
    return found


def with_told(rows: Iterable[dict[str, Any]], told: Iterable[datetime]) -> Iterable[dict[str, Any]]:
    """Yield the rows, with an empty one for every bucket in which something was told alone."""
    waiting = sorted(told)
    for row in rows:
        while waiting and waiting[0] <= row["starts_at"]:
            at = waiting.pop(0)
            if at < row["starts_at"]:
                yield _told_alone(at)
        yield row
    yield from map(_told_alone, waiting)


def _told_alone(at: datetime) -> dict[str, Any]:
    """Return the row of a bucket in which nothing was counted."""
    row: dict[str, Any] = defaultdict(int)
    row["starts_at"] = at
    return row


def day_summaries(
    store: Store, clock: StoreClock, day: date, fives: Iterable[dict[str, Any]] | None = None
) -> list[AnalyticsSummary]:
    """Return the summaries of a business day, unsaved: its hours with data, then the day.

    They are folded from the stored buckets, or from other rows of the same form.
    """
    starts_at, ends_at = clock.day_bounds(day)
    hours = clock.hours_of_day(day)
    if not hours:
        return []
    opened = open_spans(clock, hours_of(store), starts_at, ends_at)
    open_in = open_by_bucket(opened)
    spans = [
        Span(
            h.business_day, h.starts_at, h.ends_at, h.utc_offset_s,
            open_ms(opened, h.starts_at, h.ends_at),
        )
        for h in hours
    ]  # fmt: skip
    told = told_by_bucket(store, starts_at, ends_at)
    sums = bucket_rows(store, starts_at, ends_at) if fives is None else fives
    rows = iter(with_told(sums, told))
    row = next(rows, None)
    whole, found = Fold(), []
    for span in spans:
        hour = Fold(inside=whole.inside, peak=whole.inside.corrected)
        while row is not None and row["starts_at"] < span.ends_at:
            at = row["starts_at"]
            net = (row["n_entries"] or 0) - (row["n_exits"] or 0)
            stood = whole.inside.pass_bucket(at, net, row["n_inside_ms"] or 0, told.get(at, ()))
            for fold in (hour, whole):
                fold.add(row, open_in[at])
                fold.stand(row, stood)
            row = next(rows, None)
        if not hour.is_empty:
            found.append(hour.summary(store, Period.HOUR, span))
    if not whole.is_empty:
        open_all_ms = sum(span.open_ms for span in spans)
        span = Span(day, starts_at, ends_at, spans[0].utc_offset_s, open_all_ms)
        found.append(whole.summary(store, Period.DAY, span))
    return found


def fold_dirty(
    store: Store | None = None, first: date | None = None, last: date | None = None
) -> int:
    """Fold the business days that are behind, of one store and span or of all; return how many.

    Reads of summaries call this first for their own days, so nobody sees an old hour.
    """
    behind = DirtyDay.objects.order_by("business_day", "store_id")
    if store is not None:
        behind = behind.filter(store=store)
    if first is not None:
        behind = behind.filter(business_day__gte=first)
    if last is not None:
        behind = behind.filter(business_day__lte=last)
    return sum(_fold_one(pk) for pk in list(behind.values_list("pk", flat=True)))


def _fold_one(pk: int) -> bool:
    """Fold one dirty day; the locked row keeps two folds and the bucket sink apart."""
    with transaction.atomic():
        day = DirtyDay.objects.select_for_update().filter(pk=pk).first()
        if day is None:
            return False
        # Read after the lock: the calendar may have changed while we waited for it.
        write_day(Store.objects.get(pk=day.store_id), day.business_day)
        day.delete()
    return True


def write_day(store: Store, day: date) -> None:
    """Replace the stored summaries of a business day; call inside a transaction."""
    fresh = day_summaries(store, clock_of(store), day)
    stored = AnalyticsSummary.objects.filter(store=store, business_day=day)
    for period in (Period.HOUR, Period.DAY):
        kept = [row.starts_at for row in fresh if row.period == period]
        stored.filter(period=period).exclude(starts_at__in=kept).delete()
    AnalyticsSummary.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["store", "period", "starts_at"],
        update_fields=VALUES,
    )
