"""The live socket: hints for members, for as long as they are members, whatever Valkey does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import uuid
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson
import pytest
import redis
from asgiref.sync import sync_to_async
from django.core.cache import cache

from accounts.models import Membership
from accounts.services import membership_set
from tests.analytics.shop import make_facts, make_shop
from tests.cast import PASSWORD, VIEWER, Cast, make_cast
from tests.plugins.servers import Valkey
from tests.tracking.sockets import ORIGIN, Socket, connected, log_in
from tracking import live
from tracking.consumers import LiveConsumer
from tracking.live import CHANNEL_PREFIX, Client, Hub, Publisher, StoreFan, merged
from tracking.selectors import Holder

pytestmark = pytest.mark.db(transaction=True)


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(Hub, "recheck_s", 0.1)
    monkeypatch.setattr(Hub, "retry_s", 0.05)
    cache.clear()


@pytest.fixture
def cast(transactional_db) -> Cast:
    return make_cast()


def tell(store, **message) -> None:
    live.publish(store.public_id, message)


async def test_a_member_is_told_the_sequence_and_then_every_hint(cast):
    facts = await sync_to_async(lambda: make_facts(make_shop(cast.store)))()
    facts.step(1)
    seq = await sync_to_async(facts.commit)()
    client = await sync_to_async(log_in)(cast.bob)
    socket = Socket(cast.store.public_id, client)
    assert (await socket.open())["type"] == "websocket.accept"
    assert await socket.message() == {"type": "hello", "seq": seq}
    tell(cast.store, type="events", seq=seq + 1)
    assert await socket.message() == {"type": "events", "seq": seq + 1}
    await socket.leave()


@pytest.mark.parametrize("who", ["charlie", "nobody"])
async def test_whoever_does_not_belong_is_told_why_and_hears_nothing(cast, who):
    client = await sync_to_async(log_in)(cast.charlie) if who == "charlie" else None
    socket = Socket(cast.store.public_id, client)
    assert (await socket.open())["type"] == "websocket.accept"
    closing = await socket.next()
    assert closing["type"] == "websocket.close"
    assert closing["code"] == (4403 if who == "charlie" else 4401)
    tell(cast.store, type="events", seq=1)
    await asyncio.sleep(0.1)
    assert socket.from_app.empty()
    await socket.leave()


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/stores/7/", "/ws/other/", "/ws/stores//", "/é"])
async def test_an_address_that_leads_nowhere_is_refused_before_the_handshake(cast, path):
    socket = Socket(cast.store.public_id, await sync_to_async(log_in)(cast.bob))
    socket.scope |= {"path": path, "raw_path": path.encode()}
    assert (await socket.open())["type"] == "websocket.close"
    await socket.leave()


async def test_a_store_that_does_not_exist_is_answered_like_a_foreign_one(cast):
    socket = Socket(uuid.uuid4(), await sync_to_async(log_in)(cast.charlie))
    await socket.open()
    assert await socket.closed() == 4403
    await socket.leave()


@pytest.mark.parametrize("origin", ["http://evil.example", None, "null"])
async def test_a_page_from_elsewhere_cannot_open_a_socket_with_the_cookie(cast, origin):
    client = await sync_to_async(log_in)(cast.alice)
    socket = Socket(cast.store.public_id, client, origin=origin)
    assert (await socket.open())["type"] == "websocket.close"
    assert origin != ORIGIN
    await socket.leave()


async def test_hints_of_one_store_do_not_reach_another(cast):
    async with (
        connected(cast.store, cast.alice) as ours,
        connected(cast.elsewhere, cast.charlie) as theirs,
    ):
        tell(cast.store, type="events", seq=1)
        assert await ours.message() == {"type": "events", "seq": 1}
        tell(cast.elsewhere, type="events", seq=2)
        assert await theirs.message() == {"type": "events", "seq": 2}
        assert ours.from_app.empty()


async def test_a_member_who_is_removed_is_cut_while_the_others_go_on(cast):
    async with connected(cast.store, cast.bob) as bob, connected(cast.store, cast.alice) as alice:
        await Membership.objects.filter(user=cast.bob).adelete()
        assert await bob.closed() == 4403
        tell(cast.store, type="events", seq=1)
        assert await alice.message() == {"type": "events", "seq": 1}
        assert bob.from_app.empty()


@pytest.mark.parametrize("how", ["logs out", "changes the password", "is closed", "is revoked"])
async def test_a_person_whose_log_in_ends_is_cut(cast, how):
    client = await sync_to_async(log_in)(cast.alice)
    socket = Socket(cast.store.public_id, client)
    await socket.open()
    await socket.message_of("hello")

    def end() -> None:
        user = cast.alice
        if how == "logs out":
            client.post("/logout/")
        elif how == "changes the password":
            user.set_password(PASSWORD + "!")
        elif how == "is closed":
            user.is_active = False
        else:
            from django.utils import timezone

            user.revoked_at = timezone.now()
        user.save()

    await sync_to_async(end)()
    assert await socket.closed() == 4401
    await socket.leave()


async def test_a_reader_that_stalls_is_dropped_while_the_others_go_on(cast, monkeypatch):
    monkeypatch.setattr(StoreFan, "spacing_s", 0.001)
    monkeypatch.setattr(Client, "queue_size", 5)
    async with (
        connected(cast.store, cast.bob) as stalled,
        connected(cast.store, cast.alice) as reader,
    ):
        stalled.reads.clear()
        for seq in range(1, 21):
            tell(cast.store, type="events", seq=seq)
            assert await reader.message() == {"type": "events", "seq": seq}
        (fan,) = live.hub()._fans.values()
        assert len(fan.clients) == 1
        stalled.reads.set()
        assert await stalled.closed() == 4408


async def test_a_send_that_does_not_get_through_drops_the_client(cast, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "send_timeout_s", 0.2)
    async with connected(cast.store, cast.bob) as stalled:
        stalled.reads.clear()
        tell(cast.store, type="events", seq=1)
        await asyncio.sleep(0.5)
        stalled.reads.set()
        assert live.hub()._fans == {}


async def test_a_heartbeat_brings_the_sequence_to_a_page_that_missed_a_hint(cast, monkeypatch):
    monkeypatch.setattr(Hub, "heartbeat_s", 0.2)
    facts = await sync_to_async(lambda: make_facts(make_shop(cast.store)))()
    async with connected(cast.store, cast.alice) as socket:
        facts.step(1)
        seq = await sync_to_async(facts.commit)()
        async with asyncio.timeout(5):
            while await socket.message_of("heartbeat") != {"type": "heartbeat", "seq": seq}:
                pass


def nested(deep: int) -> str:
    return '{"type": ' + "[" * deep + "]" * deep + "}"


async def test_a_ping_is_answered_and_nothing_else_is_heeded(cast):
    async with connected(cast.store, cast.alice) as socket:
        for noise in (
            "",
            "{",
            "[" * 100_000,
            nested(1000),
            '{"type": "events", "seq": 9}',
            "1e999",
        ):
            await socket.say(noise)
        await socket.say('{"type": "ping"}')
        assert await socket.message() == {"type": "pong"}


def server_of(valkey: Valkey) -> subprocess.Popen[bytes]:
    assert valkey.process is not None
    return valkey.process


async def test_after_a_restart_of_valkey_clients_are_told_to_resync_and_hear_again(
    cast, settings, monkeypatch
):
    with Valkey() as own:
        settings.REDIS_URL = own.url
        monkeypatch.setattr(live, "_publisher", Publisher(own.url))
        monkeypatch.setattr(Publisher, "pause_s", 0.0)
        async with connected(cast.store, cast.alice) as socket:
            tell(cast.store, type="events", seq=1)
            assert await socket.message() == {"type": "events", "seq": 1}
            await sync_to_async(server_of(own).kill)()
            await sync_to_async(server_of(own).wait)()
            assert await socket.message() == {"type": "away"}  # the page says: connecting again
            # Publishing meanwhile costs nothing and raises nothing.
            began = time.monotonic()
            tell(cast.store, type="events", seq=2)
            assert time.monotonic() - began < 1
            await sync_to_async(own.start)()
            assert await socket.message(15) == {"type": "resync"}
            tell(cast.store, type="events", seq=3)
            assert await socket.message() == {"type": "events", "seq": 3}


async def test_a_socket_opens_without_valkey_and_is_told_to_resync_once_it_is_there(
    cast, settings, monkeypatch
):
    monkeypatch.setattr(Hub, "subscribe_wait_s", 0.1)
    own = Valkey()
    settings.REDIS_URL = own.url
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    async with connected(cast.store, cast.alice) as socket:
        assert await socket.message() == {"type": "away"}
        with own:
            assert await socket.message(15) == {"type": "resync"}


async def test_a_subscription_that_comes_with_the_end_of_the_wait_leaves_nobody_in_the_dark(
    valkey_url, monkeypatch
):
    """On a busy machine: it stands, and who was told `away` now would hear of it never more."""

    class Late(asyncio.Event):
        async def wait(self):
            try:
                await asyncio.sleep(20)
            finally:
                self.set()

    monkeypatch.setattr(Hub, "subscribe_wait_s", 0.1)
    hub = Hub(valkey_url)
    hub._subscribed = Late()
    client = Client(Holder(1, "", "", 1, datetime(2026, 6, 2, tzinfo=UTC)), "store 1")
    await hub.join(client)
    assert client.queue.empty()
    await hub.leave(client)


async def test_the_last_one_out_does_not_close_the_door_on_the_next_one_in(settings, valkey_url):
    hub = Hub(valkey_url)
    since = datetime(2026, 6, 2, tzinfo=UTC)
    leaver, joiner = (Client(Holder(n, "", "", n, since), f"store {n}") for n in (1, 2))
    await hub.join(leaver)
    hub._subscribed.clear()  # as if the subscription had just broken
    joins = asyncio.create_task(hub.join(joiner))
    await asyncio.sleep(0)
    await hub.leave(leaver)
    hub._subscribed.set()
    await joins
    assert hub._tasks and not any(task.done() for task in hub._tasks)
    await hub.leave(joiner)
    assert hub._tasks == []


async def test_one_subscription_serves_all_sockets_and_ends_with_the_last(cast, valkey_url):
    server = redis.Redis.from_url(valkey_url)
    async with connected(cast.store, cast.alice), connected(cast.store, cast.bob):
        assert server.pubsub_numpat() == 1
    for _ in range(100):
        if server.pubsub_numpat() == 0:
            break
        await asyncio.sleep(0.02)
    assert server.pubsub_numpat() == 0
    assert live.hub()._tasks == []
    server.close()


def latest(heard: list[dict[str, Any]], kind: str) -> set[tuple[str, Any]]:
    """Return what the last message of a kind said, as pairs."""
    said = [message for message in heard if message["type"] == kind]
    return set(said[-1].items()) if said else set()


async def test_a_store_sends_four_messages_a_second_at_the_most_and_the_last_word_is_told(cast):
    async with connected(cast.store, cast.alice) as socket:
        began = time.monotonic()
        for seq in range(1, 101):
            tell(cast.store, type="events", seq=seq)
            tell(cast.store, type="picture", recording="r", from_ms=seq * 10, to_ms=seq * 10 + 9)
            await asyncio.sleep(0.01)
        heard: list[dict[str, Any]] = []
        while {"seq": 100}.items() - latest(heard, "events") or {"to_ms": 1009}.items() - latest(
            heard, "picture"
        ):
            heard.append(await socket.message())
        lasted = time.monotonic() - began
        assert len(heard) <= 4 * lasted + 1
        pictures = [m for m in heard if m["type"] == "picture"]
        # Spans of pictures join: none is left out between the first and the last.
        assert min(p["from_ms"] for p in pictures) == 10
        assert all(a["to_ms"] >= b["from_ms"] - 1 for a, b in pairwise(pictures))


def test_progress_is_told_four_times_a_second_but_every_state_at_once(valkey_url, monkeypatch):
    sent: list[dict[str, Any]] = []
    publisher = Publisher(valkey_url)
    take = lambda channel, text: sent.append(orjson.loads(text))  # noqa: E731
    monkeypatch.setattr(publisher._client, "publish", take)
    for step in range(50):
        publisher.publish("s", {"type": "progress", "recording": "r", "state": "running",
                                "progress": step / 50})  # fmt: skip
    publisher.publish("s", {"type": "progress", "recording": "r", "state": "done", "progress": 1})
    publisher.publish("s", {"type": "progress", "recording": "q", "state": "running",
                            "progress": 0.1})  # fmt: skip
    assert [(m["recording"], m["state"]) for m in sent] == [
        ("r", "running"), ("r", "done"), ("q", "running"),
    ]  # fmt: skip
    publisher._client.close()


def test_publishing_is_one_plain_publish_on_the_channel_of_the_store(cast, valkey_url):
    server = redis.Redis.from_url(valkey_url)
    subscription = server.pubsub()
    subscription.subscribe(f"{CHANNEL_PREFIX}{cast.store.public_id}")
    tell(cast.store, type="events", seq=7)
    heard: dict[str, Any] | None = None
    for _ in range(50):
        heard = subscription.get_message(timeout=0.1)
        if heard and heard["type"] == "message":
            break
    assert heard is not None and json.loads(heard["data"]) == {"type": "events", "seq": 7}
    subscription.close()
    server.close()


def test_merging_hints_keeps_the_highest_sequence_and_the_newest_words():
    older = {"type": "events", "seq": 9}
    assert merged(older, {"type": "events", "seq": 7}) == {"type": "events", "seq": 9}
    assert merged(None, older) == older
    told = merged({"type": "progress", "progress": 0.2}, {"type": "progress", "progress": 0.3})
    assert told == {"type": "progress", "progress": 0.3}


def test_a_viewer_can_become_one_again(cast):
    """The cast's memberships are rows: taken away and given back, they decide anew."""
    from tracking.selectors import store_for_socket

    Membership.objects.filter(user=cast.bob).delete()
    assert store_for_socket(cast.bob, cast.store.public_id) is None
    membership_set(user=cast.bob, store=cast.store, role=VIEWER)
    assert store_for_socket(cast.bob, cast.store.public_id) == cast.store
