"""Counting with the whole recording known: what each of its chunks adds to the run.

A pure function of the stored detections, the run's set-up and its card, in all its parts: after a
crash the parts that are not written yet are reckoned again, and are the same.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from tracking import overlay
from tracking.faults import fault
from tracking.ledger import Slice
from tracking.models import Chunk, Run
from tracking.stopping import check_stop
from tracking.vision import detections
from tracking.vision.counting import CountingParams
from tracking.vision.detections import DetectedFrame
from tracking.vision.events import TrackEnded
from tracking.vision.offline import CountedFrame, OfflineParams, count_frames
from tracking.vision.setup import SceneSetup
from tracking.visits import VisitBook

# The parts of one run, while this process writes them: reckoning takes seconds to minutes.
_known: dict[uuid.UUID, list[Slice]] = {}


def know(run: Run) -> list[Slice]:
    """Return what each chunk of a recording adds to a run, in order; reckoned once a process."""
    if run.public_id not in _known:
        _known.clear()
        _known[run.public_id] = list(_slices(run))
        fault("final_known")
    return _known[run.public_id]


def forget() -> None:
    """Let go of what was reckoned: it is written, or another's to write."""
    _known.clear()


def _slices(run: Run) -> Iterator[Slice]:
    chunks = list(Chunk.objects.filter(recording=run.recording_id).order_by("index"))
    seen = [detections.unpack(bytes(chunk.detections or detections.pack([]))) for chunk in chunks]
    told = _told(run, [frame for frames in seen for frame in frames])
    book = VisitBook(_entrances(run))
    following = next(told, None)
    until_ms = -1
    for chunk, frames in zip(chunks, seen, strict=True):
        until_ms = max([until_ms, *(frame.time_ms for frame in frames)])
        mine = []
        while following is not None and following.time_ms <= until_ms:
            mine.append(following)
            following = next(told, None)
        yield _slice(run, chunk, book, mine, is_last=chunk is chunks[-1])
        settled = json.loads(json.dumps(book.settled()))
        book = VisitBook.from_json(book.entrances, settled)


def _told(run: Run, frames: list[DetectedFrame]) -> Iterator[CountedFrame]:
    params = OfflineParams.from_json(run.card["final"])
    params_of_run = run.card.get("params")
    counting = CountingParams.from_json(params_of_run["counting"]) if params_of_run else None
    return count_frames(frames, SceneSetup.from_json(run.setup), params, counting)


def _slice(
    run: Run, chunk: Chunk, book: VisitBook, frames: list[CountedFrame], *, is_last: bool
) -> Slice:
    """Return what one chunk adds; the book goes on to the end of it."""
    check_stop()
    counted = Slice(book)
    size = (run.setup["width"], run.setup["height"])
    for frame in frames:
        for event in frame.events:
            counted.events += [
                replace(draft, track_number=frame.tracks[cast(int, draft.track_number)])
                for draft in book.take(event)
            ]
            if isinstance(event, TrackEnded):
                counted.tracks.append(event)
        book.seen(_going_on(frame), frame.time_ms)
    book.expire(chunk.last_ms)
    if is_last:
        book.finish()
    drawn = [overlay.tracked_frame(frame.time_ms, frame.visible, *size) for frame in frames]
    counted.overlay = overlay.pack(drawn)
    counted.covered_ms = (chunk.first_ms, min(chunk.decoded_to_ms, chunk.last_ms))
    return counted


def _going_on(frame: CountedFrame) -> Iterator[int]:
    """Yield the chains of those in a frame who are seen again after it."""
    ended = {
        event.chain for event in frame.events if isinstance(event, TrackEnded) and not event.goes_on
    }
    seen = {number for number, _ in frame.visible}
    return (chain for chain, track in frame.tracks.items() if track in seen and chain not in ended)


def _entrances(run: Run) -> frozenset[str]:
    return frozenset(line["key"] for line in run.setup["lines"] if line["kind"] == "entrance")
