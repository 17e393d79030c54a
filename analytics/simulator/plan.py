"""What made-up people find in front of a camera: doors, areas, opening hours. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from analytics.opening import OpeningHours
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup
from zones.geometry import Polygon

Spot = tuple[float, float]
ALWAYS_OPEN = OpeningHours.of({}, {})
# Areas in which shoppers stop to look.
BROWSED = ("display",)
SPOTS_A_ZONE = 24
# How far before and behind a line people are first and last seen, as a share of the frame.
BESIDE_LINE = 0.06


@dataclass(frozen=True, slots=True)
class Area:
    """A zone and places within it, as fractions of the frame."""

    key: str
    name: str
    kind: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Door:
    """A counting line with the places on it and on both its sides."""

    key: str
    name: str
    kind: str
    outside: Spot
    on: Spot
    inside: Spot


@dataclass(frozen=True, slots=True)
class ShopPlan:
    """Everything that one camera counts, in order of name, and when its shop is open."""

    areas: tuple[Area, ...]
    doors: tuple[Door, ...]
    opening_hours: OpeningHours = ALWAYS_OPEN

    def areas_of(self, *kinds: str) -> list[Area]:
        """Return the areas of some kinds."""
        return [area for area in self.areas if area.kind in kinds]

    def doors_of(self, kind: str) -> list[Door]:
        """Return the lines of a kind."""
        return [door for door in self.doors if door.kind == kind]

    @property
    def counts(self) -> bool:
        """Whether there is anything in front of the camera that could be counted."""
        return bool(self.doors) or any(area.kind != "ignore" for area in self.areas)


def plan_of(setup: SceneSetup, opening_hours: OpeningHours) -> ShopPlan:
    """Return the plan of a camera's map; the same map always gives the same places."""
    areas = [_area(zone) for zone in setup.zones if zone.kind != "ignore"]
    doors = [_door(line, setup) for line in setup.lines]
    return ShopPlan(
        tuple(sorted(areas, key=lambda area: area.name)),
        tuple(sorted(doors, key=lambda door: door.name)),
        opening_hours,
    )


def _area(zone: ZoneSetup) -> Area:
    return Area(zone.key, zone.name, zone.kind, _spots_within(zone))


def _spots_within(zone: ZoneSetup) -> tuple[Spot, ...]:
    """Return places inside a zone: random ones, the same for the same outline."""
    outline = Polygon(zone.vertices)
    xs, ys = zip(*zone.vertices, strict=True)
    random = Random(f"{zone.vertices}")
    found: list[Spot] = []
    for _ in range(40 * SPOTS_A_ZONE):
        spot = (random.uniform(min(xs), max(xs)), random.uniform(min(ys), max(ys)))
        if outline.contains(spot):
            found.append(spot)
        if len(found) == SPOTS_A_ZONE:
            break
    return tuple(found) or (zone.vertices[0],)


def _door(line: LineSetup, setup: SceneSetup) -> Door:
    """Return a line's places; inside is on its own side, seen in pixels, with y downwards."""
    (ax, ay), (bx, by) = line.a, line.b
    along = ((bx - ax) * setup.width, (by - ay) * setup.height)
    length = (along[0] ** 2 + along[1] ** 2) ** 0.5
    sign = 1 if line.inside_side == "right" else -1
    step = BESIDE_LINE * setup.height / length
    across = (-along[1] * step * sign / setup.width, along[0] * step * sign / setup.height)
    on = ((ax + bx) / 2, (ay + by) / 2)
    return Door(
        line.key,
        line.name,
        line.kind,
        outside=_within((on[0] - across[0], on[1] - across[1])),
        on=on,
        inside=_within((on[0] + across[0], on[1] + across[1])),
    )


def _within(spot: Spot) -> Spot:
    x, y = (min(1.0, max(0.0, value)) for value in spot)
    return x, y
