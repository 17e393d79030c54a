"""Which detection continues which track."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracking.vision.boxes import Floats, height_overlap_matrix, iou_matrix
from tracking.vision.tracker.kalman import Array
from tracking.vision.tracker.table import Ints

SHIFT_DOUBT = 5  # pairs at which a common shift is believed by half; measured on moving cameras


@dataclass(frozen=True, slots=True)
class Match:
    """Pairs of (track row, detection), and what found no partner."""

    tracks: Ints
    detections: Ints
    left_tracks: Ints
    left_detections: Ints


def similarity(track_boxes: Array, boxes: Array) -> Floats:
    """Return IoU times height overlap of every track with every detection. Shape (N, M)."""
    return iou_matrix(track_boxes, boxes) * height_overlap_matrix(track_boxes, boxes)


def direction_agreement(centres: Array, boxes_centres: Array, shortest_px: Array) -> Array:
    """Return the cosine between each track's travel and its way to each detection.

    Observation-centric momentum (OC-SORT, Cao et al. 2023, section 4.2): both directions are
    taken from detections, not from the filter. Where a track or the way to a detection is
    shorter than `shortest_px` the direction is noise and 0 is returned.

    Parameters
    ----------
    centres : ndarray of shape (N, K, 2)
        Centres of the last detections of each track, latest first.
    boxes_centres : ndarray of shape (M, 2)
    shortest_px : ndarray of shape (N,)
    """
    travel = centres[:, 0] - centres[:, -1]
    ahead = boxes_centres[None] - centres[:, None, 0]
    travel_px = np.hypot(travel[:, 0], travel[:, 1])
    ahead_px = np.hypot(ahead[..., 0], ahead[..., 1])
    product = (travel[:, None] * ahead).sum(axis=2)
    lengths = travel_px[:, None] * ahead_px
    far = (travel_px > shortest_px)[:, None] & (ahead_px > shortest_px[:, None])
    cosine: Array = np.zeros_like(product)
    np.divide(product, lengths, out=cosine, where=far & (lengths > 0))
    return cosine


def common_shift(expected: Array, boxes: Array, least_similarity: float) -> Array:
    """Return by how much the whole picture seems to have moved, shape (2,), pixels.

    A camera that turns moves everybody alike: the median way from where tracks were expected to
    the detections they agree on with (each the other's best), shrunk by ``n / (n + 5)`` for n
    pairs, so that two people who start to walk are not taken for a turning camera. It needs no
    picture, and stands in for the image registration of BoT-SORT (Aharon et al. 2022, section 3.2).

    Parameters
    ----------
    expected : ndarray of shape (N, 4)
        Predicted boxes of tracks, xyxy in pixels.
    boxes : ndarray of shape (M, 4)
        Detections.
    least_similarity : float
        Least similarity of a pair.
    """
    if not len(expected) or not len(boxes):
        return np.zeros(2)
    alike = similarity(expected, boxes)
    partner = alike.argmax(axis=1)
    tracks = np.arange(len(expected))
    agreed = (alike.argmax(axis=0)[partner] == tracks) & (alike.max(axis=1) >= least_similarity)
    count = int(agreed.sum())
    if not count:
        return np.zeros(2)
    ways = boxes[partner[agreed]] - expected[agreed]
    shift = np.median((ways[:, :2] + ways[:, 2:]) / 2, axis=0)
    return np.asarray(shift * (count / (count + SHIFT_DOUBT)))


def no_match(rows: Ints, columns: Ints) -> Match:
    """Return that nothing found a partner."""
    empty = np.zeros(0, np.int64)
    return Match(empty, empty, rows, columns)


def assign(value: Floats, allowed: NDArray[np.bool_], rows: Ints, columns: Ints) -> Match:
    """Pair rows with columns for the largest total value, among the allowed pairs only.

    Parameters
    ----------
    value : ndarray of shape (N, M)
        The gain of each pair.
    allowed : ndarray of shape (N, M), bool
        Pairs that may be made.
    rows, columns : index arrays of shape (N,) and (M,)
        What the rows and columns stand for; the answer is in these.
    """
    if not allowed.any():
        return no_match(rows, columns)
    chosen_rows, chosen_columns = linear_sum_assignment(np.where(allowed, value, -1e3), True)
    made = allowed[chosen_rows, chosen_columns]
    made_rows, made_columns = chosen_rows[made], chosen_columns[made]
    row_left, column_left = np.ones(len(rows), np.bool_), np.ones(len(columns), np.bool_)
    row_left[made_rows] = column_left[made_columns] = False
    return Match(rows[made_rows], columns[made_columns], rows[row_left], columns[column_left])
