"""Media files made on the spot: good ones, and each kind of bad one."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.video.stream
import numpy as np
from PIL import Image


def make_video(
    path: Path,
    *,
    seconds: float = 2.0,
    fps: int = 10,
    size: tuple[int, int] = (160, 120),
    codec: str = "mpeg4",
    container: str = "mp4",
    shade: int = 60,
    metadata: dict[str, str] | None = None,
    late_frame_s: int = 0,
    wall: np.ndarray | None = None,
) -> Path:
    """Write a video of a square that walks from left to right; its last frame may come late."""
    width, height = size
    with av.open(str(path), "w", format=container) as out:
        out.metadata.update(metadata or {})
        stream = out.add_stream(codec, rate=fps)
        assert isinstance(stream, av.video.stream.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = fps
        for number in range(round(seconds * fps)):
            image = np.full((height, width, 3), shade, np.uint8)
            if wall is not None:
                image[:] = wall[..., None]
            left = (number * 4) % max(1, width - 20)
            image[40:80, left : left + 20] = 220
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            late = late_frame_s * fps if number + 1 == round(seconds * fps) else 0
            frame.pts, frame.time_base = number + late, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def make_sound(path: Path, *, container: str = "mp4") -> Path:
    """Write a file that holds sound alone."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream("aac", rate=8000)
        stream.layout = "mono"
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 8000, number * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def make_picture(path: Path, *, size: tuple[int, int] = (320, 240), kind: str = "JPEG") -> Path:
    """Write a picture."""
    Image.new("RGB", size, (90, 120, 150)).save(path, kind)
    return path


def make_png_bomb(path: Path, side: int = 30_000) -> Path:
    """Write a small PNG that unfolds to `side` x `side` pixels of one bit."""

    def part(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    packer = zlib.compressobj(9)
    row = b"\0" + bytes(side // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    end = part(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + end)
    return path


def shaded(folder: Path, number: int = 0, **how: Any) -> Path:
    """Write a video like no other of the test."""
    return make_video(folder / f"{number}.mp4", shade=30 + 8 * number, **how)
