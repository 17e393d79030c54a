"""What a worker of ours does differently: it takes its time, so that there is time to kill it.

The pace is read from a file before every chunk, so that the work can be made to last exactly as
long as the killing does.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

PACE = "OSKARTRACK_CHAOS_PACE"


def apply() -> None:
    """Change this process as its environment says."""
    if name := os.environ.get(PACE):
        _slow_down(Path(name))


def _slow_down(file: Path) -> None:
    """Sleep so many seconds in the middle of every chunk as the file says."""
    from tracking import runner

    detect = runner.detect_chunk

    def slowly(*arguments: Any) -> Any:
        found = detect(*arguments)
        time.sleep(pace(file))
        return found

    runner.detect_chunk = slowly


def pace(file: Path) -> float:
    """Return the seconds in a file; none while it is being written."""
    try:
        return float(file.read_text() or 0)
    except (OSError, ValueError):
        return 0.0
