"""The processes that are killed, and whoever starts them again, as a container engine would."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.plugins.servers import die_with_parent, free_port
from tools.chaos.stage import ROOT, Stage

STARTS_AGAIN_S = 0.5


@dataclass(slots=True)
class Part:
    """One process and its present state."""

    name: str
    kind: str
    environment: dict[str, str]
    pid: int = 0
    due: float = 0.0
    thaws: float | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs or is frozen."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


class Fleet:
    """Workers, schedulers and a web process of one installation."""

    def __init__(self, stage: Stage, folder: Path, **environment: str) -> None:
        self.stage, self.folder = stage, folder
        self.parts: list[Part] = []
        self.fell = 0
        self.port = free_port()
        self._environment = environment

    def __enter__(self) -> Self:
        with (self.folder / "nursery.log").open("ab") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tools.chaos.nursery"],
                cwd=ROOT,
                env=self.stage.environment(**self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - takes no lock
            )
        self._answer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._nursery.kill()  # the kernel kills those it started with it
        self._nursery.communicate()

    def add(self, kind: str, count: int = 1, **environment: str) -> None:
        """Start so many processes of a kind: `worker`, `beat` or `web`."""
        for _ in range(count):
            number = 1 + sum(part.kind == kind for part in self.parts)
            part = Part(f"{kind}{number}", kind, environment)
            self._start(part)
            self.parts.append(part)

    def _start(self, part: Part) -> None:
        wish = {
            "kind": part.kind,
            "name": part.name,
            "environment": part.environment,
            "log": str(self.folder / f"{part.name}.log"),
            "port": self.port,
        }
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(json.dumps(wish) + "\n")
        self._nursery.stdin.flush()
        part.pid, part.due, part.thaws = self._answer()["pid"], 0.0, None

    def _answer(self) -> dict[str, int]:
        assert self._nursery.stdout is not None
        line = self._nursery.stdout.readline()
        if not line:
            said = (self.folder / "nursery.log").read_text(errors="replace")
            raise RuntimeError(f"The nursery ended:\n{said[-4000:]}")
        answer: dict[str, int] = json.loads(line)
        return answer

    def tend(self) -> None:
        """Thaw who was frozen long enough, start who died."""
        now = time.monotonic()
        for part in self.parts:
            if part.thaws is not None and now >= part.thaws:
                self._signal(part, signal.SIGCONT)
                part.thaws = None
            if not part.alive:
                if not part.due:
                    self.fell += 1  # nobody killed it: it fell by itself
                    part.due = now + STARTS_AGAIN_S
                if now >= part.due:
                    self._start(part)

    def _signal(self, part: Part, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(part.pid, number)

    def rest(self, seconds: float) -> None:
        """Tend for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(0.05, left))

    def kill(self, part: Part) -> None:
        """Kill a process; it is started again soon."""
        self._signal(part, signal.SIGKILL)
        part.due = time.monotonic() + STARTS_AGAIN_S
        part.thaws = None
        while part.alive:
            time.sleep(0.001)

    def freeze(self, part: Part, seconds: float) -> None:
        """Stop a process for a while, as a machine that swaps or a paused container."""
        self._signal(part, signal.SIGSTOP)
        part.thaws = time.monotonic() + seconds

    def thaw_all(self) -> None:
        """Let everybody run."""
        for part in self.parts:
            if part.thaws is not None:
                part.thaws = 0.0
        self.tend()

    def of(self, kind: str) -> list[Part]:
        """Return the running parts of a kind that are not frozen."""
        return [p for p in self.parts if p.kind == kind and p.alive and p.thaws is None]

    def pick(self, kind: str, lot: random.Random) -> Part | None:
        """Draw one of a kind."""
        there = self.of(kind)
        return lot.choice(there) if there else None

    def decoders(self) -> list[psutil.Process]:
        """Return the processes that workers started: those that decode, where decoding is apart."""
        found = []
        for part in self.of("worker"):
            with contextlib.suppress(psutil.NoSuchProcess):
                found += psutil.Process(part.pid).children(recursive=True)
        return found

    def said(self, words: str) -> int:
        """Return how often these words stand in the processes' logs."""
        logs = self.folder.glob("*.log")
        return sum(log.read_text(errors="replace").count(words) for log in logs)
