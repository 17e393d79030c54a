"""Shops in a running product for tests that look at every page: one full, one new, one that breaks.

`furnish` runs within the product (`manage.py shell`), so that what it makes is there for real.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from tests.plugins.product import PASSWORD, Product

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import Store
    from zones.models import Camera

FULL, BARE, CRACKED = "harbour", "newborn", "cracked"
FOUND_AGAIN = "found again.mp4"
ZONE = "Europe/London"
MANAGER, VIEWER, NEWCOMER, CHIEF, UNLUCKY = "dora", "evan", "fritz", "rita", "gina"
RUN = "from tests.pages.furnished import furnish; furnish()"
BREAK = """
from accounts.models import Store
Store.objects.filter(slug={slug!r}).update({column}={value!r})
"""
# Columns that a fault of ours might spoil: what is in them, and what every page can work with.
SPOILT = {
    "timezone": ("Nowhere/Never", ZONE),
    "opening_hours": ({"mon": 7}, {}),
}


def put_into(product: Product) -> None:
    """Have the shops and people in a product; twice is once."""
    product.manage("shell", "--verbosity", "0", "-c", RUN)


def break_shop(product: Product, column: str, *, broken: bool) -> None:
    """Spoil a column of the cracked shop, so that its pages fail as by a fault of ours; or mend."""
    value = SPOILT[column][0 if broken else 1]
    code = BREAK.format(slug=CRACKED, column=column, value=value)
    product.manage("shell", "--verbosity", "0", "-c", code)


def furnish() -> None:
    """Make three shops and five people, all of them or none, unless they are there."""
    from django.db import transaction

    with transaction.atomic():
        _furnish()


def _furnish() -> None:
    from accounts.models import Store, User
    from accounts.services import membership_set, store_create, user_create

    if Store.objects.filter(slug=FULL).exists():
        return
    full, bare, cracked = (
        store_create(name=f"The {slug} shop", slug=slug, timezone=ZONE)
        for slug in (FULL, BARE, CRACKED)
    )
    stores = {MANAGER: (full, bare), VIEWER: (full, bare), UNLUCKY: (cracked,)}
    for name in (MANAGER, VIEWER, NEWCOMER, CHIEF, UNLUCKY):
        user = user_create(username=name, email=f"{name}@shop.example", password=PASSWORD)
        role = "viewer" if name == VIEWER else "manager"
        for store in stores.get(name, ()):
            membership_set(user=user, store=store, role=role)
    User.objects.filter(username=CHIEF).update(is_staff=True, is_superuser=True)
    _fill(full)


def _fill(store: Store) -> None:
    """Let three have come in within the last hour, one of them followed; and films be there."""
    from django.utils import timezone

    from analytics.summaries import fold_dirty
    from tests.analytics.shop import make_facts, make_shop
    from tests.analytics.ways import follow, make_zones, way
    from tests.pages.rows import make_recording
    from tests.pages.test_evidence_in_a_browser import draw_map
    from tracking.models import Customer

    now = timezone.now()
    # Whenever the test runs, the business day began some hours ago.
    began = now.astimezone(ZoneInfo(ZONE)) - timedelta(hours=6)
    store.business_day_start = began.time().replace(minute=0, second=0, microsecond=0)
    store.save()
    shop = make_shop(store)
    facts = make_facts(shop, now - timedelta(minutes=50), folder=uuid4().hex, state="done")
    zones = make_zones(facts, "Apples", "Pears")
    draw_map(facts, zones)
    way(facts, 100, *zones)
    way(facts, 300, zones[0], inferred=True)
    for visit in facts.visits:
        visit.customer = Customer.objects.create(
            public_id=uuid4(), store=store, first_seen=visit.entered_at,
            last_seen=visit.exited_at or visit.entered_at, visit_count=1,
        )  # fmt: skip
    for second in (100, 300, 1500):
        facts.step(second)
        facts.events[-2].track_number = facts.events[-1].track_number = second
    facts.visits[0].chain = 100
    facts.stay(110, 30)
    facts.seen(0, 2990)
    facts.commit()
    follow(facts, 100, (98, 0.5, 0.3), (100, 0.5, 0.6), (120, 0.3, 0.8), (146, 0.6, 0.5))
    _put_still(shop.camera)
    earlier: dict[str, Any] = {
        "started_at": now - timedelta(days=2),
        "ended_at": now - timedelta(days=2),
    }
    make_recording(
        store, "broken.avi", state="failed", error_code="no_video", chunk_count=0, **earlier
    )
    make_recording(store, "stopped.mp4", state="cancelled", chunk_count=0, **earlier)
    _find_again(store, now - timedelta(days=3))
    fold_dirty()


def _find_again(store: Store, at: datetime) -> None:
    """Let there be a film, counted once more, in which somebody was lost and found again."""
    from tests.pages.rows import make_recording
    from tracking.models import Run, Track
    from tracking.overlay import pack_path

    film = make_recording(
        store, FOUND_AGAIN, started_at=at, ended_at=at + timedelta(minutes=20), done=4
    )
    run = Run.objects.create(
        store=store, recording=film, active=True, mode=Run.Mode.RECORDING,
        card={"final": {"apart": []}, "colours": True}, setup={"width": 960, "height": 540},
    )  # fmt: skip
    ways = {
        1: [(0, 0.2, 0.9), (4_000, 0.4, 0.6), (6_000, 0.5, 0.55)],
        2: [(8_400, 0.6, 0.5), (12_000, 0.8, 0.7)],
    }
    for number, points in ways.items():
        Track.objects.create(
            public_id=uuid4(), run=run, number=number, chain=1, path=pack_path(points),
            started_at=at + timedelta(milliseconds=points[0][0]),
            ended_at=at + timedelta(milliseconds=points[-1][0]),
            joint_apart=0.3, joint_taller=0.05, joint_unlike=0.18,
        )  # fmt: skip


def _put_still(camera: Camera) -> None:
    import cv2
    import numpy as np

    from tracking import media

    picture = cv2.imencode(".jpg", np.full((540, 960, 3), 180, np.uint8))[1].tobytes()
    folder = media.new_folder()
    media.write_file(folder, "still.jpg", picture)
    camera.still = f"{folder}/still.jpg"
    camera.save(update_fields=["still"])
