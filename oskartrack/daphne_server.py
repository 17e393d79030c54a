"""The web process: Daphne behind the guard that refuses large, unsized and slow requests.

``python -m oskartrack.daphne_server --port 8000 --host 127.0.0.1``, or ``--fd N`` for a socket that
listens already (the supervisor's). Plain ``daphne`` serves the same application without the guard
and must not face a network.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from typing import TextIO

from tracking.guard import GuardedServer, Limits  # first: it installs the reactor

# A hint is small and a browser sends none larger; the default is 1 MiB.
SOCKET_MESSAGE_BYTES = 64 * 1024
# A socket is opened anew after so long, by a person who still may.
SOCKET_LIFE_S = 12 * 3600
SOCKET_HANDSHAKE_S = 5
SOCKET_ACCEPT_S = 20
# Silence for so long is asked about; a client that does not answer within the other is gone.
PING_EVERY_S = 20
PING_ANSWER_S = 30
# Above the time that checking one file may take.
ANSWER_S = 300
# Of the database, of Valkey, of what is sent and of what is being written.
FILES_BESIDE = 1024
# Daphne's 8 KiB make a thousand pieces of one part.
BODY_PIECE_BYTES = 64 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit status."""
    options = parser().parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oskartrack.settings")
    from daphne.access import AccessLogGenerator
    from daphne.endpoints import build_endpoint_description_strings
    from django.conf import settings

    from oskartrack.asgi import application

    if options.fd is None:
        endpoints = build_endpoint_description_strings(host=options.host, port=options.port)
    else:
        endpoints = build_endpoint_description_strings(file_descriptor=options.fd)
    log: TextIO | None = options.access_log
    limits = Limits(body_bytes=settings.MAX_BODY_BYTES)
    allow_files(limits.connections + FILES_BESIDE)
    server = GuardedServer(
        application=application,
        endpoints=endpoints,
        limits=limits,
        http_timeout=ANSWER_S,
        request_buffer_size=BODY_PIECE_BYTES,
        websocket_max_message_size=SOCKET_MESSAGE_BYTES,
        websocket_max_frame_size=SOCKET_MESSAGE_BYTES,
        websocket_timeout=SOCKET_LIFE_S,
        websocket_handshake_timeout=SOCKET_HANDSHAKE_S,
        websocket_connect_timeout=SOCKET_ACCEPT_S,
        ping_interval=PING_EVERY_S,
        ping_timeout=PING_ANSWER_S,
        action_logger=AccessLogGenerator(log) if log else None,
        server_name="oskartrack",
    )
    server.run()
    return 1 if server.abort_start else 0


def allow_files(wanted: int) -> None:
    """Let this process have so many files open, as far as the machine's limit goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def parser() -> argparse.ArgumentParser:
    """Return the command line's rules."""
    rules = argparse.ArgumentParser(prog="python -m oskartrack.daphne_server", description=__doc__)
    rules.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    rules.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    rules.add_argument("--fd", type=int, help="descriptor of a socket that listens already")
    rules.add_argument(
        "--access-log", type=argparse.FileType("a", bufsize=1), help="file for a line a request"
    )
    return rules


if __name__ == "__main__":
    sys.exit(main())
