"""One run takes another's place: all of it in one transaction, or nothing.

A re-count is written chunk by chunk to a run that is not active: its rows are there, but in no
sum, no feed and no list. The switch then takes the old run's facts out of the sums and puts the new
ones in, gives the new events their places in the feed behind one `recounted` event, hands the
customers over and draws the new overlays. What never changes is read before the transaction.

Locks are taken in the ledger's order: the recording, the re-count, the store's counter, then what
the sinks touch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, OuterRef, Subquery
from django.db.models.functions import Now

from tracking import jobs, ledger
from tracking.faults import fault
from tracking.ledger import Followed, LedgerBatch, Slice
from tracking.live_protocol import events_hint, picture_hint
from tracking.matching import VisitSpan, match_visits
from tracking.models import (
    Chunk,
    Coverage,
    Customer,
    Recording,
    Recount,
    RecountPart,
    Run,
    TrackingEvent,
    Visit,
)
from tracking.selectors import RunNumbers, run_numbers

_MILLISECOND = timedelta(milliseconds=1)
ROWS = 500


class SupersededError(RuntimeError):
    """The run to be replaced counts no more: its recording was replaced or cancelled."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a finished run counted and nothing changes any more."""

    events: list[TrackingEvent]
    coverage: list[Coverage]
    followed: Followed | None

    @classmethod
    def of(cls, run: Run) -> _Facts:
        return cls(ledger.events_of(run), ledger.coverage_of(run), ledger.followed_in(run))

    def batch(self, run: Run, visits: list[Visit], sign: int) -> LedgerBatch:
        return LedgerBatch(
            run.store, self.events, visits, self.coverage, sign, followed=self.followed
        )


def commit_part(*, claim: jobs.Claim, recount: Recount, chunk: Chunk, counted: Slice) -> None:
    """Write what one chunk gave to the run that is not active yet, in one transaction.

    Raises
    ------
    LeaseLostError, AlreadyCountedError
        As `ledger.commit_slice`.
    """
    run = recount.new_run
    with transaction.atomic():
        jobs.recount_hold(claim)
        fault("recount_after_fence")
        run.active = False
        ledger.move_checkpoint(run, chunk, counted)
        ledger.write_facts(run, counted)
        RecountPart.objects.create(recount=recount, index=chunk.index, overlay=counted.overlay)
        fault("recount_before_commit")
    fault("recount_after_commit")


def run_switch(*, claim: jobs.Claim, recount: Recount) -> int:
    """Make a re-count's run the official one, in one transaction; return the sequence after it.

    Raises
    ------
    LeaseLostError
        The re-count is another worker's by now, or was cancelled.
    SupersededError
        The old run counts no more, so there is nothing to take the place of.
    """
    old, new = recount.old_run, recount.new_run
    before, after = _Facts.of(old), _Facts.of(new)
    pairs = _pairs(old, new)
    with transaction.atomic():
        Recording.objects.select_for_update(no_key=True).get(pk=recount.recording_id)
        jobs.recount_done(claim)
        fault("switch_after_locks")
        _swap(old, new)
        fault("switch_after_runs")
        gone, come = _hand_over(old, new, pairs)
        fault("switch_after_people")
        recounted = _number(old, new)
        fault("switch_after_numbers")
        ledger.feed(before.batch(old, gone, sign=-1))
        ledger.feed(after.batch(new, come, sign=1))
        fault("switch_after_sinks")
        _draw(recount)
        fault("switch_after_overlays")
        Recount.objects.filter(pk=recount.pk).update(event=recounted, numbers=_numbers(old, new))
        seq = (recounted.seq or 0) + new.next_ordinal
        _tell_on_commit(recount, seq)
        fault("switch_before_commit")
    fault("switch_after_commit")
    return seq


def _swap(old: Run, new: Run) -> None:
    if not Run.objects.filter(pk=old.pk, active=True).update(active=False):
        raise SupersededError(f"Run {old.public_id} counts no more.")
    Run.objects.filter(pk=new.pk, active=False).update(active=True, finished_at=Now())
    old.active, new.active = False, True


