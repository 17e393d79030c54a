"""Which branches of the core its own tests take: the queue, the ledger, the scope, the geometry."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tools.bench.installation import ROOT, die_with

FILES = (
    "tracking/ledger.py",
    "tracking/jobs.py",
    "tracking/owners.py",
    "tracking/stopping.py",
    "accounts/scope.py",
    "zones/geometry.py",
)
# In this process alone: what children do that are killed is not in it.
TESTS = (
    "tests/tracking/test_ledger.py",
    "tests/tracking/test_jobs.py",
    "tests/tracking/test_letting_go.py",
    "tests/tracking/test_lost_workers.py",
    "tests/tracking/test_owners.py",
    "tests/accounts/test_scope.py",
    "tests/zones/test_geometry.py",
)
TIMEOUT_S = 1800
TEST_TIMEOUT_S = 600  # being watched, a test takes some times as long


@dataclass(frozen=True, slots=True)
class Covered:
    """What the tests left out of one file.

    Attributes
    ----------
    branches, lines : int
        How many there are.
    branches_missed : list of (from line, to line)
        Ways the code could go and no test went; a negative line is the way out.
    lines_missed : list of int
        Lines that no test came to.
    """

    file: str
    branches: int
    lines: int
    branches_missed: list[list[int]]
    lines_missed: list[int]


def measure(folder: Path) -> list[Covered]:
    """Run the core's tests under coverage.py and return what they left out, file by file.

    Raises
    ------
    RuntimeError
        A test failed: nothing can be said then.
    """
    data, told = folder / "coverage", folder / "coverage.json"
    watch = ("run", "--branch", f"--data-file={data}", f"--include={','.join(FILES)}")
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"timeout={TEST_TIMEOUT_S}")
    _coverage(*watch, *pytest, *TESTS)
    _coverage("json", "-q", f"--data-file={data}", "-o", str(told))
    found = json.loads(told.read_text())["files"]
    return [_covered(file, found[file]) for file in FILES]


def _covered(file: str, told: dict[str, Any]) -> Covered:
    summary = told["summary"]
    return Covered(
        file,
        branches=summary["num_branches"],
        lines=summary["num_statements"],
        branches_missed=told["missing_branches"],
        lines_missed=told["missing_lines"],
    )


def _coverage(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "coverage", *arguments],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        preexec_fn=partial(die_with, os.getpid()),
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise RuntimeError(f"coverage {arguments[0]} failed:\n{said}")
