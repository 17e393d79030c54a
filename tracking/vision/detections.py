"""What a detector saw in one frame, and its compact form for the store.

The stored form is the one that counts: boxes are rounded to 1/8 pixel and scores to 1/65535 by
`pack`, so tracking always works on what `unpack` returns, wherever the detection was done.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes, Scores
from tracking.vision.colours import BINS, HALVES, STEPS, Colours, no_colours
from tracking.vision.errors import BadDetectionsError

MAGIC = b"OTD1"
WITH_COLOURS = b"OTD2"  # the same, and the colours of every box after the scores
HEADER = struct.Struct("<4sIII")  # magic, CRC-32 of the rest, frames, boxes
PIXEL_STEPS = 8  # steps a pixel: 1/8 pixel reaches 8191 pixels in 16 bits
SCORE_STEPS = 65535
LARGEST = 65535
FRAME_BYTES, BOX_BYTES = 10, 10  # a frame's time and count, a box's corners and score
COLOUR_BYTES = len(HALVES) * BINS  # of a box
LARGEST_COLUMNS = 64 * 1024**2  # a chunk needs some kilobytes
ZLIB_LEVEL = 6


@dataclass(frozen=True, slots=True)
class DetectedFrame:
    """The people seen in one frame.

    Parameters
    ----------
    time_ms : int
        Media time of the frame.
    boxes : ndarray of shape (N, 4), float32
        ``(x1, y1, x2, y2)`` in pixels of the frame as it is displayed.
    scores : ndarray of shape (N,), float32
        Confidence in [0, 1].
    colours : ndarray of shape (N, 2, BINS), uint8, optional
        What they wear, see `colours_of`; None where nobody looked at it.
    """

    time_ms: int
    boxes: Boxes
    scores: Scores
    colours: Colours | None = None

    def only(self, kept: NDArray[np.bool_]) -> "DetectedFrame":
        """Return the frame with some of its people. `kept`: shape (N,)."""
        colours = None if self.colours is None else self.colours[kept]
        return DetectedFrame(self.time_ms, self.boxes[kept], self.scores[kept], colours)


def searched(blob: bytes) -> int:
    """Return how many pictures were searched for what `pack` wrote, from its header alone."""
    return int(HEADER.unpack_from(blob)[2])


def pack(frames: Sequence[DetectedFrame]) -> bytes:
    """Return detections as bytes; the same frames give the same bytes, always.

    Parameters
    ----------
    frames : sequence of DetectedFrame
        In order of time. Coordinates are cut to [0, 8191.875] pixels.

    Returns
    -------
    blob : bytes
        A header with a checksum, then zlib over columns: times, box counts, boxes, scores, and
        colours where any frame has them.
    """
    times = np.array([frame.time_ms for frame in frames], "<i8")
    counts = np.array([len(frame.boxes) for frame in frames], "<u2")
    boxes = np.concatenate([frame.boxes for frame in frames] or [np.zeros((0, 4), np.float32)])
    scores = np.concatenate([frame.scores for frame in frames] or [np.zeros(0, np.float32)])
    columns = (
        times.tobytes()
        + counts.tobytes()
        + _fixed_point(boxes, PIXEL_STEPS).tobytes()
        + _fixed_point(scores, SCORE_STEPS).tobytes()
    )
    coloured = any(frame.colours is not None for frame in frames)
    if coloured:
        columns += b"".join(_colours(frame).tobytes() for frame in frames)
    body = zlib.compress(columns, ZLIB_LEVEL)
    sizes = struct.pack("<II", len(frames), len(scores))
    magic = WITH_COLOURS if coloured else MAGIC
    return HEADER.pack(magic, zlib.crc32(sizes + body), len(frames), len(scores)) + body


def _colours(frame: DetectedFrame) -> Colours:
    return no_colours(len(frame.boxes)) if frame.colours is None else frame.colours


def unpack(blob: bytes) -> list[DetectedFrame]:
    """Return the frames that `pack` wrote.

    Raises
    ------
    BadDetectionsError
        The bytes are cut, damaged or of another format.
    """
    if len(blob) < HEADER.size:
        raise BadDetectionsError(f"Detections need at least {HEADER.size} bytes, got {len(blob)}.")
    magic, checksum, frame_count, box_count = HEADER.unpack_from(blob)
    if magic not in (MAGIC, WITH_COLOURS):
        raise BadDetectionsError(f"Detections start with {MAGIC!r}, these start with {magic!r}.")
    body = bytes(blob[HEADER.size :])
    if zlib.crc32(struct.pack("<II", frame_count, box_count) + body) != checksum:
        raise BadDetectionsError("The detections are damaged: their checksum does not fit.")
    box_bytes = BOX_BYTES + (COLOUR_BYTES if magic == WITH_COLOURS else 0)
    data = _unfold(body, FRAME_BYTES * frame_count + box_bytes * box_count)
    return _columns_to_frames(data, frame_count, box_count)


def _unfold(body: bytes, wanted: int) -> bytes:
    """Return the columns; not a byte more is unfolded than the header asks for."""
    if wanted > LARGEST_COLUMNS:
        raise BadDetectionsError(f"The detections claim to be {wanted} bytes.")
    unfolding = zlib.decompressobj()
    try:
        data = unfolding.decompress(body, wanted + 1)
    except zlib.error as error:
        raise BadDetectionsError("The detections cannot be unfolded.") from error
    if len(data) != wanted:
        raise BadDetectionsError(f"The detections hold other than the {wanted} bytes they claim.")
    return data


def _fixed_point(values: NDArray[np.float32], steps: int) -> NDArray[np.uint16]:
    scaled = np.rint(values.astype(np.float64) * steps)
    return np.clip(scaled, 0, LARGEST).astype("<u2")


def _columns_to_frames(data: bytes, frame_count: int, box_count: int) -> list[DetectedFrame]:
    at_counts = 8 * frame_count
    at_boxes = at_counts + 2 * frame_count
    at_scores = at_boxes + 8 * box_count
    times = np.frombuffer(data, "<i8", frame_count)
    counts = np.frombuffer(data, "<u2", frame_count, at_counts)
    at_colours = at_scores + 2 * box_count
    boxes = np.frombuffer(data, "<u2", 4 * box_count, at_boxes).reshape(-1, 4)
    scores = np.frombuffer(data, "<u2", box_count, at_scores)
    colours = _read_colours(data[at_colours:], box_count)
    box_px = (boxes / PIXEL_STEPS).astype(np.float32)
    confidence = (scores / SCORE_STEPS).astype(np.float32)
    ends = np.cumsum(counts, dtype=np.int64)
    if int(counts.sum(dtype=np.int64)) != box_count:
        raise BadDetectionsError("The detections' counts do not add up to their boxes.")
    spans = [
        slice(end - count, end) for count, end in zip(counts.tolist(), ends.tolist(), strict=True)
    ]
    return [
        DetectedFrame(
            int(time_ms),
            box_px[span],
            confidence[span],
            None if colours is None else colours[span],
        )
        for time_ms, span in zip(times, spans, strict=True)
    ]


def _read_colours(data: bytes, box_count: int) -> Colours | None:
    """Return the last column; None where nobody looked at colours."""
    if not data:
        return None
    colours = np.frombuffer(data, np.uint8, COLOUR_BYTES * box_count)
    if int(colours.max()) > STEPS:
        raise BadDetectionsError("The detections hold more of a colour than there is.")
    return colours.reshape(-1, len(HALVES), BINS)
