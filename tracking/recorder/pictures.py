"""A stream's packets in groups that can be decoded on their own, re-encoded where they must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import av
import av.error
import av.video.codeccontext
import av.video.frame
import av.video.stream
from av.video.frame import PictureType

# Without a key frame for this long a stream is encoded anew: a segment is cut at key frames.
LONGEST_GROUP_MS = 8000
# Each picture of it whole, or not packed at all: encoded anew, a tenth of the disk is enough.
UNPACKED = ("mjpeg", "rawvideo")
KEY_EVERY_MS = 2000
MOST_WAITING = 200  # pictures on their way through a decoder
X264 = {"preset": "veryfast", "tune": "zerolatency", "crf": "21", "threads": "1"}
AvPacket: TypeAlias = "av.Packet[Any]"
MILLISECOND = Fraction(1, 1000)


@dataclass(slots=True)
class Packet:
    """One coded picture; times in ms of the stream, from its first picture on."""

    data: bytes
    pts_ms: int
    dts_ms: int
    key: bool


@dataclass(slots=True)
class Group:
    """A key frame and what hangs on it, up to the next: decodable on its own.

    `recoded` tells the two ways of coding apart that one stream may have one after the other.
    `whole` is false where the stream broke off, or pictures are missing before the next group.
    """

    packets: list[Packet]
    end_ms: int
    recoded: bool = False
    whole: bool = True

    @property
    def first_ms(self) -> int:
        """When its key frame is shown."""
        return self.packets[0].pts_ms


@dataclass(slots=True)
class Shape:
    """What a stream's pictures are."""

    codec: str
    width: int
    height: int
    fps: float | None
    # What a muxer copies the codec's parameters from, while the stream is open.
    template: av.video.stream.VideoStream | None = field(default=None, repr=False)


class Recoder:
    """Decodes a stream's packets and encodes the pictures anew as H.264, a key frame every 2 s.

    Parameters
    ----------
    one_by_one : bool
        Each packet is a picture of its own, shown at its packet's time.
    """

    def __init__(self, stream: av.video.stream.VideoStream, *, one_by_one: bool) -> None:
        self._one_by_one = one_by_one
        self._times: dict[int | None, int] = {}
        self._decoder = stream.codec_context
        self._decoder.thread_count = 1
        self._encoder: av.video.codeccontext.VideoCodecContext | None = None
        self._key_ms = 0
        self._last_ms = -1

    def feed(self, packet: AvPacket, pts_ms: int) -> Iterator[Packet]:
        """Take one packet, shown at `pts_ms`, and yield those that come of it."""
        self._times[packet.pts] = pts_ms
        try:
            frames = self._decoder.decode(packet)
        except av.error.FFmpegError:
            return  # one damaged picture; the next key frame heals it
        for frame in frames:
            assert isinstance(frame, av.video.frame.VideoFrame)
            time_ms = pts_ms if self._one_by_one else self._times.pop(frame.pts, None)
            if time_ms is not None and time_ms > self._last_ms:
                yield from self._encode(frame, time_ms)
        if len(self._times) > MOST_WAITING:
            self._times.clear()

    def end(self) -> Iterator[Packet]:
        """Yield what is still on its way."""
        if self._encoder is not None:
            yield from _coded(self._encoder.encode(None))

    def _encode(self, frame: av.video.frame.VideoFrame, time_ms: int) -> Iterator[Packet]:
        width, height = frame.width // 2 * 2, frame.height // 2 * 2  # halved colours need even ones
        if self._encoder is None:
            self._encoder = _encoder(width, height)
        shown = frame.reformat(width=width, height=height, format="yuv420p")
        shown.pts, shown.time_base = time_ms, MILLISECOND
        is_key = self._last_ms < 0 or time_ms - self._key_ms >= KEY_EVERY_MS
        shown.pict_type = PictureType.I if is_key else PictureType.NONE
        self._key_ms = time_ms if is_key else self._key_ms
        self._last_ms = time_ms
        yield from _coded(self._encoder.encode(shown))


def _encoder(width: int, height: int) -> av.video.codeccontext.VideoCodecContext:
    context = av.video.codeccontext.VideoCodecContext.create("libx264", "w")
    assert isinstance(context, av.video.codeccontext.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = MILLISECOND, Fraction(25)
    context.options = X264 | {"x264-params": "keyint=infinite:scenecut=0:repeat-headers=1"}
    return context


def _coded(packets: Iterable[AvPacket]) -> Iterator[Packet]:
    for packet in packets:
        assert packet.pts is not None
        dts = packet.pts if packet.dts is None else packet.dts
        yield Packet(bytes(packet), packet.pts, dts, packet.is_keyframe)


class Grouper:
    """Puts packets into groups; one without an end in time is told by `too_long`."""

    def __init__(self, *, recoded: bool = False) -> None:
        self._recoded = recoded
        self._open: list[Packet] = []
        self._step_ms = 40

    @property
    def too_long(self) -> bool:
        """Whether the open group is longer than a segment can wait for."""
        if not self._open:
            return False
        return self._open[-1].pts_ms - self._open[0].pts_ms > LONGEST_GROUP_MS

    def add(self, packet: Packet) -> Group | None:
        """Take the next packet; return the group that it ends. What comes before a key is lost."""
        done = None
        if packet.key:
            done = self._done(packet.pts_ms, whole=True)
            self._open = [packet]
        elif self._open:
            if packet.pts_ms > self._open[-1].pts_ms:
                self._step_ms = min(1000, packet.pts_ms - self._open[-1].pts_ms)
            self._open.append(packet)
        return done

    def end(self) -> Group | None:
        """Return what is left, ending with its last picture: none follows it."""
        if not self._open:
            return None
        return self._done(max(each.pts_ms for each in self._open) + self._step_ms, whole=False)

    def forget(self) -> None:
        """Drop the open group: it goes another way."""
        self._open = []

    def _done(self, end_ms: int, *, whole: bool) -> Group | None:
        packets, self._open = self._open, []
        if not packets or end_ms <= packets[0].pts_ms:
            return None
        return Group(packets, end_ms, self._recoded, whole)
