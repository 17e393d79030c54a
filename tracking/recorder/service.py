"""The recorder: one process a camera, watched over, so that no camera's trouble is another's.

A camera's process is forked from this one, which opens no stream and no picture itself. It ends
with this one, whatever becomes of that (PDEATHSIG), and is ended when it hangs. What it was told
to follow may change: then it is ended and another one begins.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import Synchronized

import structlog
from django.db import Error, connection, connections

from tracking import owners
from tracking.models import CameraWatch, Recording
from tracking.recorder import leases, retention, rows, watch
from tracking.recorder.following import Follower
from tracking.recorder.troubles import Trouble
from zones.models import Camera

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
FORGET_EVERY_S = 60.0
# A camera's process says so often that it goes on; one that hangs in a library never does.
HANGS_S = 60.0
END_S = 5.0
# One that ended by itself is started again no sooner.
AGAIN_S = 3.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(slots=True)
class Followed:
    """A camera's process, what it was started with, and when it was last heard."""

    process: ForkProcess
    mark: tuple[object, ...]
    heard: Synchronized[float]

    def end(self) -> None:
        """End it: asked first, then killed."""
        self.process.terminate()
        self.process.join(END_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def mark_of(camera: Camera) -> tuple[object, ...]:
    """Return what of a camera decides where its process connects to."""
    return (camera.source_kind, camera.source, camera.source_sealed, camera.transport)


def to_follow() -> list[Camera]:
    """Return the cameras that are to be followed."""
    rows_ = Camera.objects.select_related("store").filter(recording=True)
    return list(rows_.exclude(source_kind=Camera.SourceKind.FILES).order_by("pk"))


class Service:
    """Follows every camera that is to be followed."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._owner = owners.new_owner()
        self._followed: dict[int, Followed] = {}
        self._not_before: dict[int, float] = {}
        self._forgot = 0.0

    def run(self) -> None:
        """Follow them until asked to stop."""
        try:
            while not self._stop.is_set():
                try:
                    self.look()
                except Error as error:
                    log.warning("database_away", why=str(error))
                    connection.close()
                self._stop.wait(LOOK_EVERY_S)
        finally:
            for followed in self._followed.values():
                followed.process.terminate()
            for followed in self._followed.values():
                followed.end()
            try:
                leases.let_go(self._owner)
            except Error as error:
                log.warning("leases_not_released", why=str(error))

    def look(self) -> None:
        """Start, end and watch over the processes, once."""
        wanted = {camera.pk: camera for camera in to_follow()}
        for pk in [pk for pk in self._followed if not self._is_to_go_on(pk, wanted.get(pk))]:
            self._followed.pop(pk).end()
        for pk, camera in wanted.items():
            is_ours = leases.take(camera, self._owner)
            if pk in self._followed and not is_ours:
                self._followed.pop(pk).end()
            elif pk not in self._followed and is_ours and self._is_due(pk):
                self._start(camera)
        self._rest(set(wanted))
        if time.monotonic() - self._forgot > FORGET_EVERY_S:
            self._forgot = time.monotonic()
            retention.forget_old()

    def _is_to_go_on(self, pk: int, camera: Camera | None) -> bool:
        followed = self._followed[pk]
        if camera is None or mark_of(camera) != followed.mark:
            return False
        if not followed.process.is_alive():
            log.error("camera_process_ended", camera=pk, code=followed.process.exitcode)
            return False
        if time.monotonic() - followed.heard.value > HANGS_S:
            log.error("camera_process_hangs", camera=pk)
            watch.told(camera, CameraWatch.State.DOWN, Trouble("error"))
            return False
        return True

    def _is_due(self, pk: int) -> bool:
        return time.monotonic() >= self._not_before.get(pk, 0.0)

    def _start(self, camera: Camera) -> None:
        self._not_before[camera.pk] = time.monotonic() + AGAIN_S
        context = get_context("fork")
        heard = context.Value("d", time.monotonic())
        process = context.Process(target=_follow, args=(camera, heard, os.getpid()), daemon=True)
        # No connection may be shared with the child.
        connections.close_all()
        process.start()
        self._followed[camera.pk] = Followed(process, mark_of(camera), heard)

    def _rest(self, wanted: set[int]) -> None:
        """Say of cameras that are not followed that they are not, and close what is over."""
        off = CameraWatch.objects.exclude(camera__in=wanted).exclude(state=CameraWatch.State.OFF)
        for row in off.select_related("camera"):
            watch.told(row.camera, CameraWatch.State.OFF, Trouble("off"))
        growing = Recording.objects.filter(growing=True).select_related("camera__store")
        now = datetime.now(UTC)
        for recording in growing:
            camera = recording.camera
            is_over = rows.day_of(camera, recording.started_at) != rows.day_of(camera, now)
            # The camera's own process does the same as long as pictures come.
            is_up = camera.pk in wanted and _is_up(camera)
            if camera.pk not in wanted or (is_over and not is_up):
                rows.closed(recording)


def _is_up(camera: Camera) -> bool:
    return CameraWatch.objects.filter(camera=camera, state=CameraWatch.State.UP).exists()


def _follow(camera: Camera, heard: Synchronized[float], parent: int) -> None:
    """Follow one camera in a process of its own."""
    _die_with(parent)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def beat() -> None:
        heard.value = time.monotonic()

    structlog.contextvars.bind_contextvars(camera=camera.pk)
    Follower(camera, stop, beat=beat).run()
    connections.close_all()


def _die_with(parent: int) -> None:
    """Have the kernel kill this process with its parent, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
