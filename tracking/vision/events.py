"""What the pipeline reports: facts in the past tense, frozen, JSON-ready."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class LineCrossed:
    """A track crossed a counting line; "in" is towards the line's inside."""

    track_number: int
    line_key: str
    time_ms: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class ZoneEntered:
    """A track has been in a zone for the zone's minimum time; `time_ms` is when it went in.

    `censored` means that it was inside when first seen, so the true beginning is unknown.
    """

    track_number: int
    zone_key: str
    time_ms: int
    censored: bool


@dataclass(frozen=True, slots=True)
class ZoneLeft:
    """A stay in a zone is over; `dwell_ms` leaves out the time spent outside in between.

    `censored` means that the beginning or the end was not seen.
    """

    track_number: int
    zone_key: str
    time_ms: int
    dwell_ms: int
    censored: bool


@dataclass(frozen=True, slots=True)
class Joint:
    """Why a track was taken for the way's next piece, whoever had been lost before it.

    `apart` is how far each began from where the other led, in heights of the person; `taller` how
    much taller it is, as a share; `unlike` how unlike its clothes are, 0 the same and 1 not at
    all, None where nothing is known of them.
    """

    apart: float
    taller: float
    unlike: float | None


@dataclass(frozen=True, slots=True)
class TrackEnded:
    """A track is over.

    `path` holds ``(time_ms, x, y)``: foot points as fractions of the frame in steps of 1/65535,
    simplified, at least one a second while the track was seen. `boxes_px` holds the
    ``(width, height)`` of the box in whole pixels at each point of the path. `confidence` is the
    mean score of the track's detections. `chain` is the first track of the same person, where it
    is known to be another one; with `goes_on` the person is seen again under a later number.
    `joint` says why it is the next piece of the chain, where it is not the first.
    """

    track_number: int
    started_ms: int
    ended_ms: int
    path: tuple[tuple[int, float, float], ...]
    boxes_px: tuple[tuple[int, int], ...]
    confidence: float
    chain: int = 0
    goes_on: bool = False
    joint: Joint | None = None


Event = LineCrossed | ZoneEntered | ZoneLeft | TrackEnded


def event_to_json(event: Event) -> dict[str, Any]:
    """Return the event as plain JSON types, with its class name under "kind"."""
    return {"kind": type(event).__name__} | asdict(event)