def _number(old: Run, new: Run) -> TrackingEvent:
    """Give the `recounted` event and, behind it, the new run's events their places in the feed.

    Whoever catches up reads first that the old run's rows count no more, then the rows that do.
    """
    first = ledger.take_sequence(new.store, 1 + new.next_ordinal)
    recounted = ledger.recounted_event(old, first)
    events = TrackingEvent.objects.filter(run=new, ordinal__isnull=False)
    events.update(seq=F("ordinal") + first + 1)
    return recounted


def _draw(recount: Recount) -> None:
    """Put the new overlays in the old ones' place."""
    parts = RecountPart.objects.filter(recount=recount, index=OuterRef("index"))
    chunks = Chunk.objects.filter(recording=recount.recording_id)
    chunks.update(overlay=Subquery(parts.values("overlay")[:1]))
    RecountPart.objects.filter(recount=recount).delete()


def _numbers(old: Run, new: Run) -> dict[str, dict[str, int]]:
    """Return what both runs say, for the sentence that explains the difference."""
    counted = run_numbers([old.pk, new.pk])
    left = TrackingEvent.Kind.ZONE_LEFT
    stays = dict(
        TrackingEvent.objects.filter(run__in=(old, new), kind=left)
        .order_by()
        .values_list("run_id")
        .annotate(stays=Count("pk"))
    )
    return {
        name: _told(counted[run.pk]) | {"stays": stays.get(run.pk, 0)}
        for name, run in (("old", old), ("new", new))
    }


def _told(numbers: RunNumbers) -> dict[str, int]:
    return {"entries": numbers.entries, "exits": numbers.exits, "visits": numbers.visits}


def _tell_on_commit(recount: Recount, seq: int) -> None:
    recording = recount.recording
    picture = picture_hint(recording.public_id, 0, recording.declared_ms)
    ledger.publish_on_commit(recount.store, events_hint(seq), picture)


# --- People --------------------------------------------------------------------------------------


def _pairs(old: Run, new: Run) -> list[tuple[int, int]]:
    """Return the ordinals of visits, old and new, that are the same person's same visit."""
    walks_old, walks_new = _walks(old), _walks(new)
    return match_visits(
        _spans(old, walks_old),
        _spans(new, walks_new),
        set(walks_old.values()),
        set(walks_new.values()),
    )


def _walks(run: Run) -> dict[int, str]:
    """Return, by chain, what tells one way through the picture from every other."""
    walks = {}
    for chain, begun, ended, path in run.tracks.values_list(
        "number", "started_at", "ended_at", "path"
    ):
        walk = f"{begun.isoformat()}/{ended.isoformat()}/".encode() + bytes(path)
        walks[chain] = hashlib.sha256(walk).hexdigest()
    return walks


def _spans(run: Run, walks: dict[int, str]) -> list[VisitSpan]:
    began = run.recording.started_at
    rows = run.visits.order_by("ordinal").values_list("ordinal", "chain", "entered_at", "exited_at")
    return [
        VisitSpan(
            ordinal,
            walks.get(chain, f"chain {chain} of run {run.pk}"),
            (entered - began) // _MILLISECOND,
            ((exited or entered) - began) // _MILLISECOND,
        )
        for ordinal, chain, entered, exited in rows
    ]


