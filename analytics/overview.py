"""Every shop that a person may see, today: summaries, buckets and what looks, never events.

What is alike for all shops is read for all of them at once; a shop by itself costs at most
`QUERIES_A_SHOP`, however much happened in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Store
from analytics.calendar import BUCKET
from analytics.comparisons import WEEK, Compared, compare, shift_of
from analytics.history import SummaryRow, hour_lines, summary_lines
from analytics.insight_facts import WEEKS_LEARNED, hour_facts, zone_facts
from analytics.insights import WEEK as ONE_WEEK
from analytics.insights import Facts, HourFacts, Insight, insights
from analytics.models import AnalyticsSummary, Bucket
from analytics.opening import open_spans
from analytics.rollups import clock_of, hours_of
from analytics.selectors import NO_ENTRANCE, NOBODY_LOOKS, NOW_NEEDS
from tracking.selectors import JobCounts, cameras_covering, jobs_of_stores
from zones.models import Camera, CountingLine

Period = AnalyticsSummary.Period

# Summaries of hours and of the day, each after a look at what is behind; zones with their stays
# of today and of a week before; the newest five minutes where nobody looks now.
QUERIES_A_SHOP = 8
# What is said of a shop first: warnings, then what is longer or busier than usual. The change of
# footfall has a place of its own.
FIRST = ("partly_seen", "balance", "queue_wait", "busiest_hour", "longest_dwell", "quiet_hours")


@dataclass(frozen=True, slots=True)
class CameraState:
    """A camera; `looking` when it saw anything in the last ten minutes."""

    name: str
    looking: bool
    # Whether it is one that sends pictures by itself, so that silence is a fault.
    live: bool
    # Whether it was made in those ten minutes: nothing of it need be counted yet.
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Together:
    """What is read for all shops at once, by the shop's primary key."""

    cameras: dict[int, list[CameraState]]
    # The cameras of entrances, and the shops with one that somebody looks at.
    entrances: dict[int, set[int]]
    watched: frozenset[int]
    jobs: dict[int, JobCounts]


@dataclass(frozen=True, slots=True)
class ShopToday:
    """A shop's business day so far; null is not zero, and `why_null` says why."""

    store: Store
    day: date
    now: int | None
    why_null: str | None
    entries: int | None
    exits: int | None
    observed: float | None
    hours: Sequence[SummaryRow]
    compared: Compared
    insight: Insight | None
    cameras: Sequence[CameraState]
    jobs: JobCounts
    # When somebody last looked at an entrance, to five minutes; None where nobody ever did. Of a
    # shop without an entrance: when any camera looked.
    last_seen_at: datetime | None
    is_open: bool
    # When it next opens or closes; None where it never does.
    changes_at: datetime | None


def shops_today(stores: Sequence[Store], now: datetime) -> list[ShopToday]:
    """Return the day of each of these shops, in their order."""
    together = _together(stores, now)
    return [_shop(store, together, now) for store in stores]


def _together(stores: Sequence[Store], now: datetime) -> Together:
    looking = cameras_covering(stores, now - NOW_NEEDS, now)
    cameras: dict[int, list[CameraState]] = defaultdict(list)
    shop_of: dict[int, int] = {}
    for camera in Camera.objects.filter(store__in=stores):
        is_new = camera.created_at > now - NOW_NEEDS
        state = CameraState(camera.name, camera.pk in looking, camera.followed, is_new)
        cameras[camera.store_id].append(state)
        shop_of[camera.pk] = camera.store_id
    doors = CountingLine.objects.filter(
        camera__store__in=stores, kind=CountingLine.Kind.ENTRANCE
    ).values_list("camera_id", flat=True)
    entrances: dict[int, set[int]] = defaultdict(set)
    for camera_id in doors:
        entrances[shop_of[camera_id]].add(camera_id)
    return Together(
        cameras=cameras,
        entrances=entrances,
        watched=frozenset(shop for shop, cameras in entrances.items() if cameras & looking),
        jobs=jobs_of_stores(stores),
    )


