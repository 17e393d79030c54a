"""A pytest of its own on a few lines of tests, for the tests of the plugins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGINS = ("environment", "databases", "side_by_side")
OURS = ("DJANGO_SETTINGS_MODULE", "OSKARTRACK_TEST_DATABASE_URL")


def run_pytest(files: dict[Path, str], *arguments: str) -> tuple[int, str]:
    """Write the files and run their tests; return the exit code and all that was said."""
    for path, text in files.items():
        path.write_text(text)
    plugins = [part for name in PLUGINS for part in ("-p", f"tests.plugins.{name}")]
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugins),
            # The tables straight from the models: each round would take seconds for its migrations.
            *("--no-migrations", "-c", str(ROOT / "pyproject.toml"), *arguments, *map(str, files)),
        ],
        cwd=ROOT,
        env=inherited,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
