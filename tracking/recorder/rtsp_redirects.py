"""Ask an RTSP server whether it sends on to another address, before a library would follow it.

FFmpeg follows the 302 of an RTSP server by itself, to any address, takes user name and password
along, and has no option against it. So its first questions are asked here before it may ask them.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import (
    AbstractDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    parse_http_list,
    parse_keqv_list,
)

from django.views.decorators.debug import sensitive_variables

from tracking.recorder.troubles import Trouble

STATUS = re.compile(r"RTSP/\d\.\d ([1-5]\d\d)[ \r\n]")
CHALLENGE = re.compile(
    r"^WWW-Authenticate: *(Basic|Digest) +(.+?)\r$", re.IGNORECASE | re.MULTILINE
)
LONGEST_HEAD = 16 * 1024


@sensitive_variables()
def refuse_redirect(url: str, longest_s: float) -> None:
    """Return once a server was found to answer for itself.

    Parameters
    ----------
    url : str
        As FFmpeg gets it, its host the number that was judged.
    longest_s : float
        Of each wait for the server.

    Raises
    ------
    Trouble
        It sends on.
    OSError
        Nothing answers.
    """
    parts = urlsplit(url)
    assert parts.hostname
    asked = url.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    with socket.create_connection((parts.hostname, parts.port or 554), longest_s) as plain:
        talk = _without_check(plain) if parts.scheme == "rtsps" else plain
        for status in _statuses(talk, asked, user, password):
            if status.startswith("3"):
                raise Trouble("redirect")


def _statuses(talk: socket.socket, asked: str, user: str, password: str) -> Iterator[str]:
    """Yield how a server answers FFmpeg's questions, the last with the log-in that it asks for."""
    head = ""
    for number, question in enumerate(("OPTIONS", "DESCRIBE"), 1):
        head = _answer(talk, f"{question} {asked} RTSP/1.0\r\nCSeq: {number}\r\n")
        yield _status(head)
    if user and (log_in := _log_in(head, asked, user, password)):
        lines = f"CSeq: 3\r\nAuthorization: {log_in}\r\n"
        yield _status(_answer(talk, f"DESCRIBE {asked} RTSP/1.0\r\n{lines}"))


def _status(head: str) -> str:
    found = STATUS.match(head)
    return found[1] if found else ""  # no RTSP: whoever reads it says so


def _answer(talk: socket.socket, question: str) -> str:
    """Return the head of the answer to a question."""
    talk.sendall(f"{question}\r\n".encode())
    read = b""
    while b"\r\n\r\n" not in read and len(read) < LONGEST_HEAD:
        more = talk.recv(4096)
        if not more:
            break
        read += more
    return read.decode(errors="replace")


def _without_check(plain: socket.socket) -> ssl.SSLSocket:
    """Return the line encrypted as FFmpeg does it: cameras make their certificates themselves."""
    how = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    how.check_hostname, how.verify_mode = False, ssl.CERT_NONE
    return how.wrap_socket(plain)


@dataclass(frozen=True, slots=True)
class _Question:
    """What the standard library wants to know of a request to answer a challenge (RFC 7616)."""

    full_url: str
    data: None = None

    @property
    def selector(self) -> str:
        return self.full_url

    def get_method(self) -> str:
        return "DESCRIBE"


def _log_in(head: str, asked: str, user: str, password: str) -> str:
    """Return the header that answers a challenge; empty for none, or one that nobody knows."""
    offered = {kind.lower(): words for kind, words in CHALLENGE.findall(head)}
    if "digest" in offered:
        known = HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, asked, user, password)
        question: Any = _Question(asked)
        try:
            challenge = parse_keqv_list(parse_http_list(offered["digest"]))
            told = AbstractDigestAuthHandler(known).get_authorization(question, challenge)
        except ValueError:  # no list of words, or a sum that nobody knows: FFmpeg gives up too
            return ""
        return f"Digest {told}" if told else ""
    if "basic" in offered:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return ""
