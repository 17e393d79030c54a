"""What says that a piece goes on in another one: how both move, how tall they are, what they wear.

Each kind of evidence looks at all pairs at once and gives its verdict; a link needs all of them.
What a recording does not have, colours say, speaks neither for nor against.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tracking.vision.colours import Colours
from tracking.vision.events import Joint
from tracking.vision.offline.params import OfflineParams
from tracking.vision.offline.pieces import Piece
from tracking.vision.tracker.kalman import Array
from tracking.vision.tracker.table import Ints

BLOCK = 4096  # pairs whose colours are compared at once


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs of pieces: the index of the earlier one, of the later one, and the time between."""

    pieces: list[Piece]
    ends: Ints
    starts: Ints
    gap_s: Array


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one kind of evidence says of P pairs.

    Parameters
    ----------
    possible : ndarray of shape (P,), bool
        Where not, nothing else makes them one person.
    off : ndarray of shape (P,)
        What speaks against it: 0 nothing, 1 as much as may be.
    stretch : ndarray of shape (P,)
        How many times as much may speak against it, for what this evidence says for it.
    seen : ndarray of shape (P,)
        What it rests on, in the evidence's own measure; NaN where nothing is known.
    """

    possible: NDArray[np.bool_]
    off: Array
    stretch: Array
    seen: Array


class Evidence(Protocol):
    """One kind of evidence."""

    def weigh(self, pairs: Pairs) -> Verdict:
        """Return what it says of every pair."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Who walks on where the other one was going."""

    params: OfflineParams

    def weigh(self, pairs: Pairs) -> Verdict:
        """Return how far each is from where the other would be, as a share of what may be."""
        params, gap_s = self.params, pairs.gap_s
        last, first = _ends(pairs, params.look_s)
        going_s = params.keep_going_s * (1 - np.exp(-gap_s / params.keep_going_s))
        way = first[:, :2] - last[:, :2]
        height = np.maximum(np.sqrt(first[:, 2] * last[:, 2]), 1.0)
        ahead = np.linalg.norm(way - last[:, 3:] * going_s[:, None], axis=1) / height
        back = np.linalg.norm(way - first[:, 3:] * going_s[:, None], axis=1) / height
        apart = (ahead + back) / 2
        off = apart / (params.link_reach + params.link_reach_per_s * gap_s)
        return Verdict(np.ones(len(off), np.bool_), off, np.ones(len(off)), apart)


@dataclass(frozen=True, slots=True)
class Height:
    """Who is as tall."""

    params: OfflineParams

    def weigh(self, pairs: Pairs) -> Verdict:
        """Return who is about as tall as the other; nobody grows while hidden."""
        last, first = _ends(pairs, self.params.look_s)
        taller = np.log(first[:, 2] / last[:, 2])
        possible = np.abs(taller) <= self.params.link_height
        return Verdict(possible, np.zeros(len(possible)), np.ones(len(possible)), taller)


@dataclass(frozen=True, slots=True)
class Clothes:
    """Who wears the same colours."""

    params: OfflineParams

    def weigh(self, pairs: Pairs) -> Verdict:
        """Return who wears other colours, and who so much the same that more may be believed."""
        params = self.params
        worn = np.stack([mean_colours(piece.colours) for piece in pairs.pieces])
        # Hours of a crowd are a million pairs: a block at a time.
        blocks = range(0, len(pairs.ends), BLOCK)
        spans = [(pairs.ends[at : at + BLOCK], pairs.starts[at : at + BLOCK]) for at in blocks]
        unlike = np.concatenate(
            [colour_distance(worn[ends], worn[starts]) for ends, starts in spans]
        )
        alike = unlike <= params.link_alike  # not where nothing is known: NaN
        too_late = (pairs.gap_s * 1000 > params.link_ms + 0.5) & ~alike
        possible = ~(unlike > params.link_unlike) & ~too_late
        stretch = np.where(alike, params.link_alike_reach, 1.0)
        return Verdict(possible, np.zeros(len(unlike)), stretch, unlike)


def joints_of(chain: list[Piece], params: OfflineParams) -> list[Joint]:
    """Return why each piece of a person's chain but the first goes on the one before it."""
    if len(chain) < 2:
        return []
    ends = np.arange(len(chain) - 1)
    pairs = [(before.times_s[-1], after.times_s[0]) for before, after in pairwise(chain)]
    gap_s = np.array([begun - ended for ended, begun in pairs])
    asked = Pairs(chain, ends, ends + 1, gap_s)
    apart, taller, unlike = (
        each.weigh(asked).seen.tolist()
        for each in (Motion(params), Height(params), Clothes(params))
    )
    return [
        Joint(round(a, 3), round(math.expm1(t), 3), None if math.isnan(u) else round(u, 3))
        for a, t, u in zip(apart, taller, unlike, strict=True)
    ]


def mean_colours(colours: Colours) -> Array:
    """Return the mean histograms of a piece's two halves; NaN of a half that nobody saw.

    Parameters
    ----------
    colours : ndarray of shape (N, 2, BINS), uint8
    """
    sums = colours.sum(axis=0, dtype=np.int64)
    whole = sums.sum(axis=1, keepdims=True)
    return np.where(whole > 0, sums / np.maximum(whole, 1), np.nan)


def colour_distance(worn: Array, other: Array) -> Array:
    """Return how unlike clothes are, in [0, 1]: the mean over the halves that both show.

    Hellinger's distance, see Comaniciu, Ramesh and Meer (2003), section 3.1.

    Parameters
    ----------
    worn, other : ndarray of shape (P, 2, BINS)
        As `mean_colours` returns them.

    Returns
    -------
    distance : ndarray of shape (P,)
        NaN where no half was seen of both.
    """
    halves = np.sqrt(np.maximum(1 - np.sqrt(worn * other).sum(axis=2), 0))
    known = ~np.isnan(halves)
    total = np.where(known, halves, 0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def _ends(pairs: Pairs, look_s: float) -> tuple[Array, Array]:
    """Return the last of the earlier pieces and the first of the later ones, see `_end`."""
    last = np.stack([_end(piece, look_s, at_start=False) for piece in pairs.pieces])
    first = np.stack([_end(piece, look_s, at_start=True) for piece in pairs.pieces])
    return last[pairs.ends], first[pairs.starts]


def _end(piece: Piece, look_s: float, *, at_start: bool) -> Array:
    """Return place, height and speed at one end of a piece: cx, cy, height, vx, vy (a second).

    A straight line through the detections of `look_s`; those say it better than any single one.
    """
    times = piece.times_s
    near = times <= times[0] + look_s if at_start else times >= times[-1] - look_s
    t = times[near] - (times[0] if at_start else times[-1])
    boxes = piece.boxes[near]
    height = max(float(np.median(boxes[:, 3])), 1.0)
    mean_t, mean = t.mean(), boxes[:, :2].mean(axis=0)
    spread = float(((t - mean_t) ** 2).sum())
    speed = np.zeros(2)
    if spread > 0:
        speed = ((t - mean_t)[:, None] * (boxes[:, :2] - mean)).sum(axis=0) / spread
        # A short piece says little of its speed.
        speed *= min(1.0, float(np.ptp(t)) / look_s)
    place = mean - speed * mean_t
    return np.array([*place, height, *speed])
