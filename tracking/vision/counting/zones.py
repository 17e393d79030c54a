"""Zone: when a track went in, when it left, and how long it was really inside."""

from dataclasses import asdict, dataclass
from typing import Any

from tracking.vision.events import ZoneEntered, ZoneLeft
from tracking.vision.setup import ZoneSetup, is_valid_at

Point = tuple[float, float]


@dataclass(slots=True)
class _Stay:
    """What is remembered of one track at one zone."""

    since_ms: int | None = None  # first moment inside; None while outside
    seen_ms: int = 0  # last moment inside
    out_ms: int | None = None  # last moment inside before the present absence
    outside_ms: int = 0  # absences within the stay so far
    entered: bool = False  # ZoneEntered was reported
    censored: bool = False


class ZoneCounter:
    """Reports stays in one zone: every `ZoneEntered` is followed by exactly one `ZoneLeft`.

    Going in takes `min_inside_ms` (a pass over a corner is not a stay), leaving takes `grace_ms`
    (a step aside does not end it); both are reported with the time at which they began. Absences
    within the grace time are taken out of the dwell.

    Parameters
    ----------
    setup : ZoneSetup
        The zone, in fractions of the frame.
    width, height : int
        The frame in pixels.
    """

    def __init__(self, setup: ZoneSetup, width: int, height: int) -> None:
        self.setup = setup
        self._polygon = setup.polygon_px(width, height)
        self._stays: dict[int, _Stay] = {}

    def update(self, track_number: int, time_ms: int, foot: Point) -> list[ZoneEntered | ZoneLeft]:
        """Take one foot point of a confirmed track; return what it begins or ends.

        Parameters
        ----------
        track_number : int
            Whose foot point.
        time_ms : int
            Media time; rising for one track.
        foot : (float, float)
            Pixels.
        """
        if not is_valid_at(self.setup, time_ms):
            return self.end(track_number)  # redrawn: the next version counts from here
        stay = self._stays.get(track_number)
        inside = self._polygon.contains(foot)
        if stay is None:
            stay = self._stays[track_number] = _Stay(censored=inside)
        if inside:
            return self._be_inside(stay, track_number, time_ms)
        return self._be_outside(stay, track_number, time_ms)

    def end(self, track_number: int) -> list[ZoneEntered | ZoneLeft]:
        """Close the stay of a track that has ended, and forget the track."""
        stay = self._stays.pop(track_number, None)
        if stay is None or not stay.entered:
            return []
        if stay.out_ms is not None:
            return [self._left(stay, track_number, stay.out_ms)]
        stay.censored = True
        return [self._left(stay, track_number, stay.seen_ms)]

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON types."""
        return {str(number): asdict(stay) for number, stay in self._stays.items()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state that `to_json` wrote."""
        self._stays = {int(number): _Stay(**stay) for number, stay in data.items()}

    def _be_inside(
        self, stay: _Stay, track_number: int, time_ms: int
    ) -> list[ZoneEntered | ZoneLeft]:
        events: list[ZoneEntered | ZoneLeft] = []
        if stay.out_ms is not None:
            if time_ms - stay.out_ms > self.setup.grace_ms:
                events.append(self._leave(stay, track_number))
            else:
                stay.outside_ms += time_ms - stay.out_ms
                stay.out_ms = None
        if stay.since_ms is None:
            stay.since_ms = time_ms
        stay.seen_ms = time_ms
        if not stay.entered and time_ms - stay.since_ms >= self.setup.min_inside_ms:
            stay.entered = True
            key = self.setup.key
            events.append(ZoneEntered(track_number, key, stay.since_ms, stay.censored))
        return events

    def _be_outside(
        self, stay: _Stay, track_number: int, time_ms: int
    ) -> list[ZoneEntered | ZoneLeft]:
        if not stay.entered:
            stay.since_ms, stay.censored = None, False
            return []
        if stay.out_ms is None:
            stay.out_ms = stay.seen_ms
        if time_ms - stay.out_ms > self.setup.grace_ms:
            return [self._leave(stay, track_number)]
        return []

    def _leave(self, stay: _Stay, track_number: int) -> ZoneLeft:
        """End the stay at the moment its track was last inside; the track goes on outside."""
        assert stay.out_ms is not None
        left = self._left(stay, track_number, stay.out_ms)
        stay.since_ms, stay.out_ms, stay.outside_ms = None, None, 0
        stay.entered = stay.censored = False
        return left

    def _left(self, stay: _Stay, track_number: int, time_ms: int) -> ZoneLeft:
        assert stay.since_ms is not None
        dwell_ms = time_ms - stay.since_ms - stay.outside_ms
        return ZoneLeft(track_number, self.setup.key, time_ms, dwell_ms, stay.censored)
