"""Zones in which nobody is looked for: mirrors, screens, a street behind the window."""

import numpy as np

from tracking.vision.boxes import foot_points
from tracking.vision.detections import DetectedFrame
from tracking.vision.setup import SceneSetup, is_valid_at


class IgnoredZones:
    """The zones of a set-up in which nobody is looked for."""

    def __init__(self, setup: SceneSetup) -> None:
        self._shapes = [
            (zone, zone.polygon_px(setup.width, setup.height))
            for zone in setup.zones
            if zone.kind == "ignore"
        ]

    def taken_from(self, frame: DetectedFrame) -> DetectedFrame:
        """Return the frame without detections whose feet stand in an ignored zone."""
        shapes = [shape for zone, shape in self._shapes if is_valid_at(zone, frame.time_ms)]
        if not shapes or not len(frame.boxes):
            return frame
        feet = foot_points(frame.boxes)
        dropped = np.any([shape.contains_many(feet) for shape in shapes], axis=0)
        return frame.only(~dropped)
