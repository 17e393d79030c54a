"""Render the demo store to a video file with its truth."""

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracking.vision import scene

LONGEST_S = 3600


class Command(BaseCommand):
    help = (
        "Render a clip of the demo store, in which every step is known: a video file and a truth "
        "file with entries, exits, zone visits and boxes. The same seed gives the same clip."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, required=True, help="the lot: who comes and when")
        parser.add_argument("--seconds", type=float, required=True, help="length of the clip")
        parser.add_argument("--fps", type=float, default=10.0, help="frames a second (10)")
        parser.add_argument(
            "--start",
            choices=("busy", "empty"),
            default="busy",
            help="customers inside from the start (busy), or the doors just opened (empty)",
        )
        parser.add_argument("--out", type=Path, required=True, help="video to write, .mp4")
        parser.add_argument("--truth", type=Path, required=True, help="truth file to write, .json")

    def handle(self, *args: Any, **options: Any) -> None:
        seconds, fps = options["seconds"], options["fps"]
        out, truth = options["out"], options["truth"]
        _check(options["seed"], seconds, fps, out, truth)
        plan = scene.plan(options["seed"], seconds, fps, start=options["start"])
        bar = _Bar(plan.frame_count)
        try:
            facts = scene.write_scene(plan, out, truth, bar.show)
        except OSError as error:
            raise CommandError(f"The scene could not be written: {error}") from error
        bar.close()
        summary = {
            "file": str(out),
            "truth": str(truth),
            **{key: facts[key] for key in ("seconds", "fps", "entries", "exits", "difficulty")},
        }
        self.stdout.write(json.dumps(summary))


def _check(seed: int, seconds: float, fps: float, out: Path, truth: Path) -> None:
    if seed < 0:
        raise CommandError(f"--seed must be 0 or more, got {seed}.")
    if not 1 <= seconds <= LONGEST_S:
        raise CommandError(f"--seconds must lie between 1 and {LONGEST_S}, got {seconds:g}.")
    if not 1 <= fps <= 60:
        raise CommandError(f"--fps must lie between 1 and 60, got {fps:g}.")
    if out.suffix.lower() != ".mp4":
        raise CommandError(f"--out must end in .mp4, got '{out}'.")
    for path in (out, truth):
        if not path.resolve().parent.is_dir():
            raise CommandError(f"The folder of '{path}' does not exist; make it first.")


class _Bar:
    """A progress bar on a terminal's standard error; silent elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = sys.stderr.isatty()
        self._started = time.monotonic()

    def show(self, done: int) -> None:
        if not self._shown or (done % 5 and done != self._total):
            return
        filled = 30 * done // self._total
        left_s = (time.monotonic() - self._started) / done * (self._total - done)
        bar = "#" * filled + "." * (30 - filled)
        sys.stderr.write(f"\r[{bar}] {done}/{self._total} frames, {left_s:.0f} s left ")
        sys.stderr.flush()

    def close(self) -> None:
        if self._shown:
            sys.stderr.write("\n")
