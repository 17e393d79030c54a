"""`manage.py up` with real processes: it becomes ready, and no way of ending it leaves one."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.plugins.product import Product
from tests.plugins.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Start = Callable[..., Product]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start, None, None]:
    """Start products that the test's end kills, whatever the test did."""
    started = []

    def start_one(*arguments: str, name: str = "data", port: int = 0) -> Product:
        started.append(Product(tmp_path / name, *arguments, port=port))
        return started[-1]

    yield start_one
    for product in started:
        product.process.kill()
        product.process.wait()
        for left in product.processes():
            left.kill()


def names_of_processes_left(product: Product, timeout_s: float = 20) -> list[list[str]]:
    deadline = time.monotonic() + timeout_s
    while (left := product.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [process.cmdline() for process in left]


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("number", "times"),
    [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGKILL, 1)],
    ids=["Ctrl-C", "Ctrl-C twice", "SIGTERM", "kill -9"],
)
def test_no_process_is_left_after(number: signal.Signals, times: int, start: Start):
    product = start("--no-demo").ready()
    assert status_of(f"{product.url}/healthz") == 200
    product.wait_for(r"worker\d+@\S+ ready")
    roles = " ".join(" ".join(process.cmdline()) for process in product.processes())
    for role in ("manage.py up", "daphne", "worker1@", "celery --quiet -A oskartrack beat"):
        assert role in roles
    assert any(Path(process.cwd()).name == "valkey" for process in product.processes())
    for _ in range(times):
        product.process.send_signal(number)
    product.process.wait(30)
    assert names_of_processes_left(product) == []
    if number != signal.SIGKILL:
        assert product.process.returncode == 0
        assert product.text.endswith("Stopped. No process is left.\n")


@pytest.mark.parametrize("after_s", [0.5, 1.5, 2.5])
def test_ctrl_c_while_it_starts_leaves_no_process(after_s: float, start: Start):
    product = start("--no-demo")
    time.sleep(after_s)
    product.process.send_signal(signal.SIGINT)
    product.process.wait(30)
    assert names_of_processes_left(product) == []


def test_a_killed_process_is_started_again_and_said_so(start: Start):
    product = start("--no-demo").ready()
    (web,) = [p for p in product.processes() if "daphne" in p.cmdline()]
    web.kill()
    product.wait_for(r"web ended \(killed by SIGKILL\); it starts again in 1 s\.")
    assert status_of(f"{product.url}/healthz") == 200  # waits in the queue, is not refused
    (again,) = [p for p in product.processes() if "daphne" in p.cmdline()]
    assert again.pid != web.pid


def test_a_second_start_on_the_same_data_says_where_the_first_one_is(start: Start):
    first = start("--no-demo").ready()
    second = start("--no-demo")
    assert second.process.wait(30) == 1
    assert f"already runs on {first.data} (process {first.process.pid}, {first.url})" in second.text
    assert "--data" in second.text
    assert first.process.poll() is None


def test_a_busy_port_is_named_with_the_way_out(start: Start):
    first = start("--no-demo").ready()
    port = int(first.url.rsplit(":", 1)[1])
    second = start("--no-demo", name="other", port=port)
    assert second.process.wait(30) == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in second.text
    assert f"make run PORT={port + 1}" in second.text
    assert names_of_processes_left(second) == []


def test_the_demo_account_logs_in_with_the_printed_password(start: Start):
    product = start().ready()
    password = product.wait_for(r"Log in as demo with the password (.+)")
    check = (
        "from django.contrib.auth import authenticate; "
        f"print(authenticate(username='demo', password={password!r}))"
    )
    assert product.manage("shell", "--no-imports", "-c", check).strip() == "demo"


def test_secrets_are_readable_by_their_owner_alone(start: Start):
    product = start("--no-demo").ready()
    secret = [product.data / "secret" / name for name in ("web", "jwt")]
    secret.append(product.data / "valkey" / "valkey.conf")
    assert [oct(path.stat().st_mode & 0o777) for path in secret] == ["0o600"] * 3


def test_redis_url_turns_the_embedded_valkey_off(tmp_path: Path, valkey_url: str):
    product_data = tmp_path / "data"
    command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, "--data", str(product_data)],
        env={**os.environ, "REDIS_URL": valkey_url, "OSKARTRACK_DATA": str(product_data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("READY"):
            process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert any(line.startswith("READY") for line in seen)
    assert not any(line.startswith("valkey") for line in seen)
    assert not (product_data / "valkey").exists()
