"""Erasing a person: all that says who it was goes, what numbers are made of stays.

What goes: the client with its note, the ways, the links between them, the boxes over pictures, and
of the recording all that holds the person without a name on it: what was detected, the film, its
pictures. What stays: that somebody came in then, stopped there, went out then. So no sum changes,
and the recording is never counted again, since whoever is gone from it would be missing from the
new count (docs/decisions/0039-erasing-a-person.md).

Locks are taken in the ledger's order: the recordings, their re-counts, the client, the store's
counter, then what the sinks touch.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Min, QuerySet

from accounts.models import AuditEntry, Store, User
from accounts.repeats import answers_forget
from accounts.services import audit_record
from tracking import jobs, ledger, media
from tracking.clients import code_of
from tracking.ledger import Followed, LedgerBatch
from tracking.live_protocol import picture_hint
from tracking.models import (
    Chunk,
    Customer,
    Recording,
    RecountPart,
    Run,
    Track,
    Upload,
    Visit,
)
from tracking.overlay import BadOverlayError, TrackedFrame, pack, unpack
from tracking.problems import Problem

CLIENT_ERASED, VISIT_ERASED = "client.erased", "visit.erased"
# What a receipt counts, and what one and several of it are called.
CLASSES: dict[str, tuple[str, str]] = {
    "clients": ("client with its code", "clients with their codes"),
    "notes": ("note", "notes"),
    "visits": ("visit, parted from its client", "visits, parted from their client"),
    "ways": ("way over the picture", "ways over the picture"),
    "links": ("link between two ways", "links between ways"),
    "links_undone": ("note that two ways were told apart", "notes that ways were told apart"),
    "boxes": ("box drawn over a picture", "boxes drawn over pictures"),
    "parts_seen": ("part of a recording, all that was seen in it",
                   "parts of recordings, all that was seen in them"),
    "films": ("film with its pictures", "films with their pictures"),
    "earlier_ways": ("way of earlier counts", "ways of earlier counts"),
    "earlier_clients": ("client of earlier counts", "clients of earlier counts"),
    "recounts": ("count again that was under way, dropped",
                 "counts again that were under way, dropped"),
    "answers": ("kept answer to a program", "kept answers to programs"),
}  # fmt: skip
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Receipt:
    """That somebody was erased: by whom, when, what went; `removed` by the names of `CLASSES`."""

    code: str
    kind: str
    at: datetime
    by: str
    removed: dict[str, int]

    @property
    def words(self) -> list[str]:
        """What went, in words."""
        return in_words(self.removed)


def in_words(removed: dict[str, int]) -> list[str]:
    """Return what a receipt counts in words, without what there was none of."""
    told = ((removed.get(name, 0), *names) for name, names in CLASSES.items())
    return [f"{n:,} {one if n == 1 else many}" for n, one, many in told if n]


@transaction.atomic
def client_erase(*, customer: Customer, user: User) -> Receipt:
    """Erase a client with all its visits.

    Raises
    ------
    Problem
        `still_counted`, or `erased_already` where somebody else was faster.
    """
    visits = Visit.objects.filter(customer=customer, run__active=True)
    recordings = _hold(visits)
    held = _client_held(customer.pk)
    if held is None:
        raise Problem("erased_already")
    blobs = ("run__tracker_state", "run__setup", "run__card")
    erased = list(visits.select_related("run").defer(*blobs).order_by("pk"))
    removed = _erase(held.store, recordings, erased)
    removed += _forget(held)
    return _write_down(CLIENT_ERASED, held.store, held.public_id, erased, removed, user)


@transaction.atomic
def visit_erase(*, visit: Visit, user: User) -> Receipt:
    """Erase one visit; its client goes with its last one.

    The ways that its person went in this recording go whole: nobody can say where one visit's part
    of them ends.

    Raises
    ------
    Problem
        `still_counted`, `counts_no_more` or `erased_already`.
    """
    recordings = _hold(Visit.objects.filter(pk=visit.pk))
    held = Visit.objects.select_related("run", "store", "customer").get(pk=visit.pk)
    if held.erased_at is not None:
        raise Problem("erased_already")
    if not held.run.active:
        raise Problem("counts_no_more")
    customer = None if held.customer_id is None else _client_held(held.customer_id)
    removed = _erase(held.store, recordings, [held])
    if customer is not None:
        removed += _left_over(customer, held)
    return _write_down(VISIT_ERASED, held.store, held.public_id, [held], removed, user)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What erasing would take, for who is asked whether it is meant."""

    visits: int
    ways: int
    links: int
    recordings: list[Recording]
    films: int
    # Whether the client goes, and is left with so many visits if not.
    client_goes: bool
    visits_left: int


