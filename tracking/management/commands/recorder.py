"""Follows the cameras until it is stopped; or takes a first look at one."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tracking.cameras import PROBE_S
from tracking.recorder.probing import look
from tracking.recorder.service import Service
from zones.sources import Source


class Command(BaseCommand):
    help = (
        "Follow every camera that has an address, until Ctrl-C or SIGTERM. `manage.py up` starts "
        "it by itself. A second one waits until the first lets go of its cameras."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--probe",
            action="store_true",
            help="read one source as JSON from standard input and say what it sends",
        )

    def handle(self, *, probe: bool, **options: Any) -> None:
        if probe:
            self.stdout.write(json.dumps(look(Source(**json.load(sys.stdin)), PROBE_S)))
            self.stdout.flush()
            os._exit(0)  # a library may still wait for a camera that never answers
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        Service(stop).run()
