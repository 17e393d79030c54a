"""Runs the whole product in one terminal on embedded defaults."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError

from oskartrack.supervisor import Failed, Job, Stopped, Supervisor
from oskartrack.supervisor.parts import HOST, HealthProbe, Valkey, demo_password, listen, locked
from tracking.vision.detectors.model_files import FETCH_NANODET, WITHOUT_NANODET, has_nanodet

READY_TIMEOUT_S = 240.0
VALKEY_TIMEOUT_S = 30.0
# One process a core: libraries that start threads of their own would only fight for it.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Command(BaseCommand):
    help = (
        "Run the whole product in this terminal: web, workers, scheduler, recorder, Valkey. "
        "Ctrl-C ends it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="loopback port, default 8000; 0 takes a free one"
        )
        parser.add_argument(
            "--data", type=Path, default=settings.DATA_DIR, help="folder for all data, default var/"
        )
        parser.add_argument(
            "--no-demo", action="store_true", help="without the demo store on the first start"
        )

    def handle(self, *, port: int, data: Path, no_demo: bool, **options: Any) -> None:
        data = data.resolve()
        try:
            data.mkdir(parents=True, exist_ok=True)
            with Supervisor(sys.stdout) as supervisor:
                self.supervise(
                    supervisor, port, data, demo=settings.OSKARTRACK_DEMO and not no_demo
                )
        except Stopped:
            self.stdout.write("Stopped. No process is left.")
        except (Failed, OSError) as error:
            raise CommandError(str(error)) from None

    def supervise(self, supervisor: Supervisor, port: int, data: Path, *, demo: bool) -> None:
        """Start everything in order and watch it until somebody asks for the end."""
        with locked(data) as note, listen(port) as listener:
            port = listener.getsockname()[1]
            print(f"process {os.getpid()}, http://{HOST}:{port}", file=note, flush=True)
            os.environ.update(environment(data))
            start_valkey(supervisor, data)
            supervisor.finish(
                Job("migrate", manage("migrate", "--no-input", "-v", "0"), keep=False)
            )
            if demo:
                os.environ["OSKARTRACK_DEMO_PASSWORD"] = demo_password(data)
                supervisor.finish(Job("demo", manage("demo_account"), keep=False))
            for job in jobs(data, listener.fileno()):
                supervisor.start(job)
            supervisor.until(HealthProbe(port).healthy, timeout_s=READY_TIMEOUT_S)
            if not has_nanodet(settings.MODELS_DIR):
                supervisor.say_plainly(f"{WITHOUT_NANODET} {FETCH_NANODET}")
            self.tell_ready(supervisor, port, data, demo=demo)
            if demo and "demo" in get_commands():
                supervisor.start(Job("demo", manage("demo"), keep=False))
            supervisor.until(lambda: False)

    def tell_ready(self, supervisor: Supervisor, port: int, data: Path, *, demo: bool) -> None:
        """Write the line that people and scripts wait for, and how to get in."""
        supervisor.ready = True
        supervisor.say_plainly(f"READY http://{HOST}:{port}")
        if demo:
            password = os.environ["OSKARTRACK_DEMO_PASSWORD"]
            supervisor.say_plainly(f"Log in as demo with the password {password}")


def environment(data: Path) -> dict[str, str]:
    """Return what every process of this installation is told."""
    for folder in (data / "static", settings.BASE_DIR / "var" / "generated"):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "OSKARTRACK_DATA": str(data),
        "PYTHONUNBUFFERED": "1",
        # Celery's advice against root is about pickled tasks; ours are JSON with one id.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        **ONE_THREAD,
    }


def start_valkey(supervisor: Supervisor, data: Path) -> None:
    """Start the embedded Valkey, unless REDIS_URL names a server to use."""
    if os.environ.get("REDIS_URL"):
        return
    valkey = Valkey(data)
    os.environ["REDIS_URL"] = valkey.url
    supervisor.start(valkey.job())
    supervisor.until(valkey.answers, timeout_s=VALKEY_TIMEOUT_S)


def jobs(data: Path, listener: int) -> list[Job]:
    """Return the processes that run for ever: web, workers, scheduler, recorder, Kafka's.

    There is one worker a core. Workers are solo: the task runs in the worker's own process, so a
    kill leaves no pool child behind and the kernel's parent-death signal reaches the one process
    there is.
    """
    celery = python("celery", "--quiet", "-A", "oskartrack")
    quiet = ("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat")
    web = python("oskartrack.daphne_server", "--fd", str(listener))
    schedule = ("--schedule", str(data / "beat-schedule"), "--pidfile", "")
    return [
        Job("web", web, descriptors=(listener,)),
        *(
            Job(f"worker {n}", [*celery, "worker", "--pool", "solo", "-n", f"worker{n}@%h", *quiet])
            for n in range(1, settings.WORKERS + 1)
        ),
        Job("beat", [*celery, "beat", "--loglevel", "WARNING", *schedule]),
        Job("recorder", manage("recorder")),
        *([Job("kafka", manage("kafka"))] if settings.KAFKA.on else []),
    ]


def python(*arguments: str) -> list[str]:
    """Return the command that runs a module of this environment."""
    return [sys.executable, "-m", *arguments]


def manage(*arguments: str) -> list[str]:
    """Return the command that runs a management command."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
