"""Time over the cells of a camera's picture: exact along a path's segments. Pure: arrays only.

Presence is the time that foot points were in a cell. Dwell is the part of it during which they
moved slower than `STANDING` body heights a second, measured over a second at the least, since a
foot point trembles from frame to frame. 0.2 heights a second are 0.34 m/s for somebody 1.7 m tall,
a quarter of a comfortable walk (1.27 to 1.46 m/s: Bohannon, Age and Ageing 26, 1997, 15-19), so who
strolls counts as walking and who shifts from one foot to the other as standing. Heights are used
because a camera without a floor plan knows no metres; they shrink with distance as the way does.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS = 64, 36
STANDING = 0.2
SPEED_OVER_MS = 1000
MAGIC = b"OTH1"
US = 1000  # microseconds a millisecond
# Segments worked at once; each crosses 1 + 64 + 36 cells at the most.
SEGMENTS_AT_ONCE = 20_000

Grid = NDArray[np.int64]
Floats = NDArray[np.float64]


class BadGridError(ValueError):
    """A stored grid is damaged or of another size."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One track on its camera's picture.

    Parameters
    ----------
    times_ms : ndarray of shape (N,)
        When its foot points were taken, in order.
    places : ndarray of shape (N, 2)
        Where, as fractions of the frame.
    first_ms, last_ms : int
        From when to when it was followed; before its first and after its last point it stood there.
    height_px : float
        How tall the person is in the picture; 0 where nobody knows, so that it never stands.
    size_px : (int, int)
        Width and height of the picture.
    """

    times_ms: NDArray[np.int64]
    places: Floats
    first_ms: int
    last_ms: int
    height_px: float
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Heat:
    """Microseconds per cell, rows from the top: of everybody, and of those who stood."""

    presence: Grid
    dwell: Grid


def empty_grid() -> Grid:
    """Return a grid of no time, of shape (ROWS, COLUMNS), in microseconds."""
    return np.zeros((ROWS, COLUMNS), np.int64)


def draw(tracks: Iterable[Followed], from_ms: int, to_ms: int) -> tuple[Heat, int]:
    """Return the time per cell within ``[from_ms, to_ms)``, and of how many tracks.

    Memory does not grow with the number of tracks. The sum of all cells is the time for which the
    tracks were followed within the span, to half a microsecond a cell.
    """
    presence, dwell = np.zeros(ROWS * COLUMNS), np.zeros(ROWS * COLUMNS)
    count = 0
    for some in _batches(tracks, from_ms, to_ms):
        count += len(some)
        segments, speeds = (np.concatenate(parts) for parts in zip(*some, strict=True))
        _spread(segments, speeds < STANDING, presence, dwell)
    return Heat(_microseconds(presence), _microseconds(dwell)), count


def _batches(
    tracks: Iterable[Followed], from_ms: int, to_ms: int
) -> Iterator[list[tuple[Floats, Floats]]]:
    """Yield the segments and speeds of tracks that meet the span, many segments at a time."""
    some: list[tuple[Floats, Floats]] = []
    held = 0
    for track in tracks:
        segments, speeds = _segments(track, from_ms, to_ms)
        if len(segments):
            some.append((segments, speeds))
            held += len(segments)
        if held >= SEGMENTS_AT_ONCE:
            yield some
            some, held = [], 0
    if some:
        yield some


def _segments(track: Followed, from_ms: int, to_ms: int) -> tuple[Floats, Floats]:
    """Return a track's segments within a span ``(ms, x1, y1, x2, y2)`` and their speeds."""
    if not len(track.times_ms):
        return np.zeros((0, 5)), np.zeros(0)
    points = np.column_stack([track.times_ms, track.places]).astype(np.float64)
    first, last = points[0].copy(), points[-1].copy()
    first[0], last[0] = min(first[0], track.first_ms), max(last[0], track.last_ms)
    points = np.concatenate([first[None], points, last[None]])
    start, end = points[:-1], points[1:]
    length = end[:, 0] - start[:, 0]
    begins, ends = np.maximum(start[:, 0], from_ms), np.minimum(end[:, 0], to_ms)
    kept = (length > 0) & (ends > begins)
    start, end, length = start[kept], end[kept], length[kept]
    begins, ends = begins[kept], ends[kept]
    way = end[:, 1:] - start[:, 1:]
    from_xy = start[:, 1:] + way * ((begins - start[:, 0]) / length)[:, None]
    to_xy = start[:, 1:] + way * ((ends - start[:, 0]) / length)[:, None]
    segments = np.column_stack([ends - begins, from_xy, to_xy])
    return segments, _speeds(points, start[:, 0], end[:, 0], track)


