"""The MOTChallenge layout: detections, truth and results of a sequence as text files.

Frames count from 1; a row is ``frame, id, left, top, width, height, score, ...`` in pixels
(Leal-Taixé et al. 2015, section 3.2).
"""

import configparser
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracking.vision.detections import DetectedFrame
from tracking.vision.errors import BadLabelsError

Rows = NDArray[np.float64]
DETECTIONS, TRUTH, INFO = Path("det/det.txt"), Path("gt/gt.txt"), Path("seqinfo.ini")
FRAME, IDENTITY, BOX, SCORE, KIND = 0, 1, slice(2, 6), 6, 7
PEDESTRIAN = 1
KINDS = 13  # classes of MOT16, MOT17 and MOT20
KIND_COLUMNS = 9  # a truth row with a class; MOT15 has 10 columns, the last three a place in 3D


@dataclass(frozen=True, slots=True)
class TrackedBox:
    """One person in one frame: `frame` counts from 0, `box` is xyxy in pixels."""

    frame: int
    number: int
    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class Sequence:
    """A folder of the layout, with its detections as the tracker takes them."""

    folder: Path
    width: int
    height: int
    fps: float
    frames: list[DetectedFrame]

    @property
    def name(self) -> str:
        """The folder's name, as in every file of results."""
        return self.folder.name

    @property
    def has_truth(self) -> bool:
        """Whether somebody labelled it."""
        return (self.folder / TRUTH).is_file()

    def time_ms(self, frame: int) -> int:
        """Return the media time of a frame counted from 0."""
        return round(frame * 1000 / self.fps)

    def truth(self) -> Rows:
        """Return the rows of the truth that count: people, not marked as to be ignored."""
        rows = read_rows(self.folder / TRUTH)
        counted = rows[:, SCORE] != 0
        if has_kinds(rows):
            counted &= rows[:, KIND] == PEDESTRIAN
        return np.asarray(rows[counted])


def find_sequences(folder: Path) -> list[Sequence]:
    """Return every sequence below a folder, itself included, by path.

    Raises
    ------
    BadLabelsError
        There is none, or one cannot be read.
    """
    found = sorted(
        info.parent for info in folder.rglob(INFO.name) if (info.parent / DETECTIONS).is_file()
    )
    if not found:
        raise BadLabelsError(f"No folder below {folder} has {DETECTIONS} and {INFO}.")
    names = [path.name for path in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadLabelsError(f"Two sequences are named {twice[0]}; evaluate them one by one.")
    return [read_sequence(path) for path in found]


def read_sequence(folder: Path) -> Sequence:
    """Return one sequence.

    Raises
    ------
    BadLabelsError
        `seqinfo.ini` says no frame rate or size, or a line holds something else than numbers.
    """
    info = configparser.ConfigParser()
    try:
        info.read_string((folder / INFO).read_text(encoding="utf-8"))
        said = info["Sequence"]
        fps = float(said["frameRate"])
        width, height = int(said["imWidth"]), int(said["imHeight"])
        length = int(said["seqLength"])
    except (configparser.Error, KeyError, ValueError) as error:
        raise BadLabelsError(f"{folder / INFO} cannot be used: {error!r}.") from error
    if fps <= 0:
        raise BadLabelsError(f"{folder / INFO} says a frame rate of {fps}.")
    rows = read_rows(folder / DETECTIONS)
    count = max(length, int(rows[:, FRAME].max(initial=0)))
    times = [round(frame * 1000 / fps) for frame in range(count)]
    return Sequence(folder, width, height, fps, _frames(rows, times))


def read_rows(path: Path) -> Rows:
    """Return a file's rows, shape (N, at least 7), in order of frames.

    Raises
    ------
    BadLabelsError
        A line holds something else than numbers, or too few.
    """
    text = path.read_text(encoding="utf-8").split("\n")
    lines = [line for line in text if line.strip()]
    if not lines:
        return np.zeros((0, KIND_COLUMNS))
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, dtype=np.float64)
    except ValueError as error:
        raise BadLabelsError(f"{path} is no MOTChallenge file: {error}.") from error
    if rows.shape[1] <= SCORE:
        raise BadLabelsError(f"{path} has {rows.shape[1]} columns, at least 7 are needed.")
    return rows[np.argsort(rows[:, FRAME], kind="stable")]


def has_kinds(rows: Rows) -> bool:
    """Return whether truth rows say what each box is; in MOT15 they do not."""
    if rows.shape[1] != KIND_COLUMNS:
        return False
    return bool(np.isin(rows[:, KIND], np.arange(1, KINDS + 1)).all())


def boxes_of(rows: Rows) -> NDArray[np.float32]:
    """Return the boxes of rows as xyxy. Shape (N, 4), pixels."""
    boxes = rows[:, BOX]
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1).astype(np.float32)


def write_tracks(path: Path, boxes: Iterable[TrackedBox]) -> None:
    """Write what a tracker found, by frame and number."""
    lines = [
        f"{each.frame + 1},{each.number},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},"
        f"{each.score:.4f},-1,-1,-1\n"
        for each in sorted(boxes, key=lambda each: (each.frame, each.number))
        for x1, y1, x2, y2 in [each.box]
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")


def _frames(rows: Rows, times: list[int]) -> list[DetectedFrame]:
    """Return one frame of detections for every time, empty where nobody was found."""
    boxes, scores = boxes_of(rows), rows[:, SCORE].astype(np.float32)
    starts = np.searchsorted(rows[:, FRAME], np.arange(1, len(times) + 2))
    return [
        DetectedFrame(time_ms, boxes[begin:end], scores[begin:end])
        for time_ms, begin, end in zip(times, starts[:-1], starts[1:], strict=True)
    ]
