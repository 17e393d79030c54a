"""One supervised process: how it starts, what it says, how it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1  # linux/prctl.h
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0
# A process that ran this long had started well: its next death waits the shortest delay again.
SETTLED_S = 60.0
READ_BYTES = 65_536

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Job:
    """What to run.

    Parameters
    ----------
    name : str
        Stands before each of its log lines.
    command : sequence of str
        Program and arguments.
    environment : mapping
        Variables on top of the supervisor's own.
    descriptors : sequence of int
        Open files the process inherits.
    keep : bool
        Started again when it ends; otherwise it may end, once.
    leaves_last : bool
        Stopped only after the others, which need it to end well.
    hushed : sequence of str
        Lines that hold one of these are not passed on: they say nothing that matters here.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    keep: bool = True
    leaves_last: bool = False
    hushed: Sequence[str] = ()


class Process:
    """A job's present process and the history that decides when it starts again."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.popen: subprocess.Popen[bytes] | None = None
        self.delay_s = FIRST_DELAY_S
        self.quick_deaths = 0
        self.due: float | None = None
        self.silent = False
        self._started = 0.0
        self._unfinished = b""

    @property
    def begun(self) -> bool:
        """Whether there is a process that was not seen to end yet."""
        return self.popen is not None and self.due is None

    @property
    def running(self) -> bool:
        """Whether the process is there; a process that ended is collected by this."""
        return self.popen is not None and self.popen.poll() is None

    @property
    def output(self) -> int:
        """The descriptor its output is read from."""
        assert self.popen is not None
        assert self.popen.stdout is not None
        return self.popen.stdout.fileno()

    def start(self) -> None:
        """Start the process in a session of its own, to be killed by the kernel with us.

        A session of its own keeps a Ctrl-C in the terminal from reaching it: the supervisor says
        when it ends, so that the order is ours.

        Raises
        ------
        OSError
            Its program is not there, or the machine has no room for one more process.
        """
        supervisor = os.getpid()
        self.due, self.popen, self.silent = None, None, False
        self._started = time.monotonic()
        self.popen = subprocess.Popen(
            list(self.job.command),
            env={**os.environ, **self.job.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(self.job.descriptors),
            start_new_session=True,
            preexec_fn=lambda: _die_with(supervisor),  # noqa: PLW1509 - we have one thread
        )
        os.set_blocking(self.output, False)

    def lines(self, *, last: bool = False) -> list[str]:
        """Return the whole lines it wrote since the last call; with `last`, the rest too.

        A process that closed its output is `silent` from then on.
        """
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.output, READ_BYTES):
                self._unfinished += piece
            self.silent = True
        *whole, self._unfinished = self._unfinished.split(b"\n")
        if last and self._unfinished:
            whole.append(self._unfinished)
            self._unfinished = b""
        return [line.decode(errors="replace").rstrip() for line in whole]

    def ended(self) -> None:
        """Sweep up what the ended process left in its session, and plan its next start."""
        self.signal(signal.SIGKILL)
        self.close()
        if self.job.keep:
            self.plan_start()

    def plan_start(self) -> None:
        """Say when it starts again: each death in a row waits twice as long."""
        now = time.monotonic()
        if now - self._started >= SETTLED_S:
            self.delay_s, self.quick_deaths = FIRST_DELAY_S, 0
        self.quick_deaths += 1
        self.due = now + self.delay_s
        self.delay_s = min(2 * self.delay_s, LONGEST_DELAY_S)

    def close(self) -> None:
        """Stop listening to it."""
        assert self.popen is not None
        assert self.popen.stdout is not None
        self.popen.stdout.close()

    def signal(self, number: int) -> None:
        """Send a signal to the process and to all it started."""
        assert self.popen is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        """End the process and all it started, now, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        assert self.popen is not None
        self.popen.wait()

    def how_it_ended(self) -> str:
        """Return the end in words: ``killed by SIGKILL`` or ``exit code 1``."""
        assert self.popen is not None
        code = self.popen.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _die_with(supervisor: int) -> None:
    """Have the kernel kill this new process when the supervisor ends, however it ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:  # it ended before we could ask
            os._exit(1)
