"""All counters of a scene behind one door."""

from dataclasses import dataclass, field
from typing import Any, Self

from tracking.vision.counting.hidden import HiddenParams
from tracking.vision.counting.lines import LineCounter
from tracking.vision.counting.sights import Sight
from tracking.vision.counting.zones import ZoneCounter
from tracking.vision.errors import BadStateError
from tracking.vision.events import Event
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup


@dataclass(frozen=True, slots=True)
class CountingParams:
    """How foot points are read; shares of the person's box height."""

    band_per_height: float = 0.08
    hidden: HiddenParams = field(default_factory=HiddenParams)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the parameters of a run's card; rules that it does not name are off."""
        hidden = {"gone_ms": 0} | data.get("hidden", {"longest_ms": 0})
        return cls(**(data | {"hidden": HiddenParams(**hidden)}))


class SceneCounter:
    """Feeds every line and zone of a set-up with the foot points of confirmed tracks."""

    def __init__(self, setup: SceneSetup, params: CountingParams) -> None:
        size = (setup.width, setup.height)
        self.lines = {
            _version_key(line): LineCounter(line, *size, params.band_per_height, params.hidden)
            for line in setup.lines
        }
        self.zones = {
            _version_key(zone): ZoneCounter(zone, *size)
            for zone in setup.zones
            if zone.kind != "ignore"
        }

    def update(self, track_number: int, sight: Sight) -> list[Event]:
        """Take one sight of a track; return what happened, lines before zones, in set-up order."""
        events: list[Event] = []
        for line in self.lines.values():
            events += line.update(track_number, sight)
        for zone in self.zones.values():
            events += zone.update(track_number, sight.time_ms, sight.foot)
        return events

    def end(self, track_number: int) -> list[Event]:
        """Close what is open of a track that has ended, and forget it."""
        events: list[Event] = []
        for line in self.lines.values():
            events += line.end(track_number)
        for zone in self.zones.values():
            events += zone.end(track_number)
        return events

    def to_json(self) -> dict[str, Any]:
        """Return the state of all counters as plain JSON types."""
        return {
            "lines": {key: line.to_json() for key, line in self.lines.items()},
            "zones": {key: zone.to_json() for key, zone in self.zones.items()},
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over the state that `to_json` wrote.

        The set-up may have gained versions since; one that a state belongs to must still be there.
        """
        for counters, states in ((self.lines, data["lines"]), (self.zones, data["zones"])):
            unknown = [key for key, state in states.items() if state and key not in counters]
            if unknown:
                raise BadStateError(f"The state knows {unknown[0]!r}, the set-up does not.")
            for key, counter in counters.items():
                counter.restore(states.get(key, {}))


def _version_key(setup: ZoneSetup | LineSetup) -> str:
    """Return what tells versions of zones and lines apart: the key and when it came into force."""
    return f"{setup.key}@{'start' if setup.valid_from_ms is None else setup.valid_from_ms}"
