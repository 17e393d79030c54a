"""Keeping up: chunks yet to be made are searched less often before any is left out.

What a chunk is made with is frozen on its row, so however slow the machine was that day, the
count is the same function of the files and the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from tracking.models import CameraWatch
from tracking.recorder.watch import Pace
from zones.models import Camera

log = structlog.get_logger(__name__)

# Further apart people are not followed well: a step of a walker is half a second.
LADDER_MS = (150, 200, 250, 300, 400)
# Behind by so much, search less often; caught up to so much for a while, more often again.
BEHIND_MS, CAUGHT_UP_MS = 20_000, 8_000
STEP, EASE = timedelta(seconds=15), timedelta(seconds=60)
# Behind by so much with the least searching there is: leave chunks out.
LOST_MS = 90_000
WHY = "The machine was too far behind to look at this."


@dataclass(frozen=True, slots=True)
class Choice:
    """What the next chunk is made with: the gap, and why it is left out, if it is."""

    gap_ms: int | None
    why: str = ""


def choice(camera: Camera, pace: Pace, detector: dict[str, Any]) -> Choice:
    """Return what the next chunk is made with; changes by one step at a time."""
    watch = CameraWatch.objects.get(camera=camera)
    usual = detector.get("settings", {}).get("gap_ms")
    # A detector without a gap looks at every picture: all there is to do is to leave chunks out.
    longer = () if usual is None else LADDER_MS
    ladder = [None, *(gap for gap in longer if gap > usual)]
    now = datetime.now(UTC)
    at = ladder.index(watch.gap_ms) if watch.gap_ms in ladder else 0
    waited = timedelta.max if watch.gap_set_at is None else now - watch.gap_set_at
    step = at
    if pace.lag_ms > BEHIND_MS and waited > STEP:
        step = min(at + 1, len(ladder) - 1)
    elif pace.lag_ms < CAUGHT_UP_MS and waited > EASE:
        step = max(at - 1, 0)
    if ladder[step] != watch.gap_ms:
        rows = CameraWatch.objects.filter(camera=camera)
        rows.update(gap_ms=ladder[step], gap_set_at=now)
        log.info("searched_less_or_more", camera=camera.pk, gap_ms=ladder[step])
    is_lost = step == len(ladder) - 1 and pace.lag_ms > LOST_MS
    return Choice(ladder[step], WHY if is_lost else "")
