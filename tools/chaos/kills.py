"""Two hundred kills of mixed victims while recordings are counted: no fact may show it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import psutil

from tools.chaos.fleet import Fleet
from tools.chaos.hooks import PACE
from tools.chaos.servers import Broker, Database, ask
from tools.chaos.stage import Facts, Stage, Tell, draw_films, prepared, servers, workshop

LEASE_S = 15
# Of 100 kills so many are of this victim.
SHARES = {
    "worker": 46, "frozen worker": 12, "postgresql": 10, "valkey": 6, "valkey wiped": 6,
    "decoder": 6, "beat": 7, "web": 7,
}  # fmt: skip
LONGEST_PACE_S = 8.0
RESUMES_WITHIN_S = 15.0
HEALS_WITHIN_S = 600
JOBS = ("tracking_chunk", "tracking_recording")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is counted and killed."""

    kills: int = 200
    recordings: int = 24
    seconds: int = 180  # of film each; a chunk is ten of them
    workers: int = 4
    every_s: tuple[float, float] = (1.0, 4.6)


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    rollups: str = ""
    states: Counter[str] = field(default_factory=Counter)
    resumed_s: dict[str, list[float]] = field(default_factory=dict)
    asked_again: int = 0
    fell: int = 0
    wall_s: float = 0.0
    facts: int = 0
    attempts: int = 0

    @property
    def held(self) -> bool:
        """Whether nothing was lost or doubled, and all is counted in the end."""
        whole = not self.lost and not self.doubled and self.rollups.startswith("0 rows differ")
        return whole and set(self.states) == {"done"}


@dataclass(slots=True)
class Held:
    """A row that a worker held when it was killed."""

    table: str
    pk: int
    fence: int
    at: float


class Killer:
    """Draws victims by lot and kills them."""

    def __init__(
        self, lot: random.Random, fleet: Fleet, database: Database, broker: Broker
    ) -> None:
        self.lot, self.fleet, self.database, self.broker = lot, fleet, database, broker
        self.kills: Counter[str] = Counter()
        self.orphans: list[Held] = []
        self.resumed_s: dict[str, list[float]] = {table: [] for table in JOBS}

    def strike(self, victim: str) -> None:
        """Kill one; whoever is not there is replaced by a worker."""
        ways: dict[str, Callable[[], bool]] = {
            "worker": self._worker,
            "frozen worker": self._freeze,
            "postgresql": self._database,
            "valkey": self._broker,
            "valkey wiped": self._wipe,
            "decoder": self._decoder,
            "beat": lambda: self._part("beat"),
            "web": lambda: self._part("web"),
        }
        done = ways[victim]()
        self.kills[victim if done else "worker"] += 1
        if not done:
            while not self._worker():
                self.fleet.rest(0.2)

    def _part(self, kind: str) -> bool:
        part = self.fleet.pick(kind, self.lot)
        if part is None:
            return False
        self.fleet.kill(part)
        return True

    def _worker(self) -> bool:
        part = self.fleet.pick("worker", self.lot)
        if part is None:
            return False
        pid = part.pid
        self.fleet.kill(part)
        self.orphans += held_by(self.fleet.stage.database_url, pid)
        return True

    def _freeze(self) -> bool:
        part = self.fleet.pick("worker", self.lot)
        if part is None or len(self.fleet.of("worker")) < 2:
            return False
        self.fleet.freeze(part, LEASE_S + self.lot.uniform(1, 6))
        return True

    def _decoder(self) -> bool:
        there = self.fleet.decoders()
        if not there:
            return False
        try:
            self.lot.choice(there).kill()
        except psutil.NoSuchProcess:
            return False
        return True

    def _database(self) -> bool:
        self.database.stop_at_once()
        self.fleet.rest(self.lot.uniform(0.1, 2.5))
        self.database.come_back()
        return True

    def _broker(self) -> bool:
        self.broker.stop_at_once()
        self.fleet.rest(self.lot.uniform(0.1, 2.5))
        self.broker.come_back()
        return True

    def _wipe(self) -> bool:
        self.broker.flush()
        return True

    def watch(self) -> None:
        """Look whether rows that lost their worker are in other hands by now."""
        for held in list(self.orphans):
            sql = f"SELECT fence FROM {held.table} WHERE id = %s"  # noqa: S608 - one of JOBS
            rows = ask(self.fleet.stage.database_url, sql, (held.pk,))
            if not rows or rows[0][0] > held.fence:
                self.resumed_s[held.table].append(time.monotonic() - held.at)
                self.orphans.remove(held)


def held_by(url: str, pid: int) -> list[Held]:
    """Return the rows that a process holds at the moment."""
    rows = []
    for table in JOBS:
        sql = f"SELECT id, fence FROM {table} WHERE lease_owner LIKE %s"  # noqa: S608 - of JOBS
        found = ask(url, sql, (f"%:{pid}:%",))
        rows += [Held(table, pk, fence, time.monotonic()) for pk, fence in found]
    return rows


def victims(lot: random.Random, kills: int) -> list[str]:
    """Return the victims in the order of their deaths; every kind has its share."""
    exact = {name: share * kills / 100 for name, share in SHARES.items()}
    listed = [name for name, share in exact.items() for _ in range(max(1, int(share)))]
    listed += ["worker"] * (kills - len(listed))
    lot.shuffle(listed)
    return listed[:kills]


