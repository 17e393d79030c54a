"""An installation on a data folder of its own, worked by real `manage.py` processes."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
POLL_S = 0.05
PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Loaded here: between fork and exec, beside other threads, nothing may be loaded.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
STARTED_AT = "2026-07-01T09:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process went.

    Attributes
    ----------
    said : str
        What it wrote to standard output.
    wall_s, cpu_s : float
        Seconds by the clock, and seconds of one core with those of its children.
    peak_mb : float
        The largest resident memory, in MiB.
    """

    said: str
    wall_s: float
    cpu_s: float
    peak_mb: float

    def json(self) -> dict[str, Any]:
        """Return the last line it wrote, which is JSON."""
        found: dict[str, Any] = json.loads(self.said.splitlines()[-1])
        return found


class Installation:
    """Commands on an empty database in a folder that nothing else uses, or on one that is named."""

    def __init__(
        self,
        folder: Path,
        database: str | None = None,
        redis_url: str = "redis://127.0.0.1:1/0",  # nothing listens: counting does not need it
    ) -> None:
        self.folder = folder
        wanted = {
            "OSKARTRACK_DATA": str(folder),
            "DATABASE_URL": database or f"sqlite:///{folder}/oskartrack.sqlite3",
            "REDIS_URL": redis_url,
            "OSKARTRACK_ENV": "development",
            "DJANGO_SETTINGS_MODULE": "oskartrack.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.environment = {**os.environ, **wanted}
        folder.mkdir(parents=True, exist_ok=True)

    def manage(self, *arguments: object, timeout_s: float = 120) -> Ran:
        """Run one management command to its end."""
        return self.python("manage.py", *arguments, timeout_s=timeout_s)

    def python(self, *arguments: object, timeout_s: float = 120) -> Ran:
        """Run one Python process to its end.

        Raises
        ------
        RuntimeError
            It failed or took longer than `timeout_s`; with what it wrote.
        """
        command = [sys.executable, *map(str, arguments)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509 - takes no lock
            )
            try:
                ran = _watch(process, timeout_s)
            finally:
                if process.returncode is None:
                    process.kill()
                    process.wait()
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} failed:\n{_text(err)[-4000:]}")
            return Ran(_text(out), *ran)

    def count(self, video: Path, setup: Path, *, store: str = "measured", timeout_s: float) -> Ran:
        """Count a video with HOG in this installation; the process does it all by itself."""
        self.manage("migrate", "-v", "0")
        return self.ingest(video, setup, "--wait", store=store, timeout_s=timeout_s)

    def ingest(
        self, video: Path, setup: Path, *how: str, store: str = "measured", timeout_s: float = 120
    ) -> Ran:
        """Put a video into the queue, for HOG; with ``--wait``, work it to its end."""
        place = ("--store", store, "--camera", "Measured", "--started-at", STARTED_AT)
        what = ("--setup", setup, "--detector", "hog")
        return self.manage("ingest", video, *place, *what, *how, timeout_s=timeout_s)

    def facts(self, store: str = "measured") -> list[dict[str, Any]]:
        """Return everything that was counted in a store."""
        lines = self.manage("export_facts", "--store", store).said.splitlines()
        return [json.loads(line) for line in lines]


def die_with(parent: int) -> None:
    """Have the kernel kill this new process when the one that measures ends, however it ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _watch(process: subprocess.Popen[bytes], timeout_s: float) -> tuple[float, float, float]:
    """Wait for a process; return its seconds by the clock, of a core, and its peak memory.

    The kernel's own figure of a child's peak counts what the parent had when it forked, so the
    process's status is read while it lives.
    """
    began = time.monotonic()
    peak_mb = 0.0
    status_file = Path(f"/proc/{process.pid}/status")
    while True:
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall_s = time.monotonic() - began
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            return wall_s, usage.ru_utime + usage.ru_stime, peak_mb
        if wall_s > timeout_s:
            raise RuntimeError(f"{process.args!r} was still at work after {timeout_s:.0f} s.")
        peak_mb = max(peak_mb, _peak_mb(status_file))
        time.sleep(POLL_S)


def _peak_mb(status_file: Path) -> float:
    try:
        lines = status_file.read_text().splitlines()
    except OSError:  # it has just ended, or this is no Linux
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _text(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode(errors="replace")
    return text
