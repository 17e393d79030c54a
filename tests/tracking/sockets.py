"""Sockets through the whole ASGI application, with a log-in through the log-in page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client

from accounts.models import Store, User
from tests.cast import PASSWORD
from tests.plugins.live_hints import problem_with

SOON_S = 5.0
ORIGIN = "http://127.0.0.1:8000"


def log_in(user: User) -> Client:
    client = Client()
    response = client.post("/login/", {"username": user.username, "password": PASSWORD})
    assert response.status_code == 302, response.content
    return client


class Socket:
    """One WebSocket: what the application is sent and what it sends."""

    def __init__(
        self,
        store_id: Any,
        client: Client | None,
        origin: str | None = ORIGIN,
        ticket: str | None = None,
    ) -> None:
        headers = [(b"host", b"127.0.0.1:8000")]
        if origin:
            headers.append((b"origin", origin.encode()))
        if client is not None:
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
        path = f"/ws/stores/{store_id}/"
        query = b"" if ticket is None else f"ticket={quote(ticket)}".encode()
        self.scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": query,
            "headers": headers, "subprotocols": [], "scheme": "ws",
            "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        self.to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        # While cleared the client takes nothing off the wire, as a server with a full buffer.
        self.reads = asyncio.Event()
        self.reads.set()
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> dict[str, Any]:
        """Shake hands; return the application's answer."""
        from oskartrack.asgi import application

        whole: Any = application
        self.task = asyncio.create_task(whole(self.scope, self.to_app.get, self._take))
        await self.to_app.put({"type": "websocket.connect"})
        return await self.next()

    async def _take(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        await self.from_app.put(message)

    async def next(self, within_s: float = SOON_S) -> dict[str, Any]:
        """Return the next thing the application sends."""
        return await asyncio.wait_for(self.from_app.get(), within_s)

    async def message(self, within_s: float = SOON_S) -> dict[str, Any]:
        """Return the next message's JSON, held to the schema."""
        sent = await self.next(within_s)
        assert sent["type"] == "websocket.send", sent
        message = json.loads(sent["text"])
        assert problem_with(message) is None, problem_with(message)
        return dict(message)

    async def message_of(self, kind: str, within_s: float = SOON_S) -> dict[str, Any]:
        """Return the next message of a kind."""
        async with asyncio.timeout(within_s):
            while True:
                if (message := await self.message(within_s))["type"] == kind:
                    return message

    async def closed(self, within_s: float = SOON_S) -> int:
        """Return the closing code, whatever is said before it."""
        async with asyncio.timeout(within_s):
            while True:
                if (sent := await self.next(within_s))["type"] == "websocket.close":
                    assert type(sent["code"]) is int  # Daphne takes nothing else
                    return int(sent["code"])

    async def say(self, text: str) -> None:
        await self.to_app.put({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        """Hang up and wait until the application is done with us."""
        self.reads.set()
        await self.to_app.put({"type": "websocket.disconnect", "code": 1000})
        assert self.task is not None
        await asyncio.wait_for(self.task, SOON_S)


@asynccontextmanager
async def connected(store: Store, user: User) -> AsyncIterator[Socket]:
    """Open a member's socket, past its hello."""
    client = await sync_to_async(log_in)(user)
    socket = Socket(store.public_id, client)
    assert (await socket.open())["type"] == "websocket.accept"
    assert (await socket.message())["type"] == "hello"
    try:
        yield socket
    finally:
        await socket.leave()
