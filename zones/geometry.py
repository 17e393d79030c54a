"""Polygons and directed lines on a camera's picture, exact on every edge and corner.

Coordinates are IEEE doubles and mean exactly the number they hold. Which side of a line a point
lies on is first asked of plain floating point together with a proven error bound; only where the
bound does not decide is the sign computed again in exact rationals. So a point on a side is on it,
a point one bit beside it is not, and the common case stays fast.

The axes are those of a picture: x to the right, y down. Walking from ``a`` to ``b``, a positive
cross product lies on the right-hand side.

Nothing here imports Django.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point: TypeAlias = tuple[float, float]
Side: TypeAlias = Literal["right", "left"]

MIN_VERTICES = 3
# Checking a shape compares every pair of sides; 200 corners are 20 000 pairs, 0.16 s when busy.
MAX_VERTICES = 200
MAX_MASKS = 20

# Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates"
# (1997), ccwerrboundA, with epsilon = 2**-53 (half an ulp of 1.0).
_HALF_ULP = 2.0**-53
_ERROR_BOUND = (3.0 + 16.0 * _HALF_ULP) * _HALF_ULP
# That bound holds while no product is subnormal (below 2**-1022); far above it we trust nothing.
_SMALLEST_TRUSTED = 1e-280

# (points x sides) worked at once by contains_many: 2**18 doubles keep a temporary at 2 MiB.
_PAIRS_AT_ONCE = 2**18


# --- the exact turn ------------------------------------------------------------------------------


def _exact_cross(a: Point, b: Point, p: Point) -> Fraction:
    ax, ay, bx, by, px, py = map(Fraction, (*a, *b, *p))
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


def _sign(value: float | Fraction) -> int:
    return (value > 0) - (value < 0)


def _turn(a: Point, b: Point, p: Point) -> int:
    """Return the exact sign of ``cross(b - a, p - a)``: 1 right of a->b, -1 left, 0 on its line."""
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    off_x, off_y = p[0] - a[0], p[1] - a[1]
    # A float difference has the sign of the true difference, so the sign of a product needs no
    # arithmetic; the two products decide by themselves unless both point the same way.
    first, second = _sign(along_x) * _sign(off_y), _sign(along_y) * _sign(off_x)
    if first != second or first == 0:
        return _sign(first - second)
    left, right = along_x * off_y, along_y * off_x
    size = abs(left) + abs(right)
    if size > _SMALLEST_TRUSTED and abs(left - right) > _ERROR_BOUND * size:
        return _sign(left - right)
    return _sign(_exact_cross(a, b, p))


def _turns(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    points: NDArray[np.float64],
    wanted: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """Return :func:`_turn` of N points against M sides, right wherever ``wanted`` is true.

    Parameters
    ----------
    a, b : ndarray of shape (M, 2), float64
        Both ends of every side.
    points : ndarray of shape (N, 2), float64
    wanted : ndarray of shape (N, M), bool
        Pairs worth the exact answer where floats cannot decide; the others may read 0.

    Returns
    -------
    turns : ndarray of shape (N, M), int8
        1, 0 or -1.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        along = b - a
        off = points[:, None, :] - a[None, :, :]
        first = np.sign(along[:, 0]) * np.sign(off[..., 1])
        second = np.sign(along[:, 1]) * np.sign(off[..., 0])
        left, right = along[:, 0] * off[..., 1], along[:, 1] * off[..., 0]
        size = np.abs(left) + np.abs(right)
        cross = left - right
        by_signs = (first != second) | (first == 0)
        by_floats = (size > _SMALLEST_TRUSTED) & (np.abs(cross) > _ERROR_BOUND * size)
        turns = np.where(by_signs, np.sign(first - second), np.where(by_floats, np.sign(cross), 0))
    result = turns.astype(np.int8)
    for n, m in np.argwhere(wanted & ~by_signs & ~by_floats):
        result[n, m] = _sign(_exact_cross(_point(a[m]), _point(b[m]), _point(points[n])))
    return result


def _point(row: NDArray[np.float64]) -> Point:
    return float(row[0]), float(row[1])


def _between(a: Point, b: Point, p: Point) -> bool:
    """Return whether p lies in the upright box around a and b, borders included."""
    return min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])


