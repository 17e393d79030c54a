"""Many clients of one server, as light as they can be, and whoever tells them something.

``python -m tools.bench.fanout_load ORDER``: a file of JSON; prints what was found. The clients know
as much of WebSockets as it takes to see when a message came, so that what is measured is the
server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import redis.asyncio

from tools.bench.fanout_servers import CHANNEL, GROUP, stock_layer

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE, PING = 8, 9
# So many messages may be on their way to a client: fewer than any of the servers keeps for one.
WINDOW = 8
AT_ONCE, ARRIVE_S = 50, 120.0
Publish = Callable[[int], Awaitable[Any]]


class Crowd:
    """What all clients heard."""

    def __init__(self, clients: int) -> None:
        self.clients = clients
        self.sent: dict[int, float] = {}
        self.heard: dict[int, int] = {}
        self.late_s: list[float] = []
        self.closed = 0
        self.moved = asyncio.Event()

    def hears(self, number: int) -> None:
        """Note that a client has heard a message."""
        if number in self.sent:
            self.late_s.append(time.perf_counter() - self.sent[number])
            self.heard[number] = self.heard.get(number, 0) + 1
            if self.heard[number] >= self.clients:
                self.moved.set()

    def all_heard(self, number: int) -> bool:
        """Tell whether everybody has heard a message."""
        return self.heard.get(number, 0) >= self.clients


class Client(asyncio.Protocol):
    """One socket."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self.crowd, self.request = crowd, request
        self.buffer = b""
        self.open = asyncio.get_running_loop().create_future()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Shake hands."""
        self.transport = transport
        transport.write(self.request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Note that it is over."""
        self.crowd.closed += 1
        if not self.open.done():
            self.open.set_exception(ConnectionError("closed in the handshake"))

    def data_received(self, data: bytes) -> None:
        """Take what came: an answer to the handshake first, then frames."""
        self.buffer += data
        if not self.open.done():
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self.buffer = rest
            self.open.set_result(None)
        while self._frame():
            pass

    def _frame(self) -> bool:
        """Take one whole frame off the buffer, where there is one; servers send short ones."""
        if len(self.buffer) < 2 or len(self.buffer) < 2 + (length := self.buffer[1]):
            return False
        kind, body = self.buffer[0] & 15, self.buffer[2 : 2 + length]
        self.buffer = self.buffer[2 + length :]
        if kind == PING:
            self.transport.write(bytes((0x8A, 0x80 | length, 0, 0, 0, 0)) + body)
        elif kind == CLOSE:
            self.transport.abort()
        else:
            self.crowd.hears(orjson.loads(body).get("seq", -1))
        return True


async def main(order: dict[str, Any]) -> dict[str, Any]:
    """Connect the clients, tell them something, and return how long it took."""
    crowd = Crowd(len(order["paths"]))
    await _connect(crowd, order["port"], order["paths"])
    async with redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as client:
        publish = _publisher(order, client)
        await _settled(crowd, publish)
        found = {"p99_ms": await _paced(crowd, publish, order)}
        found["deliveries_a_second"] = await _as_fast_as_it_goes(crowd, publish, order["messages"])
        if order["stall"]:
            stalled = (await _connect(Crowd(1), order["port"], order["stall"]))[0]
            stalled.transport.pause_reading()
            found["p99_ms_beside_a_stalled"] = await _paced(crowd, publish, order)
            stalled.transport.abort()
    if crowd.closed:
        raise RuntimeError(f"{crowd.closed} clients were closed.")
    return found


async def _connect(crowd: Crowd, port: int, paths: list[str]) -> list[Client]:
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for start in range(0, len(paths), AT_ONCE):
        some = []
        for path in paths[start : start + AT_ONCE]:
            request = HANDSHAKE.format(path=path, port=port).encode()
            made = partial(Client, crowd, request)
            some.append((await loop.create_connection(made, "127.0.0.1", port))[1])
        await asyncio.wait_for(asyncio.gather(*(one.open for one in some)), ARRIVE_S)
        clients += some
    return clients


def _publisher(order: dict[str, Any], client: Any) -> Publish:
    if order["kind"] != "stock":
        channel = CHANNEL + order["store"]
        return lambda number: client.publish(channel, _text(number))
    from channels_redis.pubsub import RedisPubSubChannelLayer

    layer = RedisPubSubChannelLayer(**stock_layer()["CONFIG"])
    return lambda number: layer.group_send(GROUP, {"type": "hint", "text": _text(number)})


def _text(number: int) -> str:
    return f'{{"type":"events","seq":{number}}}'


async def _tell(crowd: Crowd, publish: Publish, number: int) -> None:
    crowd.sent[number] = time.perf_counter()
    await publish(number)


async def _heard(crowd: Crowd, number: int) -> None:
    async with asyncio.timeout(ARRIVE_S):
        while not crowd.all_heard(number):
            crowd.moved.clear()
            await crowd.moved.wait()


async def _settled(crowd: Crowd, publish: Publish) -> None:
    """Return once everybody hears what is told."""
    number = 1
    deadline = time.monotonic() + ARRIVE_S
    while True:
        await _tell(crowd, publish, number)
        try:
            async with asyncio.timeout(5):
                await _heard(crowd, number)
        except TimeoutError:
            if time.monotonic() > deadline:
                raise
            number += 1
        else:
            return


async def _paced(crowd: Crowd, publish: Publish, order: dict[str, Any]) -> float:
    """Tell something so often a second; return how late 99 of 100 messages were at the most."""
    crowd.late_s.clear()
    first = max(crowd.sent) + 1
    began = time.perf_counter()
    for turn in range(order["paced"]):
        await asyncio.sleep(max(0.0, began + turn / order["a_second"] - time.perf_counter()))
        await _tell(crowd, publish, first + turn)
    await _heard(crowd, first + order["paced"] - 1)
    late = sorted(crowd.late_s)
    return late[int(len(late) * 0.99)] * 1000


async def _as_fast_as_it_goes(crowd: Crowd, publish: Publish, messages: int) -> float:
    """Tell so many messages, a few at a time; return how many arrived a second."""
    first = max(crowd.sent) + 1
    began = time.perf_counter()
    for number in range(first, first + messages):
        if number >= first + WINDOW:
            await _heard(crowd, number - WINDOW)
        await _tell(crowd, publish, number)
    await _heard(crowd, first + messages - 1)
    return crowd.clients * messages / (time.perf_counter() - began)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))))
