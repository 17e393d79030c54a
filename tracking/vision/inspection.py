"""Look at one untrusted file in a process of its own: ``python -m tracking.vision.inspection``.

Arguments: the file and a JSON object of limits (`Limits`). Prints one JSON object: what the file
is, how it will be cut into chunks and its hash, or the code of what is wrong with it. The process
first takes away from itself what it does not need (memory, time, files, network), so a file that
breaks a parser breaks this process alone. Whoever starts it gives it an empty environment.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Nothing that reads media is imported here: the limits come first.

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")
EXIF_IFD, EXIF_TAKEN_AT, EXIF_OFFSET = 0x8769, 36867, 36881  # Exif 2.32, tables 4 and 8


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process may use and what the file may be."""

    memory_bytes: int
    cpu_s: int
    output_bytes: int
    video_pixels: int
    image_pixels: int
    video_ms: int
    open_files: int = 64


class OverLimitError(Exception):
    """The file is well formed but more than we take; the text is the problem's code."""


def inspect(path: Path, limits: Limits) -> dict[str, Any]:
    """Return what a file is, as plain JSON types.

    Raises
    ------
    MediaError, OverLimitError
    """
    from tracking.vision.frames import plan_chunks, probe
    from tracking.vision.frames.media import IMAGES, open_video, sniff

    container = sniff(path)
    taken_at = None
    if container in IMAGES:
        taken_at = _check_image(path, limits)
    else:
        with open_video(path, container) as (_, stream):
            # Before the first frame is decoded: 8192 x 8192 pixels took 1 GB.
            context = stream.codec_context
            _check(context.width * context.height <= limits.video_pixels, "too_many_pixels")
    info = probe(path)
    _check(info.is_image or info.width * info.height <= limits.video_pixels, "too_many_pixels")
    _check((info.duration_declared_ms or 0) <= limits.video_ms, "too_long")
    chunks = plan_chunks(path, info)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "kind": "image" if info.is_image else "video",
        "media": asdict(info),
        "chunks": [[chunk.first_ms, chunk.last_ms, chunk.keyframe_ms] for chunk in chunks],
        "sha256": digest,
        "taken_at": taken_at,
    }


def _check(holds: bool, code: str) -> None:
    if not holds:
        raise OverLimitError(code)


def _check_image(path: Path, limits: Limits) -> str | None:
    """Check a picture's size by its header alone; return when its camera says it was taken.

    A PNG of 48 kB unfolded to 2.3 GB: nothing may be decoded before this.
    """
    from PIL import Image, UnidentifiedImageError

    from tracking.vision.errors import UnreadableMediaError

    Image.MAX_IMAGE_PIXELS = None  # our own limit is lower and refuses in our own words
    try:
        with Image.open(path, formats=IMAGE_FORMATS) as image:
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


def confine(limits: Limits) -> None:
    """Give up, for this process, what reading one file does not need."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, limits.output_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # No network where the kernel lets us: root may right away, others in a name space of their
    # own. A host that allows neither still has the demuxer's allow-list.
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def main(arguments: list[str]) -> int:
    """Inspect the file that the arguments name and print what was found."""
    path, limits = Path(arguments[0]), Limits(**json.loads(arguments[1]))
    confine(limits)
    from tracking.vision.errors import MediaError

    try:
        found = inspect(path, limits)
    except MediaError as error:
        found = {"error": error.code}
    except OverLimitError as error:
        found = {"error": str(error)}
    except MemoryError:
        found = {"error": "too_much_memory"}
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
