"""What people tell of who is inside: a correction, or a reset to a number they counted."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store, User
from accounts.services import audit_record
from tracking.ledger import LedgerBatch, feed, publish_on_commit, take_sequence
from tracking.live_protocol import events_hint
from tracking.models import TrackingEvent

Kind = TrackingEvent.Kind
SOURCE = "person"
MOST = 100_000
# Clocks of browser and server differ; a moment ahead is still now.
AHEAD = timedelta(minutes=1)
LONGEST_AGO = timedelta(days=400)


@transaction.atomic
def occupancy_tell(
    *, store: Store, kind: str, at: datetime, value: int, user: User, now: datetime
) -> TrackingEvent:
    """Write down a correction or a reset as an event; nothing that was counted is changed.

    Parameters
    ----------
    kind : str
        `corrected`: `value` people more, or fewer where it is below zero. `occupancy_reset`:
        `value` people were inside.
    at : datetime
        When that was so: it holds from then on.

    Raises
    ------
    ValidationError
        For another kind, a number that no shop holds, or a time to come.
    """
    _check(kind, at, value, now)
    event = TrackingEvent(
        public_id=uuid.uuid4(),
        store=store,
        seq=take_sequence(store, 1),
        kind=kind,
        at=at,
        value=value,
        source=SOURCE,
        is_demo=store.is_demo,
    )
    event.save(force_insert=True)
    feed(LedgerBatch(store, [event], [], [], sign=1))
    detail = {"kind": kind, "at": at.isoformat(), "value": value}
    audit_record(
        action=f"occupancy.{'reset' if kind != Kind.CORRECTED else 'corrected'}",
        actor=user,
        store=store,
        subject=f"{value}",
        detail=detail,
    )
    publish_on_commit(store, events_hint(event.seq))
    return event


def _check(kind: str, at: datetime, value: int, now: datetime) -> None:
    if kind not in (Kind.CORRECTED, Kind.OCCUPANCY_RESET):
        raise ValidationError({"kind": f"Tell 'corrected' or 'occupancy_reset', not '{kind}'."})
    fewest = 0 if kind == Kind.OCCUPANCY_RESET else -MOST
    if not fewest <= value <= MOST:
        raise ValidationError({"value": f"Tell a number from {fewest} to {MOST}; got {value}."})
    if not now - LONGEST_AGO <= at <= now + AHEAD:
        raise ValidationError({"at": "Tell a time within the last 400 days, not one to come."})
