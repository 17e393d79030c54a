"""Pages of lists beside the plain way of making them: ``EVENTS``, how many there are.

The plain way is one that many programs go: pages by number, with a COUNT, and each row fetching
what it names. The newest page, and one far back, of the same rows with the same fields.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from accounts.models import Membership, User  # noqa: E402
from tests.tracking import walks  # noqa: E402
from tools.chaos import live_inside  # noqa: E402
from tracking.event_serializers import EventSerializer  # noqa: E402
from tracking.models import Recording, TrackingEvent  # noqa: E402
from tracking.recording_selectors import facts_of, with_progress  # noqa: E402
from tracking.recording_serializers import RecordingSerializer  # noqa: E402

PAGE, ROUNDS, RECORDINGS = 200, 9, 500


def main(wanted: int) -> dict[str, Any]:
    """Return milliseconds and queries of each page."""
    call_command("migrate", verbosity=0)
    store = walks.make_store(live_inside.SLUG)
    camera = walks.make_camera(store, "Door 1")
    user = User.objects.create(username="reader", email="reader@shop.example")
    Membership.objects.create(user=user, store=store, role=Membership.Role.VIEWER)
    for _ in live_inside._by_run(camera, random.Random(1), wanted // 2, 2000):
        pass
    run = camera.recordings.get()
    Recording.objects.bulk_create(
        Recording(
            store=store,
            camera=camera,
            name=f"{n}.mp4",
            started_at=run.started_at,
            ended_at=run.ended_at,
            state="done",
        )
        for n in range(RECORDINGS)
    )
    client = APIClient(headers={"Host": "127.0.0.1"})
    client.force_authenticate(user)
    root = f"/api/v1/stores/{store.public_id}"
    recordings = Recording.objects.filter(store=store).order_by("-created_at", "-pk")
    events = TrackingEvent.objects.filter(store=store).order_by("-seq")
    return {
        "newest": _taken(lambda: client.get(f"{root}/events/?recent={PAGE}")),
        "first": _taken(lambda: client.get(f"{root}/events/?after=0&limit={PAGE}")),
        "last": _taken(lambda: client.get(f"{root}/events/?after={wanted - PAGE}&limit={PAGE}")),
        "recordings": _taken(lambda: client.get(f"{root}/recordings/")),
        "plain events": _taken(lambda: _plain(events, lambda row: EventSerializer(row).data)),
        "plain recordings": _taken(lambda: _plain(recordings, _recording)),
    }


def _plain(rows: Any, told: Callable[[Any], Any]) -> bytes:
    """Return a page as it is made by number, row by row."""
    page = {"count": rows.count(), "results": [told(row) for row in rows[:PAGE]]}
    rendered: bytes = JSONRenderer().render(page)
    return rendered


def _recording(row: Recording) -> Any:
    (facts,) = facts_of(list(with_progress(Recording.objects.filter(pk=row.pk))))
    return RecordingSerializer(facts).data


def _taken(ask: Callable[[], Any]) -> dict[str, float]:
    """Return the median of the milliseconds of a core that it takes, and its queries."""
    asked: list[str] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(note):
        answer = ask()
    if getattr(answer, "status_code", 200) != 200:
        raise RuntimeError(f"{answer.status_code}: {answer.content[:500]!r}")
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        ask()
        took.append(time.process_time() - began)
    return {"ms": statistics.median(took) * 1000, "queries": len(asked)}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
