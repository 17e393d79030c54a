"""Two processes share the tests: nothing is lost, what must not meet does not, a death is told."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.inner_pytest import ROOT, run_pytest
from tests.plugins import side_by_side

# The run starts eight interpreters, some of them two at once: a minute or more on a busy machine.
pytestmark = pytest.mark.timeout(300)
# Each test notes which process ran it, and on which database.
START = """
import os
from pathlib import Path
import pytest
from django.db import connection

def note(name):
    with (Path(__file__).parent / "ran").open("a") as file:
        file.write(f"{name} {connection.vendor} {os.getpid()}\\n")

@pytest.fixture(autouse=True)
def noted(request):
    note(request.node.name)
"""
FIRST = """
@pytest.mark.heavy
def test_heavy_a(): pass
def test_a(): pass
def test_b(): pass
@pytest.mark.db
def test_rows_a(): pass
@pytest.mark.db
def test_rows_b(): pass
"""
SECOND = """
@pytest.mark.heavy
def test_heavy_b(): pass
def test_c(): pass
def test_d(): assert False, "this one fails"
@pytest.mark.db
def test_rows_c(): assert connection.vendor == "sqlite", "this one fails too"
"""
THIRD = """
@pytest.mark.heavy
def test_heavy_c(): pass
@pytest.mark.slow
def test_e(): os._exit(3)
def test_f(): pass
@pytest.mark.db
def test_rows_d():
    if connection.vendor == "postgresql": os._exit(3)
"""


class Run:
    """One run of those three files in two processes, on both databases."""

    def __init__(self, folder: Path) -> None:
        texts = {"first": FIRST, "second": SECOND, "third": THIRD}
        files = {folder / f"test_{name}.py": START + text for name, text in texts.items()}
        self.code, self.said = run_pytest(files, "--also-postgresql", "-n", "2")
        self.ran = [line.split() for line in (folder / "ran").read_text().splitlines()]

    def who(self, pattern: str, database: str) -> set[str]:
        """Return the processes that ran these tests."""
        return {pid for name, on, pid in self.ran if re.fullmatch(pattern, name) and on == database}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("side-by-side"))


@pytest.mark.slow
def test_every_test_runs_once_on_each_of_its_databases(run: Run):
    letters = [*"abcdef", *(f"heavy_{letter}" for letter in "abc")]
    rows = [f"rows_{letter}" for letter in "abcd"]
    wanted = [(f"test_{name}", "sqlite") for name in (*letters, *rows)]
    wanted += [(f"test_{name}", "postgresql") for name in rows]
    assert sorted((name, on) for name, on, _ in run.ran) == sorted(wanted), run.said


@pytest.mark.slow
def test_both_rounds_have_two_processes(run: Run):
    for database in ("sqlite", "postgresql"):
        assert len(run.who(".*", database)) >= 2, run.said


@pytest.mark.slow
def test_a_file_stays_in_one_process_and_so_do_all_heavy_tests(run: Run):
    assert len(run.who("test_[ab]", "sqlite")) == 1
    assert len(run.who("test_[cd]", "sqlite")) == 1
    assert len(run.who("test_heavy_[abc]", "sqlite")) == 1


@pytest.mark.slow
def test_a_failure_in_any_process_of_any_round_fails_the_run(run: Run):
    assert run.code == 1
    assert "4 failed, 13 passed" in run.said.splitlines()[-1]
    assert "this one fails" in run.said
    assert re.search(r"FAILED \S*::test_rows_c\[postgresql\]", run.said)


@pytest.mark.slow
def test_a_process_that_dies_is_told_with_its_test_and_the_others_go_on(run: Run):
    assert re.search(r"crashed while running '\S*::test_e'", run.said)
    assert re.search(r"crashed while running '\S*::test_rows_d'", run.said)
    assert run.who("test_f", "sqlite") - run.who("test_e", "sqlite")


@pytest.mark.parametrize(("cores", "processes"), [({0}, 1), ({0, 1}, 2), (set(range(64)), 2)])
def test_there_is_a_process_a_core_and_two_at_most(cores, processes, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    assert side_by_side.pytest_xdist_auto_num_workers() == processes


@pytest.mark.parametrize(("asked", "alone"), [((), False), (("ARGS=tests/zones -s",), True)])
def test_tests_that_somebody_names_run_in_the_terminals_own_process(asked, alone):
    told = subprocess.run(
        ["make", "--dry-run", "test", *asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (command,) = [line for line in told.stdout.splitlines() if "-m pytest" in line]
    assert command.endswith("tests/zones -s" if alone else "-n auto")
    assert ("-n auto" in command) != alone
