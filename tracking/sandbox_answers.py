"""What the process that decodes may say, checked like any other input from outside.

It read a hostile file, so it may be the file that speaks: sizes, shapes and ranges are checked
here, without decoding a picture, before anything of it is stored.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError

from tracking.vision import detections
from tracking.vision.errors import BadDetectionsError
from tracking.vision.results import ChunkResult

TEXT_BYTES = 4 * 1024**2
# A chunk is at most 20 s: 250 frames looked at, 80 pictures of at most 640 pixels across.
DETECTIONS_BYTES = 8 * 1024**2
PREVIEWS_BYTES = 32 * 1024**2
PREVIEW_LARGEST_PX = 640
PREVIEW_TALLEST_PX = 65535
BOX_SLACK_PX = 1.0  # boxes are stored in steps of an eighth of a pixel
# Markers of ITU T.81: start of frame (baseline, extended, progressive), start of scan, JFIF.
FRAME_MARKERS, SCAN_MARKER, JFIF_MARKER = (0xC0, 0xC1, 0xC2), 0xDA, 0xE0
TABLE_MARKERS = (0xC4, 0xDB, 0xDD)


class NonsenseError(ValueError):
    """The answer does not have the one shape that it may have."""


_COUNT = {"type": "integer", "minimum": 0, "maximum": 10**9}
DETECTED = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "frames": _COUNT,
            "decoded_to_ms": _COUNT,
            "broken": {"type": "boolean"},
            "preview_index": {
                "type": "array",
                "maxItems": 1000,
                "items": {"type": "array", "items": _COUNT, "minItems": 3, "maxItems": 3},
            },
        },
        "required": ["frames", "decoded_to_ms", "broken", "preview_index"],
        "additionalProperties": False,
    }
)
TROUBLE = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "error": {"type": "string", "pattern": "^[a-z_]{1,40}$"},
            "detail": {"type": "string", "maxLength": 400},
        },
        "required": ["error", "detail"],
        "additionalProperties": False,
    }
)
TRIED = Draft202012Validator(
    {
        "type": "object",
        "properties": {"settings": {"type": "object", "maxProperties": 40}},
        "required": ["settings"],
        "additionalProperties": False,
    }
)


def read_json(text: bytes) -> dict[str, Any]:
    """Return a JSON object; NaN and infinity are none."""
    try:
        said = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NonsenseError(f"That is no JSON: {type(error).__name__}.") from error
    if not isinstance(said, dict):
        raise NonsenseError("The answer is no JSON object.")
    return said


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON.")


def check(said: dict[str, Any], shape: Draft202012Validator) -> None:
    """Raise NonsenseError unless the answer has this shape."""
    try:
        shape.validate(said)
    except (SchemaError, RecursionError) as error:
        raise NonsenseError(f"The answer is misshapen: {type(error).__name__}.") from error


def chunk_result(
    said: dict[str, Any],
    found: bytes,
    previews: bytes,
    *,
    bounds: dict[str, int],
    size: tuple[int, int],
    colours: bool = False,
) -> ChunkResult:
    """Return a chunk's result once every part of it holds.

    Parameters
    ----------
    said : dict
        The JSON part.
    found, previews : bytes
        The packed detections; JPEG pictures end to end.
    bounds : dict
        `ChunkBounds` as JSON: no time may lie outside.
    size : (width, height)
        Pixels of the frame: no box may lie outside.
    colours : bool
        Whether colours were asked for: what was not asked for is not kept.

    Raises
    ------
    NonsenseError
        Something does not.
    """
    check(said, DETECTED)
    first_ms, last_ms = bounds["first_ms"], bounds["last_ms"]
    _hold(first_ms <= said["decoded_to_ms"] <= last_ms, "The time reached lies outside the chunk.")
    _check_detections(found, first_ms, last_ms, size, colours=colours)
    index = [(time_ms, offset, length) for time_ms, offset, length in said["preview_index"]]
    _check_previews(index, previews, first_ms, last_ms)
    return ChunkResult(
        detections=found,
        previews=previews,
        preview_index=index,
        decoded_to_ms=said["decoded_to_ms"],
        frames=said["frames"],
        broken=said["broken"],
    )


def _hold(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NonsenseError(otherwise)


def _check_detections(
    found: bytes, first_ms: int, last_ms: int, size: tuple[int, int], *, colours: bool
) -> None:
    try:
        frames = detections.unpack(found)
    except BadDetectionsError as error:
        raise NonsenseError(str(error)) from error
    times = [frame.time_ms for frame in frames]
    _check_times(times, first_ms, last_ms)
    most = np.array([*size, *size], np.float64) + BOX_SLACK_PX
    for frame in frames:
        boxes = frame.boxes
        _hold(colours or frame.colours is None, "There are colours that nobody asked for.")
        _hold(bool(np.isfinite(boxes).all() and (boxes <= most).all()), "A box lies outside.")
        _hold(bool((boxes[:, :2] <= boxes[:, 2:]).all()), "A box is inside out.")


def _check_times(times: list[int], first_ms: int, last_ms: int) -> None:
    inside = not times or (first_ms <= times[0] and times[-1] < last_ms)
    rising = all(one < two for one, two in pairwise(times))
    _hold(inside and rising, "Times lie outside the chunk or out of order.")


def _check_previews(
    index: list[tuple[int, int, int]], previews: bytes, first_ms: int, last_ms: int
) -> None:
    _check_times([time_ms for time_ms, _, _ in index], first_ms, last_ms)
    at = 0
    for _, offset, length in index:
        _hold(offset == at and 0 < length <= len(previews) - at, "Pictures lie beside each other.")
        width, height = jpeg_size(previews[offset : offset + length])
        small = 0 < width <= PREVIEW_LARGEST_PX and 0 < height <= PREVIEW_TALLEST_PX
        _hold(small, f"A preview has {width} x {height} pixels.")
        at += length
    _hold(at == len(previews), "There is more than the pictures.")


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Return a JPEG's width and height by its header; refuse what we never write into one.

    Raises
    ------
    NonsenseError
        It is no JPEG, or carries comments, metadata or anything else beside the picture.
    """
    _hold(data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "A preview is no JPEG.")
    at, size = 2, (0, 0)
    while at + 9 <= len(data) and data[at] == 0xFF and data[at + 1] != SCAN_MARKER:
        marker = data[at + 1]
        if marker in FRAME_MARKERS:
            size = (int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7]))
        else:
            known = marker in TABLE_MARKERS or marker == JFIF_MARKER
            _hold(known, f"A preview carries a part {marker:#x}.")
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    _hold(data[at : at + 2] == bytes((0xFF, SCAN_MARKER)), "A preview has no picture in it.")
    return size
