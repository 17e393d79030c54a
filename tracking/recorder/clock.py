"""The host's clock, and how a stream's own times are laid upon it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

# Pictures that were on their way when we connected come at once; after so long that is over.
SETTLE_MS = 2000
WINDOW_MS = 30_000
# Off by more than this, the stream's time is led back to the host's; off by more than that, it
# jumped.
OFF_MS, JUMP_MS = 1000, 5000
# Led back by this share of each segment: time never steps, and nothing is counted twice.
LEAD_SHARE = 0.1


@dataclass(slots=True)
class Clock:
    """The host's clock.

    Parameters
    ----------
    speed : float
        Tests let time run faster, for streams that do.
    """

    speed: float = 1.0
    _began: float = field(default_factory=time.monotonic)
    _began_ms: float = field(default_factory=lambda: time.time() * 1000)

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""
        if self.speed == 1.0:
            return round(time.time() * 1000)
        return round(self._began_ms + (time.monotonic() - self._began) * 1000 * self.speed)

    def real_s(self, seconds: float) -> float:
        """Return how long that is for this machine's own timers."""
        return seconds / self.speed

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait, or until asked to stop; return whether that was asked."""
        return stop.wait(max(0.0, self.real_s(seconds)))


class Anchor:
    """Where a stream's time lies on the host's clock, from when its pictures arrive.

    A picture is never early: the least of (arrival - its time) is the truth, and what is above it
    is the way's delay. The same over the last half minute tells how far the two clocks went apart.
    """

    def __init__(self) -> None:
        self.offset_ms = 0
        self.settled = False
        self._first_ms: int | None = None
        self._least: int | None = None
        self._before: int | None = None
        self._window_ms = 0

    def saw(self, pts_ms: int, arrived_ms: int) -> None:
        """Take note of a picture."""
        late = arrived_ms - pts_ms
        if self._first_ms is None:
            self._first_ms = self._window_ms = arrived_ms
        self._least = late if self._least is None else min(self._least, late)
        if not self.settled:
            self.offset_ms = self._least
            self.settled = arrived_ms - self._first_ms >= SETTLE_MS
        elif arrived_ms - self._window_ms >= WINDOW_MS:
            self._before, self._least, self._window_ms = self._least, None, arrived_ms

    def settle(self) -> None:
        """Take what is known for the truth: the stream is over."""
        self.settled = True

    def drift_ms(self) -> int:
        """Return how far the host's clock went ahead of the stream's since it was anchored."""
        known = [late for late in (self._before, self._least) if late is not None]
        if self._before is None or not known:
            return 0
        return min(known) - self.offset_ms

    def lead(self, by_ms: int) -> None:
        """Move the anchor by a part of the drift."""
        self.offset_ms += by_ms


def lead_of(drift_ms: int, length_ms: int) -> int:
    """Return by how much a segment of this length is led back towards the host's clock."""
    if abs(drift_ms) <= OFF_MS:
        return 0
    most = round(length_ms * LEAD_SHARE)
    return max(-most, min(most, drift_ms))
