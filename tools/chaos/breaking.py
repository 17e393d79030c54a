"""The sweep over all fault points, seen from outside: servers, the proxy, the cases."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.servers import die_with_parent
from tools.chaos.films import make_truth, make_video_file
from tools.chaos.stage import ROOT, Stage, Tell, servers, workshop

SEED, SECONDS = 7, 60
WAYS = ("raise", "kill", "freeze", "lose")


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of a sweep: per case what went wrong, per story how many facts it has."""

    wrong: dict[str, str]
    whole: dict[str, int]

    @property
    def failures(self) -> dict[str, str]:
        """Return the cases that went wrong."""
        return {case: why for case, why in self.wrong.items() if why}


@contextmanager
def proxied(port: int, wish: Path) -> Generator[int]:
    """Put the proxy in front of a server; yield the port it listens on."""
    proxy = subprocess.Popen(
        [sys.executable, "-m", "tools.chaos.proxy", str(port), str(wish)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - takes no lock
    )
    try:
        assert proxy.stdout is not None
        yield int(proxy.stdout.readline())
    finally:
        proxy.kill()
        proxy.communicate()


def sweep(
    tell: Tell,
    pick: Iterable[tuple[str, str, str]] | None = None,
    attacks: Iterable[tuple[str, str, int]] = (),
) -> Swept:
    """Break every story at every point in every way, or only those picked; then attack."""
    with workshop() as folder, servers() as (database, broker):
        stage = Stage(folder / "data", database.new_database(), broker.url)
        stage.manage("migrate", "-v", "0")
        wish, answer, order = folder / "wish", folder / "answer.json", folder / "order.json"
        with proxied(database.port, wish) as port:
            wanted = {
                "video": str(make_video_file(folder, SECONDS)),
                "script": str(make_truth(folder, SEED, SECONDS)),
                "proxy_port": port,
                "wish": str(wish),
                "cases": None if pick is None else list(pick),
                "attacks": list(attacks),
            }
            order.write_text(json.dumps(wanted))
            command = [sys.executable, "-m", "tools.chaos.sweep", str(order), str(answer)]
            _follow(command, stage, folder / "sweep.log", tell)
        return Swept(**json.loads(answer.read_text()))


def _follow(command: list[str], stage: Stage, log: Path, tell: Tell) -> None:
    """Run the sweep and pass on what it says."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=stage.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - takes no lock
        )
    with process:  # its pipe is closed whatever comes
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("case "):
                    tell(line.removeprefix("case ").rstrip())
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"The sweep ended with {process.returncode}:\n{log.read_text()[-6000:]}")


def one_way_a_point(
    cases: list[tuple[str, str, str]], lot: random.Random
) -> list[tuple[str, str, str]]:
    """Return each point once, broken in a way drawn by lot; all ways come up about as often."""
    points = sorted({(story, point) for story, point, _ in cases})
    ways = [WAYS[number % len(WAYS)] for number in range(len(points))]
    lot.shuffle(ways)
    return [(*point, way) for point, way in zip(points, ways, strict=True)]
