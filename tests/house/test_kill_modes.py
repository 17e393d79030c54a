"""Six ways to end the product in the middle of its work: no process left, no work lost or doubled.

Each blow falls while a slice is under way, seen in its row and in its worker's time of a core.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.house import kill_stage as stage
from tests.house.kill_stage import Watched, Work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Start = Callable[..., Watched]
# The kernel ends what a killed supervisor leaves; it does so in no time, not in none.
KERNEL_S = 3


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

    def start_one(data: Path) -> Watched:
        started.append(Watched(data, tmp_path / f"up{len(started)}.log"))
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
    began = time.monotonic()
    assert running.supervisor.wait(30) == 0
    assert time.monotonic() - began < 8, "it was killed, not asked"
    assert running.left() == []
    assert running.product.text.endswith("Stopped. No process is left.\n")

    after = stage.chunks(data)
    now = after[struck.index]
    assert (now.state, now.fence) == ("waiting", struck.fence), "it was not in progress"
    assert stage.leases(data) == 0
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
    began = time.monotonic()
    if how == "kill -9":
        running.supervisor.kill()
        running.supervisor.wait()
        stage.wait_until(lambda: running.left() == [], "the kernel", KERNEL_S)
    else:
        running.interrupt()
        running.product.wait_for("stopping; work in progress is given back")
        running.interrupt()
        assert running.supervisor.wait(30) == 0
        assert running.left() == []
    assert time.monotonic() - began < KERNEL_S
    assert stage.chunks(data)[struck.index].state != "done", "it was not in progress"
    check_the_rest(work, start, data, before)


CHILDREN = {
    "web": "oskartrack.daphne_server",
    "beat": "oskartrack beat",
    "valkey": "valkey",
    "worker": "",  # the one that holds the slice
}


def test_each_child_that_dies_takes_all_of_its_own_along_and_is_started_again(
    work: Work, start: Start
):
    data = work.waiting("children")
    running = start(data)
    running.product.ready()
    for name, words in CHILDREN.items():
        struck, _ = stage.slice_under_way(data, finished=0)
        found = running.role(words) if words else stage.psutil.Process(struck.worker)
        assert found is not None, name
        own = stage.descendants(found.pid, itself=True)
        found.kill()
        running.product.wait_for(rf"{name}( \d)? ended \(killed by SIGKILL\); it starts again")
        stage.wait_until(
            lambda own=own: not any(map(stage.is_live, own)), f"what {name} left", KERNEL_S
        )
        stage.wait_until(
            lambda found=found, words=words or "oskartrack worker": (
                (again := running.role(words)) and again.pid != found.pid
            ),
            f"{name} to be there again",
        )
    stage.wait_until(lambda: stage.done(data), "the film to be counted")
    assert stage.facts(data) == work.facts
    running.interrupt()
    assert running.supervisor.wait(30) == 0
    assert running.left() == []
