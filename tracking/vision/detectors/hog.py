"""People by OpenCV's histograms of oriented gradients and its trained SVM (Dalal, Triggs 2005).

Works with no download. What makes it work, all measured: people must be at least 96 pixels tall,
so the picture is scaled to `input_width`; OpenCV's grouping loses people, so all windows are taken
and suppressed here; a window is larger than the person, so boxes are shrunk; and only regions
where something moves or stood a moment ago are searched, with the whole picture at fixed times.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

import cv2
import numpy as np

from tracking.vision.boxes import (
    Boxes,
    Scores,
    clip_boxes,
    empty_boxes,
    iou_matrix,
    shrink_boxes,
    suppress,
)
from tracking.vision.detections import DetectedFrame
from tracking.vision.detectors.checks import check_bounds, check_gap
from tracking.vision.detectors.regions import RegionPlan
from tracking.vision.frames import Frame, Image

WINDOW = (64, 128)  # pixels of the trained window
# A person fills this share of the window: unshrunk boxes miss an IoU of 0.5 altogether.
WIDTH_SHARE, HEIGHT_SHARE = 0.55, 0.75
# What a person may set.
BOUNDS: dict[str, tuple[float, float]] = {
    "input_width": (WINDOW[0], 4096),
    "scale": (1.01, 2.0),
    "least_margin": (-10.0, 10.0),
    "nms_iou": (0.0, 1.0),
    "merge_iou": (0.0, 1.0),
    "full_every_ms": (0, 3_600_000),
}
Found = tuple[Boxes, Scores]


@dataclass(frozen=True, slots=True)
class HogSettings:
    """Settings of the HOG detector.

    Parameters
    ----------
    input_width : int
        The picture is scaled to this width; people should be 96 pixels or taller in it.
    scale : float
        Step between two sizes searched.
    least_margin : float
        Windows with an SVM margin below this are dropped.
    nms_iou, merge_iou : float
        Overlap from which a weaker window falls to a stronger one, and from which it helps to
        place the box.
    gap_ms : int
        A frame closer than this to the last one looked at is left out.
    full_every_ms : int
        The whole picture is searched at the first frame and then this often.
    """

    input_width: int = 960
    scale: float = 1.1
    least_margin: float = 0.0
    nms_iou: float = 0.4
    merge_iou: float = 0.5
    gap_ms: int = 80
    full_every_ms: int = 2000

    def __post_init__(self) -> None:
        check_gap(self.gap_ms)
        check_bounds(asdict(self), BOUNDS)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the settings that `to_json` wrote; what is missing has its default."""
        return cls(**data)


class HogDetector:
    """The detector that always works; see the module."""

    name = "hog"

    def __init__(self, settings: HogSettings | None = None) -> None:
        self.settings = settings or HogSettings()
        self._hog = cv2.HOGDescriptor()
        weights = np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32)
        self._hog.setSVMDetector(weights)

    def detect(self, frames: Iterable[Frame]) -> Iterator[DetectedFrame]:
        """Yield the people of every frame looked at; see `Detector.detect`."""
        cv2.setNumThreads(1)  # more threads find the same windows in another order
        plan: RegionPlan | None = None
        looked_ms: int | None = None
        for frame in frames:
            if plan is None:
                height, width = frame.image.shape[:2]
                plan = RegionPlan(width, height, self.settings.full_every_ms)
            if looked_ms is not None and frame.time_ms - looked_ms < self.settings.gap_ms:
                continue
            looked_ms = frame.time_ms
            mask = plan.watch(frame.image, frame.time_ms)
            if frame.lead_in:
                continue
            boxes, scores = self._search(frame.image, plan.regions(mask, frame.time_ms))
            plan.remember(frame.time_ms, boxes)
            yield DetectedFrame(frame.time_ms, boxes, scores)

    def _search(self, image: Image, regions: list[tuple[int, int, int, int]]) -> Found:
        """Return the people in some regions of a picture, boxes in the picture's pixels."""
        height, width = image.shape[:2]
        zoom = self.settings.input_width / width
        found = [self._windows(image, region, zoom) for region in regions]
        boxes = np.concatenate([boxes for boxes, _ in found] or [empty_boxes()])
        margins = np.concatenate([margins for _, margins in found] or [np.zeros(0, np.float32)])
        boxes, margins = self._people(shrink_boxes(boxes, WIDTH_SHARE, HEIGHT_SHARE), margins)
        return clip_boxes(boxes, width, height), confidence(margins)

    def _windows(self, image: Image, region: tuple[int, int, int, int], zoom: float) -> Found:
        """Return every window of one region that looks like a person, and its margin."""
        x1, y1, x2, y2 = region
        crop = image[y1:y2, x1:x2]
        size = (round((x2 - x1) * zoom), round((y2 - y1) * zoom))
        if size[0] < WINDOW[0] or size[1] < WINDOW[1]:
            return empty_boxes(), np.zeros(0, np.float32)
        if zoom != 1:
            way = cv2.INTER_LINEAR if zoom > 1 else cv2.INTER_AREA
            crop = cv2.resize(crop, size, interpolation=way).astype(np.uint8, copy=False)
        rectangles, margins = self._hog.detectMultiScale(
            crop,
            hitThreshold=self.settings.least_margin,
            winStride=(8, 8),
            padding=(0, 0),
            scale=self.settings.scale,
            groupThreshold=0,
        )
        if not len(rectangles):
            return empty_boxes(), np.zeros(0, np.float32)
        corner = np.asarray(rectangles, np.float32)
        boxes = np.concatenate([corner[:, :2], corner[:, :2] + corner[:, 2:]], axis=1) / zoom
        boxes += np.array([x1, y1, x1, y1], np.float32)
        return boxes.astype(np.float32), np.asarray(margins, np.float32).reshape(-1)

    def _people(self, boxes: Boxes, margins: Scores) -> Found:
        """Return one box a person: the mean of the windows close to the best, by their margins."""
        groups = suppress(boxes, margins, self.settings.nms_iou)
        if not groups:
            return empty_boxes(), np.zeros(0, np.float32)
        places = [self._place(boxes, margins, group) for group in groups]
        return np.stack(places), np.array([margins[group[0]] for group in groups], np.float32)

    def _place(self, boxes: Boxes, margins: Scores, group: Any) -> Any:
        close = group[iou_matrix(boxes[group[:1]], boxes[group])[0] >= self.settings.merge_iou]
        weights = margins[close] - self.settings.least_margin + 1e-3
        return np.average(boxes[close], axis=0, weights=weights).astype(np.float32)


def confidence(margins: Scores) -> Scores:
    """Return SVM margins as a confidence in [0, 1]; a margin of 0.5 is as good as chance.

    The slope was read off the street and shop-front scenes; only the order of scores and the
    place of 0.5 matter further on.
    """
    return np.asarray(1 / (1 + np.exp(-4 * (margins - 0.5))), np.float32)
