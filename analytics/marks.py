"""Resets and corrections of who is inside, kept where folds find them without reading events."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from accounts.models import Store
from analytics.calendar import BUCKET, floor_bucket
from analytics.models import OccupancyMark
from analytics.occupancy import Told
from analytics.rollups import add_events, mark_dirty, new_deltas
from tracking.ledger import LedgerBatch
from tracking.models import TrackingEvent
from tracking.selectors import OFFICIAL, entrance_lines
from zones.models import CountingLine

Kind = TrackingEvent.Kind
TOLD = (Kind.CORRECTED, Kind.OCCUPANCY_RESET)
MarkRows = dict[str, dict[str, Any]]
COLUMNS = ("event_id", "at", "seq", "resets", "value", "net_before")


def mark_sink(batch: LedgerBatch) -> None:
    """Keep the marks of a batch, and what stood before each reset; inside the transaction."""
    told = [event for event in batch.events if event.kind in TOLD]
    if batch.sign > 0:
        OccupancyMark.objects.bulk_create(map(mark_of, told), ignore_conflicts=True)
    elif told:
        OccupancyMark.objects.filter(event_id__in=[event.public_id for event in told]).delete()
    mark_dirty(batch.store, (floor_bucket(event.at) for event in told))
    moved = {floor_bucket(event.at) for event in batch.events if event.line_id or event in told}
    refresh_resets(batch.store, moved)


def mark_of(event: TrackingEvent) -> OccupancyMark:
    """Return the mark of an event, unsaved."""
    return OccupancyMark(
        event_id=event.public_id,
        store_id=event.store_id,
        at=event.at,
        seq=event.seq or 0,
        resets=event.kind == Kind.OCCUPANCY_RESET,
        value=event.value or 0,
    )


def refresh_resets(store: Store, buckets: Collection[datetime]) -> None:
    """Compute afresh what stood before the resets in these buckets."""
    if not buckets:
        return
    resets = OccupancyMark.objects.filter(
        store=store, resets=True, at__gte=min(buckets), at__lt=max(buckets) + BUCKET
    )
    for mark in resets:
        if floor_bucket(mark.at) in buckets:
            OccupancyMark.objects.filter(pk=mark.pk).update(net_before=net_before(store, mark.at))


def net_before(store: Store, at: datetime) -> int:
    """Return the entries less exits of a bucket up to an instant in it, that instant included."""
    events = list(
        TrackingEvent.objects.filter(
            OFFICIAL, store=store, at__gte=floor_bucket(at), at__lte=at, line__isnull=False
        )
    )
    lines = set(entrance_lines(store).values_list("pk", flat=True))
    deltas = new_deltas()
    add_events(deltas, events)
    found = [delta for key, delta in deltas.items() if key.subject_id in lines]
    return sum(delta["entries"] - delta["exits"] for delta in found)


def refresh_shop(instance: CountingLine, **_: Any) -> None:
    """Compute all resets of a line's store afresh: its kind says whether it is an entrance."""
    store = instance.camera.store
    resets = OccupancyMark.objects.filter(store=store, resets=True)
    refresh_resets(store, {floor_bucket(at) for at in resets.values_list("at", flat=True)})


def told_between(store: Store, starts_at: datetime, ends_at: datetime) -> list[Told]:
    """Return what people told in ``[starts_at, ends_at)``, in the order in which it holds.

    What is told at the very instant of a reset is replaced by it, as of two resets the later told.
    """
    marks = OccupancyMark.objects.filter(store=store, at__gte=starts_at, at__lt=ends_at)
    return [
        Told(mark.at, mark.resets, mark.value, mark.net_before)
        for mark in marks.order_by("at", "resets", "seq")
    ]


def stored_rows(store: Store, starts_at: datetime, ends_at: datetime) -> MarkRows:
    """Return the marks of ``[starts_at, ends_at)`` as rows, by the id of their event."""
    return _rows(OccupancyMark.objects.filter(store=store, at__gte=starts_at, at__lt=ends_at))


def fresh_marks(store: Store, starts_at: datetime, ends_at: datetime) -> list[OccupancyMark]:
    """Return the marks of a span as the official events make them, unsaved."""
    events = TrackingEvent.objects.filter(
        OFFICIAL, store=store, kind__in=TOLD, at__gte=starts_at, at__lt=ends_at
    )
    marks = [mark_of(event) for event in events.order_by("seq")]
    for mark in marks:
        if mark.resets:
            mark.net_before = net_before(store, mark.at)
    return marks


def fresh_rows(store: Store, starts_at: datetime, ends_at: datetime) -> MarkRows:
    """Return `fresh_marks` as rows, by the id of their event."""
    return _rows(fresh_marks(store, starts_at, ends_at))


def rewrite_marks(store: Store, starts_at: datetime, ends_at: datetime) -> None:
    """Replace the marks of a span by freshly made ones."""
    OccupancyMark.objects.filter(store=store, at__gte=starts_at, at__lt=ends_at).delete()
    marks = OccupancyMark.objects.bulk_create(fresh_marks(store, starts_at, ends_at))
    mark_dirty(store, (floor_bucket(mark.at) for mark in marks))


def _rows(marks: Iterable[OccupancyMark]) -> MarkRows:
    return {
        str(mark.event_id): {name: getattr(mark, name) for name in COLUMNS[1:]} for mark in marks
    }
