"""How well a detector finds people: average precision against labelled boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes, iou_matrix
from tracking.vision.detections import DetectedFrame

LEAST_IOU = 0.5  # the overlap of PASCAL VOC from which a box is on a person


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Average precision at IoU 0.5 and the best F1 over all score limits, both in [0, 1]."""

    ap: float
    f1: float


def score_detections(found: list[DetectedFrame], truth: list[Boxes]) -> DetectionScore:
    """Return how well detections fit the truth.

    Parameters
    ----------
    found : list of DetectedFrame
        What a detector saw.
    truth : list of ndarray of shape (N, 4)
        The people of the same frames, xyxy in pixels.

    Returns
    -------
    score : DetectionScore
        The area under the precision-recall curve with precision made monotone (PASCAL VOC 2010).
        Within a frame the surer box chooses first, and every person is found once at most.
    """
    people = sum(len(boxes) for boxes in truth)
    scores = np.concatenate([frame.scores for frame in found] or [np.zeros(0, np.float32)])
    hits = np.concatenate(
        [_hits(frame, boxes) for frame, boxes in zip(found, truth, strict=True)]
        or [np.zeros(0, np.bool_)]
    )
    if not people or not len(scores):
        return DetectionScore(0.0, 0.0)
    right = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    precision = right / np.arange(1, len(right) + 1)
    recall = right / people
    f1 = 2 * right / (np.arange(1, len(right) + 1) + people)
    monotone = np.maximum.accumulate(precision[::-1])[::-1]
    ap = float(np.sum(np.diff(recall, prepend=0.0) * monotone))
    return DetectionScore(ap, float(f1.max()))


def _hits(frame: DetectedFrame, people: Boxes) -> NDArray[np.bool_]:
    """Return which detections of a frame are on a person nobody surer was on. Shape (N,)."""
    hits = np.zeros(len(frame.boxes), np.bool_)
    overlap = iou_matrix(frame.boxes, people)
    for index in np.argsort(-frame.scores, kind="stable"):
        best = int(np.argmax(overlap[index])) if overlap.shape[1] else 0
        if overlap.shape[1] and overlap[index, best] >= LEAST_IOU:
            hits[index] = True
            overlap[:, best] = 0.0
    return hits
