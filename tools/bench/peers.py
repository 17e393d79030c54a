"""Programs to be held against: installed for measuring alone, where nothing else sees them."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.bench.installation import ROOT

WANTED = ROOT / "requirements-bench.txt"
FOLDER = ROOT / "var/bench/peers"


def folder() -> Path:
    """Return the folder with the peers' packages, installed where they are not, or not as wanted.

    Raises
    ------
    RuntimeError
        They cannot be had; with what pip said.
    """
    mark = FOLDER / WANTED.name
    if mark.is_file() and mark.read_text() == WANTED.read_text():
        return FOLDER
    shutil.rmtree(FOLDER, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
    command = [*pip, "--target", str(FOLDER), "-r", str(WANTED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The peers could not be installed:\n{done.stderr[-2000:]}")
    mark.write_text(WANTED.read_text())
    return FOLDER
