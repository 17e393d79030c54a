"""How tall people are at each height of the picture, learned while counting.

A fixed camera looks down on one floor: who is lower in the picture is nearer and taller. A
straight line of box height over box centre is enough to tell a person who walks away, and shrinks,
from one whose legs are hidden, and seems to.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tracking.vision.tracker.kalman import Array

ENOUGH = 150  # boxes before the line is trusted
LEAST_SPREAD = 0.15  # standard deviation of the centres as a share of the mean height
LIKELY, UNSURE, LESS_LIKELY = 0.25, 0.05, 0.02  # credit of a height that is off
LARGEST_STEP = 1.15  # a height changes at most by this factor from one frame to the next


@dataclass(slots=True)
class Perspective:
    """A regression line of box height over the box centre's y, as running sums."""

    count: float = 0.0
    sum_y: float = 0.0
    sum_h: float = 0.0
    sum_yy: float = 0.0
    sum_yh: float = 0.0

    def learn(self, measured: Array) -> None:
        """Take in boxes of confirmed tracks. `measured` is (N, 4): cx, cy, width, height."""
        y, height = measured[:, 1], measured[:, 3]
        self.count += float(len(y))
        self.sum_y += float(y.sum())
        self.sum_h += float(height.sum())
        self.sum_yy += float(y @ y)
        self.sum_yh += float(y @ height)

    def expected(self, y: Array) -> Array | None:
        """Return the usual height at some centres, shape (N,); None while too little is known."""
        line = self._line()
        if line is None:
            return None
        base, slope = line
        # Far outside of what was seen the line ends: a quarter of the mean height is the least.
        return np.maximum(base + slope * y, self.sum_h / self.count / 4)

    def change(self, from_y: Array, to_y: Array) -> Array:
        """Return the factor by which a height changes on the way between two centres.

        Parameters
        ----------
        from_y, to_y : ndarray of shape (N,)
            Centres in pixels.

        Returns
        -------
        factor : ndarray of shape (N,)
            1 as long as too little is known or the camera shows no perspective.
        """
        before, after = self.expected(from_y), self.expected(to_y)
        if before is None or after is None:
            return np.ones_like(from_y)
        return np.clip(after / before, 1 / LARGEST_STEP, LARGEST_STEP)

    def credit(self, known: Array, measured: Array) -> Array:
        """Return how far measured heights may pull those of their tracks, shape (N,).

        Parameters
        ----------
        known, measured : ndarray of shape (N, 4)
            ``(cx, cy, width, height)`` of the tracks and of what was detected of them. Whichever
            is nearer to the usual height at its place is more likely right.
        """
        usual, usual_now = self.expected(known[:, 1]), self.expected(measured[:, 1])
        if usual is None or usual_now is None:
            return np.full(len(known), UNSURE)
        odd = np.abs(np.log(np.maximum(known[:, 3], 1.0) / usual))
        odd_now = np.abs(np.log(np.maximum(measured[:, 3], 1.0) / usual_now))
        return np.where(odd_now < odd, LIKELY, LESS_LIKELY)

    def likelihood(self, measured: Array, spread: float) -> Array:
        """Return how likely heights are at their places, 1 for the usual one. Shape (N,).

        Parameters
        ----------
        measured : ndarray of shape (N, 4)
            ``(cx, cy, width, height)``.
        spread : float
            Standard deviation of the logarithm of people's heights and their detections' errors.
        """
        usual = self.expected(measured[:, 1])
        if usual is None:
            return np.ones(len(measured))
        odd = np.log(np.maximum(measured[:, 3], 1.0) / usual) / spread
        return np.asarray(np.exp(-(odd**2) / 2))

    def to_json(self) -> dict[str, Any]:
        """Return the sums as plain JSON types."""
        return asdict(self)

    def _line(self) -> tuple[float, float] | None:
        if self.count < ENOUGH:
            return None
        mean_y, mean_h = self.sum_y / self.count, self.sum_h / self.count
        variance = self.sum_yy / self.count - mean_y**2
        if variance < (LEAST_SPREAD * mean_h) ** 2:
            return None
        slope = (self.sum_yh / self.count - mean_y * mean_h) / variance
        return (mean_h - slope * mean_y, slope) if slope > 0 else None
