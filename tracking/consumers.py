"""The live socket of a store: hints only, for members only, for as long as they are members."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import datetime
from typing import Any, ClassVar

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone as clock

from tracking.live import Client, encoded, hub
from tracking.live_protocol import Closing, Pong
from tracking.origins import ticket_in
from tracking.selectors import Holder, holder_of, sequences, store_for_socket, user_of_session
from tracking.tickets import ticket_take


class _Consumer(AsyncWebsocketConsumer):
    """Handles what comes without waiting for the one thread in which sockets ask the database.

    Channels waits for it before each message, to close old connections there; whatever asks closes
    its own.
    """

    # The hub does the fan-out: no channel layer, so an open page needs no Redis to stay open.
    channel_layer_alias = "none"

    async def dispatch(self, message: Any) -> None:
        """Hand a message to its method."""
        await getattr(self, get_handler_name(message))(message)


class NoSuchSocket(_Consumer):
    """Refuses an address that leads nowhere, which the router would answer with a 500."""

    async def connect(self) -> None:
        """Close before the handshake: the client is refused and told nothing."""
        await self.close()


class LiveConsumer(_Consumer):
    """Sends `hello`, then every hint of the store, heartbeats and `resync`."""

    send_timeout_s = 10.0
    # What a client may say once it is in, and what it hears: a line each in the access table.
    answers: ClassVar[dict[str, Pong]] = {"ping": {"type": "pong"}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client: Client | None = None
        self.work: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept a member; anyone else is told why by the closing code and hears nothing."""
        arrived = clock.now()
        await self.accept()
        store_id = self.scope["url_route"]["kwargs"]["store_id"]
        holder = await database_sync_to_async(self.admitted)(store_id, arrived)
        if isinstance(holder, Closing):
            return await self.close(holder)
        self.client = Client(holder, str(store_id))
        # Joined before the sequence is read: nothing falls between the two.
        if not await hub().join(self.client):
            return await self.close(Closing.TOO_MANY)
        last = await database_sync_to_async(sequences)([str(store_id)])
        await self.say(encoded({"type": "hello", "seq": last.get(str(store_id), 0)}))
        self.work = asyncio.create_task(self.serve(self.client))
        return None

    def admitted(self, store_id: uuid.UUID, arrived: datetime) -> Holder | Closing:
        """Return who holds the socket, by ticket where there is one, or why nobody does.

        A ticket is good or not as of when its client arrived, however long others were before it.
        """
        word = ticket_in(self.scope)
        if word is not None:
            taken = ticket_take(word=word, store=store_id, now=arrived)
            return taken or Closing.TICKET_REFUSED
        user = user_of_session(self.scope["session"])
        if not user.is_authenticated:
            return Closing.LOGGED_OUT
        store = store_for_socket(user, store_id)
        if store is None:
            return Closing.NOT_A_MEMBER
        return holder_of(user, self.scope["session"], store) or Closing.LOGGED_OUT

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
        for said, answer in self.answers.items():
            if self.client is not None and message == {"type": said}:
                self.client.offer(encoded(answer))

    async def serve(self, client: Client) -> None:
        """Send what the hub queues until the client is cut, then close with the cut's code."""
        pump = asyncio.create_task(self.pump(client))
        try:
            while not client.cut_code.done():
                await asyncio.wait((client.cut_code,), timeout=self.send_timeout_s / 2)
                if client.sends_for() > self.send_timeout_s:
                    client.cut(Closing.TOO_SLOW)
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        await hub().leave(client)
        async with asyncio.timeout(self.send_timeout_s):
            await self.close(client.cut_code.result())

    async def pump(self, client: Client) -> None:
        """Send queued messages one by one.

        Whether one gets through is watched from outside: a timer for each would be a good part of
        what a delivery costs.
        """
        while True:
            text = await client.queue.get()
            client.sends_since = time.monotonic()
            await self.say(text)
            client.sends_since = None

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close with a plain number: Daphne takes no number with a name."""
        await super().close(None if code is None else int(code), reason)

    async def say(self, text: str) -> None:
        """Send one message."""
        message: Any = {"type": "websocket.send", "text": text}
        await self.base_send(message)
