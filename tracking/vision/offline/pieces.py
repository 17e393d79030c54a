"""Pieces of ways: what the live tracker followed under one number, before anything is joined."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tracking.vision.colours import BINS, HALVES, Colours, no_colours
from tracking.vision.detections import DetectedFrame
from tracking.vision.tracker import Tracker, TrackerParams
from tracking.vision.tracker.kalman import Array, to_centred
from tracking.vision.tracker.table import Ints

COLUMNS = 6  # of a sight: frame, box, score
COLOUR_BYTES = len(HALVES) * BINS


@dataclass(slots=True)
class Piece:
    """A tracklet: what was detected of one track. Boxes are centred, on a still picture."""

    key: int
    frames: Ints
    times_s: Array
    boxes: Array  # (N, 4) cx, cy, width, height
    scores: Array
    colours: Colours  # (N, 2, BINS), all 0 where nothing is known


@dataclass(slots=True)
class _Sights:
    """What was seen of one track, while it is followed."""

    rows: "array[float]" = field(default_factory=lambda: array("d"))
    colours: bytearray = field(default_factory=bytearray)


def pieces_of(frames: Sequence[DetectedFrame], params: TrackerParams) -> tuple[list[Piece], Array]:
    """Return the confirmed tracks of the live tracker, and where the camera looked, (N, 2)."""
    tracker = Tracker(params)
    seen: dict[int, _Sights] = {}
    confirmed: set[int] = set()
    camera = np.zeros((len(frames), 2))
    looked = np.zeros(2)
    for index, frame in enumerate(frames):
        sightings, ended = tracker.step(frame)
        looked = looked + tracker.last_shift
        camera[index] = looked
        for sighting in sightings:
            sights = seen.setdefault(sighting.key, _Sights())
            sights.rows.extend((index, *sighting.detected, sighting.score))
            if frame.colours is not None:
                at = len(sights.rows) // COLUMNS - 1
                sights.colours.extend(bytes(at * COLOUR_BYTES - len(sights.colours)))
                sights.colours.extend(frame.colours[sighting.row].tobytes())
            if sighting.number:
                confirmed.add(sighting.key)
        for track in ended:
            if not track.number:
                del seen[track.key]
    times_s = np.array([frame.time_ms for frame in frames], np.float64) / 1000
    return [_piece(key, seen[key], times_s, camera) for key in sorted(confirmed)], camera


def _piece(key: int, sights: _Sights, times_s: Array, camera: Array) -> Piece:
    rows = np.array(sights.rows).reshape(-1, COLUMNS)
    frames = rows[:, 0].astype(np.int64)
    boxes = to_centred(rows[:, 1:5])
    boxes[:, :2] -= camera[frames]
    colours = no_colours(len(rows))
    known = np.frombuffer(bytes(sights.colours), np.uint8).reshape(-1, len(HALVES), BINS)
    colours[: len(known)] = known
    return Piece(key, frames, times_s[frames], boxes, rows[:, 5].copy(), colours)


def joined(pieces: list[Piece]) -> Piece:
    """Return several pieces of one person as one, with the first one's key."""
    return Piece(
        pieces[0].key,
        np.concatenate([piece.frames for piece in pieces]),
        np.concatenate([piece.times_s for piece in pieces]),
        np.concatenate([piece.boxes for piece in pieces]),
        np.concatenate([piece.scores for piece in pieces]),
        np.concatenate([piece.colours for piece in pieces]),
    )
