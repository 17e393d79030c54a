"""Compares the stored files with the rows that name them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone as clock

from tracking import reconcile


class Command(BaseCommand):
    help = (
        "Report files without rows and rows without files. With --delete, put right what an "
        "earlier run reported at least 24 hours ago, but never more than half of all there is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--delete", action="store_true", help="put right what has been so for a day"
        )

    def handle(self, *, delete: bool, **options: Any) -> None:
        found = reconcile.reconcile(now=clock.now(), delete=delete)
        for line in reconcile.lines(found):
            self.stdout.write(line)
        if found.refused:
            raise CommandError("Nothing was put right.")
