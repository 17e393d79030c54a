"""The gate: what a file is, by its content, before anything decodes it.

The cheap half looks at size and first bytes. The dear half opens the file, and does that in a
process of its own that can do little else (`tracking.sandbox`); what it answers is checked like
any other input from outside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import structlog
from django.conf import settings
from jsonschema import Draft202012Validator

from tracking import sandbox
from tracking.problems import PROBLEMS, Problem, in_bytes
from tracking.sandbox_answers import TROUBLE, NonsenseError, check

log = structlog.get_logger(__name__)

HEAD_BYTES = 512
MAX_FPS = 120


class PlannedChunk(NamedTuple):
    """One chunk to be: media times of its first frame, its end and where decoding starts."""

    first_ms: int
    last_ms: int
    keyframe_ms: int


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What passed the gate: `media` is `tracking.vision.frames.MediaInfo` as JSON."""

    kind: Literal["video", "image"]
    media: dict[str, Any]
    chunks: tuple[PlannedChunk, ...]
    sha256: str
    taken_at: str | None

    @property
    def declared_ms(self) -> int:
        """Return the duration that the file states, or else what its packets span."""
        if self.kind == "image":
            return 0
        declared: int = self.media["duration_declared_ms"] or self.chunks[-1].last_ms
        frames, fps = self.media["frame_count_declared"], self.media["fps_declared"]
        if self.media["container"] == "avi" and frames and fps:
            # Of a cut off AVI the reader tells the length of what is left; the header's count of
            # frames still tells what it was.
            return max(declared, int(frames / fps * 1000))
        return declared

    @property
    def size_bytes(self) -> int:
        """Return the file's size."""
        size: int = self.media["size_bytes"]
        return size

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return asdict(self) | {"chunks": [list(chunk) for chunk in self.chunks]}


_MS = {"type": "integer", "minimum": 0, "maximum": 10**9}
_TEXT = {"type": "string", "maxLength": 64}
_MEDIA = {
    "container": _TEXT,
    "codec": _TEXT,
    "width": {"type": "integer", "minimum": 1, "maximum": 1 << 20},
    "height": {"type": "integer", "minimum": 1, "maximum": 1 << 20},
    "rotation": {"type": "integer", "minimum": 0, "maximum": 359},
    "fps_declared": {"type": ["number", "null"], "minimum": 0, "maximum": 10**9},
    "duration_declared_ms": _MS | {"type": ["integer", "null"]},
    "first_pts_ms": {"type": "integer", "minimum": -(10**15), "maximum": 10**15},
    "frame_count_declared": {"type": ["integer", "null"], "minimum": 0},
    "creation_time": _TEXT | {"type": ["string", "null"]},
    "size_bytes": {"type": "integer", "minimum": 1},
    "is_whole": {"type": "boolean"},
}


def _exactly(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


FOUND = Draft202012Validator(
    _exactly(
        {
            "kind": {"enum": ["video", "image"]},
            "media": _exactly(_MEDIA),
            "chunks": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100_000,
                "items": {"type": "array", "items": _MS, "minItems": 3, "maxItems": 3},
            },
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "taken_at": _TEXT | {"type": ["string", "null"]},
        }
    )
)

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"GIF8", "gif"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
)
# What the end of the process that decodes means to whoever sends a file.
MEANINGS = {
    "decoder_crashed": "unreadable",
    "decoder_memory": "too_much_memory",
    "decoder_timeout": "check_timed_out",
}
IMAGES = ("jpeg", "png", "webp")
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
TS_PACKET_BYTES = 188
# What people send by mistake, or dress up: named so that the refusal says what was found.
STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"%PDF", "a PDF document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\x1f\x8b", "a packed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a packed archive"),
    (b"Rar!", "a packed archive"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"fLaC", "a sound file"),
    (b"\xff\xfb", "a sound file"),
    (b"BM", "a Windows bitmap"),
    (b"#!", "a script"),
)
STRANGE_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"#extm3u", "a playlist"),
    (b"ffconcat", "a playlist"),
    (b"[playlist]", "a playlist"),
    (b"<mpd", "a playlist"),
    (b"v=0", "a stream description"),
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)


def container_of(head: bytes) -> str | None:
    """Return the container that a file's first bytes name, or None when we read none such."""
    if head[4:8] in MP4_BOXES:
        return "mp4"
    if head[:4] == b"RIFF":
        return {b"AVI ": "avi", b"WEBP": "webp"}.get(head[8:12])
    if len(head) > TS_PACKET_BYTES and head[0] == 0x47 and head[TS_PACKET_BYTES] == 0x47:
        return "mpegts"
    return next((name for start, name in STARTS if head.startswith(start)), None)


