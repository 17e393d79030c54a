"""The shop that `simulate` makes where there is none: a door to a street, displays, a till."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import Store
from accounts.services import store_create
from zones.models import Camera
from zones.services import camera_create, line_create, zone_create

TIMEZONE = "Europe/Berlin"
CAMERA = "Entrance"
WEEKDAYS, SATURDAY, SUNDAY = ["09:00", "20:00"], ["09:30", "20:00"], ["12:00", "18:00"]
OPENING_HOURS: dict[str, Any] = {
    **{day: [WEEKDAYS] for day in ("mon", "tue", "wed", "thu", "fri")},
    "sat": [SATURDAY],
    "sun": [SUNDAY],
}
# Name, kind, and two opposite corners as fractions of the frame.
ZONES = (
    ("Doorway", "entrance_area", (0.40, 0.74), (0.60, 0.86)),
    ("New arrivals", "display", (0.08, 0.50), (0.30, 0.70)),
    ("Shelves", "display", (0.10, 0.18), (0.34, 0.38)),
    ("Bargains", "display", (0.66, 0.50), (0.92, 0.68)),
    ("Queue", "queue", (0.52, 0.22), (0.66, 0.40)),
    ("Till", "checkout", (0.70, 0.20), (0.82, 0.36)),
    ("Stock room", "staff_only", (0.86, 0.08), (0.98, 0.30)),
)
# Walked from a to b, the shop is on the left hand; the street runs along the lower edge.
LINES = (
    ("Front door", "entrance", (0.38, 0.90), (0.62, 0.90)),
    ("Street", "passer_by", (0.50, 0.93), (0.50, 0.99)),
)


@transaction.atomic
def store_make(slug: str, timezone: str = TIMEZONE) -> Store:
    """Make a demo store with one camera, its zones and its lines."""
    name = f"{slug.replace('-', ' ').capitalize()} (demo)"
    store = store_create(
        name=name, slug=slug, timezone=timezone, opening_hours=OPENING_HOURS, is_demo=True
    )
    camera_make(store)
    return store


@transaction.atomic
def camera_make(store: Store) -> Camera:
    """Give a store without cameras the one that its people are made up for."""
    camera = camera_create(store=store, name=CAMERA)
    for name, kind, (left, top), (right, bottom) in ZONES:
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        zone_create(camera=camera, name=name, kind=kind, vertices=corners)
    for name, kind, a, b in LINES:
        line_create(camera=camera, name=name, kind=kind, a=a, b=b, inside_side="left")
    return camera
