"""The tracker: ByteTrack's two stages on vectorised Kalman filters, with time instead of frames.

A track is tentative until it was seen `confirm_hits` times, then confirmed and numbered, lost while
it is not seen, and ended once it was not seen for `lost_ms`.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import covered_matrix, iou_matrix
from tracking.vision.detections import DetectedFrame
from tracking.vision.tracker import kalman
from tracking.vision.tracker.kalman import Array, Noise
from tracking.vision.tracker.matching import (
    Match,
    assign,
    common_shift,
    direction_agreement,
    no_match,
    similarity,
)
from tracking.vision.tracker.perspective import Perspective
from tracking.vision.tracker.table import MEMORY, Ints, TrackTable


@dataclass(frozen=True, slots=True)
class TrackerParams:
    """The tracker's constants; they are part of a run's card.

    Parameters
    ----------
    high_score, low_score : float
        Detections from `high_score` up may begin tracks and find lost ones; those between may
        only continue a track that was seen a moment ago (ByteTrack, Zhang et al. 2022).
    least_similarity, least_iou_low, least_iou_last : float
        Least IoU x height overlap of a first-stage pair; least IoU of a pair with a low-score
        detection; least IoU with the place a track was last seen (OC-SORT's recovery).
    direction_weight : float
        Weight of the agreement of directions beside the similarity.
    reach, reach_per_s : float
        How far, in box heights, a detection may lie from where its track is expected: at once,
        and more for every second it was not seen. Nobody jumps; a box that does is someone else.
    reach_new : float
        The same at once for a track too young to have a speed: someone running makes 0.3.
    height_spread, crowded, known_iou : float
        Where people cover more than `crowded` of a detection, its score counts for less the odder
        its height is at its place, by a normal curve of this standard deviation of the logarithm;
        but not where it overlaps a confirmed track by `known_iou` or more. 1 for `crowded` is off.
    height_change : float
        Largest difference of the logarithms of a track's and its detection's height.
    confirm_hits : int
        Sights that make a track a confirmed one.
    tentative_ms, lost_ms : int
        How long an unconfirmed and a confirmed track may go unseen.
    recent_ms : int
        A track unseen for longer is no more in view; a low score does not find it again.
    reach_by_head : bool
        Whether the way from top edge to top edge counts as well: hidden legs move a box's centre
        and leave the head where it was.
    camera_moves : bool
        Whether what everybody moves alike is taken for the camera's own turn.
    upright : bool
        Whether heights that cannot be are replaced by likely ones, see `kalman.upright`: right
        for boxes of half people; where boxes are of whole people it triples the crossings counted
        in error.
    noise : Noise
        Of the filters.
    """

    high_score: float = 0.4
    low_score: float = 0.2
    least_similarity: float = 0.1
    least_iou_low: float = 0.4
    least_iou_last: float = 0.3
    direction_weight: float = 0.05
    reach: float = 0.15
    reach_new: float = 0.3
    reach_per_s: float = 0.6
    height_spread: float = 0.2
    crowded: float = 0.3
    known_iou: float = 0.8
    height_change: float = 0.4
    confirm_hits: int = 3
    tentative_ms: int = 250
    lost_ms: int = 2000
    recent_ms: int = 300
    upright: bool = True
    reach_by_head: bool = False
    camera_moves: bool = False
    noise: Noise = field(default_factory=Noise)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the parameters out of plain JSON types.

        What they do not name yet was not done when they were written.
        """
        shares = {name: tuple(values) for name, values in data["noise"].items()}
        return cls(**({"crowded": 1.0} | data | {"noise": Noise(**shares)}))


@dataclass(frozen=True, slots=True)
class Sighting:
    """One track seen in one frame; number 0 is an unconfirmed track.

    `box` is the filtered one, `detected` the detection's own, which is the frame's `row`-th.
    """

    key: int
    number: int
    box: tuple[float, float, float, float]
    score: float
    detected: tuple[float, float, float, float]
    row: int


@dataclass(frozen=True, slots=True)
class EndedTrack:
    """A track that is over, with the mean score of its detections."""

    key: int
    number: int
    born_ms: int
    seen_ms: int
    confidence: float


class Tracker:
    """Follows people from frame to frame. It owns its counters; nothing is shared or global."""

    def __init__(self, params: TrackerParams) -> None:
        self.params = params
        self.table = TrackTable.empty()
        self.perspective = Perspective()
        self.last_shift = np.zeros(2)  # pixels by which the last step took the picture to move
        self._time_ms: int | None = None
        self._next_key = 1
        self._next_number = 1

    def step(self, frame: DetectedFrame) -> tuple[list[Sighting], list[EndedTrack]]:
        """Take one frame; return who was seen in it and which tracks ended before it.

        Parameters
        ----------
        frame : DetectedFrame
            Later than the one before.
        """
        ended = self._end_unseen(frame.time_ms)
        self._predict(frame.time_ms)
        measured = kalman.to_centred(frame.boxes.astype(np.float64))
        scores = frame.scores.astype(np.float64)
        tracks, detections, new = self._match(measured, self._believed(measured, scores))
        self._see(tracks, measured[detections], scores[detections], frame.time_ms)
        self._begin(measured[new], scores[new], frame.time_ms)
        self._confirm()
        return self._sightings(measured, scores, (tracks, detections, new)), ended

    def finish(self) -> list[EndedTrack]:
        """End every track; return them in order of birth."""
        ended = self._ended(np.arange(len(self.table)))
        self.table = TrackTable.empty()
        return ended

    def recent(self, time_ms: int) -> list[tuple[int, Array]]:
        """Return number and present box of the confirmed tracks seen up to `recent_ms` ago."""
        table = self.table
        boxes = kalman.to_xyxy(table.position)
        fresh = (table.number > 0) & (time_ms - table.seen_ms <= self.params.recent_ms)
        return [(int(table.number[row]), boxes[row]) for row in np.flatnonzero(fresh)]

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        return {
            "table": self.table.to_json(),
            "perspective": self.perspective.to_json(),
            "time_ms": self._time_ms,
            "next_key": self._next_key,
            "next_number": self._next_number,
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state that `to_json` wrote."""
        self.table = TrackTable.from_json(data["table"])
        self.perspective = Perspective(**data["perspective"])
        self._time_ms = data["time_ms"]
        self._next_key = data["next_key"]
        self._next_number = data["next_number"]

    def _end_unseen(self, time_ms: int) -> list[EndedTrack]:
        table, params = self.table, self.params
        patience = np.where(table.number > 0, params.lost_ms, params.tentative_ms)
        over = time_ms - table.seen_ms > patience
        if not over.any():
            return []
        ended = self._ended(np.flatnonzero(over))
        self.table = table.rows(~over)
        return ended

    def _ended(self, rows: Ints) -> list[EndedTrack]:
        table = self.table
        return [
            EndedTrack(
                key=int(table.key[row]),
                number=int(table.number[row]),
                born_ms=int(table.born_ms[row]),
                seen_ms=int(table.seen_ms[row]),
                confidence=float(table.score_sum[row] / table.hits[row]),
            )
            for row in rows
        ]

    def _predict(self, time_ms: int) -> None:
        elapsed_ms = 0 if self._time_ms is None else time_ms - self._time_ms
        self._time_ms = time_ms
        if len(self.table):
            elapsed = np.full((len(self.table), 1), float(elapsed_ms))
            before = self.table.belief()
            after = kalman.predict(before, elapsed, self.params.noise)
            self.table.set_belief(self._in_perspective(before, after))

    def _believed(self, measured: Array, scores: Array) -> Array:
        """Return scores, lower for odd heights among others. Shape (M,).

        Where people stand close a torso, or two people at once, look like one more person of
        another height, whose foot point is on the wrong side of lines. Somebody who stands alone,
        or is known already, is believed, however small: children are.
        """
        params, table = self.params, self.table
        if params.crowded >= 1:
            return scores
        boxes = kalman.to_xyxy(measured)
        known = kalman.to_xyxy(table.position[table.number > 0])
        by_others = covered_matrix(boxes, boxes)
        np.fill_diagonal(by_others, 0.0)
        covered = np.concatenate([by_others, covered_matrix(boxes, known)], axis=1)
        is_known = (iou_matrix(boxes, known) >= params.known_iou).any(axis=1)
        doubtful = (covered.max(axis=1, initial=0.0) > params.crowded) & ~is_known
        likely = self.perspective.likelihood(measured, params.height_spread)
        return np.where(doubtful, scores * likely, scores)

    def _match(self, measured: Array, scores: Array) -> tuple[Ints, Ints, Ints]:
        """Return matched track rows, their detections, and detections that begin tracks."""
        params, table = self.params, self.table
        boxes = kalman.to_xyxy(measured)
        high = np.flatnonzero(scores >= params.high_score)
        if params.camera_moves:
            self._follow_camera(boxes[high])
        low = np.flatnonzero((scores >= params.low_score) & (scores < params.high_score))
        confirmed = table.number > 0
        first = self._match_high(np.flatnonzero(confirmed), high, boxes)
        again = self._match_last_seen(first.left_tracks, first.left_detections, boxes)
        seen_now = again.left_tracks[
            (self._time_ms or 0) - table.seen_ms[again.left_tracks] <= params.recent_ms
        ]
        second = self._match_low(seen_now, low, boxes)
        tentative = self._match_high(np.flatnonzero(~confirmed), again.left_detections, boxes)
        made = (first, again, second, tentative)
        tracks = np.concatenate([match.tracks for match in made])
        detections = np.concatenate([match.detections for match in made])
        order = np.argsort(tracks, kind="stable")
        return tracks[order], detections[order], tentative.left_detections

    def _follow_camera(self, boxes: Array) -> None:
        """Move every track by what those seen a moment ago say that the picture moved."""
        table, params = self.table, self.params
        fresh = (self._time_ms or 0) - table.seen_ms <= params.recent_ms
        rows = np.flatnonzero((table.number > 0) & fresh)
        expected = kalman.to_xyxy(table.position[rows])
        self.last_shift = common_shift(expected, boxes, params.least_similarity)
        table.shift(self.last_shift)

    def _match_high(self, rows: Ints, detections: Ints, boxes: Array) -> Match:
        if not rows.size or not detections.size:
            return no_match(rows, detections)
        table, params = self.table, self.params
        alike = similarity(kalman.to_xyxy(table.position[rows]), boxes[detections])
        allowed = self._plausible(rows, boxes[detections], alike >= params.least_similarity)
        if not allowed.any():
            return no_match(rows, detections)
        centres = (boxes[detections, :2] + boxes[detections, 2:]) / 2
        shortest_px = 0.05 * table.position[rows, 3]
        agree = direction_agreement(table.centres[rows], centres, shortest_px)
        value = alike + params.direction_weight * agree
        return assign(value, allowed, rows, detections)

    def _match_low(self, rows: Ints, detections: Ints, boxes: Array) -> Match:
        if not rows.size or not detections.size:
            return no_match(rows, detections)
        alike = similarity(kalman.to_xyxy(self.table.position[rows]), boxes[detections])
        allowed = self._plausible(rows, boxes[detections], alike >= self.params.least_iou_low)
        return assign(alike, allowed, rows, detections)

    def _match_last_seen(self, rows: Ints, detections: Ints, boxes: Array) -> Match:
        if not rows.size or not detections.size:
            return no_match(rows, detections)
        alike = similarity(kalman.to_xyxy(self.table.sight[rows]), boxes[detections])
        allowed = self._plausible(rows, boxes[detections], alike >= self.params.least_iou_last)
        return assign(alike, allowed, rows, detections)

    def _plausible(
        self, rows: Ints, boxes: Array, possible: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Return which of the possible pairs a track could have reached, as tall as it is. (N, M).

        Few pairs are alike at all; looking at those alone halves the time of a frame in a crowd.
        """
        table, params = self.table, self.params
        track, detection = np.nonzero(possible)
        if not track.size:
            return possible
        row, found = rows[track], kalman.to_centred(boxes)[detection]
        height = np.maximum(table.position[row, 3], 1.0)
        nearest = np.full(len(row), np.inf)
        for start in (table.position[row], table.sight[row]):
            off = found[:, :2] - start[:, :2]
            nearest = np.minimum(nearest, np.hypot(off[:, 0], off[:, 1]))
            if params.reach_by_head:
                top = off[:, 1] - (found[:, 3] - start[:, 3]) / 2
                nearest = np.minimum(nearest, np.hypot(off[:, 0], top))
        unseen_s = ((self._time_ms or 0) - table.seen_ms[row]) / 1000
        at_once = np.where(table.hits[row] < params.confirm_hits, params.reach_new, params.reach)
        reach_px = (at_once + params.reach_per_s * unseen_s) * height
        change = np.abs(np.log(np.maximum(found[:, 3], 1.0) / height))
        reached = np.zeros_like(possible)
        reached[track, detection] = (nearest <= reach_px) & (change <= params.height_change)
        return reached

    def _see(self, rows: Ints, measured: Array, scores: Array, time_ms: int) -> None:
        """Update the matched rows with their detections."""
        table = self.table
        gap_ms = time_ms - table.seen_ms[rows]
        belief = table.belief(rows)
        hidden = np.flatnonzero(gap_ms > self.params.recent_ms)
        if hidden.size:
            walked = self._walk_over_gap(rows[hidden], measured[hidden], gap_ms[hidden])
            for name in ("position", "velocity", "var_p", "cov", "var_v"):
                getattr(belief, name)[hidden] = getattr(walked, name)
        believed = self._upright(belief, measured)
        after = kalman.update(belief, believed, self.params.noise)
        table.set_belief(self._in_perspective(belief, after), rows, seen=True)
        if self.params.upright and not self.params.camera_moves:
            self.perspective.learn(measured[table.number[rows] > 0])
        table.seen_ms[rows] = time_ms
        table.hits[rows] += 1
        table.score_sum[rows] += scores
        table.sight[rows] = measured
        table.centres[rows, 1:] = table.centres[rows, :-1]
        table.centres[rows, 0] = measured[:, :2]

    def _upright(self, belief: kalman.Belief, measured: Array) -> Array:
        """Return the sights, heights that cannot be replaced where the detector gives such."""
        if not self.params.upright:
            return measured
        credit = self.perspective.credit(belief.position, measured)
        return kalman.upright(belief, measured, credit, self.params.noise)

    def _in_perspective(self, before: kalman.Belief, after: kalman.Belief) -> kalman.Belief:
        """Return the later belief, heights changed by the way between the two centres."""
        factor = self.perspective.change(before.position[:, 1], after.position[:, 1])
        after.position[:, 3] *= factor
        return after

    def _walk_over_gap(self, rows: Ints, measured: Array, gap_ms: Ints) -> kalman.Belief:
        """Return beliefs just before a re-found track's sight, led there over virtual sights.

        Observation-centric re-update (OC-SORT, section 4.1): a straight walk from where it was
        last seen replaces what the filter dreamt up in between.
        """
        noise = self.params.noise
        belief = self.table.anchor(rows)
        start = self.table.sight[rows]
        steps = 5
        elapsed = (gap_ms / steps)[:, None].astype(np.float64)
        for number in range(1, steps):
            belief = kalman.predict(belief, elapsed, noise)
            belief = kalman.update(belief, start + (measured - start) * number / steps, noise)
        return kalman.predict(belief, elapsed, noise)

    def _begin(self, measured: Array, scores: Array, time_ms: int) -> None:
        count = len(measured)
        if not count:
            return
        belief = kalman.initial_belief(measured, self.params.noise)
        born = TrackTable.empty()
        born.key = np.arange(self._next_key, self._next_key + count, dtype=np.int64)
        born.number = np.zeros(count, np.int64)
        born.born_ms = np.full(count, time_ms, np.int64)
        born.seen_ms = np.full(count, time_ms, np.int64)
        born.hits = np.ones(count, np.int64)
        born.score_sum, born.sight = scores, measured
        born.centres = np.repeat(measured[:, None, :2], MEMORY, axis=1)
        for name in ("position", "velocity", "var_p", "cov", "var_v"):
            setattr(born, name, getattr(belief, name))
            setattr(born, f"anchor_{name}", getattr(belief, name).copy())
        self._next_key += count
        self.table = self.table.joined(born)

    def _confirm(self) -> None:
        table = self.table
        due = np.flatnonzero((table.number == 0) & (table.hits >= self.params.confirm_hits))
        table.number[due] = np.arange(self._next_number, self._next_number + len(due))
        self._next_number += len(due)

    def _sightings(
        self, measured: Array, scores: Array, matched: tuple[Ints, Ints, Ints]
    ) -> list[Sighting]:
        table = self.table
        tracks, detections, new = matched
        rows = np.concatenate([tracks, np.arange(len(table) - len(new), len(table))])
        seen = np.concatenate([detections, new])
        columns = (
            table.key[rows].tolist(),
            table.number[rows].tolist(),
            kalman.to_xyxy(table.position[rows]).tolist(),
            scores[seen].tolist(),
            kalman.to_xyxy(measured[seen]).tolist(),
            seen.tolist(),
        )
        return [
            Sighting(key, number, tuple(box), score, tuple(detected), row)
            for key, number, box, score, detected, row in zip(*columns, strict=True)
        ]
