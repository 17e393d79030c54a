"""Films that kill every worker that looks at them: set aside soon, and nobody else the slower."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tools.chaos.fleet import Fleet
from tools.chaos.hooks import PACE, POISON
from tools.chaos.servers import ask
from tools.chaos.stage import Film, Stage, Tell, draw_films, servers, workshop

SET_ASIDE_WITHIN_S = 60.0
MOST_ATTEMPTS = 3
LEAST_PACE = 0.9
WORKERS = 2
CLOSED_WITHIN_S = 900
GOOD = "SELECT count(*) FROM tracking_chunk c JOIN tracking_recording r ON r.id = c.recording_id \
JOIN zones_camera k ON k.id = r.camera_id WHERE k.name != 'Poison' AND c.state = 'done'"
TAKEN = "SELECT 1 FROM tracking_chunk WHERE fence > 0 LIMIT 1"
OPEN = "SELECT count(*) FROM tracking_recording WHERE state IN ('queued', 'running')"
BAD = "SELECT r.state, r.error_code, extract(epoch FROM r.finished_at - r.first_worked_at), \
(SELECT max(attempt) FROM tracking_chunk c WHERE c.recording_id = r.id) \
FROM tracking_recording r JOIN zones_camera k ON k.id = r.camera_id WHERE k.name = 'Poison'"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What poison did, to itself and to its neighbours."""

    states: tuple[str, ...]
    codes: tuple[str, ...]
    longest_s: float
    attempts: int
    deaths: int
    alone: float
    beside: float

    @property
    def ratio(self) -> float:
        """Return the neighbours' speed beside poison, over that without it."""
        return self.beside / self.alone

    @property
    def set_aside(self) -> bool:
        """Whether all poison was set aside with its reason and with few attempts."""
        named = set(self.states) == {"quarantined"} and all(self.codes)
        return named and self.attempts <= MOST_ATTEMPTS

    @property
    def held(self) -> bool:
        """Whether that was soon, too, and cost the neighbours little."""
        soon = self.longest_s <= SET_ASIDE_WITHIN_S
        return self.set_aside and soon and self.ratio >= LEAST_PACE


def run(
    seed: int,
    tell: Tell,
    poisonous: int = 2,
    good: int = 24,
    seconds: int = 60,
    pace_s: float = 2.0,
) -> Outcome:
    """Count good films, and beside that the same ones again with poison before them.

    Two fleets do so at the same time, so whatever else the machine does slows both. A film costs
    its few deaths once, so how much slower its neighbours are depends on how many there are: 24
    minutes of film, whose chunks take about as long as HOG takes for one, are little.
    """
    with workshop() as folder, servers() as (database, broker):
        films = draw_films(folder, seed, good, seconds)
        bad = [_poisoned(folder, film, hour) for hour, film in enumerate(films[:poisonous])]
        queues = [f"{broker.url.removesuffix('0')}{number}" for number in (0, 1)]
        fresh = database.new_database
        alone = Counting(folder / "alone", films, fresh(), queues[0], pace_s)
        beside = Counting(folder / "beside", bad + films, fresh(), queues[1], pace_s)
        tell("the films wait")
        with alone.fleet, beside.fleet:
            _finish(alone, beside)
        paces = alone.pace(), beside.pace()
        rows = [tuple(row) for row in ask(beside.stage.database_url, BAD)]
    states, codes, took, attempts = zip(*rows, strict=True)
    return Outcome(states, codes, float(max(took)), max(attempts), beside.fleet.fell, *paces)


class Counting:
    """An installation with a fleet that counts what waits in it."""

    def __init__(
        self, folder: Path, films: list[Film], database_url: str, redis_url: str, pace_s: float
    ) -> None:
        self.stage = Stage(folder / "data", database_url, redis_url)
        self.stage.manage("migrate", "-v", "0")
        self.stage.make(films, folder)
        pace = folder / "pace"
        pace.write_text(str(pace_s))
        told = {PACE: str(pace), POISON: "poison-", "OSKARTRACK_WORKERS": str(WORKERS)}
        self.fleet = Fleet(self.stage, folder, **told)
        self.began = self.ended = 0.0

    def look(self) -> bool:
        """Note when the first chunk was taken and when all was counted; return whether it is."""
        self.fleet.rest(0.05)
        if not self.began and ask(self.stage.database_url, TAKEN):
            self.began = time.monotonic()
        if not self.ended and not ask(self.stage.database_url, OPEN)[0][0]:
            self.ended = time.monotonic()
        return bool(self.ended)

    def pace(self) -> float:
        """Return how many good chunks were detected a second."""
        done = int(ask(self.stage.database_url, GOOD)[0][0])
        return done / ((self.ended or time.monotonic()) - self.began)


def _finish(*countings: Counting) -> None:
    """Let fleets count until all are through, or it takes too long."""
    for counting in countings:
        counting.fleet.add("worker", WORKERS)
        counting.fleet.add("beat")
    give_up = time.monotonic() + CLOSED_WITHIN_S
    while time.monotonic() < give_up:
        through = [counting.look() for counting in countings]
        if all(through):
            return


def _poisoned(folder: Path, film: Film, number: int) -> Film:
    script = folder / f"poison-{number}.json"
    shutil.copyfile(film.script, script)
    return Film(
        "corner", "Poison", f"2026-07-02T{8 + number:02}:00:00+00:00", film.video, str(script)
    )


def report(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what people want to know, line by line."""
    speeds = f"{outcome.beside:.2f} chunks a second, alone {outcome.alone:.2f}"
    return [
        ("poison", f"{', '.join(outcome.states)} ({', '.join(outcome.codes)})"),
        ("set aside", f"within {outcome.longest_s:.1f} s (60), {outcome.attempts} attempts (3)"),
        ("workers that died of it", str(outcome.deaths)),
        ("neighbours", f"{speeds}, ratio {outcome.ratio:.3f} (at least {LEAST_PACE})"),
    ]
