"""Nothing slow inside a transaction: no file, no picture, no hash, no message, no other process."""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from tests.cast import make_cast
from tests.tracking import walks
from tracking import gate, live, media, overlay, recounts, runner, tasks
from tracking.recordings import Wish, recording_cancel, recording_from_file
from tracking.vision import detections
from tracking.vision.pipeline import Pipeline
from zones.services import zone_redraw

pytestmark = pytest.mark.django_db(transaction=True)

# What the interpreter itself reports: files, connections and processes, whoever opens them.
AUDITED = ("open", "socket.connect", "subprocess.Popen")
DOORS: tuple[tuple[Any, str], ...] = (
    (runner, "detect_chunk"), (media, "write_file"), (gate, "check_file"), (live, "publish"),
    (detections, "unpack"), (Pipeline, "step"), (overlay, "pack"), (tasks, "_send"),
    (hashlib, "sha256"), (time, "sleep"),
)  # fmt: skip


class Watch:
    """Counts what was done, and lists what was done within a transaction."""

    def __init__(self) -> None:
        self.on = False
        self.seen: Counter[str] = Counter()
        self.within: list[str] = []

    def note(self, door: str, what: str = "") -> None:
        self.seen[door] += 1
        if connection.in_atomic_block:
            self.within.append(f"{door} {what}".strip())

    def door(self, name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **named: Any) -> Any:
            self.note(name)
            return whole(*given, **named)

        return watched

    def hear(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.on or event not in AUDITED:
            return
        what = str(given[0])
        if event == "open" and what.endswith((".py", ".pyc", ".so")):
            return  # a module, the first time it is used
        self.on = False
        self.note(event, what)
        self.on = True


_watch: list[Watch] = []
sys.addaudithook(lambda event, given: [watch.hear(event, given) for watch in _watch] and None)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watching = Watch()
    for owner, name in DOORS:
        monkeypatch.setattr(owner, name, watching.door(name, getattr(owner, name)))
    _watch.append(watching)
    watching.on = True
    yield watching
    watching.on = False
    _watch.clear()


def test_from_the_file_to_the_recount_nothing_slow_is_done_in_a_transaction(
    settings, tmp_path, watch
):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
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
    zone_redraw(zone=camera.zones.get(), vertices=[[0.7, 0.7], [1, 0.7], [1, 1]])
    made = recounts.recording_recount(recording=recording, user=cast.alice)
    while recounts.advance(made.pk):
        pass
    made.refresh_from_db()
    assert made.state == "done"
    runner.Recording.objects.update(state="running")
    recording_cancel(recording=recording, user=cast.alice)
    assert watch.within == []
    silent = {name for _, name in DOORS} - {"sleep"} - set(watch.seen)
    assert not silent, "the watch would not notice these"
    assert watch.seen["open"] > 3


def test_the_watch_sees_each_kind_of_slow_work(watch, tmp_path):
    from django.db import transaction

    with transaction.atomic():
        (tmp_path / "a").write_text("a")
        live.publish("store", {"type": "events", "seq": 1})
        hashlib.sha256(b"a")
    kinds = {entry.split()[0] for entry in watch.within}
    assert kinds >= {"open", "publish", "sha256"}
