"""``manage.py simulate --store SLUG --seed N --days D``: made-up days of a shop, removable."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone as clock

from accounts.models import Store
from accounts.timezones import validate_timezone
from analytics.simulator import service, shop
from tracking.management.progress import Bar


class Command(BaseCommand):
    """Fill a store with made-up people, or take them all out again."""

    help = (
        "Fill a store with made-up people of a seed: the same seed and the same end give the same "
        "events. Weekdays, hours, opening hours, days on which the clocks change, stays, queues, "
        "staff, gaps of the camera. All of it is labelled demo data and goes with --remove; asked "
        "again, it is brought to what was asked last. A store that is missing is made. Prints one "
        "line of JSON."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the store and the world."""
        parser.add_argument("--store", required=True, metavar="SLUG", help="the store's short name")
        parser.add_argument("--seed", type=int, metavar="N", help="names the world; default 1")
        parser.add_argument(
            "--days", type=int, metavar="D", help="business days, the last one included; default 14"
        )
        parser.add_argument(
            "--until", type=_instant, metavar="ISO",
            help="nothing of this instant and later, as 2026-07-01T09:00:00+02:00; default the "
            "last full five minutes",
        )  # fmt: skip
        parser.add_argument(
            "--visitors", type=float, default=service.VISITORS, metavar="V",
            help=f"who come in on an average day; default {service.VISITORS:g}",
        )  # fmt: skip
        parser.add_argument(
            "--timezone", default=shop.TIMEZONE, metavar="ZONE",
            help=f"of a store that is made; default {shop.TIMEZONE}",
        )  # fmt: skip
        parser.add_argument(
            "--remove", action="store_true", help="remove everything simulated in the store"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Simulate or remove."""
        slug = options["store"]
        if options["remove"]:
            store = Store.objects.filter(slug=slug).first()
            if store is None:
                raise CommandError(f"There is no store '{slug}'.")
            self.stdout.write(json.dumps({"store": slug} | service.simulate_remove(store)))
            return
        wanted = _wanted(options)
        bar = Bar("simulating")
        try:
            validate_timezone(options["timezone"])
            store, made = service.store_find(slug, options["timezone"])
            told = service.simulate(store, wanted, now=clock.now(), made=made, tell=bar.show)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        bar.close()
        self.stdout.write(json.dumps(told))


def _wanted(options: dict[str, Any]) -> service.Wanted:
    days = 14 if options["days"] is None else options["days"]
    seed = 1 if options["seed"] is None else options["seed"]
    until = options["until"] or service.floored(clock.now())
    if not 1 <= days <= service.LONGEST_DAYS:
        raise CommandError(f"--days is a number from 1 to {service.LONGEST_DAYS}, got {days}.")
    if not 0 < options["visitors"] <= service.MOST_VISITORS:
        raise CommandError(f"--visitors is a number up to {service.MOST_VISITORS}.")
    if until > clock.now():
        raise CommandError("--until is in the future: nobody has come yet.")
    return service.Wanted(seed, days, until, options["visitors"])


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"'{text}' is no time like 2026-07-01T09:00:00+02:00.") from error
    if instant.tzinfo is None:
        raise CommandError(f"'{text}' lacks its offset, as in {text}+00:00.")
    return instant
