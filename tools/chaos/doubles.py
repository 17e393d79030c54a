"""Every message ten times, two schedulers, clocks that jump by an hour: effects once."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tools.chaos.fleet import Fleet
from tools.chaos.hooks import CLOCK, COPIES, PACE
from tools.chaos.kills import Outcome, compare
from tools.chaos.servers import ask
from tools.chaos.stage import Stage, Tell, draw_films, prepared, servers, workshop

HOUR_S = 3600
COUNTED_WITHIN_S = 600


def run(
    seed: int, tell: Tell, recordings: int = 8, seconds: int = 60, jumps_every_s: float = 2.0
) -> Outcome:
    """Count films with doubled messages and wrong clocks; say what it did to the facts."""
    began = time.monotonic()
    outcome = Outcome(seed)
    with workshop() as folder, servers() as (database, broker):
        films = draw_films(folder, seed, recordings, seconds)
        stage, facts = prepared(folder, films, database, broker, tell)
        pace = folder / "pace"
        pace.write_text("0.3")
        with Fleet(stage, folder, **{PACE: str(pace), COPIES: "10"}) as fleet:
            clocks = [folder / f"clock-{number}" for number in range(4)]
            for number, clock in enumerate(clocks):
                fleet.add("worker" if number < 3 else "beat", 1, **{CLOCK: str(clock)})
            fleet.add("beat")
            _let_clocks_jump(random.Random(seed), clocks, fleet, stage, jumps_every_s)
            outcome.fell = fleet.fell
        tell("all closed" if not open_recordings(stage) else "some are still open")
        compare(outcome, facts, stage)
        outcome.attempts = most_attempts(stage)
    outcome.wall_s = time.monotonic() - began
    return outcome


def _let_clocks_jump(
    lot: random.Random, clocks: list[Path], fleet: Fleet, stage: Stage, every_s: float
) -> None:
    """Set a clock an hour back, right, or an hour ahead, again and again until all is counted."""
    give_up = time.monotonic() + COUNTED_WITHIN_S
    while open_recordings(stage) and time.monotonic() < give_up:
        lot.choice(clocks).write_text(str(lot.choice((-HOUR_S, 0, HOUR_S))))
        fleet.rest(every_s)


def open_recordings(stage: Stage) -> int:
    """Return how many recordings are not closed yet."""
    sql = "SELECT count(*) FROM tracking_recording WHERE state IN ('queued', 'running')"
    return int(ask(stage.database_url, sql)[0][0])


def most_attempts(stage: Stage) -> int:
    """Return the most attempts that were lost on any chunk."""
    return int(ask(stage.database_url, "SELECT max(attempt) FROM tracking_chunk")[0][0])


def report(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what people want to know, line by line."""
    states = ", ".join(f"{name} {count}" for name, count in sorted(outcome.states.items()))
    return [
        ("recordings", states),
        ("facts", f"{outcome.facts}, lost {len(outcome.lost)}, doubled {len(outcome.doubled)}"),
        ("rollups", outcome.rollups),
        ("attempts lost on one chunk", f"at most {outcome.attempts}"),
        ("wall", f"{outcome.wall_s:.0f} s"),
    ]
