"""Verify business days now and keep what was found, as every night does."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Store
from analytics.fresh import reach_of
from analytics.proof import verify_day
from analytics.rebuild import days_of
from tracking.management.progress import Bar


class Command(BaseCommand):
    """`verify_rollups` prints ``0 rows differ of N`` last and exits 1 when some do."""

    help = (
        "Computes each business day's buckets and summaries afresh from the events, compares them "
        "with the stored ones and keeps the result, which the pages show."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --store, --from and --to."""
        parser.add_argument("--store", metavar="SLUG", help="this store only")
        parser.add_argument("--from", dest="first", type=_day, default=date.min, metavar="DAY")
        parser.add_argument("--to", dest="last", type=_day, default=date.max, metavar="DAY")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify store by store, day by day; name what differs."""
        stores = Store.objects.order_by("pk")
        if slug := options["store"]:
            stores = stores.filter(slug=slug)
            if not stores.exists():
                raise CommandError(f"There is no store '{slug}'.")
        done = rows = wrong = 0
        for store in stores:
            wanted = [day for day in days_of(store) if options["first"] <= day <= options["last"]]
            bar, reach = Bar(store.slug), reach_of(store)
            for number, day in enumerate(wanted, start=1):
                found = verify_day(store, day, reach)
                done, rows, wrong = done + 1, rows + found.rows, wrong + found.differing
                for line in found.named:
                    self.stdout.write(f"{store.slug}: {line}")
                bar.show(number / len(wanted))
            bar.close()
        self.stdout.write(f"{done} days verified, {wrong} rows differ of {rows}")
        if wrong:
            sys.exit(1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no day; write it like 2026-06-02") from None
