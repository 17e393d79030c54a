"""SIGKILL of recorders and workers: nothing is doubled, what nobody saw is told as a gap."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Between the file and its row, within the transaction, and right after it.
POINTS = ("segment_written", "segment_row", "segment_committed")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("kills")
    wanted = {
        "OSKARTRACK_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/oskartrack.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nothing listens: the work must not care
        "PYTHONPATH": str(ROOT),
        "OSKARTRACK_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "oskartrack.settings",
    }
    env, answer = os.environ | wanted, data / "answer.json"
    order = json.dumps({"folder": str(data), "points": POINTS})
    for command in (
        ["manage.py", "migrate", "-v", "0"],
        ["-m", "tests.recorder.kill_driver", order, str(answer)],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


@pytest.mark.once
@pytest.mark.timeout(400)
@pytest.mark.parametrize("point", [*POINTS, "service"])
def test_a_recorder_killed_anywhere_doubles_nothing_and_the_gap_is_told(
    answers: dict[str, Any], point: str
):
    found = answers[point]
    if point == "service":
        assert (found["children"], found["end"]) == (1, 0)
    else:
        assert found["code"] == -9
    chunks = found["chunks"]
    assert [chunk[0] for chunk in chunks] == list(range(found["count"])), "each index once"
    assert all(one[2] <= two[1] for one, two in pairwise(chunks)), "no minute twice"
    assert [name for name in found["files"] if name.startswith(".")] == []
    assert len(found["files"]) == found["count"], "a file a row, no orphan"
    holes = [two[1] - one[2] for one, two in pairwise(chunks) if two[1] > one[2]]
    assert len(holes) == 1, "one gap, where it was killed"
    assert found["gaps"] == [hole for hole in holes if hole >= 1000]
    assert found["state"] == "done"


@pytest.mark.once
def test_a_worker_killed_while_chunks_still_come_counts_each_once(answers: dict[str, Any]):
    found = answers["worker"]
    assert found["code"] == -9
    assert found["open"] == "running", "more may come"
    assert found["state"] == "done"
    spans = found["covered"]
    assert len(spans) == found["count"]
    assert all(one[1] == two[0] for one, two in pairwise(spans))
    assert [kind for kind, _ in found["crossings"]] == ["entered"]
