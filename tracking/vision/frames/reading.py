"""Reading a chunk's frames with their media time, whatever the file's frame rate or rotation."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import av.container
import av.error
import av.video.frame
import av.video.stream
import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.frames.damage import Complaints
from tracking.vision.frames.media import (
    MediaInfo,
    VideoPacket,
    frame_pts_ms,
    load_image,
    open_video,
    packet_pts_ms,
    packets_of,
)
from tracking.vision.frames.plan import ChunkBounds
from tracking.vision.frames.source import Source
from tracking.vision.frames.vpx import payload_check

Image = NDArray[np.uint8]

LEAD_IN_MS = 2000
# A file that ends this much before its own declared end is cut off. Containers round, and count
# the last frame's length or not: one second and two per cent forgive that.
DECLARED_SLACK_MS = 1000
DECLARED_SLACK_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as displayed: BGR, uint8, shape (height, width, 3).

    `lead_in` marks frames before the chunk that only warm up what looks at motion.
    """

    time_ms: int
    image: Image
    lead_in: bool = False


@dataclass(frozen=True, slots=True)
class ChunkRead:
    """How the reading of a chunk went.

    Parameters
    ----------
    frames : int
        Frames of the chunk itself that were decoded.
    decoded_to_ms : int
        Media time up to which pictures were seen: the chunk's end when all is well.
    broken : bool
        Something could not be decoded, or the file ends before its declared end.
    """

    frames: int
    decoded_to_ms: int
    broken: bool


