"""From foot points of confirmed tracks to crossings and stays."""

from tracking.vision.counting.hidden import HiddenParams
from tracking.vision.counting.lines import LineCounter
from tracking.vision.counting.scene import CountingParams, SceneCounter
from tracking.vision.counting.sights import Sight
from tracking.vision.counting.ways import CountedWays, FollowedWay, ShapeCount, count_ways
from tracking.vision.counting.zones import ZoneCounter

__all__ = [
    "CountedWays",
    "CountingParams",
    "FollowedWay",
    "HiddenParams",
    "LineCounter",
    "SceneCounter",
    "ShapeCount",
    "Sight",
    "ZoneCounter",
    "count_ways",
]
