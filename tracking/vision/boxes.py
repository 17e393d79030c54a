"""Arithmetic on boxes ``(x1, y1, x2, y2)`` in pixels: overlap, suppression, foot points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Scores = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]


def empty_boxes() -> Boxes:
    """Return no boxes, in the right shape."""
    return np.zeros((0, 4), np.float32)


def iou_matrix(boxes_a: Floats, boxes_b: Floats) -> Floats:
    """Return the overlap of every box in one set with every box in another.

    Parameters
    ----------
    boxes_a : ndarray of shape (N, 4)
        Boxes as ``(x1, y1, x2, y2)`` in pixels.
    boxes_b : ndarray of shape (M, 4)
        Same form.

    Returns
    -------
    iou : ndarray of shape (N, M)
        Intersection over union in [0, 1]; 0 where a box has no area.
    """
    intersection = _intersections(boxes_a, boxes_b)
    union = box_areas(boxes_a)[:, None] + box_areas(boxes_b)[None, :] - intersection
    found: Floats = np.zeros_like(intersection)
    np.divide(intersection, union, out=found, where=(union > 0) & (intersection > 0))
    return found


def covered_matrix(boxes_a: Floats, boxes_b: Floats) -> Floats:
    """Return the share of every box in one set that every box in another covers.

    Parameters
    ----------
    boxes_a, boxes_b : ndarray of shape (N, 4) and (M, 4)
        Boxes as ``(x1, y1, x2, y2)`` in pixels.

    Returns
    -------
    share : ndarray of shape (N, M)
        Intersection over the area of the first, in [0, 1]; 0 where that has none.
    """
    intersection = _intersections(boxes_a, boxes_b)
    areas = np.broadcast_to(box_areas(boxes_a)[:, None], intersection.shape)
    found: Floats = np.zeros_like(intersection)
    np.divide(intersection, areas, out=found, where=areas > 0)
    return found


def height_overlap_matrix(boxes_a: Floats, boxes_b: Floats) -> Floats:
    """Return the overlap of the vertical extents of every pair of boxes.

    People on one floor stand apart mostly by how far away they are, that is by the vertical
    extents of their boxes; weighing the IoU by this was the largest single gain for identity
    (Hybrid-SORT, Yang et al. 2024, section 3.3).

    Parameters
    ----------
    boxes_a, boxes_b : ndarray of shape (N, 4) and (M, 4)
        Boxes as ``(x1, y1, x2, y2)`` in pixels.

    Returns
    -------
    overlap : ndarray of shape (N, M)
        Intersection over union of the intervals ``[y1, y2]``, in [0, 1].
    """
    top_a, bottom_a = boxes_a[:, None, 1], boxes_a[:, None, 3]
    top_b, bottom_b = boxes_b[None, :, 1], boxes_b[None, :, 3]
    shared = np.maximum(np.minimum(bottom_a, bottom_b) - np.maximum(top_a, top_b), 0)
    whole = np.maximum(bottom_a, bottom_b) - np.minimum(top_a, top_b)
    found: Floats = np.zeros_like(shared)
    np.divide(shared, whole, out=found, where=whole > 0)
    return found


def _intersections(boxes_a: Floats, boxes_b: Floats) -> Floats:
    """Return the area that every pair of boxes shares, in square pixels. Shape (N, M)."""
    overlap = np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:]) - np.maximum(
        boxes_a[:, None, :2], boxes_b[None, :, :2]
    )
    overlap = np.maximum(overlap, 0)
    return np.asarray(overlap[..., 0] * overlap[..., 1])


def box_areas(boxes: Floats) -> Floats:
    """Return the area of every box in square pixels; never negative. Shape (N,)."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def foot_points(boxes: Floats) -> Floats:
    """Return the bottom centre of every box. Shape (N, 2), pixels."""
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)


def clip_boxes(boxes: Boxes, width: int, height: int) -> Boxes:
    """Return the boxes cut to the frame. Shape (N, 4), pixels."""
    limits = np.array([width, height, width, height], np.float32)
    return np.clip(boxes, np.float32(0), limits)


def shrink_boxes(boxes: Boxes, width_share: float, height_share: float) -> Boxes:
    """Return boxes of the same centres with their sides multiplied by the given shares."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.array([width_share, height_share], np.float32)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def suppress(boxes: Boxes, scores: Scores, iou_limit: float) -> list[NDArray[np.intp]]:
    """Group overlapping boxes under the best of each group (greedy non-maximum suppression).

    Parameters
    ----------
    boxes : ndarray of shape (N, 4), float32
        Boxes in pixels.
    scores : ndarray of shape (N,), float32
        The higher the better; ties go to the earlier box, so the answer does not depend on luck.
    iou_limit : float
        A box that overlaps a better one by more than this belongs to it.

    Returns
    -------
    groups : list of index arrays
        Best first. The first index of each array is the box that stays, the rest fell to it.
    """
    order = np.argsort(-scores, kind="stable")
    groups: list[NDArray[np.intp]] = []
    while order.size:
        best, rest = order[0], order[1:]
        near = iou_matrix(boxes[best : best + 1], boxes[rest])[0] > iou_limit
        groups.append(np.concatenate([order[:1], rest[near]]))
        order = rest[~near]
    return groups
