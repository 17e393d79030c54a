"""Being asked to stop: said at once while a row is held, so that it is given back at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)


class StopAsked(BaseException):
    """The process was asked to stop; unwinds the slice, which gives its row back."""


class Stop:
    """Whether this process was asked to stop, and whether it may be said at once.

    It is said by an exception only while a row is held: between a claim and its holding the row
    would be lost until its lease ends.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._holding = False

    def ask(self, signum: int, _frame: object = None) -> None:
        self.asked = signum
        if self._holding:
            self._holding = False  # once is enough: what gives the row back must not be cut short
            raise StopAsked

    @contextmanager
    def raised(self) -> Iterator[None]:
        self._holding = threading.current_thread() is threading.main_thread()
        try:
            self.check()
            yield
        finally:
            self._holding = False

    def check(self) -> None:
        if self.asked is not None:
            raise StopAsked


stop = Stop()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGINT unwind the body, then take their usual course.

    A chunk takes minutes on a small machine and a worker that is asked to stop is killed after
    seconds: so the row goes back at once, without an attempt, and the next worker has it. A
    signal that this process was started to ignore, as a shell's background jobs ignore Ctrl-C,
    stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop.ask) for number in heeded}
    try:
        yield
    except StopAsked:
        log.info("stopped_on_request", signal=stop.asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked, stop.asked = stop.asked, None
    if asked is not None:
        signal.raise_signal(asked)


def check_stop() -> None:
    """Raise StopAsked when this process was asked to stop."""
    stop.check()
