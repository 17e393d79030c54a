"""A progress bar on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time

WIDTH = 30


class Bar:
    """Draws how much of some work is done on a terminal's standard error."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = time.monotonic()
        self._on = sys.stderr.isatty()

    def show(self, share: float) -> None:
        """Draw the bar for a share in [0, 1]."""
        if not self._on:
            return
        gone_s = time.monotonic() - self._began
        left = f", {gone_s / share - gone_s:.0f} s left" if share > 0 else ""
        filled = round(WIDTH * min(1.0, share))
        bar = "#" * filled + "." * (WIDTH - filled)
        sys.stderr.write(f"\r{self._label} [{bar}] {share:.0%}{left}   ")
        sys.stderr.flush()

    def close(self) -> None:
        """Leave the bar behind on a line of its own."""
        if self._on:
            sys.stderr.write("\n")
