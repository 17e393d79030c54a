"""Nothing slow inside a transaction: no file, no picture, no hash, no message, no other process.

Two watches. One stands at the doors: what the interpreter reports by itself (files, connections,
processes, sleep) and the functions behind which slow work lies. The other reads the clock: the
seconds of a core that go by between a transaction's begin and end, without those of its queries.
It is the thread's own clock, so a busy machine slows nothing down.
"""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import redis
from django.db import connection, transaction
from django.utils import timezone as clock

from tests.cast import make_camera, make_cast
from tests.tracking import walks
from tests.tracking.doors import ask, client_of, upload
from tracking import gate, ledger, live, media, overlay, reconcile, recounts, runner, tasks
from tracking.recordings import Wish, recording_cancel, recording_from_file
from tracking.vision import detections
from tracking.vision.pipeline import Pipeline
from zones.services import zone_redraw

pytestmark = pytest.mark.django_db(transaction=True)

# What the interpreter itself reports, whoever does it.
AUDITED = (
    "open", "os.rename", "os.remove", "shutil.rmtree", "shutil.copyfile",
    "socket.connect", "subprocess.Popen", "os.fork", "os.posix_spawn", "os.system",
)  # fmt: skip
DOORS: tuple[tuple[Any, str], ...] = (
    (runner, "detect_chunk"), (media, "write_file"), (gate, "check_file"), (live, "publish"),
    (detections, "unpack"), (Pipeline, "step"), (overlay, "pack"), (tasks, "_send"),
)  # fmt: skip
# Libraries that the interpreter hears nothing of. A message on a connection that is kept is one
# `sendall`; PostgreSQL's own traffic goes another way.
LIBRARIES: tuple[tuple[Any, str], ...] = (
    (av, "open"), (cv2, "VideoCapture"), (cv2, "imread"), (cv2, "imdecode"), (cv2, "imencode"),
    (hashlib, "sha256"), (hashlib, "file_digest"), (socket.socket, "sendall"),
    (time, "sleep"),
)  # fmt: skip
# A core's seconds of Python in one transaction; the largest of a small recording takes 0.05 s.
LONGEST_CPU_S = 0.25


