"""What the outputs of a network mean: places, boxes and scores of the families we read.

Each reader is given the outputs in the model's order and the size of the picture that went in,
and returns every candidate above a score, boxes in that picture's pixels, before suppression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes, Scores
from tracking.vision.detectors.pictures import Colours
from tracking.vision.errors import UnknownDetectorError

Floats: TypeAlias = NDArray[np.float32]
Found: TypeAlias = tuple[Boxes, Scores]
STRIDES = (8, 16, 32)  # pixels of the picture between two places, by level
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take out: one class, from a score up, in a picture of this height and width."""

    class_index: int
    threshold: float
    height: int
    width: int


Reader: TypeAlias = Callable[[Sequence[Floats], Wanted], Found]


def read_nanodet(outputs: Sequence[Floats], wanted: Wanted) -> Found:
    """Read NanoDet: per level scores of the classes, and sides as distributions of distances.

    The distance to a side is the mean over bins, in steps of the level's stride (Li et al. 2020,
    Generalized Focal Loss, eq. 3).

    Parameters
    ----------
    outputs : sequence of ndarray
        Scores (1, places, classes) of the strides 8, 16 and 32, then bins (1, places, 4 x bins).
    wanted : Wanted
        What to take.
    """
    boxes, scores = [], []
    levels = len(STRIDES)
    for stride, sure, bins in zip(STRIDES, outputs[:levels], outputs[levels:], strict=True):
        places = grid(wanted, stride)
        if sure.shape[1] != len(places) or bins.shape[1] != len(places):
            raise misread("NanoDet", f"{len(places)} places at stride {stride}", outputs)
        score = sure[0, :, wanted.class_index]
        kept = np.flatnonzero(score >= wanted.threshold)
        logits = bins[0, kept].reshape(len(kept), 4, bins.shape[2] // 4)
        spread = np.exp(logits - logits.max(axis=2, keepdims=True))
        steps = np.arange(spread.shape[2], dtype=np.float32)
        sides = (spread @ steps) / spread.sum(axis=2) * np.float32(stride)
        centre = (places[kept] + np.float32(0.5)) * np.float32(stride)
        boxes.append(np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1))
        scores.append(score[kept])
    return np.concatenate(boxes).astype(np.float32), np.concatenate(scores).astype(np.float32)


def read_yolox(outputs: Sequence[Floats], wanted: Wanted) -> Found:
    """Read YOLOX as its own tool exports it: offsets and logarithms of sides, place by place.

    Parameters
    ----------
    outputs : sequence of ndarray
        One array (1, places, 5 + classes): x, y, width, height, objectness, scores.
    wanted : Wanted
        What to take.
    """
    places = np.concatenate([grid(wanted, stride) for stride in STRIDES])
    expected = f"one output (1, {len(places)}, 5 + classes)"
    rows = _only(outputs, "YOLOX", expected)
    if rows.shape[0] != len(places) or rows.shape[1] < 6:
        raise misread("YOLOX", expected, outputs)
    _check_class("YOLOX", rows.shape[1] - 5, wanted)
    score = rows[:, 4] * rows[:, 5 + wanted.class_index]
    kept = np.flatnonzero(score >= wanted.threshold)
    counts = [len(grid(wanted, stride)) for stride in STRIDES]
    stride = np.repeat(np.array(STRIDES, np.float32), counts)[kept, None]
    centre = (rows[kept, :2] + places[kept]) * stride
    return _around(centre, np.exp(rows[kept, 2:4]) * stride), score[kept]


def read_yolov8(outputs: Sequence[Floats], wanted: Wanted) -> Found:
    """Read YOLOv8 and its kin: boxes and scores of the classes in columns.

    Parameters
    ----------
    outputs : sequence of ndarray
        One array (1, 4 + classes, places): x, y, width, height in pixels, scores.
    wanted : Wanted
        What to take.
    """
    count = sum(len(grid(wanted, stride)) for stride in STRIDES)
    expected = f"one output (1, 4 + classes, {count})"
    columns = _only(outputs, "YOLOv8", expected)
    if columns.shape[0] < 5 or columns.shape[1] != count:
        raise misread("YOLOv8", expected, outputs)
    _check_class("YOLOv8", columns.shape[0] - 4, wanted)
    score = columns[4 + wanted.class_index]
    kept = np.flatnonzero(score >= wanted.threshold)
    return _around(columns[:2, kept].T, columns[2:4, kept].T), score[kept]