class FrameReader:
    """Iterates once over a chunk's frames; afterwards `result` says how it went."""

    def __init__(
        self,
        path: Source,
        info: MediaInfo,
        bounds: ChunkBounds,
        lead_in_ms: int = LEAD_IN_MS,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._tick = tick
        self._info = info
        self._bounds = bounds
        self._from_ms = max(0, bounds.first_ms - lead_in_ms)
        self._frames = 0
        self._seen_to_ms = bounds.first_ms
        self._errors = 0
        self._reached_end = False  # a frame of the next chunk was seen

    def __iter__(self) -> Iterator[Frame]:
        if self._info.is_image:
            yield self._count(read_image(self._path))
            self._reached_end = True
            return
        previous_ms = -1
        for time_ms, decoded in self._decode():
            if time_ms >= self._bounds.last_ms:
                self._reached_end = True
                return
            if time_ms < self._from_ms or time_ms <= previous_ms:
                continue  # before the lead-in, or a clock that steps back
            previous_ms = time_ms
            frame = Frame(time_ms, self._picture(decoded), time_ms < self._bounds.first_ms)
            yield frame if frame.lead_in else self._count(frame, decoded)

    @property
    def result(self) -> ChunkRead:
        """How the reading went so far."""
        to_ms = self._bounds.last_ms if self._reached_end else self._seen_to_ms
        to_ms = min(to_ms, self._bounds.last_ms)
        at_end = self._info.is_image or not self._reached_end
        broken = self._errors > 0 or (at_end and self._cut_off(to_ms))
        return ChunkRead(self._frames, to_ms, broken)

    def _count(self, frame: Frame, decoded: av.video.frame.VideoFrame | None = None) -> Frame:
        self._frames += 1
        length_ms = 0
        if decoded is not None and decoded.duration and decoded.time_base:
            length_ms = round(decoded.duration * decoded.time_base * 1000)
        self._seen_to_ms = frame.time_ms + max(1, length_ms)
        return frame

    def _cut_off(self, decoded_to_ms: int) -> bool:
        if not self._info.is_whole:
            return True
        declared_ms = self._info.duration_declared_ms
        if declared_ms is None:
            return False
        slack_ms = DECLARED_SLACK_MS + DECLARED_SLACK_SHARE * declared_ms
        return decoded_to_ms + slack_ms < declared_ms

    def _decode(self) -> Iterator[tuple[int, av.video.frame.VideoFrame]]:
        """Yield decoded frames with their media time, from at or before the lead-in."""
        with open_video(self._path, self._info.container) as (opened, stream):
            for time_ms, frame in self._decode_after_seek(opened, stream):
                if time_ms is None:
                    break
                yield time_ms, frame
            else:
                return
        # The seek landed too late (an index is missing or wrong): read from the start.
        self._errors = 0
        with open_video(self._path, self._info.container) as (opened, stream):
            yield from self._frames_of(opened, stream)

    def _decode_after_seek(
        self, opened: av.container.InputContainer, stream: av.video.stream.VideoStream
    ) -> Iterator[tuple[int | None, av.video.frame.VideoFrame]]:
        """Yield frames from the key frame before the lead-in; a time of None means too late."""
        first = True
        if self._from_ms > 0:
            self._seek(opened, stream, self._from_ms + self._info.first_pts_ms)
        for time_ms, frame in self._frames_of(opened, stream):
            too_late = first and time_ms > self._from_ms > 0
            first = False
            yield (None if too_late else time_ms), frame

    def _seek(
        self,
        opened: av.container.InputContainer,
        stream: av.video.stream.VideoStream,
        pts_ms: int,
    ) -> None:
        """Go to the last key frame at or before a presentation time, if the file allows it."""
        assert stream.time_base is not None
        with suppress(av.error.FFmpegError):
            opened.seek(int(pts_ms / 1000 / stream.time_base), stream=stream)

    def _frames_of(
        self, opened: av.container.InputContainer, stream: av.video.stream.VideoStream
    ) -> Iterator[tuple[int, av.video.frame.VideoFrame]]:
        check = payload_check(self._info.codec)
        with Complaints() as complaints:
            for packet in self._packets_of(opened, stream):
                inside = self._is_inside(packet)
                try:
                    frames = packet.decode()
                except av.error.EOFError:
                    return
                except av.error.FFmpegError:
                    self._errors += inside
                    continue
                is_damaged = packet.is_corrupt or (check is not None and check.is_damaged(packet))
                self._errors += (complaints.fresh() or is_damaged) and inside
                for frame in frames:
                    assert isinstance(frame, av.video.frame.VideoFrame)
                    pts_ms = frame_pts_ms(frame)
                    if pts_ms is not None:
                        yield pts_ms - self._info.first_pts_ms, frame
            self._errors += complaints.fresh()  # about the file's end

    def _packets_of(
        self, opened: av.container.InputContainer, stream: av.video.stream.VideoStream
    ) -> Iterator[VideoPacket]:
        packets = packets_of(opened, stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:
                self._errors += 1
                return
            if packet is None:
                return
            self._tick()
            yield packet

    def _is_inside(self, packet: VideoPacket) -> bool:
        """Return whether a packet belongs to the chunk itself."""
        pts_ms = packet_pts_ms(packet)
        if pts_ms is None:
            return False
        return self._bounds.first_ms <= pts_ms - self._info.first_pts_ms < self._bounds.last_ms

    def _picture(self, decoded: av.video.frame.VideoFrame) -> Image:
        image = decoded.to_ndarray(format="bgr24", threads=1).astype(np.uint8, copy=False)
        turns = decoded.rotation // 90 % 4
        if turns:
            image = np.ascontiguousarray(np.rot90(image, turns))
        size = (self._info.width, self._info.height)
        if image.shape[1::-1] != size:  # the stream changed its size on the way
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        return image


def read_frames(
    path: Source,
    info: MediaInfo,
    bounds: ChunkBounds,
    lead_in_ms: int = LEAD_IN_MS,
    tick: Callable[[], None] = lambda: None,
) -> FrameReader:
    """Return an iterator over a chunk's frames, preceded by its lead-in.

    Parameters
    ----------
    path : str, Path or int
        The file, or a descriptor that is open for reading.
    info : MediaInfo
        What `probe` said about it.
    bounds : ChunkBounds
        Which frames; a pure function of these four, however the file is seeked.
    lead_in_ms : int
        Frames from this long before the chunk come first, marked `lead_in`.
    tick : callable
        Called for every packet, also where it shows nothing: whoever waits knows it goes on.
    """
    return FrameReader(path, info, bounds, lead_in_ms, tick)


def read_image(path: Source) -> Frame:
    """Return a picture file as the one frame of a recording."""
    return Frame(0, load_image(path))
