"""Where the detector looks in a frame: where something moves, where someone was, and everywhere.

Only the chunk's own frames decide, so the answer is the same on any worker.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes
from tracking.vision.frames import Image
from tracking.vision.motion import Mask, MotionModel, Region

KEEP_MS = 1500  # a region is searched this long after someone was found in it
LEAST_AREA = 6  # pixels of the small picture: smaller spots are no person
MARGIN_SHARE = 0.35  # of a moving spot's height, on every side: the window is larger than a person
MARGIN_PX = 24  # and at least this much
FULL_SHARE = 0.6  # regions covering more of the frame than this are searched as one


class RegionPlan:
    """Plans the search of every frame of one chunk."""

    def __init__(self, width: int, height: int, full_every_ms: int) -> None:
        self._width, self._height = width, height
        self._full_every_ms = full_every_ms
        self._motion = MotionModel(width, height)
        self._next_full_ms: int | None = None
        self._people: list[tuple[int, Boxes]] = []

    def watch(self, image: Image, time_ms: int) -> Mask:
        """Take a frame into the motion model; return its mask."""
        return self._motion.update(image, time_ms)

    def remember(self, time_ms: int, boxes: Boxes) -> None:
        """Note where people were found."""
        self._people = [seen for seen in self._people if time_ms - seen[0] < KEEP_MS]
        self._people.append((time_ms, boxes))

    def regions(self, mask: Mask, time_ms: int) -> list[Region]:
        """Return what to search in this frame: regions that do not overlap, or all of it."""
        everything = [(0, 0, self._width, self._height)]
        if self._next_full_ms is None or time_ms >= self._next_full_ms:
            self._next_full_ms = time_ms + self._full_every_ms
            return everything
        found = merged(self._moving(mask) + self._kept())
        area = sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in found)
        return everything if area > FULL_SHARE * self._width * self._height else found

    def _moving(self, mask: Mask) -> list[Region]:
        joined = cv2.dilate(mask, np.ones((5, 3), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
        zoom = self._width / mask.shape[1]
        return [
            self._with_margin(*(float(value) * zoom for value in (x, y, x + width, y + height)))
            for x, y, width, height, area in stats[1:count].tolist()
            if area >= LEAST_AREA
        ]

    def _kept(self) -> list[Region]:
        latest: list[NDArray[np.float32]] = [boxes for _, boxes in self._people]
        return [self._with_margin(*box) for boxes in latest for box in boxes.tolist()]

    def _with_margin(self, x1: float, y1: float, x2: float, y2: float) -> Region:
        margin = max(MARGIN_SHARE * (y2 - y1), MARGIN_PX)
        return (
            max(0, int(x1 - margin)),
            max(0, int(y1 - margin)),
            min(self._width, int(x2 + margin)),
            min(self._height, int(y2 + margin)),
        )


def merged(regions: list[Region]) -> list[Region]:
    """Return regions that do not overlap and cover all the given ones, from the top left on."""
    left = sorted(set(regions))
    done: list[Region] = []
    while left:
        x1, y1, x2, y2 = left.pop()
        touching = [r for r in left if r[0] < x2 and x1 < r[2] and r[1] < y2 and y1 < r[3]]
        if not touching:
            done.append((x1, y1, x2, y2))
            continue
        left = [region for region in left if region not in touching]
        touching.append((x1, y1, x2, y2))
        sides = np.array(touching)
        left.append((*sides[:, :2].min(axis=0).tolist(), *sides[:, 2:].max(axis=0).tolist()))
        done, left = [], sorted(set(left + done))
    return sorted(done)
