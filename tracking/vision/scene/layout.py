"""Where things stand in the demo store, and the zones and the line its manager has drawn.

Every length is in metres on the floor: x to the right of the camera, z away from it.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .camera import Camera

Place: TypeAlias = tuple[float, float]
Json: TypeAlias = dict[str, Any]

WALL_Z = 10.2  # the street wall with the door
HALF_WIDTH = 5.2
CEILING_M = 4.4
DOOR_HALF_WIDTH = 1.35
DOOR_HEIGHT_M = 2.35
LINE_Z = 8.8  # far enough inside that a newcomer has been seen for a second when it is crossed
MAT = (-1.2, 1.2, 9.05, 10.05)
STREET_Z = 11.3  # people on the pavement walk here, out of sight behind the wall


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of furniture with a rectangular footprint that people walk around."""

    name: str
    x0: float
    x1: float
    z0: float
    z1: float
    height_m: float


BLOCKS = (
    Block("book wall", -5.2, -4.55, 4.6, 9.6, 2.15),
    Block("homeware", -3.35, -1.5, 6.35, 6.85, 1.42),
    Block("kitchen", 1.5, 3.3, 6.35, 6.85, 1.42),
    Block("window table", -2.95, -1.35, 3.85, 4.7, 0.76),
    Block("till", 2.0, 3.4, 3.9, 4.45, 1.1),
    Block("right wall", 4.5, 5.2, 6.9, 9.6, 1.95),
    Block("gate left", -1.54, -1.48, 8.45, 9.15, 1.25),
    Block("gate right", 1.48, 1.54, 8.45, 9.15, 1.25),
    Block("plant left", -1.95, -1.6, 9.65, 10.0, 1.5),
    Block("plant right", 1.65, 2.0, 9.65, 10.0, 1.5),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place where a shopper stops, and the point on the floor they then face."""

    x: float
    z: float
    look_x: float
    look_z: float
    reach_m: float  # height of the goods a hand goes to


def _row(x0: float, x1: float, z: float, look_z: float, count: int, reach: float) -> list[Spot]:
    return [Spot(float(x), z, float(x), look_z, reach) for x in np.linspace(x0, x1, count)]


def _area(x0: float, x1: float, z0: float, z1: float) -> tuple[Place, ...]:
    return ((x0, z1), (x1, z1), (x1, z0), (x0, z0))


SPOTS: dict[str, tuple[Spot, ...]] = {
    "homeware": tuple(_row(-3.1, -1.8, 7.35, 6.6, 3, 1.15)),
    "kitchen": tuple(_row(1.8, 3.05, 7.35, 6.6, 3, 1.15)),
    "homeware front": tuple(_row(-3.0, -1.8, 5.92, 6.6, 2, 1.0)),
    "kitchen front": tuple(_row(1.9, 2.95, 5.92, 6.6, 2, 1.0)),
    "book wall": tuple(Spot(-4.1, z, -4.9, z, 1.35) for z in (6.9, 8.2)),
    "window table": (Spot(-0.92, 4.05, -2.0, 4.3, 0.95), Spot(-0.95, 4.85, -2.0, 4.5, 0.95)),
}
HIDDEN_SPOTS = ("homeware", "kitchen")  # more than half of a shopper is hidden here
OPEN_SPOTS = ("homeware front", "kitchen front", "book wall", "window table")
QUEUE = ((1.55, 4.2), (1.38, 4.95), (1.05, 5.6), (0.55, 6.15))  # the first is being served
STAFF_HOME = Spot(2.65, 4.98, 2.0, 3.8, 1.1)

# Name, kind, colour, floor polygon, shortest visit and forgiven absence in seconds.
ZONES: tuple[tuple[str, str, str, tuple[Place, ...], float, float], ...] = (
    ("Doorway", "entrance_area", "#0A254C", _area(-1.5, 1.5, 8.2, 10.1), 1, 1),
    ("Homeware", "display", "#2BA783", _area(-3.5, -1.5, 6.95, 7.85), 2, 2),
    ("Kitchen", "display", "#7D18AD", _area(1.5, 3.5, 6.95, 7.85), 2, 2),
    ("Book wall", "display", "#656445", _area(-4.5, -3.65, 5.8, 8.9), 2, 2),
    ("Window table", "display", "#0B6E99", _area(-1.3, -0.45, 3.7, 5.3), 2, 2),
    (
        "Till queue",
        "queue",
        "#C8640A",
        ((0.1, 6.5), (0.85, 6.5), (1.85, 4.6), (1.0, 4.6)),
        2,
        2,
    ),
    ("Till", "checkout", "#B3261E", _area(1.05, 1.95, 3.7, 4.6), 2, 2),
    ("Staff", "staff_only", "#4F5A68", _area(2.05, 3.5, 4.5, 5.5), 0, 2),
)
# From gate to gate: everybody passes between them, and nobody who is half hidden behind a shelf
# beside the doorway seems to cross.
LINE_ENDS: tuple[Place, Place] = ((-1.45, LINE_Z), (1.45, LINE_Z))
LINE_BAND = 0.02  # fraction of the frame's height on either side of the line: 40 cm of floor


def _fractions(points: list[tuple[float, float]]) -> list[list[float]]:
    return [[round(min(1.0, max(0.0, v)), 4) for v in point] for point in points]


def setup_json(camera: Camera) -> Json:
    """Return the store's set-up as the truth file carries it: store, camera, zones and line."""
    line = _fractions(camera.floor_points(LINE_ENDS))
    zones = [
        {
            "name": name,
            "kind": kind,
            "colour": colour,
            "vertices": _fractions(camera.floor_points(places)),
            "min_dwell_s": min_dwell_s,
            "grace_s": grace_s,
        }
        for name, kind, colour, places, min_dwell_s, grace_s in ZONES
    ]
    return {
        "store": {
            "name": "Harbour Street (demo)",
            "slug": "harbour-street-demo",
            "timezone": "Europe/London",
        },
        "camera": {"name": "Shop floor"},
        "zones": zones,
        "lines": [
            {
                "name": "Front door",
                "kind": "entrance",
                "a": line[0],
                "b": line[1],
                "inside_side": "right",
                "band": LINE_BAND,
            }
        ],
    }
