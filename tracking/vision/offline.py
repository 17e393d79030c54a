"""Recording mode: who walked where, when all of a recording is known.

A pure function of the stored detections in order. The live tracker goes over them first; what it
lost and found again under another number is joined by how both pieces move, each way is smoothed
and carried over its holes, and what lasted only a moment is dropped. No frame knows less than the
whole recording, so feet jump less at a line and hidden people stay one person.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from tracking.vision.counting import CountingParams, SceneCounter
from tracking.vision.detections import DetectedFrame
from tracking.vision.events import Event, TrackEnded
from tracking.vision.ignoring import IgnoredZones
from tracking.vision.paths import TrackPath
from tracking.vision.setup import SceneSetup
from tracking.vision.smoothing import whittaker
from tracking.vision.tracker import Tracker, TrackerParams
from tracking.vision.tracker.kalman import Array, to_centred, to_xyxy
from tracking.vision.tracker.table import Ints

ROUNDS = 3  # of smoothing heights; a fourth changes them by less than a pixel


@dataclass(frozen=True, slots=True)
class OfflineParams:
    """The constants of recording mode; they are part of a run's card.

    Parameters
    ----------
    tracker : TrackerParams
        Of the first pass.
    link_ms : int
        The longest time for which someone may be out of sight and still be the same person.
    link_reach, link_reach_per_s : float
        How far, in box heights, two pieces may end up apart where one is carried on to the other:
        at once, and more for each second between them.
    link_height : float
        Largest difference of the logarithms of the heights of two pieces.
    keep_going_s : float
        A walk is carried on ever slower, by this time constant: people stop.
    look_s : float
        The stretch at a piece's end that says how fast it was.
    fill_ms : int
        Holes up to this long are filled.
    smooth_s, smooth_sides_s : float
        Time scales of the smoother for the centre and for the sides of boxes; nobody grows.
    least_ms : int
        People seen for less than this are dropped.
    odd_height : float
        A height further off the person's own than this share is half believed, and less and less
        beyond: hidden legs make a box short, a second person makes it tall.
    """

    tracker: TrackerParams = field(default_factory=TrackerParams)
    link_ms: int = 3000
    link_reach: float = 0.3
    link_reach_per_s: float = 0.4
    link_height: float = 0.25
    keep_going_s: float = 2.0
    look_s: float = 0.6
    fill_ms: int = 1000
    smooth_s: float = 0.2
    smooth_sides_s: float = 0.4
    least_ms: int = 500
    odd_height: float = 0.1

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the parameters that `to_json` wrote; what is missing has its default."""
        return cls(**(data | {"tracker": TrackerParams.from_json(data["tracker"])}))


@dataclass(frozen=True, slots=True)
class Walk:
    """One person's whole way.

    Parameters
    ----------
    number : int
        From 1, in order of first sight.
    frames : ndarray of shape (N,)
        Index of each frame the person is in, rising; within a filled hole too.
    boxes : ndarray of shape (N, 4)
        Smoothed boxes, xyxy in pixels.
    scores : ndarray of shape (N,)
        Of the detections; 0 in filled holes.
    pieces : tuple of int
        Keys of the tracklets it was joined from, in order.
    """

    number: int
    frames: Ints
    boxes: Array
    scores: Array
    pieces: tuple[int, ...]


@dataclass(slots=True)
class _Piece:
    """A tracklet: what was detected of one track. Boxes are centred, on a still picture."""

    key: int
    frames: Ints
    times_s: Array
    boxes: Array  # (N, 4) cx, cy, width, height
    scores: Array


def follow_recording(frames: Sequence[DetectedFrame], params: OfflineParams) -> list[Walk]:
    """Return everybody who was there, in order of first sight.

    Parameters
    ----------
    frames : sequence of DetectedFrame
        All of the recording, rising in time.
    params : OfflineParams
    """
    pieces, camera = _tracklets(frames, params.tracker)
    times_s = np.array([frame.time_ms for frame in frames], np.float64) / 1000
    chains = [_joined([pieces[index] for index in chain]) for chain in _chains(pieces, params)]
    long = [
        (chain, keys)
        for chain, keys in chains
        if (chain.times_s[-1] - chain.times_s[0]) * 1000 >= params.least_ms
    ]
    long.sort(key=lambda each: (int(each[0].frames[0]), each[0].key))
    return [
        _walk(number, chain, keys, times_s, camera, params)
        for number, (chain, keys) in enumerate(long, 1)
    ]


