"""A product of its own on loopback, filled with the demo and two shops more; stopped at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tools.bench.installation import ROOT, die_with

READY = re.compile(r"^READY (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
READY_S, STOP_S, COMMAND_S = 180, 60, 900
POLL_S = 0.2
ACCOUNT, PASSWORD = "demo", "a password for pictures"
# The demo has a video with people in it; the other shop five weeks behind it.
DEMO, SHOP = "demo", "llanfair"
# A name of forty letters is the longest that any page must have room for.
LONG_NAME = "The Very Long Name Of A Shop In Llanfair"
SHOPS = f"""
from accounts.services import store_create
shop = store_create(name={LONG_NAME!r}, slug={SHOP!r}, timezone="Europe/London")
shop.opening_hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), [["09:00", "19:00"]])
shop.save()
store_create(name="Riverside Outlet", slug="nothing-yet", timezone="Europe/London")
"""
SEED, DAYS, VISITORS = "9", "36", "110"


class Place:
    """A running product on the data in a folder; `url` is where it answers."""

    def __init__(self, data: Path) -> None:
        self.url = ""
        # Written once everything in it is counted.
        self.filled = data / "filled"
        self._log = data / "up.log"
        mine = {"REDIS_URL", "DATABASE_URL"}
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in mine},
            "OSKARTRACK_DATA": str(data / "product"),
            "OSKARTRACK_DEMO_PASSWORD": PASSWORD,
        }
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", "0", "--data", data / "product"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509 - takes no lock
            )

    def wait(self) -> None:
        """Wait until it answers.

        Raises
        ------
        RuntimeError
            It ended or took too long; with what it wrote.
        """
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := READY.search(self._log.read_text(errors="replace")):
                self.url = found[1]
                return
            time.sleep(POLL_S)
        said = self._log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"The product did not start:\n{said}")

    def fill(self) -> None:
        """Make two shops beside the demo's: one with five weeks behind it, one with nothing."""
        self._manage("shell", "--verbosity", "0", "-c", SHOPS)
        simulate = ("simulate", "--store", SHOP, "--seed", SEED, "--days", DAYS)
        self._manage(*simulate, "--visitors", VISITORS)

    def stop(self) -> None:
        """End it the way people do, and by force if that takes too long."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _manage(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr)[-3000:]
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{said}")


@contextmanager
def place(data: Path) -> Generator[Place, None, None]:
    """Run a product for a while, filled unless it was before."""
    running = Place(data)
    try:
        running.wait()
        if not running.filled.exists():
            running.fill()
        yield running
    finally:
        running.stop()
