"""``manage.py demo``: the demo store with a rendered scene, ready to be counted."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracking import demo, tasks
from tracking.management.progress import Bar
from tracking.problems import Problem


class Command(BaseCommand):
    """Make or remove the demo store."""

    help = (
        "Make the demo store: a camera with zones and a line, a rendered scene that ends now and "
        "is counted by the workers, two weeks of simulated days before it, and the account 'demo' "
        "to see it all with. Labelled as demo data everywhere; --remove takes all of it away."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove", action="store_true", help="remove the demo store and all that is in it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.stdout.write(json.dumps({"removed_recordings": demo.demo_remove()}))
            return
        bar = Bar("rendering")
        try:
            recording, made = demo.demo_make(bar.show)
        except Problem as problem:
            raise CommandError(str(problem.detail)) from problem
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        bar.close()
        tasks.ring(recording.pk)
        bar = Bar("simulating the days before")
        demo.demo_past(recording, bar.show)
        bar.close()
        self.stdout.write(json.dumps(demo.summary(recording) | {"made": made}))
