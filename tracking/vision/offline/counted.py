"""What happened along whole ways, frame by frame, as the live pipeline tells it."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracking.vision.boxes import covered_matrix
from tracking.vision.counting import CountingParams, SceneCounter, Sight
from tracking.vision.counting.sights import Box
from tracking.vision.detections import DetectedFrame
from tracking.vision.events import Event, TrackEnded
from tracking.vision.ignoring import IgnoredZones
from tracking.vision.offline.params import OfflineParams
from tracking.vision.offline.walks import Walk, follow_recording
from tracking.vision.paths import TrackPath
from tracking.vision.setup import SceneSetup


@dataclass(frozen=True, slots=True)
class CountedFrame:
    """What happened in one frame.

    Parameters
    ----------
    time_ms : int
        Media time.
    events : list of Event
        As the pipeline tells them. Crossings and stays name the person's chain, the end of a
        track the track's own number.
    visible : list of (int, box)
        Number of the track and box of everybody in the frame.
    tracks : dict of int to int
        The track that each chain is seen as by now.
    """

    time_ms: int
    events: list[Event]
    visible: list[tuple[int, Box]]
    tracks: dict[int, int]


def count_recording(
    frames: Sequence[DetectedFrame],
    setup: SceneSetup,
    params: OfflineParams,
    counting: CountingParams | None = None,
) -> list[Event]:
    """Return what happened in a scene, as the live pipeline tells it; see `count_frames`."""
    counted = count_frames(frames, setup, params, counting)
    return [event for frame in counted for event in frame.events]


def count_frames(
    frames: Sequence[DetectedFrame],
    setup: SceneSetup,
    params: OfflineParams,
    counting: CountingParams | None = None,
) -> Iterator[CountedFrame]:
    """Yield what happened in a scene, frame by frame.

    Parameters
    ----------
    frames : sequence of DetectedFrame
        All of the recording. A frame that is not later than the one before is skipped, as live.
    setup : SceneSetup
        Frame size, zones and lines with their versions.
    params : OfflineParams
        Frozen for the run.
    counting : CountingParams, optional
        How foot points are read.
    """
    ignored = IgnoredZones(setup)
    rising: list[DetectedFrame] = []
    for frame in frames:
        if not rising or frame.time_ms > rising[-1].time_ms:
            rising.append(ignored.taken_from(frame))
    times_ms = [frame.time_ms for frame in rising]
    counter = SceneCounter(setup, counting or CountingParams())
    coming = deque(follow_recording(rising, params))
    here: list[_Told] = []
    for index, time_ms in enumerate(times_ms):
        while coming and coming[0].frames[0] == index:
            here.append(_Told(coming.popleft(), times_ms, setup))
        seen = [(told, sight) for told in here if (sight := told.step(index)) is not None]
        events: list[Event] = []
        for (told, sight), covered in zip(seen, _covered(seen), strict=True):
            events += counter.update(told.walk.number, replace(sight, covered=covered))
        visible = [(told.track, sight.box) for told, sight in seen]
        tracks = {told.walk.number: told.track for told in here}
        for told in here:
            if told.is_over(index):
                events += counter.end(told.walk.number)
            events += told.ended(index)
        here = [told for told in here if not told.is_over(index)]
        yield CountedFrame(time_ms, events, visible, tracks)


def _covered(seen: list[tuple["_Told", Sight]]) -> list[float]:
    """Return the largest share of each box that another person covers."""
    if not seen:
        return []
    boxes = np.array([sight.box for _, sight in seen])
    shares = covered_matrix(boxes, boxes)
    np.fill_diagonal(shares, 0.0)
    found: list[float] = shares.max(axis=1).tolist()
    return found


class _Told:
    """One walk as it is told, frame by frame."""

    def __init__(self, walk: Walk, times_ms: list[int], setup: SceneSetup) -> None:
        self.walk = walk
        self._times_ms, self._setup = times_ms, setup
        self._path = TrackPath()
        self._at = self._piece = 0

    @property
    def track(self) -> int:
        """The number of the piece that is being told; in a hole the one before it."""
        return self.walk.pieces[self._piece].number

    def step(self, index: int) -> Sight | None:
        """Return the sight in a frame and note it on the path; None in a hole of the walk."""
        walk, setup = self.walk, self._setup
        if walk.frames[self._at] != index:
            return None
        x1, y1, x2, y2 = walk.boxes[self._at].tolist()
        before = index if self._at == 0 else int(walk.frames[self._at - 1])
        unseen_ms = max(self._times_ms[max(index - 1, 0)] - self._times_ms[before], 0)
        sight = Sight(self._times_ms[index], (x1, y1, x2, y2), unseen_ms=unseen_ms)
        self._at += 1
        pieces = walk.pieces
        if self._piece + 1 < len(pieces) and index >= pieces[self._piece + 1].first:
            self._piece += 1
            self._path = TrackPath()
        x, y = sight.foot
        fraction = (x / setup.width, y / setup.height)
        self._path.add(sight.time_ms, fraction, (round(x2 - x1), round(y2 - y1)))
        return sight

    def is_over(self, index: int) -> bool:
        """Return whether nothing comes after a frame."""
        return bool(self.walk.frames[-1] <= index)

    def ended(self, index: int) -> list[TrackEnded]:
        """Return the fact that a piece ended with a frame, if one did."""
        walk, span = self.walk, self.walk.pieces[self._piece]
        if span.last != index:
            return []
        within = (walk.frames >= span.first) & (walk.frames <= span.last) & (walk.scores > 0)
        points = self._path.points()
        ended = TrackEnded(
            track_number=span.number,
            started_ms=self._times_ms[span.first],
            ended_ms=self._times_ms[span.last],
            path=tuple((int(time_ms), x, y) for time_ms, x, y, _, _ in points),
            boxes_px=tuple((int(width), int(height)) for *_, width, height in points),
            confidence=round(float(walk.scores[within].mean()), 4),
            chain=walk.number,
            goes_on=span is not walk.pieces[-1],
            joint=span.joint,
        )
        return [ended]
