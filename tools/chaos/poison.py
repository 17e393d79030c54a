"""Films that kill every worker that looks at them: set aside soon, and nobody else the slower."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tools.chaos.fleet import Fleet
from tools.chaos.hooks import PACE, POISON
from tools.chaos.servers import Broker, Database, ask
from tools.chaos.stage import Film, Stage, Tell, draw_films, servers, workshop

SET_ASIDE_WITHIN_S = 60.0
MOST_ATTEMPTS = 3
LEAST_PACE = 0.9
WORKERS = 2
CLOSED_WITHIN_S = 900
GOOD = "SELECT count(*) FROM tracking_chunk c JOIN tracking_recording r ON r.id = c.recording_id \
JOIN zones_camera k ON k.id = r.camera_id WHERE k.name != 'Poison' AND c.state = 'done'"
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
    """Count good films alone, then the same ones with poison before them.

    A film costs its few deaths once, so how much slower its neighbours are depends on how many
    there are: 24 minutes of film, whose chunks take about as long as HOG takes for one, are little.
    """
    with workshop() as folder, servers() as (database, broker):
        films = draw_films(folder, seed, good, seconds)
        alone, _, _ = _count(folder / "alone", films, database, broker, pace_s)
        tell(f"without poison {alone:.2f} chunks a second")
        bad = [_poisoned(folder, film, hour) for hour, film in enumerate(films[:poisonous])]
        beside, rows, deaths = _count(folder / "beside", bad + films, database, broker, pace_s)
        tell(f"beside poison {beside:.2f} chunks a second")
    states, codes, took, attempts = zip(*rows, strict=True)
    return Outcome(states, codes, float(max(took)), max(attempts), deaths, alone, beside)


def _poisoned(folder: Path, film: Film, number: int) -> Film:
    script = folder / f"poison-{number}.json"
    shutil.copyfile(film.script, script)
    return Film(
        "corner", "Poison", f"2026-07-02T{8 + number:02}:00:00+00:00", film.video, str(script)
    )


def _count(
    folder: Path, films: list[Film], database: Database, broker: Broker, pace_s: float
) -> tuple[float, list[tuple[str, str, float, int]], int]:
    """Count films; return good chunks a second, what became of the poison, how many died of it."""
    stage = Stage(folder / "data", database.new_database(), broker.url)
    stage.manage("migrate", "-v", "0")
    stage.make(films, folder)
    pace = folder / "pace"
    pace.write_text(str(pace_s))
    told = {PACE: str(pace), POISON: "poison-", "OSKARTRACK_WORKERS": str(WORKERS)}
    with Fleet(stage, folder, **told) as fleet:
        fleet.add("worker", WORKERS)
        fleet.add("beat")
        while not ask(stage.database_url, "SELECT 1 FROM tracking_chunk WHERE fence > 0 LIMIT 1"):
            fleet.rest(0.05)
        began = time.monotonic()
        while ask(stage.database_url, OPEN)[0][0] and time.monotonic() - began < CLOSED_WITHIN_S:
            fleet.rest(0.1)
        took_s = time.monotonic() - began
        done = int(ask(stage.database_url, GOOD)[0][0])
        rows = [tuple(row) for row in ask(stage.database_url, BAD)]
        deaths = fleet.fell
    return done / took_s, rows, deaths


def report(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what people want to know, line by line."""
    speeds = f"{outcome.beside:.2f} chunks a second, alone {outcome.alone:.2f}"
    return [
        ("poison", f"{', '.join(outcome.states)} ({', '.join(outcome.codes)})"),
        ("set aside", f"within {outcome.longest_s:.1f} s (60), {outcome.attempts} attempts (3)"),
        ("workers that died of it", str(outcome.deaths)),
        ("neighbours", f"{speeds}, ratio {outcome.ratio:.3f} (at least {LEAST_PACE})"),
    ]
