"""Detections in, facts out: the tracker and the counters, one frame at a time.

A pure function of the detections in order: no clock, no global counter, no unordered set. The
state goes to bytes and back without changing anything that follows.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from tracking.vision.boxes import covered_matrix
from tracking.vision.counting import CountingParams, SceneCounter, Sight
from tracking.vision.counting.sights import Box
from tracking.vision.detections import DetectedFrame
from tracking.vision.errors import BadStateError
from tracking.vision.events import Event, TrackEnded
from tracking.vision.ignoring import IgnoredZones
from tracking.vision.paths import TrackPath
from tracking.vision.setup import SceneSetup
from tracking.vision.tracker import (
    EndedTrack,
    Sighting,
    Tracker,
    TrackerParams,
    tracker_params,
)

MAGIC = b"OTS1"
HEADER = struct.Struct("<4sI")  # magic, CRC-32 of the rest


@dataclass(frozen=True, slots=True)
class PipelineParams:
    """Everything that decides a count beside detections and set-up; JSON on a run's card."""

    tracker: TrackerParams = field(default_factory=TrackerParams)
    counting: CountingParams = field(default_factory=CountingParams)

    @classmethod
    def for_detector(cls, name: str) -> Self:
        """Return the parameters that suit a detector's boxes."""
        return cls(tracker=tracker_params(name))

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the parameters that `to_json` wrote.

        A run goes on as it began: what its card does not name yet was not done then.
        """
        tracker = TrackerParams.from_json(data["tracker"])
        return cls(tracker, CountingParams.from_json(data["counting"]))


@dataclass(slots=True)
class _History:
    """What the pipeline keeps of a living track; `waiting` until it is confirmed."""

    path: TrackPath = field(default_factory=TrackPath)
    waiting: list[Sight] = field(default_factory=list)
    seen_ms: int | None = None


class Pipeline:
    """Tracks and counts one recording.

    Parameters
    ----------
    setup : SceneSetup
        Frame size, zones and lines with their versions.
    params : PipelineParams
        Frozen for the run.
    state : dict, optional
        What `state` returned earlier, to go on from there.
    """

    def __init__(
        self,
        setup: SceneSetup,
        params: PipelineParams | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.setup = setup
        self.params = params or PipelineParams()
        self._tracker = Tracker(self.params.tracker)
        self._counter = SceneCounter(setup, self.params.counting)
        self._ignored = IgnoredZones(setup)
        self._histories: dict[int, _History] = {}
        self._time_ms = -1
        if state is not None:
            self._restore(state)

    def step(self, frame: DetectedFrame) -> list[Event]:
        """Take the next frame's detections; return what they complete.

        A frame that is not later than the one before is skipped: sources whose clock steps back
        must not turn time around.
        """
        if frame.time_ms <= self._time_ms:
            return []
        before_ms, self._time_ms = self._time_ms, frame.time_ms
        sightings, ended = self._tracker.step(self._ignored.taken_from(frame))
        events = [event for track in ended for event in self._end(track)]
        for sighting, covered in zip(sightings, self._covered(sightings), strict=True):
            events += self._see(sighting, covered, before_ms)
        return events

    def finish(self, time_ms: int) -> list[Event]:
        """Close everything at the recording's end; return the last facts.

        Parameters
        ----------
        time_ms : int
            Where the recording ends; tracks end where they were last seen.
        """
        self._time_ms = max(self._time_ms, time_ms)
        return [event for track in self._tracker.finish() for event in self._end(track)]

    def visible(self) -> list[tuple[int, Box]]:
        """Return number and box of every confirmed track in view now, lowest number first."""
        tracks = sorted(self._tracker.recent(self._time_ms), key=lambda track: track[0])
        return [(number, _as_box(box.tolist())) for number, box in tracks]

    def state(self) -> dict[str, Any]:
        """Return the whole state as plain JSON types."""
        return {
            "params": self.params.to_json(),
            "size": [self.setup.width, self.setup.height],
            "time_ms": self._time_ms,
            "tracker": self._tracker.to_json(),
            "counter": self._counter.to_json(),
            "histories": {
                str(key): {
                    "path": history.path.to_json(),
                    "waiting": [sight.to_json() for sight in history.waiting],
                    "seen_ms": history.seen_ms,
                }
                for key, history in self._histories.items()
            },
        }

    def to_bytes(self) -> bytes:
        """Return the whole state as bytes: a checksum, then compressed JSON, which names itself."""
        text = json.dumps(self.state(), separators=(",", ":"), allow_nan=False)
        body = zlib.compress(text.encode())
        return HEADER.pack(MAGIC, zlib.crc32(body)) + body

    @classmethod
    def from_bytes(cls, setup: SceneSetup, blob: bytes) -> Self:
        """Return the pipeline that `to_bytes` wrote; it goes on exactly as the other would have.

        Parameters
        ----------
        setup : SceneSetup
            The same, possibly with newer versions of zones and lines.
        blob : bytes
            What `to_bytes` returned.

        Raises
        ------
        BadStateError
            The bytes are damaged, foreign, or of a scene that this set-up is not.
        """
        if len(blob) < HEADER.size or blob[:4] != MAGIC:
            raise BadStateError("This is no pipeline state.")
        _, checksum = HEADER.unpack_from(blob)
        body = bytes(blob[HEADER.size :])
        if zlib.crc32(body) != checksum:
            raise BadStateError("The pipeline state is damaged: its checksum does not fit.")
        state = json.loads(zlib.decompress(body))
        return cls(setup, PipelineParams.from_json(state["params"]), state)

    def _restore(self, state: dict[str, Any]) -> None:
        if state["size"] != [self.setup.width, self.setup.height]:
            raise BadStateError(
                f"The state is of a {state['size'][0]} x {state['size'][1]} picture, "
                f"the set-up of {self.setup.width} x {self.setup.height}."
            )
        self._time_ms = state["time_ms"]
        self._tracker.restore(state["tracker"])
        self._counter.restore(state["counter"])
        self._histories = {
            int(key): _History(
                TrackPath(**history["path"]),
                [Sight.from_json(sight) for sight in history["waiting"]],
                history.get("seen_ms"),
            )
            for key, history in state["histories"].items()
        }

    def _covered(self, sightings: list[Sighting]) -> list[float]:
        """Return the largest share of each box that another confirmed track covers."""
        others = self._tracker.recent(self._time_ms)
        if not sightings or not others:
            return [0.0] * len(sightings)
        boxes = np.array([sighting.box for sighting in sightings])
        shares = covered_matrix(boxes, np.array([box for _, box in others]))
        same = [[sighting.number == number for number, _ in others] for sighting in sightings]
        found: list[float] = np.where(same, 0.0, shares).max(axis=1).tolist()
        return found

    def _see(self, sighting: Sighting, covered: float, before_ms: int) -> list[Event]:
        """Note one sight of a track and count it; a track just confirmed is counted from birth."""
        history = self._histories.setdefault(sighting.key, _History())
        unseen_ms = 0 if history.seen_ms is None else max(before_ms - history.seen_ms, 0)
        history.seen_ms = self._time_ms
        history.waiting.append(Sight(self._time_ms, sighting.box, covered, unseen_ms))
        if not sighting.number:
            return []
        events: list[Event] = []
        for sight in history.waiting:
            events += self._count(sighting.number, history.path, sight)
        history.waiting.clear()
        return events

    def _count(self, number: int, path: TrackPath, sight: Sight) -> list[Event]:
        x1, y1, x2, y2 = sight.box
        x, y = sight.foot
        fraction = (x / self.setup.width, y / self.setup.height)
        path.add(sight.time_ms, fraction, (round(x2 - x1), round(y2 - y1)))
        return self._counter.update(number, sight)

    def _end(self, track: EndedTrack) -> list[Event]:
        history = self._histories.pop(track.key)
        if not track.number:
            return []
        points = history.path.points()
        ended = TrackEnded(
            track_number=track.number,
            started_ms=track.born_ms,
            ended_ms=track.seen_ms,
            path=tuple((int(time_ms), x, y) for time_ms, x, y, _, _ in points),
            boxes_px=tuple((int(width), int(height)) for *_, width, height in points),
            confidence=round(track.confidence, 4),
        )
        return [*self._counter.end(track.number), ended]


def _as_box(values: Any) -> Box:
    x1, y1, x2, y2 = values
    return (x1, y1, x2, y2)
