"""Boxes from a truth file instead of pixels: what perfect eyes would see, for tests."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from tracking.vision.boxes import clip_boxes
from tracking.vision.detections import DetectedFrame
from tracking.vision.frames import Frame

SURE = 0.95  # the score of every scripted box


@dataclass(frozen=True, slots=True)
class ScriptedSettings:
    """Settings of the scripted detector.

    Parameters
    ----------
    truth_path : str
        A truth file with `fps` and, per frame, `boxes` as
        ``[person, x1, y1, x2, y2, visible_fraction]`` in pixels.
    least_visible : float
        People of whom less than this share is visible are not seen.
    """

    truth_path: str
    least_visible: float = 0.3

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the settings that `to_json` wrote."""
        return cls(**data)


class ScriptedDetector:
    """Sees what a truth file says."""

    name = "scripted"

    def __init__(self, settings: ScriptedSettings) -> None:
        self.settings = settings
        truth = json.loads(Path(settings.truth_path).read_text(encoding="utf-8"))
        self._fps = float(truth["fps"])
        self._boxes: list[list[list[float]]] = truth["boxes"]

    def detect(self, frames: Iterable[Frame]) -> Iterator[DetectedFrame]:
        """Yield the scripted people of every frame; see `Detector.detect`."""
        for frame in frames:
            if not frame.lead_in:
                height, width = frame.image.shape[:2]
                seen = self._seen_at(frame.time_ms)
                yield replace(seen, boxes=clip_boxes(seen.boxes, width, height))

    def _seen_at(self, time_ms: int) -> DetectedFrame:
        index = round(time_ms / 1000 * self._fps)
        rows = self._boxes[index] if index < len(self._boxes) else []
        seen = [row[1:5] for row in rows if row[5] >= self.settings.least_visible]
        boxes = np.array(seen, np.float32).reshape(-1, 4)
        return DetectedFrame(time_ms, boxes, np.full(len(boxes), SURE, np.float32))
