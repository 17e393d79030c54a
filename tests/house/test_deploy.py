"""The compose installation without an engine: its commands, paths and variables are real."""

import http.client
import importlib.util
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins.servers import PostgreSQL, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")
# Read by Celery, NumPy and the images themselves, not by our settings.
FOREIGN_VARIABLES = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}


def example_variables() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def variables_read() -> set[str]:
    sources = [ROOT / "oskartrack/settings.py", *ROOT.glob("oskartrack/supervisor/*.py")]
    found = (
        re.findall(r'(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"', path.read_text())
        for path in sources
    )
    return set().union(*found)


def test_every_variable_is_explained_and_every_explained_one_is_read():
    compose = {name for name, _, _ in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())}
    assert variables_read() | compose == example_variables()


def test_compose_gives_its_services_only_variables_that_are_read():
    for name in OURS:
        assert set(SERVICES[name]["environment"]) - FOREIGN_VARIABLES <= variables_read(), name


# What compose decides itself, or what only `make run` knows.
NOT_COMPOSES = {
    "OSKARTRACK_DEBUG", "OSKARTRACK_DEMO", "OSKARTRACK_DEMO_PASSWORD", "OSKARTRACK_SHARED_CACHE",
    "OSKARTRACK_HASHED_STATIC", "OSKARTRACK_DATA", "OSKARTRACK_METRICS_LOOPBACK",
    "OSKARTRACK_MODELS",
}  # fmt: skip


def test_what_is_set_beside_compose_reaches_its_services():
    """Each container has an environment of its own: what is not passed on is set in vain."""
    for name in OURS:
        assert variables_read() - set(SERVICES[name]["environment"]) == NOT_COMPOSES, name


def test_limits_in_compose_are_the_settings_own():
    defaults = {
        name: value
        for name, sign, value in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())
        if sign == "-"
    }
    from django.conf import settings

    limits = {name for name in defaults if "_MAX_" in name or name.endswith("_BYTES")}
    assert len(limits) == 9
    for name in limits:
        assert int(defaults[name]) == getattr(settings, name.removeprefix("OSKARTRACK_"))


def compose_default(name: str) -> str:
    """Return what compose gives its services where .env says nothing."""
    found = VARIABLE.search(SERVICES["web"]["environment"][name])
    assert found
    return found[3]


def test_everything_the_image_copies_exists_and_reaches_the_build():
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    for source in (part for parts in copied for part in parts.split()):
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in let_in, source


def test_the_image_holds_every_room():
    from django.apps import apps

    rooms = {Path(app.path).relative_to(ROOT).parts[0] for app in apps.get_app_configs()
             if Path(app.path).is_relative_to(ROOT) and ".venv" not in app.path}  # fmt: skip
    image = (ROOT / "Dockerfile").read_text()
    for folder in rooms | {"templates", "static"}:
        assert f"COPY {folder} {folder}\n" in image


def test_the_bind_mounts_exist():
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file(), mount


def test_the_services_believe_as_many_proxies_as_stand_before_them():
    # nginx adds its caller to the end of the list, so one entry from the right is the caller.
    assert compose_default("OSKARTRACK_PROXIES") == "1"
    headers = re.findall(r"X-Forwarded-For (\S+);", (ROOT / "deploy/nginx.conf").read_text())
    assert headers == ["$proxy_add_x_forwarded_for"]


def test_nginx_knows_the_services_by_name_and_port():
    targets = re.findall(r"http://(\w+):(\d+)", (ROOT / "deploy/nginx.conf").read_text())
    assert dict(targets) == {"sockets": "8001", "web": "8000"}
    for name, port in targets:
        assert port in SERVICES[name]["command"]
        assert SERVICES[name]["healthcheck"]["test"][-1] == port


def test_database_and_redis_are_where_the_services_look_for_them():
    environment = SERVICES["web"]["environment"]
    assert (
        "@postgresql:5432/" + SERVICES["postgresql"]["environment"]["POSTGRES_DB"]
        in (environment["DATABASE_URL"])
    )
    assert "@redis:6379/" in environment["REDIS_URL"]
    assert {"postgresql", "redis"} <= SERVICES.keys()


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_runs_is_installed(name: str):
    program, *arguments = shlex.split(SERVICES[name]["command"])
    assert (BIN / program).exists()
    for argument in arguments:
        if found := re.fullmatch(r"([a-z][\w.]*):([a-z]\w*)", argument):
            assert hasattr(importlib.import_module(found[1]), found[2])
        elif argument.startswith("oskartrack."):
            assert importlib.util.find_spec(argument)
        elif argument.endswith(".py"):
            assert (ROOT / argument).is_file()


