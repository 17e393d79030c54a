"""So many requests are worked at a time; the others wait for their turn.

Each request that is worked has a thread and a connection to the database. Measured: two hundred
clients that came back at once had as many of both, the database refused, and what was refused came
again.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Turns:
    """An ASGI application that lets so many requests at a time into another one.

    A turn ends when the answer begins: one that is read slowly keeps nobody waiting.
    """

    def __init__(self, application: Any, at_once: int) -> None:
        self.application = application
        self.turns = asyncio.Semaphore(at_once)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on once it is its turn."""
        await self.turns.acquire()
        over = False

        def end() -> None:
            nonlocal over
            if not over:
                over = True
                self.turns.release()

        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                end()
            await send(message)

        try:
            await self.application(scope, receive, told)
        finally:
            end()
