"""What one socket, and all of them together, may ask of the web process; against a real Daphne."""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from oskartrack import daphne_server
from tests.tracking.test_guard import SmallServer, connected, everything

PIECE = 64 * 1024
PIECES = 1000
# Kernels keep some megabytes for a reader on either side.
UNREAD_AT_MOST = 300
PLACES = 6

SOCKETS = """
import sys
from tracking.guard import GuardedServer, Limits
sent = 0
async def app(scope, receive, send):
    global sent
    await receive()
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        return await send({"type": "http.response.body", "body": str(sent).encode()})
    await send({"type": "websocket.accept"})
    if scope["path"] == "/flood":
        for _ in range(int(sys.argv[2])):
            await send({"type": "websocket.send", "text": "x" * int(sys.argv[3])})
            sent += 1
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"]})
GuardedServer(
    app, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"],
    limits=Limits(body_bytes=1000, connections=int(sys.argv[4])),
    websocket_max_message_size=int(sys.argv[3]), websocket_max_frame_size=int(sys.argv[3]),
    websocket_timeout=float(sys.argv[5]),
    ping_interval=float(sys.argv[6]), ping_timeout=float(sys.argv[6]),
).run()
"""


class SocketServer(SmallServer):
    """The guard before an application that says again what it is told, or floods its client."""

    life_s = 600.0
    # Long enough that nobody who answers no ping is cut within a test, on a machine that is busy.
    ping_s = 20.0

    def command(self) -> list[str]:
        told = (self.port, PIECES, PIECE, PLACES, self.life_s, self.ping_s)
        return [sys.executable, "-c", SOCKETS, *map(str, told)]


class ShortLived(SocketServer):
    """One that closes every socket after a moment."""

    life_s = 1.0


class Impatient(SocketServer):
    """One that soon pings and waits as long for the answer, which a busy machine still gives."""

    ping_s = 2.0


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with SocketServer() as server:
        yield server.port


def opened(port: int, path: str = "/") -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}{path}", ping_interval=None, compression=None)


def raw(port: int, path: str = "/") -> socket.socket:
    """Open a socket by hand: nobody behind it answers or reads."""
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert line.recv(12) == b"HTTP/1.1 101"
    return line


def sent(port: int) -> int:
    with connected(port) as line:
        line.sendall(b"GET /sent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return int(everything(line).split(b"\r\n\r\n", 1)[1].split()[1])


def test_a_message_that_is_too_large_closes_the_socket(port):
    with opened(port) as client:
        client.send("x" * PIECE)
        assert client.recv(10) == "x" * PIECE
        client.send("x" * (PIECE + 1))
        with pytest.raises(ConnectionClosed):
            client.recv(10)


def is_cut(line: socket.socket) -> bool:
    """Wait for the other side to cut a line of which nothing is read."""
    told = select.poll()
    told.register(line, 0)  # an end by force is told even so
    return bool(told.poll(20_000))


def test_a_reader_that_stands_still_makes_its_sender_wait(port):
    """What was sent meanwhile is what buffers hold, and no more."""
    with raw(port, "/flood"):
        before, now = -1, 0
        while now == 0 or now != before:
            time.sleep(0.3)
            before, now = now, sent(port)
        assert now < UNREAD_AT_MOST


def test_a_reader_that_reads_gets_all_of_it(port):
    with opened(port, "/flood") as client:
        for _ in range(PIECES):
            assert len(client.recv(10)) == PIECE


def test_a_text_of_any_length_arrives_as_it_was_sent(port):
    with opened(port) as client:
        for text in ("x", "é" * 62, "x" * 125, "x" * 126, "é€𝄞" * 4000, "x" * 16_001, "x" * PIECE):
            for _ in range(2):
                client.send(text)
                assert client.recv(10) == text


def test_who_answers_no_ping_is_cut_and_who_does_stays():
    with Impatient() as server, raw(server.port) as dead, opened(server.port) as alive:
        with raw(server.port, "/flood") as unread:
            everything(dead)  # returns once the line is cut
            assert is_cut(unread)
        alive.send("still here")
        assert alive.recv(10) == "still here"


def test_a_socket_ends_with_its_time():
    with ShortLived() as server, opened(server.port) as client, pytest.raises(ConnectionClosed):
        client.recv(20)


def fill(port: int, kind: str) -> list[socket.socket]:
    if kind == "sockets":
        return [raw(port) for _ in range(PLACES)]
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(PLACES)]


@pytest.mark.parametrize("kind", ["sockets", "requests"])
def test_where_no_place_is_left_one_is_told_so_until_somebody_leaves(kind):
    with SocketServer() as server:
        for _ in range(2):  # every place that was taken is given back
            held = fill(server.port, kind)
            with connected(server.port) as late:
                head, _, body = everything(late).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 5" in head
            assert json.loads(body)["code"] == "busy"
            for line in held:
                line.close()
            deadline = time.monotonic() + 20
            while True:
                with connected(server.port) as line:
                    line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    if b"200 OK" in everything(line):
                        break
                assert time.monotonic() < deadline
                time.sleep(0.1)
            time.sleep(0.3)


def test_the_web_process_has_the_limits_that_the_document_names(monkeypatch):
    asked = {}

    class Recorder:
        abort_start = False

        def __init__(self, **limits):
            asked.update(limits)

        def run(self):
            pass

    monkeypatch.setattr(daphne_server, "GuardedServer", Recorder)
    assert daphne_server.main(["--port", "1"]) == 0
    assert asked["websocket_max_message_size"] == asked["websocket_max_frame_size"] == 64 * 1024
    assert (asked["websocket_timeout"], asked["limits"].connections) == (12 * 3600, 4096)
    assert (asked["websocket_handshake_timeout"], asked["websocket_connect_timeout"]) == (5, 20)
    assert (asked["ping_interval"], asked["ping_timeout"]) == (20, 30)
