"""Hints to many sockets, beside the stock group layer and beside a server that does only that."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import getpid
from pathlib import Path
from typing import Any

from tests.plugins.servers import Valkey, free_port, wait_for_port
from tools.bench.installation import ROOT, Installation, die_with

KINDS = ("ours", "stock", "raw")
CLIENTS = (100, 500, 1000)
# A store tells four times a second at the most.
A_SECOND, PACED = 4, 24
# Deliveries of a round that is told as fast as it goes: the same for every number of clients.
DELIVERIES = 20_000
MINUTES_S = 900.0
# How many times as fast as the stock layer, how late beside raw, and beside itself with one
# client that does not read.
FASTER_THAN_STOCK, LATER_THAN_RAW, LATER_BESIDE_A_STALLED = 5.0, 3.0, 1.1


@dataclass(frozen=True, slots=True)
class Fan:
    """What one server came to with so many clients."""

    deliveries_a_second: float
    p99_ms: float
    p99_ms_beside_a_stalled: float | None = None


def measure(folder: Path, clients: int, tell: Callable[[str], None]) -> dict[str, Fan]:
    """Return what each server came to, one after the other."""
    with Valkey() as valkey:
        found = {}
        for kind in KINDS:
            tell(f"{clients} clients of {kind}")
            place = Installation(folder / f"{kind}-{clients}", redis_url=valkey.url)
            found[kind] = _one(place, kind, clients)
        return found


def publish_race(folder: Path) -> dict[str, float]:
    """Return what `tools.bench.publish_race` prints."""
    with Valkey() as valkey:
        place = Installation(folder, redis_url=valkey.url)
        return place.python("-m", "tools.bench.publish_race", timeout_s=MINUTES_S).json()


def _one(place: Installation, kind: str, clients: int) -> Fan:
    paths, store = ["/"] * (clients + 1), "none"
    if kind == "ours":
        told = place.python("-m", "tools.bench.fanout_people", clients + 1).json()
        store = told["store"]
        paths = [f"/ws/stores/{store}/?ticket={word}" for word in told["words"]]
    with _server(place, kind) as port:
        order: dict[str, Any] = {
            "kind": kind, "port": port, "store": store, "paths": paths[1:],
            "stall": paths[:1] if kind == "ours" else [], "a_second": A_SECOND, "paced": PACED,
            "messages": DELIVERIES // clients,
        }  # fmt: skip
        file = place.folder / "order.json"
        file.write_text(json.dumps(order))
        answer = place.python("-m", "tools.bench.fanout_load", file, timeout_s=MINUTES_S)
        return Fan(**answer.json())


@contextmanager
def _server(place: Installation, kind: str) -> Iterator[int]:
    port, log = free_port(), place.folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.bench.fanout_servers", kind, str(port)],
            cwd=ROOT, env=place.environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, preexec_fn=partial(die_with, getpid()),  # noqa: PLW1509 - no lock
        )  # fmt: skip
    try:
        wait_for_port(process, port, log)
        yield port
    finally:
        process.kill()
        process.wait()
