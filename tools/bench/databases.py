"""The two databases that figures are taken on: SQLite in a file, PostgreSQL from its wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.plugins.servers import PostgreSQL
from tools.bench.installation import Installation

# How many times as fast as `bulk_create` events should go in.
FASTER_THAN_BULK_CREATE = {"SQLite": 4.0, "PostgreSQL": 3.0}
ROWS = 10_000
# Of a feed whose pages are read, near and far back.
LISTED = 100_000
EVENTS_A_SECOND = 5000.0
# A page that reads sums may take so many times as long with ten times the events.
FLAT = 1.5
A_MILLION = 1_000_000
# Up to so many millions every sum is compared with its events in the end.
COMPARED = 1
HALF_AN_HOUR_S = 1800
LOG_CHARACTERS = 3000


@contextmanager
def installation(name: str, folder: Path) -> Iterator[Installation]:
    """Give an installation on an empty database of that name."""
    if name == "SQLite":
        yield Installation(folder)
        return
    with PostgreSQL() as server:
        try:
            yield Installation(folder, server.url)
        except RuntimeError as error:
            told = (server.folder / "log").read_text(errors="replace")[-LOG_CHARACTERS:]
            raise RuntimeError(f"{error}\nPostgreSQL's own log ends:\n{told}") from error


def rollup_race(name: str, folder: Path, millions: int) -> dict[str, Any]:
    """Return what `tools.bench.rollup_race` prints for so many millions of events."""
    with installation(name, folder) as place:
        compare = ["check"] if millions <= COMPARED else []
        script = ("-m", "tools.bench.rollup_race", millions * A_MILLION, *compare)
        return place.python(*script, timeout_s=HALF_AN_HOUR_S * (1 + millions)).json()
