"""Crossings that nobody saw: lost behind somebody before the line, found beyond it.

Two who go through a door side by side are one figure to a camera: the one behind is lost on one
side of the line and found on the other, as a new track. A track that begins covered at the line
came over it when just before another track was lost, covered too, on the other side. And a track
that is lost covered inside, on its way to the line, and never found again, went over it.
"""

from dataclasses import dataclass
from typing import Any, Self

from tracking.vision.counting.sights import Point, Sight
from zones.geometry import Line

OUTSIDE = -1  # the sign of offsets there


@dataclass(frozen=True, slots=True)
class HiddenParams:
    """When a track that begins is taken for one that was lost; lengths in heights of the person.

    Inside people are lost and found everywhere, so there it must happen right at the line;
    outside, a door shows little more than who comes or goes.
    """

    longest_ms: int = 4000  # from losing one to finding the other; 0 turns the rule off
    judged_ms: int = 1000  # how long the found one is watched first
    explained_ms: int = 5000  # who changed sides so lately is lost because it went
    least_covered: float = 0.15  # share of the box that others cover, of both
    inside_reach: float = 0.2  # from the line, of whichever was inside
    outside_reach: float = 0.7
    aside: float = 0.8  # along the line, from one to the other
    unseen_ms: int = 400  # a track found again after longer may be another person
    step_aside: float = 0.3  # along the line, of one who was hidden so long and yet is the same
    step_across: float = 0.4
    gone_ms: int = 1500  # not found for so long; 0 lets nobody go unseen
    gone_covered: float = 0.45  # share of the box that others cover where it is lost
    gone_pace: float = 0.1  # a second, towards the line, and at most so much along it:
    gone_aside: float = 0.6


@dataclass(slots=True)
class _Trace:
    """What is remembered of one track: its first and last sight, and its last change of sides."""

    first: Sight
    last: Sight
    changed_ms: int | None = None
    judged: bool = False
    taken: bool = False  # it was found to be a later track, or to have gone out

    def to_json(self) -> list[Any]:
        """Return the trace as plain JSON types."""
        ends = [self.first.to_json(), self.last.to_json()]
        return [*ends, self.changed_ms, self.judged, self.taken]

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        """Return the trace that `to_json` wrote."""
        first, last, *rest = data
        return cls(Sight.from_json(first), Sight.from_json(last), *rest)


