"""The scripts' own tests, run by node, so that one command runs every test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_logic_of_the_scripts_holds():
    files = [str(path) for path in sorted((ROOT / "tests/js").glob("*.test.js"))]
    assert files
    done = subprocess.run(
        [sys.executable, "tools/node.py", "node", "--test", *files],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