def stranger_of(head: bytes) -> str:
    """Return in words what a file is that we do not read."""
    for start, name in STRANGERS:
        if head.startswith(start):
            return name
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<?xml"):
        text = text[text.find(b"?>") + 2 :].lstrip()
    for start, name in STRANGE_TEXTS:
        if text.startswith(start):
            return name
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return "a text file" if printable > 0.95 * len(head) else "a file of another kind"


def check_size(size_bytes: int) -> None:
    """Refuse an empty file and one over the limit, by its announced or real size."""
    if size_bytes <= 0:
        raise Problem("empty_file")
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        most = in_bytes(settings.UPLOAD_MAX_BYTES)
        raise Problem("too_large", size=in_bytes(size_bytes), most=most)


def check_head(path: Path) -> str:
    """Return the file's container by its first bytes; refuse what is none of ours."""
    check_size(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    container = container_of(head)
    if container is None:
        raise Problem("unknown_container", found=stranger_of(head))
    return container


def check_file(path: Path) -> CheckedFile:
    """Return what a file is, or refuse it with the reason and the way out.

    Raises
    ------
    Problem
        With the code of what is wrong.
    """
    is_image = check_head(path) in IMAGES
    found = _inspect(path)
    if "error" in found:
        raise _refusal(found["error"], is_image=is_image)
    chunks = tuple(PlannedChunk(*chunk) for chunk in found["chunks"])
    checked = CheckedFile(found["kind"], found["media"], chunks, found["sha256"], found["taken_at"])
    _check_limits(checked)
    return checked


def _check_limits(checked: CheckedFile) -> None:
    """Check again, on this side, what the child was asked to check, and what only we know."""
    media = checked.media
    is_image = checked.kind == "image"
    most = settings.IMAGE_MAX_PIXELS if is_image else settings.VIDEO_MAX_PIXELS
    contiguous = all(one.last_ms == two.first_ms for one, two in pairwise(checked.chunks))
    forward = all(chunk.first_ms < chunk.last_ms for chunk in checked.chunks)
    checks: tuple[tuple[bool, str], ...] = (
        (media["width"] * media["height"] <= most, "too_many_pixels"),
        (checked.declared_ms <= settings.VIDEO_MAX_SECONDS * 1000, "too_long"),
        (checked.chunks[-1].last_ms <= settings.VIDEO_MAX_SECONDS * 1000, "too_long"),
        ((media["fps_declared"] or 0) <= MAX_FPS, "too_many_fps"),
        (contiguous and forward and checked.chunks[0].first_ms == 0, "unreadable"),
    )
    for holds, code in checks:
        if not holds:
            raise _refusal(code, is_image=is_image)


def _refusal(code: str, *, is_image: bool) -> Problem:
    pixels = settings.IMAGE_MAX_PIXELS if is_image else settings.VIDEO_MAX_PIXELS
    most: dict[str, object] = {
        "too_many_pixels": pixels // 1_000_000,
        "too_long": settings.VIDEO_MAX_SECONDS // 3600,
        "too_many_fps": MAX_FPS,
    }
    return Problem(code, most=most.get(code, ""), found="a file of another kind")


def _inspect(path: Path) -> dict[str, Any]:
    """Have the file inspected; return what was found, or the code of what is wrong."""
    bounds = {
        "video_pixels": settings.VIDEO_MAX_PIXELS,
        "image_pixels": settings.IMAGE_MAX_PIXELS,
        "video_ms": settings.VIDEO_MAX_SECONDS * 1000,
    }
    try:
        return checked_answer(sandbox.inspect(path, bounds))
    except sandbox.DecoderError as died:
        log.warning("check_died", code=died.code, why=str(died))
        return {"error": MEANINGS[died.code]}


def checked_answer(found: dict[str, Any]) -> dict[str, Any]:
    """Return the child's answer once it has one of the two shapes that it may have."""
    try:
        if "error" not in found:
            check(found, FOUND)
            return found
        check(found, TROUBLE)
    except NonsenseError as error:
        log.warning("check_said_nonsense", why=str(error))
        return {"error": "unreadable"}
    code = MEANINGS.get(found["error"], found["error"])
    return {"error": code if code in PROBLEMS else "unreadable"}
