"""A file from this machine through the same road as an upload, and its numbers at the end."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Store
from accounts.services import store_create
from tracking import recounts, runner
from tracking.models import Chunk, Recording
from tracking.recordings import Wish, recording_from_file
from tracking.selectors import RunNumbers, active_run, run_numbers
from zones.models import Camera
from zones.palette import place_of_colour
from zones.services import camera_create, line_create, zone_create

SetUp = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file belongs; what is missing of it comes from a set-up."""

    store_slug: str
    camera_name: str
    setup: SetUp | None = None
    detector: str | None = None
    detector_settings: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def place_make(place: Place, **store_fields: Any) -> Camera:
    """Return the camera, made with its store, zones and lines where they are missing.

    A camera that has zones or lines keeps them: a set-up fills in, it never redraws.

    Raises
    ------
    ValidationError
        The store or camera is missing and there is no set-up to make it from.
    """
    setup = place.setup
    store = Store.objects.filter(slug=place.store_slug).first()
    if store is None:
        if setup is None:
            raise ValidationError(
                f"There is no store '{place.store_slug}'. Make it in the admin, or give a set-up."
            )
        store = store_create(
            name=setup["store"]["name"],
            timezone=setup["store"]["timezone"],
            slug=place.store_slug,
            **store_fields,
        )
    camera = Camera.objects.filter(store=store, name=place.camera_name).first()
    if camera is None:
        if setup is None:
            known = ", ".join(store.cameras.values_list("name", flat=True)) or "none yet"
            raise ValidationError(
                f"Store '{store.slug}' has no camera '{place.camera_name}'; it has: {known}. "
                "Make it in the admin, or give a set-up."
            )
        camera = camera_create(store=store, name=place.camera_name)
    if place.detector:
        camera.detector, camera.detector_settings = place.detector, place.detector_settings
        camera.full_clean()
        camera.save(update_fields=["detector", "detector_settings"])
    if setup is not None:
        _draw_missing(camera, setup)
    return camera


def _draw_missing(camera: Camera, setup: SetUp) -> None:
    zones = set(camera.zones.values_list("name", flat=True))
    missing = [zone for zone in setup["zones"] if zone["name"] not in zones]
    # Those with a colour of ours first: the others then take what is left.
    for zone in sorted(missing, key=lambda zone: place_of_colour(zone.get("colour")) is None):
        zone_create(camera=camera, **zone | {"colour": place_of_colour(zone.get("colour"))})
    lines = set(camera.lines.values_list("name", flat=True))
    for line in setup["lines"]:
        if line["name"] not in lines:
            line_create(camera=camera, **line)


def recording_find(*, camera: Camera, path: Path, started_at: datetime) -> Recording | None:
    """Return the recording of this very file, camera and start, if it was made before."""
    same = Recording.objects.filter(camera=camera, started_at=started_at, runs__active=True)
    if not same.exists():
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return same.filter(sha256=digest).order_by("-pk").first()


def ingest(
    *, camera: Camera, path: Path, started_at: datetime, is_demo: bool = False
) -> tuple[Recording, bool]:
    """Return the recording of a file and whether it is new; asked again, it is the same one.

    Raises
    ------
    Problem
        What the gate says of the file, or `overlap` with another recording.
    """
    found = recording_find(camera=camera, path=path, started_at=started_at)
    if found is not None:
        return found, False
    wish = Wish(camera, started_at, on_duplicate="count_again", is_demo=is_demo)
    return recording_from_file(path=path, wish=wish), True


def work(recording: Recording, tell: Callable[[float], None]) -> dict[str, Any]:
    """Work a recording to its end and return its summary.

    Parameters
    ----------
    tell : callable
        Called after every step with the share that is done, in [0, 1].
    """
    began = time.monotonic()
    runner.work(recording.pk, lambda: tell(share_done(recording)))
    recounts.work(recording)
    recording.refresh_from_db()
    return summary(recording) | {"wall_s": round(time.monotonic() - began, 3)}


def share_done(recording: Recording) -> float:
    """Return the share of a recording that is found and counted, in [0, 1]."""
    detected = Chunk.objects.filter(recording=recording, state="done").count()
    run = active_run(recording)
    counted = run.next_chunk if run else 0
    return (detected + counted) / max(1, 2 * recording.chunk_count)


def summary(recording: Recording) -> dict[str, Any]:
    """Return a recording's numbers for one line of JSON."""
    run = active_run(recording)
    numbers = run_numbers([run.pk])[run.pk] if run else RunNumbers()
    return {
        "recording": str(recording.public_id),
        "state": recording.state,
        "entries": numbers.entries,
        "exits": numbers.exits,
        "visits": numbers.visits,
        "processed_s": round(recording.decoded_ms / 1000, 3),
        "wall_s": 0.0,
    }
