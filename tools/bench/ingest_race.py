"""Events by the database's own fast road against `bulk_create`, in turn in one process.

`python -m tools.bench.ingest_race [ROWS]` prints one line of JSON: seconds for so many events, as
medians. Both take rows that are there as objects; both write into the same table.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from analytics.simulator.service import store_find  # noqa: E402
from tracking.bulk import insert_rows  # noqa: E402
from tracking.models import TrackingEvent  # noqa: E402
from zones.models import Camera  # noqa: E402

Insert = Callable[[list[TrackingEvent]], object]

ROUNDS = 7
AT = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)


def main(rows: int) -> dict[str, float]:
    """Return the median seconds of both."""
    call_command("migrate", verbosity=0)
    store, _ = store_find("bench", "Europe/Berlin")
    camera = store.cameras.get()
    ways: dict[str, Insert] = {"ours_s": insert_rows, "peer_s": TrackingEvent.objects.bulk_create}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name, insert in ways.items():
            some = events(camera, f"{name}/{number}", rows)
            began = time.perf_counter()
            with transaction.atomic():
                insert(some)
            took[name].append(time.perf_counter() - began)
    return {name: median(each) for name, each in took.items()}


def events(
    camera: Camera, key: str, rows: int, apart: timedelta = timedelta(milliseconds=1)
) -> list[TrackingEvent]:
    """Return new events: crossings and finished stays."""
    line, zone = camera.lines.first(), camera.zones.first()
    return [
        TrackingEvent(
            public_id=uuid.uuid4(),
            store=camera.store,
            kind="zone_left" if place % 2 else "entered",
            at=AT + place * apart,
            camera=camera,
            zone=zone if place % 2 else None,
            line=None if place % 2 else line,
            direction="" if place % 2 else "in",
            since=AT,
            dwell_ms=place,
            source="bench",
            client_key=f"{key}/{place}",
        )
        for place in range(rows)
    ]


if __name__ == "__main__":
    result = main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    print(json.dumps(result | {"database": connection.vendor}))