class Watch:
    """Counts what was done, and lists what was done within a transaction."""

    def __init__(self) -> None:
        self.on = False
        self.seen: Counter[str] = Counter()
        self.within: list[str] = []
        self.longest_s = 0.0
        self._began_s = 0.0
        self._in_queries_s = 0.0

    def note(self, door: str, what: str = "") -> None:
        self.seen[door] += 1
        if connection.in_atomic_block:
            self.within.append(f"{door} {what}".strip())

    def door(self, name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **named: Any) -> Any:
            self.note(name)
            return whole(*given, **named)

        return watched

    def query(self, execute: Callable[..., Any], *given: Any) -> Any:
        began_s = time.thread_time()
        try:
            return execute(*given)
        finally:
            self._in_queries_s += time.thread_time() - began_s

    def begin(self) -> None:
        self._began_s, self._in_queries_s = time.thread_time(), 0.0
        self.seen["transaction"] += 1

    def end(self) -> None:
        ours_s = time.thread_time() - self._began_s - self._in_queries_s
        self.longest_s = max(self.longest_s, ours_s)
        if ours_s > LONGEST_CPU_S:
            self.within.append(f"clock {ours_s:.2f} s of a core")

    def hear(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.on or event not in AUDITED:
            return
        what = str(given[0])
        if event == "open" and (what.endswith((".py", ".pyc", ".so")) or "/zoneinfo/" in what):
            return  # a module or a time zone, the first time it is used
        self.on = False
        self.note(event, what)
        self.on = True


_watch: list[Watch] = []
sys.addaudithook(lambda event, given: [watch.hear(event, given) for watch in _watch] and None)


def named(owner: Any, name: str) -> str:
    return f"{owner.__name__.rsplit('.', 1)[-1]}.{name}"


def outermost(note: Callable[[], None], name: str) -> Callable[..., Any]:
    """Return a step of `Atomic` that notes when a whole transaction begins or has ended."""
    whole = getattr(transaction.Atomic, name)

    def step(atomic: transaction.Atomic, *given: Any) -> Any:
        is_begin = not connection.in_atomic_block
        answer = whole(atomic, *given)
        if is_begin or not connection.in_atomic_block:
            note()
        return answer

    return step


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watching = Watch()
    for owner, name in (*DOORS, *LIBRARIES):
        door = watching.door(named(owner, name), getattr(owner, name))
        monkeypatch.setattr(owner, name, door)
    monkeypatch.setattr(transaction.Atomic, "__enter__", outermost(watching.begin, "__enter__"))
    monkeypatch.setattr(transaction.Atomic, "__exit__", outermost(watching.end, "__exit__"))
    _watch.append(watching)
    watching.on = True
    with connection.execute_wrapper(watching.query):
        yield watching
    watching.on = False
    _watch.clear()


def test_from_the_file_to_the_recount_nothing_slow_is_done_in_a_transaction(
    settings, tmp_path, watch
):
    files = walks.make_files(tmp_path)
    cast = make_cast()
    camera = walks.make_camera(cast.store)
    camera.detector_settings = {"truth_path": str(files[1])}
    camera.save()
    watch.within.clear()
    wish = Wish(camera=camera, started_at=walks.STARTED)
    recording = recording_from_file(path=files[0], wish=wish, user=cast.alice)
    tasks.ring(recording.pk)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"
    client = client_of(cast.alice)
    sent = upload(client, cast.store, files[0])
    other = make_camera(cast.store, "Till")
    assert ask(client, cast.store, sent, other, on_duplicate="count_again").status_code == 201
    reconcile.reconcile(now=clock.now())
    zone_redraw(zone=camera.zones.get(), vertices=[[0.7, 0.7], [1, 0.7], [1, 1]])
    made = recounts.recording_recount(recording=recording, user=cast.alice)
    while recounts.advance(made.pk):
        pass
    made.refresh_from_db()
    assert made.state == "done"
    runner.Recording.objects.update(state="running")
    recording_cancel(recording=recording, user=cast.alice)
    assert watch.within == []
    silent = {named(owner, name) for owner, name in DOORS} - set(watch.seen)
    assert not silent, "the watch would not notice these"
    assert watch.seen["open"] > 3
    assert watch.seen["transaction"] > 30


def decode(film: Path) -> None:
    with av.open(str(film)) as container:
        next(container.decode(video=0))


def digest(film: Path) -> None:
    with film.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def spin(_: Path) -> None:
    """Work as hard as a tracker would: no door, no event, only time."""
    until_s = time.thread_time() + 2 * LONGEST_CPU_S
    while time.thread_time() < until_s:
        zlib.crc32(b"a" * 1000)


def publish(_: Path) -> None:
    live.publish("store", {"type": "events", "seq": 1})


def publish_by_hand(_: Path) -> None:
    """Use a connection that was opened long ago: nothing is opened now."""
    assert _kept
    _kept[0].publish("somewhere", "hint")


_kept: list[redis.Redis] = []

SLOW: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "decodes a film": ("av.open", decode),
    "packs a picture": (
        "cv2.imencode",
        lambda _: cv2.imencode(".png", np.zeros((4, 4), np.uint8)),
    ),
    "hashes a file": ("hashlib.file_digest", digest),
    "hashes bytes": ("hashlib.sha256", lambda _: hashlib.sha256(b"a")),
    "writes a file": ("open", lambda film: film.with_suffix(".txt").write_text("a")),
    "moves a file": ("os.rename", lambda film: film.rename(film.with_suffix(".was"))),
    "publishes a hint": ("live.publish", publish),
    "publishes by hand": ("socket.sendall", publish_by_hand),
    "rings a worker": ("tasks._send", lambda _: tasks._send(tasks.advance_recording, 1)),
    "starts a process": ("subprocess.Popen", lambda _: subprocess.run(["true"], check=True)),
    "sleeps": ("time.sleep", lambda _: time.sleep(0.001)),
    "computes": ("clock", spin),
}


@pytest.mark.parametrize("what", SLOW)
def test_the_watch_sees_each_kind_of_slow_work_where_a_chunk_is_written_down(
    what, settings, tmp_path, watch, monkeypatch
):
    """The bug is planted behind a sink, in the ledger's own transaction of the second chunk."""
    heard, do = SLOW[what]
    films = walks.make_files(tmp_path)
    recording = walks.make_detected(walks.make_store(), films)
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.ping()
    monkeypatch.setattr(sys.modules[__name__], "_kept", [client])
    calls = []

    def sink(_batch):
        calls.append(set(watch.within))
        if len(calls) == 2:
            do(films[0])

    monkeypatch.setattr(ledger, "_sinks", [sink])
    watch.within.clear()
    runner.advance(recording.pk)
    client.close()
    assert calls[:2] == [set(), set()], "something is heard without the bug"
    assert heard in {entry.split()[0] for entry in watch.within}
