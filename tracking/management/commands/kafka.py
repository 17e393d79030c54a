"""Carries events between Kafka and the stores until it is stopped."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracking.kafka.bridge import Bridge

NOT_SET_UP = "There is no Kafka to speak with: set OSKARTRACK_KAFKA, as .env.example says."


class Command(BaseCommand):
    help = (
        "Take what counters tell by Kafka and write the feeds of stores to it, until Ctrl-C or "
        "SIGTERM. `manage.py up` starts it by itself where OSKARTRACK_KAFKA names brokers."
    )

    def handle(self, **options: Any) -> None:
        if not settings.KAFKA.on:
            raise CommandError(NOT_SET_UP)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        Bridge(settings.KAFKA, stop).run()
