"""Trying a network out before a camera or a run names it: in a process with bounds of its own.

A model file comes from anywhere. One that computes without end or takes all memory would take the
server with it; here it takes its trial, which gets what a process that finds people gets.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from tracking.sandbox import (
    MEMORY_BYTES,
    Child,
    DecoderError,
    DecoderMemoryError,
    DecoderTimeoutError,
    reported,
)
from tracking.sandbox_answers import TRIED, NonsenseError, check
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.sandboxed import Order

# A network for people looks at its one grey picture in a second, the largest in a few.
CPU_S = 30
LONGEST_S = 90.0
# Plain words for the person who named the file.
LARGE = f"It needs more memory than a detector gets, which is {MEMORY_BYTES // 1024**3} GB."
SLOW = "It did not get through one picture in the time that a detector gets."
BROKEN = "It broke the process in which it was tried"


def settings_of(name: str, how: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a detector that was made and tried, what it fills in filled in.

    Raises
    ------
    UnknownDetectorError
        It cannot be made, or did not come through.
    """
    order = Order(MEMORY_BYTES, CPU_S, detector=[name, how, str(settings.MODELS_DIR)])
    try:
        child = Child(order)
        try:
            said, _, _ = child.ask({}, LONGEST_S, LONGEST_S)
        finally:
            child.close()
        if "error" in said:
            raise reported(said)
        check(said, TRIED)
    except DecoderMemoryError as error:
        raise UnknownDetectorError(LARGE) from error
    except DecoderTimeoutError as error:
        raise UnknownDetectorError(SLOW) from error
    except (DecoderError, NonsenseError) as error:
        raise UnknownDetectorError(f"{BROKEN}: {error}") from error
    found: dict[str, Any] = said["settings"]
    return found
