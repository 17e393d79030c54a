"""The numbers of a store now, of a recording, and of its past hours and days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Max, Q, Sum

from accounts.models import Store
from analytics.calendar import BUCKET, floor_bucket, split_ms
from analytics.kpis import (
    histogram_median_s,
    observed_share,
    queue_wait_estimate_s,
    shown_occupancy,
)
from analytics.models import DWELL_EDGES_S, Bucket
from analytics.opening import observed_of_open, open_by_bucket, open_ms, open_spans
from analytics.rollups import HISTOGRAM, clock_of, hours_of
from analytics.series import FiveMinutes, Sums, five_minutes
from tracking.models import Coverage, Run, TrackingEvent, Visit
from tracking.selectors import cameras_covering, entrance_lines, official_events
from zones.models import Zone

Kind = TrackingEvent.Kind
Subject = Bucket.Subject

# "Now" needs somebody to have looked this lately.
NOW_NEEDS = timedelta(minutes=10)
SERIES_SPAN = timedelta(hours=2)
# A wait is estimated from who was served this lately.
SERVED_WITHIN = timedelta(minutes=15)
NO_ENTRANCE = "No entrance line is drawn in this shop yet."
NOBODY_LOOKS = "No camera or recording of an entrance covers the last 10 minutes."


@dataclass(frozen=True, slots=True)
class StoreView:
    """What the selectors of one snapshot share: the store, the moment, its business day."""

    store: Store
    now: datetime
    day: date
    day_starts_at: datetime
    # Primary keys of entrance lines and of the cameras that watch them.
    lines: frozenset[int]
    entrances: frozenset[int]
    # Cameras that looked within the last ten minutes.
    looking: frozenset[int]


@dataclass(frozen=True, slots=True)
class Occupancy:
    """People inside now; `now` and `raw` are None, with the reason, where nobody looks."""

    now: int | None
    raw: int | None
    correction: int
    why_null: str | None
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class Today:
    """The business day so far; None where no entrance was seen."""

    entries: int | None
    exits: int | None
    observed: float | None


@dataclass(frozen=True, slots=True)
class ZoneNumbers:
    """One zone; `now` is None where nobody looks, the median where no stay was seen whole."""

    zone: Zone
    now: int | None
    stays: int
    median_dwell_s: float | None
    # Of a queue: how long who joins now will wait, an estimate; None where nobody was served.
    wait_estimate_s: float | None = None


@dataclass(frozen=True, slots=True)
class RecordingNumbers:
    """What a recording's active run has counted so far."""

    entries: int
    exits: int
    visits: int
    inside_now: int
    median_stay_s: float | None
    counted_to_ms: int


NOTHING_COUNTED = RecordingNumbers(0, 0, 0, 0, None, 0)


def store_view(store: Store, now: datetime) -> StoreView:
    """Return the frame of a store's numbers at a moment."""
    clock = clock_of(store)
    day = clock.business_day(now)
    lines = dict(entrance_lines(store).values_list("pk", "camera_id"))
    return StoreView(
        store=store,
        now=now,
        day=day,
        day_starts_at=clock.day_starts_at(day),
        lines=frozenset(lines),
        entrances=frozenset(lines.values()),
        looking=frozenset(cameras_covering([store], now - NOW_NEEDS, now)),
    )


def occupancy_now(view: StoreView) -> Occupancy:
    """Return how many are inside: steps in less steps out since the day began or was reset.

    Events count by when they happened, in whatever order they came in; yesterday's recording
    counted today moves nothing.
    """
    events = official_events(view.store, view.day_starts_at, view.now)
    reset = events.filter(kind=Kind.OCCUPANCY_RESET).order_by("-at", "-seq").first()
    since = events.filter(at__gt=reset.at) if reset else events
    sums = since.aggregate(
        entered=Count("pk", filter=Q(kind=Kind.ENTERED)),
        exited=Count("pk", filter=Q(kind=Kind.EXITED)),
        corrected=Sum("value", filter=Q(kind=Kind.CORRECTED)),
    )
    raw = sums["entered"] - sums["exited"]
    correction = (sums["corrected"] or 0) + ((reset.value or 0) if reset else 0)
    why = None
    if not view.lines:
        why = NO_ENTRANCE
    elif not view.entrances & view.looking:
        why = NOBODY_LOOKS
    return Occupancy(
        now=shown_occupancy(raw, correction) if why is None else None,
        raw=raw if why is None else None,
        correction=correction,
        why_null=why,
        reset_at=reset.at if reset else view.day_starts_at,
    )


