"""Which visit of a new count is which visit of the old one: pure rules, without a database.

Both counts saw the same pictures, so most people walk the very same track in both: then the walk
decides, and somebody whose walk is known to the other count is never taken for another person.
Only visits whose walk the other count does not have (a detection was ignored there, so tracks
begin or end elsewhere) are matched by time: they must overlap by half of their joint span.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

LEAST_OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class VisitSpan:
    """A visit: its own number, its track's way through the picture, and its time."""

    ordinal: int
    walk: str
    from_ms: int
    to_ms: int


Candidate = tuple[bool, float, int, int, int]


def match_visits(
    old: Sequence[VisitSpan],
    new: Sequence[VisitSpan],
    old_walks: Collection[str],
    new_walks: Collection[str],
) -> list[tuple[int, int]]:
    """Return pairs of ordinals (old, new), each at most once, in the order of the new.

    Parameters
    ----------
    old, new : sequence of VisitSpan
    old_walks, new_walks : collection of str
        The walks of all tracks of each count, those without a visit too.
    """
    strangers = [visit for visit in old if visit.walk not in new_walks]
    newcomers = [visit for visit in new if visit.walk not in old_walks]
    candidates = [*_same_walk(old, new), *_same_time(strangers, newcomers)]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for *_, old_ordinal, new_ordinal in sorted(candidates):
        if new_ordinal not in pairs and old_ordinal not in taken:
            pairs[new_ordinal] = old_ordinal
            taken.add(old_ordinal)
    return [(pairs[ordinal], ordinal) for ordinal in sorted(pairs)]


def overlap(a: VisitSpan, b: VisitSpan) -> float:
    """Return the shared part of two spans' joint length, in [0, 1]; equal instants share all."""
    joint = max(a.to_ms, b.to_ms) - min(a.from_ms, b.from_ms)
    shared = min(a.to_ms, b.to_ms) - max(a.from_ms, b.from_ms)
    return max(0, shared) / joint if joint else 1.0


def _same_walk(old: Sequence[VisitSpan], new: Sequence[VisitSpan]) -> Iterator[Candidate]:
    by_walk: defaultdict[str, list[VisitSpan]] = defaultdict(list)
    for visit in old:
        by_walk[visit.walk].append(visit)
    for visit in new:
        for other in by_walk[visit.walk]:
            yield _candidate(other, visit, is_other_walk=False)


def _same_time(old: Sequence[VisitSpan], new: Sequence[VisitSpan]) -> Iterator[Candidate]:
    for visit in new:
        for other in old:
            if overlap(other, visit) >= LEAST_OVERLAP:
                yield _candidate(other, visit, is_other_walk=True)


def _candidate(old: VisitSpan, new: VisitSpan, *, is_other_walk: bool) -> Candidate:
    """Return what sorts the better match first."""
    apart_ms = abs(old.from_ms - new.from_ms)
    return is_other_walk, -overlap(old, new), apart_ms, old.ordinal, new.ordinal
