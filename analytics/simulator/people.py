"""One made-up person's way through the shop. Pure: what chance decides comes from `Random`.

Times are whole milliseconds after the business day begins. How long people stay somewhere is
log-normal, as dwell times in shops are: most look for seconds, a few for minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from random import Random

from analytics.simulator.plan import BROWSED, Area, Door, ShopPlan, Spot

# Share of visitors who turn around inside the door, and of the others who buy something.
BOUNCES = 0.14
BUYS = 0.38
# Whoever looks at a display goes on to another one this often.
LOOKS_ON = 0.62
# Median seconds of a stay and the spread of its logarithm, by kind of area.
STAYS: dict[str, tuple[float, float]] = {
    "display": (34.0, 0.9),
    "queue": (48.0, 0.7),
    "checkout": (42.0, 0.45),
    "entrance_area": (3.5, 0.4),
    "staff_only": (900.0, 0.6),
}
# Nobody stays in one place for longer: a visit ends well before it would be taken for lost.
LONGEST_STAY_S = 1500.0
WALK_S = (2.5, 11.0)
LONGEST_LOOKS = 7
# A queue grows with the shop: at so many visitors an hour waiting takes twice as long.
BUSY_AN_HOUR = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody crosses a line."""

    at_ms: int
    line_key: str
    direction: str


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody is in a zone for a while."""

    zone_key: str
    from_ms: int
    to_ms: int


@dataclass(slots=True)
class Walk:
    """Everything one person did, and the way walked as ``(time_ms, x, y)``."""

    steps: list[Step] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    way: list[tuple[int, float, float]] = field(default_factory=list)
    staff: bool = False

    @property
    def from_ms(self) -> int:
        """When the person is first in the picture."""
        return self.way[0][0]

    @property
    def to_ms(self) -> int:
        """When the person is out of the picture."""
        return self.way[-1][0]

    def go(self, at_ms: int, spot: Spot) -> None:
        """Be somewhere at a moment."""
        self.way.append((at_ms, *spot))

    def cross(self, at_ms: int, door: Door, direction: str) -> int:
        """Walk over a line, a second on either side of it; return when that is done."""
        before, after = door.outside, door.inside
        if direction == "out":
            before, after = after, before
        self.go(at_ms - 1000, before)
        self.go(at_ms, door.on)
        self.steps.append(Step(at_ms, door.key, direction))
        self.go(at_ms + 1000, after)
        return at_ms + 1000

    def stay(self, random: Random, at_ms: int, area: Area, longer: float = 1.0) -> int:
        """Stay in an area; return when that is over."""
        median_s, spread = STAYS[area.kind]
        drawn_s = random.lognormvariate(log(median_s * longer), spread)
        end_ms = at_ms + round(1000 * min(max(drawn_s, 1.0), LONGEST_STAY_S))
        self.stays.append(Stay(area.key, at_ms, end_ms))
        spots = random.sample(area.spots, min(2, len(area.spots)))
        self.go(at_ms, spots[0])
        self.go(end_ms, spots[-1])
        return end_ms


def shopper(plan: ShopPlan, random: Random, at_ms: int, an_hour: float) -> Walk:
    """Return the walk of a visitor who comes in at a moment, among so many an hour."""
    walk = Walk()
    door = _door(plan, random)
    now_ms = walk.cross(at_ms, door, "in")
    now_ms = _through_doorway(walk, plan, random, now_ms)
    if random.random() < BOUNCES:
        now_ms += _walk_ms(random)
    else:
        now_ms = _look_around(walk, plan, random, now_ms)
        if random.random() < BUYS:
            now_ms = _pay(walk, plan, random, now_ms, 1 + an_hour / BUSY_AN_HOUR)
    now_ms = _through_doorway(walk, plan, random, now_ms + _walk_ms(random))
    walk.cross(now_ms + 1500, _door(plan, random), "out")
    return walk


def employee(plan: ShopPlan, random: Random, at_ms: int) -> Walk:
    """Return the walk of somebody who works here: in, some time behind the scenes, out."""
    walk = Walk(staff=True)
    now_ms = walk.cross(at_ms, _door(plan, random), "in") + _walk_ms(random)
    areas = plan.areas_of("staff_only") or plan.areas_of("checkout", *BROWSED)
    if areas:
        now_ms = walk.stay(random, now_ms, random.choice(areas)) + _walk_ms(random)
    walk.cross(now_ms + 1500, _door(plan, random), "out")
    return walk


def passer_by(plan: ShopPlan, random: Random, at_ms: int) -> Walk:
    """Return the walk of somebody who goes past the shop."""
    walk = Walk()
    walk.cross(at_ms, random.choice(plan.doors_of("passer_by")), random.choice(("in", "out")))
    return walk


def browser(plan: ShopPlan, random: Random, at_ms: int, an_hour: float) -> Walk:
    """Return the walk of a visitor past a camera that sees no entrance."""
    walk = Walk()
    now_ms = _look_around(walk, plan, random, at_ms)
    if random.random() < BUYS:
        now_ms = _pay(walk, plan, random, now_ms, 1 + an_hour / BUSY_AN_HOUR)
    if not walk.way:  # nothing to look at and nothing to pay: over an inner line, if there is one
        inner = plan.doors_of("inner")
        if inner:
            walk.cross(at_ms, random.choice(inner), random.choice(("in", "out")))
    return walk


def _door(plan: ShopPlan, random: Random) -> Door:
    """Return one of the entrances; the first is the main one."""
    doors = plan.doors_of("entrance")
    return doors[0] if random.random() < 0.7 else random.choice(doors)


def _through_doorway(walk: Walk, plan: ShopPlan, random: Random, now_ms: int) -> int:
    doorways = plan.areas_of("entrance_area")
    return walk.stay(random, now_ms, doorways[0]) if doorways else now_ms


def _look_around(walk: Walk, plan: ShopPlan, random: Random, now_ms: int) -> int:
    """Look at one display after the other, over an inner line now and then."""
    displays, inner = plan.areas_of(*BROWSED), plan.doors_of("inner")
    wanted = _order(displays, random)
    if inner and random.random() < 0.5:
        now_ms = walk.cross(now_ms + _walk_ms(random), inner[0], "in")
    for area in wanted:
        now_ms = walk.stay(random, now_ms + _walk_ms(random), area)
    if any(step.line_key == door.key for step in walk.steps for door in inner):
        now_ms = walk.cross(now_ms + _walk_ms(random), inner[0], "out")
    return now_ms


def _order(displays: Sequence[Area], random: Random) -> list[Area]:
    """Return what somebody looks at: earlier displays draw more; never the same twice in a row."""
    found: list[Area] = []
    while displays and len(found) < LONGEST_LOOKS:
        weights = [1 / (rank + 1.5) for rank in range(len(displays))]
        area = random.choices(displays, weights)[0]
        if found[-1:] == [area]:
            break
        found.append(area)
        if random.random() > LOOKS_ON:
            break
    return found


def _pay(walk: Walk, plan: ShopPlan, random: Random, now_ms: int, busy: float) -> int:
    for kind, longer in (("queue", busy), ("checkout", 1.0)):
        areas = plan.areas_of(kind)
        if areas:
            now_ms = walk.stay(random, now_ms + _walk_ms(random), random.choice(areas), longer)
    return now_ms


def _walk_ms(random: Random) -> int:
    return round(1000 * random.uniform(*WALK_S))
