"""Where the corpus is sent: one shop, its doors and its worker, and the bait beside it."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cast import Cast, make_camera, make_cast
from tests.corpus.clips import clip
from tests.corpus.hostile import Bait
from tests.tracking.doors import announce, ask, client_of, send_part
from tracking import media, runner, sandbox
from tracking.models import Recording

IN_ACCESS, IN_OPEN, IN_NONBLOCK = 0x1, 0x20, 0o4000  # sys/inotify.h
# Refusals that say nothing of the file: with one of them all that follow would be refused, too.
OF_THE_SHOP = {"too_many_uploads", "quota_full", "queue_full", "disk_full", "duplicate", "overlap"}


@dataclass(frozen=True)
class Ending:
    """How a file ended: an answer at the door, or what became of its recording."""

    status: int
    state: str
    code: str

    @property
    def is_refused(self) -> bool:
        is_of_the_file = bool(self.code) and self.code not in OF_THE_SHOP
        return 400 <= self.status < 500 and is_of_the_file

    @property
    def is_told(self) -> bool:
        """Whether it was refused, or came to an end that says what is missing."""
        told = self.state in ("failed", "partial", "quarantined") and bool(self.code)
        return self.is_refused or told


def refusal(answer: Any) -> Ending:
    return Ending(answer.status_code, "", answer.json().get("code", ""))


class Shop:
    """A store with a camera that sees nobody, in no time."""

    def __init__(self, folder: Path) -> None:
        script = folder / "nobody.json"
        script.write_text(json.dumps({"fps": 10, "boxes": []}))
        self.cast: Cast = make_cast()
        settings = {"truth_path": str(script)}
        self.camera = make_camera(self.cast.store, detector="scripted", detector_settings=settings)
        self.alice = client_of(self.cast.alice)

    def send(self, content: bytes, filename: str = "a.mp4", **said: Any) -> Ending:
        """Send a file through the doors and have it worked to its end."""
        created = announce(self.alice, self.cast.store, len(content), filename)
        if created.status_code != 201:
            return refusal(created)
        address = created["Location"]
        sent = send_part(self.alice, address, 0, content)
        if sent.status_code != 204:
            return refusal(sent)
        number = address.rstrip("/").rsplit("/", 1)[-1]
        wish = {"on_overlap": "replace", "on_duplicate": "count_again", **said}
        answer = ask(self.alice, self.cast.store, number, self.camera, **wish)
        if answer.status_code != 201:
            return refusal(answer)
        recording = Recording.objects.get(public_id=answer.json()["id"])
        runner.work(recording.pk)
        recording.refresh_from_db()
        return Ending(201, recording.state, recording.error_code)


class Trap:
    """A file in a neighbour's folder and a listener; both notice whoever touches them."""

    def __init__(self) -> None:
        self.folder = media.new_folder()
        self.path = media.source_path(self.folder)
        self.path.write_bytes(clip("mp4 mpeg4"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch = libc.inotify_init1(IN_NONBLOCK)
        path = os.fsencode(self.path)
        assert libc.inotify_add_watch(self._watch, path, IN_OPEN | IN_ACCESS) > 0

    @property
    def bait(self) -> Bait:
        return Bait(str(self.path), self._listener.getsockname()[1])

    def touched(self) -> list[str]:
        """Return who touched what since it was last asked."""
        found = []
        try:
            events = os.read(self._watch, 65536)
            found = ["the file"] * (len(events) // struct.calcsize("iIII"))
        except BlockingIOError:
            pass
        try:
            self._listener.accept()[0].close()
            found.append("the port")
        except BlockingIOError:
            pass
        return found

    def close(self) -> None:
        self._listener.close()
        os.close(self._watch)


def children_peak_mb() -> float:
    """Return the most memory that any process we waited for ever held."""
    sandbox.close()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