def foreseen(visits: QuerySet[Visit], *, whole: bool) -> Foreseen:
    """Return what erasing these visits would take; `whole`: their client goes with them."""
    people = set(visits.order_by().values_list("run", "chain"))
    tracks = [
        (number, chain)
        for run, chain in people
        for number in Track.objects.filter(run=run, chain=chain).values_list("number", flat=True)
    ]
    recordings = Recording.objects.filter(runs__visits__in=visits).distinct().order_by("started_at")
    found = list(recordings.select_related("camera"))
    first = visits.select_related("customer").first()
    client = None if first is None else first.customer
    left = 0 if whole or client is None else client.visit_count - 1
    return Foreseen(
        visits=visits.count(),
        ways=len(tracks),
        links=sum(number != chain for number, chain in tracks),
        recordings=found,
        films=sum(bool(recording.folder) for recording in found),
        client_goes=client is not None and left == 0,
        visits_left=left,
    )


# --- Receipts -------------------------------------------------------------------------------------


def receipt_of_client(store: Store, public_id: uuid.UUID) -> Receipt | None:
    """Return the receipt of a client who was erased."""
    entries = AuditEntry.objects.filter(
        store=store, action=CLIENT_ERASED, subject=code_of(public_id)
    )
    mine = (entry for entry in entries if entry.detail.get("id") == str(public_id))
    return next(map(_receipt, mine), None)


def receipt_of_visit(visit: Visit) -> Receipt | None:
    """Return the receipt of a visit that was erased, by itself or with its client."""
    if visit.erased_at is None:
        return None
    entries = AuditEntry.objects.filter(
        store=visit.store_id, action__in=(CLIENT_ERASED, VISIT_ERASED), at=visit.erased_at
    )
    mine = (one for one in entries if str(visit.public_id) in one.detail.get("visits", ()))
    return next(map(_receipt, mine), None)


def _receipt(entry: AuditEntry) -> Receipt:
    kind = "client" if entry.action == CLIENT_ERASED else "visit"
    return Receipt(entry.subject, kind, entry.at, entry.actor_name, entry.detail["removed"])


def _write_down(
    action: str,
    store: Store,
    public_id: uuid.UUID,
    visits: list[Visit],
    removed: Counter[str],
    user: User,
) -> Receipt:
    """Write the receipt into the audit log, and on the visits when that was."""
    removed["visits"] = len(visits)
    told = {name: removed[name] for name in CLASSES if removed[name]}
    detail = {
        "id": str(public_id),
        "visits": [str(visit.public_id) for visit in visits],
        "removed": told,
    }
    entry = audit_record(
        action=action, actor=user, store=store, subject=code_of(public_id), detail=detail
    )
    marked = Visit.objects.filter(pk__in=[visit.pk for visit in visits])
    marked.update(erased_at=entry.at, customer=None)
    return _receipt(entry)


# --- What goes ------------------------------------------------------------------------------------


def _hold(visits: QuerySet[Visit]) -> list[Recording]:
    """Hold the recordings of these visits, in one order, with nobody counting them any more."""
    wanted = set(visits.order_by().values_list("run__recording_id", flat=True))
    rows = Recording.objects.filter(pk__in=wanted).order_by("pk")
    recordings = list(rows.select_for_update(of=("self",), no_key=True))
    open_still = any(recording.state in jobs.OPEN for recording in recordings)
    # What is made up as it goes is written to a recording that is done already.
    goes_on = Run.objects.filter(
        recording__in=wanted, recording__source=Recording.Source.SIMULATED,
        active=True, finished_at=None,
    )  # fmt: skip
    if open_still or goes_on.exists():
        raise Problem("still_counted")
    if not set(visits.order_by().values_list("run__recording_id", flat=True)) <= wanted:
        raise Problem("still_counted")
    return recordings


def _client_held(pk: int) -> Customer | None:
    """Return a client whom nobody else changes until the transaction ends."""
    rows = Customer.objects.filter(pk=pk).select_related("store")
    return rows.select_for_update(of=("self",)).first()


def _erase(store: Store, recordings: list[Recording], visits: list[Visit]) -> Counter[str]:
    """Remove what is kept of these visits' people in each recording."""
    removed: Counter[str] = Counter()
    followed = []
    for recording in recordings:
        own = [visit for visit in visits if visit.run.recording_id == recording.pk]
        if own:
            found, where = _erase_in(recording, own[0].run, {visit.chain for visit in own})
            removed += found
            followed += where
    ledger.take_sequence(store, 0)
    for span in followed:  # heatmaps of these days are drawn anew, of the ways that are left
        ledger.feed(LedgerBatch(store, [], [], [], sign=1, followed=span))
    return removed


