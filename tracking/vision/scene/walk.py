"""How the cast moves: everybody walks their way, keeps clear of others and of the furniture.

A small crowd model in fixed steps of 50 ms (after Helbing and Molnar, "Social force model for
pedestrian dynamics", 1995, with a side step towards whoever comes the other way). Plain sums in a
fixed order, so a seed gives the same walk every time.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .body import STANCE
from .cast import Actor, Stage
from .layout import DOOR_HALF_WIDTH, LINE_Z, QUEUE, SPOTS, Place, Spot
from .paths import is_free, push_out, way

STEP_S = 0.05
_ARRIVED_M = 0.14
_PASSING_M = 0.45  # a place to walk past is reached this near to it
_PERSONAL_M = 0.62
_DOORWAY_HOLDS = 3  # more people than this wait for one another
_PATIENCE_S = 6.0


@dataclass(slots=True)
class Walk:
    """What one person did, sampled every ``STEP_S`` from ``first`` on.

    ``rows`` has the columns x, z, heading, phase, step_m, reach, reach_m, head_turn, sway.
    """

    actor: Actor
    first: int
    rows: NDArray[np.float64]


@dataclass(slots=True)
class _Body:
    actor: Actor
    index: int
    rng: np.random.Generator
    x: float
    z: float
    heading: float = 0.0
    vx: float = 0.0
    vz: float = 0.0
    phase: float = 0.0
    step_m: float = 0.0
    reach: float = 0.0
    reach_m: float = 1.1
    head_turn: float = 0.0
    stage: int = -1
    stayed_s: float = 0.0
    stuck_s: float = 0.0
    clock_s: float = 0.0
    standing: bool = False
    target: Place = (0.0, 0.0)
    look: Place | None = None
    places: list[Place] = field(default_factory=list)
    spot: Spot | None = None
    first: int = 0
    done: bool = False
    rows: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def speed(self) -> float:
        return math.hypot(self.vx, self.vz)


class Crowd:
    """Everybody in the scene, moved step by step."""

    def __init__(self, actors: list[Actor], rng: np.random.Generator) -> None:
        seeds = rng.integers(0, 2**31, len(actors))
        self.bodies = [
            _Body(actor, i, np.random.default_rng(int(seed)), *actor.place)
            for i, (actor, seed) in enumerate(zip(actors, seeds, strict=True))
        ]
        for body in self.bodies:
            body.clock_s = float(body.rng.uniform(0, 60))
        self.queue: list[int] = []
        self.taken: dict[Spot, int] = {}

    def run(self, seconds: float) -> list[Walk]:
        """Return everybody's walk from 0 to ``seconds``."""
        for tick in range(math.ceil(seconds / STEP_S) + 2):
            active = [b for b in self.bodies if not b.done and b.actor.starts_s <= tick * STEP_S]
            for body in active:
                if not body.rows:
                    self._appear(body, tick)
            self._step(active)
            for body in active:
                body.rows.append(_sample(body))
        return [Walk(b.actor, b.first, np.array(b.rows)) for b in self.bodies if b.rows]

    def _appear(self, body: _Body, tick: int) -> None:
        body.first = tick
        self._next_stage(body)
        aim = body.look or body.target
        body.heading = math.atan2(aim[0] - body.x, aim[1] - body.z)

    # --- what to do next ---

    def _next_stage(self, body: _Body) -> None:
        if body.spot is not None:
            self.taken.pop(body.spot, None)
            body.spot = None
        body.stage += 1
        body.stayed_s = 0.0
        body.standing = False
        if body.stage >= len(body.actor.stages):
            body.done = True
            return
        stage = body.actor.stages[body.stage]
        body.look, body.reach_m = stage.look, stage.reach_m
        if stage.kind == "browse" and not self._choose_spot(body, stage):
            self._next_stage(body)
            return
        if stage.kind == "queue":
            if len(self.queue) >= len(QUEUE):
                self._next_stage(body)
                return
            self.queue.append(body.index)
            self._aim(body, QUEUE[len(self.queue) - 1])
        elif stage.kind == "go":
            self._aim(body, stage.place)
        elif stage.kind == "manners":
            self._aim(body, (body.x, body.z))
            body.standing = True
            body.look = (0.0, LINE_Z)

    def _choose_spot(self, body: _Body, stage: Stage) -> bool:
        free = [s for name in stage.displays for s in SPOTS[name] if s not in self.taken]
        if not free:
            return False
        spot = free[int(body.rng.integers(len(free)))]
        self.taken[spot] = body.index
        body.spot, body.look, body.reach_m = spot, (spot.look_x, spot.look_z), spot.reach_m
        self._aim(body, (spot.x, spot.z))
        return True

    def _aim(self, body: _Body, place: Place) -> None:
        body.target = place
        body.places = way((body.x, body.z), place)
        body.standing = False

    def _decide(self, body: _Body) -> None:
        stage = body.actor.stages[body.stage]
        if stage.kind == "follow":
            self._follow(body)
        elif stage.kind == "manners":
            body.stayed_s += STEP_S
            if self._doorway() < _DOORWAY_HOLDS or body.stayed_s > _PATIENCE_S:
                self._next_stage(body)
        elif stage.kind == "go" and stage.seconds == 0:
            if math.dist((body.x, body.z), body.target) < _PASSING_M or body.stuck_s > 2.5:
                self._next_stage(body)
        else:
            self._stay(body, stage)

    def _stay(self, body: _Body, stage: Stage) -> None:
        """Stand at a place once it is reached, until its time is over."""
        waits = False
        if stage.kind == "queue":
            place = self.queue.index(body.index)
            if body.target != QUEUE[place]:
                self._aim(body, QUEUE[place])
            body.look = (2.6, 4.9) if place == 0 else QUEUE[place - 1]
            waits = place > 0
        arrived = math.dist((body.x, body.z), body.target) < _ARRIVED_M or body.stuck_s > 2.5
        body.standing = body.standing or arrived
        if not body.standing or waits:
            return
        body.stayed_s += STEP_S
        if body.stayed_s > stage.seconds:
            if stage.kind == "queue":
                self.queue.remove(body.index)
            self._next_stage(body)

    def _doorway(self) -> int:
        """Return how many people are between the pavement and the shop floor."""
        return sum(
            bool(b.rows) and not b.done and abs(b.x) < DOOR_HALF_WIDTH and LINE_Z - 0.9 < b.z < 11.1
            for b in self.bodies
        )

    def _follow(self, body: _Body) -> None:
        assert body.actor.leader is not None
        leader = self.bodies[body.actor.leader]
        if leader.done:
            body.done = True
            return
        side = body.actor.side
        c, s = math.cos(leader.heading), math.sin(leader.heading)
        ahead = leader.speed * 0.35
        wish = push_out(leader.x + side * c + ahead * s, leader.z - side * s + ahead * c)
        if not is_free((leader.x, leader.z), wish):
            wish = push_out(leader.x - 0.7 * s, leader.z - 0.7 * c)
        body.target = wish
        body.places = way((body.x, body.z), wish)
        body.standing = leader.standing and math.dist((body.x, body.z), wish) < 0.35
        body.look = leader.look
        body.reach_m = leader.reach_m * 0.95

    # --- how to move ---

    def _step(self, active: list[_Body]) -> None:
        for body in active:
            self._decide(body)
        moving = [b for b in active if not b.done]
        if not moving:
            return
        places = np.array([(b.x, b.z) for b in moving])
        speeds = np.array([(b.vx, b.vz) for b in moving])
        still = np.array([b.standing for b in moving])
        pushes = _pushes(places, speeds, still)
        for body, push in zip(moving, pushes, strict=True):
            _advance(body, float(push[0]), float(push[1]))