def count_recording(
    frames: Sequence[DetectedFrame],
    setup: SceneSetup,
    params: OfflineParams,
    counting: CountingParams | None = None,
) -> list[Event]:
    """Return what happened in a scene, in order of media time, as the live pipeline tells it.

    Parameters
    ----------
    frames : sequence of DetectedFrame
        All of the recording. A frame that is not later than the one before is skipped, as live.
    setup : SceneSetup
        Frame size, zones and lines with their versions.
    params : OfflineParams
        Frozen for the run.
    counting : CountingParams, optional
        How foot points are read.
    """
    ignored = IgnoredZones(setup)
    rising: list[DetectedFrame] = []
    for frame in frames:
        if not rising or frame.time_ms > rising[-1].time_ms:
            rising.append(ignored.taken_from(frame))
    times_ms = [frame.time_ms for frame in rising]
    events: list[tuple[int, Event]] = []
    for walk in follow_recording(rising, params):
        counter = SceneCounter(setup, counting or CountingParams())
        events += _told(walk, times_ms, setup, counter)
    return [event for _, event in sorted(events, key=lambda told: told[0])]


def _told(
    walk: Walk, times_ms: list[int], setup: SceneSetup, counter: SceneCounter
) -> list[tuple[int, Event]]:
    """Return one person's events with their times, the end of the track last."""
    path = TrackPath()
    events: list[Event] = []
    for frame, (x1, y1, x2, y2) in zip(walk.frames.tolist(), walk.boxes.tolist(), strict=True):
        foot, time_ms = ((x1 + x2) / 2, y2), times_ms[frame]
        fraction = (foot[0] / setup.width, foot[1] / setup.height)
        path.add(time_ms, fraction, (round(x2 - x1), round(y2 - y1)))
        events += counter.update(walk.number, time_ms, foot, y2 - y1)
    events += counter.end(walk.number)
    points = path.points()
    seen = walk.scores[walk.scores > 0]
    ended = TrackEnded(
        track_number=walk.number,
        started_ms=times_ms[walk.frames[0]],
        ended_ms=times_ms[walk.frames[-1]],
        path=tuple((int(time_ms), x, y) for time_ms, x, y, _, _ in points),
        boxes_px=tuple((int(width), int(height)) for *_, width, height in points),
        confidence=round(float(seen.mean()), 4),
    )
    told = [(event.time_ms, event) for event in events if not isinstance(event, TrackEnded)]
    return [*told, (ended.ended_ms, ended)]


def _tracklets(
    frames: Sequence[DetectedFrame], params: TrackerParams
) -> tuple[list[_Piece], Array]:
    """Return the confirmed tracks of the live tracker, and where the camera looked, (N, 2)."""
    tracker = Tracker(params)
    seen: dict[int, list[tuple[int, tuple[float, ...], float]]] = {}
    confirmed: set[int] = set()
    camera = np.zeros((len(frames), 2))
    looked = np.zeros(2)
    for index, frame in enumerate(frames):
        sightings, _ = tracker.step(frame)
        looked = looked + tracker.last_shift
        camera[index] = looked
        for sighting in sightings:
            seen.setdefault(sighting.key, []).append((index, sighting.detected, sighting.score))
            if sighting.number:
                confirmed.add(sighting.key)
    times_s = np.array([frame.time_ms for frame in frames], np.float64) / 1000
    return [_piece(key, seen[key], times_s, camera) for key in sorted(confirmed)], camera


def _piece(
    key: int, sights: list[tuple[int, tuple[float, ...], float]], times_s: Array, camera: Array
) -> _Piece:
    frames = np.array([index for index, _, _ in sights], np.int64)
    boxes = to_centred(np.array([box for _, box, _ in sights], np.float64))
    boxes[:, :2] -= camera[frames]
    scores = np.array([score for *_, score in sights], np.float64)
    return _Piece(key, frames, times_s[frames], boxes, scores)


def _chains(pieces: list[_Piece], params: OfflineParams) -> list[list[int]]:
    """Return the pieces of each person, as indices in order of time.

    All pairs are chosen at once for the largest total gain, so a piece goes on in the best of
    the others for everybody, not for whoever came first.
    """
    gains = _link_gains(pieces, params)
    following: dict[int, int] = {}
    if gains.any():
        ends, starts = linear_sum_assignment(gains, maximize=True)
        following = {
            int(end): int(start)
            for end, start in zip(ends, starts, strict=True)
            if gains[end, start] > 0
        }
    heads = sorted(set(range(len(pieces))) - set(following.values()))
    return [list(_along(head, following)) for head in heads]