def _erase_in(
    recording: Recording, run: Run, chains: set[int]
) -> tuple[Counter[str], list[Followed]]:
    """Remove people from a recording, named by their chains; return what went, and where from."""
    removed: Counter[str] = Counter(recounts=jobs.recount_cancel(recording))
    tracks = list(Track.objects.filter(run=run, chain__in=chains).defer("path"))
    numbers = {track.number for track in tracks}
    removed["ways"] = len(tracks)
    removed["links"] = sum(track.number != track.chain for track in tracks)
    followed = []
    if tracks:
        first = min(track.started_at for track in tracks)
        last = max(track.ended_at for track in tracks)
        followed = [Followed(recording.camera_id, first, last)]
        removed["boxes"] = _clear_boxes(recording, numbers)
    removed["links_undone"] = _forget_parted(recording, tracks)
    Track.objects.filter(run=run, chain__in=chains).delete()
    removed += _forget_earlier(recording)
    removed += _forget_seen(recording)
    ledger.publish_on_commit(
        recording.store, picture_hint(recording.public_id, 0, recording.declared_ms)
    )
    return removed, followed


def _clear_boxes(recording: Recording, numbers: set[int]) -> int:
    """Take people's boxes out of what is drawn over a recording; return how many."""
    gone = 0
    rows = Chunk.objects.filter(recording=recording).exclude(overlay=None)
    for pk, blob in rows.order_by("index").values_list("pk", "overlay").iterator(20):
        try:
            frames = unpack(bytes(blob or b""))
        except BadOverlayError:  # nobody can say whose boxes are in it
            Chunk.objects.filter(pk=pk).update(overlay=None)
            continue
        left = [_without(frame, numbers) for frame in frames]
        taken = sum(len(a.numbers) - len(b.numbers) for a, b in zip(frames, left, strict=True))
        if taken:
            Chunk.objects.filter(pk=pk).update(overlay=pack(left))
            gone += taken
    return gone


def _without(frame: TrackedFrame, numbers: set[int]) -> TrackedFrame:
    kept = [place for place, number in enumerate(frame.numbers) if number not in numbers]
    return TrackedFrame(
        frame.time_ms, tuple(frame.numbers[place] for place in kept), frame.boxes[kept]
    )


def _forget_parted(recording: Recording, tracks: Iterable[Track]) -> int:
    """Take out of every card which of these ways people told apart; return how many notes."""
    ended = {(track.ended_at - recording.started_at) // _MILLISECOND for track in tracks}
    began = {(track.started_at - recording.started_at) // _MILLISECOND for track in tracks}
    gone: set[tuple[int, int]] = set()
    for run in Run.objects.filter(recording=recording).only("card"):
        final = run.card.get("final", {})
        for holder, name in ((final, "apart"), (run.card, "told_apart")):
            pairs = holder.get(name, [])
            holder_keeps = [p for p in pairs if p[0] not in ended and p[1] not in began]
            if len(holder_keeps) < len(pairs):
                gone |= {(a, b) for a, b in pairs if [a, b] not in holder_keeps}
                holder[name] = holder_keeps
                run.save(update_fields=["card"])
    return len(gone)


def _forget_earlier(recording: Recording) -> Counter[str]:
    """Remove whom earlier counts followed: which of them it was nobody can say."""
    earlier = Run.objects.filter(recording=recording, active=False)
    ways = Track.objects.filter(run__in=earlier).delete()[0]
    hidden = Customer.objects.filter(hidden=True, visits__run__in=earlier)
    people = list(hidden.order_by("pk").values_list("pk", flat=True).distinct())
    Visit.objects.filter(run__in=earlier).update(customer=None)
    Customer.objects.filter(pk__in=people).delete()
    RecountPart.objects.filter(recount__recording=recording).delete()
    return Counter(earlier_ways=ways, earlier_clients=len(people))


def _forget_seen(recording: Recording) -> Counter[str]:
    """Remove what shows a person without saying who: detections, the tracker's memory, the film."""
    seen = Chunk.objects.filter(recording=recording, detections__isnull=False)
    removed = Counter(parts_seen=seen.update(detections=None))
    Run.objects.filter(recording=recording).update(tracker_state=None)
    if recording.folder:
        Recording.objects.filter(pk=recording.pk).update(folder="")
        Upload.objects.filter(folder=recording.folder).delete()
        folder = recording.folder
        # After a crash in between, a day later the daily comparison removes it.
        transaction.on_commit(lambda: media.remove_folder(folder))
        removed["films"] = 1
    return removed


def _forget(customer: Customer) -> Counter[str]:
    """Remove a client with its note, and what programs were answered about it."""
    removed = Counter(clients=1, notes=int(bool(customer.notes)))
    removed["answers"] = answers_forget(f"/api/v1/clients/{customer.public_id}/")
    customer.delete()
    return removed


def _left_over(customer: Customer, erased: Visit) -> Counter[str]:
    """Set a client to the visits that are left to it; without any it goes too."""
    visits = Visit.objects.filter(customer=customer, run__active=True).exclude(pk=erased.pk)
    left = visits.aggregate(n=Count("pk"), first=Min("entered_at"), out=Max("exited_at"),
                            last=Max("entered_at"))  # fmt: skip
    if not left["n"]:
        return _forget(customer)
    customer.visit_count, customer.first_seen = left["n"], left["first"]
    customer.last_seen = max(filter(None, (left["out"], left["last"])))
    customer.save(update_fields=["visit_count", "first_seen", "last_seen"])
    return Counter()
