"""The way of one person over a camera's picture: foot points, the map of then, points to mark."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from tracking.models import Run
from tracking.overlay import BadOverlayError, PathPoint, unpack_path
from tracking.vision.errors import BadSetupError
from tracking.vision.setup import SceneSetup, is_valid_at
from zones.models import Camera, Zone

log = structlog.get_logger(__name__)

Piece = list[PathPoint]  # foot points of one track, in order of time
DECIMALS = 4  # a tenth of a pixel at 1,000 pixels
# Before coming in and after going out so much is drawn, so that the step over the line shows.
AROUND_MS = 3000
USUAL_FRAME = (16, 9)
# A moment this far from every foot point was not followed: it has no place in the picture.
FAR_MS = 5000
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a way worth a word: `kind` is `here`, `in` or `out`."""

    kind: str
    label: str
    time_ms: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Way:
    """A person's way on a camera's picture, with the map that it was counted with."""

    camera: Camera
    run: Run
    width: int
    height: int
    zones: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    pieces: list[Piece]
    # Mean score of what was found along it; None where no track is kept.
    confidence: float | None
    marks: list[Mark] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what draws it, as plain JSON types."""
        return {
            "width": self.width,
            "height": self.height,
            "started_at": self.run.recording.started_at.isoformat(),
            "zones": self.zones,
            "lines": self.lines,
            "pieces": [
                [[ms, round(x, DECIMALS), round(y, DECIMALS)] for ms, x, y in piece]
                for piece in self.pieces
            ],
            "marks": [
                {"kind": m.kind, "label": m.label, "time_ms": m.time_ms, "at": [m.x, m.y]}
                for m in self.marks
            ],
        }


def way_of(run: Run, chain: int | None, at: datetime, until: datetime | None = None) -> Way:
    """Return the way of a run's chain of tracks, with the map as it was at an instant.

    Parameters
    ----------
    run : Run
        With its recording and camera.
    chain : int or None
        Whose way; None where nobody was followed.
    at : datetime
        The moment that is asked about: all of the track is drawn around it, or with `until` only
        what lies between the two, and a little before and after.
    """
    recording = run.recording
    at_ms = media_ms(run, at)
    pieces, confidence = ([], None) if chain is None else _pieces(run, chain)
    if until is not None:
        ends_ms = media_ms(run, until) + AROUND_MS
        pieces = [cut(piece, at_ms - AROUND_MS, ends_ms) for piece in pieces]
    width, height, zones, lines = _map(run, at_ms)
    kept = [piece for piece in pieces if piece]
    return Way(recording.camera, run, width, height, zones, lines, kept, confidence)


def media_ms(run: Run, at: datetime) -> int:
    """Return an instant as milliseconds of the run's recording."""
    return (at - run.recording.started_at) // _MILLISECOND


def mark_at(way: Way, kind: str, label: str, time_ms: int) -> list[Mark]:
    """Return a mark where the person was at a moment of media time, or none."""
    place = place_at(way.pieces, time_ms)
    if place is None:
        return []
    return [Mark(kind, label, time_ms, *(round(value, DECIMALS) for value in place))]


def place_at(pieces: Sequence[Piece], time_ms: int) -> tuple[float, float] | None:
    """Return where the foot point was at a moment, between two points on the straight line.

    Before, between and after the pieces it is the nearest end; None where that is far off.
    """
    inside = [piece for piece in pieces if piece[0][0] <= time_ms <= piece[-1][0]]
    if inside:
        return _between(inside[0], time_ms)
    ends = [end for piece in pieces for end in (piece[0], piece[-1])]
    near = min(ends, key=lambda end: abs(end[0] - time_ms), default=None)
    if near is None or abs(near[0] - time_ms) > FAR_MS:
        return None
    return near[1], near[2]


def cut(piece: Piece, from_ms: int, to_ms: int) -> Piece:
    """Return the part of a piece between two moments, both included."""
    return [point for point in piece if from_ms <= point[0] <= to_ms]


def _between(piece: Piece, time_ms: int) -> tuple[float, float]:
    index = bisect_left(piece, time_ms, key=lambda point: point[0])
    after = piece[index]
    if after[0] == time_ms or index == 0:
        return after[1], after[2]
    before = piece[index - 1]
    share = (time_ms - before[0]) / (after[0] - before[0])
    return (
        before[1] + share * (after[1] - before[1]),
        before[2] + share * (after[2] - before[2]),
    )


def _pieces(run: Run, chain: int) -> tuple[list[Piece], float | None]:
    """Return the foot points of a chain's tracks, oldest first; a damaged one is left out."""
    pieces, scores = [], []
    for track in run.tracks.filter(chain=chain).order_by("started_at", "number"):
        try:
            pieces.append(unpack_path(bytes(track.path)))
        except BadOverlayError as error:
            log.warning("path_damaged", track=str(track.public_id), why=str(error))
        else:
            scores.append(track.confidence)
    return pieces, sum(scores) / len(scores) if scores else None


def _map(run: Run, time_ms: int) -> tuple[int, int, list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the frame's size and what was drawn on it at a moment, as the run counted with it."""
    try:
        setup = SceneSetup.from_json(run.setup)
    except BadSetupError:  # a run of nobody's map, or of a format that is no more
        return *USUAL_FRAME, [], []
    drawn = Zone.objects.filter(camera=run.recording.camera_id)
    colours = {str(key): colour for key, colour in drawn.values_list("public_id", "colour")}
    zones = [
        {
            "name": zone.name,
            "colour": colours[zone.key],
            "vertices": [list(vertex) for vertex in zone.vertices],
        }
        for zone in setup.zones
        if zone.key in colours and is_valid_at(zone, time_ms)
    ]
    lines = [
        {"name": line.name, "a": list(line.a), "b": list(line.b), "inside_side": line.inside_side}
        for line in setup.lines
        if is_valid_at(line, time_ms)
    ]
    return setup.width, setup.height, zones, lines
