"""What a media file is, read without trusting its name.

The container is chosen by the first bytes and forced on the demuxer, so a playlist named ``x.mp4``
is never followed; FFmpeg gets bytes instead of a name and may use no protocol, so nothing inside a
file is either. The codec's name is checked against an allow-list before a frame is decoded.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import av
import av.container
import av.error
import av.video.frame
import av.video.stream
import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.errors import (
    CodecNotAllowedError,
    EmptyFileError,
    NoVideoStreamError,
    UnknownContainerError,
    UnreadableMediaError,
)
from tracking.vision.frames.damage import Complaints
from tracking.vision.frames.source import Source, open_source
from tracking.vision.frames.structure import is_whole
from tracking.vision.frames.vpx import is_damaged_webp

VideoPacket: TypeAlias = "av.Packet[av.video.stream.VideoStream]"

# Our name of a container -> the one demuxer that may open it.
CONTAINERS = {
    "mp4": "mov",
    "matroska": "matroska",
    "avi": "avi",
    "mpegts": "mpegts",
    "mpeg": "mpeg",
    "gif": "gif",
}
IMAGES = ("jpeg", "png", "webp")
CODECS = {
    *("h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "mpeg1video", "mpeg2video", "mjpeg", "h263"),
    *("msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "gif"),
}
HEAD_BYTES = 400  # reaches the second sync byte of an MPEG transport stream
PROBE_PACKETS = 400  # packets tried before a stream counts as undecodable
ORDER_PACKETS = 40  # packets read to find the first frame shown; re-ordering reaches 16 frames
LARGEST_IMAGE_PX = 50_000_000
# A list of which nothing is a member; an empty one would count as none given.
NO_PROTOCOL = "none"


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A media file's own statements, sizes as displayed; all but the last two may be untrue.

    `is_whole` is ours: nothing is missing or changed as far as the container's own sizes and
    checksums tell. `first_pts_ms` is the first shown frame's presentation time in the
    container's own clock: it is media time 0 everywhere else.
    """

    container: str
    codec: str
    width: int
    height: int
    rotation: int
    fps_declared: float | None
    duration_declared_ms: int | None
    first_pts_ms: int
    frame_count_declared: int | None
    creation_time: str | None
    size_bytes: int
    is_whole: bool = True

    @property
    def is_image(self) -> bool:
        """Whether the file is a single still picture."""
        return self.container in IMAGES


def probe(path: Source) -> MediaInfo:
    """Return what a file is; decodes one frame, and that only after the codec was allowed.

    Parameters
    ----------
    path : str, Path or int
        The file, or a descriptor that is open for reading. Its name is not looked at.

    Raises
    ------
    MediaError
        One of its kinds; `code` says which in one word.
    """
    container = sniff(path)
    if container in IMAGES:
        return _probe_image(path, container)
    with open_video(path, container) as (opened, stream):
        packets = _first_packet_times(opened, stream)
    with open_video(path, container) as (opened, stream):
        return _describe(path, container, opened, stream, min(packets))


def sniff(path: Source) -> str:
    """Return the container's name by the file's first bytes."""
    with open_source(path) as file:
        head = file.read(HEAD_BYTES) or b""
    if not head:
        raise EmptyFileError("The file is empty.")
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mp4"
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"WEBP"):
        return "avi" if head[8:12] == b"AVI " else "webp"
    if len(head) > 188 and head[0] == 0x47 and head[188] == 0x47:
        return "mpegts"
    starts = {
        b"\x1a\x45\xdf\xa3": "matroska",
        b"\x00\x00\x01\xba": "mpeg",
        b"GIF8": "gif",
        b"\xff\xd8\xff": "jpeg",
        b"\x89PNG\r\n\x1a\n": "png",
    }
    for start, name in starts.items():
        if head.startswith(start):
            return name
    raise UnknownContainerError("The file is neither a video nor a picture of a kind we read.")


@contextmanager
def open_video(
    path: Source, container: str
) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """Open a file with the named container's demuxer alone and hand out its video stream.

    Raises
    ------
    UnreadableMediaError, NoVideoStreamError, CodecNotAllowedError
    """
    demuxer = CONTAINERS[container]
    with open_source(path) as file:
        try:
            # Old cameras write titles in letters of their own; no title is worth a film.
            opened = av.open(
                file, "r", format=demuxer, options=only(demuxer), metadata_errors="replace"
            )
        except (av.error.FFmpegError, OSError) as error:
            raise UnreadableMediaError(f"The file cannot be opened as {container}.") from error
        with opened:
            stream = _video_stream(opened)
            codec = codec_name(stream)
            if codec is None:
                raise UnreadableMediaError("The file does not say how its pictures are stored.")
            if codec not in CODECS:
                raise CodecNotAllowedError(f"Video of the kind '{codec}' is not accepted.")
            stream.codec_context.thread_count = 1
            yield opened, stream


def only(demuxer: str) -> dict[str, str]:
    """Return the options that keep FFmpeg to one demuxer and to the bytes that it is given."""
    return {"format_whitelist": demuxer, "protocol_whitelist": NO_PROTOCOL}


