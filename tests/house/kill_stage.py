"""What the kill modes share: unfinished work, a look into its rows, and a count of strays."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.plugins.product import ROOT, Product
from tests.plugins.servers import free_port
from tests.tracking import walks
from tests.tracking.files import make_video

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
STORE = "corner"
ZOOM, FPS = 3, 15  # a picture of 960 x 720: a chunk takes a worker a second or two
# Of a core, spent on the slice since its claim was seen: it decodes by now.
UNDER_WAY_CPU_S = 0.15
PATIENCE_S = 90


@dataclass(frozen=True)
class Chunk:
    """A chunk's row as the database has it."""

    index: int
    state: str
    fence: int
    attempt: int
    owner: str
    leased: int  # SQLite's truth

    @property
    def worker(self) -> int:
        """The process that holds it."""
        return int(self.owner.split(":")[1])


class Work:
    """One film waiting to be counted in a data folder, and what it counts to when left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._video, self._script = make_film(folder)
        self._waiting = folder / "waiting"
        self._waiting.mkdir()
        run(self._waiting, "migrate", "-v", "0")
        self.put_in(self._waiting)
        whole = self.waiting("whole")
        self.put_in(whole, "--wait")
        self.facts = facts(whole)

    def waiting(self, name: str) -> Path:
        """Return a data folder of its own in which the film waits."""
        data = self._folder / name
        shutil.copytree(self._waiting, data)
        return data

    def put_in(self, data: Path, *how: str) -> None:
        """Put the film into the queue of an installation, or work it to its end there."""
        place = ("--store", STORE, "--camera", "Door", "--started-at", walks.STARTED.isoformat())
        what = ("--setup", str(self._script), "--detector", "scripted")
        run(data, "ingest", str(self._video), *place, *what, *how)


def make_film(folder: Path) -> tuple[Path, Path]:
    """Write the walks as a large film, so that a slice takes long enough to be struck."""
    size = (ZOOM * walks.WIDTH, ZOOM * walks.HEIGHT)
    video = make_video(folder / "walks.mp4", seconds=walks.SECONDS, fps=FPS, size=size)
    truth = walks.truth()
    boxes = [[enlarged(*row) for row in seen] for seen in truth["boxes"]]
    script = folder / "walks.json"
    sizes = {"width": size[0], "height": size[1]}
    script.write_text(json.dumps(truth | sizes | {"boxes": boxes, "setup": walks.setup_json()}))
    return video, script


def enlarged(person: int, *row: float) -> list[float]:
    *corners, visible = row
    return [person, *(ZOOM * value for value in corners), visible]


def run(data: Path, *arguments: str) -> str:
    """Run a management command on a data folder in which nothing else runs."""
    here = {
        "OSKARTRACK_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/oskartrack.sqlite3",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",  # nothing listens
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env={**os.environ, **here}, capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def facts(data: Path) -> list[str]:
    return run(data, "export_facts", "--store", STORE).splitlines()


# --- the rows ------------------------------------------------------------------------------------


def ask(data: Path, question: str) -> list[tuple[Any, ...]]:
    """Return the answer of a database that a product may be writing at this moment."""
    path = data / "oskartrack.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
        return database.execute(question).fetchall()


def chunks(data: Path) -> list[Chunk]:
    """Return the rows of the film's chunks, in order."""
    question = (
        'SELECT "index", state, fence, attempt, lease_owner, lease_until IS NOT NULL '
        'FROM tracking_chunk ORDER BY "index"'
    )
    return [Chunk(*row) for row in ask(data, question)]


def leases(data: Path) -> int:
    """Return how many rows of any kind are held."""
    tables = ("tracking_chunk", "tracking_recording", "tracking_recount")
    counts = [
        ask(data, f"SELECT count(*) FROM {table} WHERE lease_until IS NOT NULL") for table in tables
    ]
    return sum(row[0][0] for row in counts)


def done(data: Path) -> bool:
    return ask(data, "SELECT state FROM tracking_recording") == [("done",)]


