"""One recording, counted by one worker and by two: how much sooner it is done, and equally.

Each count has an installation of its own. The clock runs from the recording's first claim to its
end, as its row says, so the start of the processes is not in it.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.bench.installation import Installation

TIMEOUT_S = 1800


def seconds(
    video: Path, setup: Path, folder: Path, rounds: int, tell: Callable[[str], None]
) -> dict[int, float]:
    """Return the seconds that one worker takes and that two take, each the best of some rounds.

    They take turns, so that a neighbour on the machine disturbs both alike.

    Raises
    ------
    RuntimeError
        The facts of one count are not those of another.
    """
    took: dict[int, list[float]] = {1: [], 2: []}
    expected: list[dict[str, Any]] | None = None
    for number in range(rounds):
        for workers in (1, 2):
            installation = Installation(folder / f"{number}-{workers}")
            took[workers].append(count(installation, video, setup, workers))
            tell(f"{workers} at work: {took[workers][-1]:.1f} s")
            facts = installation.facts()
            if expected not in (None, facts):
                raise RuntimeError(f"{workers} workers counted something else than one did.")
            expected = facts
    return {workers: min(each) for workers, each in took.items()}


def count(installation: Installation, video: Path, setup: Path, workers: int) -> float:
    """Have processes work one recording side by side; return the seconds it took."""
    installation.manage("migrate", "-v", "0")
    installation.ingest(video, setup)

    def work(_: int) -> None:
        installation.ingest(video, setup, "--wait", timeout_s=TIMEOUT_S)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    with closing(sqlite3.connect(installation.folder / "oskartrack.sqlite3")) as database:
        row = database.execute("SELECT first_worked_at, finished_at FROM tracking_recording")
        began, ended = map(datetime.fromisoformat, row.fetchone())
    return (ended - began).total_seconds()
