"""Good clips, small and quick to make, from which the corpus makes the others."""

from __future__ import annotations

import functools
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import av.audio.stream
import av.video.stream
import numpy as np
from PIL import Image

# What a clip of each kind is stored as; each decodes here and on the allow-list.
KINDS: dict[str, tuple[str, str]] = {
    "mp4 h264": ("mp4", "libx264"),
    "mp4 mpeg4": ("mp4", "mpeg4"),
    "mov h264": ("mov", "libx264"),
    "mkv h264": ("matroska", "libx264"),
    "webm vp8": ("webm", "libvpx"),
    "avi mpeg4": ("avi", "mpeg4"),
    "avi mjpeg": ("avi", "mjpeg"),
    "ts mpeg2": ("mpegts", "mpeg2video"),
    "ts h264": ("mpegts", "libx264"),
    "mpg mpeg1": ("mpeg", "mpeg1video"),
}
# Films as cameras, phones and programs store them: every codec on the allow-list that somebody
# still writes, in the containers it comes in.
CAMERAS: dict[str, tuple[str, str, dict[str, str]]] = {
    **{kind: (*stored, {}) for kind, stored in KINDS.items()},
    "mp4 h264, index first": ("mp4", "libx264", {"movflags": "faststart"}),
    "mp4 h264 in fragments": ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "mp4 hevc": ("mp4", "libx265", {}),
    "mkv hevc": ("matroska", "libx265", {}),
    "ts hevc": ("mpegts", "libx265", {}),
    "mkv vp8": ("matroska", "libvpx", {}),
    "webm vp9": ("webm", "libvpx-vp9", {}),
    "mp4 vp9": ("mp4", "libvpx-vp9", {}),
    "webm av1": ("webm", "libsvtav1", {}),
    "mp4 av1": ("mp4", "libsvtav1", {}),
    "mov mjpeg": ("mov", "mjpeg", {}),
    "mov h263": ("mov", "h263", {}),
    "avi msmpeg4v2": ("avi", "msmpeg4v2", {}),
    "avi msmpeg4v3": ("avi", "msmpeg4", {}),
    "mpg mpeg2": ("mpeg", "mpeg2video", {}),
    "gif": ("gif", "gif", {}),
}
STILLS = {"still jpeg": "JPEG", "still png": "PNG", "still webp": "WEBP"}
CAMERA_BIT_RATE = 800_000  # a small camera's; what it gives differs by codec
STILL_SIZE = (800, 600)
CAMERA_SIZE, CAMERA_GRAIN = (352, 288), 24
CODEC_OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
WIDTH, HEIGHT = 160, 96


def picture(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return a picture that tells its own number in ten columns: bright for a one."""
    image = np.full((height, width, 3), 40, np.uint8)
    for bit in range(10):
        if index >> bit & 1:
            image[:, bit * width // 10 : (bit + 1) * width // 10] = 200
    return image


def number_of(image: np.ndarray) -> int:
    """Return the number that `picture` wrote."""
    row = image.mean(axis=(0, 2))
    width = len(row)
    on = [row[round((bit + 0.5) * width / 10)] > 120 for bit in range(10)]
    return sum(int(value) << bit for bit, value in enumerate(on))


@contextmanager
def ordinary_turns() -> Iterator[None]:
    """Give this thread its place in the machine's queue back, whatever a library made of it.

    Where it may, SVT-AV1 gives whoever opens it real-time priority, for good: all that process
    starts from then on comes before the rest of the machine, which may wait for ever.
    """
    policy, turn = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, turn)


@ordinary_turns()
def film(
    container: str,
    codec: str,
    times: Sequence[Fraction] | None = None,
    *,
    rate: Fraction | int = 25,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    gop: int = 12,
    rotation: int = 0,
    noise: int = 0,
    bit_rate: int = 0,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    pix_fmt: str | None = None,
) -> bytes:
    """Return a film of numbered pictures, shown at the given seconds."""
    if times is None:
        times = [Fraction(index) / rate for index in range(50)]
    grain = np.random.default_rng(5)
    # The index can only be moved to the start of a file that has a name.
    with (
        tempfile.NamedTemporaryFile(suffix=".film") as named,
        av.open(named.name, "w", format=container, options=options or {}) as out,
    ):
        wishes = CODEC_OPTIONS.get(codec, {}) | (codec_options or {})
        stream = out.add_stream(codec, rate=Fraction(rate), options=wishes)
        assert isinstance(stream, av.video.stream.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt or {
            "mjpeg": "yuvj420p",
            "magicyuv": "gbrp",
            "ffv1": "yuv420p",
        }.get(codec, {"huffyuv": "yuv422p", "png": "rgb24", "gif": "rgb8"}.get(codec, "yuv420p"))
        stream.codec_context.gop_size = gop
        if codec.startswith("libvpx"):
            # Its threads wait for one another by spinning: minutes where others are at work.
            stream.codec_context.thread_count = 1
        if bit_rate:
            stream.bit_rate = bit_rate
        base = Fraction(1, 90_000) if codec.startswith("libx") else 1 / Fraction(rate)
        stream.codec_context.time_base = base
        if rotation:
            stream.set_display_rotation(rotation)
        for index, time in enumerate(times):
            image = picture(index, *size)
            if noise:
                image = image + grain.integers(0, noise, image.shape, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = round(time / base), base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        out.close()
        return Path(named.name).read_bytes()


@functools.cache
def clip(kind: str) -> bytes:
    """Return the one clip of a kind, two seconds with some grain."""
    container, codec = KINDS[kind]
    return film(container, codec, noise=24)


@functools.cache
def camera_film(kind: str) -> bytes:
    """Return the one film of a kind as a small camera stores it: two seconds, full of detail."""
    if kind in STILLS:
        return still(STILLS[kind], STILL_SIZE)
    container, codec, options = CAMERAS[kind]
    return film(
        container,
        codec,
        size=CAMERA_SIZE,
        noise=CAMERA_GRAIN,
        bit_rate=CAMERA_BIT_RATE,
        options=options,
    )


def sound(container: str = "mp4", codec: str = "aac") -> bytes:
    """Return a file that holds sound alone."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=8000)
        assert isinstance(stream, av.audio.stream.AudioStream)
        stream.layout = "mono"
        for number in range(8):
            samples = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, number * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@functools.cache
def still(kind: str, size: tuple[int, int] = (320, 240)) -> bytes:
    """Return a picture file with some grain, so that it is not all header."""
    grain = np.random.default_rng(9).integers(0, 255, (size[1] // 4, size[0] // 4, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(grain).resize(size).save(file, kind)
    return file.getvalue()


def even(count: int, rate: Fraction | int) -> list[Fraction]:
    """Return the times of a film of one rate."""
    return [Fraction(index) / rate for index in range(count)]


def uneven(count: int, steps: Iterable[Fraction]) -> list[Fraction]:
    """Return times whose steps follow a pattern, over and over."""
    pattern, time, times = list(steps), Fraction(0), []
    for index in range(count):
        times.append(time)
        time += pattern[index % len(pattern)]
    return times
