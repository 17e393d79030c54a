"""``manage.py ingest FILE --store SLUG --camera NAME --started-at ISO``: count a local file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracking import detectors, ingest, tasks
from tracking.management.progress import Bar
from tracking.models import Recording
from tracking.problems import Problem, known
from tracking.stopping import stoppable

UNUSABLE = (Recording.State.FAILED, Recording.State.QUARANTINED, Recording.State.CANCELLED)


class Command(BaseCommand):
    """Bring a file in by the same road as an upload."""

    help = (
        "Count a video or picture file of this machine. Prints one line of JSON at the end: "
        "recording, state, entries, exits, visits, processed_s, wall_s. Given again, the same file "
        "of the same camera and start goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--store", required=True, metavar="SLUG", help="the store's short name")
        parser.add_argument("--camera", required=True, metavar="NAME", help="the camera's name")
        parser.add_argument(
            "--started-at", required=True, metavar="ISO", type=_instant,
            help="time of the first frame with its offset, as 2026-07-01T09:00:00+02:00",
        )  # fmt: skip
        parser.add_argument(
            "--setup", type=Path, metavar="TRUTH.json",
            help="scene file whose set-up makes store, camera, zones and line where missing",
        )  # fmt: skip
        parser.add_argument(
            "--detector", choices=detectors.names(), help="let the camera use this detector"
        )
        parser.add_argument(
            "--wait", action="store_true",
            help="return when it is counted; works on it here too, so no worker is needed",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        recording = self._begin(options)
        if options["wait"]:
            bar = Bar("counting")
            with stoppable():
                numbers = ingest.work(recording, bar.show)
            bar.close()
        else:
            tasks.ring(recording.pk)
            numbers = ingest.summary(recording)
        self.stdout.write(json.dumps(numbers))
        recording.refresh_from_db()
        if recording.state in UNUSABLE:
            problem = known(recording.error_code)
            raise CommandError(f"{problem.what} {problem.next_step}")

    def _begin(self, options: dict[str, Any]) -> Recording:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file '{path}'.")
        setup = _read_setup(options["setup"]) if options["setup"] else None
        place = ingest.Place(
            options["store"],
            options["camera"],
            setup,
            options["detector"],
            _detector_settings(options["detector"], options["setup"]),
        )
        try:
            camera = ingest.place_make(place)
            recording, _ = ingest.ingest(camera=camera, path=path, started_at=options["started_at"])
        except Problem as problem:
            raise CommandError(str(problem.detail)) from problem
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return recording


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"'{text}' is no time like 2026-07-01T09:00:00+02:00.") from error
    if instant.tzinfo is None:
        raise CommandError(f"'{text}' lacks its offset, as in {text}+00:00.")
    return instant


def _detector_settings(detector: str | None, setup: Path | None) -> dict[str, str]:
    """Return what the detector needs: the scripted one sees what the scene file says."""
    if detector != "scripted":
        return {}
    if setup is None:
        raise CommandError("The scripted detector reads its boxes from --setup.")
    return {"truth_path": str(setup.resolve())}


def _read_setup(path: Path) -> dict[str, Any]:
    try:
        setup = json.loads(path.read_text(encoding="utf-8"))["setup"]
    except OSError as error:
        raise CommandError(f"The set-up '{path}' cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"'{path}' is no scene file with a \"setup\".") from error
    missing = [key for key in ("store", "camera", "zones", "lines") if key not in setup]
    if missing:
        raise CommandError(f"The set-up in '{path}' lacks {', '.join(missing)}.")
    return dict(setup)
