"""A small client of OskarTrack: log in, list, follow a shop's events, send in what you counted.

The standard library and `websockets` are all it needs. Try it:

    OSKARTRACK_PASSWORD=... python oskartrack_client.py http://127.0.0.1:8000 alice stores
    OSKARTRACK_PASSWORD=... python oskartrack_client.py http://127.0.0.1:8000 alice follow STORE-ID
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

Json = dict[str, Any]

TIMEOUT_S = 30.0
# The first pause after something broke, and the longest: each is twice the one before.
PAUSES_S = (0.5, 30.0)
TRIES = 12
# What a proxy or the server says when the same may work later.
PASSING = {429, 502, 503, 504, 507}
ROWS_A_BATCH = 1000
# The server says something every 15 seconds.
SILENT_S = 35.0
# Closes a socket whose user may not look at the shop.
GONE = 4403


class RefusedError(Exception):
    """The server said no, and would say so again; `problem` is its answer."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


class LogInError(RefusedError):
    """The password is wrong, or may not be for this."""


class Client:
    """One log-in. Not for several threads at once: each takes a client of its own.

    Parameters
    ----------
    base : str
        Where the server is, like ``https://shop.example``.
    scopes : sequence of str
        What the tokens are for: ``read`` to look, ``ingest`` to send in what was counted.
    """

    def __init__(
        self, base: str, username: str, password: str, scopes: Sequence[str] = ("read",)
    ) -> None:
        self.base = base.rstrip("/")
        self._who = {"username": username, "password": password}
        self._scopes = list(scopes)
        self._access = self._refresh = ""
        # How often a socket told of something new; events come without it, too, only later.
        self.hints = 0

    # --- One request ------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return the answer to a request; what passes is tried again, with longer pauses.

        Only for what may be sent twice: reading, and events, which carry their keys.

        Raises
        ------
        RefusedError
            The server refuses it.
        OSError
            It could not be reached for some minutes.
        """
        error: Exception = OSError("never tried")
        for wait_s in pauses(TRIES):
            try:
                return self._once(method, path, body, self._token())
            except LogInError:
                raise
            except RefusedError as refused:
                if refused.status == 401:
                    self._access = ""  # too old: the next try brings another
                elif refused.status not in PASSING:
                    raise
                error = refused
            except (OSError, HTTPException, ValueError) as broken:  # cut, or half an answer
                error = broken
            time.sleep(wait_s)
        raise error

    def _once(self, method: str, path: str, body: Json | None, token: str) -> Any:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(error.code, _json(error.read())) from error
        return json.loads(text) if text else None

    # --- Tokens -----------------------------------------------------------------------------------

    def _token(self) -> str:
        """Return an access token: the one at hand, a renewed one, or that of a new log-in.

        A refresh token works once. Where the answer with the next one was lost, only logging in
        again helps.
        """
        if not self._access and self._refresh:
            refresh, self._refresh = self._refresh, ""
            try:
                self._keep(self._once("POST", f"{TOKENS}refresh/", {"refresh": refresh}, ""))
            except RefusedError as refused:
                if refused.status in PASSING:
                    self._refresh = refresh
                    raise
        if not self._access:
            wanted: Json = self._who | {"scopes": self._scopes, "client_name": "Example client"}
            try:
                self._keep(self._once("POST", TOKENS, wanted, ""))
            except RefusedError as refused:
                if refused.status in PASSING:
                    raise
                raise LogInError(refused.status, refused.problem) from refused
        return self._access

    def _keep(self, pair: Json) -> None:
        self._access, self._refresh = pair["access"], pair["refresh"]

    # --- Lists ------------------------------------------------------------------------------------

    def pages(self, path: str, **query: Any) -> Iterator[Json]:
        """Yield every row of a list, page by page."""
        address: str | None = f"{path}?{urlencode(query)}" if query else path
        while address:
            page = self.ask("GET", address)
            yield from page["results"]
            address = (page.get("next") or "").removeprefix(self.base) or None

    def stores(self) -> list[Json]:
        """Return the shops of this user."""
        return list(self.pages(f"{API}stores/"))

    # --- Events in --------------------------------------------------------------------------------

    def push(self, store: str, source: str, events: Sequence[Json]) -> Json:
        """Send what a counter saw, each event with a key of its own; return what became of it.

        Keep the events until this returns, and send them again when it does not: each key counts
        once.
        """
        total: Json = {"taken": 0, "known": 0, "refused": []}
        for start in range(0, len(events), ROWS_A_BATCH):
            some = list(events[start : start + ROWS_A_BATCH])
            body = {"source": source, "events": some}
            report = self.ask("POST", f"{API}stores/{store}/events/", body)
            total["taken"] += report["taken"]
            total["known"] += report["known"]
            total["refused"] += [row | {"row": row["row"] + start} for row in report["refused"]]
        return total

    # --- Events out -------------------------------------------------------------------------------

    def events_after(self, store: str, after: int) -> Iterator[Json]:
        """Yield the events of a shop's feed that follow one, in order, up to now."""
        more = True
        while more:
            query = urlencode({"after": after, "limit": 500})
            answer = self.ask("GET", f"{API}stores/{store}/events/?{query}")
            for event in answer["results"]:
                after = event["seq"]
                yield event
            more = answer["more"]

    def follow(
        self, store: str, after: int = 0, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Json]:
        """Yield each event after one once and in order, as it happens, whatever breaks meanwhile.

        Keep the `seq` of the last one you have dealt with, and begin behind it next time. The
        socket only says that there is something new; the events come from the feed.
        """
        broken = 0
        while not stop():
            try:
                for seq in self._hints(store, stop):
                    broken = 0
                    if seq > after:
                        for event in self.events_after(store, after):
                            after = event["seq"]
                            yield event
            except (OSError, WebSocketException, ValueError) as error:
                if isinstance(error, ConnectionClosed) and error.rcvd and error.rcvd.code == GONE:
                    raise RefusedError(GONE, "This shop is not, or no longer, yours.") from error
                broken += 1
                time.sleep(list(pauses(min(broken, TRIES)))[-1])

    def _hints(self, store: str, stop: Callable[[], bool]) -> Iterator[int]:
        """Yield how far the feed is, whenever the socket tells of it."""
        ticket = self.ask("POST", f"{API}stores/{store}/socket-tickets/")
        address = f"ws{self.base.removeprefix('http')}{ticket['path']}"
        # The address of a socket is no secret for long: its ticket is good once, for 30 seconds.
        with connect(address, open_timeout=TIMEOUT_S) as socket:
            heard = time.monotonic()
            while not stop():
                try:
                    message = json.loads(socket.recv(timeout=1))
                except TimeoutError:
                    if time.monotonic() - heard > SILENT_S:
                        raise
                    continue
                heard = time.monotonic()
                if "seq" in message:
                    self.hints += 1
                    yield message["seq"]


API = "/api/v1/"
TOKENS = f"{API}auth/token/"


def pauses(count: int) -> Iterator[float]:
    """Yield seconds to wait: twice as long each time, and a bit by chance, so that not all come."""
    wait_s, longest = PAUSES_S
    for _ in range(count):
        yield wait_s * random.uniform(0.5, 1.0)
        wait_s = min(2 * wait_s, longest)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")


def main(base: str, username: str, command: str, store: str = "", after: str = "0") -> None:
    """List the shops, or print a shop's events as they happen."""
    client = Client(base, username, os.environ["OSKARTRACK_PASSWORD"])
    if command == "stores":
        for one in client.stores():
            print(one["id"], one["name"])
    else:
        for event in client.follow(store, int(after)):
            print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