def _shop(store: Store, together: Together, now: datetime) -> ShopToday:
    day = clock_of(store).business_day(now)
    whole = summary_lines(store, Period.DAY, day, day, now)[0]
    # Of the weeks before, only the same weekday is held against today.
    days = [day - back * ONE_WEEK for back in range(WEEKS_LEARNED, -1, -1)]
    hours = [hour for each in days for hour in clock_of(store).hours_of_day(each)]
    lines = hour_lines(store, hours, now)
    why = _why_null(store, together)
    is_open, changes_at = opening_now(store, now)
    cameras = together.cameras.get(store.pk, [])
    entrances = together.entrances.get(store.pk, set())
    looks = why is None or (not entrances and any(camera.looking for camera in cameras))
    return ShopToday(
        store=store,
        day=day,
        # Nobody came in or went out yet: somebody looks, and the shop is empty.
        now=(whole.occupancy_end or 0) if why is None else None,
        why_null=why,
        entries=whole.entries,
        exits=whole.exits,
        observed=whole.observed,
        hours=[line for line in lines if line.business_day == day],
        compared=week_before(store, day, lines),
        insight=_insight(store, day, lines),
        cameras=cameras,
        jobs=together.jobs[store.pk],
        last_seen_at=now if looks else last_seen(store, now, entrances),
        is_open=is_open,
        changes_at=changes_at,
    )


def _why_null(store: Store, together: Together) -> str | None:
    if store.pk not in together.entrances:
        return NO_ENTRANCE
    return None if store.pk in together.watched else NOBODY_LOOKS


def week_before(store: Store, day: date, lines: Iterable[SummaryRow]) -> Compared:
    """Return a business day compared with the same weekday a week before, by like hours."""
    shift = shift_of(WEEK, 1)
    there = day - shift
    now, then = (
        [each.counted() for each in hour_facts(store, _of(lines, one))] for one in (day, there)
    )
    return compare(WEEK, (there, there), now, then, shift)


def _insight(store: Store, day: date, lines: Sequence[SummaryRow]) -> Insight | None:
    """Return the one thing to say of a day, by `FIRST`."""
    # What is usual is that of the same weekday: the other days would be another shop's.
    before = [line for line in lines if line.business_day < day]
    hours: list[HourFacts] = hour_facts(store, _of(lines, day))
    facts = Facts(
        hours=hours,
        before=hour_facts(store, before),
        zones=zone_facts(store, day, day, ONE_WEEK),
        back=ONE_WEEK,
        has_opening_hours=bool(store.opening_hours),
    )
    said = {each.rule: each for each in insights(facts).sentences}
    return next((said[rule] for rule in FIRST if rule in said), None)


def _of(lines: Iterable[SummaryRow], day: date) -> list[SummaryRow]:
    return [line for line in lines if line.business_day == day]


def last_seen(store: Store, now: datetime, cameras: Collection[int] = ()) -> datetime | None:
    """Return the end of the newest five minutes of which these cameras, or any, saw anything."""
    buckets = Bucket.objects.filter(store=store, starts_at__lte=now)
    newest = (
        (buckets.filter(camera__in=cameras) if cameras else buckets)
        .order_by("-starts_at")
        .values_list("starts_at", flat=True)
        .first()
    )
    return min(now, newest + BUCKET) if newest else None


def opening_now(store: Store, now: datetime) -> tuple[bool, datetime | None]:
    """Return whether a shop is open, and when that changes within the week to come."""
    ends_at = now + ONE_WEEK
    spans = open_spans(clock_of(store), hours_of(store), now, ends_at)
    if not spans:
        return False, None
    first = spans[0]
    if first.starts_at > now:
        return False, first.starts_at
    return True, first.ends_at if first.ends_at < ends_at else None
