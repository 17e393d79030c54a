"""How far counted crossings are from those of the truth, over several lines of a fixed camera.

The lines are the same for everybody: upright ones at quarters of the width, level ones at the
quartiles of where the feet of the truth stand, for there people walk. What crosses is counted by
the product's own counter, once along the truth's boxes and once along the tracks.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tracking.vision.counting import CountingParams, HiddenParams, SceneCounter, Sight
from tracking.vision.evaluation.mot import FRAME, IDENTITY, Rows, Sequence, boxes_of
from tracking.vision.events import Event, LineCrossed
from tracking.vision.setup import LineSetup, SceneSetup

QUARTERS = (0.25, 0.5, 0.75)
Counts = Counter[tuple[str, str]]  # (line, direction)


@dataclass(frozen=True, slots=True)
class CrossingError:
    """Counted and true crossings of a sequence; `off` is summed over lines and directions."""

    counted: int
    true: int
    off: int

    def __add__(self, other: "CrossingError") -> "CrossingError":
        return CrossingError(
            self.counted + other.counted, self.true + other.true, self.off + other.off
        )

    @property
    def per_cent(self) -> float | None:
        """The error as a share of the truth; None where nobody crossed."""
        return 100 * self.off / self.true if self.true else None


def measuring_lines(sequence: Sequence, truth: Rows) -> SceneSetup:
    """Return a scene with three upright and three level lines."""
    upright = [
        LineSetup(f"x{share}", f"x {share}", "inner", (share, 0.0), (share, 1.0))
        for share in QUARTERS
    ]
    feet = np.clip(boxes_of(truth)[:, 3] / sequence.height, 0.0, 1.0)
    heights = np.quantile(feet, QUARTERS).tolist() if len(feet) else []
    level = [
        LineSetup(f"y{share}", f"y {share}", "inner", (0.0, y), (1.0, y))
        for share, y in zip(QUARTERS, heights, strict=False)
    ]
    return SceneSetup(sequence.width, sequence.height, (), (*upright, *level))


def true_crossings(sequence: Sequence, truth: Rows, scene: SceneSetup) -> Counts:
    """Return how often the people of the truth cross each line each way."""
    # The truth has everybody in sight: no crossing is guessed.
    counter = SceneCounter(scene, CountingParams(hidden=HiddenParams(longest_ms=0)))
    counts: Counts = Counter()
    for row, box in zip(truth, boxes_of(truth).tolist(), strict=True):
        x1, y1, x2, y2 = box
        sight = Sight(sequence.time_ms(int(row[FRAME]) - 1), (x1, y1, x2, y2))
        counts += counted(counter.update(int(row[IDENTITY]), sight))
    return counts


def counted(events: Iterable[Event]) -> Counts:
    """Return how many of the events are crossings of each line each way."""
    crossings = (event for event in events if isinstance(event, LineCrossed))
    return Counter((event.line_key, event.direction) for event in crossings)


def compare(found: Counts, true: Counts) -> CrossingError:
    """Return how far counts are off: too many at one line never make up for too few elsewhere."""
    off = sum(abs(found[key] - true[key]) for key in found.keys() | true.keys())
    return CrossingError(found.total(), true.total(), off)
