"""An installation of its own: films that wait in it, and the facts of an unbroken count."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.plugins.servers import die_with_parent
from tools.chaos.films import make_truth, make_video_file
from tools.chaos.servers import Broker, Database

ROOT = Path(__file__).resolve().parent.parent.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FIRST_HOUR = datetime(2026, 7, 1, 8, tzinfo=UTC)
STORES, CAMERAS = ("corner", "harbour", "market", "station"), ("Door", "Hall")
Facts = dict[str, list[str]]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Film:
    """A film, and the place and hour it is of."""

    store: str
    camera: str
    started_at: str
    video: str
    script: str


def draw_films(folder: Path, seed: int, count: int, seconds: int) -> list[Film]:
    """Draw films by lot and spread them over stores, cameras and hours."""
    films = []
    video = str(make_video_file(folder, seconds))
    for number in range(count):
        script = str(make_truth(folder, seed % 100_000 * 100 + number, seconds))
        store, rest = STORES[number % len(STORES)], number // len(STORES)
        camera, hour = CAMERAS[rest % len(CAMERAS)], rest // len(CAMERAS)
        at = (FIRST_HOUR + timedelta(hours=hour)).isoformat()
        films.append(Film(store, camera, at, video, script))
    return films


class Stage:
    """A data folder and a database, and processes that work on them."""

    def __init__(self, data: Path, database_url: str, redis_url: str) -> None:
        self.data, self.database_url, self.redis_url = data, database_url, redis_url
        data.mkdir(parents=True, exist_ok=True)

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a process of this installation is told."""
        mine = {
            "DJANGO_SETTINGS_MODULE": "oskartrack.settings",
            "OSKARTRACK_ENV": "development",
            "OSKARTRACK_DEBUG": "false",
            "OSKARTRACK_HASHED_STATIC": "false",
            "OSKARTRACK_DATA": str(self.data),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            **ONE_THREAD,
        }
        return {**os.environ, **mine, **more}

    def python(self, *arguments: object, timeout_s: float = 1500, **more: str) -> str:
        """Run one Python process to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            preexec_fn=die_with_parent,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def manage(self, *arguments: object) -> str:
        """Run one management command."""
        return self.python("manage.py", *arguments)

    def inside(self, word: str, file: Path) -> None:
        """Have `tools.chaos.inside` do something."""
        self.python("-m", "tools.chaos.inside", word, file)

    def make(self, films: list[Film], folder: Path) -> None:
        """Let films wait in this installation."""
        listed = folder / "films.json"
        listed.write_text(json.dumps([asdict(film) for film in films]))
        self.inside("make", listed)

    def asked_again(self, folder: Path) -> int:
        """Ask again for the recordings that kills by lot set aside; return how many there were."""
        answer = folder / "asked-again"
        self.inside("ask_again", answer)
        return int(answer.read_text())

    def counted(self, folder: Path, word: str = "export") -> tuple[Facts, str]:
        """Return all facts by store, and what `rebuild_rollups --check` says at its end.

        With `count` every recording is worked to its end first, here and without a break.
        """
        answer = folder / "counted.json"
        self.inside(word, answer)
        found = json.loads(answer.read_text())
        return found["facts"], found["rollups"]


@contextmanager
def servers() -> Generator[tuple[Database, Broker]]:
    """Lend a PostgreSQL and a Valkey that nobody else uses."""
    with Database() as database, Broker() as broker:
        yield database, broker


@contextmanager
def workshop() -> Generator[Path]:
    """Lend a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="oskartrack-chaos-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepared(
    folder: Path, films: list[Film], database: Database, broker: Broker, tell: Tell
) -> tuple[Stage, Facts]:
    """Return an installation in which the films wait, and the facts that an unbroken count gives.

    Both start from the same rows: the unbroken count works on a copy of the database and of the
    data folder.
    """
    stage = Stage(folder / "data", database.new_database(), broker.url)
    stage.manage("migrate", "-v", "0")
    stage.make(films, folder)
    tell(f"{len(films)} recordings wait")
    whole = Stage(folder / "whole", database.copy_of(stage.database_url), "redis://127.0.0.1:1/0")
    shutil.copytree(stage.data, whole.data, dirs_exist_ok=True)
    facts, _ = whole.counted(folder, "count")
    tell(f"counted without a break: {sum(map(len, facts.values()))} facts")
    return stage, facts
