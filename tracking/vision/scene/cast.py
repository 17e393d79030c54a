"""Who comes when and what for: the cast of a scene, drawn by lot before anybody moves."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .layout import HIDDEN_SPOTS, LINE_Z, OPEN_SPOTS, SPOTS, STAFF_HOME, Place, Spot
from .people import Look, draw_look, staff_look

# Whether the clip begins in the middle of the day, people inside, or when the doors are opened.
Start = Literal["busy", "empty"]
PEOPLE_A_MINUTE = 6.6  # that come in to shop; turn-backs and those inside at the start come on top
COUPLES = 0.17  # share of arrivals that are two side by side
LANE_M = 0.55  # people keep right in the doorway
SHORT_S = 60.0  # clips shorter than this get quicker shoppers, so that some of them leave again


@dataclass(slots=True)
class Stage:
    """Walk to a place, then stay there.

    Attributes
    ----------
    kind : str
        ``go`` (a fixed place), ``browse`` (any free spot of the named displays), ``queue`` (the
        till), ``manners`` (stay until the doorway has room) or ``follow`` (stay at the side of the
        companion).
    seconds : float
        How long to stay on arrival.
    """

    kind: str
    place: Place = (0.0, 0.0)
    seconds: float = 0.0
    look: Place | None = None
    displays: tuple[str, ...] = ()
    reach_m: float = 0.0


@dataclass(slots=True)
class Actor:
    """One person of the cast; ``leader`` is the index of the companion they stay beside."""

    number: int
    look: Look
    starts_s: float
    place: Place
    stages: list[Stage]
    staff: bool = False
    leader: int | None = None
    side: float = 0.0
    intent: str = "shop"
    spot: Spot | None = field(default=None)


def _street(rng: np.random.Generator) -> Place:
    return (float(rng.choice((-1.0, 1.0)) * 2.5), float(rng.uniform(11.2, 11.7)))


def _lane(rng: np.random.Generator, direction: int) -> float:
    """Return where in the doorway somebody walks: newcomers (-1) and leavers (1) keep right."""
    return float(direction * LANE_M + rng.uniform(-0.25, 0.25))


def _from_street(lane: float) -> list[Stage]:
    """Return the first steps: wait on the pavement while the doorway is full, then to the door."""
    return [Stage("manners"), Stage("go", (lane, 10.9))]


def _come_in(rng: np.random.Generator) -> list[Stage]:
    lane = _lane(rng, -1)
    return [*_from_street(lane), *(Stage("go", (lane, z)) for z in (9.6, 8.1))]


def _leave(rng: np.random.Generator) -> list[Stage]:
    lane = _lane(rng, 1)
    street = _street(rng)
    out = [Stage("go", (lane, z)) for z in (9.5, 10.9)]
    return [Stage("go", (lane, 7.7)), Stage("manners"), *out, Stage("go", street)]


def _browse(rng: np.random.Generator, *, hidden: float, short: bool) -> Stage:
    displays = HIDDEN_SPOTS if rng.random() < hidden else OPEN_SPOTS
    seconds = rng.uniform(2.5, 5.0) if short else rng.uniform(4.0, 10.0)
    return Stage("browse", seconds=float(seconds), displays=displays)


def _shopping(rng: np.random.Generator, *, short: bool) -> list[Stage]:
    count = 1 if short else int(rng.choice((1, 2, 3), p=(0.4, 0.42, 0.18)))
    stages = [_browse(rng, hidden=0.45, short=short) for _ in range(count)]
    if rng.random() < (0.25 if short else 0.4):
        seconds = rng.uniform(2.0, 3.5) if short else rng.uniform(3.5, 7.0)
        stages.append(Stage("queue", seconds=float(seconds)))
    return stages


def _visitor(rng: np.random.Generator, intent: str, *, short: bool) -> list[Stage]:
    """Return what somebody does who comes from the street."""
    lane = _lane(rng, -1)
    aside = min(lane, -0.75)  # who stops in the doorway leaves room to pass
    away = [Stage("go", (_lane(rng, 1), 10.9)), Stage("go", _street(rng))]
    pause = float(rng.uniform(0.6, 2.2))
    if intent == "turn back":
        mat = Stage("go", (aside, float(rng.uniform(9.7, 9.9))), pause, look=(lane, 5.0))
        return [*_from_street(lane), mat, *away]
    if intent == "in and out":
        inside = Stage("go", (lane, float(rng.uniform(7.3, 7.6))), pause, look=(0.0, 5.0))
        return [*_from_street(lane), inside, *_leave(rng)]
    if intent == "stand on line":
        on = Stage("go", (aside, LINE_Z), float(rng.uniform(3.5, 6.5)), look=(0.0, 5.0))
        return [*_from_street(lane), on, *_shopping(rng, short=short), *_leave(rng)]
    stages = [*_come_in(rng), *_shopping(rng, short=short)]
    if intent == "nearly leave":
        stages += _nearly_leave(rng, short=short)
    return stages + _leave(rng)


def _nearly_leave(rng: np.random.Generator, *, short: bool) -> list[Stage]:
    near = (_lane(rng, 1) * 0.8, float(rng.uniform(7.7, 7.9)))
    stop = Stage("go", near, float(rng.uniform(0.5, 1.8)), look=(near[0], WALL_LOOK_Z))
    return [stop, _browse(rng, hidden=0.3, short=short)]


WALL_LOOK_Z = 10.0


def _intents(rng: np.random.Generator, seconds: float) -> list[str]:
    """Return what each arrival is there for, in order."""
    minutes = seconds / 60
    shoppers = round(PEOPLE_A_MINUTE * minutes)
    special = {
        "turn back": max(1, round(1.5 * minutes)),
        "nearly leave": round(0.75 * minutes),
        "in and out": max(int(seconds >= 30), round(0.6 * minutes)),
        "stand on line": max(int(seconds >= 30), round(0.6 * minutes)),
    }
    inside = special["nearly leave"] + special["in and out"] + special["stand on line"]
    intents = ["shop"] * max(2, shoppers - inside)
    for intent, count in special.items():
        intents += [intent] * count
    return [intents[i] for i in rng.permutation(len(intents))]


def _insiders(rng: np.random.Generator, *, short: bool) -> list[Actor]:
    """Return the people who are in the shop when the clip begins."""
    actors = []
    groups = rng.permutation(len(SPOTS))[: int(rng.integers(3, 5))]
    names = list(SPOTS)
    for i in groups:
        spots = SPOTS[names[int(i)]]
        spot = spots[int(rng.integers(len(spots)))]
        wait = float(rng.uniform(1.0, 5.0) if short else rng.uniform(2.0, 16.0))
        stages = [Stage("go", (spot.x, spot.z), wait, (spot.look_x, spot.look_z), (), spot.reach_m)]
        stages += [] if rng.random() < 0.5 else _shopping(rng, short=short)
        look = draw_look(rng)
        actors.append(Actor(0, look, 0.0, (spot.x, spot.z), [*stages, *_leave(rng)]))
    return actors


def _staff(rng: np.random.Generator, seconds: float) -> Actor:
    home = STAFF_HOME
    stages = []
    t = 0.0
    while t < seconds:
        wait = float(rng.uniform(4, 12))
        place = (home.x + float(rng.uniform(-0.25, 0.45)), home.z + float(rng.uniform(-0.1, 0.1)))
        stages.append(Stage("go", place, wait, (home.look_x, home.look_z), (), home.reach_m))
        t += wait
    return Actor(0, staff_look(rng), 0.0, (home.x, home.z), stages, staff=True, intent="staff")


def draw_cast(rng: np.random.Generator, seconds: float, start: Start = "busy") -> list[Actor]:
    """Return everybody who is seen in a clip of this length, numbered in the order they come."""
    short = seconds < SHORT_S
    actors = [_staff(rng, seconds)]
    if start == "busy":
        actors += _insiders(rng, short=short)
    intents = _intents(rng, seconds)
    until = seconds - (6.0 if short else 9.0)
    gap = (until + 1.5) / len(intents)
    shoppers = [i for i, intent in enumerate(intents) if intent == "shop"]
    paired = set(rng.permutation(shoppers)[: round(COUPLES * len(shoppers))].tolist())
    for i, intent in enumerate(intents):
        starts = max(0.0, -1.5 + gap * (i + float(rng.uniform(0.1, 0.9))))
        stages = _visitor(rng, intent, short=short)
        leader = Actor(0, draw_look(rng), starts, _street(rng), stages, intent=intent)
        actors.append(leader)
        if i in paired:
            x, z = leader.place
            side = float(rng.choice((-1.0, 1.0)) * 0.66)
            other = Actor(0, draw_look(rng), starts, (x * 1.25, z), [Stage("follow")])
            other.leader, other.side = len(actors) - 1, side
            actors.append(other)
    for number, actor in enumerate(actors, start=1):
        actor.number = number
    return actors
