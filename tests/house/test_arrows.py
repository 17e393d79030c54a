"""The arrows between the rooms hold, and each contract breaks when one is drawn backwards."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINT = Path(sys.executable).parent / "lint-imports"
ROOMS = ("oskartrack", "analytics", "tracking", "zones", "accounts")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The Python code and its contracts, to plant mistakes in."""
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def verdicts(folder: Path) -> dict[str, str]:
    """Return each contract's id and whether it was kept or broken."""
    done = subprocess.run(
        [LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    said = " ".join(done.stdout.split())  # long names are broken over lines
    contracts = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["importlinter"]
    result = {
        contract["id"]: verdict
        for contract in contracts["contracts"]
        for verdict in ("KEPT", "BROKEN")
        if f"{contract['name']} {verdict}" in said
    }
    assert len(result) == len(contracts["contracts"]), done.stdout + done.stderr
    assert ("BROKEN" in result.values()) is bool(done.returncode)
    return result


def test_every_arrow_points_the_right_way(copy: Path):
    assert verdicts(copy) == {"rooms": "KEPT", "pure": "KEPT", "in-room": "KEPT"}


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("zones/models.py", "import tracking.models", "rooms"),
        ("accounts/models.py", "def later():\n    from analytics import models", "rooms"),
        ("tracking/models.py", "from oskartrack import settings", "rooms"),
        ("zones/geometry.py", "import django.conf", "pure"),
        ("tracking/vision/boxes.py", "from celery import shared_task", "pure"),
        ("analytics/kpis.py", "import redis", "pure"),
        ("analytics/calendar.py", "import rest_framework.fields", "pure"),
        # Not itself, but by way of a module that does.
        ("tracking/vision/boxes.py", "from zones import models", "pure"),
        ("tracking/models.py", "from tracking import ledger", "in-room"),
        ("tracking/selectors.py", "from tracking import ledger", "in-room"),
        ("tracking/ledger.py", "from tracking import views", "in-room"),
    ],
)
def test_a_backward_import_breaks_its_contract(
    module: str, planted: str, contract: str, copy: Path
):
    with (copy / module).open("a") as file:
        file.write(f"\n{planted}\n")
    broken = [name for name, verdict in verdicts(copy).items() if verdict == "BROKEN"]
    assert broken == [contract]


def test_pure_modules_are_imported_without_any_framework():
    # import-linter does not see what a package's __init__ brings along; this does.
    program = """
import importlib, pkgutil, sys
for name in ("django", "rest_framework", "channels", "celery", "redis"):
    sys.modules[name] = None  # an import of it raises
import tracking.vision
for module in pkgutil.walk_packages(tracking.vision.__path__, "tracking.vision."):
    importlib.import_module(module.name)
import analytics.calendar, analytics.kpis, zones.geometry
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
