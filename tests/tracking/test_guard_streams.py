"""Answers that are written while they are sent, on real sockets against a real Daphne."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from tests.tracking.test_guard import SmallServer, connected

PIECE = 64 * 1024
PIECES = 800
# Kernels keep some megabytes for a reader on either side.
UNREAD_AT_MOST = 300

STREAMS = """
import sys
from tracking.guard import GuardedServer, Limits
sent = 0
async def app(scope, receive, send):
    global sent
    say = lambda body, more=False: send(
        {"type": "http.response.body", "body": body, "more_body": more})
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/sent":
        return await say(str(sent).encode())
    sent = 0
    for number in range(int(sys.argv[3])):
        await say(bytes(int(sys.argv[4])), True)
        sent += 1
        if scope["path"] == "/broken" and number == 3:
            raise RuntimeError("in the midst of it")
    await say(b"")
limits = Limits(body_bytes=1000, stall_s=float(sys.argv[2]))
GuardedServer(app, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], limits=limits,
              http_timeout=1).run()
"""


class StreamServer(SmallServer):
    """The guard before an application whose answer is fifty megabytes."""

    stall_s = 60

    def command(self) -> list[str]:
        told = (self.port, self.stall_s, PIECES, PIECE)
        return [sys.executable, "-c", STREAMS, *map(str, told)]


class ImpatientServer(StreamServer):
    """One that waits for a reader for no longer than this."""

    stall_s = 1


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with StreamServer() as server:
        yield server.port


def ask(line: socket.socket, path: str) -> None:
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())


def everything(line: socket.socket) -> bytes:
    """Return all that comes; piece by piece in place, for there is much of it."""
    came = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(PIECE):
            came += piece
    return bytes(came)


def sent(port: int) -> int:
    with connected(port) as line:
        ask(line, "/sent")
        return int(everything(line).split(b"\r\n\r\n", 1)[1].split(b"\r\n")[1])


def settled(port: int) -> int:
    """Return how many pieces were sent once no more follow."""
    before = -1
    while (now := sent(port)) != before:
        before = now
        time.sleep(0.3)
    return now


def test_an_answer_waits_for_its_reader_and_then_comes_whole(port):
    """It also takes longer than an answer may take to begin: a second here."""
    with connected(port) as line:
        ask(line, "/all")
        line.recv(1)
        assert settled(port) < UNREAD_AT_MOST
        time.sleep(2.5)
        body = everything(line)
    assert body.endswith(b"\r\n0\r\n\r\n")
    assert len(body) > PIECES * PIECE


def test_an_answer_that_breaks_off_is_cut_so_that_it_cannot_pass_for_whole(port):
    with connected(port) as line:
        ask(line, "/broken")
        body = everything(line)
    assert body.startswith(b"HTTP/1.1 200 ")
    assert not body.endswith(b"0\r\n\r\n")


def test_a_reader_that_stands_still_is_cut_off():
    with ImpatientServer() as server, connected(server.port) as line:
        ask(line, "/all")
        line.recv(1)
        time.sleep(2)
        body = everything(line)
        assert not body.endswith(b"0\r\n\r\n")
        assert len(body) < UNREAD_AT_MOST * PIECE
