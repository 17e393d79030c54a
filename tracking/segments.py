"""The chunks of a live camera: where their files lie, what became of them, what was not seen.

A camera's recording is open-ended: chunks are added while it lasts, each with a file of its own
that begins with its lead-in, so that detecting it is the same pure function of one file. A chunk
that was left out, or set aside, is nothing seen: the others go on without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tracking import media
from tracking.models import Chunk, JobState, Recording
from tracking.visits import EventDraft

# A stretch at least this long of which nothing was seen is told as a gap. Tracks end after two
# seconds without a sight, so over any longer one nobody is followed, and nobody goes out by it.
GAP_MS = 1000
LEFT_OUT = "left_out"  # a chunk's error code: the machine was behind, or had no room
SUFFIX = ".mkv"


def segment_name(index: int) -> str:
    """Return the name of a chunk's file within its recording's folder."""
    return f"segment-{index:06d}{SUFFIX}"


def chunk_path(chunk: Chunk) -> Path:
    """Return where the file lies that a chunk is detected from."""
    recording = chunk.recording
    if recording.source != Recording.Source.CAMERA:
        return media.source_path(recording.folder)
    return media.file_path(recording.folder, segment_name(chunk.index))


def detector_of(card: dict[str, Any], chunk: Chunk) -> dict[str, Any]:
    """Return the detector of a run's card as it is for one chunk."""
    detector: dict[str, Any] = card["detector"]
    if chunk.gap_ms is None:
        return detector
    return detector | {"settings": detector["settings"] | {"gap_ms": chunk.gap_ms}}


def is_unseen(chunk: Chunk) -> bool:
    """Whether nothing of a chunk was looked at, for whichever reason."""
    return chunk.state == JobState.QUARANTINED or not chunk.frames


def gap_before(chunk: Chunk) -> list[EventDraft]:
    """Return the event of what was not seen right before a chunk of a live camera, if any.

    A pure function of the rows: those before this one do not change any more.
    """
    before = Chunk.objects.filter(recording=chunk.recording_id, index__lt=chunk.index)
    seen = before.filter(state=JobState.DONE, frames__gt=0).order_by("-index")
    to_ms = seen.values_list("decoded_to_ms", flat=True).first()
    from_ms = -chunk.recording.unseen_ms if to_ms is None else to_ms
    if chunk.first_ms - from_ms < GAP_MS:
        return []
    length_ms = chunk.first_ms - from_ms
    return [EventDraft("gap", chunk.first_ms, None, since_ms=from_ms, dwell_ms=length_ms)]
