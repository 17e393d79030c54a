"""``manage.py export_facts --store SLUG``: a store's facts as sorted lines of JSON."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Store
from tracking.facts import export_facts


class Command(BaseCommand):
    """Print the facts of a store by their natural keys."""

    help = (
        "Print a store's facts (recordings, tracks, events, visits, customers, coverage, sums) as "
        "sorted JSON lines without ids, feed places and bookkeeping times: two equal counts print "
        "equal lines."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", required=True, metavar="SLUG", help="the store's short name")

    def handle(self, *args: Any, **options: Any) -> None:
        store = Store.objects.filter(slug=options["store"]).first()
        if store is None:
            known = ", ".join(Store.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no store '{options['store']}'; there are: {known}.")
        for line in export_facts(store):
            self.stdout.write(line)
