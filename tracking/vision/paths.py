"""A track's way over the floor, kept small while it grows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

STEPS = 65535  # foot points are stored in steps of 1/65535 of the frame
FLUSH_MS = 1000  # at least one point a second is kept
TOLERANCE = 0.004  # of the frame: 2 to 4 pixels in a 960 x 540 picture, below a foot's jitter


@dataclass(slots=True)
class TrackPath:
    """Foot points of one track: simplified up to the last second, raw since.

    A point is ``(time_ms, x, y, width_px, height_px)``, x and y as fractions of the frame.
    """

    kept: list[list[float]] = field(default_factory=list)
    raw: list[list[float]] = field(default_factory=list)

    def add(self, time_ms: int, foot: tuple[float, float], size_px: tuple[int, int]) -> None:
        """Append a foot point, given as fractions of the frame."""
        x, y = (min(max(round(value * STEPS), 0), STEPS) / STEPS for value in foot)
        self.raw.append([time_ms, x, y, *size_px])
        if time_ms - self.raw[0][0] >= FLUSH_MS:
            self._flush()

    def points(self) -> list[list[float]]:
        """Return all points kept, the open stretch simplified too; changes nothing."""
        return self.kept + simplified(self.raw)

    def to_json(self) -> dict[str, Any]:
        """Return the path as plain JSON types."""
        return {"kept": self.kept, "raw": self.raw}

    def _flush(self) -> None:
        """Move the open stretch to the kept ones; its last point opens the next stretch."""
        self.kept += simplified(self.raw)[:-1]
        self.raw = self.raw[-1:]


def simplified(points: list[list[float]], tolerance: float = TOLERANCE) -> list[list[float]]:
    """Return the points that matter (Douglas and Peucker, 1973), in space.

    Parameters
    ----------
    points : list of [time_ms, x, y, ...]
        In order of time; the first and the last are always kept.
    tolerance : float
        No point left out is further than this from the way that remains.
    """
    if len(points) <= 2:
        return list(points)
    places = np.array([point[1:3] for point in points])
    keep = {0, len(points) - 1}
    stretches = [(0, len(points) - 1)]
    while stretches:
        first, last = stretches.pop()
        if last - first < 2:
            continue
        off = _distances(places[first + 1 : last], places[first], places[last])
        furthest = int(np.argmax(off))
        if off[furthest] > tolerance:
            middle = first + 1 + furthest
            keep.add(middle)
            stretches += [(first, middle), (middle, last)]
    return [points[index] for index in sorted(keep)]


def _distances(
    places: np.ndarray[Any, Any], start: np.ndarray[Any, Any], end: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Return the distance of points (N, 2) to the segment from start to end."""
    way = end - start
    length = float(way @ way)
    share = np.clip((places - start) @ way / length, 0, 1) if length else np.zeros(len(places))
    nearest = start + share[:, None] * way
    return np.asarray(np.hypot(*(places - nearest).T))
