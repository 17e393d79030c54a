"""A guard on Daphne's sockets: one whose reader stands still makes its sender wait.

Daphne keeps in memory whatever an application sends, read or not: the bounded queue of a client
would never fill, and a reader that stalls would cost memory until a ping goes unanswered. Here a
message counts as sent once the connection's own buffer has room again.
"""

# ruff: noqa: N802 - the names are Twisted's
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

# Of characters; four bytes each at the most, so that the length stands in two bytes.
SHORT = 16_000
WHOLE_TEXT = 0x81  # RFC 6455, section 5.2: the last frame of a message, a text


@lru_cache(maxsize=256)
def text_frame(text: str) -> bytes:
    """Return a message of text as a server sends it: one frame, not masked (RFC 6455, 5.2)."""
    body = text.encode()
    if len(body) < 126:
        return bytes((WHOLE_TEXT, len(body))) + body
    return bytes((WHOLE_TEXT, 126)) + len(body).to_bytes(2, "big") + body


class Drain:
    """Hears from a connection whether there is room in its buffer."""

    def __init__(self) -> None:
        self._room = asyncio.Event()
        self._room.set()

    def pauseProducing(self) -> None:
        """Hear that the reader cannot follow."""
        self._room.clear()

    def resumeProducing(self) -> None:
        """Hear that it has caught up."""
        self._room.set()

    def stopProducing(self) -> None:
        """Hear that there is nobody to write for."""
        self._room.set()

    async def room(self) -> None:
        """Return once there is room, or nobody left."""
        if not self._room.is_set():
            await self._room.wait()


class GuardedSocket(WebSocketProtocol):  # type: ignore[misc]  # Daphne carries no types
    """A socket whose sender can wait for its reader."""

    transport: Any
    factory: Any

    def connectionMade(self) -> None:
        """Take over from the request that asked for the socket."""
        self.drain = Drain()
        super().connectionMade()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.drain, True)

    def serverSend(self, content: str, binary: bool = False) -> None:
        """Write a message; the frame of a short text is made once for all who are sent it.

        The stock way makes a frame anew for each, which is most of what a delivery costs.
        """
        if binary or self.state != self.STATE_OPEN or len(content) > SHORT:
            super().serverSend(content, binary)
        else:
            self.transport.write(text_frame(content))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let whoever waits for the reader go on, and another connection in."""
        self.drain.stopProducing()
        super().connectionLost(reason)
        self.factory.server_class.places.give_back()


class GuardedSocketFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes guarded sockets."""

    protocol = GuardedSocket


class Places:
    """How many connections there may be at once, requests and sockets together."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self) -> bool:
        """Take a place; False where none is left."""
        if self.left <= 0:
            return False
        self.left -= 1
        return True

    def give_back(self) -> None:
        """Let another connection in."""
        self.left += 1
