"""Counting line: a track counts once per real crossing, whatever its foot point jitters."""

from dataclasses import asdict, dataclass
from typing import Any

from tracking.vision.events import Direction, LineCrossed
from tracking.vision.setup import LineSetup, is_valid_at

Point = tuple[float, float]


@dataclass(slots=True)
class _Passage:
    """What is remembered of one track at one line."""

    side: int  # the side it was last clearly on: 1 inside, -1 outside, 0 not known yet
    sign: int  # the side of its last point, however near the line
    point: Point
    time_ms: int
    met_ms: int = 0  # when it last changed sign
    met_line: bool = False  # whether it did so between the line's ends


class LineCounter:
    """Counts crossings of one line with a hysteresis band.

    A crossing is complete when the foot point is further than the band beyond the line and was
    further than the band on the other side before; it happened where the foot point last changed
    sides. Between two points the track went straight, so one that was hidden at the line or
    stepped over it between two frames is counted like any other.

    Parameters
    ----------
    setup : LineSetup
        The line, in fractions of the frame.
    width, height : int
        The frame in pixels.
    band_per_height : float
        The band is at least this share of the person's box height: a foot point is as uncertain
        as its box is large.
    """

    def __init__(
        self, setup: LineSetup, width: int, height: int, band_per_height: float = 0.0
    ) -> None:
        self.setup = setup
        self._line = setup.line_px(width, height)
        self._band_px = setup.band * height
        self._band_per_height = band_per_height
        self._passages: dict[int, _Passage] = {}

    def update(
        self, track_number: int, time_ms: int, foot: Point, box_height: float = 0.0
    ) -> list[LineCrossed]:
        """Take one foot point of a confirmed track; return the crossing it completes, if any.

        Parameters
        ----------
        track_number : int
            Whose foot point.
        time_ms : int
            Media time; rising for one track.
        foot : (float, float)
            Pixels.
        box_height : float
            Height of the track's box in pixels.
        """
        if not is_valid_at(self.setup, time_ms):
            self._passages.pop(track_number, None)
            return []
        offset = self._line.offset(foot)
        clear = abs(offset) > max(self._band_px, self._band_per_height * box_height)
        passage = self._passages.get(track_number)
        sign = (offset > 0) - (offset < 0)
        if passage is None:
            side = sign if clear else 0
            self._passages[track_number] = _Passage(side, sign, foot, time_ms)
            return []
        self._step(passage, sign, offset, foot, time_ms)
        if not clear or sign == passage.side:
            return []
        crossed = passage.side != 0 and passage.met_line
        passage.side = sign
        if not crossed:
            return []
        direction: Direction = "in" if sign > 0 else "out"
        return [LineCrossed(track_number, self.setup.key, passage.met_ms, direction)]

    def forget(self, track_number: int) -> None:
        """Drop what is remembered of a track that has ended."""
        self._passages.pop(track_number, None)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        return {str(number): asdict(passage) for number, passage in self._passages.items()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state that `to_json` wrote."""
        self._passages = {
            int(number): _Passage(**(passage | {"point": tuple(passage["point"])}))
            for number, passage in data.items()
        }

    def _step(self, passage: _Passage, sign: int, offset: float, foot: Point, time_ms: int) -> None:
        """Move a passage to its next point and note where it met the line on the way."""
        if sign and passage.sign and sign != passage.sign:
            before = abs(self._line.offset(passage.point))
            share = before / (before + abs(offset))
            passage.met_ms = passage.time_ms + round(share * (time_ms - passage.time_ms))
            passage.met_line = self._line.crosses_extent(passage.point, foot)
        passage.sign = sign or passage.sign
        passage.point, passage.time_ms = foot, time_ms
