"""A snapshot taken while a worker commits holds exactly the events up to its sequence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.analytics.race import SLICES, STEPS


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_snapshot_never_misses_an_event_and_never_runs_ahead(database, root, tmp_path, request):
    url = f"sqlite:///{tmp_path}/race.sqlite3"
    if database == "postgresql":
        url = request.getfixturevalue("postgresql").url
    run = subprocess.run(
        [sys.executable, "-m", "tests.analytics.race"],
        cwd=root,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    # The reader really met the writer at work, and following the feed brought each event once.
    assert told["distinct"] > 5
    assert told["events"] == list(range(1, 2 * SLICES * STEPS + 1))