def wait_until(holds: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Return what the condition returned once it holds."""
    deadline = time.monotonic() + timeout_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.01)
    return found


def slice_under_way(data: Path, *, finished: int = 1) -> tuple[Chunk, list[Chunk]]:
    """Return a chunk whose slice has begun and is far from its end, and all chunks as they are.

    It was claimed before our eyes, its worker has since spent time of a core on it, and the row
    is still held: nobody needs to guess by the clock whether work is in progress.

    Parameters
    ----------
    finished : int
        So many chunks must be detected by then.
    """
    held = {(row.index, row.fence) for row in chunks(data) if row.state == "working"}
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        rows = chunks(data)
        working = [row for row in rows if row.state == "working" and row.leased]
        fresh = [row for row in working if (row.index, row.fence) not in held]
        if fresh and sum(row.state == "done" for row in rows) >= finished:
            rows = worked_on(data, fresh[0])
            if fresh[0] in rows:
                return fresh[0], rows
        held |= {(row.index, row.fence) for row in working}
        time.sleep(0.005)
    raise AssertionError(f"no slice was under way: {chunks(data)}")


def worked_on(data: Path, chunk: Chunk) -> list[Chunk]:
    """Return the rows once the chunk's worker has spent time on it, or has lost it."""
    began = cpu_s(chunk.worker)
    while chunk in (rows := chunks(data)):
        if cpu_s(chunk.worker) - began > UNDER_WAY_CPU_S:
            break
        time.sleep(0.005)
    return rows


def cpu_s(pid: int) -> float:
    """Return the seconds of a core that a process and what it started have spent so far."""
    total = 0.0
    for process in descendants(pid, itself=True):
        try:
            times = process.cpu_times()
            total += times.user + times.system
        except psutil.Error:
            continue
    return total


# --- the processes -------------------------------------------------------------------------------


@contextmanager
def orphans_come_to_us() -> Generator[None, None, None]:
    """Make the kernel hand every orphan below us to this process instead of to the first one.

    So whatever a product leaves is found among our descendants, even a process with an empty
    environment, a session of its own and no file of ours.
    """
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def descendants(pid: int | None = None, *, itself: bool = False) -> list[psutil.Process]:
    """Return the live processes below one, ours by default."""
    try:
        top = psutil.Process(pid)
        found = [*([top] if itself else []), *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return [process for process in found if is_live(process)]


def is_live(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def carries(pid: int, data: Path) -> bool:
    """Return whether a process names a data folder anywhere the kernel shows."""
    here, name = Path(f"/proc/{pid}"), str(data)
    try:
        told = (here / "environ").read_bytes() + (here / "cmdline").read_bytes()
        links = [here / "cwd", *(here / "fd").iterdir()]
    except OSError:
        return False
    return name.encode() in told or any(points_into(link, name) for link in links)


def points_into(link: Path, name: str) -> bool:
    try:
        return str(link.readlink()).startswith(name)
    except OSError:
        return False


def carriers(data: Path) -> list[int]:
    """Return every process of the machine that carries a data folder."""
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and carries(pid, data)]


class Watched:
    """A product whose every process is known by descent."""

    def __init__(self, data: Path, log: Path, **environment: str) -> None:
        self._before = {process.pid for process in descendants()}
        wanted: dict[str, Any] = {"OSKARTRACK_WORKERS": "2", **environment}
        self.product = Product(data, "--no-demo", log=log, **wanted)
        self.data = data
        self.supervisor = self.product.process

    def left(self) -> list[str]:
        """Return what still runs of it: what descends from it, and what carries its data."""
        ours = [process for process in descendants() if process.pid not in self._before]
        pids = {process.pid for process in ours} | set(carriers(self.data))
        return [f"{pid}: {command(pid)}" for pid in sorted(pids)]

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal signals every process of its foreground group."""
        os.killpg(self.supervisor.pid, signal.SIGINT)

    def roles(self, words: str) -> list[psutil.Process]:
        """Return the supervised processes whose command holds these words, a pattern."""
        children = psutil.Process(self.supervisor.pid).children()
        return [each for each in children if is_live(each) and re.search(words, command(each.pid))]

    def role(self, words: str) -> psutil.Process | None:
        """Return one of those, or None where there is none."""
        return next(iter(self.roles(words)), None)

    def end(self) -> None:
        """Kill what is left of it, whatever the test did, and collect what it left."""
        for process in descendants():
            if process.pid not in self._before:
                process.kill()
        self.supervisor.wait()
        for process in psutil.Process().children():
            if process.pid not in self._before and process.pid != self.supervisor.pid:
                os.waitpid(process.pid, 0)


def command(pid: int) -> str:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()