class Installation:
    """The services' own commands, started on loopback with real PostgreSQL and Valkey."""

    def __init__(self, folder: Path, database: str, valkey: str) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "OSKARTRACK_ENV": "production",
            "OSKARTRACK_DATA": str(folder),
            "OSKARTRACK_SECRET_KEY": secrets.token_urlsafe(64),
            "OSKARTRACK_JWT_KEY": secrets.token_urlsafe(64),
            "OSKARTRACK_CAMERA_KEY": secrets.token_urlsafe(64),
            "OSKARTRACK_HOSTS": "shop.example",
            "OSKARTRACK_PROXIES": compose_default("OSKARTRACK_PROXIES"),
            "DATABASE_URL": database,
            "REDIS_URL": valkey,
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        }

    def command(self, service: str, **replace: str) -> list[str]:
        text = SERVICES[service]["command"]
        for old, new in {"0.0.0.0": "127.0.0.1", "/tmp": str(self.folder), **replace}.items():
            text = text.replace(old, new)
        program, *arguments = shlex.split(text)
        return [str(BIN / program), *arguments]

    def run(self, service: str) -> str:
        done = subprocess.run(
            self.command(service),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def running(self, service: str, says: str = "", **replace: str) -> Iterator[Path]:
        log = self.folder / f"{service}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(service, **replace),
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + 60
            while says not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield log
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
            process.wait(20)

    def healthy(self, port: int) -> bool:
        deadline = time.monotonic() + 60
        check = [sys.executable, "deploy/healthy.py", str(port)]
        while time.monotonic() < deadline:
            done = subprocess.run(
                check, cwd=ROOT, env=self.environment, capture_output=True, check=False
            )
            if done.returncode == 0:
                return True
            time.sleep(0.2)
        return False


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL, valkey_url: str
) -> Installation:
    made = Installation(
        tmp_path_factory.mktemp("installation"), postgresql.new_database(), valkey_url
    )
    assert "Applying" in made.run("migrate")
    assert "static file" in made.run("static")
    return made


@pytest.mark.slow
def test_the_web_and_sockets_services_answer_for_their_host_alone(installation: Installation):
    web, sockets = str(free_port()), str(free_port())
    with (
        installation.running("web", **{"8000": web}),
        installation.running("sockets", **{"8001": sockets}),
    ):
        for port in (web, sockets):
            assert installation.healthy(int(port))
            strange = urllib.request.Request(
                f"http://127.0.0.1:{port}/healthz", headers={"Host": "elsewhere.example"}
            )
            with pytest.raises(urllib.error.HTTPError, match="400") as refused:
                urllib.request.urlopen(strange, timeout=10)
            refused.value.close()


def tries_answered(port: int, **sender: Any) -> int:
    """Send one wrong log-in and return the answer's status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, **sender.pop("of", {}))
    headers = {"Host": "shop.example", "X-Forwarded-Proto": "https", **sender}
    headers |= {"Content-Type": "application/json"}
    body = '{"username": "alice", "password": "a wrong one"}'
    connection.request("POST", "/api/v1/auth/token/", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.slow
def test_who_tries_passwords_shuts_the_door_for_himself_alone(installation: Installation):
    web = free_port()
    with installation.running("web", **{"8000": str(web)}):
        assert installation.healthy(web)

        # As nginx passes them on: whatever the caller made up first, then the caller.
        def tried(caller: str, number: int = 0) -> int:
            return tries_answered(web, **{"X-Forwarded-For": f"10.9.8.{number}, {caller}"})

        assert [tried("203.0.113.7", n) for n in range(6)] == [401] * 5 + [429]
        assert tried("203.0.113.8") == 401


@pytest.mark.slow
def test_the_worker_service_becomes_ready(installation: Installation):
    with installation.running("worker", says=" ready."):
        pass


@pytest.mark.slow
def test_the_beat_service_keeps_running_and_writes_its_schedule(installation: Installation):
    with installation.running("beat"):
        deadline = time.monotonic() + 30
        while not list(installation.folder.glob("beat-schedule*")):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx on PATH")
def test_nginx_passes_pages_static_files_and_sockets_on(installation: Installation, tmp_path: Path):
    door, web, sockets = free_port(), free_port(), free_port()
    with (
        installation.running("web", **{"8000": str(web)}),
        installation.running("sockets", **{"8001": str(sockets)}),
        nginx(installation, tmp_path, door, web, sockets),
    ):
        assert installation.healthy(web)
        assert installation.healthy(sockets)
        assert installation.healthy(door)
        (style,) = (installation.folder / "static/vendor/tabler").glob("tabler.min.*.css")
        url = f"http://127.0.0.1:{door}/static/vendor/tabler/{style.name}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == style.read_bytes()
            assert "max-age=315360000" in answer.headers["Cache-Control"]
        tries = [tries_answered(door, of={"source_address": ("127.0.0.2", 0)}) for _ in range(6)]
        assert tries == [401] * 5 + [429]
        assert tries_answered(door, of={"source_address": ("127.0.0.3", 0)}) == 401
        # The sockets service takes it up, and closes it for want of a log-in; a page would be 404.
        assert b" 101 " in handshake(door, f"/ws/stores/{uuid.uuid4()}/")
        assert "/ws/" not in (installation.folder / "web.log").read_text()


@contextmanager
def nginx(
    installation: Installation, folder: Path, door: int, web: int, sockets: int
) -> Iterator[None]:
    text = (ROOT / "deploy/nginx.conf").read_text()
    for old, new in {
        "listen 80;": f"listen 127.0.0.1:{door};",
        "http://web:8000": f"http://127.0.0.1:{web}",
        "http://sockets:8001": f"http://127.0.0.1:{sockets}",
        "/data/static/": f"{installation.folder}/static/",
        "include /etc/nginx/mime.types;": "types { text/css css; }",
        "worker_processes auto;": "user root; daemon off; pid nginx.pid; worker_processes 1;",
        "http {": "http {" + "".join(
            f" {kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }.items():  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    if os.geteuid() != 0:
        text = text.replace("user root; ", "")
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen(
        ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    )
    try:
        yield
        assert process.poll() is None, (folder / "error.log").read_text()
    finally:
        process.terminate()
        process.wait(10)


def handshake(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nOrigin: https://shop.example\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        return connection.recv(4096)
