"""Look at one untrusted file: what it is, how it will be cut into chunks, its hash.

Called within the process that `tracking.vision.sandboxed` confines, so a file that breaks a parser
breaks that process alone.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import sys
from dataclasses import asdict, dataclass, replace
from typing import IO, Any, cast

import av
from PIL import (
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from tracking.vision.errors import MediaError, UnreadableMediaError
from tracking.vision.frames import CONTAINERS, ChunkBounds, MediaInfo, plan_chunks, probe, vpx
from tracking.vision.frames.damage import Complaints
from tracking.vision.frames.media import IMAGES, open_video, sniff
from tracking.vision.frames.source import Source, open_source

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")
PLUGINS = (JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
NOT_LOADED = ("av.__main__", "av.datasets")  # a program, and one that fetches samples
LEAST_FPS = 1 / 3600
EXIF_IFD, EXIF_TAKEN_AT, EXIF_OFFSET = 0x8769, 36867, 36881  # Exif 2.32, tables 4 and 8


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a file may be."""

    video_pixels: int
    image_pixels: int
    video_ms: int


class OverLimitError(MediaError):
    """The file is well formed but more than we take."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def preload() -> None:
    """Load what Pillow and PyAV would load at their first file: later no file can be opened."""
    Image.preinit()
    assert {plugin.__name__ for plugin in PLUGINS} <= set(sys.modules)
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in NOT_LOADED:
            importlib.import_module(module.name)
    vpx.preload()


def inspect(path: Source, limits: Bounds) -> dict[str, Any]:
    """Return what a file is, as plain JSON types.

    Raises
    ------
    MediaError
    """
    container = sniff(path)
    taken_at = None
    if container in IMAGES:
        taken_at = _check_image(path, limits)
    else:
        with open_video(path, container) as (_, stream):
            # Before the first frame is decoded: 8192 x 8192 pixels took 1 GB.
            context = stream.codec_context
            _check(context.width * context.height <= limits.video_pixels, "too_many_pixels")
    with Complaints(CONTAINERS.get(container)) as complaints:
        info = probe(path)
        chunks = _planned(path, info, limits)
        info = replace(info, is_whole=info.is_whole and not complaints.fresh())
    with open_source(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "kind": "image" if info.is_image else "video",
        "media": asdict(info),
        "chunks": [[chunk.first_ms, chunk.last_ms, chunk.keyframe_ms] for chunk in chunks],
        "sha256": digest,
        "taken_at": taken_at,
    }


def _planned(path: Source, info: MediaInfo, limits: Bounds) -> list[ChunkBounds]:
    _check(info.is_image or info.width * info.height <= limits.video_pixels, "too_many_pixels")
    _check((info.duration_declared_ms or 0) <= limits.video_ms, "too_long")
    # Whoever shows a picture for hours lies about its time: what is counted would seem to last.
    _check((info.fps_declared or 1) >= LEAST_FPS, "too_long")
    return plan_chunks(path, info, most_ms=limits.video_ms)


def _check(holds: bool, code: str) -> None:
    if not holds:
        raise OverLimitError(code)


def _check_image(path: Source, limits: Bounds) -> str | None:
    """Check a picture's size by its header alone; return when its camera says it was taken.

    A PNG of 48 kB unfolded to 2.3 GB: nothing may be decoded before this.
    """
    Image.MAX_IMAGE_PIXELS = None  # our own limit is lower and refuses in our own words
    try:
        with (
            open_source(path) as file,
            Image.open(cast("IO[bytes]", file), formats=IMAGE_FORMATS) as image,
        ):
            _check(image.width * image.height <= limits.image_pixels, "too_many_pixels")
            # Other formats may keep Exif behind the pixels and would be decoded to reach it.
            return _exif_time(image.getexif().get_ifd(EXIF_IFD)) if image.format == "JPEG" else None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnreadableMediaError("The picture's header cannot be read.") from error


def _exif_time(exif: dict[int, Any]) -> str | None:
    """Return Exif's "2026:07:01 12:00:00" as ISO 8601, with an offset only where one is given."""
    taken_at, offset = exif.get(EXIF_TAKEN_AT), exif.get(EXIF_OFFSET)
    if not isinstance(taken_at, str) or len(taken_at) < 19:
        return None
    day, _, time = taken_at[:19].partition(" ")
    return f"{day.replace(':', '-')}T{time}{offset if isinstance(offset, str) else ''}"
