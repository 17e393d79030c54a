"""A really full disk, small and of its own: refused in words, paused, healed, nothing corrupt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DISK_MB = 24
# $1 is where the disk goes; the rest is the program. The mount ends with the namespace.
IN_A_NAMESPACE = (
    f'mount -t tmpfs -o size={DISK_MB}m,mode=0700 oskartrack "$1" && shift && exec "$@"'
)

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(400)]


def on_a_small_disk(at: Path, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "-m", "--", "sh", "-c", IN_A_NAMESPACE, "sh", str(at), *command],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the driver saw on its own small disk."""
    folder = tmp_path_factory.mktemp("small-disk")
    data = folder / "data"
    data.mkdir()
    try:
        tried = on_a_small_disk(data, "true")
    except FileNotFoundError:
        pytest.skip("there is no unshare here to give the test a disk of its own")
    if tried.returncode:
        pytest.skip(f"no mount namespace here: {tried.stderr.strip()}")
    environment = {
        **os.environ,
        "OSKARTRACK_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/oskartrack.sqlite3",
        "DJANGO_SETTINGS_MODULE": "oskartrack.settings",
        "OSKARTRACK_DISK_FLOOR_BYTES": "1000000",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    result = folder / "answer.json"
    done = on_a_small_disk(
        data, sys.executable, "-m", "tests.house.full_disk_driver", str(folder), str(result),
        cwd=ROOT, env=environment, timeout=380,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    told: dict[str, Any] = json.loads(result.read_text())
    return told


def test_the_disk_was_really_full(answer: dict[str, Any]):
    errors = " ".join(answer["work"]["errors"])
    assert "No space left on device" in errors
    assert "database or disk is full" in errors
    assert answer["work"]["strange"] == []


def test_work_that_met_a_full_disk_gives_the_facts_of_work_that_did_not(answer: dict[str, Any]):
    assert answer["work"]["state"] == "done"
    assert len(answer["unbroken"]) > 20
    assert answer["facts"] == answer["unbroken"]
    assert answer["database"] == "ok"
    assert answer["work"]["drafts"] == []


def test_work_pauses_in_words_while_the_disk_is_low(answer: dict[str, Any]):
    assert answer["work"]["paused"].startswith("Waiting for disk space: ")


@pytest.mark.parametrize("how", ["low", "full"])
def test_uploads_are_refused_with_507_and_told_when_to_come_again(how: str, answer: dict[str, Any]):
    assert answer["asked"][how] == [[507, "disk_full", "60"]] * 2


def test_readiness_names_the_disk(answer: dict[str, Any]):
    status, disk, retry_after = answer["asked"]["ready"]
    assert (status, disk["ok"]) == (503, False)
    assert "Make room" in disk["todo"]
    assert int(retry_after) > 0


def test_an_upload_goes_on_where_it_was_once_there_is_room(answer: dict[str, Any]):
    assert answer["asked"]["sent"] == 204
    assert answer["asked"]["stored"]


def test_pages_can_be_read_while_the_disk_is_full(answer: dict[str, Any]):
    assert answer["asked"]["page"] == 200