def load_image(path: Source) -> NDArray[np.uint8]:
    """Return a picture file as BGR, shape (height, width, 3), turned as its camera noted.

    Its size is read from the header first: a picture of 48 kB can unfold to gigabytes.
    """
    demuxer = f"{sniff(path)}_pipe"
    try:
        with (
            open_source(path) as file,
            av.open(file, format=demuxer, options=only(demuxer)) as opened,
        ):
            context = opened.streams.video[0].codec_context
            pixels = context.width * context.height
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise UnreadableMediaError("The picture cannot be opened.") from error
    if not 0 < pixels <= LARGEST_IMAGE_PX:
        raise UnreadableMediaError(f"The picture has {pixels} pixels, {LARGEST_IMAGE_PX} at most.")
    with open_source(path) as file:
        image = cv2.imdecode(np.frombuffer(file.readall(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise UnreadableMediaError("The picture cannot be decoded.")
    return image.astype(np.uint8, copy=False)


def packets_of(
    opened: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator[VideoPacket]:
    """Yield a stream's packets, also past one of a stream that the file's start did not name."""
    while True:
        try:
            yield from opened.demux(stream)
        except IndexError:  # PyAV knows the streams of the start only; the packet is passed over
            continue
        return


def codec_name(stream: av.video.stream.VideoStream) -> str | None:
    """Return the codec's name, whichever decoder would read it; None where a file names none."""
    codec = getattr(stream.codec_context, "codec", None)  # no context where no decoder was found
    return None if codec is None else str(codec.canonical_name)


def frame_pts_ms(frame: av.video.frame.VideoFrame) -> int | None:
    """Return a decoded frame's presentation time in the container's clock, or None."""
    pts = frame.pts if frame.pts is not None else frame.dts
    if pts is None or frame.time_base is None:
        return None
    return round(pts * frame.time_base * 1000)


def packet_pts_ms(packet: VideoPacket) -> int | None:
    """Return a packet's presentation time in the container's clock, or None."""
    pts = packet.pts if packet.pts is not None else packet.dts
    if pts is None or packet.is_discard:
        return None
    return round(pts * packet.time_base * 1000)


def _video_stream(opened: av.container.InputContainer) -> av.video.stream.VideoStream:
    for stream in opened.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise NoVideoStreamError("The file holds no moving picture.")


def _first_packet_times(
    opened: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> list[int]:
    times: list[int] = []
    try:
        for packet in packets_of(opened, stream):
            time_ms = packet_pts_ms(packet)
            if time_ms is not None:
                times.append(time_ms)
            if len(times) >= ORDER_PACKETS:
                break
    except av.error.FFmpegError as error:
        if not times:
            raise UnreadableMediaError("The file breaks off before its first frame.") from error
    if not times:
        raise UnreadableMediaError("The file holds no frame.")
    return times


def _first_frame(
    opened: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> av.video.frame.VideoFrame:
    packets = packets_of(opened, stream)
    for _ in range(PROBE_PACKETS):
        try:
            packet = next(packets, None)
            if packet is None:
                break
            for frame in packet.decode():
                assert isinstance(frame, av.video.frame.VideoFrame)
                return frame
        except av.error.EOFError:
            break
        except av.error.FFmpegError:
            continue
    raise UnreadableMediaError("No frame of the file can be decoded.")


def _describe(
    path: Source,
    container: str,
    opened: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    first_pts_ms: int,
) -> MediaInfo:
    frame = _first_frame(opened, stream)
    upright = frame.rotation % 180 == 0
    width, height = frame.width, frame.height
    return MediaInfo(
        container=container,
        codec=codec_name(stream) or "",
        width=width if upright else height,
        height=height if upright else width,
        rotation=frame.rotation % 360,
        fps_declared=float(stream.average_rate) if stream.average_rate else None,
        duration_declared_ms=_declared_duration_ms(opened, stream),
        first_pts_ms=first_pts_ms,
        frame_count_declared=stream.frames or None,
        creation_time=_creation_time(opened, stream),
        size_bytes=_size_bytes(path),
        is_whole=is_whole(path, container),
    )


def _declared_duration_ms(
    opened: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> int | None:
    """Return how long the picture is said to be; the sound may be longer, so it is asked last."""
    if opened.format.name == "avi" and stream.frames and stream.average_rate:
        # The demuxer shortens a cut-off file's duration by its size; the header's count stays.
        return round(stream.frames / stream.average_rate * 1000)
    if stream.duration is not None and stream.time_base is not None:
        return round(stream.duration * stream.time_base * 1000)
    tag = stream.metadata.get("DURATION", "")  # Matroska: "00:00:10.040000000"
    parts = tag.split(":")
    if len(parts) == 3:
        try:
            hours, minutes, seconds = int(parts[0]), int(parts[1]), float(parts[2])
            return round((hours * 3600 + minutes * 60 + seconds) * 1000)
        except ValueError:
            return None
    return round(opened.duration / 1000) if opened.duration else None


def _creation_time(
    opened: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> str | None:
    text = opened.metadata.get("creation_time") or stream.metadata.get("creation_time")
    if not text:
        return None
    try:
        return dt.datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _probe_image(path: Source, container: str) -> MediaInfo:
    """Describe a picture; the orientation that its camera noted is applied."""
    height, width = load_image(path).shape[:2]
    size_bytes = _size_bytes(path)
    whole = is_whole(path, container) and _decodes_in_peace(path, container)
    return MediaInfo(
        container, container, width, height, 0, None, None, 0, 1, None, size_bytes, whole
    )


def _decodes_in_peace(path: Source, container: str) -> bool:
    """Return whether a decoder that tells has nothing to say against a picture; OpenCV's do not."""
    if container == "webp":
        with open_source(path) as file:
            return not is_damaged_webp(file.readall())
    demuxer = f"{container}_pipe"
    try:
        with (
            Complaints() as complaints,
            open_source(path) as file,
            av.open(file, "r", format=demuxer, options=only(demuxer)) as opened,
        ):
            opened.streams.video[0].codec_context.thread_count = 1
            return any(True for _ in opened.decode(video=0)) and not complaints.fresh()
    except (av.error.FFmpegError, OSError):
        return False


def _size_bytes(path: Source) -> int:
    with open_source(path) as file:
        return file.size_bytes
