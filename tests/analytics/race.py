"""Run by `test_snapshot_race`: a writer and a reader on one database, in a process of their own.

Prints how many snapshots were taken and how many distinct ones; exits 1 at the first that does not
fit its own sequence.
"""

from __future__ import annotations

import json
import sys
import threading

import django
from django.apps import apps

if not apps.ready:  # under pytest they are; in a process of its own this comes first
    django.setup()

from django.core.management import call_command
from django.db import connection

from accounts.models import Store
from analytics.api import live_snapshot
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.cast import make_store
from tracking.selectors import feed_after, one_view

SLICES, STEPS = 60, 4


def write(store: Store, done: threading.Event) -> None:
    """Commit slices of steps, each step being two events."""
    facts = make_facts(make_shop(store))
    facts.seen(0, 3600)
    try:
        for _ in range(SLICES):
            for second in range(STEPS):
                facts.step(second)
            facts.commit()
    finally:
        done.set()
        connection.close()


def main() -> int:
    call_command("migrate", verbosity=0)
    store = make_store()
    done = threading.Event()
    writer = threading.Thread(target=write, args=(store, done))
    writer.start()
    known: list[int] = []
    taken = 0
    places: set[int] = set()
    while True:
        last = done.is_set()
        with one_view():
            told = live_snapshot(store, NINE_UTC.replace(hour=9))
        seq, entries = told["as_of_seq"], told["today"]["entries"] or 0
        taken += 1
        places.add(seq)
        inside = told["occupancy"]["now"]
        if not (seq == 2 * entries == 2 * (inside or 0)) and seq:
            sys.stderr.write(f"as of {seq}: {entries} entries, {inside} inside\n")
            return 1
        _, events, _ = feed_after(store, known[-1] if known else 0, 500)
        known += [event.seq or 0 for event in events]
        if last and len(known) >= 2 * SLICES * STEPS:
            break
    writer.join()
    sys.stdout.write(json.dumps({"snapshots": taken, "distinct": len(places), "events": known}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
