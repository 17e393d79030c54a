"""Which piece goes on in which other one: the same person, hidden for a while."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from tracking.vision.offline.params import OfflineParams
from tracking.vision.offline.pieces import Piece
from tracking.vision.tracker.kalman import Array
from tracking.vision.tracker.table import Ints

LEAST_S = 1e-6  # media time is in whole milliseconds: what is less is rounding


def chains_of(pieces: list[Piece], params: OfflineParams) -> list[list[int]]:
    """Return the pieces of each person, as indices in order of time.

    All pairs are chosen at once for the largest total gain, so a piece goes on in the best of
    the others for everybody, not for whoever came first.
    """
    ends, starts, gains = _links(pieces, params)
    following: dict[int, int] = {}
    for part in _apart(ends, starts, len(pieces)):
        following |= _best(ends[part], starts[part], gains[part])
    heads = sorted(set(range(len(pieces))) - set(following.values()))
    return [list(_along(head, following)) for head in heads]


def _apart(ends: Ints, starts: Ints, count: int) -> Iterator[Ints]:
    """Yield the links in groups that share no piece: hours of film are thousands of pieces."""
    if not len(ends):
        return
    # A piece has two sides, where it begins and where it ends; a link joins one of each.
    pairs = coo_array((np.ones(len(ends)), (ends, starts + count)), (2 * count, 2 * count))
    group = connected_components(pairs, directed=False)[1][ends]
    order = np.argsort(group, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def _best(ends: Ints, starts: Ints, gains: Array) -> dict[int, int]:
    """Return which piece follows on which, for the largest total gain.

    A crowd's pieces hang together for hours: a table of all with all would fill the memory. Every
    end may also go on in nothing, a column of its own, for no gain; 1 more keeps gains of 0 apart
    from links that cannot be.
    """
    rows, row = np.unique(ends, return_inverse=True)
    columns, column = np.unique(starts, return_inverse=True)
    nothing = np.arange(len(rows))
    worth = np.concatenate([1 + gains, np.ones(len(rows))])
    at = np.concatenate([row, nothing]), np.concatenate([column, len(columns) + nothing])
    table = coo_array((worth, at), (len(rows), len(columns) + len(rows))).tocsr()
    chosen = zip(*min_weight_full_bipartite_matching(table, maximize=True), strict=True)
    return {int(rows[i]): int(columns[j]) for i, j in chosen if j < len(columns)}


def _along(head: int, following: dict[int, int]) -> Iterator[int]:
    at: int | None = head
    while at is not None:
        yield at
        at = following.get(at)


def _links(pieces: list[Piece], params: OfflineParams) -> tuple[Ints, Ints, Array]:
    """Return possible links, a piece and the one it goes on in, and how well: above 0, up to 1."""
    ends, starts = _in_time(pieces, params.link_ms / 1000)
    if params.apart:
        pairs = zip(ends.tolist(), starts.tolist(), strict=True)
        kept = [_times_ms(pieces[i], pieces[j]) not in params.apart for i, j in pairs]
        ends, starts = ends[kept], starts[kept]
    if not len(ends):
        return ends, starts, np.zeros(0)
    first = np.stack([_end(piece, params, at_start=True) for piece in pieces])[starts]
    last = np.stack([_end(piece, params, at_start=False) for piece in pieces])[ends]
    gap_s = np.array([pieces[j].times_s[0] - pieces[i].times_s[-1]
                      for i, j in zip(ends.tolist(), starts.tolist(), strict=True)])  # fmt: skip
    going_s = params.keep_going_s * (1 - np.exp(-gap_s / params.keep_going_s))
    way = first[:, :2] - last[:, :2]
    height = np.maximum(np.sqrt(first[:, 2] * last[:, 2]), 1.0)
    ahead = np.linalg.norm(way - last[:, 3:] * going_s[:, None], axis=1) / height
    back = np.linalg.norm(way - first[:, 3:] * going_s[:, None], axis=1) / height
    gain = 1 - (ahead + back) / 2 / (params.link_reach + params.link_reach_per_s * gap_s)
    taller = np.abs(np.log(first[:, 2] / last[:, 2]))
    made = np.flatnonzero((taller <= params.link_height) & (gain > 0))
    return ends[made], starts[made], gain[made]


def _times_ms(before: Piece, after: Piece) -> tuple[int, int]:
    """Return when the one ended and when the other began."""
    return round(1000 * before.times_s[-1]), round(1000 * after.times_s[0])


def _in_time(pieces: list[Piece], longest_s: float) -> tuple[Ints, Ints]:
    """Return the pairs of which one begins after the other ended, and not long after."""
    begun = np.array([piece.times_s[0] for piece in pieces])
    ended = np.array([piece.times_s[-1] for piece in pieces])
    order = np.argsort(begun, kind="stable")
    after = np.searchsorted(begun[order], ended, side="right")
    until = np.searchsorted(begun[order], ended + longest_s + LEAST_S, side="right")
    counts = np.maximum(until - after, 0)
    ends = np.repeat(np.arange(len(pieces)), counts)
    within = np.arange(len(ends)) - np.repeat(np.cumsum(counts) - counts, counts)
    return ends, order[np.repeat(after, counts) + within]


def _end(piece: Piece, params: OfflineParams, *, at_start: bool) -> Array:
    """Return place, height and speed at one end of a piece: cx, cy, height, vx, vy (a second).

    A straight line through the detections of `look_s`; those say it better than any single one.
    """
    times = piece.times_s
    near = times <= times[0] + params.look_s if at_start else times >= times[-1] - params.look_s
    t = times[near] - (times[0] if at_start else times[-1])
    boxes = piece.boxes[near]
    height = max(float(np.median(boxes[:, 3])), 1.0)
    mean_t, mean = t.mean(), boxes[:, :2].mean(axis=0)
    spread = float(((t - mean_t) ** 2).sum())
    speed = np.zeros(2)
    if spread > 0:
        speed = ((t - mean_t)[:, None] * (boxes[:, :2] - mean)).sum(axis=0) / spread
        # A short piece says little of its speed.
        speed *= min(1.0, float(np.ptp(t)) / params.look_s)
    place = mean - speed * mean_t
    return np.array([*place, height, *speed])