def today(view: StoreView, sums: dict[datetime, Sums]) -> Today:
    """Return the business day's entries and exits so far, from `entrance_sums` of the day."""
    of_day = [found for at, found in sums.items() if at >= view.day_starts_at]
    entries = sum(found.entries for found in of_day)
    exits = sum(found.exits for found in of_day)
    known = bool(entries or exits or any(found.observed_ms for found in of_day))
    seen_ms, due_ms = _seen_today(view, sums)
    return Today(
        entries=entries if known else None,
        exits=exits if known else None,
        observed=observed_share(seen_ms, due_ms),
    )


def _seen_today(view: StoreView, sums: dict[datetime, Sums]) -> tuple[int, int]:
    """Return how much of the open time so far was seen, and how long it is."""
    clock, hours = clock_of(view.store), hours_of(view.store)
    # The bucket that goes on is whole here: what was observed of it was so before now anyway.
    opened = open_spans(clock, hours, view.day_starts_at, floor_bucket(view.now) + BUCKET)
    open_in = open_by_bucket(opened)
    seen = (
        observed_of_open(found.observed_ms, open_in[at])
        for at, found in sums.items()
        if at >= view.day_starts_at
    )
    return sum(seen), open_ms(opened, view.day_starts_at, view.now)


def series_now(view: StoreView, sums: dict[datetime, Sums]) -> list[FiveMinutes]:
    """Return the last two hours in five-minute steps; the last one is still going on."""
    ends_at = floor_bucket(view.now) + BUCKET
    return five_minutes(sums, ends_at - SERIES_SPAN, ends_at, view.now)


def series_begins(view: StoreView) -> datetime:
    """Return from when on the snapshot needs buckets: two hours or the business day."""
    return min(view.day_starts_at, floor_bucket(view.now) + BUCKET - SERIES_SPAN)


def entrance_sums(view: StoreView, starts_at: datetime) -> dict[datetime, Sums]:
    """Return what the entrances counted in each bucket from an instant until now."""
    crossed = Q(subject_kind=Subject.LINE, subject_id__in=view.lines)
    watched = Q(subject_kind=Subject.CAMERA, subject_id__in=view.entrances)
    rows = (
        Bucket.objects.filter(store=view.store, starts_at__gte=starts_at, starts_at__lte=view.now)
        .order_by()
        .values_list("starts_at")
        .annotate(
            n_in=Sum("entries", filter=crossed),
            n_out=Sum("exits", filter=crossed),
            seen=Max("observed_ms", filter=watched),
        )
    )
    return {at: Sums(n_in or 0, n_out or 0, seen or 0) for at, n_in, n_out, seen in rows}


def zones_now(view: StoreView) -> list[ZoneNumbers]:
    """Return every zone of the store: who is in it, and the stays of the business day."""
    zones = list(
        Zone.objects.filter(camera__store=view.store, archived_at=None).select_related("camera")
    )
    events = official_events(view.store, view.day_starts_at, view.now)
    inside = _inside(events.filter(kind__in=(Kind.ZONE_ENTERED, Kind.ZONE_LEFT)))
    rows = (
        Bucket.objects.filter(
            store=view.store,
            subject_kind=Subject.ZONE,
            starts_at__gte=view.day_starts_at,
            starts_at__lte=view.now,
        )
        .order_by()
        .values_list("subject_id")
        .annotate(n=Sum("stays") + Sum("censored"), **{f"n_{h}": Sum(h) for h in HISTOGRAM})
    )
    stays = {zone: (count, bins) for zone, count, *bins in rows}
    served = _served(view)
    numbers = []
    for zone in zones:
        count, bins = stays.get(zone.pk, (0, []))
        here = max(0, inside[zone.pk]) if zone.camera_id in view.looking else None
        wait_s = None
        if here is not None and zone.kind == Zone.Kind.QUEUE:
            wait_s = queue_wait_estimate_s(here, served[zone.pk], SERVED_WITHIN.total_seconds())
        median_s = histogram_median_s(bins, DWELL_EDGES_S)
        numbers.append(ZoneNumbers(zone, here, count, median_s, wait_s))
    return numbers


