"""Fault points: named places where a test makes the work die, and where nothing happens otherwise.

``OSKARTRACK_FAULT="after_events:kill"`` ends the process with SIGKILL when it comes to the point
`after_events`, ``:stop`` freezes it there, ``:raise`` raises; ``:kill:3`` waits for the third time.
A test's own process may know more ways (`WAYS`). Production never looks at the variable.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

VARIABLE = "OSKARTRACK_FAULT"
_passed: Counter[str] = Counter()


class InjectedFaultError(RuntimeError):
    """Raised by a fault point that was asked to raise."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


WAYS: dict[str, Callable[[], None]] = {"kill": _kill, "stop": _stop}


def fault(point: str) -> None:
    """Do nothing, unless the environment of a test names this point."""
    wanted = os.environ.get(VARIABLE)
    if not wanted or os.environ.get("OSKARTRACK_ENV") == "production":
        return
    name, _, rest = wanted.partition(":")
    how, _, times = rest.partition(":")
    if name != point:
        return
    _passed[wanted] += 1
    if _passed[wanted] != int(times or 1):
        return
    if how not in WAYS:
        raise InjectedFaultError(f"Fault point '{point}'.")
    WAYS[how]()
