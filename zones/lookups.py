"""Look up hosts' names, bounded: a resolver that does not answer holds nobody for long."""

from __future__ import annotations

import socket
import time
from threading import Lock, Thread

WAIT_S = 3.0
# So long an answer holds: one look before a transaction serves those within it.
FRESH_S = 10.0
MOST_KEPT = 256

_lock = Lock()
_known: dict[str, tuple[float, tuple[str, ...]]] = {}


def addresses_of(host: str) -> tuple[str, ...]:
    """Return all addresses of a host's name; none when it leads nowhere or nobody answers."""
    now = time.monotonic()
    with _lock:
        kept = _known.get(host)
        if kept is not None and now - kept[0] < FRESH_S:
            return kept[1]
    found: list[str] = []
    # A thread, for the system's resolver cannot be told how long it may take.
    asking = Thread(target=_ask, args=(host, found), daemon=True)
    asking.start()
    asking.join(WAIT_S)
    answer = tuple(found)
    with _lock:
        if len(_known) >= MOST_KEPT:
            _known.clear()
        _known[host] = time.monotonic(), answer
    return answer


def _ask(host: str, found: list[str]) -> None:
    try:
        told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    # One assignment: whoever stopped waiting sees all of them or none.
    found[:] = dict.fromkeys(str(one[4][0]) for one in told)
