"""The supervisor: one thread that starts, watches, restarts and ends the processes."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self, TextIO

from oskartrack.supervisor.jobs import Job, Process

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Workers finish or give back their slice within Celery's soft shutdown of 8 s.
STOP_TIMEOUT_S = 10.0
MAX_DEATHS_BEFORE_READY = 4
LONGEST_NAP_S = 0.5


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, a closed terminal."""


class Failed(Exception):
    """The product cannot start; the message says why and what to do."""


class Supervisor:
    """Runs jobs until it is asked to stop; leaving its ``with`` block leaves no process.

    Its handlers stand before the first process starts, so there is no moment in which a signal
    would end the supervisor alone.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._processes: dict[str, Process] = {}
        self._selector = selectors.DefaultSelector()
        self._stop_signals = 0
        self._old_handlers: dict[signal.Signals, signal._HANDLER] = {}
        self.ready = False

    def __enter__(self) -> Self:
        self._wakes, self._wake = os.pipe()
        for descriptor in (self._wakes, self._wake):
            os.set_blocking(descriptor, False)
        for number in STOP_SIGNALS:
            self._old_handlers[number] = signal.signal(number, self._on_stop_signal)
        self._old_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._old_wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._selector.register(self._wakes, selectors.EVENT_READ)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_all()
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._wakes)
        os.close(self._wake)

    def start(self, job: Job) -> None:
        """Start a job."""
        process = self._processes[job.name] = Process(job)
        self._start(process)

    def finish(self, job: Job) -> None:
        """Run a job to its end.

        Raises
        ------
        Failed
            When it ends badly.
        """
        self.start(job)
        process = self._processes[job.name]
        self.until(lambda: job.name not in self._processes)
        assert process.popen is not None
        if process.popen.returncode:
            raise Failed(f"{job.name} failed ({process.how_it_ended()}). Its last lines say why.")

    def until(self, done: Callable[[], bool], *, timeout_s: float | None = None) -> None:
        """Supervise until `done` says so.

        Raises
        ------
        Stopped
            When the end was asked for meanwhile.
        Failed
            When a process cannot start, or at the time limit.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not done():
            if self._stop_signals:
                raise Stopped
            if deadline is not None and time.monotonic() > deadline:
                raise Failed(f"Not ready after {timeout_s:g} s. The lines above say why.")
            self._turn()
            self._restart_due()

    def say(self, text: str, name: str = "up") -> None:
        """Write a line under a process's name."""
        self.say_plainly(f"{name:<9}| {text}")

    def say_plainly(self, text: str) -> None:
        """Write a line; a reader that has gone asks for the end."""
        try:
            print(text, file=self._output, flush=True)
        except BrokenPipeError:
            self._output = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the rest of our life
            self._stop_signals += 1

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_signals += 1

    def _start(self, process: Process) -> None:
        process.start()
        self._selector.register(process.output, selectors.EVENT_READ, process)

    def _turn(self) -> None:
        """Wait for news for at most half a second, pass lines on, notice who ended."""
        self._read_news(self._nap_s())
        for process in list(self._processes.values()):
            if process.begun and not process.running:
                self._note_end(process)

    def _read_news(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            if isinstance(key.data, Process):
                self._pass_on(key.data)
            else:
                os.read(self._wakes, 4096)

    def _nap_s(self) -> float:
        dues = [process.due for process in self._processes.values() if process.due is not None]
        return max(0.0, min([LONGEST_NAP_S, *(due - time.monotonic() for due in dues)]))

    def _pass_on(self, process: Process, *, last: bool = False) -> None:
        for line in process.lines(last=last):
            if not any(words in line for words in process.job.hushed):
                self.say(line, process.job.name)
        if last or process.silent:  # a closed pipe is news for ever: asking would never wait
            with contextlib.suppress(KeyError):
                self._selector.unregister(process.output)

    def _note_end(self, process: Process) -> None:
        self._pass_on(process, last=True)
        process.ended()
        if process.due is None:
            del self._processes[process.job.name]
            return
        if self._stop_signals:
            return
        how = process.how_it_ended()
        if not self.ready and process.quick_deaths >= MAX_DEATHS_BEFORE_READY:
            raise Failed(f"{process.job.name} does not start ({how}). Its last lines say why.")
        wait_s = process.due - time.monotonic()
        self.say(f"{process.job.name} ended ({how}); it starts again in {wait_s:.0f} s.")

    def _restart_due(self) -> None:
        for process in self._processes.values():
            if process.due is None or process.due > time.monotonic():
                continue
            try:
                self._start(process)
            except OSError as error:
                process.plan_start()
                self.say(f"{process.job.name} cannot be started ({error}); it is tried again.")

    def _stop_all(self) -> None:
        """End every process: politely first, those that others need last, all of them for sure."""
        if self._processes and self._stop_signals == 1:
            self.say("stopping; work in progress is given back. Ctrl-C again does not wait.")
        for last in (False, True):
            alive = [p for p in self._processes.values() if p.begun]
            self._stop([process for process in alive if process.job.leaves_last is last])

    def _stop(self, going: list[Process]) -> None:
        for process in going:
            process.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while any(process.running for process in going):
            if time.monotonic() > deadline or self._stop_signals > 1:  # Ctrl-C twice: at once
                break
            self._read_news(0.1)
        for process in going:
            process.kill()
            self._pass_on(process, last=True)
            process.close()