def _served(view: StoreView) -> Counter[int]:
    """Return, by zone, how many left it within the window that a wait is estimated from."""
    left = official_events(view.store, view.now - SERVED_WITHIN, view.now)
    rows = left.filter(kind=Kind.ZONE_LEFT).order_by().values_list("zone_id")
    return Counter(dict(rows.annotate(n=Count("pk"))))


def recording_numbers(run: Run) -> RecordingNumbers:
    """Return a run's own numbers, exact, from its events and visits."""
    steps = Counter(
        TrackingEvent.objects.filter(run=run, kind__in=(Kind.ENTERED, Kind.EXITED))
        .order_by()
        .values_list("kind", flat=True)
    )
    visits = list(Visit.objects.filter(run=run).values_list("duration_ms", "inferred"))
    lengths = [ms for ms, inferred in visits if ms is not None and not inferred]
    entries, exits = steps[Kind.ENTERED], steps[Kind.EXITED]
    return RecordingNumbers(
        entries=entries,
        exits=exits,
        visits=len(visits),
        inside_now=max(0, entries - exits),
        median_stay_s=_median_s(lengths),
        counted_to_ms=run.counted_to_ms,
    )


def recording_zones(run: Run) -> list[ZoneNumbers]:
    """Return the zones of the recording's camera with the run's own stays, medians exact."""
    zones = Zone.objects.filter(camera_id=run.recording.camera_id, archived_at=None)
    events = TrackingEvent.objects.filter(run=run)
    inside = _inside(events.filter(kind__in=(Kind.ZONE_ENTERED, Kind.ZONE_LEFT)))
    left = list(events.filter(kind=Kind.ZONE_LEFT).values_list("zone_id", "dwell_ms", "censored"))
    numbers = []
    for zone in zones:
        stays = [(ms, censored) for of, ms, censored in left if of == zone.pk]
        whole = [ms for ms, censored in stays if not censored and ms is not None]
        numbers.append(ZoneNumbers(zone, max(0, inside[zone.pk]), len(stays), _median_s(whole)))
    return numbers


def recording_series(run: Run) -> list[FiveMinutes]:
    """Return the five-minute steps of the recording's own span, from the run's own events."""
    recording = run.recording
    steps: dict[datetime, Counter[str]] = {}
    events = TrackingEvent.objects.filter(run=run, kind__in=(Kind.ENTERED, Kind.EXITED))
    for at, kind in events.order_by().values_list("at", "kind"):
        steps.setdefault(floor_bucket(at), Counter())[kind] += 1
    looked: Counter[datetime] = Counter()
    for span in Coverage.objects.filter(run=run):
        for at, observed_ms in split_ms(span.starts_at, span.ends_at):
            looked[at] += observed_ms
    sums = {}
    for at in steps.keys() | looked.keys():
        counted = steps.get(at, Counter())
        sums[at] = Sums(counted[Kind.ENTERED], counted[Kind.EXITED], looked[at])
    ends_at = max(recording.ended_at, *looked, recording.started_at + timedelta(milliseconds=1))
    counted_to = recording.started_at + timedelta(milliseconds=run.counted_to_ms)
    return five_minutes(
        sums, recording.started_at, ends_at, ends_at + BUCKET if run.finished_at else counted_to
    )


def _inside(events: Any) -> Counter[int]:
    """Return, by zone, how many went in and have not left."""
    inside: Counter[int] = Counter()
    rows = events.order_by().values_list("zone_id", "kind").annotate(n=Count("pk"))
    for zone, kind, count in rows:
        inside[zone] += count if kind == Kind.ZONE_ENTERED else -count
    return inside


def _median_s(lengths_ms: Collection[int]) -> float | None:
    return round(median(lengths_ms) / 1000, 3) if lengths_ms else None
