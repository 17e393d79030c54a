"""Hints from the workers to the open pages: one PUBLISH out, one subscription in, a fan-out.

A hint may be lost or late: every fact is read from the database (`events?after=N`, the live
snapshot), so losing one costs a moment, never a number. Measured: Channels' own group layer lost
39 to 90 % behind a slow reader and everything after a restart of Redis, which is why the fan-out
is ours and each client's queue is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import redis
import redis.asyncio
import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseProblem

from tracking.live_protocol import Closing, FromServer, Hint
from tracking.selectors import Holder, refusals, sequences

log = structlog.get_logger(__name__)

CHANNEL_PREFIX = "oskartrack:store:"
# Whose rights changed: every web process looks again at who holds its sockets.
PEOPLE_CHANNEL = "oskartrack:people"
Message = Mapping[str, Any]


def encoded(message: FromServer | Message) -> str:
    """Return a message as it is sent; once for all who hear it."""
    return orjson.dumps(message).decode()


class Publisher:
    """Sends hints over one kept connection; a broken Redis costs the caller next to nothing."""

    # A worker tells its progress many times a second; a page draws it four times.
    progress_spacing_s = 0.25
    # After a failure hints are dropped for so long, so that a hanging Redis cannot slow a worker.
    pause_s = 2.0

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url, socket_timeout=0.5, socket_connect_timeout=0.5, socket_keepalive=True
        )
        self._lock = threading.Lock()
        self._progress: OrderedDict[str, tuple[float, object]] = OrderedDict()
        self._quiet_until = 0.0

    def publish(self, store_id: str, message: Hint | Message) -> None:
        """Send one hint; never raises for a Redis that is away."""
        now = time.monotonic()
        if now < self._quiet_until or self._is_too_soon(message, now):
            return
        self._send(CHANNEL_PREFIX + store_id, message)

    def look_again(self) -> None:
        """Have every web process look at once at who holds its sockets."""
        if time.monotonic() >= self._quiet_until:
            self._send(PEOPLE_CHANNEL, {})

    def _send(self, channel: str, message: Message) -> None:
        try:
            self._client.publish(channel, orjson.dumps(message))
        except (redis.RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + self.pause_s
            log.warning("live_hint_lost", channel=channel, reason=type(error).__name__)

    def _is_too_soon(self, message: Hint | Message, now: float) -> bool:
        """Tell whether this progress may be dropped: same state, and told a moment ago."""
        if message.get("type") != "progress":
            return False
        recording, state = str(message.get("recording")), message.get("state")
        with self._lock:
            told, told_state = self._progress.get(recording, (-1e9, None))
            if state == told_state and now - told < self.progress_spacing_s:
                return True
            self._progress[recording] = (now, state)
            self._progress.move_to_end(recording)
            while len(self._progress) > 1000:
                self._progress.popitem(last=False)
        return False


_publisher: Publisher | None = None


def publish(store_public_id: uuid.UUID | str, message: Hint | Message) -> None:
    """Tell the open pages of a store that something changed; call it on commit."""
    publisher().publish(str(store_public_id), message)


def look_again() -> None:
    """Tell every web process that somebody's rights changed; call it on commit."""
    publisher().look_again()


def publisher() -> Publisher:
    """Return the one publisher of this process."""
    global _publisher  # noqa: PLW0603 - one kept connection a process
    if _publisher is None:
        _publisher = Publisher(settings.REDIS_URL)
    return _publisher


