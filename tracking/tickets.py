"""Tickets: how an API client opens a socket, which no browser's session opens for it.

A handshake carries no `Authorization` header in many clients, and a token in an address would
stay good for minutes in whatever log it ends up in. A ticket is good once, for half a minute, for
one person and one store.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import constant_time_compare

from accounts.models import ApiLogin, Store, User
from tracking.models import SocketTicket
from tracking.selectors import Holder, store_for_socket

LIVES: timedelta = timedelta(seconds=30)
# What is too old is kept for so long: its client may have come in time, and wait to be asked.
LATE: timedelta = timedelta(minutes=2)
WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket as its owner gets it; the word is known to nobody else."""

    word: str
    expires_at: datetime


def ticket_issue(
    *, user: User, store: Store, now: datetime, login: ApiLogin | None = None
) -> Issued:
    """Make a ticket for a member of a store; old ones that were never used are removed.

    With the log-in of the client that asks, the socket lives no longer than that.
    """
    SocketTicket.objects.filter(expires_at__lte=now - LATE).delete()
    issued = Issued(secrets.token_urlsafe(WORD_BYTES), now + LIVES)
    SocketTicket.objects.create(
        digest=_digest(issued.word),
        user=user,
        store=store,
        login=login,
        mark=user.get_session_auth_hash(),
        issued_at=now,
        expires_at=issued.expires_at,
    )
    return issued


@transaction.atomic
def ticket_take(*, word: str, store: uuid.UUID, now: datetime) -> Holder | None:
    """Use a ticket up; return whom it lets in, or None where it lets nobody in.

    `now` is when its client came.

    One DELETE decides: of two that come at the same time, one removes the row. A ticket that is
    shown at the wrong store is used up too.
    """
    digest = _digest(word)
    rows = SocketTicket.objects.filter(digest=digest)
    ticket = rows.select_related("user", "store", "login").first()
    if ticket is None or not rows.delete()[0]:
        return None
    user = ticket.user
    good = (
        ticket.expires_at > now
        and ticket.store.public_id == store
        and store_for_socket(user, store) is not None
        and constant_time_compare(user.get_session_auth_hash(), ticket.mark)
        and not (user.revoked_at and user.revoked_at > ticket.issued_at)
        and not (ticket.login and ticket.login.ended_at)
    )
    if not good:
        return None
    return Holder(
        user.pk, "", ticket.mark, ticket.store_id, ticket.issued_at, login_id=ticket.login_id
    )


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode(errors="replace")).hexdigest()
