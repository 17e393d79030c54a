"""Six ways to end the product in the middle of its work: no process left, no work lost or doubled.

Each blow falls while a slice is under way, seen in its row and in its worker's time of a core.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.house import kill_stage as stage
from tests.house.kill_stage import Watched, Work

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(300)]

Start = Callable[..., Watched]
# The kernel ends what a killed supervisor leaves; it does so in no time, not in none.
KERNEL_S = 5


@pytest.fixture(scope="module", autouse=True)
def ours() -> Generator[None, None, None]:
    with stage.orphans_come_to_us():
        yield


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return Work(tmp_path_factory.mktemp("work"))


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start, None, None]:
    started: list[Watched] = []

    def start_one(data: Path, **environment: str) -> Watched:
        started.append(Watched(data, tmp_path / f"up{len(started)}.log", **environment))
        return started[-1]

    yield start_one
    for each in started:
        each.end()


def counted_to_the_end(start: Start, data: Path) -> list[str]:
    """Start again, as anybody would, and return the facts once everything is counted."""
    again = start(data)
    again.product.ready()
    stage.wait_until(lambda: stage.done(data), "the film to be counted")
    found = stage.facts(data)
    again.interrupt()
    assert again.supervisor.wait(30) == 0
    assert again.left() == []
    return found


def nothing_left(running: Watched) -> bool:
    return running.left() == []


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(map(stage.is_live, processes))


def done_of(rows: list[stage.Chunk]) -> list[stage.Chunk]:
    return [row for row in rows if row.state == "done"]


def check_the_rest(work: Work, start: Start, data: Path, before: list[stage.Chunk]) -> None:
    """Start again: the facts are those of unbroken work, and what was done is not done twice."""
    assert counted_to_the_end(start, data) == work.facts
    after = stage.chunks(data)
    assert {row.state for row in after} == {"done"}
    kept = {row.index: row.fence for row in done_of(before)}
    assert {row.index: row.fence for row in after if row.index in kept} == kept


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_asked_to_end_it_gives_the_slice_back_and_leaves_no_process(
    how: str, work: Work, start: Start
):
    data = work.waiting(how)
    running = start(data)
    struck, before = stage.slice_under_way(data)
    running.interrupt() if how == "Ctrl-C" else running.supervisor.terminate()
    assert running.supervisor.wait(30) == 0
    assert running.left() == []
    assert running.product.text.endswith("Stopped. No process is left.\n")

    after = stage.chunks(data)
    assert stage.leases(data) == 0
    now = after[struck.index]
    assert (now.state, now.fence) == ("waiting", struck.fence), "it was not in progress"
    assert [row.attempt for row in after] == [0] * len(after)
    assert {row.index for row in done_of(before)} <= {row.index for row in done_of(after)}
    check_the_rest(work, start, data, after)


@pytest.mark.parametrize("how", ["Ctrl-C twice", "kill -9"])
def test_ended_at_once_it_leaves_no_process_and_the_slice_to_the_next_start(
    how: str, work: Work, start: Start
):
    data = work.waiting(how)
    running = start(data)
    struck, before = stage.slice_under_way(data)
    psutil.Process(struck.worker).suspend()  # asked politely, it would take its ten seconds
    began = time.monotonic()
    if how == "kill -9":
        running.supervisor.kill()
        running.supervisor.wait()
        stage.wait_until(partial(nothing_left, running), "the kernel", KERNEL_S)
    else:
        running.interrupt()
        running.product.wait_for("stopping; work in progress is given back")
        running.interrupt()
        assert running.supervisor.wait(30) == 0
        assert running.left() == []
    assert time.monotonic() - began < KERNEL_S
    assert stage.chunks(data)[struck.index] == struck, "it was not in progress"
    check_the_rest(work, start, data, before)


VALKEY = "(valkey|redis)-server"
CHILDREN = {
    "web": "daphne_server",
    "beat": "oskartrack beat",
    "worker": "oskartrack worker",
    "valkey": VALKEY,
}


def test_each_child_that_dies_takes_all_of_its_own_along_and_is_started_again(
    work: Work, start: Start
):
    """One after another, each with a slice under way; of the workers, the one that holds it."""
    data = work.waiting("children")
    running = start(data)
    fences = dict.fromkeys(range(len(stage.chunks(data))), 1)
    for name, words in CHILDREN.items():
        struck, _ = stage.slice_under_way(data, finished=0)
        found = psutil.Process(struck.worker) if name == "worker" else running.role(words)
        assert found is not None, name
        own = stage.descendants(found.pid, itself=True)
        found.kill()
        running.product.wait_for(rf"{name}( \d)? ended \(killed by SIGKILL\); it starts again")
        stage.wait_until(partial(all_gone, own), name, KERNEL_S)
        fences[struck.index] += name == "worker"
    running.product.ready()
    stage.wait_until(lambda: stage.done(data), "the film to be counted")
    for words in CHILDREN.values():
        stage.wait_until(partial(running.role, words), f"{words} to be there again")
    assert len(running.roles(CHILDREN["worker"])) == 2
    running.interrupt()
    assert running.supervisor.wait(30) == 0
    assert running.left() == []
    assert stage.facts(data) == work.facts
    assert {row.index: row.fence for row in stage.chunks(data)} == fences


def valkey_is_silent(running: Watched) -> bool:
    """Whether the program that stands in for it is there; nothing comes after it."""
    return running.role("sleep 600") is not None


def migrating(running: Watched) -> bool:
    """Whether some tables are there and more are to come."""
    if running.role("migrate") is None:
        return False
    try:
        ((tables,),) = stage.ask(running.data, "SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        return False
    return bool(tables)


def not_quite_ready(running: Watched) -> bool:
    """Whether all processes are there, and it is not ready."""
    return all(map(running.role, CHILDREN.values())) and "READY" not in running.product.text


MOMENTS = {
    "before Valkey answers": valkey_is_silent,
    "while it migrates": migrating,
    "before it is ready": not_quite_ready,
}


@pytest.fixture
def silent_valkey(tmp_path: Path) -> str:
    """Return a PATH on which Valkey never answers."""
    program = tmp_path / "programs/valkey-server"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_interrupted_while_it_starts_it_leaves_no_process_and_starts_again(
    how: str, work: Work, start: Start, tmp_path: Path, silent_valkey: str
):
    """Each start goes on where the one before was cut off; the last one counts the film."""
    data = tmp_path / "new"
    for moment, has_come in MOMENTS.items():
        path = silent_valkey if has_come is valkey_is_silent else os.environ["PATH"]
        running = start(data, PATH=path)
        stage.wait_until(partial(has_come, running), moment)
        if how == "Ctrl-C":
            running.interrupt()
            assert running.supervisor.wait(30) == 0, moment
            assert running.left() == [], moment
            assert running.product.text.endswith("Stopped. No process is left.\n"), moment
        else:
            running.supervisor.kill()
            running.supervisor.wait()
            stage.wait_until(partial(nothing_left, running), moment, KERNEL_S)
        assert "READY" not in running.product.text, moment
    work.put_in(data)
    assert counted_to_the_end(start, data) == work.facts
