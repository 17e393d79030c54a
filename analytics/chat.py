"""One question to a chat service that speaks as OpenAI's does. Knows nothing of shops.

No redirects, no proxies of the environment, no more than `ANSWER_BYTES`, no longer than it is
given. What goes wrong is told by its kind alone: an answer or an address may hold the key.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

ANSWER_BYTES = 64 * 1024
PIECE_BYTES = 8 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoAnswer(Exception):
    """The service gave no answer that can be used; the message says what kind of failure it was."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where it is, as which model, and the key, which is never shown."""

    url: str
    model: str
    key: str = field(repr=False, default="")

    @property
    def host(self) -> str:
        """Return the name of its machine."""
        return urlsplit(self.url).hostname or ""

    @property
    def name(self) -> str:
        """Return what a page calls it."""
        return f"{self.model} at {self.host}"

    def problem(self) -> str:
        """Return what is wrong with these settings, empty where nothing is."""
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            return "OSKARTRACK_INSIGHTS_URL needs an address such as https://chat.example/v1."
        if parts.username or parts.password:
            return "OSKARTRACK_INSIGHTS_URL holds a password: put it in OSKARTRACK_INSIGHTS_KEY."
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            return "OSKARTRACK_INSIGHTS_URL needs https, but for a service on this machine."
        if not self.model:
            return "OSKARTRACK_INSIGHTS_MODEL needs the name of a model."
        if not (self.key.isascii() and self.key.isprintable()):
            return "OSKARTRACK_INSIGHTS_KEY holds characters that no header can."
        return ""


def chat(service: Service, messages: list[dict[str, str]], timeout_s: float) -> str:
    """Return what the service says to the messages.

    Raises
    ------
    NoAnswer
        When it is away, slow, refuses, sends us elsewhere, or says what is no answer.
    """
    question = {"model": service.model, "messages": messages, "temperature": 0}
    try:
        body = _post(service, json.dumps(question).encode(), timeout_s)
        said = json.loads(body)["choices"][0]["message"]["content"]
    except (OSError, HTTPException) as error:
        raise NoAnswer(type(error).__name__) from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise NoAnswer("no chat answer") from None
    if not isinstance(said, str):
        raise NoAnswer("no chat answer")
    return said


def _post(service: Service, body: bytes, timeout_s: float) -> bytes:
    parts = urlsplit(service.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    ends_at = time.monotonic() + timeout_s
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if service.key:
        headers["Authorization"] = f"Bearer {service.key}"
    try:
        connection.connect()
        line: Any = connection.sock  # the connection forgets it once the answer says "close"
        connection.request("POST", f"{parts.path.rstrip('/')}/chat/completions", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:  # of a redirect too: the key is for this address alone
            raise NoAnswer(f"status {answer.status}")
        return _read(answer, line, ends_at)
    finally:
        connection.close()


def _read(answer: HTTPResponse, line: socket.socket, ends_at: float) -> bytes:
    """Return the body; a service that drips is not waited for either."""
    body = b""
    while True:
        left = ends_at - time.monotonic()
        if left <= 0:
            raise NoAnswer("too slow")
        line.settimeout(left)
        piece = answer.read1(PIECE_BYTES)
        if not piece:
            return body
        body += piece
        if len(body) > ANSWER_BYTES:
            raise NoAnswer("too long")
