"""Real processes, a real database file, real SIGKILLs: the facts must not show it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tracking import walks

ROOT = Path(__file__).parents[2]
POINTS = (
    "after_claim_chunk", "after_detect", "after_previews", "after_chunk_saved",
    "after_claim_recording", "after_counted", "after_fence", "after_checkpoint", "after_tracks",
    "after_visits", "after_events", "after_coverage", "after_sinks", "before_commit",
    "after_commit",
)  # fmt: skip
RECOUNT_POINTS = (
    "after_claim_recount", "recount_after_counted", "recount_after_fence", "after_events",
    "recount_before_commit", "recount_after_commit", "switch_after_locks", "switch_after_runs",
    "switch_after_people", "switch_after_numbers", "switch_after_sinks", "switch_after_overlays",
    "switch_before_commit", "switch_after_commit",
)  # fmt: skip
# By chance: claimed, in the middle of the transaction, and just after it.
QUICK_POINTS = ("after_claim_chunk", "after_events", "after_commit")


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of an installation with an empty database file."""
    data = tmp_path_factory.mktemp("installation")
    wanted = {
        "OSKARTRACK_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/oskartrack.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nothing listens: the work must not care
        "PYTHONPATH": str(ROOT),
        "OSKARTRACK_ENV": "development",
    }
    env = {**os.environ, **wanted, "DJANGO_SETTINGS_MODULE": "oskartrack.settings"}
    manage(env, "migrate", "-v", "0")
    return env


def run(
    command: list[str], env: dict[str, str], timeout_s: int
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def drive(env: dict[str, str], folder: Path, **order: Any) -> dict[str, Any]:
    """Have `crash_driver` do something and return what it found."""
    answer = folder / "answer.json"
    order["folder"] = str(folder)
    command = [sys.executable, "-m", "tests.tracking.crash_driver", json.dumps(order), str(answer)]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(answer.read_text())
    return found


def fresh(surroundings: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the surroundings with a database of their own: a copy of the empty one."""
    empty = Path(surroundings["OSKARTRACK_DATA"]) / "oskartrack.sqlite3"
    copy = folder / "oskartrack.sqlite3"
    with sqlite3.connect(empty) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return surroundings | {"OSKARTRACK_DATA": str(folder), "DATABASE_URL": f"sqlite:///{copy}"}


def check_points(points: tuple[str, ...], surroundings: dict[str, str], folder: Path) -> None:
    found = drive(fresh(surroundings, folder), folder, points=points)
    expected = found.pop("unbroken")["facts"]
    assert any('"entered"' in fact for fact in expected)
    for point in points:
        assert found[point]["code"] == -signal.SIGKILL, point
        assert found[point]["facts"] == expected, point


def test_a_worker_killed_in_the_middle_leaves_no_trace_in_the_facts(surroundings, tmp_path):
    check_points(QUICK_POINTS, surroundings, tmp_path)


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_worker_killed_at_any_fault_point_leaves_no_trace_in_the_facts(surroundings, tmp_path):
    check_points(POINTS, surroundings, tmp_path)


@pytest.mark.timeout(300)
def test_a_worker_killed_while_runs_are_switched_leaves_the_old_count_or_the_new(
    surroundings, tmp_path
):
    check_recounts(("switch_after_sinks", "switch_after_commit"), surroundings, tmp_path)


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_a_worker_killed_at_any_point_of_a_recount_leaves_no_trace(surroundings, tmp_path):
    check_recounts(RECOUNT_POINTS, surroundings, tmp_path)


def check_recounts(points: tuple[str, ...], surroundings: dict[str, str], folder: Path) -> None:
    found = drive(fresh(surroundings, folder), folder, recount_points=points)
    expected = found["recounted"]["facts"]
    assert expected != found["unbroken"]["facts"]
    for point in points:
        answer = found[point]
        assert (answer["code"], answer["state"]) == (-signal.SIGKILL, "done"), point
        assert answer["whole"], point
        assert answer["facts"] == expected, point


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_workers_killed_at_random_leave_no_trace_in_the_facts(surroundings, tmp_path):
    seeds = [int.from_bytes(os.urandom(3)) for _ in range(3)]
    found = drive(fresh(surroundings, tmp_path), tmp_path, seeds=seeds)
    expected = found.pop("unbroken")["facts"]
    for seed in seeds:
        assert found[f"seed {seed}"]["facts"] == expected, seed
    assert sum(answer["kills"] for answer in found.values()) >= 6


def test_workers_side_by_side_frozen_stopped_or_hanging_give_the_same_facts(surroundings, tmp_path):
    found = drive(fresh(surroundings, tmp_path), tmp_path, others=True)
    expected = found.pop("unbroken")["facts"]
    assert found["together"] == {"codes": [0, 0, 0], "facts": expected}
    assert found["frozen"] == {"code": 0, "facts": expected}
    assert found["hanging"] == {"code": -signal.SIGKILL, "facts": expected}
    assert found["asked"]["facts"] == expected
    assert found["asked"]["held"] == 0
    assert found["asked"]["code"] == -signal.SIGTERM
    assert found["asked"]["took_s"] < 5


@pytest.mark.timeout(180)
def test_an_ingest_killed_once_and_started_again_gives_the_facts_of_an_unbroken_one(
    surroundings, tmp_path
):
    """The lease is waited for: nobody is told that the worker died."""
    video, truth = walks.make_files(tmp_path)
    scene = walks.truth() | {"setup": walks.setup_json()}
    truth.write_text(json.dumps(scene))
    command = ["ingest", str(video), "--camera", "Door", "--started-at", "2026-07-01T09:00:00Z",
               "--setup", str(truth), "--detector", "scripted", "--wait"]  # fmt: skip
    facts = {}
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        env = fresh(surroundings, folder)
        here = [*command, "--store", "corner"]
        if name == "killed":
            kill_after_first_commit(env, folder, here)
        line = manage(env, *here).splitlines()[-1]
        assert json.loads(line)["state"] == "done"
        facts[name] = manage(env, "export_facts", "--store", "corner").splitlines()
    assert len(facts["whole"]) > 20
    assert facts["killed"] == facts["whole"]


def test_ringing_at_a_dead_broker_neither_fails_nor_waits(surroundings):
    code = (
        "import time; from tracking import tasks; tasks._send(tasks.detect_chunk, 1); "
        "began = time.monotonic(); rung = tasks._send(tasks.detect_chunk, 1); "
        "print(rung, time.monotonic() - began)"
    )
    rung, took_s = manage(surroundings, "shell", "--no-imports", "-c", code).split()[-2:]
    assert rung == "False"
    assert float(took_s) < 1


def kill_after_first_commit(env: dict[str, str], folder: Path, command: list[str]) -> None:
    """Start an ingest and kill it with SIGKILL while it is in the middle."""
    child = subprocess.Popen(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=env, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline and counted(folder)[0] == 0:
            assert child.poll() is None, "It ended before it could be killed."
            time.sleep(0.002)
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL
    next_chunk, chunks = counted(folder)
    assert 0 < next_chunk < chunks


def counted(folder: Path) -> tuple[int, int]:
    """Return the checkpoint of the one run and how many chunks there are."""
    with sqlite3.connect(folder / "oskartrack.sqlite3", timeout=20) as database:
        row = database.execute(
            "SELECT next_chunk, chunk_count FROM tracking_run r "
            "JOIN tracking_recording c ON c.id = r.recording_id"
        ).fetchone()
    return row or (0, 0)
