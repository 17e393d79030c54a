"""Compute buckets and summaries afresh from the facts and compare, or replace the stored ones."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from accounts.models import Store
from analytics.rebuild import check, rewrite
from tracking.management.progress import Bar

NAMED_AT_MOST = 50


class Command(BaseCommand):
    """`rebuild_rollups --check` prints ``0 rows differ of N`` and exits 1 when some do."""

    help = (
        "Computes the five-minute buckets and the summaries afresh from events, visits and "
        "coverage. With --check it compares them with the stored ones and exits 1 when a row "
        "differs; without, it replaces the stored ones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --check and --store."""
        parser.add_argument("--check", action="store_true", help="compare, change nothing")
        parser.add_argument("--store", metavar="SLUG", help="this store only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare or rewrite store by store; the closing line tells how many rows differ."""
        work = check if options["check"] else rewrite
        rows = wrong = 0
        named: list[str] = []
        for store in self._stores(options["store"]):
            bar = Bar(store.slug)
            result = work(store, bar.show)
            bar.close()
            rows, wrong = rows + result.rows, wrong + result.wrong
            named += [f"{store.slug}: {line}" for line in result.differing]
        for line in named[:NAMED_AT_MOST]:
            self.stdout.write(line)
        if wrong > NAMED_AT_MOST:
            self.stdout.write(f"... and {wrong - NAMED_AT_MOST} more")
        verb = "differ" if options["check"] else "rewritten"
        self.stdout.write(f"{wrong} rows {verb} of {rows}")
        if wrong and options["check"]:
            sys.exit(1)

    def _stores(self, slug: str | None) -> QuerySet[Store]:
        stores = Store.objects.order_by("pk")
        if slug is None:
            return stores
        if not stores.filter(slug=slug).exists():
            raise CommandError(f"There is no store '{slug}'.")
        return stores.filter(slug=slug)
