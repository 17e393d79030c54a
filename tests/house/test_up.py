"""`manage.py up` with real processes: it becomes ready, and says what to do when it cannot.

How it ends is in `test_kill_modes`.
"""

import time
import urllib.request
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.product import Product

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Start = Callable[..., Product]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start, None, None]:
    """Start products that the test's end kills, whatever the test did."""
    started = []

    def start_one(*arguments: str, data: Path = tmp_path / "data", **options: Any) -> Product:
        started.append(Product(data, *arguments, log=tmp_path / "up.log", **options))
        return started[-1]

    yield start_one
    for product in started:
        if product.data == tmp_path / "data":  # not the one that all tests share
            for process in product.processes():
                process.kill()
        product.process.kill()
        product.process.wait()


def names_of_processes_left(product: Product, timeout_s: float = 20) -> list[list[str]]:
    deadline = time.monotonic() + timeout_s
    while (left := product.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [process.cmdline() for process in left]


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status


def test_a_killed_process_is_started_again_and_said_so(start: Start):
    product = start("--no-demo").ready()
    (web,) = [p for p in product.processes() if "oskartrack.daphne_server" in p.cmdline()]
    web.kill()
    product.wait_for(r"web ended \(killed by SIGKILL\); it starts again in 1 s\.")
    assert status_of(f"{product.url}/healthz") == 200  # waits in the queue, is not refused
    (again,) = [p for p in product.processes() if "oskartrack.daphne_server" in p.cmdline()]
    assert again.pid != web.pid


def test_a_second_start_on_the_same_data_says_where_the_first_one_is(
    product: Product, start: Start
):
    second = start("--no-demo", data=product.data)
    assert second.process.wait(30) == 1
    where = f"process {product.process.pid}, {product.url}"
    assert f"already runs on {product.data} ({where})" in second.text
    assert "--data" in second.text
    assert product.process.poll() is None


def test_a_busy_port_is_named_with_the_way_out(product: Product, start: Start):
    port = int(product.url.rsplit(":", 1)[1])
    second = start("--no-demo", port=port)
    assert second.process.wait(30) == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in second.text
    assert f"make run PORT={port + 1}" in second.text
    assert names_of_processes_left(second) == []


WITHOUT_NANODET = (
    "NanoDet is not on this machine: HOG finds people, fewer of them. “make model” fetches it."
)


def test_a_start_without_nanodet_says_so_with_the_way_out_before_it_is_ready(product: Product):
    before = product.text.partition("READY")[0]
    assert WITHOUT_NANODET in before.splitlines()


def test_secrets_are_readable_by_their_owner_alone(product: Product):
    secret = [product.data / "secret" / name for name in ("web", "jwt")]
    secret.append(product.data / "valkey" / "valkey.conf")
    assert [oct(path.stat().st_mode & 0o777) for path in secret] == ["0o600"] * 3


def test_the_demo_account_logs_in_with_the_printed_password(start: Start):
    product = start().ready()
    password = product.wait_for(r"Log in as demo with the password (.+)")
    check = (
        "from django.contrib.auth import authenticate; "
        f"print(authenticate(username='demo', password={password!r}))"
    )
    assert product.manage("shell", "--no-imports", "-c", check).strip() == "demo"


def test_redis_url_turns_the_embedded_valkey_off_and_with_nanodet_nothing_is_said_of_it(
    valkey_url: str, start: Start, tmp_path: Path
):
    (tmp_path / "nanodet.onnx").touch()
    models = {"OSKARTRACK_MODELS": str(tmp_path)}
    product = start("--no-demo", REDIS_URL=valkey_url, **models).ready()
    assert "NanoDet" not in product.text
    assert "valkey   |" not in product.text
    assert not (product.data / "valkey").exists()
