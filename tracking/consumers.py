"""The live socket of a store: hints only, for members only, for as long as they are members."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import orjson
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from tracking.live import (
    CLOSE_LOGGED_OUT,
    CLOSE_NOT_A_MEMBER,
    CLOSE_TOO_SLOW,
    Client,
    Message,
    hub,
)
from tracking.selectors import holder_of, sequences, store_for_socket

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class NoSuchSocket(AsyncWebsocketConsumer):
    """Refuses an address that leads nowhere, which the router would answer with a 500."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Close before the handshake: the client is refused and told nothing."""
        await self.close()


class LiveConsumer(AsyncWebsocketConsumer):
    """Sends `hello`, then every hint of the store, heartbeats and `resync`."""

    # The hub does the fan-out: no channel layer, so an open page needs no Redis to stay open.
    channel_layer_alias = "none"
    send_timeout_s = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client: Client | None = None
        self.work: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept a member; anyone else is told why by the closing code and hears nothing."""
        await self.accept()
        user = cast("User | AnonymousUser", self.scope["user"])
        if not user.is_authenticated:
            return await self.close(CLOSE_LOGGED_OUT)
        wanted = self.scope["url_route"]["kwargs"]["store_id"]
        store = await database_sync_to_async(store_for_socket)(user, wanted)
        if store is None:
            return await self.close(CLOSE_NOT_A_MEMBER)
        holder = await database_sync_to_async(holder_of)(user, self.scope["session"], store)
        self.client = Client(holder, str(store.public_id))
        # Joined before the sequence is read: nothing falls between the two.
        await hub().join(self.client)
        last = await database_sync_to_async(sequences)([str(store.public_id)])
        await self.say({"type": "hello", "seq": last.get(str(store.public_id), 0)})
        self.work = asyncio.create_task(self.serve(self.client))
        return None

    async def disconnect(self, _code: int) -> None:
        """Leave the hub."""
        if self.client is not None:
            await hub().leave(self.client)
        if self.work is not None:
            self.work.cancel()
            await asyncio.gather(self.work, return_exceptions=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a ping; a client has nothing else to say."""
        try:
            message = json.loads(text_data or bytes_data or "")
        except (ValueError, RecursionError):
            message = None
        if self.client is not None and message == {"type": "ping"}:
            self.client.offer({"type": "pong"})

    async def serve(self, client: Client) -> None:
        """Send what the hub queues until the client is cut, then close with the cut's code."""
        pump = asyncio.create_task(self.pump(client))
        try:
            code = await client.cut_code
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        await hub().leave(client)
        await asyncio.wait_for(self.close(code), self.send_timeout_s)

    async def pump(self, client: Client) -> None:
        """Send queued messages one by one; a send that does not get through cuts the client."""
        while True:
            message = await client.queue.get()
            try:
                await asyncio.wait_for(self.say(message), self.send_timeout_s)
            except TimeoutError:
                client.cut(CLOSE_TOO_SLOW)

    async def say(self, message: Message) -> None:
        """Send one JSON message."""
        await self.send(text_data=orjson.dumps(message).decode())
