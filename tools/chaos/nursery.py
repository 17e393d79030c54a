"""Processes of the installation, forked from one that has loaded everything.

A killed worker that starts from nothing spends seconds of a core on loading its libraries, and two
hundred of them would spend ten minutes. These are real processes with connections of their own;
they have the loading behind them. ``python -m tools.chaos.nursery`` reads a line of JSON for each
process to start and answers with its id.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402

from oskartrack.celery import app  # noqa: E402
from tests.plugins.servers import die_with_parent  # noqa: E402
from tools.chaos import hooks  # noqa: E402

QUIET = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")


def main() -> None:
    """Start what is asked for until nobody asks any more."""
    app.loader.import_default_modules()
    if importlib.util.find_spec("tracking.sandbox"):  # which lock decoders get is found out once
        importlib.import_module("tracking.sandbox").kind()
    signal.signal(signal.SIGCHLD, _bury)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"pid": _start(json.loads(line))}), flush=True)


def _start(wish: dict[str, Any]) -> int:
    connections.close_all()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _become(wish)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


def _become(wish: dict[str, Any]) -> None:
    """Be a worker, a scheduler or the web process, in a session of one's own."""
    die_with_parent()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with Path(wish["log"]).open("ab") as log:
        for standard in (1, 2):
            os.dup2(log.fileno(), standard)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.update(wish["environment"])
    hooks.apply()
    name, folder = wish["name"], Path(wish["log"]).parent
    if wish["kind"] == "worker":
        app.worker_main(["worker", "--pool", "solo", "-n", f"{name}@%h", *QUIET])
    elif wish["kind"] == "beat":
        schedule = str(folder / f"schedule-{name}")
        app.start(["beat", "--loglevel", "WARNING", "--schedule", schedule, "--pidfile", ""])
    else:  # loaded here: its event loop must not be shared
        web = importlib.import_module("oskartrack.daphne_server")
        web.main(["--port", str(wish["port"])])


def _bury(*_: object) -> None:
    """Take note of every child that has ended."""
    while True:
        try:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                return
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
