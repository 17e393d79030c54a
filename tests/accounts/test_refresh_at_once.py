"""Many uses of one refresh token at the same time: one succeeds, and then its log-in is over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import FULL

pytestmark = pytest.mark.slow
CLIENTS = 8
ROUNDS = 200 if FULL else 20
DATABASES = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


@pytest.fixture
def url(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if database == "postgresql":
        return str(request.getfixturevalue("postgresql").new_database())
    return f"sqlite:///{tmp_path}/race.sqlite3"


def race(root: Path, url: str, rounds: int, bug: str = "") -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "tests.accounts.refresh_race", str(rounds), bug],
        cwd=root, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return told


@pytest.mark.timeout(900)
@DATABASES
def test_of_eight_uses_at_once_exactly_one_succeeds_and_the_log_in_is_over(root, url, database):
    told = race(root, url, ROUNDS)
    sys.stderr.write(f"{ROUNDS} rounds of {CLIENTS}: {told}\n")
    assert told["vendor"] == database
    assert told["successes"] == {"1": ROUNDS}
    assert told["statuses"] == {"200": ROUNDS, "401": ROUNDS * (CLIENTS - 1)}
    assert (told["left"], told["running"], told["noted"]) == (0, 0, ROUNDS)


@DATABASES
@pytest.mark.parametrize("bug", ["look first", "nothing ends"])
def test_with_either_half_of_it_missing_that_is_found(root, url, bug):
    told = race(root, url, 5, bug)
    assert told["successes"] != {"1": 5} or told["left"] + told["running"]
