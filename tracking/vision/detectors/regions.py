"""Where the detector looks in a frame: where something moves, where someone was, and everywhere.

Only the chunk's own frames decide, so the answer is the same on any worker.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes, empty_boxes, iou_matrix
from tracking.vision.frames import Image
from tracking.vision.motion import Mask, MotionModel, Region

KEEP_MS = 1500  # a place is searched this long after someone was last found in it
STILL_EVERY_MS = 200  # who stands still is looked for this often
SAME_IOU = 0.3  # overlap from which a newer find replaces an older one
LEAST_AREA = 6  # pixels of the small picture: smaller spots are no person
MARGIN_SHARE = 0.35  # of a spot's height, on every side: the window is larger than a person
MARGIN_PX = 24  # and at least this much
FULL_SHARE = 0.7  # regions that sum up to more of the frame than this are searched as one
JOIN_COST = 1.1  # two regions become one where that adds less than a tenth to their areas


class RegionPlan:
    """Plans the search of every frame of one chunk."""

    def __init__(self, width: int, height: int, full_every_ms: int) -> None:
        self._width, self._height = width, height
        self._full_every_ms = full_every_ms
        self._motion = MotionModel(width, height)
        self._next_full_ms: int | None = None
        self._next_still_ms = 0
        self._found_ms: NDArray[np.int64] = np.zeros(0, np.int64)
        self._found: Boxes = empty_boxes()

    def watch(self, image: Image, time_ms: int) -> Mask:
        """Take a frame into the motion model; return its mask."""
        return self._motion.update(image, time_ms)

    def remember(self, time_ms: int, boxes: Boxes) -> None:
        """Note where people were found; a newer find replaces an older one in its place."""
        old = (iou_matrix(self._found, boxes) < SAME_IOU).all(axis=1)
        old &= time_ms - self._found_ms < KEEP_MS
        self._found = np.concatenate([self._found[old], boxes])
        now = np.full(len(boxes), time_ms, np.int64)
        self._found_ms = np.concatenate([self._found_ms[old], now])

    def regions(self, mask: Mask, time_ms: int) -> list[Region]:
        """Return what to search in this frame: a few regions, or all of it."""
        everything = [(0, 0, self._width, self._height)]
        if self._next_full_ms is None or time_ms >= self._next_full_ms:
            self._next_full_ms = time_ms + self._full_every_ms
            return everything
        found = self._moving(mask)
        if time_ms >= self._next_still_ms:
            self._next_still_ms = time_ms + STILL_EVERY_MS
            found += [self._with_margin(*box) for box in self._found.tolist()]
        found = joined(found)
        area = sum(_area(region) for region in found)
        return everything if area > FULL_SHARE * self._width * self._height else found

    def _moving(self, mask: Mask) -> list[Region]:
        grown = cv2.dilate(mask, np.ones((5, 3), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(grown)
        zoom = self._width / mask.shape[1]
        return [
            self._with_margin(*(float(value) * zoom for value in (x, y, x + width, y + height)))
            for x, y, width, height, area in stats[1:count].tolist()
            if area >= LEAST_AREA
        ]

    def _with_margin(self, x1: float, y1: float, x2: float, y2: float) -> Region:
        margin = max(MARGIN_SHARE * (y2 - y1), MARGIN_PX)
        return (
            max(0, int(x1 - margin)),
            max(0, int(y1 - margin)),
            min(self._width, int(x2 + margin)),
            min(self._height, int(y2 + margin)),
        )


def joined(regions: list[Region]) -> list[Region]:
    """Return regions that cover all the given ones, joined where searching one is cheaper."""
    done: list[Region] = []
    left = sorted(set(regions))
    while left:
        region = left.pop()
        for other in done:
            both = _around(region, other)
            if _area(both) <= JOIN_COST * (_area(region) + _area(other)):
                done.remove(other)
                left.append(both)
                break
        else:
            done.append(region)
    return sorted(done)


def _around(one: Region, other: Region) -> Region:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _area(region: Region) -> int:
    return (region[2] - region[0]) * (region[3] - region[1])
