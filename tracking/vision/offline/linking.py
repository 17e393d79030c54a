"""Which piece goes on in which other one: the same person, hidden for a while."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from tracking.vision.offline.evidence import Clothes, Evidence, Height, Motion, Pairs
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
    shelf, longest_ms = _evidence(pieces, params)
    ends, starts = _in_time(pieces, longest_ms / 1000)
    if params.apart:
        pairs = zip(ends.tolist(), starts.tolist(), strict=True)
        kept = [_times_ms(pieces[i], pieces[j]) not in params.apart for i, j in pairs]
        ends, starts = ends[kept], starts[kept]
    if not len(ends):
        return ends, starts, np.zeros(0)
    begun = np.array([piece.times_s[0] for piece in pieces])
    ended = np.array([piece.times_s[-1] for piece in pieces])
    verdicts = [
        each.weigh(Pairs(pieces, ends, starts, begun[starts] - ended[ends])) for each in shelf
    ]
    off = np.sum([verdict.off for verdict in verdicts], axis=0)
    gain = 1 - off / np.prod([verdict.stretch for verdict in verdicts], axis=0)
    possible = np.all([verdict.possible for verdict in verdicts], axis=0)
    made = np.flatnonzero(possible & (gain > 0))
    return ends[made], starts[made], gain[made]


def _evidence(pieces: list[Piece], params: OfflineParams) -> tuple[list[Evidence], int]:
    """Return the shelf of evidence, and how long anybody may be hidden by it, milliseconds."""
    shelf: list[Evidence] = [Motion(params), Height(params)]
    if not any(piece.colours.any() for piece in pieces):
        return shelf, params.link_ms
    return [*shelf, Clothes(params)], max(params.link_ms, params.link_alike_ms)


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
