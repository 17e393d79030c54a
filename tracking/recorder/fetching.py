"""Streams over HTTP, fetched from the one address that was judged: no redirect, no other host.

FFmpeg gets bytes and opens nothing itself. A playlist names its parts by addresses of their own:
they come from the same host and port, or not at all.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from tracking.recorder.troubles import Trouble

AGENT = "OskarTrack"
OPEN_AT_ONCE = 20  # a playlist's parts are closed as they are read; the last ones by us
STATUS = {401: "password", 403: "password", 404: "not_found"}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nobody."""

    def redirect_request(self, _asked: Any, answer: Any, *_: Any) -> None:
        """Refuse."""
        answer.close()
        raise Trouble("redirect")


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """Answers a challenge, and closes it: the library leaves it open."""

    def http_error_401(self, asked: Any, answer: Any, *more: Any) -> Any:
        """Answer it."""
        answer.close()
        return super().http_error_401(asked, answer, *more)


class _Basic(urllib.request.HTTPBasicAuthHandler):
    """Does the same the older way."""

    def http_error_401(self, asked: Any, answer: Any, *more: Any) -> Any:
        """Answer it."""
        answer.close()
        return super().http_error_401(asked, answer, *more)


class Fetcher:
    """Fetches a stream, and the parts that a playlist names.

    Parameters
    ----------
    url : str
        With credentials, and with the judged address in place of the host.
    host : str
        The host as it was written, for the Host header.
    timeout_s : float
        For connecting, and for each piece of data.
    """

    def __init__(self, url: str, host: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._place = (parts.scheme, parts.hostname, parts.port or _port(parts.scheme))
        self._timeout_s = timeout_s
        netloc = parts.netloc.rpartition("@")[2]
        # What FFmpeg is told, and may repeat in an error: no user name, no password.
        self.address = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
        self._headers = {"User-Agent": AGENT}
        if host:
            default = parts.port is None or parts.port == _port(parts.scheme)
            self._headers["Host"] = host if default else f"{host}:{parts.port}"
        self._opener = urllib.request.build_opener(
            _NoRedirects, urllib.request.ProxyHandler({}), *_handlers(parts, self.address)
        )
        self.failed: Trouble | None = None
        self._answers: deque[IO[bytes]] = deque(maxlen=OPEN_AT_ONCE)

    def open(self, url: str, _flags: int = 0, _options: Any = None) -> IO[bytes]:
        """Return what lies at an address as a file to read; called by FFmpeg, too.

        Raises
        ------
        Trouble
            Also kept in `failed`: FFmpeg passes no error of ours on.
        """
        try:
            return self._open(url)
        except Trouble as trouble:
            self.failed = trouble
            raise

    def _open(self, url: str) -> IO[bytes]:
        parts = urlsplit(url)
        if (parts.scheme, parts.hostname, parts.port or _port(parts.scheme)) != self._place:
            raise Trouble("elsewhere")
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 - judged, above
        try:
            answer: IO[bytes] = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            raise Trouble(STATUS.get(error.code, "unreadable")) from None
        except ConnectionRefusedError:
            raise Trouble("refused") from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            refused = isinstance(reason, ConnectionRefusedError)
            raise Trouble("refused" if refused else "unreachable") from None
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        """Close what is open."""
        for answer in self._answers:
            answer.close()
        self._answers.clear()


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _handlers(parts: Any, address: str) -> list[urllib.request.BaseHandler]:
    # Cameras sign their own certificates: asking for a known one would leave plain HTTP alone.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    if parts.username is not None:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        name, password = unquote(parts.username), unquote(parts.password or "")
        known.add_password(None, address, name, password)
        known.add_password(None, urlunsplit((*urlsplit(address)[:2], "/", "", "")), name, password)
        handlers += [
            _Digest(known),
            _Basic(known),
        ]
    return handlers


Opening = Callable[[str, int, Any], IO[bytes]]
