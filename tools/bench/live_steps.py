"""Somebody comes in, each time a line is read: prints when it was committed, by the clock.

The first line that it prints is the store's address, and who may look at it.
"""

from __future__ import annotations

import json
import sys
import time

import django

django.setup()

from accounts.models import Membership, User  # noqa: E402
from tests.tracking import walks  # noqa: E402
from tools.chaos import live_inside  # noqa: E402
from tracking.ledger import Slice  # noqa: E402
from tracking.outside import outside_commit  # noqa: E402
from tracking.visits import EventDraft, VisitBook  # noqa: E402


def main() -> None:
    """Make a shop, then let one person in for each line."""
    store = walks.make_store(live_inside.SLUG, timezone="UTC")
    camera = walks.make_camera(store, "Door 1")
    user = User(username="watcher", email="watcher@shop.example")
    user.set_password(live_inside.PASSWORD)
    user.save()
    Membership.objects.create(user=user, store=store, role=Membership.Role.VIEWER)
    run, line = live_inside.begin(camera), str(camera.lines.get().public_id)
    told = {"page": f"/stores/{store.slug}/live/", "name": user.username}
    print(json.dumps(told | {"password": live_inside.PASSWORD}), flush=True)
    for number, _ in enumerate(sys.stdin, start=1):
        drafts = [
            EventDraft(kind, number, number, line_key=line, direction="in")
            for kind in ("crossed", "entered")
        ]
        outside_commit(run, Slice(book=VisitBook(frozenset()), events=drafts))
        print(time.time(), flush=True)


if __name__ == "__main__":
    main()
