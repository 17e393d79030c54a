"""Groups of pictures become segments: about four seconds, with the lead-in they are detected by."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import av
import av.container

from tracking.recorder.pictures import MILLISECOND, Group, Packet, Shape
from tracking.vision.frames.reading import LEAD_IN_MS

TARGET_MS = 4000


@dataclass(slots=True)
class Segment:
    """A stretch of a stream; times in ms of the stream.

    `lead_in` are the groups before it that its detection begins with, where there are any.
    """

    groups: list[Group]
    lead_in: list[Group] = field(default_factory=list)

    @property
    def first_ms(self) -> int:
        """When its first picture is shown."""
        return self.groups[0].first_ms

    @property
    def end_ms(self) -> int:
        """When the first picture after it is shown."""
        return self.groups[-1].end_ms

    @property
    def pictures(self) -> int:
        """How many pictures it has of its own."""
        return sum(len(group.packets) for group in self.groups)

    @property
    def recoded(self) -> bool:
        """Whether it was encoded anew."""
        return self.groups[0].recoded


class Cutter:
    """Gathers groups until a segment is long enough."""

    def __init__(self) -> None:
        self._open: list[Group] = []
        self._before: list[Group] = []

    def add(self, group: Group) -> list[Segment]:
        """Take the next group; return the segments that it completes."""
        done = []
        if self._open and self._open[-1].recoded != group.recoded:
            done += self.end()
            self._before = []
        self._open.append(group)
        if not group.whole:
            done += self.end()
            self._before = []
        elif group.end_ms - self._open[0].first_ms >= TARGET_MS:
            done += self.end()
        return done

    def end(self) -> list[Segment]:
        """Return what is left as a segment, if there is anything."""
        if not self._open:
            return []
        segment = Segment(self._open, self._lead_in(self._open[0].first_ms))
        self._before = (segment.lead_in + self._open)[-50:]
        self._open = []
        return [segment]

    def _lead_in(self, first_ms: int) -> list[Group]:
        """Return the last groups that reach back as far as a lead-in does."""
        taken: list[Group] = []
        for group in reversed(self._before):
            if taken and first_ms - taken[0].first_ms >= LEAD_IN_MS:
                break
            taken.insert(0, group)
        return taken


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a segment lies in its recording's media time."""

    first_ms: int
    last_ms: int


def file_of(segment: Segment, place: Placed, shape: Shape) -> tuple[bytes, int]:
    """Return a segment as a file, and the media time of the key frame that it begins with.

    The file's times are the recording's media times, and so are those of the lead-in: it is laid
    back from where the segment begins. Nothing is decoded or encoded here.
    """
    packets = _laid(segment.groups, place, segment.first_ms, segment.end_ms)
    rate = (place.last_ms - place.first_ms) / (segment.end_ms - segment.first_ms)
    start_ms = segment.lead_in[0].first_ms if segment.lead_in else segment.first_ms
    begins_ms = place.first_ms - round((segment.first_ms - start_ms) * rate)
    if 0 <= begins_ms < place.first_ms:
        before = Placed(begins_ms, place.first_ms)
        packets = _laid(segment.lead_in, before, start_ms, segment.first_ms) + packets
    return _muxed(packets, shape, recoded=segment.recoded), packets[0].pts_ms


def _laid(groups: list[Group], place: Placed, first_ms: int, end_ms: int) -> list[Packet]:
    """Return packets with their times laid from one span onto another."""
    rate = (place.last_ms - place.first_ms) / max(1, end_ms - first_ms)

    def laid(time_ms: int) -> int:
        return place.first_ms + round((time_ms - first_ms) * rate)

    return [
        Packet(each.data, laid(each.pts_ms), laid(each.dts_ms), each.key)
        for group in groups
        for each in group.packets
    ]


def _muxed(packets: list[Packet], shape: Shape, *, recoded: bool) -> bytes:
    """Return packets as a Matroska file; `avoid_negative_ts` would move the times."""
    file = io.BytesIO()
    options = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
    with av.open(file, "w", format="matroska", options=options) as container:
        stream = _stream(container, shape, recoded=recoded)
        last_ms: int | None = None
        for each in packets:
            packet = av.Packet(each.data)
            dts_ms = min(each.dts_ms, each.pts_ms)
            last_ms = dts_ms if last_ms is None else max(dts_ms, last_ms + 1)
            packet.pts, packet.dts = max(each.pts_ms, last_ms), last_ms
            packet.time_base, packet.is_keyframe = MILLISECOND, each.key
            packet.stream = stream
            container.mux_one(packet)
    return file.getvalue()


def _stream(container: av.container.OutputContainer, shape: Shape, *, recoded: bool) -> Any:
    stream: Any
    if shape.template is not None and not recoded:
        stream = container.add_stream_from_template(shape.template, opaque=True)
    else:
        size = {"width": shape.width // 2 * 2, "height": shape.height // 2 * 2}
        stream = container.add_mux_stream("h264", rate=25, **size)
    stream.time_base = MILLISECOND
    return stream