def _speeds(points: Floats, starts_ms: Floats, ends_ms: Floats, track: Followed) -> Floats:
    """Return body heights a second around each segment; infinite where no height is known."""
    if track.height_px <= 0:
        return np.full(len(starts_ms), np.inf)
    middle = (starts_ms + ends_ms) / 2
    half = np.maximum(ends_ms - starts_ms, SPEED_OVER_MS) / 2
    before = np.maximum(middle - half, points[0, 0])
    after = np.minimum(middle + half, points[-1, 0])
    way_px = [
        (np.interp(after, points[:, 0], points[:, axis])
         - np.interp(before, points[:, 0], points[:, axis])) * track.size_px[axis - 1]
        for axis in (1, 2)
    ]  # fmt: skip
    return np.asarray(np.hypot(*way_px) / track.height_px / ((after - before) / 1000))


def _spread(segments: Floats, stands: NDArray[np.bool_], presence: Floats, dwell: Floats) -> None:
    """Add the segments' time to the cells they pass through, each by its share of the way."""
    scale = np.array([COLUMNS, ROWS, COLUMNS, ROWS], np.float64)
    x1, y1, x2, y2 = (segments[:, 1:] * scale).T
    rows = [np.repeat(np.arange(len(segments)), 2)]
    cuts = [np.tile([0.0, 1.0], len(segments))]
    for a, b in ((x1, x2), (y1, y2)):
        index, cut = _line_cuts(a, b)
        rows.append(index)
        cuts.append(cut)
    row, cut = np.concatenate(rows), np.concatenate(cuts)
    order = np.lexsort((cut, row))
    row, cut = row[order], cut[order]
    same = row[1:] == row[:-1]
    row, share, middle = row[1:][same], np.diff(cut)[same], ((cut[1:] + cut[:-1]) / 2)[same]
    column = _cell(x1[row] + (x2 - x1)[row] * middle, COLUMNS)
    line = _cell(y1[row] + (y2 - y1)[row] * middle, ROWS)
    cells, time_ms = line * COLUMNS + column, segments[row, 0] * share
    presence += np.bincount(cells, time_ms, ROWS * COLUMNS)
    dwell += np.bincount(cells, time_ms * stands[row], ROWS * COLUMNS)


def _line_cuts(a: Floats, b: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return which segments from a to b, in cells, cross grid lines, and at what share of them."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    first = np.floor(low).astype(np.int64) + 1
    count = np.maximum(np.ceil(high).astype(np.int64) - first, 0)
    index = np.repeat(np.arange(len(a)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    line = first[index] + within
    return index, np.clip((line - a[index]) / (b - a)[index], 0, 1)


def _cell(place: Floats, count: int) -> NDArray[np.int64]:
    return np.clip(np.floor(place).astype(np.int64), 0, count - 1)


def _microseconds(time_ms: Floats) -> Grid:
    return np.rint(time_ms * US).astype(np.int64).reshape(ROWS, COLUMNS)


def cell_centres() -> Floats:
    """Return the middle of every cell, rows from the top, as fractions, of shape (N, 2)."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    return np.column_stack([(x.ravel() + 0.5) / COLUMNS, (y.ravel() + 0.5) / ROWS])


def top_of_scale(grid: Grid) -> int:
    """Return the 99th percentile of the cells that anybody was in: where colours end; 0 if none.

    One person who stands still for an hour would otherwise leave the rest of the picture empty.
    """
    used = grid[grid > 0]
    return int(np.percentile(used, 99, method="higher")) if used.size else 0


def pack(grid: Grid) -> bytes:
    """Return a grid as bytes; the same content always gives the same bytes."""
    return MAGIC + zlib.compress(grid.astype("<i8").tobytes(), 6)


def unpack(blob: bytes) -> Grid:
    """Return the grid that `pack` wrote; raises BadGridError."""
    blob = bytes(blob)
    if blob[:4] != MAGIC:
        raise BadGridError(f"Expected bytes that start with {MAGIC!r}, got {blob[:4]!r}.")
    try:
        cells = np.frombuffer(zlib.decompress(blob[4:]), "<i8")
    except (zlib.error, ValueError) as error:
        raise BadGridError(f"The bytes are damaged: {error}.") from error
    if cells.size != ROWS * COLUMNS:
        raise BadGridError(f"Expected {ROWS * COLUMNS} cells, got {cells.size}.")
    return cells.reshape(ROWS, COLUMNS).astype(np.int64)
