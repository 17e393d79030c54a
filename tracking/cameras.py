"""Live cameras at the doors: how following them goes, and a first look at a new one."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings

from tracking.models import CameraWatch
from tracking.recorder.troubles import WORDS
from tracking.recorder.watch import advice
from zones.models import Camera
from zones.sources import Source

log = structlog.get_logger(__name__)

State = CameraWatch.State
# Nothing was heard of its process for so long: the recorder itself is gone.
SILENT = timedelta(seconds=45)
NO_RECORDER = (
    "The recorder is not running, so nobody looks. Start the product again, or `manage.py "
    "recorder`; its log says why it ended."
)
# The stream has ten seconds; a process that is to look at it needs a moment to begin.
PROBE_S = 10.0
BEGIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first look at a camera found.

    Attributes
    ----------
    problem, words : str
        What is the matter, in one word and in plain words; empty where all is well.
    width, height : int
        Pixels of its pictures.
    codec : str
        How they are coded.
    fps : float or None
        Pictures a second, where the stream says so.
    still : bytes
        One picture as JPEG, all of it in coarse blocks; empty where there was none.
    """

    problem: str = ""
    words: str = ""
    width: int = 0
    height: int = 0
    codec: str = ""
    fps: float | None = None
    still: bytes = b""


def probe(source: Source) -> Seen:
    """Look at a camera for ten seconds at the most, in a process of its own.

    What must not be seen of its address goes by a pipe, never by arguments or the environment.
    """
    order = {"kind": source.kind, "url": source.url, "transport": source.transport}
    order |= {"host": source.host}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "recorder", "--probe"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=PROBE_S + BEGIN_S,
            check=True,
        )
        said: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Seen("unreachable", WORDS["unreachable"])
    except (subprocess.CalledProcessError, ValueError) as error:
        log.warning("probe_failed", why=type(error).__name__)
        return Seen("error", WORDS["error"])
    return Seen(**said | {"still": base64.b64decode(said["still"])})


def watch_told(camera: Camera) -> dict[str, Any] | None:
    """Return how following a camera goes, as JSON; None where it was never followed."""
    watch: CameraWatch | None = getattr(camera, "watch", None)
    return None if watch is None else told(watch)


def watches_of(store: Any) -> list[dict[str, Any]]:
    """Return how following each of a store's cameras goes, by name."""
    rows = CameraWatch.objects.filter(camera__store=store).select_related("camera")
    return [
        {"id": str(row.camera.public_id), "name": row.camera.name} | told(row)
        for row in rows.order_by("camera__name", "pk")
    ]


def told(watch: CameraWatch) -> dict[str, Any]:
    """Return a camera's row as JSON: its state as it is now, whoever still writes it or not."""
    state, problem, words, since = watch.state, watch.problem, watch.words, watch.since
    silent = watch.told_at is None or datetime.now(UTC) - watch.told_at > SILENT
    if silent and state != State.OFF:
        state, problem, words = State.DOWN, "no_recorder", NO_RECORDER
        since = watch.told_at or since
    return {
        "state": str(state),
        "since": since.isoformat(timespec="seconds"),
        "problem": problem,
        "words": words,
        "last_picture_at": watch.last_picture_at
        and watch.last_picture_at.isoformat(timespec="seconds"),
        "lag_ms": watch.lag_ms,
        "processed": watch.processed,
        "dropped": watch.dropped,
        "searched_every_ms": watch.gap_ms,
    }


def advice_of(camera: Camera) -> str:
    """Return in words how many more cameras like this one the machine can follow."""
    watch: CameraWatch | None = getattr(camera, "watch", None)
    return "" if watch is None else advice(watch)
