"""A way to a server that breaks: for tests of who goes through it."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Passes connections on to a server on this machine, cuts them, and loses answers."""

    def __init__(self, server: str) -> None:
        place = urlsplit(server)
        assert place.hostname and place.port
        self._server = (place.hostname, place.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        # So many answers are taken from the server and not passed on.
        self.loses = 0
        self.lost = self.cuts = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End every connection there is, in the middle of whatever it carries."""
        with self._lock:
            going, self._open = self._open, set()
        for one in going:
            _end(one)
        self.cuts += bool(going)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        """Begin to pass on; where the server takes nobody now, that client alone is turned away."""
        try:
            server = socket.create_connection(self._server)
        except OSError:
            _end(client)
            return
        with self._lock:
            self._open |= {client, server}
        for start, end, passes in (
            (client, server, lambda: True),
            (server, client, self._passes),
        ):
            threading.Thread(target=self._carry, args=(start, end, passes), daemon=True).start()

    def _passes(self) -> bool:
        with self._lock:
            if not self.loses:
                return True
            self.loses -= 1
            self.lost += 1
            return False

    def _carry(self, start: socket.socket, end: socket.socket, passes: Callable[[], bool]) -> None:
        with contextlib.suppress(OSError):
            while data := start.recv(65_536):
                if not passes():
                    break
                end.sendall(data)
        _end(start)
        _end(end)
        with self._lock:
            self._open -= {start, end}


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
