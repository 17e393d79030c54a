"""A store with a year of events, as many as are wanted, made in the database itself.

A simulated week is written through the ledger; copies of its events, shifted by whole weeks and
some seconds, fill the year. They are events of no run, as an outside counter's are.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Max, Min

from accounts.models import Store
from analytics.simulator.service import Wanted, simulate, store_find
from tracking.models import Coverage, TrackingEvent

WEEKS = 52
UNTIL = datetime(2025, 6, 2, 3, 0, tzinfo=UTC)  # a Monday, as the business day begins in Berlin
A_MILLION = 1_000_000
# So many visitors a day make a year of a million events.
VISITORS = 185.0
LAYER_S = 11  # between two copies of one moment


def year_of(events: int) -> Store:
    """Return a store with about so many events in 52 weeks from its simulated one on."""
    call_command("migrate", verbosity=0)
    layers = max(1, round(events / A_MILLION))
    store, made = store_find("bench", "Europe/Berlin")
    visitors = VISITORS * events / (A_MILLION * layers)
    simulate(store, Wanted(1, 7, UNTIL, visitors), now=UNTIL, made=made)
    last = TrackingEvent.objects.aggregate(last=Max("pk"))["last"]
    for week in range(1, WEEKS):
        for layer in range(layers):
            _copy_week(last, week, layer)
        _cover(store, week)
        print(f"{week + 1} of {WEEKS} weeks", file=sys.stderr, flush=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return store


def bounds() -> tuple[datetime, datetime]:
    """Return the first and the last instant of which there are events."""
    found = TrackingEvent.objects.aggregate(first=Min("at"), last=Max("at"))
    return found["first"], found["last"]


def _copy_week(last: int, week: int, layer: int) -> None:
    """Insert the events of the first week again, so many weeks later."""
    shift_s = week * 7 * 86_400 + layer * LAYER_S
    changed = {
        "public_id": _number(week, layer),
        "at": _later("at", shift_s),
        "since": _later("since", shift_s),
        "run_id": "NULL",
        "ordinal": "NULL",
        "visit_id": "NULL",
        "seq": "NULL",
        "source": "'bench'",
    }
    fields = [str(f.column) for f in TrackingEvent._meta.concrete_fields if not f.primary_key]
    table = TrackingEvent._meta.db_table
    taken = ", ".join(changed.get(name, name) for name in fields)
    # Columns are the model's, numbers are ours.
    sql = (
        f"INSERT INTO {table} ({', '.join(fields)}) SELECT {taken} FROM {table} "  # noqa: S608
        f"WHERE id <= {last:d} ORDER BY at"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def _later(column: str, seconds: int) -> str:
    if connection.vendor == "postgresql":
        return f"{column} + interval '{seconds} seconds'"
    return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '+{seconds} seconds') || '000'"


def _number(week: int, layer: int) -> str:
    """Return a public id that no other event has."""
    begin = f"{week:08x}{layer:08x}"
    if connection.vendor == "postgresql":
        return f"('{begin}' || lpad(to_hex(id), 16, '0'))::uuid"
    return f"printf('{begin}%016x', id)"


def _cover(store: Store, week: int) -> None:
    """Note the week as observed."""
    starts_at = UNTIL + timedelta(days=7 * (week - 1))
    Coverage.objects.create(
        camera=store.cameras.get(), starts_at=starts_at, ends_at=starts_at + timedelta(days=7)
    )
