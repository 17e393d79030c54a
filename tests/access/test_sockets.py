"""Who opens a socket and what is heard there; with each check taken away that is found."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from channels.security.websocket import OriginValidator
from django.core.cache import cache
from django.utils import timezone as clock

from accounts.models import Membership, Store
from oskartrack.access import SOCKETS, Who
from tests.cast import Cast, make_cast, make_user
from tests.tracking.sockets import Socket, log_in
from tracking import consumers, live, tickets
from tracking.live import Hub
from tracking.models import SocketTicket
from tracking.selectors import Holder
from tracking.tickets import ticket_issue

# A canary rides on a hint, which no server of ours would send.
pytestmark = [pytest.mark.db(transaction=True), pytest.mark.once, pytest.mark.strange_hints]
CANARY = "qz777xkvj"
QUIET_S = 0.6


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(Hub, "recheck_s", 0.1)
    cache.clear()


@pytest.fixture
def cast(transactional_db) -> Cast:
    return make_cast()


async def wrong_with_sockets(cast: Cast) -> list[str]:
    """Return what is wrong with who gets in at the store's socket and what they hear."""
    root = await sync_to_async(make_user)("root-at-sockets", is_superuser=True)
    staff = await sync_to_async(make_user)("staff-at-sockets", is_staff=True)
    found = []
    for name, user, code in (
        ("anonymous", None, 4401), ("manager B", cast.charlie, 4403), ("staff", staff, 4403),
        ("viewer A", cast.bob, 0), ("manager A", cast.alice, 0), ("superuser", root, 0),
    ):  # fmt: skip
        client = await sync_to_async(log_in)(user) if user else None
        socket = Socket(cast.store.public_id, client)
        await socket.open()
        told = await socket.next()
        if (told.get("code", 0) if told["type"] == "websocket.close" else 0) != code:
            found.append(f"{name} got {told}")
        await socket.leave()
    client = await sync_to_async(log_in)(cast.alice)
    for origin in ("https://evil.example", None, "null", "http://127.0.0.1.evil.example"):
        socket = Socket(cast.store.public_id, client, origin=origin)
        if (await socket.open())["type"] != "websocket.close":
            found.append(f"a page of {origin} got in")
        await socket.leave()
    return found + await _by_ticket(cast) + await _heard(cast)


async def _by_ticket(cast: Cast) -> list[str]:
    """Return what is wrong with who gets in by a ticket."""
    found = []
    for name, age_s, store, codes in (
        ("good, used twice", 0, cast.store, [0, 4410]),
        ("too old", 31, cast.store, [4410]),
        ("of another store", 0, cast.elsewhere, [4410, 4410]),
    ):
        now = clock.now() - timedelta(seconds=age_s)
        issued = await sync_to_async(ticket_issue)(user=cast.bob, store=cast.store, now=now)
        got = []
        for _ in codes:
            socket = Socket(store.public_id, None, origin=None, ticket=issued.word)
            await socket.open()
            told = await socket.next()
            got.append(told.get("code", 0))
            await socket.leave()
        if got != codes:
            found.append(f"a ticket that is {name} got {got}")
    return found


async def _heard(cast: Cast) -> list[str]:
    """Return what a member hears of another store, and when they are one no more."""
    client = await sync_to_async(log_in)(cast.bob)
    socket = Socket(cast.store.public_id, client)
    await socket.open()
    await socket.message_of("hello")
    live.publish(cast.elsewhere.public_id, {"type": "events", "seq": 1, "name": CANARY})
    live.publish(cast.store.public_id, {"type": "events", "seq": 2})
    heard = b""
    found = []
    try:
        async with asyncio.timeout(QUIET_S):
            while True:
                heard += orjson.dumps(await socket.next())
    except TimeoutError:
        pass
    if CANARY.encode() in heard:
        found.append("a hint of another store was heard")
    if b"events" not in heard:
        found.append("no hint of the own store was heard")
    await Membership.objects.filter(user=cast.bob).adelete()
    try:
        await socket.closed(2.0)
    except TimeoutError:
        found.append("who is no member any more still hears")
    await socket.leave()
    return found


async def test_nobody_opens_a_socket_or_hears_on_it_what_they_may_not(cast):
    assert await wrong_with_sockets(cast) == []
    assert {door.who for door in SOCKETS} == {Who.VIEWER, Who.NOBODY}


def any_store(_user: Any, wanted: Any) -> Any:
    return Store.objects.filter(public_id=wanted).first()


def to_everybody(self: Any, raw: Any) -> None:
    if raw and raw["type"] == "psubscribe":
        self._subscribed.set()
    elif raw and raw["type"] == "pmessage":
        for fan in self._fans.values():
            fan.send(orjson.loads(raw["data"]))


def lenient(*, used_twice: bool = False, old: bool = False, any_store: bool = False) -> Any:
    """Return a use of tickets that leaves out one of its checks."""

    def take(*, word: str, store: Any, now: Any) -> Holder | None:
        rows = SocketTicket.objects.filter(digest=tickets._digest(word))
        ticket = rows.select_related("user", "store").first()
        if ticket is None or (ticket.expires_at <= now and not old):
            return None
        if not used_twice:
            rows.delete()
        if ticket.store.public_id != store and not any_store:
            return None
        return Holder(ticket.user_id, "", ticket.mark, ticket.store_id, ticket.issued_at)

    return take


@pytest.mark.parametrize(
    ("owner", "name", "instead"),
    [
        (consumers, "ticket_take", lenient(used_twice=True)),
        (consumers, "ticket_take", lenient(old=True)),
        (consumers, "ticket_take", lenient(any_store=True)),
        (OriginValidator, "valid_origin", lambda *_: True),
        (consumers, "store_for_socket", any_store),
        (live, "refusals", lambda _: {}),
        (Hub, "_hear", to_everybody),
    ],
)
async def test_a_check_that_is_missing_is_found(cast, monkeypatch, owner, name, instead):
    monkeypatch.setattr(owner, name, instead)
    assert await wrong_with_sockets(cast)
