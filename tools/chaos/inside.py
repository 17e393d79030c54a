"""What is done with an installation's own code: ``python -m tools.chaos.inside WORD FILE``."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts.models import Store  # noqa: E402
from tools.chaos.hooks import loose  # noqa: E402
from tracking import gate, ingest, jobs, recordings, runner  # noqa: E402
from tracking.gate import CheckedFile  # noqa: E402
from tracking.models import Recording  # noqa: E402

# Three kills by lot may hit one chunk, which rightly sets it aside.
BY_LOT = ("crashed", "decoder_crashed")


def make(file: Path) -> None:
    """Bring in the films that a file lists; rows are made, nobody works them."""
    loose(gate).check_file = once_a_content(gate.check_file)
    for film in json.loads(file.read_text()):
        script = Path(film["script"])
        place = ingest.Place(
            film["store"],
            film["camera"],
            json.loads(script.read_text())["setup"],
            "scripted",
            {"truth_path": str(script)},
        )
        camera = ingest.place_make(place)
        at = datetime.fromisoformat(film["started_at"])
        ingest.ingest(camera=camera, path=Path(film["video"]), started_at=at)


def once_a_content(check: Callable[[Path], CheckedFile]) -> Callable[[Path], CheckedFile]:
    """Let the gate look at a content once: the films show the same, their truths differ."""
    known: dict[str, CheckedFile] = {}

    def checked(path: Path) -> CheckedFile:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return known.setdefault(digest, known.get(digest) or check(path))

    return checked


def count(file: Path) -> None:
    """Work every recording to its end without a break; write all facts, by store, to a file."""
    for number in Recording.objects.filter(state__in=jobs.OPEN).order_by("pk").values_list("pk"):
        runner.work(*number)
    export(file)


def ask_again(file: Path) -> None:
    """Do what a person does about recordings that were set aside; write how many there were.

    Only those that lost their workers or decoders too often: whatever else failed is a fault.
    """
    aside = Recording.objects.filter(state=Recording.State.QUARANTINED, error_code__in=BY_LOT)
    asked = list(aside)
    for recording in asked:
        recordings.recording_retry(recording=recording)
    file.write_text(str(len(asked)))


def export(file: Path) -> None:
    """Write what `export_facts` prints of every store, and `rebuild_rollups`, to a file."""
    found: dict[str, Any] = {
        store.slug: _printed("export_facts", "--store", store.slug).splitlines()
        for store in Store.objects.order_by("slug")
    }
    rollups = _printed("rebuild_rollups", "--check").splitlines()[-1]
    file.write_text(json.dumps({"facts": found, "rollups": rollups}))


def _printed(*command: str) -> str:
    said = io.StringIO()
    with contextlib.suppress(SystemExit):  # the last line says what differs
        call_command(*command, stdout=said)
    return said.getvalue()


if __name__ == "__main__":
    words = {"make": make, "count": count, "ask_again": ask_again, "export": export}
    words[sys.argv[1]](Path(sys.argv[2]))
