"""Counting ways that were followed already: what other zones and lines would have counted.

Of a way its foot points are kept, thinned out to what matters and to one a second at the least.
Between two of them people walked straight, so the counters are fed with points on those lines.
What nobody kept cannot be told again: who was hidden behind whom, and who was never followed
because feet were in an ignored place.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracking.vision.counting.hidden import HiddenParams
from tracking.vision.counting.lines import LineCounter
from tracking.vision.counting.scene import CountingParams
from tracking.vision.counting.sights import Sight
from tracking.vision.counting.zones import ZoneCounter
from tracking.vision.events import Event, LineCrossed, ZoneLeft
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup

# Finer than the time for which somebody must be inside a zone to have entered it.
STEP_MS = 200
# A way is kept by the second; where more is missing, nobody saw which way it went.
HOLE_MS = 2000
AS_KEPT = CountingParams(hidden=HiddenParams(longest_ms=0, gone_ms=0))
WIDTH_PER_HEIGHT = 0.4  # of a box; no counter looks at how wide one is

Shape = ZoneSetup | LineSetup
Counter = LineCounter | ZoneCounter
Piece = tuple[NDArray[np.int64], NDArray[np.float64]]
Ignored = tuple[ZoneSetup, ...]


@dataclass(frozen=True, slots=True)
class FollowedWay:
    """Where one person went.

    Attributes
    ----------
    width, height : int
        The frame in pixels.
    height_px : float
        Of the person's box.
    pieces : sequence of (times, places)
        Media times in ms of shape (N,), rising, and foot points as fractions, of shape (N, 2).
    """

    width: int
    height: int
    height_px: float
    pieces: Sequence[Piece]


@dataclass(slots=True)
class ShapeCount:
    """What one zone or line counted; a stay whose start or end was not seen has no length."""

    entries: int = 0
    exits: int = 0
    dwells_ms: list[int] = field(default_factory=list)
    censored: int = 0

    def add(self, events: Iterable[Event]) -> None:
        """Add crossings and finished stays."""
        for event in events:
            if isinstance(event, LineCrossed):
                self.entries += event.direction == "in"
                self.exits += event.direction == "out"
            elif isinstance(event, ZoneLeft) and event.censored:
                self.censored += 1
            elif isinstance(event, ZoneLeft):
                self.dwells_ms.append(event.dwell_ms)


@dataclass(frozen=True, slots=True)
class CountedWays:
    """What each map counted, by the keys of its shapes, and over how many ways."""

    maps: list[dict[str, ShapeCount]]
    ways: int


def count_ways(
    maps: Sequence[SceneSetup], ways: Iterable[FollowedWay], looks_at_most: int
) -> CountedWays:
    """Count the same ways with several maps, each as if it had held all the time.

    Parameters
    ----------
    maps : sequence of SceneSetup
        Their sizes do not matter: every way names its own.
    ways : iterable of FollowedWay
        Taken one after another until the bound is reached; all maps count the same ones.
    looks_at_most : int
        So often a point is looked at by a shape, and to the end of the way at which that is
        reached.
    """
    todo, told = _once_each(maps)
    counters: dict[tuple[Shape, int, int], Counter] = {}
    looks = done = 0
    for way in ways:
        if looks >= looks_at_most:
            break
        done += 1
        for ignored, counted in todo.items():
            sights = _sights(way, ignored)
            near = _near(sights, way)
            for shape, count in counted.items():
                if not near(shape):
                    continue
                key = (shape, way.width, way.height)
                counter = counters[key] = counters.get(key) or _counter(*key)
                looks += len(sights)
                count.add(_walk(counter, done, sights))
    return CountedWays(told, done)


def _once_each(
    maps: Sequence[SceneSetup],
) -> tuple[dict[Ignored, dict[Shape, ShapeCount]], list[dict[str, ShapeCount]]]:
    """Return what is to be counted, a shape that two maps share once, and where each map has it."""
    todo: dict[Ignored, dict[Shape, ShapeCount]] = {}
    told = []
    for each in maps:
        ignored = tuple(zone for zone in each.zones if zone.kind == "ignore")
        counted = todo.setdefault(ignored, {})
        zones = (zone for zone in each.zones if zone.kind != "ignore")
        shapes: list[Shape] = [*each.lines, *zones]
        told.append({shape.key: counted.setdefault(shape, ShapeCount()) for shape in shapes})
    return todo, told


def _counter(shape: Shape, width: int, height: int) -> Counter:
    if isinstance(shape, ZoneSetup):
        return ZoneCounter(shape, width, height)
    return LineCounter(shape, width, height, AS_KEPT.band_per_height, AS_KEPT.hidden)


def _walk(counter: Counter, number: int, sights: Sequence[Sight]) -> list[Event]:
    """Lead one person past one shape, from the first sight to the last."""
    events: list[Event] = []
    for sight in sights:
        if isinstance(counter, LineCounter):
            events += counter.update(number, sight)
        else:
            events += counter.update(number, sight.time_ms, sight.foot)
    return [*events, *counter.end(number)]


def _near(sights: Sequence[Sight], way: FollowedWay) -> Callable[[Shape], bool]:
    """Return what tells whether a way comes near a shape at all: most pass most far off."""
    if not sights:
        return lambda _: False
    size = (way.width, way.height)
    feet = [sight.foot for sight in sights]
    # A pixel more on either side: pixels of corners are rounded.
    spans = [(min(axis) - 1, max(axis) + 1) for axis in zip(*feet, strict=True)]

    def is_near(shape: Shape) -> bool:
        corners = shape.vertices if isinstance(shape, ZoneSetup) else (shape.a, shape.b)
        edges = [
            [value * full for value in axis]
            for axis, full in zip(zip(*corners, strict=True), size, strict=True)
        ]
        return all(
            low <= max(edge) and min(edge) <= high
            for edge, (low, high) in zip(edges, spans, strict=True)
        )

    return is_near


def _sights(way: FollowedWay, ignored: Ignored) -> list[Sight]:
    """Return a way's foot points, close enough for the counters, without those in ignored zones."""
    shapes = [zone.polygon_px(way.width, way.height) for zone in ignored]
    found: list[Sight] = []
    for times, places in way.pieces:
        if not len(times):
            continue
        close_ms, close = _closer(times, places)
        feet = close * (way.width, way.height)
        kept = np.ones(len(feet), dtype=np.bool_)
        for shape in shapes:
            kept &= ~shape.contains_many(feet)
        half, tall = way.height_px * WIDTH_PER_HEIGHT / 2, way.height_px
        rows = zip(close_ms[kept].tolist(), feet[kept].tolist(), strict=True)
        found += [Sight(at, (x - half, y - tall, x + half, y)) for at, (x, y) in rows]
    return found


def _closer(times: NDArray[np.int64], places: NDArray[np.float64]) -> Piece:
    """Return a piece with points at most a step apart, but for its holes."""
    gaps = np.diff(times)
    parts = np.where(gaps <= HOLE_MS, -(-gaps // STEP_MS), 1)
    parts = np.maximum(parts, 1)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    shares = (np.arange(parts.sum()) - first) / np.repeat(parts, parts)
    at = np.repeat(times[:-1], parts) + np.rint(shares * np.repeat(gaps, parts)).astype(np.int64)
    start = np.repeat(places[:-1], parts, axis=0)
    step = np.repeat(np.diff(places, axis=0), parts, axis=0)
    close = start + shares[:, None] * step
    return np.append(at, times[-1]), np.vstack([close, places[-1:]])