def _along(head: int, following: dict[int, int]) -> Iterator[int]:
    at: int | None = head
    while at is not None:
        yield at
        at = following.get(at)


def _link_gains(pieces: list[_Piece], params: OfflineParams) -> Array:
    """Return how well each piece goes on in each other one: 0 not at all, 1 perfectly. (N, N)."""
    if not pieces:
        return np.zeros((0, 0))
    starts = np.array([piece.times_s[0] for piece in pieces])
    ends = np.array([piece.times_s[-1] for piece in pieces])
    gap_s = starts[None, :] - ends[:, None]
    first = np.stack([_end(piece, params, at_start=True) for piece in pieces])
    last = np.stack([_end(piece, params, at_start=False) for piece in pieces])
    going_s = params.keep_going_s * (1 - np.exp(-np.maximum(gap_s, 0) / params.keep_going_s))
    way = first[None, :, :2] - last[:, None, :2]
    height = np.maximum(np.sqrt(first[None, :, 2] * last[:, None, 2]), 1.0)
    ahead = np.linalg.norm(way - last[:, None, 3:] * going_s[..., None], axis=2) / height
    back = np.linalg.norm(way - first[None, :, 3:] * going_s[..., None], axis=2) / height
    off = (ahead + back) / 2
    reach = params.link_reach + params.link_reach_per_s * np.maximum(gap_s, 0)
    taller = np.abs(np.log(first[None, :, 2] / last[:, None, 2]))
    possible = (gap_s > 0) & (gap_s * 1000 <= params.link_ms) & (taller <= params.link_height)
    gain = 1 - off / reach
    return np.where(possible & (gain > 0), gain, 0.0)


def _end(piece: _Piece, params: OfflineParams, *, at_start: bool) -> Array:
    """Return place, height and speed at one end of a piece: cx, cy, height, vx, vy (a second).

    A straight line through the detections of `look_s`; those say it better than any single one.
    """
    times = piece.times_s
    near = times <= times[0] + params.look_s if at_start else times >= times[-1] - params.look_s
    t = times[near] - (times[0] if at_start else times[-1])
    boxes = piece.boxes[near]
    height = max(float(np.median(boxes[:, 3])), 1.0)
    mean_t, mean = t.mean(), boxes[:, :2].mean(axis=0)
    spread = float(((t - mean_t) ** 2).sum())
    speed = np.zeros(2)
    if spread > 0:
        speed = ((t - mean_t)[:, None] * (boxes[:, :2] - mean)).sum(axis=0) / spread
        # A short piece says little of its speed.
        speed *= min(1.0, float(np.ptp(t)) / params.look_s)
    place = mean - speed * mean_t
    return np.array([*place, height, *speed])


def _joined(pieces: list[_Piece]) -> tuple[_Piece, tuple[int, ...]]:
    """Return several pieces of one person as one, and the keys they had."""
    first = pieces[0]
    whole = _Piece(
        first.key,
        np.concatenate([piece.frames for piece in pieces]),
        np.concatenate([piece.times_s for piece in pieces]),
        np.concatenate([piece.boxes for piece in pieces]),
        np.concatenate([piece.scores for piece in pieces]),
    )
    return whole, tuple(piece.key for piece in pieces)


def _walk(
    number: int,
    chain: _Piece,
    keys: tuple[int, ...],
    times_s: Array,
    camera: Array,
    params: OfflineParams,
) -> Walk:
    """Return a person's smoothed way, with the holes that are short enough filled."""
    span = np.arange(chain.frames[0], chain.frames[-1] + 1)
    at = chain.frames - chain.frames[0]
    boxes, scores = np.zeros((len(span), 4)), np.zeros(len(span))
    boxes[at], scores[at] = chain.boxes, chain.scores
    time = times_s[span]
    smooth = _smooth(time, boxes, scores, params)
    smooth[:, :2] += camera[span]
    kept = _filled(at, time, params.fill_ms)
    return Walk(number, span[kept], to_xyxy(smooth[kept]), scores[kept], keys)


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
