"""Events into the ledger while two other processes write: how fast, how often locked.

`python -m tools.bench.busy_writers EVENTS` prints one line of JSON. `... writer SLUG` is one of the
others: small transactions of events for another store until its input ends, then how many went in
and how many were refused because the database was locked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import timedelta
from threading import Event, Thread

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection, transaction  # noqa: E402

from accounts.models import Store  # noqa: E402
from analytics.simulator.service import store_find  # noqa: E402
from tools.bench.ingest_race import events  # noqa: E402
from tracking import ledger  # noqa: E402
from tracking.bulk import insert_rows  # noqa: E402
from tracking.models import TrackingEvent  # noqa: E402

WRITERS, AT_ONCE = 2, 2000
A_WRITE, PAUSE_S = 20, 0.02


def main(wanted: int) -> dict[str, float]:
    """Return events a second, by the clock and of a core, and how many writes were refused.

    What is timed is all that happens to an event that is there as an object: it gets its place in
    the feed, goes in, and is added to the sums.
    """
    call_command("migrate", verbosity=0)
    others = [store_find(f"writer-{number}", "UTC")[0] for number in range(WRITERS)]
    store, _ = store_find("bench", "Europe/Berlin")
    prepared = events(store.cameras.get(), "main", wanted, apart=timedelta(seconds=1))
    command = [sys.executable, "-m", "tools.bench.busy_writers", "writer"]
    busy = [
        subprocess.Popen([*command, other.slug], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for other in others
    ]
    for each in busy:
        assert each.stdout is not None
        each.stdout.readline()  # it has begun
    began, began_cpu, locked = time.perf_counter(), time.process_time(), 0
    for start in range(0, wanted, AT_ONCE):
        locked += not told(store, prepared[start : start + AT_ONCE])
    took_s, took_cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    answers = [json.loads(each.communicate()[0]) for each in busy]
    return {
        "events_a_second": wanted / took_s,
        "events_a_core_second": wanted / took_cpu_s,
        "writes": sum(each["writes"] for each in answers),
        "locked": locked + sum(each["locked"] for each in answers),
    }


def told(store: Store, some: list[TrackingEvent]) -> bool:
    """Write events in one transaction, with their places and their sums; False when locked out."""
    try:
        with transaction.atomic():
            for seq, event in enumerate(some, start=ledger.take_sequence(store, len(some))):
                event.seq = seq
            insert_rows(some)
            ledger.feed(ledger.LedgerBatch(store, some, [], [], sign=1))
    except OperationalError:
        return False
    return True


def write(slug: str) -> dict[str, int]:
    """Write small transactions until the input ends."""
    store = store_find(slug, "UTC")[0]
    camera = store.cameras.get()
    over = Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    Thread(target=listen, daemon=True).start()
    done = {"writes": 0, "locked": 0}
    print("begun", flush=True)
    while not over.wait(PAUSE_S):
        some = events(camera, f"{slug}/{done['writes']}", A_WRITE)
        if told(store, some):
            done["writes"] += 1
        else:
            done["locked"] += 1
    return done


if __name__ == "__main__":
    if sys.argv[1] == "writer":
        print(json.dumps(write(sys.argv[2])))
    else:
        print(json.dumps(main(int(sys.argv[1])) | {"database": connection.vendor}))
