"""Cutting a file into chunks that can be detected apart, from packets alone."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import av.error

from tracking.vision.errors import TooLongError, UnreadableMediaError
from tracking.vision.frames.media import MediaInfo, open_video, packet_pts_ms, packets_of
from tracking.vision.frames.source import Source

# One packet with a wild time stamp must not make chunks by the million: whole days are no file.
LONGEST_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class ChunkBounds:
    """One stretch of a recording: frames with first_ms <= time < last_ms.

    `keyframe_ms` is the last key frame at or before `first_ms`, from which it can be decoded.
    """

    index: int
    first_ms: int
    last_ms: int
    keyframe_ms: int


def plan_chunks(
    path: Source,
    info: MediaInfo,
    target_ms: int = 10_000,
    longest_ms: int = 20_000,
    most_ms: int = LONGEST_MS,
) -> list[ChunkBounds]:
    """Return the chunks of a file, one after another without a gap; nothing is decoded.

    Parameters
    ----------
    path : str, Path or int
        The file, or a descriptor that is open for reading.
    info : MediaInfo
        What `probe` said about it.
    target_ms : int
        A chunk ends at the first key frame after this long.
    longest_ms : int
        Where no key frame comes within this time, the chunk is cut by time after `target_ms` and
        the next one is decoded from an earlier key frame. Only a stretch without any picture is
        longer: it is one chunk, not hundreds.
    most_ms : int
        A packet that would be shown later than this is taken for nonsense.

    Raises
    ------
    TooLongError
        The packets reach beyond `most_ms`.
    UnreadableMediaError
        No packet is shown at any time.
    """
    if info.is_image:
        return [ChunkBounds(0, 0, 1, 0)]
    keys, shown, end_ms = _packet_times(path, info, most_ms)
    chunks: list[ChunkBounds] = []
    first_ms = 0
    while first_ms < end_ms:
        last_ms = _next_cut(keys, first_ms, end_ms, target_ms, longest_ms)
        last_ms = _after_gap(shown, first_ms, last_ms, end_ms)
        before = bisect_right(keys, first_ms)
        keyframe_ms = keys[before - 1] if before else 0
        chunks.append(ChunkBounds(len(chunks), first_ms, last_ms, keyframe_ms))
        first_ms = last_ms
    if not chunks:
        raise UnreadableMediaError("The file holds no picture with a time.")
    return chunks


def _next_cut(keys: list[int], first_ms: int, end_ms: int, target_ms: int, longest_ms: int) -> int:
    at = bisect_left(keys, first_ms + target_ms)
    next_key = keys[at] if at < len(keys) else end_ms
    return next_key if next_key - first_ms <= longest_ms else first_ms + target_ms


def _after_gap(shown: array[int], first_ms: int, last_ms: int, end_ms: int) -> int:
    """Return where a chunk ends that would show nothing: at the next picture."""
    at = bisect_left(shown, first_ms)
    following = shown[at] if at < len(shown) else end_ms
    return max(last_ms, following)


def _packet_times(path: Source, info: MediaInfo, most_ms: int) -> tuple[list[int], array[int], int]:
    """Return the times of all key frames and of all frames, rising, and the end of the last."""
    keys: set[int] = set()
    shown = array("q")
    end_ms = 0
    with open_video(path, info.container) as (opened, stream):
        try:
            for packet in packets_of(opened, stream):
                pts_ms = packet_pts_ms(packet)
                if pts_ms is None or not packet.size:
                    continue
                time_ms = pts_ms - info.first_pts_ms
                length = (packet.duration or 0) * (packet.time_base or 0) * 1000
                end_ms = max(end_ms, time_ms + max(1, round(length)))
                if end_ms > most_ms:
                    raise TooLongError(f"A picture of the file would be shown at {end_ms} ms.")
                if packet.is_keyframe:
                    keys.add(time_ms)
                shown.append(time_ms)
        except av.error.FFmpegError as error:
            if not end_ms:
                raise UnreadableMediaError("The file breaks off at its start.") from error
    return sorted(keys), array("q", sorted(shown)), end_ms
