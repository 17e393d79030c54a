"""Small lines beside a number. Pure: values in, the points of an SVG out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 100.0, 26.0
# The line's own width must not be cut off at the edges.
MARGIN = 1.5


@dataclass(frozen=True, slots=True)
class Spark:
    """A line in pieces: it breaks where nothing was seen, for a hole is not a zero."""

    lines: list[str]
    areas: list[str]
    # Values that stand alone between two holes, as x and y.
    dots: list[tuple[float, float]]
    width: float = WIDTH
    height: float = HEIGHT


def spark(values: Sequence[float | None]) -> Spark | None:
    """Return the line of these values from a floor of zero; None where fewer than two are known.

    Parameters
    ----------
    values : sequence of float or None
        In the order of time, evenly apart; None where nobody knows.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    top = max(*known, 0.0) or 1.0
    step = WIDTH / (len(values) - 1)
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            height = HEIGHT - 2 * MARGIN
            y = HEIGHT - MARGIN - height * max(0.0, value) / top
            pieces[-1].append((round(index * step, 2), round(y, 2)))
    runs = [piece for piece in pieces if len(piece) > 1]
    return Spark(
        lines=[_points(piece) for piece in runs],
        areas=[_points([(piece[0][0], HEIGHT), *piece, (piece[-1][0], HEIGHT)]) for piece in runs],
        dots=[piece[0] for piece in pieces if len(piece) == 1],
    )


def _points(piece: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in piece)
