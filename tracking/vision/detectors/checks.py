"""Whether a detector's settings can be: they come from people."""

from __future__ import annotations

from collections.abc import Mapping

from tracking.vision.detectors.pictures import STEP
from tracking.vision.errors import UnknownDetectorError

LARGEST_GAP_MS = 10_000


def is_share(value: object) -> bool:
    """Return whether a value from outside is a number between 0 and 1."""
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= 1


def check_gap(gap_ms: object) -> None:
    """Refuse a gap between frames that no detector can keep.

    Raises
    ------
    UnknownDetectorError
        It is out of range or no whole number.
    """
    if type(gap_ms) is not int or not 0 <= gap_ms <= LARGEST_GAP_MS:
        raise UnknownDetectorError(f"gap_ms is between 0 and {LARGEST_GAP_MS}, got {gap_ms!r}.")


def check_bounds(values: Mapping[str, object], bounds: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers that are out of their bounds; a whole bound wants a whole number.

    Raises
    ------
    UnknownDetectorError
        One of them is out of its range or no such number.
    """
    for name, (least, most) in bounds.items():
        value = values[name]
        kinds = (int,) if isinstance(least, int) else (int, float)
        if type(value) not in kinds or not least <= value <= most:  # type: ignore[operator]
            raise UnknownDetectorError(f"{name} is between {least} and {most}, got {value!r}.")


def check_settings(threshold: float, nms_iou: float, gap_ms: int, side: int, most: int) -> None:
    """Refuse settings that no network can work with.

    Raises
    ------
    UnknownDetectorError
        One of them is out of its range or no number.
    """
    for name, share in (("threshold", threshold), ("nms_iou", nms_iou)):
        if not is_share(share):
            raise UnknownDetectorError(f"{name} is between 0 and 1, got {share!r}.")
    check_gap(gap_ms)
    if type(side) is not int or side % STEP or not STEP <= side <= most:
        raise UnknownDetectorError(
            f"input_side is a multiple of {STEP} up to {most}, got {side!r}."
        )
