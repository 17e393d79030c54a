"""``manage.py simulate --store SLUG --seed N --days D``: made-up days of a shop, removable."""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone as clock

from accounts.models import Store
from accounts.timezones import validate_timezone
from analytics.simulator import live, sender, service, shop
from tracking.kafka.clients import NoClientError, producer_make
from tracking.management.progress import Bar

# Of whoever sends by the API; a command line is everybody's to read.
PASSWORD = "OSKARTRACK_SIMULATE_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    """Fill a store with made-up people, or take them all out again."""

    help = (
        "Fill a store with made-up people of a seed: the same seed and the same end give the same "
        "events. Weekdays, opening hours, special days, clock changes, stays, queues, "
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
            "--live", action="store_true",
            help="people come from now on, until Ctrl-C or --minutes; the days before stay",
        )  # fmt: skip
        parser.add_argument(
            "--rate", type=float, default=6.0, metavar="R",
            help="with --live: how many come in a minute; default 6",
        )  # fmt: skip
        parser.add_argument(
            "--minutes", type=float, default=60.0, metavar="M",
            help="with --live: for how long at the most; default 60",
        )  # fmt: skip
        parser.add_argument(
            "--to", choices=("http", "kafka"),
            help="with --live: not into the database but as a counter outside sends, by the API's "
            "door or by a topic that OSKARTRACK_KAFKA_IN names for the store",
        )  # fmt: skip
        parser.add_argument(
            "--url", default="http://127.0.0.1:8000", metavar="URL",
            help="with --to http: where the product is; default http://127.0.0.1:8000",
        )  # fmt: skip
        parser.add_argument(
            "--user", default="demo", metavar="NAME",
            help="with --to http: who sends, a manager of the store or an administrator; the "
            f"password stands in {PASSWORD}; default demo",
        )  # fmt: skip
        parser.add_argument(
            "--remove", action="store_true", help="remove everything simulated in the store"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Simulate or remove."""
        slug = options["store"]
        if options["remove"]:
            self.stdout.write(json.dumps({"store": slug} | _remove(slug)))
            return
        try:
            validate_timezone(options["timezone"])
            told = _live(options) if options["live"] else _past(options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except (sender.NotTakenError, NoClientError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(told))


def _remove(slug: str) -> dict[str, Any]:
    """Remove what is simulated; a store for a simulated counter goes whole."""
    store = Store.objects.filter(slug=slug).first()
    if store is None:
        raise CommandError(f"There is no store '{slug}'.")
    whole = sender.told_outside(store)
    removed = service.simulate_remove(store)
    if whole and not removed["removed_store"]:
        store.delete()
        removed["removed_store"] = True
    return removed


def _past(options: dict[str, Any]) -> dict[str, Any]:
    """Simulate days that are over."""
    wanted = _wanted(options)
    store, made = service.store_find(options["store"], options["timezone"])
    bar = Bar("simulating")
    told = service.simulate(store, wanted, now=clock.now(), made=made, tell=bar.show)
    bar.close()
    return told


def _live(options: dict[str, Any]) -> dict[str, Any]:
    """Simulate from now on until the time is over, Ctrl-C or SIGTERM."""
    if not 0 < options["rate"] <= live.MOST_A_MINUTE:
        raise CommandError(f"--rate is a number up to {live.MOST_A_MINUTE:g} a minute.")
    if not 0 < options["minutes"] <= live.LONGEST_MINUTES:
        raise CommandError(f"--minutes is a number up to {live.LONGEST_MINUTES}.")
    pace = live.Pace(_seed(options), options["rate"], options["minutes"])
    store, made = service.store_find(options["store"], options["timezone"])
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    if options["to"]:
        sender.ask_demo(store)
        door = _door(options, store)
        return sender.simulate_out(store, pace, door, now=clock.now, wait=asked.wait)
    return live.simulate_live(store, pace, now=clock.now, wait=asked.wait, made=made)


def _door(options: dict[str, Any], store: Store) -> sender.Send:
    """Return where rows are sent."""
    if options["to"] == "http":
        password = os.environ.get(PASSWORD, "")
        if not password:
            raise CommandError(f"Put the password of '{options['user']}' into {PASSWORD}.")
        return sender.HttpDoor(options["url"], options["user"], password, store)
    topics = [topic for topic, stores in settings.KAFKA.inward.items() if store.slug in stores]
    if not topics:
        raise CommandError(f"OSKARTRACK_KAFKA_IN names no topic for '{store.slug}'.")
    return sender.KafkaDoor(producer_make(settings.KAFKA), topics[0], store)


def _seed(options: dict[str, Any]) -> int:
    seed: int | None = options["seed"]
    return 1 if seed is None else seed


def _wanted(options: dict[str, Any]) -> service.Wanted:
    days = 14 if options["days"] is None else options["days"]
    until = options["until"] or service.floored(clock.now())
    if not 1 <= days <= service.LONGEST_DAYS:
        raise CommandError(f"--days is a number from 1 to {service.LONGEST_DAYS}, got {days}.")
    if not 0 < options["visitors"] <= service.MOST_VISITORS:
        raise CommandError(f"--visitors is a number up to {service.MOST_VISITORS}.")
    if until > clock.now():
        raise CommandError("--until is in the future: nobody has come yet.")
    return service.Wanted(_seed(options), days, until, options["visitors"])


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"'{text}' is no time like 2026-07-01T09:00:00+02:00.") from error
    if instant.tzinfo is None:
        raise CommandError(f"'{text}' lacks its offset, as in {text}+00:00.")
    return instant
