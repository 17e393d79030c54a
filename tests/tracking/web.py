"""The web process as it runs in earnest, on data of its own, and a manager's session in it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.servers import die_with_parent, free_port
from tests.tracking.doors import PART, TUS

CSRF = "a" * 32

PREPARE = """
import django, json
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
from tests.cast import make_camera, make_cast
cast = make_cast()
client = Client()
client.force_login(cast.alice)
print(json.dumps({
    "store": str(cast.store.public_id),
    "camera": str(make_camera(cast.store).public_id),
    "session": client.cookies["sessionid"].value,
}))
"""
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Web:
    """A running web process and a manager's session in it."""

    port: int
    process: subprocess.Popen[bytes]
    data: Path
    store: str
    camera: str
    session: str

    @property
    def headers(self) -> dict[str, str]:
        cookies = f"sessionid={self.session}; csrftoken={CSRF}"
        return {"Cookie": cookies, "X-CSRFToken": CSRF}

    def line(self) -> contextlib.closing[http.client.HTTPConnection]:
        return contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60))

    def ask(self, line: http.client.HTTPConnection, *request: Any) -> Answer:
        line.request(*request)
        answer = line.getresponse()
        return Answer(answer.status, answer.headers, answer.read())

    def announce(self, line: http.client.HTTPConnection, length: int) -> str:
        """Announce a file and return the upload's address."""
        headers = {**self.headers, **TUS, "Upload-Length": str(length)}
        created = self.ask(line, "POST", f"/api/v1/stores/{self.store}/uploads/", None, headers)
        assert created.status == 201
        return str(created.headers["Location"])

    def part_headers(self, offset: int) -> dict[str, str]:
        return {**self.headers, **TUS, "Upload-Offset": str(offset), "Content-Type": PART}

    def upload(self, path: Path) -> str:
        """Upload a small file and return the upload's id."""
        content = path.read_bytes()
        with self.line() as line:
            address = self.announce(line, len(content))
            answer = self.ask(line, "PATCH", address, content, self.part_headers(0))
            assert answer.status == 204
        return address.split("/")[-2]

    def ask_recording(self, upload_id: str, started_at: str) -> tuple[int, Any]:
        """Ask for a recording of an upload; return the answer's status and JSON."""
        wish = {"upload": upload_id, "camera": self.camera, "started_at": started_at}
        headers = self.headers | {"Content-Type": "application/json"}
        with self.line() as line:
            place = f"/api/v1/stores/{self.store}/recordings/"
            answer = self.ask(line, "POST", place, json.dumps(wish), headers)
            return answer.status, json.loads(answer.body)

    def resident_mb(self, row: str = "VmRSS") -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{row}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    @contextlib.contextmanager
    def grows_less_than(self, megabytes: float) -> Iterator[None]:
        """Measure the peak within, not only what is left at its end."""
        before = self.resident_mb()
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # resets the peak
        yield
        grown = self.resident_mb("VmHWM") - before
        sys.stderr.write(f"web process: {before:.0f} MB, {grown:.1f} MB more at its peak\n")
        assert grown < megabytes


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    data = tmp_path_factory.mktemp("web")
    port = free_port()
    environment = os.environ | {
        "OSKARTRACK_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/db.sqlite3",
        "PYTHONWARNINGS": "ignore",
    }
    made = subprocess.run(
        [sys.executable, "-c", PREPARE], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oskartrack.daphne_server", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,
        )
        try:
            running = Web(port, process, data, **json.loads(made.stdout.splitlines()[-1]))
            wait_until_healthy(running)
            yield running
        finally:
            process.terminate()
            process.wait(10)


def wait_until_healthy(web: Web) -> None:
    for _ in range(300):
        assert web.process.poll() is None
        with contextlib.suppress(OSError), web.line() as line:
            if web.ask(line, "GET", "/healthz").status == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the web process did not come up")