class HiddenCrossings:
    """Tells for one line which tracks began beyond it because their crossing was hidden.

    Parameters
    ----------
    line : Line
        In pixels.
    params : HiddenParams
        Distances and times.
    """

    def __init__(self, line: Line, params: HiddenParams) -> None:
        self._line = line
        self._params = params
        self._traces: dict[int, _Trace] = {}
        self._now_ms = 0

    def see(self, track_number: int, sight: Sight) -> tuple[int, int] | None:
        """Take one sight of a track; return when and as whom it crossed, once that is clear.

        Returns
        -------
        found : (time_ms, track_number) or None
            When the track began, and the lost track that it was.
        """
        if not self._params.longest_ms:
            return None
        self._now_ms = max(self._now_ms, sight.time_ms)
        trace = self._traces.setdefault(track_number, _Trace(sight, sight))
        trace.last = sight
        if trace.judged or sight.time_ms - trace.first.time_ms < self._params.judged_ms:
            return None
        trace.judged = True
        lost = self._lost_before(trace)
        self._forget_before(sight.time_ms - self._params.longest_ms - 2 * self._params.judged_ms)
        if lost is None:
            return None
        self._traces[lost].taken = True
        trace.changed_ms = trace.first.time_ms
        return trace.first.time_ms, lost

    def is_step(self, before: Point, expected: Point, sight: Sight) -> bool:
        """Return whether a track that was not found for a while can have walked over the line.

        Where one person hides another, the track of who vanished may be found again on who
        appears. Whoever truly stepped over the line meanwhile is just beyond it, or as far as
        the pace it had leads.

        Parameters
        ----------
        before, expected : (float, float)
            Its last foot point, and where that would be now at the pace it had.
        sight : Sight
            Where it is found again.
        """
        params, height = self._params, sight.height
        if not params.longest_ms or sight.unseen_ms <= params.unseen_ms:
            return True
        offset = self._line.offset(sight.foot)
        across = min(abs(offset - self._line.offset(start)) for start in (before, expected))
        aside = self._aside_px(before, sight.foot)
        return across <= params.step_across * height and aside <= params.step_aside * height

    def changed_sides(self, track_number: int, time_ms: int) -> None:
        """Note that a track came to the other side by itself, over the line or around it."""
        if track_number in self._traces:
            self._traces[track_number].changed_ms = time_ms

    def end(self, track_number: int, pace: Point) -> tuple[int, int] | None:
        """Take the end of a track; return when it went out unseen and to which side, if it did.

        Whoever walks to the line, is lost behind somebody right before it and is not found again
        went out. The other way there is no such rule: who came in is found inside.

        Parameters
        ----------
        track_number : int
            Whose end.
        pace : (float, float)
            Pixels a millisecond, before it was lost.
        """
        trace = self._traces.get(track_number)
        if trace is None or trace.taken or not self._params.gone_ms:
            return None
        last = trace.last
        if self._now_ms - last.time_ms < self._params.gone_ms or not self._is_leaving(last, pace):
            return None
        trace.taken = True
        return last.time_ms, OUTSIDE

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        if not self._traces:
            return {}
        traces = {str(number): trace.to_json() for number, trace in self._traces.items()}
        return {"traces": traces, "now_ms": self._now_ms}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state that `to_json` wrote."""
        traces = data.get("traces", {})
        self._traces = {int(number): _Trace.from_json(trace) for number, trace in traces.items()}
        self._now_ms = data.get("now_ms", 0)

    def _lost_before(self, found: _Trace) -> int | None:
        """Return the track that was lost on the other side just before this one began."""
        side = self._sign(found.last.foot)
        if not side or found.changed_ms is not None or not self._is_hidden(found.first, side):
            return None
        gone = [
            (trace.last.time_ms, number)
            for number, trace in self._traces.items()
            if self._went(trace, found, side)
        ]
        return max(gone)[1] if gone else None

    def _went(self, lost: _Trace, found: _Trace, side: int) -> bool:
        """Return whether a trace ends where the found one may have come from."""
        params, last = self._params, lost.last
        gap_ms = found.first.time_ms - last.time_ms
        if lost.taken or not 0 < gap_ms <= params.longest_ms:
            return False
        if lost.changed_ms is not None and last.time_ms - lost.changed_ms < params.explained_ms:
            return False
        return (
            self._is_hidden(last, -side)
            and self._aside_px(last.foot, found.first.foot) <= params.aside * last.height
            and self._is_between_ends(last.foot, found.first.foot)
        )

    def _is_leaving(self, last: Sight, pace: Point) -> bool:
        """Return whether a track was lost covered, right inside the line and walking to it."""
        params, height = self._params, max(last.height, 1.0)
        ahead = (last.foot[0] + 1000 * pace[0], last.foot[1] + 1000 * pace[1])
        before = self._line.offset(last.foot)
        nearer = (before - self._line.offset(ahead)) / height
        return (
            last.covered >= params.gone_covered
            and 0 < before <= params.inside_reach * height
            and nearer >= params.gone_pace
            and self._aside_px(last.foot, ahead) <= params.gone_aside * height
            and self._is_between_ends(last.foot, last.foot)
        )

    def _is_hidden(self, sight: Sight, side: int) -> bool:
        """Return whether a sight is covered and near the line on the given side of it."""
        params = self._params
        reach = params.inside_reach if side > 0 else params.outside_reach
        off = side * self._line.offset(sight.foot) / max(sight.height, 1.0)
        return sight.covered >= params.least_covered and -params.inside_reach / 2 < off < reach

    def _is_between_ends(self, last: Point, first: Point) -> bool:
        """Return whether the way from one point to the other leads over the line, not past it.

        Both may be on one side, by less than foot points are sure of: then the nearer one tells.
        """
        if self._sign(last) != self._sign(first):
            return self._line.crosses_extent(last, first)
        nearer = min((last, first), key=lambda point: abs(self._line.offset(point)))
        (ax, ay), (bx, by) = self._line.a, self._line.b
        along = (nearer[0] - ax) * (bx - ax) + (nearer[1] - ay) * (by - ay)
        return 0 <= along <= self._line.length**2

    def _aside_px(self, one: Point, other: Point) -> float:
        (ax, ay), (bx, by) = self._line.a, self._line.b
        along = (other[0] - one[0]) * (bx - ax) + (other[1] - one[1]) * (by - ay)
        return abs(along) / self._line.length

    def _sign(self, point: Point) -> int:
        offset = self._line.offset(point)
        return (offset > 0) - (offset < 0)

    def _forget_before(self, time_ms: int) -> None:
        """Drop tracks that were lost too long ago to be found again beyond the line."""
        self._traces = {
            number: trace for number, trace in self._traces.items() if trace.last.time_ms >= time_ms
        }
