"""A guard on Daphne: large, unsized and slow requests end before they cost anything.

Daphne reads a whole body before the application sees the request; 1 GB of multipart was measured
as 12.6 GB of memory, on an unknown address and without a log-in. Here the length in the headers
decides: a body over the limit, or one without a length, is answered with 413 at once and what still
comes is thrown away for a moment, so that a sender that does not look up gets to read the answer
(nginx calls that lingering close). A request that trickles in is cut off.

An answer that is written while it is sent waits for its reader: Daphne would keep all of it in
memory for one that reads slowly. It may take as long as it likes while it is read, and one that
breaks off is cut, so that nobody takes a part of a file for the whole.
"""

# ruff: noqa: N802, N815 - the names are Twisted's
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any

# Daphne's server comes first: it installs the reactor that everything else of Twisted takes.
import daphne.server
from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from tracking.socket_guard import GuardedSocketFactory, Places

TOO_LARGE = {
    "type": "about:blank",
    "title": "Request Entity Too Large",
    "status": 413,
    "detail": "The body is too large, or comes without its length. Files come in by parts: "
    "POST to /api/v1/stores/<id>/uploads/ and follow the tus protocol.",
    "code": "body_too_large",
    "errors": {},
    "request_id": "",
}
FULL = (
    {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "There are too many connections at the moment. Try again soon.",
        "code": "busy",
        "errors": {},
        "request_id": "",
    },
    "Retry-After: 5\r\n",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may ask of the server."""

    body_bytes: int
    header_s: float = 20.0
    # A body has this long, and a second more for each so many bytes announced: 8 MiB have 9 min.
    body_s: float = 30.0
    body_bytes_per_s: int = 16 * 1024
    linger_s: float = 5.0
    # An answer of which nothing is read for so long is cut off.
    stall_s: float = 60.0
    # Requests and sockets that are open at once. Each is a file to the system.
    connections: int = 4096


class GuardedRequest(WebRequest):  # type: ignore[misc]  # Daphne carries no types
    """A request whose announced length is looked at before a byte of its body is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.refused = False
        self._drained = asyncio.Event()
        self._drained.set()
        # Django reads forms; Twisted would parse a multipart body in memory once more.
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)

    def gotLength(self, length: int | None) -> None:
        """Begin the body, or refuse it; None is a body that does not say how long it is."""
        if length is not None and length <= self.channel.limits.body_bytes:
            super().gotLength(length)
            return
        self.refused = True
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"expect")  # else "100 Continue" follows the refusal
        self.channel.refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body, unless the request was refused."""
        if not self.refused:
            super().handleContentChunk(data)

    def requestReceived(self, *args: Any) -> None:
        """Hand a complete request on; a refused one ends here."""
        if self.refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(*args)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Write a piece of the answer; one that goes on hears when its reader cannot follow."""
        goes_on = bool(message.get("more_body"))
        if goes_on and self.producer is None and self.channel is not None:
            self.registerProducer(self, True)
        elif not goes_on and self.producer is not None:
            self.unregisterProducer()
        super().handle_reply(message)

    def pauseProducing(self) -> None:
        """Hear that the reader cannot follow."""
        self._drained.clear()

    def resumeProducing(self) -> None:
        """Hear that it has caught up."""
        self._drained.set()

    def stopProducing(self) -> None:
        """Hear that there is nobody to write for."""
        self._drained.set()

    def connectionLost(self, reason: Failure) -> None:
        """Let whoever waits for the reader go on, to find that it is gone."""
        self._drained.set()
        super().connectionLost(reason)

    async def drained(self) -> None:
        """Return once the reader has caught up or is gone; cut off one that stands still."""
        if self._drained.is_set() or self.channel is None:
            return
        try:
            await asyncio.wait_for(self._drained.wait(), self.channel.limits.stall_s)
        except TimeoutError:
            self._cut_off()

    def check_timeouts(self) -> None:
        """Limit the time until an answer begins; one that is being read has all it takes."""
        if self.producer is None:
            super().check_timeouts()

    def handle_exception(self, exception: BaseException) -> None:
        """Tell of a fault; in the midst of an answer, by breaking off where all can see it."""
        if self._response_started and not self.finished:
            self._cut_off()
        else:
            super().handle_exception(exception)

    def _cut_off(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        if self.channel is not None:
            self.channel.transport.abortConnection()


class GuardedChannel(HTTPChannel):
    """A connection on which headers and bodies have to come within their time."""

    limits: Limits
    places: Places
    transport: Any
    callLater: Any
    _deadline: Any = None
    _has_place = False

    def connectionMade(self) -> None:
        """Begin to wait for the first request, where there is room for one."""
        super().connectionMade()
        self._has_place = self.places.take()
        if self._has_place:
            self._within(self.limits.header_s)
        else:
            self._turn_away(*FULL)

    def dataReceived(self, data: bytes) -> None:
        """Take what came; the first piece of a further request starts its clock."""
        if not self._has_place:
            return
        if self._deadline is None and not self._handlingRequest:
            self._within(self.limits.header_s)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        """Give the body its time."""
        announced = self.length or 0
        self._within(self.limits.body_s + announced / self.limits.body_bytes_per_s)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Stop the clock: from here on it is the application's time."""
        self._within(None)
        super().allContentReceived()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop the clock of a connection that is gone."""
        self._within(None)
        super().connectionLost(reason)
        if self._has_place:  # a connection that became a socket is lost there
            self.places.give_back()

    def refuse(self) -> None:
        """Answer 413, close our side and throw away for a moment what still comes."""
        self._turn_away(TOO_LARGE, "")

    def _turn_away(self, problem: dict[str, Any], more: str) -> None:
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {problem['status']} {problem['title']}\r\n"
            "Content-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
            f"{more}Connection: close\r\n\r\n"
        )
        self.persistent = False
        self.transport.write(head.encode() + body)
        self.transport.loseWriteConnection()
        self._within(self.limits.linger_s)

    def _within(self, seconds: float | None) -> None:
        """Cut the connection off unless this is called again within the time; None: no limit."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.callLater(seconds, self._cut_off)

    def _cut_off(self) -> None:
        self._deadline = None
        self.transport.abortConnection()


class GuardedFactory(HTTPFactory):  # type: ignore[misc]
    """Makes guarded connections; HTTP/1.1 alone, which the guard reads."""

    def __init__(self, server: Any, limits: Limits) -> None:
        super().__init__(server)
        self.limits = limits

    def protocol(self) -> GuardedChannel:
        """Return a new connection."""
        return GuardedChannel()

    def buildProtocol(self, addr: Any) -> Any:
        """Return a new connection with its limits and our kind of request."""
        channel = super().buildProtocol(addr)
        channel.limits = self.limits
        channel.places = self.server.places
        channel.requestFactory = GuardedRequest
        return channel

    def acceptableProtocols(self) -> list[bytes]:
        """Return what may be spoken."""
        return [b"http/1.1"]


class GuardedServer(daphne.server.Server):  # type: ignore[misc]
    """Daphne with the guard before it."""

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = limits
        self.places = Places(limits.connections)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Write a message of the application; make it wait while the reader cannot follow."""
        await super().handle_reply(protocol, message)
        if isinstance(protocol, GuardedRequest):
            await protocol.drained()
        elif message["type"] == "websocket.send":
            await protocol.drain.room()

    def run(self) -> None:
        """Serve until stopped."""
        # Daphne offers no way to name other factories: it takes those of these names.
        daphne.server.WebSocketFactory = GuardedSocketFactory
        daphne.server.HTTPFactory = lambda server: GuardedFactory(server, self.limits)
        super().run()