def _segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return whether the closed segments a-b and c-d share at least one point, exactly."""
    c_turn, d_turn = _turn(a, b, c), _turn(a, b, d)
    a_turn, b_turn = _turn(c, d, a), _turn(c, d, b)
    if c_turn * d_turn < 0 and a_turn * b_turn < 0:
        return True
    return (
        (c_turn == 0 and _between(a, b, c))
        or (d_turn == 0 and _between(a, b, d))
        or (a_turn == 0 and _between(c, d, a))
        or (b_turn == 0 and _between(c, d, b))
    )


# --- shapes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed area without holes; its sides and corners belong to it.

    Parameters
    ----------
    vertices : sequence of (x, y)
        Corners in walking order, either way round, the first not repeated at the end; all in one
        unit, fractions of the frame or pixels.

    Raises
    ------
    ValueError
        With fewer than three corners or a coordinate that is not finite. That the sides do not
        cross is checked where people draw, by :func:`polygon_problems`; where they do cross,
        a point is inside when a ray from it meets an odd number of sides.
    """

    vertices: tuple[Point, ...]

    def __init__(self, vertices: Sequence[Sequence[float]] | NDArray[np.floating]) -> None:
        corners = tuple((float(x), float(y)) for x, y in vertices)
        if len(corners) < MIN_VERTICES:
            raise ValueError(f"A polygon needs at least 3 vertices, got {len(corners)}.")
        if not all(math.isfinite(x) and math.isfinite(y) for x, y in corners):
            raise ValueError("A polygon's coordinates must be finite numbers.")
        object.__setattr__(self, "vertices", corners)

    def sides(self) -> Iterator[tuple[Point, Point]]:
        """Yield every side as its two ends, the closing side last."""
        yield from zip(self.vertices, self.vertices[1:] + self.vertices[:1], strict=True)

    def contains(self, point: Sequence[float]) -> bool:
        """Return whether the point lies inside, on a side or on a corner.

        A point with a coordinate that is not finite is outside.
        """
        p = (float(point[0]), float(point[1]))
        if not (math.isfinite(p[0]) and math.isfinite(p[1])):
            return False
        inside = False
        for a, b in self.sides():
            if not min(a[1], b[1]) <= p[1] <= max(a[1], b[1]):
                continue
            turn = _turn(a, b, p)
            if turn == 0 and _between(a, b, p):
                return True
            # Half-open in y, so a ray through a corner counts it once.
            if (a[1] <= p[1]) != (b[1] <= p[1]) and (turn > 0) == (b[1] > a[1]):
                inside = not inside
        return inside

    def contains_many(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return :meth:`contains` for many points at once.

        Parameters
        ----------
        points : array of shape (N, 2)
            Same unit as the vertices. Single precision is widened, which is exact.

        Returns
        -------
        inside : ndarray of shape (N,), bool
        """
        found = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        a = np.array(self.vertices, dtype=np.float64)
        b = np.roll(a, -1, axis=0)
        step = max(1, _PAIRS_AT_ONCE // len(a))
        parts = [_inside(a, b, found[n : n + step]) for n in range(0, len(found), step)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.bool_)


def _inside(
    a: NDArray[np.float64], b: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return, for points (N, 2) and the sides a->b (M, 2) of one polygon, which are inside."""
    finite = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
    points = np.where(finite[:, None], points, 0.0)
    x, y = points[:, 0, None], points[:, 1, None]
    low, high = np.minimum(a, b), np.maximum(a, b)
    level = (low[:, 1] <= y) & (y <= high[:, 1])
    turns = _turns(a, b, points, level)
    on_side = level & (low[:, 0] <= x) & (x <= high[:, 0]) & (turns == 0)
    straddles = (a[:, 1] <= y) != (b[:, 1] <= y)
    meets = straddles & ((turns > 0) == (b[:, 1] > a[:, 1]))
    odd = (np.count_nonzero(meets, axis=1) % 2).astype(np.bool_)
    inside: NDArray[np.bool_] = finite & (on_side.any(axis=1) | odd)
    return inside


@dataclass(frozen=True, slots=True)
class Line:
    """A directed line with two ends; "in" is a crossing towards its inside side.

    Parameters
    ----------
    a, b : (x, y)
        The ends; the line is walked from a to b.
    inside_side : {"right", "left"}
        The hand on which the inside lies for someone walking from a to b on the picture. With
        "right", "in" goes from ``side(p) < 0`` to ``side(p) > 0``.

    Raises
    ------
    ValueError
        When the ends are equal or not finite, or the side has another name.
    """

    a: Point
    b: Point
    inside_side: Side = "right"

    def __post_init__(self) -> None:
        ends = (float(self.a[0]), float(self.a[1])), (float(self.b[0]), float(self.b[1]))
        if not all(math.isfinite(value) for end in ends for value in end):
            raise ValueError("A line's coordinates must be finite numbers.")
        if ends[0] == ends[1]:
            raise ValueError("A line needs two different ends.")
        if self.inside_side not in ("right", "left"):
            raise ValueError(f"inside_side is 'right' or 'left', got {self.inside_side!r}.")
        object.__setattr__(self, "a", ends[0])
        object.__setattr__(self, "b", ends[1])

    @property
    def inside_sign(self) -> int:
        """The sign of :meth:`side` on the inside: 1 or -1."""
        return 1 if self.inside_side == "right" else -1

    @property
    def length(self) -> float:
        """The distance from a to b."""
        return math.hypot(self.b[0] - self.a[0], self.b[1] - self.a[1])

    def side(self, point: Sequence[float]) -> float:
        """Return ``cross(b - a, p - a)``: positive right of a->b, negative left, 0.0 on its line.

        The sign is exact; the size carries the usual rounding.
        """
        p = (float(point[0]), float(point[1]))
        if not (math.isfinite(p[0]) and math.isfinite(p[1])):
            return math.nan
        turn = _turn(self.a, self.b, p)
        first = (self.b[0] - self.a[0]) * (p[1] - self.a[1])
        second = (self.b[1] - self.a[1]) * (p[0] - self.a[0])
        cross = first - second
        if _sign(cross) == turn and math.isfinite(cross):
            return cross
        return _nearest_float(_exact_cross(self.a, self.b, p))

    def offset(self, point: Sequence[float]) -> float:
        """Return the signed distance of a point to the endless line, positive on the inside."""
        return self.inside_sign * self.side(point) / self.length

    def crosses_extent(self, p: Sequence[float], q: Sequence[float]) -> bool:
        """Return whether the way p->q meets the line between its ends, ends included, exactly."""
        start, stop = (float(p[0]), float(p[1])), (float(q[0]), float(q[1]))
        if not all(map(math.isfinite, (*start, *stop))):
            return False
        return _segments_meet(self.a, self.b, start, stop)


def _nearest_float(value: Fraction) -> float:
    """Return a float of the same sign, never rounded to zero, infinite where it is too large."""
    try:
        near = float(value)
    except OverflowError:
        return math.copysign(math.inf, _sign(value))
    return near if near or not value else math.copysign(math.ulp(0.0), _sign(value))


def to_pixels(
    vertices: Sequence[Sequence[float]] | NDArray[np.floating], width: int, height: int
) -> NDArray[np.float64]:
    """Return vertices given as fractions of the frame in its pixels.

    Parameters
    ----------
    vertices : sequence of (x, y)
        Fractions in [0, 1] of the display-oriented frame.
    width, height : int
        The frame's size in pixels.

    Returns
    -------
    pixels : ndarray of shape (N, 2), float64
    """
    fractions = np.asarray(vertices, dtype=np.float64).reshape(-1, 2)
    return fractions * np.array([width, height], dtype=np.float64)


# --- validity in plain words ---------------------------------------------------------------------


def polygon_problems(vertices: object, name: str) -> list[str]:
    """Return what is wrong with a drawn zone, one sentence each; empty when nothing is.

    Parameters
    ----------
    vertices : object
        Whatever came in, JSON say: good is a list of [x, y] pairs, fractions of the frame in
        [0, 1], without the first repeated at the end.
    name : str
        The zone's name, as its owner knows it.

    Returns
    -------
    problems : list of str
    """
    zone = f"Zone '{name}'"
    if not isinstance(vertices, list | tuple):
        return [f"{zone} needs a list of [x, y] vertices, got {_shown(vertices)}."]
    if not MIN_VERTICES <= len(vertices) <= MAX_VERTICES:
        bound = (
            f"at least {MIN_VERTICES}"
            if len(vertices) < MIN_VERTICES
            else f"at most {MAX_VERTICES}"
        )
        return [f"{zone} needs {bound} vertices, got {len(vertices)}."]
    problems = [
        f"{zone}: vertex {number} {problem}"
        for number, vertex in enumerate(vertices, start=1)
        if (problem := _point_problem(vertex))
    ]
    return problems or _shape_problems([(float(x), float(y)) for x, y in vertices], zone)


def mask_problems(masks: object) -> list[str]:
    """Return what is wrong with a camera's ignore masks, one sentence each; see polygon_problems.

    Parameters
    ----------
    masks : object
        Whatever came in: good is a list of outlines.
    """
    if not isinstance(masks, list | tuple):
        return [f"Ignore masks are a list of outlines, got {_shown(masks)}."]
    if len(masks) > MAX_MASKS:
        return [f"A camera has at most {MAX_MASKS} ignore masks, got {len(masks)}."]
    return [
        problem
        for number, mask in enumerate(masks, start=1)
        for problem in polygon_problems(mask, mask_name(number))
    ]


def mask_name(number: int) -> str:
    """Return what a camera's ignore mask is called, counted from 1."""
    return f"Ignore mask {number}"


def line_problems(a: object, b: object, name: str) -> list[str]:
    """Return what is wrong with a drawn counting line, one sentence each; see polygon_problems."""
    line = f"Line '{name}'"
    ends = {"its start": a, "its end": b}
    problems = [
        f"{line}: {label} {problem}"
        for label, end in ends.items()
        if (problem := _point_problem(end))
    ]
    if not problems and _as_point(a) == _as_point(b):
        problems.append(f"{line} needs two different ends, got {_as_point(a)} twice.")
    return problems


def _as_point(pair: object) -> Point:
    assert isinstance(pair, list | tuple)
    return float(pair[0]), float(pair[1])


def _point_problem(pair: object) -> str:
    """Return why a pair is no place on the picture, or an empty string."""
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(map(_is_number, pair)):
        return f"must be two numbers [x, y], got {_shown(pair)}."
    if not all(isinstance(value, int) or math.isfinite(value) for value in pair):
        return f"must be finite numbers, got {_shown(pair)}."
    if not all(0 <= value <= 1 for value in pair):
        return f"lies outside the picture: {_shown(pair)}; both numbers go from 0 to 1."
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    """Return a value for a message, cut short."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _shape_problems(corners: list[Point], zone: str) -> list[str]:
    """Return problems of the shape itself, for finite corners inside the frame."""
    first_at: dict[Point, int] = {}
    repeated = []
    for number, corner in enumerate(corners, start=1):
        if (first := first_at.setdefault(corner, number)) != number:
            repeated.append(
                f"{zone}: vertices {first} and {number} are the same point "
                f"{_shown(corner)}; give each vertex once."
            )
    if len(first_at) < MIN_VERTICES:
        return [f"{zone} needs at least {MIN_VERTICES} different vertices, got {len(first_at)}."]
    if repeated:
        return repeated
    if all(_turn(corners[0], corners[1], corner) == 0 for corner in corners[2:]):
        return [f"{zone} has no area: all its vertices lie on one line."]
    return _crossing_problems(corners, zone)


def _crossing_problems(corners: list[Point], zone: str) -> list[str]:
    """Return the first pair of sides that meet where they should not, as a one-item list."""
    count = len(corners)
    sides = [(corners[n], corners[(n + 1) % count]) for n in range(count)]
    # Neighbours share their corner and need no look: where one returns along the other, the side
    # after or before them meets it too (a triangle that does so has no area).
    for i in range(count):
        for j in range(i + 2, count - (i == 0)):
            if _segments_meet(*sides[i], *sides[j]):
                names = [f"{n + 1}-{(n + 1) % count + 1}" for n in (i, j)]
                return [f"{zone} crosses itself: side {names[0]} meets side {names[1]}."]
    return []


def json_is_finite(value: object) -> bool:
    """Return whether JSON holds no NaN and no infinity, which no JSON database column takes."""
    if isinstance(value, dict):
        return all(map(json_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(json_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