def _hand_over(old: Run, new: Run, pairs: list[tuple[int, int]]) -> tuple[list[Visit], list[Visit]]:
    """Let matched visits keep customer and flags; return the closed visits, old and new.

    Each person of the new run got a customer of its own while it was counted. Where a visit is
    matched, the old run's customer, with notes and flags, takes that one's place.
    """
    visits_old = {visit.ordinal: visit for visit in run_visits(old)}
    visits_new = {visit.ordinal: visit for visit in run_visits(new)}
    kept = _kept_customers([(visits_old[a], visits_new[b]) for a, b in pairs])
    for a, b in pairs:
        visits_new[b].staff = visits_old[a].staff
    made: dict[int, Customer] = {}
    for visit in visits_new.values():
        if visit.customer is not None:
            made[visit.chain] = visit.customer
        visit.customer = kept.get(visit.chain, visit.customer)
    Visit.objects.bulk_update(visits_new.values(), ["customer", "staff"], batch_size=ROWS)
    spare = {chain: customer for chain, customer in made.items() if chain in kept}
    Customer.objects.filter(pk__in=[customer.pk for customer in spare.values()]).delete()
    _reckon_kept(new, {chain: (kept[chain], customer) for chain, customer in spare.items()})
    _show_new(visits_new.values(), {c.pk for chain, c in made.items() if chain not in kept})
    _hide_left(visits_old.values(), {customer.pk for customer in kept.values()})
    closed = [
        [visit for visit in visits.values() if visit.exited_at is not None]
        for visits in (visits_old, visits_new)
    ]
    return closed[0], closed[1]


def run_visits(run: Run) -> list[Visit]:
    """Return a run's visits with their customers, in its own order."""
    return list(run.visits.select_related("customer").order_by("ordinal"))


def _kept_customers(pairs: Iterable[tuple[Visit, Visit]]) -> dict[int, Customer]:
    """Return the old run's customer of each new chain: one customer is never two people."""
    kept: dict[int, Customer] = {}
    taken: set[int] = set()
    for before, after in pairs:
        customer = before.customer
        if customer is not None and after.chain not in kept and customer.pk not in taken:
            kept[after.chain] = customer
            taken.add(customer.pk)
    return kept


def _reckon_kept(new: Run, people: dict[int, tuple[Customer, Customer]]) -> None:
    """Set a kept customer's times and number of visits to what counts now."""
    kept = [customer for customer, _ in people.values()]
    rows = _official(customer.pk for customer in kept)
    counts = dict(rows.annotate(n=Count("pk")).values_list("customer", "n"))
    elsewhere = {
        pk: (first, last)
        for pk, first, last in rows.exclude(run=new)
        .annotate(first=Min("entered_at"), last=Max("exited_at"))
        .values_list("customer", "first", "last")
    }
    for customer, made in people.values():
        first, last = elsewhere.get(customer.pk, (None, None))
        customer.first_seen = min(filter(None, (made.first_seen, first)))
        customer.last_seen = max(filter(None, (made.last_seen, last)))
        customer.visit_count = counts.get(customer.pk, 0)
    fields = ["first_seen", "last_seen", "visit_count"]
    Customer.objects.bulk_update(kept, fields, batch_size=ROWS)


def _official(customers: Iterable[int]) -> Any:
    """Return the visits that count of these customers, grouped by customer."""
    rows = Visit.objects.filter(customer__in=list(customers), run__active=True)
    return rows.order_by().values("customer")


def _show_new(visits: Iterable[Visit], customers: set[int]) -> None:
    """Let the customers of people whom the old run did not have appear."""
    counts: dict[int, list[Customer]] = {}
    shown = {visit.customer.pk: visit.customer for visit in visits if visit.customer is not None}
    numbers = dict(_official(customers).annotate(n=Count("pk")).values_list("customer", "n"))
    for pk in sorted(customers & shown.keys()):
        counts.setdefault(numbers.get(pk, 0), []).append(shown[pk])
    for number, same in counts.items():
        rows = Customer.objects.filter(pk__in=[customer.pk for customer in same])
        rows.update(hidden=False, visit_count=number)


def _hide_left(visits: Iterable[Visit], kept: set[int]) -> None:
    """Hide the old run's customers who are left without a visit that counts."""
    left = {visit.customer_id for visit in visits if visit.customer_id is not None} - kept
    numbers = dict(_official(left).annotate(n=Count("pk")).values_list("customer", "n"))
    gone = sorted(left - numbers.keys())
    Customer.objects.filter(pk__in=gone).update(hidden=True, visit_count=0)
    for pk, number in numbers.items():
        Customer.objects.filter(pk=pk).update(visit_count=number)
