"""From foot points of confirmed tracks to crossings and stays."""

from tracking.vision.counting.lines import LineCounter
from tracking.vision.counting.scene import CountingParams, SceneCounter
from tracking.vision.counting.zones import ZoneCounter

__all__ = ["CountingParams", "LineCounter", "SceneCounter", "ZoneCounter"]
