"""A client that follows a store by `docs/live.md` and nothing else, and has bad luck by lot.

It knows an address, a name and a password. It takes a token and tickets, reads hints, fetches what
it misses, and shows the numbers of a snapshot. Its connection breaks, or it stops reading for a
while; then it does what the document says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

PAGE = 500
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
SILENCE_S = 35.0
# Longer than any queue of a machine that is busy with other things.
ANSWER_S = 300.0
NUMBERS_EVERY_S = 10.0
# Of a token's five minutes, so much is used.
TOKEN_S = 240.0
BROKEN = (OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError)


class Refused(Exception):
    """The server answered, and not with what was asked for."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status


@dataclass
class Server:
    """The web process as its clients know it, and what they found there."""

    port: int
    store: str
    # What is wrong with a message, None when nothing is.
    problem_with: Callable[[Any], str | None]
    strange: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    async def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """Return the JSON of one request, on a connection of its own."""
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                sent = b"" if body is None else json.dumps(body).encode()
                head = [
                    f"{method} {path} HTTP/1.1",
                    f"Host: 127.0.0.1:{self.port}",
                    "Connection: close",
                    "Content-Type: application/json",
                    f"Content-Length: {len(sent)}",
                    *([f"Authorization: Bearer {token}"] if token else []),
                ]
                writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + sent)
                return await _answer(reader)
            finally:
                writer.close()
                with contextlib.suppress(*BROKEN):
                    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> Any:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    status = int(head[0].split(" ")[1])
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    body = await reader.readexactly(int(fields["content-length"]))
    if status >= 300:
        raise Refused(status, body)
    return json.loads(body)


@dataclass
class Person:
    """Somebody with a password, whose token all of their clients share."""

    name: str
    password: str
    token: str = ""
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def token_at(self, server: Server) -> str:
        """Return a token that is good for a while."""
        async with self.lock:
            if time.monotonic() > self.until:
                told = {"username": self.name, "password": self.password}
                answer = await server.ask("POST", "/api/v1/auth/token/", told)
                self.token, self.until = answer["access"], time.monotonic() + TOKEN_S
            return self.token


class Follower:
    """One client, from when it is started until it is in step with the end."""

    def __init__(
        self,
        server: Server,
        person: Person,
        lot: random.Random,
        stalls_s: float = 0.0,
        calm_s: float = 10.0,
    ) -> None:
        self.server, self.person, self.lot = server, person, lot
        # The longest that a connection holds.
        self.calm_s = calm_s
        # Once, so many seconds in the middle of it.
        self.stalls_s = stalls_s
        self.events: list[tuple[int, str]] = []
        self.place = 0
        self.numbers: dict[str, Any] = {"as_of_seq": -1}
        self.numbers_at = 0.0
        self.stale = True
        self.cuts = 0
        # Set by whoever started it: the last place of all, once it is known, and no bad luck then.
        self.end: int | None = None

    async def follow(self) -> None:
        """Connect and follow, again and again, until everything is here."""
        attempt = 0
        while not self.done:
            try:
                attempt = await self._connected(attempt)
            except (*BROKEN, Refused) as broken:
                self.server.met[self._named(broken)] += 1
                most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
                attempt += 1
                await asyncio.sleep(most * (0.5 + self.lot.random() / 2))

    @property
    def done(self) -> bool:
        """Whether the client has everything up to the end, and numbers as of then."""
        return self.end is not None and min(self.place, self.numbers["as_of_seq"]) >= self.end

    @staticmethod
    def _named(broken: BaseException) -> str:
        code = getattr(getattr(broken, "rcvd", None), "code", None)
        status = getattr(broken, "status", None)
        return f"{type(broken).__name__} {code or status or ''}".strip()

    async def _connected(self, attempt: int) -> int:
        path = f"/api/v1/stores/{self.server.store}/socket-tickets/"
        ticket = await self._api("POST", path)
        address = f"ws://127.0.0.1:{self.server.port}{ticket['path']}"
        async with connect(
            address, compression=None, ping_interval=None, open_timeout=ANSWER_S
        ) as socket:
            luck = asyncio.create_task(self._bad_luck(socket))
            try:
                while not self.done:
                    await self._hear(socket)
                    attempt = 0
            finally:
                luck.cancel()
                # What ends a cut is the cut, not a polite good-bye that waits for an answer.
                if not self.done:
                    socket.transport.abort()
        return attempt

    async def _hear(self, socket: ClientConnection) -> None:
        wait_s = 0.5 if self.end is not None else SILENCE_S
        try:
            async with asyncio.timeout(wait_s):
                text = await socket.recv()
        except TimeoutError:
            if self.end is None:
                raise
        else:
            message = json.loads(text)
            if (problem := self.server.problem_with(message)) is not None:
                self.server.strange.append(problem)
            self.server.met[f"heard {message['type']}"] += 1
            self.stale |= message["type"] == "resync"
            if message.get("seq", 0) > self.place:
                await self.catch_up()
        await self._show()

    async def catch_up(self) -> None:
        """Fetch what follows the last event that is here, page by page."""
        more = True
        while more:
            path = f"/api/v1/stores/{self.server.store}/events/?after={self.place}&limit={PAGE}"
            page = await self._api("GET", path)
            self.events += [(event["seq"], event["id"]) for event in page["results"]]
            more = page["more"]
            last = page["results"][-1]["seq"] if page["results"] else self.place
            self.place = last if more else max(last, page["as_of_seq"])
            self.stale = True

    async def _show(self) -> None:
        """Fetch the numbers anew where they are not as of what is here; not all the time."""
        behind = self.stale or self.numbers["as_of_seq"] < self.place
        if behind and (self.end is not None or time.monotonic() > self.numbers_at):
            self.stale = False
            self.numbers_at = time.monotonic() + NUMBERS_EVERY_S
            self.numbers = await self._api("GET", f"/api/v1/stores/{self.server.store}/live/")

    async def _api(self, method: str, path: str) -> Any:
        return await self.server.ask(method, path, token=await self.person.token_at(self.server))

    async def _bad_luck(self, socket: ClientConnection) -> None:
        """Break the connection after a while; once, stop reading for longer."""
        await asyncio.sleep(self.lot.uniform(1.0, self.calm_s))
        if self.end is not None:
            return
        if self.stalls_s:
            stalls_s, self.stalls_s = self.stalls_s, 0.0
            socket.transport.pause_reading()
            self.server.met["stalled"] += 1
            await asyncio.sleep(stalls_s)
            with contextlib.suppress(*BROKEN):
                socket.transport.resume_reading()
            return
        self.cuts += 1
        socket.transport.abort()