class Client:
    """One open socket as the hub sees it: a bounded queue and, once cut, the closing code."""

    queue_size = 32

    def __init__(self, holder: Holder, store_id: str) -> None:
        self.holder = holder
        self.store_id = store_id
        self.queue: asyncio.Queue[str] = asyncio.Queue(self.queue_size)
        self.cut_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # When the message that is being sent was begun.
        self.sends_since: float | None = None

    def offer(self, text: str) -> None:
        """Queue a message; a client that has let its queue fill up is cut."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.cut(Closing.TOO_SLOW)

    def sends_for(self) -> float:
        """Return for how many seconds the same message has been sent."""
        return 0.0 if self.sends_since is None else time.monotonic() - self.sends_since

    def cut(self, code: int) -> None:
        """Ask for the socket to be closed with this code."""
        if not self.cut_code.done():
            self.cut_code.set_result(code)


class StoreFan:
    """The clients of one store, and the hints that wait for their turn.

    At most one message goes out every `spacing_s`. A newer hint replaces the waiting one of its
    kind and recording, keeping its place, so none starves and the last word is always told.
    """

    spacing_s = 0.25

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._waiting: OrderedDict[tuple[str, str], Message] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, message: Message) -> None:
        """Send a hint now, or when its turn comes."""
        key = (str(message.get("type")), str(message.get("recording", "")))
        self._waiting[key] = merged(self._waiting.get(key), message)
        if self._timer is None:
            self._send_next()

    def send(self, message: FromServer | Message) -> None:
        """Send to every client at once."""
        text = encoded(message)
        for client in tuple(self.clients):
            client.offer(text)
            if client.cut_code.done():
                self.clients.discard(client)

    def close(self) -> None:
        """Forget what waits."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()

    def _send_next(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        _, message = self._waiting.popitem(last=False)
        self.send(message)
        self._timer = asyncio.get_running_loop().call_later(self.spacing_s, self._send_next)


def merged(older: Message | None, newer: Message) -> Message:
    """Return one hint that says what both say: the highest sequence, the joint span of pictures."""
    if older is None:
        return newer
    joint: dict[str, Any] = dict(newer)
    for field, pick in (("seq", max), ("from_ms", min), ("to_ms", max)):
        if field in older and field in newer:
            joint[field] = pick(older[field], newer[field])
    return joint


class Hub:
    """One subscription for all sockets of this event loop, from the first client to the last."""

    heartbeat_s = 15.0
    recheck_s = 3.0
    # Between two looks at who holds the sockets, however many rights change.
    recheck_gap_s = 0.2
    subscribe_wait_s = 1.0
    retry_s = 0.5
    # One person's tabs and programs on this web process.
    sockets_a_person = 100

    def __init__(self, url: str) -> None:
        self._url = url
        self._fans: dict[str, StoreFan] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._subscribed = asyncio.Event()
        # Clients that wait for the subscription: they keep it as those who hear already do.
        self._joining = 0
        self._rights_changed = asyncio.Event()

    async def join(self, client: Client) -> bool:
        """Let a client hear its store from now on; returns once the subscription stands.

        False where its person has too many sockets open already.

        With Redis away it returns after a moment all the same: the client is told that hints are
        `away`, lives on heartbeats, and is told to `resync` when the subscription is back.
        """
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(work()) for work in (self._listen, self._recheck, self._beat)
            ]
        self._joining += 1
        try:
            await asyncio.wait_for(self._subscribed.wait(), self.subscribe_wait_s)
        except TimeoutError:
            # It may have come with the end of the wait: then no `resync` would follow any more.
            if not self._subscribed.is_set():
                log.warning("live_hub_without_redis")
                client.offer(encoded({"type": "away"}))
        finally:
            self._joining -= 1
        user_id = client.holder.user_id
        if sum(other.holder.user_id == user_id for other in self._clients()) >= (
            self.sockets_a_person
        ):
            await self._rest()
            return False
        self._fans.setdefault(client.store_id, StoreFan()).clients.add(client)
        return True

    async def leave(self, client: Client) -> None:
        """Forget a client; with the last one the subscription ends."""
        fan = self._fans.get(client.store_id)
        if fan is not None:
            fan.clients.discard(client)
            if not fan.clients:
                fan.close()
                del self._fans[client.store_id]
        await self._rest()

    async def _rest(self) -> None:
        """End the subscription where nobody is left to hear it."""
        if not self._fans and not self._joining:
            tasks, self._tasks = self._tasks, []
            self._subscribed.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _clients(self) -> list[Client]:
        return [client for fan in self._fans.values() for client in fan.clients]

    async def _listen(self) -> None:
        """Hear every store's hints; after each break tell all clients to resync."""
        while True:
            try:
                async with (
                    redis.asyncio.Redis.from_url(
                        self._url,
                        socket_connect_timeout=2,
                        socket_keepalive=True,
                        health_check_interval=10,
                    ) as connection,
                    connection.pubsub() as subscription,
                ):
                    await subscription.subscribe(PEOPLE_CHANNEL)
                    await subscription.psubscribe(CHANNEL_PREFIX + "*")
                    while True:
                        self._hear(await subscription.get_message(timeout=5))
            except (redis.RedisError, OSError) as error:
                if self._subscribed.is_set():
                    log.warning("live_hub_lost_redis", reason=type(error).__name__)
                    for fan in self._fans.values():
                        fan.send({"type": "away"})
                self._subscribed.clear()
                await asyncio.sleep(self.retry_s)

    def _hear(self, raw: Mapping[str, Any] | None) -> None:
        if raw is None:
            return
        if raw["type"] == "psubscribe":
            # Whoever is here already may have missed something before this moment.
            for fan in self._fans.values():
                fan.send({"type": "resync"})
            self._subscribed.set()
            self._rights_changed.set()
        elif raw["type"] == "message":
            self._rights_changed.set()
        elif raw["type"] == "pmessage":
            heard = self._fans.get(raw["channel"].decode().removeprefix(CHANNEL_PREFIX))
            if heard is not None:
                heard.offer(orjson.loads(raw["data"]))

    async def _recheck(self) -> None:
        """Cut every client whose person has lost the log-in or the membership.

        At once where somebody says that rights changed, and every `recheck_s` in any case: what
        was changed past the models, or while Redis was away, is found then.
        """

        async def check() -> None:
            clients = self._clients()
            refused = await database_sync_to_async(refusals)({c.holder for c in clients})
            for client in clients:
                if client.holder in refused:
                    client.cut(refused[client.holder])

        async def due() -> None:
            await asyncio.sleep(self.recheck_gap_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self.recheck_s - self.recheck_gap_s)):
                    await self._rights_changed.wait()
            self._rights_changed.clear()

        await self._every(due, check)

    async def _beat(self) -> None:
        """Tell each store's last sequence: a page that missed a hint learns of it here."""

        async def beat() -> None:
            fans = dict(self._fans)
            values = await database_sync_to_async(sequences)(list(fans))
            for store_id, fan in fans.items():
                fan.send({"type": "heartbeat", "seq": values.get(store_id, 0)})

        await self._every(lambda: asyncio.sleep(self.heartbeat_s), beat)

    async def _every(
        self, due: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await due()
            try:
                await work()
            except DatabaseProblem as error:
                log.warning("live_hub_lost_database", reason=type(error).__name__)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop (a web process has one loop)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(settings.REDIS_URL)
    return _hubs[loop]
