"""A made-up shop that goes on now: people come in at a rate, and the numbers move.

Everybody who will come is drawn first, from the seed; then, as time goes by, what happened since is
written through the ledger. When it ends, early or not, whoever is still inside is told as a camera
tells that is switched off.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from accounts.models import Store
from analytics.rollups import clock_of
from analytics.simulator.days import LOST, VERSION, times_of, told
from analytics.simulator.people import Walk, browser, shopper
from analytics.simulator.service import Scene, Teller, broken_off, made_for, scenes_of
from analytics.simulator.service import told as simulated
from tracking.models import Run
from tracking.outside import (
    Told,
    outside_begin,
    outside_commit,
    outside_finish,
    outside_remove,
)
from tracking.vision.events import Event

# So often what happened meanwhile is written.
STEP_S = 2.0
LONGEST_MINUTES = 24 * 60
MOST_A_MINUTE = 600.0

Clock = Callable[[], datetime]
# Waits for some seconds; True when it was asked to stop.
Wait = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Pace:
    """Which world, how many people come in a minute, and for how many minutes at the most."""

    seed: int
    rate: float
    minutes: float


@dataclass(slots=True)
class Feed:
    """One camera's people of the whole time, and how far they are told."""

    run: Run
    teller: Teller
    walks: list[Walk]
    lost: set[int]
    seed: str
    events: list[Event] = field(init=False)
    staff: frozenset[int] = field(init=False)
    told_ms: int = 0

    def __post_init__(self) -> None:
        self._see(max((walk.to_ms for walk in self.walks), default=0) + 2)

    def tell(self, until_ms: int, *, last: bool) -> int:
        """Write what happened since the last time; return how many facts that were."""
        if last:  # whoever is in the picture now is cut short; all before stays as it was told
            self._see(until_ms)
        times = times_of(self.events)
        some = self.events[bisect_left(times, self.told_ms) : bisect_left(times, until_ms)]
        part = self.teller.slice_of(some, (self.told_ms, until_ms), self.staff, last=last)
        outside_commit(self.run, part)
        self.told_ms = until_ms
        return len(part.events)

    def _see(self, end_ms: int) -> None:
        self.events, self.staff = told(self.walks, [(0, end_ms)], self.lost, Random(self.seed))


def simulate_live(
    store: Store, pace: Pace, *, now: Clock, wait: Wait, made: str = ""
) -> dict[str, Any]:
    """Let people come into a store until the time is over or somebody asks for the end.

    Raises
    ------
    ValidationError
        Nothing is counted there, or another recording has the minutes from now on.
    """
    made = made_for(store, made)
    outside_remove(broken_off(store))
    began = now()
    ends_at = began + timedelta(minutes=pace.minutes)
    feeds = [
        _feed(scene, pace, began, ends_at, made)
        for scene in scenes_of(store, clock_of(store), began)
    ]
    facts = 0
    while not wait(STEP_S) and now() < ends_at:
        until_ms = _ms(now() - began)
        facts += sum(each.tell(until_ms, last=False) for each in feeds if until_ms > each.told_ms)
    for each in feeds:
        until_ms = max(_ms(min(now(), ends_at) - began), each.told_ms + 1)
        facts += each.tell(until_ms, last=True)
        outside_finish(each.run, now(), began + timedelta(milliseconds=until_ms))
    return simulated(store) | {"told_events": facts}


def people_of(scene: Scene, pace: Pace, length_ms: int) -> list[Walk]:
    """Return everybody who comes to a camera's picture in so many milliseconds, by the seed."""
    return _people(scene, pace, length_ms, Random(_seed(scene, pace)))


def _seed(scene: Scene, pace: Pace) -> str:
    return f"{pace.seed}/{scene.camera.name}/live"


def _people(scene: Scene, pace: Pace, length_ms: int, random: Random) -> list[Walk]:
    make = shopper if scene.plan.doors_of("entrance") else browser
    walks, at_ms = [], 1000.0
    while at_ms < length_ms:
        walks.append(make(scene.plan, random, round(at_ms), 60 * pace.rate))
        at_ms += 60_000 * random.expovariate(pace.rate)
    return [walk for walk in walks if walk.way]


def _feed(scene: Scene, pace: Pace, began: datetime, ends_at: datetime, made: str) -> Feed:
    random = Random(seed := _seed(scene, pace))
    walks = _people(scene, pace, _ms(ends_at - began), random)
    lost = {number for number in range(len(walks)) if random.random() < LOST}
    card = {"simulator": {"seed": pace.seed, "version": VERSION, "made": made, "rate": pace.rate}}
    public_id = uuid.uuid5(scene.camera.public_id, f"live/{VERSION}/{pace.seed}/{began}")
    name = f"Simulated live {began:%Y-%m-%d %H:%M} (demo)"
    run = outside_begin(Told(scene.camera, public_id, name, began, ends_at, card), scene.setup)
    return Feed(run, Teller(scene.setup), walks, lost, seed)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
