"""An RTSP server that sends on to another address is told of, and nothing asks there."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tracking.recorder.clock import Clock
from tracking.recorder.opening import connected
from tracking.recorder.rtsp_redirects import refuse_redirect
from tracking.recorder.troubles import Trouble
from zones.sources import Source

SECRET = "hush-5d1"


@contextmanager
def rtsp_server(answers: dict[str, str]) -> Iterator[tuple[int, list[str]]]:
    """Answer each question with a status and more lines; yield the port and what was asked."""
    asked: list[str] = []

    class Talk(socketserver.StreamRequestHandler):
        timeout = 10

        def handle(self) -> None:
            while line := self.rfile.readline().decode().strip():
                asked.append(line)
                heads = [line]
                while head := self.rfile.readline().decode().strip():
                    heads.append(head)
                asked.extend(heads[1:])
                number = next(head for head in heads if head.lower().startswith("cseq"))
                known = any(head.startswith("Authorization: ") for head in heads)
                question = line.split()[0] + (" known" if known else "")
                status, _, more = answers[question].partition("\n")
                told = f"RTSP/1.0 {status}\r\n{number}\r\n" + (f"{more}\r\n" if more else "")
                self.wfile.write(f"{told}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


OK = {"OPTIONS": "200 OK\nPublic: DESCRIBE", "DESCRIBE": "404 Not Found"}


@pytest.mark.parametrize("at", ["OPTIONS", "DESCRIBE"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found"])
def test_an_rtsp_server_that_sends_on_is_not_followed(at: str, status: str):
    with rtsp_server(OK) as (elsewhere, asked_there):
        away = f"{status}\nLocation: rtsp://127.0.0.1:{elsewhere}/inside"
        with rtsp_server(OK | {at: away}) as (port, asked):
            source = Source("rtsp", f"rtsp://admin:{SECRET}@127.0.0.1:{port}/1?a=b")
            with pytest.raises(Trouble) as met, connected(source, Clock(), 5.0):
                pass
    assert met.value.code == "redirect"
    assert asked_there == []
    assert f"{at} rtsp://127.0.0.1:{port}/1?a=b RTSP/1.0" in asked
    assert SECRET not in "".join(asked), "who sends on is told no password"


CHALLENGES = {
    "digest": 'WWW-Authenticate: Digest realm="cam", nonce="a1", algorithm=MD5, qop="auth"',
    "basic": 'WWW-Authenticate: Basic realm="cam"',
    "both": 'WWW-Authenticate: Basic realm="cam"\r\nWWW-Authenticate: Digest realm="cam", '
    'nonce="a1"',
}


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_one_that_sends_on_whoever_logs_in_is_not_followed_either(challenge: str):
    with rtsp_server(OK) as (elsewhere, asked_there):
        away = f"302 Found\nLocation: rtsp://127.0.0.1:{elsewhere}/inside"
        answers = OK | {"DESCRIBE": f"401 Unauthorized\n{challenge}", "DESCRIBE known": away}
        with rtsp_server(answers) as (port, asked):
            source = Source("rtsp", f"rtsp://admin:{SECRET}@127.0.0.1:{port}/1")
            with pytest.raises(Trouble) as met, connected(source, Clock(), 5.0):
                pass
    assert met.value.code == "redirect"
    assert asked_there == []
    if "Digest" in challenge:
        assert SECRET not in "".join(asked)
        assert 'username="admin"' in "".join(asked)


ODD = ("200 OK", "401 Unauthorized", "404 Not Found",
       '401 Unauthorized\nWWW-Authenticate: Digest realm="c", nonce="a", algorithm=CRC',
       "401 Unauthorized\nWWW-Authenticate: Digest nonsense")  # fmt: skip


@pytest.mark.parametrize("describe", ODD, ids=range(len(ODD)))
def test_a_server_that_answers_for_itself_is_read_by_whoever_reads(describe: str):
    with rtsp_server(OK | {"DESCRIBE": describe}) as (port, asked):
        refuse_redirect(f"rtsp://admin:{SECRET}@127.0.0.1:{port}/1", 5.0)
    assert [line.split()[0] for line in asked if "RTSP/" in line] == ["OPTIONS", "DESCRIBE"]