def run(seed: int, size: Size, tell: Tell) -> Outcome:
    """Count films while everything that counts them is killed again and again."""
    began = time.monotonic()
    with workshop() as folder, servers() as (database, broker):
        films = draw_films(folder, seed, size.recordings, size.seconds)
        stage, facts = prepared(folder, films, database, broker, tell)
        outcome = _break(seed, size, tell, stage, database, broker, folder)
        compare(outcome, facts, stage)
    outcome.wall_s = time.monotonic() - began
    return outcome


def _break(
    seed: int,
    size: Size,
    tell: Tell,
    stage: Stage,
    database: Database,
    broker: Broker,
    folder: Path,
) -> Outcome:
    lot = random.Random(seed)
    pace = folder / "pace"
    pace.write_text("1")
    outcome = Outcome(seed)
    told = {PACE: str(pace), "OSKARTRACK_WORKERS": str(size.workers)}
    with Fleet(stage, folder, **told) as fleet:
        fleet.add("worker", size.workers)
        fleet.add("beat", 2)  # two of them must do no more harm than one
        fleet.add("web")
        fleet.rest(2)
        killer = Killer(lot, fleet, database, broker)
        order = victims(lot, size.kills)
        for number, victim in enumerate(order):
            _keep_pace(pace, stage, size, left=len(order) - number)
            watchful_rest(killer, lot.uniform(*size.every_s))
            killer.strike(victim)
            if (number + 1) % 10 == 0:
                tell(f"{number + 1} of {size.kills} kills, {_progress(stage)}")
        pace.write_text("0")
        fleet.thaw_all()
        wait_until_closed(killer, tell)
        outcome.asked_again = stage.asked_again(folder)
        if outcome.asked_again:
            wait_until_closed(killer, tell)
        killer.watch()
        outcome.kills, outcome.resumed_s = killer.kills, killer.resumed_s
        outcome.fell = fleet.fell
    return outcome


def watchful_rest(killer: Killer, seconds: float) -> None:
    """Rest between kills, and look after the rows that lost their worker."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        killer.fleet.rest(0.2)
        killer.watch()


def _keep_pace(file: Path, stage: Stage, size: Size, left: int) -> None:
    """Let each chunk take so long that the work lasts until the last kill."""
    chunks = ask(stage.database_url, "SELECT count(*) FROM tracking_chunk WHERE state != 'done'")
    seconds = left * sum(size.every_s) / 2
    wanted = 0.75 * size.workers * seconds / max(1, chunks[0][0])
    file.write_text(f"{min(LONGEST_PACE_S, wanted):.2f}")


def _progress(stage: Stage) -> str:
    sql = "SELECT state, count(*) FROM {} GROUP BY state"
    found = []
    for what in ("recording", "chunk"):
        counts = dict(ask(stage.database_url, sql.format(f"tracking_{what}")))
        found.append(f"{counts.get('done', 0)} of {sum(counts.values())} {what}s done")
    return ", ".join(found)


def wait_until_closed(killer: Killer, tell: Tell) -> None:
    """Return once no recording is open any more, or when that takes too long."""
    url = killer.fleet.stage.database_url
    sql = "SELECT count(*) FROM tracking_recording WHERE state IN ('queued', 'running')"
    give_up = time.monotonic() + HEALS_WITHIN_S
    while left := ask(url, sql)[0][0]:
        if time.monotonic() > give_up:
            tell(f"{left} recordings are still open")
            return
        watchful_rest(killer, 1)


def compare(outcome: Outcome, whole: Facts, stage: Stage) -> None:
    """Say what the broken count lost and what it has twice."""
    facts, outcome.rollups = stage.counted(stage.data.parent)
    for store, expected in whole.items():
        found = facts.get(store, [])
        outcome.facts += len(found)
        want, have = Counter(expected), Counter(found)
        outcome.lost += sorted((want - have).elements())
        outcome.doubled += sorted((have - want).elements())
    rows = ask(stage.database_url, "SELECT state, count(*) FROM tracking_recording GROUP BY state")
    outcome.states = Counter(dict(rows))


def report(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what people want to know, line by line."""
    every = list(chain.from_iterable(outcome.resumed_s.values()))
    by_victim = ", ".join(f"{name} {count}" for name, count in outcome.kills.most_common())
    states = ", ".join(f"{name} {count}" for name, count in sorted(outcome.states.items()))
    return [
        ("kills", f"{outcome.kills.total()}: {by_victim}"),
        ("recordings", states),
        ("facts", f"{outcome.facts}, lost {len(outcome.lost)}, doubled {len(outcome.doubled)}"),
        ("rollups", outcome.rollups),
        ("set aside by lot, then asked for again", str(outcome.asked_again)),
        ("fell by themselves", str(outcome.fell)),
        ("resumed after a killed worker",
         f"{soon(every)} (goal of the p95: {RESUMES_WITHIN_S:.0f} s)"),
        *((f"  {table.removeprefix('tracking_')}s", soon(waits))
          for table, waits in outcome.resumed_s.items()),
        ("wall", f"{outcome.wall_s:.0f} s"),
    ]  # fmt: skip


def soon(waits: list[float]) -> str:
    """Say how long rows waited for other hands."""
    p50, p95, longest = (quantile(sorted(waits), share) for share in (0.5, 0.95, 1))
    return f"{len(waits)} rows, p50 {p50:.1f} s, p95 {p95:.1f} s, longest {longest:.1f} s"


def quantile(ordered: list[float], share: float) -> float:
    """Return the value below which this share lies; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