def _pushes(
    places: NDArray[np.float64], speeds: NDArray[np.float64], still: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the velocity (N, 2), metres a second, that others' nearness adds to each person."""
    apart = places[:, None] - places[None]
    gap = np.hypot(apart[..., 0], apart[..., 1]) + np.eye(len(places)) * 9
    unit = apart / gap[..., None]
    strength = 0.9 * np.exp((_PERSONAL_M - gap) / 0.16)
    strength = np.where(gap < 1.3, np.minimum(strength, 1.4), 0.0)
    push = (unit * strength[..., None]).sum(axis=1)
    # Side step: whoever is ahead and in the way is passed on the freer side, on the right if equal.
    speed = np.hypot(speeds[:, 0], speeds[:, 1])
    ahead = speeds / np.maximum(speed, 1e-6)[:, None]
    right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    forward = -(apart * ahead[:, None]).sum(axis=2)
    across = -(apart * right[:, None]).sum(axis=2)
    closing = speed[:, None] - (speeds[None] * ahead[:, None]).sum(axis=2)
    blocked = (forward > 0.1) & (forward < 1.7) & (np.abs(across) < 0.6) & (closing > 0.15)
    weight = np.where(blocked, (1 - forward / 1.7) * (1 - np.abs(across) / 0.75), 0.0)
    sidestep = (weight * np.where(across > 0.12, -1.0, 1.0)).sum(axis=1).clip(-0.9, 0.9)
    push += right * (sidestep * np.minimum(1.0, speed / 0.5))[:, None]
    return np.asarray(push * np.where(still, 0.15, 1.0)[:, None])


def _advance(body: _Body, push_x: float, push_z: float) -> None:
    while len(body.places) > 1 and math.dist((body.x, body.z), body.places[0]) < 0.3:
        body.places.pop(0)
    goal = body.places[0] if body.places else body.target
    dx, dz = goal[0] - body.x, goal[1] - body.z
    distance = math.hypot(dx, dz)
    pace = _pace(body, distance)
    k = pace / distance if distance > 1e-6 else 0.0
    wish_x, wish_z = dx * k + push_x, dz * k + push_z
    blend = STEP_S / 0.28
    body.vx += (wish_x - body.vx) * blend
    body.vz += (wish_z - body.vz) * blend
    limit = 1.25 * body.actor.look.walk_mps + 0.2
    if body.speed > limit:
        body.vx, body.vz = body.vx * limit / body.speed, body.vz * limit / body.speed
    before = (body.x, body.z)
    body.x, body.z = push_out(body.x + body.vx * STEP_S, body.z + body.vz * STEP_S)
    walked = math.dist(before, (body.x, body.z))
    body.stuck_s = body.stuck_s + STEP_S if walked < 0.012 and not body.standing else 0.0
    _animate(body, walked)


def _pace(body: _Body, distance: float) -> float:
    """Return how fast somebody wants to go, slowing towards the place where they will stand."""
    if body.standing:
        return min(0.25, distance)
    pace = body.actor.look.walk_mps
    stage = body.actor.stages[body.stage]
    if stage.kind == "follow":
        assert body.actor.leader is not None
        return min(1.3 * pace, 1.9 * distance)
    if len(body.places) <= 1 and (stage.kind != "go" or stage.seconds > 0):
        pace = min(pace, 0.12 + 1.5 * distance)
    return pace


def _turn_to(body: _Body, aim: float, rate: float) -> None:
    turn = (aim - body.heading + math.pi) % (2 * math.pi) - math.pi
    most = rate * STEP_S
    body.heading += max(-most, min(most, turn * STEP_S / 0.16))


def _animate(body: _Body, walked: float) -> None:
    body.clock_s += STEP_S
    speed = walked / STEP_S
    if speed > 0.28:
        _turn_to(body, math.atan2(body.vx, body.vz), 5.0)
    elif body.look is not None:
        _turn_to(body, math.atan2(body.look[0] - body.x, body.look[1] - body.z), 3.0)
    look = body.actor.look
    cycle_m = (0.62 + 0.5 * min(speed, 1.5)) * look.stride * look.height_m / 1.75
    body.phase += walked / cycle_m
    wanted = STANCE * cycle_m * min(1.0, speed / 0.3)
    body.step_m += (wanted - body.step_m) * STEP_S / 0.12
    t = body.clock_s
    handling = body.standing and body.reach_m > 0
    pulse = min(1.0, max(0.0, 1.6 * math.sin(t * 0.9) + 0.3)) if handling else 0.0
    body.reach += (pulse - body.reach) * STEP_S / 0.3
    glance = 0.55 * math.sin(t * 0.7) * math.sin(t * 0.31) * (1.0 if body.standing else 0.5)
    body.head_turn += (glance - body.head_turn) * STEP_S / 0.3


def _sample(body: _Body) -> tuple[float, ...]:
    moving = min(1.0, body.step_m / 0.3)
    sway = 0.018 * math.sin(body.clock_s * 1.3) * (1 - moving)
    sway += 0.02 * moving * math.sin(2 * math.pi * body.phase)
    return (
        body.x,
        body.z,
        body.heading,
        body.phase,
        body.step_m,
        body.reach,
        body.reach_m,
        body.head_turn,
        sway,
    )
