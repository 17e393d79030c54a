"""Reading an open stream: groups of pictures, with the watch on time that goes with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import av.error
import structlog

from tracking.recorder.clock import JUMP_MS, Anchor, Clock
from tracking.recorder.opening import READ_S, STALL_S, Stream
from tracking.recorder.pictures import AvPacket, Group, Grouper, Packet, Recoder
from tracking.recorder.troubles import Trouble

log = structlog.get_logger(__name__)

# Pictures further apart than this are told as missing: what hangs on those before is lost, too.
HOLE_MS = 2000
BACK_MS = 1000
SLACK_MS = 1500
TIMELESS = 5  # packets without a time, from the first on, make a stream without times


class Reader:
    """Yields a stream's groups until it ends, stalls or is to stop.

    Parameters
    ----------
    stop : Event
        Set by whoever wants the end.
    """

    def __init__(self, stream: Stream, clock: Clock, stop: threading.Event) -> None:
        self._stream = stream
        self._clock = clock
        self._stop = stop
        self.anchor = Anchor()
        self.last_ms = clock.now_ms()  # when the last picture came
        self._fresh_ms = self.last_ms
        self._base_ms: int | None = None
        self._latest: tuple[int, int] | None = None
        self._looped_ms = 0
        self._timeless: list[tuple[AvPacket, int]] = []
        self._is_timeless = stream.timeless
        self._recoder: Recoder | None = None
        self._plain = Grouper()
        self._recoded = Grouper(recoded=True)
        self._kept: list[tuple[AvPacket, int]] = []

    def groups(self) -> Iterator[Group]:
        """Yield group after group.

        Raises
        ------
        Trouble
            Why there is no more; what was open then was yielded before.
        """
        trouble = Trouble("ended")
        if self._stream.must_recode:
            self._recoder = Recoder(self._stream.video, one_by_one=True)
        try:
            for packet, pts_ms in self._timed():
                yield from self._take(packet, pts_ms)
        except Trouble as met:
            trouble = met
        if self._recoder is not None:
            yield from filter(None, map(self._recoded.add, self._recoder.end()))
        yield from filter(None, (self._plain.end(), self._recoded.end()))
        if not self._stop.is_set():
            raise trouble

    def _take(self, packet: AvPacket, pts_ms: int) -> Iterator[Group]:
        if self._recoder is not None:
            yield from self._recode(packet, pts_ms)
            return
        if packet.is_keyframe:
            self._kept = []
        self._kept.append((packet, pts_ms))
        dts_ms = self._of_stream(packet.dts, packet)
        done = self._plain.add(Packet(bytes(packet), pts_ms, dts_ms, packet.is_keyframe))
        if done is not None:
            yield done
        if self._plain.too_long:
            # From its last key frame on the stream is encoded anew.
            self._plain.forget()
            self._recoder = Recoder(self._stream.video, one_by_one=False)
            for kept, time_ms in self._kept:
                yield from self._recode(kept, time_ms)
            self._kept = []

    def _recode(self, packet: AvPacket, pts_ms: int) -> Iterator[Group]:
        assert self._recoder is not None
        yield from filter(None, map(self._recoded.add, self._recoder.feed(packet, pts_ms)))

    def _timed(self) -> Iterator[tuple[AvPacket, int]]:
        """Yield packets with their time in ms from the first on, watching both clocks."""
        for packet in self._packets():
            now_ms = self._clock.now_ms()
            if packet is None or packet.size == 0:
                if now_ms - self.last_ms > STALL_S * 1000:
                    raise Trouble("stalled")
                continue
            self.last_ms = now_ms
            for held, pts_ms in self._with_time(packet, now_ms):
                self._pace(pts_ms)
                self._watch(pts_ms)
                yield held, pts_ms

    def _with_time(self, packet: AvPacket, now_ms: int) -> list[tuple[AvPacket, int]]:
        """Return packets with their time; those without any wait for the next that has one.

        The first picture of RTSP often has none; those of MJPEG over HTTP never have, whatever
        FFmpeg makes up, and are shown when they came.
        """
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None or self._is_timeless:
            self._timeless.append((packet, now_ms))
            if len(self._timeless) < TIMELESS and not self._is_timeless:
                return []
            self._is_timeless = True
            found = [(each, came_ms - self._base(came_ms)) for each, came_ms in self._timeless]
        else:
            pts_ms = self._of_stream(pts, packet)
            step_ms = round(1000 / (self._stream.shape.fps or 10))
            before = [each for each, _ in self._timeless]
            found = [(each, pts_ms - step_ms * back) for back, each in _counted_down(before)]
            found.append((packet, pts_ms))
        self._timeless = []
        return [(each, pts_ms + self._looped_ms) for each, pts_ms in found]

    def _watch(self, pts_ms: int) -> None:
        now_ms = self._clock.now_ms()
        hole = self._hole(pts_ms, now_ms)
        self._latest = (max(pts_ms, self._latest[0] if self._latest else pts_ms), now_ms)
        self.anchor.saw(pts_ms, now_ms)
        if now_ms - pts_ms - self.anchor.offset_ms < READ_S * 1000 - SLACK_MS:
            self._fresh_ms = now_ms  # one that was held back while nothing came is none
        if hole:
            raise Trouble("ended")

    def _base(self, first: int) -> int:
        if self._base_ms is None:
            self._base_ms = first
        return self._base_ms

    def _of_stream(self, ticks: int | None, packet: AvPacket) -> int:
        if ticks is None:
            return self._latest[0] + 1 if self._latest else 0
        time_ms = round(ticks * packet.time_base * 1000)
        return time_ms - self._base(time_ms)

    def _hole(self, pts_ms: int, now_ms: int) -> bool:
        """Whether pictures are missing before this one; a clock that jumps is another trouble."""
        if self._latest is None:
            return False
        last_pts_ms, last_ms = self._latest
        step_ms = pts_ms - last_pts_ms
        if -BACK_MS <= step_ms <= HOLE_MS:
            return False
        if step_ms < 0 or abs(step_ms - (now_ms - last_ms)) > JUMP_MS:
            raise Trouble("clock")
        return True

    def _packets(self) -> Iterator[AvPacket | None]:
        """Yield the video's packets as they come."""
        while not self._stop.is_set():
            began = self._latest
            try:
                for packet in self._stream.container.demux(self._stream.video):
                    yield packet
                    if self._stop.is_set():
                        return
            except (av.error.ExitError, TimeoutError):
                silent_ms = self._clock.now_ms() - self._fresh_ms
                is_stalled = silent_ms > STALL_S * 1000 - SLACK_MS
                raise Trouble("stalled" if is_stalled else "ended") from None
            except (av.error.FFmpegError, OSError) as error:
                fetcher = self._stream.fetcher
                failed = fetcher.failed if fetcher is not None else None
                log.info("stream_broke_off", kind=type(error).__name__)
                raise failed or Trouble("ended") from None
            if not self._stream.looped or self._latest == began or self._latest is None:
                return
            self._again()

    def _again(self) -> None:
        """Play a file from its start, its times going on."""
        assert self._latest is not None
        step_ms = round(1000 / (self._stream.shape.fps or 10))
        self._looped_ms = self._latest[0] + step_ms
        self._stream.container.seek(0)

    def _pace(self, pts_ms: int) -> None:
        """Let a file's picture wait until it is due."""
        if not self._stream.looped:
            return
        begun_ms = self.last_ms if self._latest is None else self.anchor.offset_ms
        self._clock.wait(self._stop, (begun_ms + pts_ms - self._clock.now_ms()) / 1000)


def _counted_down(packets: list[AvPacket]) -> list[tuple[int, AvPacket]]:
    return [(len(packets) - at, packet) for at, packet in enumerate(packets)]