def read_detr(outputs: Sequence[Floats], wanted: Wanted) -> Found:
    """Read DETR: a softmax over the classes and "nothing", which is the last.

    Parameters
    ----------
    outputs : sequence of ndarray
        Logits (1, queries, classes + 1) and boxes (1, queries, 4): x, y, width, height as shares
        of the picture; in either order where their shapes tell them apart.
    wanted : Wanted
        What to take.
    """
    logits, boxes = _queries(outputs, "DETR")
    _check_class("DETR", logits.shape[1] - 1, wanted)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    score = shares[:, wanted.class_index] / shares.sum(axis=1)
    return _shares_of_picture(boxes, score, wanted)


def read_rtdetr(outputs: Sequence[Floats], wanted: Wanted) -> Found:
    """Read RT-DETR: as DETR, with a sigmoid for each class and none for "nothing"."""
    logits, boxes = _queries(outputs, "RT-DETR")
    _check_class("RT-DETR", logits.shape[1], wanted)
    score = np.asarray(1 / (1 + np.exp(-logits[:, wanted.class_index])), np.float32)
    return _shares_of_picture(boxes, score, wanted)


@dataclass(frozen=True, slots=True)
class Family:
    """How the networks of one family are fed and read."""

    title: str
    read: Reader
    colours: Colours
    person: int  # the usual number of the class


FAMILIES = {
    "yolox": Family("YOLOX", read_yolox, Colours(red_first=False, std=(1.0, 1.0, 1.0)), 0),
    "yolov8": Family("YOLOv8", read_yolov8, Colours(), 0),
    "detr": Family("DETR", read_detr, Colours(mean=IMAGENET_MEAN, std=IMAGENET_STD), 1),
    "rtdetr": Family("RT-DETR", read_rtdetr, Colours(), 0),
}


def grid(wanted: Wanted, stride: int) -> Floats:
    """Return the places of one level as (column, row), row by row. Shape (places, 2)."""
    high, wide = wanted.height // stride, wanted.width // stride
    rows, columns = np.divmod(np.arange(high * wide, dtype=np.int64), wide)
    return np.stack([columns, rows], axis=1).astype(np.float32)


def misread(family: str, expected: str, outputs: Sequence[Floats]) -> UnknownDetectorError:
    """Return the error that says what was expected and what came."""
    came = ", ".join(str(tuple(each.shape)) for each in outputs) or "nothing"
    return UnknownDetectorError(
        f"The model does not answer as {family} does: expected {expected}, got {came}."
    )


def _only(outputs: Sequence[Floats], family: str, expected: str) -> Floats:
    if len(outputs) != 1 or outputs[0].ndim != 3 or outputs[0].shape[0] != 1:
        raise misread(family, expected, outputs)
    answer: Floats = outputs[0][0]
    return answer


def _queries(outputs: Sequence[Floats], family: str) -> tuple[Floats, Floats]:
    found = sorted(outputs, key=lambda each: each.shape[-1] == 4 if each.ndim else False)
    fits = len(found) == 2 and all(each.ndim == 3 and each.shape[0] == 1 for each in found)
    if not fits or found[1].shape[2] != 4 or found[0].shape[1] != found[1].shape[1]:
        raise misread(family, "logits (1, queries, classes) and boxes (1, queries, 4)", outputs)
    return found[0][0], found[1][0]


def _check_class(family: str, classes: int, wanted: Wanted) -> None:
    if not 0 <= wanted.class_index < classes:
        raise UnknownDetectorError(
            f"The {family} model knows {classes} classes; there is no class {wanted.class_index}."
        )


def _shares_of_picture(boxes: Floats, score: Floats, wanted: Wanted) -> Found:
    kept = np.flatnonzero(score >= wanted.threshold)
    size = np.array([wanted.width, wanted.height], np.float32)
    return _around(boxes[kept, :2] * size, boxes[kept, 2:] * size), score[kept]


def _around(centre: Floats, sides: Floats) -> Boxes:
    corners = np.concatenate([centre - sides / 2, centre + sides / 2], axis=1)
    return np.asarray(corners, np.float32)
