"""Follows a camera in real processes and kills them; started by `test_kills` as a child."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402

from tests.recorder.cameras import make_film  # noqa: E402
from tests.tracking import walks  # noqa: E402
from tests.tracking.crash_driver import ended, fork, run_out_leases  # noqa: E402
from tracking import media, runner  # noqa: E402
from tracking.models import Chunk, Coverage, Recording, TrackingEvent  # noqa: E402
from tracking.recorder import rows  # noqa: E402
from tracking.recorder.clock import Clock  # noqa: E402
from tracking.recorder.following import Follower  # noqa: E402
from zones.models import Camera  # noqa: E402
from zones.sources import Source  # noqa: E402

SPEED = 8.0
ROOT = Path(__file__).parents[2]


def follow(camera: Camera, film: Path, chunks: int, clock: Clock) -> None:
    """Follow until there are so many chunks in all."""
    stop = threading.Event()

    def beat() -> None:
        if Chunk.objects.filter(recording__camera=camera).count() >= chunks:
            stop.set()

    source = Source("loop", str(film))
    Follower(camera, stop, clock, beat, lambda _: source).run()


def killed_at(point: str, film: Path, script: Path) -> dict[str, Any]:
    """Kill the recorder at a point of its second segment; let another go on."""
    camera = walks.scripted_camera(walks.make_store(f"at-{point}"), (film, script))
    clock = Clock(SPEED)
    os.environ["OSKARTRACK_FAULT"] = f"{point}:kill:2"
    code = ended(fork(lambda: follow(camera, film, 9, clock)))
    del os.environ["OSKARTRACK_FAULT"]
    left = sorted(path.name for path in media.folder_path(folder_of(camera)).iterdir())
    time.sleep(0.4)  # of a camera's time that is three seconds
    assert ended(fork(lambda: follow(camera, film, 4, clock))) == 0
    return {"code": code, "left": left} | found_of(camera)


def folder_of(camera: Camera) -> str:
    return str(Recording.objects.values_list("folder", flat=True).get(camera=camera))


def worker_killed(film: Path, script: Path) -> dict[str, Any]:
    """Kill the worker in the middle of its second commit; another goes on, chunks still coming."""
    camera = walks.scripted_camera(walks.make_store("worker"), (film, script))
    assert ended(fork(lambda: follow(camera, film, 3, Clock(SPEED)))) == 0
    recording = rows.growing_of(camera)
    assert recording is not None
    os.environ["OSKARTRACK_FAULT"] = "before_commit:kill:2"
    code = ended(fork(lambda: work_what_there_is(recording)))
    del os.environ["OSKARTRACK_FAULT"]
    run_out_leases()
    assert ended(fork(lambda: work_what_there_is(recording))) == 0
    recording.refresh_from_db()
    open_state = recording.state
    return {"code": code, "open": open_state} | found_of(camera)


def work_what_there_is(recording: Recording) -> None:
    for chunk in Chunk.objects.filter(recording=recording).order_by("index"):
        runner.detect(chunk.pk)
    while runner.advance(recording.pk):
        pass


def found_of(camera: Camera) -> dict[str, Any]:
    """Close what was recorded, count it and return what there is."""
    recording = Recording.objects.get(camera=camera)
    rows.closed(recording)
    run_out_leases()
    ended(fork(lambda: runner.work(recording.pk)))
    recording.refresh_from_db()
    run = recording.runs.get(active=True)
    chunks = Chunk.objects.filter(recording=recording).order_by("index")
    events = TrackingEvent.objects.filter(run=run).order_by("ordinal")
    return {
        "state": recording.state,
        "count": recording.chunk_count,
        "chunks": [[c.index, c.first_ms, c.last_ms, c.frames, c.pictures] for c in chunks],
        "files": sorted(p.name for p in media.folder_path(recording.folder).glob("*segment*")),
        "gaps": [e.dwell_ms for e in events if e.kind == "gap"],
        "crossings": [[e.kind, ms(recording, e.at)] for e in events if e.kind in KINDS],
        "covered": [
            [ms(recording, c.starts_at), ms(recording, c.ends_at)]
            for c in Coverage.objects.filter(run=run).order_by("starts_at")
        ],
    }


KINDS = ("entered", "exited")


def ms(recording: Recording, at: Any) -> int:
    return round((at - recording.started_at).total_seconds() * 1000)


def service_killed(film: Path, script: Path) -> dict[str, Any]:
    """Kill the real recorder; all of its processes are gone, the next goes on where it was."""
    camera = walks.scripted_camera(walks.make_store("service"), (film, script))
    loops = Path(os.environ["OSKARTRACK_DATA"]) / "loops"
    loops.mkdir(exist_ok=True)
    (loops / "film.mp4").write_bytes(film.read_bytes())
    camera.source_kind, camera.source = "loop", "loop:film.mp4"
    camera.save()
    first = start()
    wait_for(lambda: Chunk.objects.filter(recording__camera=camera).count() >= 1)
    children = children_of(first.pid)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
    before = Chunk.objects.filter(recording__camera=camera).count()
    second = start()
    wait_for(lambda: Chunk.objects.filter(recording__camera=camera).count() > before)
    second.terminate()
    code = second.wait(20)
    return {"children": len(children), "end": code} | found_of(camera)


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "manage.py", "recorder"], cwd=ROOT)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def wait_for(holds: Callable[[], bool], longest_s: float = 60) -> None:
    until = time.monotonic() + longest_s
    while not holds():
        assert time.monotonic() < until, "It did not come about in time."
        time.sleep(0.1)


def main(order: dict[str, Any]) -> dict[str, Any]:
    folder = Path(order["folder"])
    film, script = make_film(folder / "walks.mp4"), folder / "walks.json"
    script.write_text(json.dumps(walks.truth()))
    answers = {point: killed_at(point, film, script) for point in order["points"]}
    answers["worker"] = worker_killed(film, script)
    answers["service"] = service_killed(film, script)
    connections.close_all()
    return answers


if __name__ == "__main__":
    answer = main(json.loads(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps(answer))
