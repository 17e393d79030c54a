"""One sight of a track, as the counters take it."""

from dataclasses import dataclass
from typing import Any, Self

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a track was at one moment, and how well it was seen.

    Attributes
    ----------
    time_ms : int
        Media time.
    box : (x1, y1, x2, y2)
        Pixels.
    covered : float
        The largest share of the box that another track's box covers.
    unseen_ms : int
        For how long frames had been looked at without finding it until then.
    """

    time_ms: int
    box: Box
    covered: float = 0.0
    unseen_ms: int = 0

    @property
    def foot(self) -> Point:
        """Bottom centre of the box, in pixels."""
        x1, _, x2, y2 = self.box
        return ((x1 + x2) / 2, y2)

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.box[3] - self.box[1]

    def to_json(self) -> list[Any]:
        """Return the sight as plain JSON types."""
        return [self.time_ms, list(self.box), self.covered, self.unseen_ms]

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """Return the sight that `to_json` wrote; earlier ones were of a time and a box alone."""
        time_ms, (x1, y1, x2, y2), *rest = data
        return cls(time_ms, (x1, y1, x2, y2), *rest)
