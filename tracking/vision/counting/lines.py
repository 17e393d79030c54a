"""Counting line: a track counts once per real crossing, whatever its foot point jitters."""

from dataclasses import asdict, dataclass
from typing import Any

from tracking.vision.counting.hidden import HiddenCrossings, HiddenParams
from tracking.vision.counting.sights import Point, Sight
from tracking.vision.events import Direction, LineCrossed
from tracking.vision.setup import LineSetup, is_valid_at

PACE_MS = 500.0


@dataclass(slots=True)
class _Passage:
    """What is remembered of one track at one line."""

    side: int  # the side it was last clearly on: 1 inside, -1 outside, 0 not known yet
    sign: int  # the side of its last point, however near the line
    point: Point
    time_ms: int
    met_ms: int = 0  # when it last changed sign
    met_line: bool = False  # whether it did so between the line's ends
    pace: Point = (0.0, 0.0)  # pixels a millisecond, of the last half second or so

    def expected_at(self, time_ms: int) -> Point:
        """Return where it would be if it walked on as it did."""
        elapsed_ms = time_ms - self.time_ms
        return self.point[0] + self.pace[0] * elapsed_ms, self.point[1] + self.pace[1] * elapsed_ms

    def go_on(self, point: Point, time_ms: int) -> None:
        """Move to the next point."""
        elapsed_ms = max(time_ms - self.time_ms, 1)
        weight = min(elapsed_ms / PACE_MS, 1.0)
        x, y = (
            before + weight * ((now - then) / elapsed_ms - before)
            for before, now, then in zip(self.pace, point, self.point, strict=True)
        )
        self.point, self.time_ms, self.pace = point, time_ms, (x, y)


class LineCounter:
    """Counts crossings of one line with a hysteresis band.

    A crossing is complete when the foot point is further than the band beyond the line and was
    further than the band on the other side before; it happened where the foot point last changed
    sides. Between two points the track went straight, so one that was hidden at the line or
    stepped over it between two frames is counted like any other. Who was hidden at the line for so
    long that it was found as another track is counted when that track has been seen for a while.

    Parameters
    ----------
    setup : LineSetup
        The line, in fractions of the frame.
    width, height : int
        The frame in pixels.
    band_per_height : float
        The band is at least this share of the person's box height: a foot point is as uncertain
        as its box is large.
    hidden : HiddenParams, optional
        When a track is taken for one that was lost on the other side.
    """

    def __init__(
        self,
        setup: LineSetup,
        width: int,
        height: int,
        band_per_height: float = 0.0,
        hidden: HiddenParams | None = None,
    ) -> None:
        self.setup = setup
        self._line = setup.line_px(width, height)
        self._band_px = setup.band * height
        self._band_per_height = band_per_height
        self._passages: dict[int, _Passage] = {}
        self._hidden = HiddenCrossings(self._line, hidden or HiddenParams())

    def update(self, track_number: int, sight: Sight) -> list[LineCrossed]:
        """Take one sight of a confirmed track; return the crossing it completes, if any.

        Parameters
        ----------
        track_number : int
            Whose sight.
        sight : Sight
            Its times rise for one track.
        """
        if not is_valid_at(self.setup, sight.time_ms):
            self._passages.pop(track_number, None)
            return []
        events = self._walk(track_number, sight)
        found = self._hidden.see(track_number, sight)
        return events if found is None else [*events, self._found(track_number, *found)]

    def end(self, track_number: int) -> list[LineCrossed]:
        """Drop what is remembered of a track that has ended; return its crossing if it went unseen.

        Where it was lost is remembered for a few seconds more.
        """
        passage = self._passages.pop(track_number, None)
        gone = None if passage is None else self._hidden.end(track_number, passage.pace)
        return [] if gone is None else [self._crossing(track_number, *gone)]

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        passages = {str(number): asdict(passage) for number, passage in self._passages.items()}
        state = {"passages": passages, "hidden": self._hidden.to_json()}
        return {name: part for name, part in state.items() if part}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state that `to_json` wrote; earlier ones were of passages alone."""
        is_earlier = any(name.isdigit() for name in data)
        passages = data if is_earlier else data.get("passages", {})
        self._passages = {
            int(number): _Passage(
                **(
                    passage
                    | {name: tuple(passage[name]) for name in ("point", "pace") if name in passage}
                )
            )
            for number, passage in passages.items()
        }
        self._hidden.restore(data.get("hidden", {}))

    def _walk(self, track_number: int, sight: Sight) -> list[LineCrossed]:
        """Take one sight; return the crossing that was seen, if it is complete."""
        offset = self._line.offset(sight.foot)
        clear = abs(offset) > max(self._band_px, self._band_per_height * sight.height)
        passage = self._passages.get(track_number)
        sign = (offset > 0) - (offset < 0)
        if passage is None:
            side = sign if clear else 0
            self._passages[track_number] = _Passage(side, sign, sight.foot, sight.time_ms)
            return []
        self._step(passage, sight, sign, offset)
        if not clear or sign == passage.side:
            return []
        changed, passage.side = passage.side != 0, sign
        if not changed:
            return []
        self._hidden.changed_sides(track_number, passage.met_ms)
        return [self._crossing(track_number, passage.met_ms, sign)] if passage.met_line else []

    def _found(self, track_number: int, time_ms: int, lost_number: int) -> LineCrossed:
        """Count a track that was lost, hidden, on the other side; from here on it is on this."""
        passage = self._passages[track_number]
        passage.side = passage.sign
        if lost_number in self._passages:
            self._passages[lost_number].side = 0  # whoever is found under it now is another
        return self._crossing(track_number, time_ms, passage.sign)

    def _crossing(self, track_number: int, time_ms: int, sign: int) -> LineCrossed:
        direction: Direction = "in" if sign > 0 else "out"
        return LineCrossed(track_number, self.setup.key, time_ms, direction)

    def _step(self, passage: _Passage, sight: Sight, sign: int, offset: float) -> None:
        """Move a passage to its next point and note where it met the line on the way."""
        if sign and passage.sign and sign != passage.sign:
            before = abs(self._line.offset(passage.point))
            share = before / (before + abs(offset))
            passage.met_ms = passage.time_ms + round(share * (sight.time_ms - passage.time_ms))
            expected = passage.expected_at(sight.time_ms)
            passage.met_line = self._line.crosses_extent(
                passage.point, sight.foot
            ) and self._hidden.is_step(passage.point, expected, sight)
        passage.sign = sign or passage.sign
        passage.go_on(sight.foot, sight.time_ms)
