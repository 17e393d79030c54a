"""Opening a camera's stream, bounded in time, and telling in words why it cannot be opened."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.container
import av.error
import av.video.stream
from django.conf import settings

from tracking.recorder.clock import Clock
from tracking.recorder.fetching import Fetcher
from tracking.recorder.pictures import UNPACKED, Shape
from tracking.recorder.rtsp_redirects import refuse_redirect
from tracking.recorder.troubles import Trouble
from tracking.vision.errors import MediaError
from tracking.vision.frames.media import CODECS, codec_name, open_video, sniff
from zones.sources import Source

OPEN_S = 10.0
# No picture for 15 s is told by then. A read is given up after half of it, since FFmpeg hands out
# the picture that it still held and reads once more; and so is connecting again meanwhile.
STALL_S, READ_S = 14.0, 7.0
# What a server may send over HTTP; anything else is not tried.
HTTP_FORMATS = "mpjpeg,hls,mpegts,mov,matroska,flv"
AWAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT)
LOOK_US = 2_000_000  # of the stream, to find out what it is
RTSP_PARTS = "rtsp,rtp,srtp,tcp,udp,tls"


@dataclass(slots=True)
class Stream:
    """An open stream: its container, its pictures, what they are, and whether times are its own."""

    container: av.container.InputContainer
    video: av.video.stream.VideoStream
    shape: Shape
    # Played from a file: paced by us, and begun again at its end.
    looped: bool = False
    fetcher: Fetcher | None = None

    @property
    def timeless(self) -> bool:
        """Whether its pictures come without a time of their own."""
        return self.container.format.name == "mpjpeg"

    @property
    def must_recode(self) -> bool:
        """Whether its pictures are never stored as they come."""
        return self.shape.codec in UNPACKED


@contextmanager
def connected(source: Source, clock: Clock, open_s: float = OPEN_S) -> Iterator[Stream]:
    """Open a camera's stream for as long as the body runs.

    Parameters
    ----------
    open_s : float
        So long it may take until it is known what comes.

    Raises
    ------
    Trouble
        With what to do.
    """
    with ExitStack() as stack:
        fetcher: Fetcher | None = None
        try:
            if source.kind == "loop":
                container, video = stack.enter_context(_file(source.url))
            else:
                if source.kind == "rtsp":
                    refuse_redirect(source.url, clock.real_s(open_s))
                if source.kind == "http":
                    fetcher = Fetcher(source.url, source.host, clock.real_s(READ_S))
                    stack.callback(fetcher.close)
                container = stack.enter_context(_opened(source, clock, open_s, fetcher))
                video = _video(container)
            shape = _shape(video, source.kind)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise trouble_of(error, source.kind, fetcher) from None
        yield Stream(container, video, shape, source.kind == "loop", fetcher)


def _opened(
    source: Source, clock: Clock, open_s: float, fetcher: Fetcher | None
) -> av.container.InputContainer:
    timeout = (clock.real_s(open_s), clock.real_s(READ_S))
    options = {"analyzeduration": str(LOOK_US)}
    more: dict[str, Any] = {}
    url = source.url
    if source.kind == "rtsp":
        more["format"] = "rtsp"
        options |= {
            "rtsp_transport": source.transport,
            "allowed_media_types": "video",
            "protocol_whitelist": RTSP_PARTS,
        }
    elif fetcher is not None:
        url = fetcher.address
        more["io_open"] = fetcher.open
        options |= {
            "format_whitelist": HTTP_FORMATS,
            "protocol_whitelist": "http,https",
            "http_persistent": "0",
            "allowed_extensions": "ALL",
            "extension_picky": "0",
        }
    else:
        more["format"] = "v4l2"
    opened: av.container.InputContainer = av.open(
        url, "r", options=options, timeout=timeout, metadata_errors="replace", **more
    )
    return opened


@contextmanager
def _file(
    url: str,
) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """Open a file that is played, as any file is opened: one demuxer, no protocol."""
    path = Path(url)
    if not path.is_file():
        raise Trouble("file_missing")
    try:
        with open_video(path, sniff(path)) as both:
            yield both
    except (MediaError, KeyError):
        raise Trouble("unreadable") from None


def _video(container: av.container.InputContainer) -> av.video.stream.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    raise Trouble("no_video")


def _shape(video: av.video.stream.VideoStream, kind: str) -> Shape:
    """Return what a stream's pictures are, once they are of a kind that we read."""
    codec = codec_name(video) or ""
    is_raw = kind == "device" and codec == "rawvideo"
    if codec not in CODECS and not is_raw:
        raise Trouble("codec", found=codec or "none that is known")
    width, height = video.codec_context.width, video.codec_context.height
    if width <= 0 or height <= 0:
        raise Trouble("unreadable")
    if width * height > settings.VIDEO_MAX_PIXELS:
        raise Trouble("too_large", found=f"{width} x {height}")
    fps = float(video.average_rate) if video.average_rate else None
    return Shape(codec, width, height, fps, video)


def trouble_of(error: BaseException, kind: str, fetcher: Fetcher | None = None) -> Trouble:
    """Return what a library's error means; its own text may hold the address and is not kept."""
    if fetcher is not None and fetcher.failed is not None:
        return fetcher.failed
    if isinstance(error, Trouble):
        return error
    known: tuple[tuple[Any, str], ...] = (
        ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError), "password"),
        (av.error.HTTPNotFoundError, "not_found"),
        (ConnectionRefusedError, "refused"),
        ((av.error.ExitError, TimeoutError), "unreachable"),
        (av.error.EOFError, "ended"),
    )
    for kinds, code in known:
        if isinstance(error, kinds):
            return Trouble(code)
    number = getattr(error, "errno", 0)
    if kind == "device":
        busy = number in (errno.EBUSY, errno.EACCES, errno.EPERM)
        return Trouble("device_busy" if busy else "device_missing")
    return Trouble("unreachable" if number in AWAY else "unreadable")
