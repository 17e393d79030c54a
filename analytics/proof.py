"""Numbers that prove themselves: each business day's stored rows against those its facts make.

Every night at 03:10 on the store's own clock all its days are asked to be verified, and whenever a
manager asks. A row of `Verification` with an `asked_at` is the queue; whoever takes a day works it
by itself, in one view of the database, so nothing waits for it.
"""

from __future__ import annotations

import time as stopwatch
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.utils import timezone as system_clock

from accounts.models import Store, User
from accounts.services import audit_record
from analytics.differences import words_of
from analytics.fresh import Reach, reach_of
from analytics.models import Verification, VerificationNight
from analytics.rebuild import changes_of, check_day, days_of, rewrite_day

log = structlog.get_logger(__name__)

# On the store's clock. Shops are empty then, and whoever looks in the morning finds it done.
AT = time(3, 10)
NAMED_AT_MOST = 20
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verified:
    """One business day's verification as it stands now."""

    row: Verification
    # More was counted since, or taken out.
    changed_since: bool


def night_of(store: Store, now: datetime) -> datetime:
    """Return when the last night's verification of a store was due."""
    zone = ZoneInfo(store.timezone)
    day = now.astimezone(zone).date()
    due = datetime.combine(day, AT, tzinfo=zone).astimezone(UTC)
    if due > now:
        due = datetime.combine(day - ONE_DAY, AT, tzinfo=zone).astimezone(UTC)
    return due


def nights_plan(now: datetime) -> int:
    """Ask for all days of the stores whose night has come; return how many days that is."""
    planned = dict(VerificationNight.objects.values_list("store_id", "planned_for"))
    asked = 0
    for store in Store.objects.order_by("pk"):
        due = night_of(store, now)
        if store.pk in planned and planned[store.pk] >= due:
            continue
        days = days_of(store)
        verification_ask(store=store, days=days)
        reach = reach_of(store)
        VerificationNight.objects.update_or_create(
            store=store,
            defaults={
                "planned_for": due, "longest_stay": reach.stay, "longest_span": reach.span,
            },
        )  # fmt: skip
        asked += len(days)
    return asked


def verification_ask(*, store: Store, days: Iterable[date]) -> None:
    """Ask for business days of a store to be verified; what is asked for stays in its place."""
    now = system_clock.now()
    rows = [Verification(store=store, business_day=day, asked_at=now) for day in days]
    with transaction.atomic():
        Verification.objects.bulk_create(rows, ignore_conflicts=True)
        asked = Verification.objects.filter(
            store=store, business_day__in=[row.business_day for row in rows], asked_at=None
        )
        asked.update(asked_at=now)


def verifications_work(seconds: float, store: Store | None = None) -> int:
    """Verify what is asked for, the longest waiting and newest days first; return how many days.

    Takes no further day after so many seconds.
    """
    give_up = stopwatch.monotonic() + seconds
    done = 0
    while stopwatch.monotonic() < give_up and (row := _take(store)) is not None:
        verify_day(row.store, row.business_day, _reach_last_night(row.store))
        done += 1
    return done


def verify_day(store: Store, day: date, reach: Reach | None = None) -> Verification:
    """Verify one business day and keep what was found.

    A reach that was measured before may be too short by now, which shows as a difference: nothing
    is called wrong before it was measured again.
    """
    began = stopwatch.monotonic()
    at = system_clock.now()
    found = check_day(store, day, reach or reach_of(store))
    if found.wrong and reach:
        found = check_day(store, day, reach_of(store))
    row, _ = Verification.objects.update_or_create(
        store=store,
        business_day=day,
        defaults={
            "hash_stored": found.stored.hexdigest(),
            "hash_fresh": found.fresh.hexdigest(),
            "rows": found.rows,
            "differing": found.wrong,
            "named": words_of(store, found.found[:NAMED_AT_MOST]),
            "changes": found.changes,
            "verified_at": at,
            "took_ms": round(1000 * (stopwatch.monotonic() - began)),
            "asked_at": None,
        },
    )
    if found.wrong:
        log.error("numbers_differ", store=store.pk, day=str(day), rows=found.wrong)
    return row


def day_put_right(*, store: Store, day: date, user: User | None) -> Verification:
    """Write a business day's numbers anew from its facts, verify them and note who asked."""
    reach = reach_of(store)
    before = verify_day(store, day, reach)
    rewrite_day(store, day, reach)
    after = verify_day(store, day, reach)
    audit_record(
        action="numbers.put_right",
        actor=user,
        store=store,
        subject=str(day),
        detail={"differed": before.differing, "differ": after.differing, "named": before.named},
    )
    return after


def verified(store: Store, first: date, last: date) -> list[Verified]:
    """Return how the business days of a span stand, oldest first.

    Days that were verified or asked for, and days of which something was ever counted but that
    were never verified; of others there is nothing to say.
    """
    rows = list(
        Verification.objects.filter(store=store, business_day__gte=first, business_day__lte=last)
    )
    changes = changes_of(store, first, last)
    never = [
        Verification(store=store, business_day=day)
        for day in sorted(changes.keys() - {row.business_day for row in rows})
    ]
    return [
        Verified(row, bool(row.verified_at) and changes.get(row.business_day, 0) != row.changes)
        for row in sorted([*rows, *never], key=lambda row: row.business_day)
    ]


def _reach_last_night(store: Store) -> Reach | None:
    """Return how far facts reached last night: to measure it, all of them must be looked at."""
    night = VerificationNight.objects.filter(store=store).first()
    return Reach(night.longest_stay, night.longest_span) if night else None


def _take(store: Store | None) -> Verification | None:
    """Take the next day that is asked for and put it last, lest one that fails hold up the rest."""
    asked = Verification.objects.filter(asked_at__isnull=False).select_related("store")
    if store is not None:
        asked = asked.filter(store=store)
    for row in asked.order_by("asked_at", "-business_day")[:10]:
        same = Verification.objects.filter(pk=row.pk, asked_at=row.asked_at)
        if same.update(asked_at=system_clock.now()):
            return row
    return None
