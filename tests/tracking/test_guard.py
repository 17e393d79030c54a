"""The guard before the web process, tried on real sockets against a real Daphne."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.servers import Server
from tests.tracking.doors import TUS
from tests.tracking.files import make_video
from tests.tracking.web import CSRF, ROOT

MIB = 1024 * 1024

# An application that tells how long the body was, behind a guard with short times.
SMALL = """
import sys
from tracking.guard import GuardedServer, Limits
async def app(scope, receive, send):
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})
limits = Limits(body_bytes=1000, header_s=1.0, body_s=1.0, body_bytes_per_s=10**6, linger_s=1.0)
GuardedServer(app, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], limits=limits).run()
"""


class SmallServer(Server):
    """The guard alone, with limits of about a second."""

    def command(self) -> list[str]:
        return [sys.executable, "-c", SMALL, str(self.port)]

    def start(self) -> None:
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        try:
            super().start()
        finally:
            del os.environ["PYTHONPATH"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with SmallServer() as server:
        yield server.port


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        yield line


def everything(line: socket.socket) -> bytes:
    """Return all that comes until the other side closes or cuts the line."""
    came = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(65536):
            came += piece
    return came


def test_a_body_within_the_limit_comes_through(port):
    with connected(port) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + bytes(1000))
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = everything(line)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert b"1000" in answer.split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 1001\r\n",
        b"Content-Length: 400000000\r\n",
        b"Content-Length: 400000000\r\nExpect: 100-continue\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 2000\r\nContent-Type: multipart/form-data; boundary=x\r\n",
    ],
)
def test_a_large_or_unsized_body_is_refused_by_its_headers_alone(port, headers):
    with connected(port) as line:
        line.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
        began = time.monotonic()
        answer = everything(line)
        assert time.monotonic() - began < 0.9, "it waited for the body"
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in head
    assert b"100 Continue" not in answer
    assert json.loads(body)["code"] == "body_too_large"


def test_a_sender_that_reads_only_after_all_was_sent_still_gets_the_answer(port):
    """What comes after the refusal is thrown away for a moment: closing at once would reset."""
    with connected(port) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50):
            line.sendall(bytes(1_000_000))
        assert everything(line).startswith(b"HTTP/1.1 413 ")


def test_a_refused_sender_that_never_stops_is_cut_off(port):
    with connected(port) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000000\r\n\r\n")
        began = time.monotonic()
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            while time.monotonic() - began < 8:
                line.sendall(bytes(1000))
                time.sleep(0.01)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "start",
    [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"POST / HTTP/1.1\r\nHost: x\r\n"],
)
def test_headers_that_trickle_in_are_cut_off(port, start):
    with connected(port) as line:
        line.sendall(start)
        assert cut_off_after(line, b"a") < 4


def test_a_body_that_trickles_in_is_cut_off(port):
    with connected(port) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        assert cut_off_after(line, b"a") < 4


def test_the_second_request_of_a_connection_has_its_clock_too(port):
    with connected(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 200 ")
        line.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert cut_off_after(line, b"a") < 4


def test_an_idle_connection_between_requests_is_left_alone(port):
    with connected(port) as line:
        for _ in range(2):
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 200 ")
            time.sleep(1.5)


def cut_off_after(line: socket.socket, drop: bytes) -> float:
    """Send a byte now and then; return after how long the other side ended it."""
    began = time.monotonic()
    line.settimeout(0.1)
    while time.monotonic() - began < 8:
        try:
            line.sendall(drop)
            if not line.recv(4096):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


# --- The whole web process -----------------------------------------------------------------------


@pytest.mark.slow
def test_400_mb_of_multipart_to_nowhere_without_a_login_cost_nothing(web):
    length = 400 * MIB
    head = (
        "POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    )
    with web.grows_less_than(50), connected(web.port) as line:
        line.settimeout(30)
        line.sendall(head.encode())
        piece, sent = bytes(4 * MIB), 0
        with contextlib.suppress(OSError):  # a sender may also be cut off: it still reads 413
            while sent < length:
                sent += line.send(piece)
        answer = everything(line)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"body_too_large"' in answer


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_a_2_gb_upload_comes_in_with_constant_memory(web, tmp_path):
    """It starts like a video and is none: taken to its last byte, then told apart and removed."""
    length, part = 2 * 1024 * MIB, 8 * MIB
    first = make_video(tmp_path / "a.mp4").read_bytes()[:64].ljust(part, b"\0")
    began = time.monotonic()
    with web.line() as line:
        address = web.announce(line, length)
        with web.grows_less_than(50):
            for offset in range(0, length, part):
                piece = bytes(part) if offset else first
                answer = web.ask(line, "PATCH", address, piece, web.part_headers(offset))
                assert answer.status == 204
                assert answer.headers["Upload-Offset"] == str(offset + part)
            told = json.loads(web.ask(line, "GET", address, None, web.headers).body)
    sys.stderr.write(f"2 GB in {time.monotonic() - began:.1f} s\n")
    assert told["complete"] is True
    assert told["problem"]["code"] == "unreadable"
    assert sum(path.stat().st_size for path in web.data.rglob("source")) == 0


def test_a_dropped_line_in_a_part_costs_that_part_alone(web, tmp_path):
    video = make_video(tmp_path / "a.mp4", seconds=5).read_bytes()
    half, end = len(video) // 2, len(video)
    with web.line() as line:
        address = web.announce(line, end)
        assert web.ask(line, "PATCH", address, video[:half], web.part_headers(0)).status == 204
        headers = web.part_headers(half)
        broken = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with connected(web.port) as cut:
            cut.sendall(f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\n{broken}".encode())
            cut.sendall(f"Content-Length: {end - half}\r\n\r\n".encode() + video[half:-99])
        at = web.ask(line, "HEAD", address, None, {**web.headers, **TUS}).headers["Upload-Offset"]
        assert int(at) == half
        assert web.ask(line, "PATCH", address, video[half:], headers).status == 204
        told = json.loads(web.ask(line, "GET", address, None, web.headers).body)
    assert (told["complete"], told["kind"], told["duration_s"]) == (True, "video", 5.0)


TUS_CLIENT = """
const tus = require(process.argv[1]);
const [endpoint, file, cookie, token] = process.argv.slice(2);
const options = {
  endpoint, chunkSize: 4096, retryDelays: [0, 100],
  metadata: { filename: 'Tür 1.mp4', filetype: 'video/mp4' },
  headers: { 'X-CSRFToken': token, Cookie: cookie },
  onError: (error) => { console.error(String(error)); process.exit(1); },
};
const content = require('fs').readFileSync(file);
let aborted = false;
const second = (url) => new tus.Upload(content, {
  ...options, uploadUrl: url, onSuccess: () => console.log(url),
}).start();
const first = new tus.Upload(content, {
  ...options,
  onChunkComplete: () => {
    if (!aborted) { aborted = true; first.abort().then(() => second(first.url)); }
  },
});
first.start();
"""


def test_the_client_of_the_page_uploads_pauses_and_goes_on(web, tmp_path):
    """tus-js-client itself, under a session with its CSRF header."""
    library = ROOT / "var" / "npm" / "node_modules" / "tus-js-client"
    assert library.is_dir(), "make setup installs it"
    path = make_video(tmp_path / "a.mp4", seconds=5)
    endpoint = f"http://127.0.0.1:{web.port}/api/v1/stores/{web.store}/uploads/"
    done = subprocess.run(
        [
            *(sys.executable, "tools/node.py", "node", "-e", TUS_CLIENT, "--"),
            *(str(library), endpoint, str(path), web.headers["Cookie"], CSRF),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    address = done.stdout.strip().partition(f":{web.port}")[2]
    with web.line() as line:
        told = json.loads(web.ask(line, "GET", address, None, web.headers).body)
    assert (told["complete"], told["filename"]) == (True, "Tür 1.mp4")
    assert told["size_bytes"] == path.stat().st_size
