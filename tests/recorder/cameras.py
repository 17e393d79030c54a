"""Cameras to follow: real servers on loopback, films with known ways, and a clock that hurries."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.tracking import walks
from tracking.models import CameraWatch, Recording
from tracking.recorder import rows
from tracking.recorder.clock import Clock
from tracking.recorder.following import Follower
from zones.models import Camera
from zones.sources import Source

ROOT = Path(__file__).parents[2]
SPEED = 8.0


def make_film(
    path: Path,
    *,
    seconds: float = walks.SECONDS,
    size: tuple[int, int] = (walks.WIDTH, walks.HEIGHT),
    fps: int = walks.FPS,
    key_every_s: float = 1.0,
    codec: str = "libx264",
    container: str = "mp4",
) -> Path:
    """Write a film as cameras send it: H.264, a key frame every second, in order."""
    options = {"preset": "ultrafast", "tune": "zerolatency"} if codec == "libx264" else {}
    width, height = size
    with av.open(str(path), "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = round(key_every_s * fps)
        for number in range(round(seconds * fps)):
            image = np.full((height, width, 3), 60, np.uint8)
            left = (number * 4) % (width - 20)
            image[40:80, left : left + 20] = 220
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class RtspCamera:
    """A real RTSP server that can be cut off and come back at the same port."""

    def __init__(self, folder: Path, speed: float = SPEED) -> None:
        self.port, self._folder, self._speed = free_port(), folder, speed
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def url(self, film: str) -> str:
        return f"rtsp://127.0.0.1:{self.port}/{film}?play_count=0"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.recorder.rtsp_server", str(self._folder)]
        command += [str(self.port), str(self._speed)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def freeze(self) -> None:
        """Let it stand still with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def cut(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


@contextmanager
def rtsp_camera(folder: Path, speed: float = SPEED) -> Iterator[RtspCamera]:
    camera = RtspCamera(folder, speed)
    try:
        yield camera
    finally:
        camera.cut()


Step = tuple[Callable[[], Any], Callable[[], Any]]


class Following:
    """A follower in this thread, stopped once a condition holds."""

    def __init__(self, camera: Camera, kind: str, url: str, speed: float = SPEED) -> None:
        self.camera = camera
        self.source = Source(kind, url)
        self.clock = Clock(speed)
        self.began_ms = self.clock.now_ms()
        self.log: list[tuple[str, int]] = []

    def through(self, *steps: Step, longest_s: float = 300) -> Recording | None:
        """Follow through steps: once the first holds, its action is done, and so on to the last.

        Parameters
        ----------
        steps : (condition, action)
        longest_s : float
            By the camera's clock; then it ends, whatever holds.
        """
        stop, left = threading.Event(), list(steps)
        until_ms = self.clock.now_ms() + longest_s * 1000

        def beat() -> None:
            if left and left[0][0]():
                left.pop(0)[1]()
            if not left or self.clock.now_ms() > until_ms:
                stop.set()

        Follower(self.camera, stop, self.clock, beat, lambda _: self.source).run()
        assert not left, f"{len(left)} of {len(steps)} steps were not reached."
        return rows.growing_of(self.camera)

    def written(self, seconds: float) -> Callable[[], bool]:
        """Return the condition that so much of a recording was written."""

        def holds() -> bool:
            recording = rows.growing_of(self.camera)
            return recording is not None and recording.declared_ms >= seconds * 1000

        return holds

    def state(self) -> str:
        """Return the camera's state as its row says."""
        return str(CameraWatch.objects.values_list("state", flat=True).get(camera=self.camera))

    def for_media(self, seconds: float) -> Recording:
        """Follow until so much of a recording was written."""
        recording = self.through((self.written(seconds), nothing))
        assert recording is not None
        return recording


def nothing() -> None:
    """Do nothing: the condition was all."""
