"""What is drawn over a recording's pictures: tracked boxes per frame, and paths of tracks.

Both are stored as columns of fixed-point numbers, fractions of the frame in steps of 1/65535, with
a checksum; the same content always gives the same bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OVERLAY_MAGIC = b"OTO1"
PATH_MAGIC = b"OTP1"
HEADER = struct.Struct("<4sIII")  # magic, CRC-32 of the body, frames or points, boxes
STEPS = 65535

PathPoint = tuple[int, float, float]


def previews_name(index: int) -> str:
    """Return the name of a chunk's file of preview JPEGs within the recording's media folder."""
    return f"previews-{index:05d}"


class BadOverlayError(ValueError):
    """A stored overlay or path is damaged or of another format."""


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """The people followed in one frame.

    Parameters
    ----------
    time_ms : int
        Media time of the frame.
    numbers : tuple of int
        Track numbers.
    boxes : ndarray of shape (N, 4), float32
        ``(x1, y1, x2, y2)`` as fractions of the frame, one row a number.
    """

    time_ms: int
    numbers: tuple[int, ...]
    boxes: NDArray[np.float32]


def tracked_frame(
    time_ms: int, visible: Sequence[tuple[int, Sequence[float]]], width: int, height: int
) -> TrackedFrame:
    """Return a frame from numbers with boxes in pixels."""
    size = np.array([width, height, width, height], np.float32)
    boxes = np.array([box for _, box in visible], np.float32).reshape(-1, 4) / size
    return TrackedFrame(time_ms, tuple(number for number, _ in visible), boxes)


def pack(frames: Sequence[TrackedFrame]) -> bytes:
    """Return the frames as bytes; coordinates are cut to the frame."""
    counts = np.array([len(frame.numbers) for frame in frames], "<u2")
    boxes = [frame.boxes for frame in frames] or [np.zeros((0, 4), np.float32)]
    columns = (
        np.array([frame.time_ms for frame in frames], "<i8").tobytes()
        + counts.tobytes()
        + np.array([number for frame in frames for number in frame.numbers], "<u4").tobytes()
        + _steps(np.concatenate(boxes)).tobytes()
    )
    return _seal(OVERLAY_MAGIC, columns, len(frames), int(counts.sum()))


def unpack(blob: bytes) -> list[TrackedFrame]:
    """Return the frames that `pack` wrote; raises BadOverlayError."""
    data, frame_count, box_count = _open(OVERLAY_MAGIC, blob)
    at_numbers = 10 * frame_count
    times = np.frombuffer(data, "<i8", frame_count).tolist()
    counts = np.frombuffer(data, "<u2", frame_count, 8 * frame_count).tolist()
    numbers = np.frombuffer(data, "<u4", box_count, at_numbers).tolist()
    steps = np.frombuffer(data, "<u2", 4 * box_count, at_numbers + 4 * box_count)
    boxes = (steps.reshape(-1, 4) / STEPS).astype(np.float32)
    frames, start = [], 0
    for time_ms, count in zip(times, counts, strict=True):
        end = start + count
        frames.append(TrackedFrame(time_ms, tuple(numbers[start:end]), boxes[start:end]))
        start = end
    return frames


def pack_path(points: Sequence[PathPoint]) -> bytes:
    """Return foot points ``(time_ms, x, y)``, x and y as fractions, as bytes."""
    times = np.array([point[0] for point in points], "<i8")
    places = np.array([point[1:] for point in points], np.float32).reshape(-1, 2)
    return _seal(PATH_MAGIC, times.tobytes() + _steps(places).tobytes(), len(points), 0)


def unpack_path(blob: bytes) -> list[PathPoint]:
    """Return the foot points that `pack_path` wrote; raises BadOverlayError."""
    times, places = path_columns(blob)
    rows = zip(times.tolist(), places.tolist(), strict=True)
    return [(time_ms, x, y) for time_ms, (x, y) in rows]


def path_columns(blob: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the same as times in ms of shape (N,) and places, fractions, of shape (N, 2)."""
    data, count, _ = _open(PATH_MAGIC, blob)
    times = np.frombuffer(data, "<i8", count)
    places = np.frombuffer(data, "<u2", 2 * count, 8 * count).reshape(-1, 2) / STEPS
    return times.astype(np.int64), places


def _steps(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    scaled = np.rint(values.astype(np.float64) * STEPS)
    return np.clip(scaled, 0, STEPS).astype("<u2")


def _seal(magic: bytes, columns: bytes, rows: int, boxes: int) -> bytes:
    body = zlib.compress(columns, 6)
    return HEADER.pack(magic, zlib.crc32(body), rows, boxes) + body


def _open(magic: bytes, blob: bytes) -> tuple[bytes, int, int]:
    blob = bytes(blob)
    if len(blob) < HEADER.size or blob[:4] != magic:
        raise BadOverlayError(f"Expected bytes that start with {magic!r}, got {blob[:4]!r}.")
    _, checksum, rows, boxes = HEADER.unpack_from(blob)
    body = blob[HEADER.size :]
    if zlib.crc32(body) != checksum:
        raise BadOverlayError("The bytes are damaged: their checksum does not fit.")
    return zlib.decompress(body), rows, boxes
