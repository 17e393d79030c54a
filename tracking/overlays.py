"""What to draw over a recording: followed people, their trails, and the pictures beneath."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from tracking import media
from tracking.models import Chunk, Recording
from tracking.overlay import TrackedFrame, previews_name, unpack
from zones.models import Camera

TRAIL_MS = 6_000
TRAIL_STEP_MS = 200
DECIMALS = 4  # a tenth of a pixel at 1,000 pixels


@dataclass(frozen=True, slots=True)
class Overlay:
    """A span of a recording as its serializer wants it."""

    width: int
    height: int
    frames: list[dict[str, Any]]
    picture_times_ms: list[int]
    trails: dict[str, list[list[float]]]


def overlay_of(recording: Recording, from_ms: int, to_ms: int) -> Overlay:
    """Return what was followed in ``[from_ms, to_ms)`` media time, with trails leading up to it."""
    chunks = list(_chunks(recording, from_ms - TRAIL_MS, to_ms).exclude(overlay=None))
    led_up = [
        frame
        for chunk in chunks
        for frame in unpack(bytes(chunk.overlay or b""))
        if from_ms - TRAIL_MS <= frame.time_ms < to_ms
    ]
    shown = [frame for frame in led_up if frame.time_ms >= from_ms]
    pictures = _chunks(recording, from_ms, to_ms).values_list("preview_index", flat=True)
    return Overlay(
        width=int(recording.media.get("width", 0)),
        height=int(recording.media.get("height", 0)),
        frames=[_frame(frame) for frame in shown],
        picture_times_ms=[
            time_ms
            for index in (pictures if recording.folder else ())
            for time_ms, _, _ in index
            if from_ms <= time_ms < to_ms
        ],
        trails=_trails(led_up, shown),
    )


def picture_at(recording: Recording, at_ms: int) -> bytes | None:
    """Return the pixelated JPEG on show at a media time: the last one until then, if any is kept.

    Before a recording's first picture, that is the first one.
    """
    chunks = Chunk.objects.filter(recording=recording, first_ms__lte=max(0, at_ms))
    filled = chunks.exclude(preview_index=[]).order_by("-index")
    rows = list(filled.values_list("index", "preview_index")[:2])
    for chunk, entries in rows:
        before = [entry for entry in entries if entry[0] <= at_ms]
        if before:
            return _read(recording, chunk, before[-1])
    for chunk, entries in rows[-1:]:
        return _read(recording, chunk, entries[0])
    return None


def still_of(camera: Camera) -> bytes | None:
    """Return a camera's person-free JPEG, or None where there is none."""
    folder, _, name = camera.still.partition("/")
    if not name:
        return None
    try:
        return media.file_path(folder, name).read_bytes()
    except FileNotFoundError:
        return None


def _chunks(recording: Recording, from_ms: int, to_ms: int) -> QuerySet[Chunk]:
    meets = Chunk.objects.filter(recording=recording, first_ms__lt=to_ms, last_ms__gt=from_ms)
    return meets.defer("detections").order_by("index")


def _read(recording: Recording, chunk: int, entry: tuple[int, int, int]) -> bytes | None:
    """Return one picture out of a chunk's file, or None once the file was purged."""
    _, offset, length = entry
    if not recording.folder:
        return None
    try:
        with media.file_path(recording.folder, previews_name(chunk)).open("rb") as file:
            file.seek(offset)
            picture = file.read(length)
    except FileNotFoundError:
        return None
    return picture if len(picture) == length else None


def _frame(frame: TrackedFrame) -> dict[str, Any]:
    people = zip(frame.numbers, frame.boxes.tolist(), strict=True)
    return {
        "time_ms": frame.time_ms,
        "people": [
            {"track": number, "box": [round(edge, DECIMALS) for edge in box]}
            for number, box in people
        ],
    }


def _trails(led_up: list[TrackedFrame], shown: list[TrackedFrame]) -> dict[str, list[list[float]]]:
    """Return the last seconds of foot points of everyone who is shown."""
    wanted = {number for frame in shown for number in frame.numbers}
    trails: defaultdict[int, list[list[float]]] = defaultdict(list)
    for frame in led_up:
        for number, (x1, _, x2, y2) in zip(frame.numbers, frame.boxes.tolist(), strict=True):
            trail = trails[number]
            if number in wanted and (not trail or frame.time_ms - trail[-1][0] >= TRAIL_STEP_MS):
                foot = [round((x1 + x2) / 2, DECIMALS), round(y2, DECIMALS)]
                trail.append([frame.time_ms, *foot])
    return {str(number): trails[number] for number in sorted(wanted)}
