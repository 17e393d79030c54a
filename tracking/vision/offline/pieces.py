"""Pieces of ways: what the live tracker followed under one number, before anything is joined."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracking.vision.detections import DetectedFrame
from tracking.vision.tracker import Tracker, TrackerParams
from tracking.vision.tracker.kalman import Array, to_centred
from tracking.vision.tracker.table import Ints

COLUMNS = 6  # of a sight: frame, box, score


@dataclass(slots=True)
class Piece:
    """A tracklet: what was detected of one track. Boxes are centred, on a still picture."""

    key: int
    frames: Ints
    times_s: Array
    boxes: Array  # (N, 4) cx, cy, width, height
    scores: Array


def pieces_of(frames: Sequence[DetectedFrame], params: TrackerParams) -> tuple[list[Piece], Array]:
    """Return the confirmed tracks of the live tracker, and where the camera looked, (N, 2)."""
    tracker = Tracker(params)
    seen: dict[int, array[float]] = {}
    confirmed: set[int] = set()
    camera = np.zeros((len(frames), 2))
    looked = np.zeros(2)
    for index, frame in enumerate(frames):
        sightings, ended = tracker.step(frame)
        looked = looked + tracker.last_shift
        camera[index] = looked
        for sighting in sightings:
            sights = seen.setdefault(sighting.key, array("d"))
            sights.extend((index, *sighting.detected, sighting.score))
            if sighting.number:
                confirmed.add(sighting.key)
        for track in ended:
            if not track.number:
                del seen[track.key]
    times_s = np.array([frame.time_ms for frame in frames], np.float64) / 1000
    return [_piece(key, seen[key], times_s, camera) for key in sorted(confirmed)], camera


def _piece(key: int, sights: "array[float]", times_s: Array, camera: Array) -> Piece:
    rows = np.array(sights).reshape(-1, COLUMNS)
    frames = rows[:, 0].astype(np.int64)
    boxes = to_centred(rows[:, 1:5])
    boxes[:, :2] -= camera[frames]
    return Piece(key, frames, times_s[frames], boxes, rows[:, 5].copy())


def joined(pieces: list[Piece]) -> Piece:
    """Return several pieces of one person as one, with the first one's key."""
    return Piece(
        pieces[0].key,
        np.concatenate([piece.frames for piece in pieces]),
        np.concatenate([piece.times_s for piece in pieces]),
        np.concatenate([piece.boxes for piece in pieces]),
        np.concatenate([piece.scores for piece in pieces]),
    )
