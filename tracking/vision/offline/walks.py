"""Whole ways of people: pieces joined, holes filled, smoothed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracking.vision.detections import DetectedFrame
from tracking.vision.events import Joint
from tracking.vision.offline.evidence import joints_of
from tracking.vision.offline.linking import chains_of
from tracking.vision.offline.params import OfflineParams
from tracking.vision.offline.pieces import Piece, joined, pieces_of
from tracking.vision.smoothing import whittaker
from tracking.vision.tracker.kalman import Array, to_xyxy
from tracking.vision.tracker.table import Ints

ROUNDS = 3  # of smoothing heights; a fourth changes them by less than a pixel


@dataclass(frozen=True, slots=True)
class Span:
    """One of the pieces that a walk is joined of: its number, and the frames it was seen in.

    `joint` says why it goes on the one before it.
    """

    number: int
    first: int
    last: int
    joint: Joint | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """One person's whole way.

    Parameters
    ----------
    number : int
        Of its first piece.
    frames : ndarray of shape (N,)
        Index of each frame the person is in, rising; within a filled hole too.
    boxes : ndarray of shape (N, 4)
        Smoothed boxes, xyxy in pixels.
    scores : ndarray of shape (N,)
        Of the detections; 0 in filled holes.
    pieces : tuple of Span
        What it was joined of, in order. Pieces are numbered from 1, in order of first sight.
    """

    number: int
    frames: Ints
    boxes: Array
    scores: Array
    pieces: tuple[Span, ...]


def follow_recording(frames: Sequence[DetectedFrame], params: OfflineParams) -> list[Walk]:
    """Return everybody who was there, in order of first sight.

    Parameters
    ----------
    frames : sequence of DetectedFrame
        All of the recording, rising in time.
    params : OfflineParams
    """
    pieces, camera = pieces_of(frames, params.tracker)
    times_s = np.array([frame.time_ms for frame in frames], np.float64) / 1000
    chains = [[pieces[index] for index in chain] for chain in chains_of(pieces, params)]
    long = [
        chain
        for chain in chains
        if (chain[-1].times_s[-1] - chain[0].times_s[0]) * 1000 >= params.least_ms
    ]
    in_order = sorted((piece for chain in long for piece in chain), key=_first_sight)
    numbers = {piece.key: number for number, piece in enumerate(in_order, 1)}
    long.sort(key=lambda chain: _first_sight(chain[0]))
    return [_walk(chain, numbers, times_s, camera, params) for chain in long]


def _first_sight(piece: Piece) -> tuple[int, int]:
    return int(piece.frames[0]), piece.key


def _walk(
    pieces: list[Piece],
    numbers: dict[int, int],
    times_s: Array,
    camera: Array,
    params: OfflineParams,
) -> Walk:
    """Return a person's smoothed way, with the holes that are short enough filled."""
    chain = joined(pieces)
    spans = tuple(
        Span(numbers[piece.key], int(piece.frames[0]), int(piece.frames[-1]), joint)
        for piece, joint in zip(pieces, [None, *joints_of(pieces, params)], strict=True)
    )
    span = np.arange(chain.frames[0], chain.frames[-1] + 1)
    at = chain.frames - chain.frames[0]
    boxes, scores = np.zeros((len(span), 4)), np.zeros(len(span))
    boxes[at], scores[at] = chain.boxes, chain.scores
    time = times_s[span]
    smooth = _smooth(time, boxes, scores, params)
    smooth[:, :2] += camera[span]
    kept = _filled(at, time, params.fill_ms)
    return Walk(spans[0].number, span[kept], to_xyxy(smooth[kept]), scores[kept], spans)


def _smooth(time_s: Array, boxes: Array, weights: Array, params: OfflineParams) -> Array:
    """Return centred boxes (N, 4) smoothed over time, upright where legs were hidden."""
    sides = params.smooth_sides_s
    height = _own_height(time_s, boxes[:, 3], weights, params)
    centre = boxes[:, :2].copy()
    short = boxes[:, 3] < (1 - params.odd_height) * height
    # The head is where it was found; the feet are a whole person below it.
    centre[:, 1] += np.where(short, (height - boxes[:, 3]) / 2, 0.0)
    centre = whittaker(time_s, centre, weights, params.smooth_s)
    width = whittaker(time_s, boxes[:, 2:3], weights, sides)
    return np.concatenate([centre, width, height[:, None]], axis=1)


def _own_height(time_s: Array, heights: Array, weights: Array, params: OfflineParams) -> Array:
    """Return how tall a person is over time, odd heights believed less. Shape (N,).

    Smoothing in rounds with Cauchy weights (Holland and Welsch 1977): what is far off what the
    others say pulls little in the next round.
    """
    believed = weights
    usual = heights
    for _ in range(ROUNDS):
        usual = whittaker(time_s, heights[:, None], believed, params.smooth_sides_s)[:, 0]
        off = (heights - usual) / np.maximum(usual, 1.0) / params.odd_height
        believed = weights / (1 + off**2)
    return np.maximum(usual, 1.0)


def _filled(at: Ints, time_s: Array, fill_ms: int) -> Ints:
    """Return the positions of a span that are seen or in a hole of at most `fill_ms`."""
    kept = np.ones(len(time_s), np.bool_)
    for before, after in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
        if (time_s[after] - time_s[before]) * 1000 > fill_ms:
            kept[before + 1 : after] = False
    return np.flatnonzero(kept)
