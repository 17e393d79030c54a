"""The whole product, started the way people start it, for tests that look at it from outside."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from tests.plugins.servers import die_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(r"^READY (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
READY_TIMEOUT_S = 90
PASSWORD = "correct horse battery"


class Product:
    """One run of ``manage.py up`` on data of its own."""

    def __init__(
        self, data: Path, *arguments: str, log: Path, port: int = 0, **environment: str
    ) -> None:
        self.data = data
        self.log = log
        self.url = ""
        inherited = {k: v for k, v in os.environ.items() if k not in {"REDIS_URL", "DATABASE_URL"}}
        self.environment = {
            **inherited,
            "OSKARTRACK_DATA": str(data),
            "OSKARTRACK_DEMO_PASSWORD": PASSWORD,
            **environment,
        }
        command = ["up", "--port", str(port), "--data", str(data), *arguments]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A process of tests that dies tears nothing down.
                preexec_fn=die_with_parent,
            )

    @property
    def text(self) -> str:
        """Everything it has written so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str | re.Pattern[str], timeout_s: float = READY_TIMEOUT_S) -> str:
        """Return the pattern's first group once it has been written."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.text):
                return found[found.re.groups and 1]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in:\n{self.text}")

    def ready(self) -> "Product":
        """Return this product once it is ready."""
        self.url = self.wait_for(READY)
        return self

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command on this product's data and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def processes(self) -> list[psutil.Process]:
        """Return every live process of this product, the supervisor included."""
        mine = []
        for process in psutil.process_iter():
            try:
                told = process.environ().get("OSKARTRACK_DATA") == str(self.data)
                # Valkey writes its title over its environment, but works in a folder of ours.
                there = Path(process.cwd()).is_relative_to(self.data)
                if (told or there) and process.status() != psutil.STATUS_ZOMBIE:
                    mine.append(process)
            except psutil.Error:
                continue
        return mine

    def stop(self) -> None:
        """End it the polite way and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product, None, None]:
    """The product without the demo store, shared by all tests that only use it."""
    folder = tmp_path_factory.mktemp("product")
    running = Product(folder / "data", "--no-demo", log=folder / "up.log")
    try:
        yield running.ready()
    finally:
        running.stop()
