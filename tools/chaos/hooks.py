"""What the processes that are killed do differently from the product's own, as they are told.

They take their time, so that there is time to kill them; one kind of film kills whoever looks at
it; each message is sent ten times; their clocks jump. Settings that change on the way are read
from files.
"""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

PACE, POISON = "OSKARTRACK_CHAOS_PACE", "OSKARTRACK_CHAOS_POISON"
COPIES, CLOCK = "OSKARTRACK_CHAOS_COPIES", "OSKARTRACK_CHAOS_CLOCK"


def loose(thing: Any) -> Any:
    """Return a thing whose parts may be changed for others, which types forbid for good reason."""
    return thing


def apply() -> None:
    """Change this process as its environment says."""
    if name := os.environ.get(PACE):
        _slow_down(Path(name))
    if name := os.environ.get(POISON):
        _die_of(name)
    if copies := os.environ.get(COPIES):
        _send_often(int(copies))
    if name := os.environ.get(CLOCK):
        _shift_clock(Path(name))


def _slow_down(file: Path) -> None:
    """Sleep so many seconds in the middle of every chunk as the file says."""
    from tracking import runner

    detect = loose(runner).detect_chunk

    def slowly(*arguments: Any, **named: Any) -> Any:
        found = detect(*arguments, **named)
        time.sleep(number_in(file))
        return found

    loose(runner).detect_chunk = slowly


def _die_of(name: str) -> None:
    """Die of every film whose script has this in its name, as of a decoder's bug."""
    from tracking import runner

    detect = loose(runner).detect_chunk

    def deadly(path: Any, media: Any, bounds: Any, detector: Any, **named: Any) -> Any:
        if name in str(getattr(detector, "settings", detector)):
            os.kill(os.getpid(), signal.SIGKILL)
        return detect(path, media, bounds, detector, **named)

    loose(runner).detect_chunk = deadly


def _send_often(copies: int) -> None:
    """Send every message so many times at once."""
    from tracking import tasks

    send = tasks._send

    def often(task: Any, row_id: int) -> bool:
        sent = [send(task, row_id) for _ in range(copies)]
        return all(sent)

    loose(tasks)._send = often


def _shift_clock(file: Path) -> None:
    """Let this process's clock be wrong by so many seconds as the file says at the moment.

    What measures how long something takes goes on as it did, as on a machine whose clock is set.
    """
    from celery import Celery
    from django.utils import timezone

    real_time, real_now, real_celery = time.time, timezone.now, Celery.now

    def shifted() -> float:
        return real_time() + number_in(file)

    loose(time).time = shifted
    loose(timezone).now = lambda: real_now() + timedelta(seconds=number_in(file))
    loose(Celery).now = lambda app: real_celery(app) + timedelta(seconds=number_in(file))


def number_in(file: Path) -> float:
    """Return the number in a file; 0 while it is being written."""
    try:
        return float(file.read_text() or 0)
    except (OSError, ValueError):
        return 0.0
