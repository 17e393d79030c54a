"""The constants of recording mode."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tracking.vision.tracker import TrackerParams, tracker_params


@dataclass(frozen=True, slots=True)
class OfflineParams:
    """The constants of recording mode; they are part of a run's card.

    Parameters
    ----------
    tracker : TrackerParams
        Of the first pass.
    link_ms : int
        The longest time for which someone may be out of sight and still be the same person.
    link_reach, link_reach_per_s : float
        How far, in box heights, two pieces may end up apart where one is carried on to the other:
        at once, and more for each second between them.
    link_height : float
        Largest difference of the logarithms of the heights of two pieces.
    link_unlike, link_alike : float
        Distances of the colours of clothes, see `colour_distance`: above the one it is somebody
        else; up to the other they are the same clothes.
    link_alike_reach, link_alike_ms : float, int
        Where they are the same clothes: how many times as far apart two pieces may end up, and
        for how long someone may be out of sight.
    keep_going_s : float
        A walk is carried on ever slower, by this time constant: people stop.
    look_s : float
        The stretch at a piece's end that says how fast it was.
    fill_ms : int
        Holes up to this long are filled.
    smooth_s, smooth_sides_s : float
        Time scales of the smoother for the centre and for the sides of boxes; nobody grows.
    least_ms : int
        People seen for less than this are dropped.
    odd_height : float
        A height further off the person's own than this share is half believed, and less and less
        beyond: hidden legs make a box short, a second person makes it tall.
    apart : tuple of (int, int)
        Links that are not made, because a person undid them: when the one piece ended and when
        the other began, milliseconds of media time.
    """

    tracker: TrackerParams = field(default_factory=TrackerParams)
    link_ms: int = 3000
    link_reach: float = 0.2
    link_reach_per_s: float = 0.2
    link_height: float = 0.25
    link_unlike: float = 0.5
    link_alike: float = 0.3
    link_alike_reach: float = 4.0
    link_alike_ms: int = 20000
    keep_going_s: float = 2.0
    look_s: float = 0.6
    fill_ms: int = 1000
    smooth_s: float = 0.2
    smooth_sides_s: float = 0.4
    least_ms: int = 500
    odd_height: float = 0.1
    apart: tuple[tuple[int, int], ...] = ()

    @classmethod
    def for_detector(cls, name: str) -> Self:
        """Return the parameters that suit a detector's boxes."""
        return cls(tracker=tracker_params(name))

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the parameters that `to_json` wrote; what is missing has its default."""
        apart = tuple((int(ended), int(begun)) for ended, begun in data.get("apart", ()))
        tracker = TrackerParams.from_json(data["tracker"])
        return cls(**(data | {"tracker": tracker, "apart": apart}))
