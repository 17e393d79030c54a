"""The cast everyone knows: Alice manages the store, Bob looks at it, Charlie belongs elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import Membership, Store, User
from accounts.services import store_create, user_create
from zones.models import Camera, CountingLine, Zone
from zones.services import camera_create, line_create, zone_create

PASSWORD = "correct horse battery"
SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
MANAGER, VIEWER = Membership.Role.MANAGER, Membership.Role.VIEWER


def make_user(username: str = "dora", **fields: Any) -> User:
    wanted = {"email": f"{username}@shop.example", "password": PASSWORD, **fields}
    rights = {name: wanted.pop(name) for name in ("is_staff", "is_superuser") if name in wanted}
    user = user_create(username=username, **wanted)
    for name, value in rights.items():
        setattr(user, name, value)
    user.save()
    return user


def make_store(name: str = "Corner shop", **fields: Any) -> Store:
    return store_create(name=name, **{"timezone": "Europe/Berlin", **fields})


def make_camera(store: Store, name: str = "Door", **fields: Any) -> Camera:
    return camera_create(store=store, name=name, **fields)


def make_zone(camera: Camera, name: str = "till", **fields: Any) -> Zone:
    return zone_create(camera=camera, name=name, **{"vertices": SQUARE, **fields})


def make_line(camera: Camera, name: str = "entrance", **fields: Any) -> CountingLine:
    return line_create(camera=camera, name=name, **{"a": [0.2, 0.6], "b": [0.8, 0.6], **fields})


@dataclass(frozen=True)
class Cast:
    """Two stores and the people around them."""

    store: Store
    elsewhere: Store
    alice: User
    bob: User
    charlie: User


def make_cast() -> Cast:
    cast = Cast(
        store=make_store(),
        elsewhere=make_store("Far shop"),
        alice=make_user("alice"),
        bob=make_user("bob"),
        charlie=make_user("charlie"),
    )
    # Without a line in the audit log, which begins empty.
    Membership.objects.create(user=cast.alice, store=cast.store, role=MANAGER)
    Membership.objects.create(user=cast.bob, store=cast.store, role=VIEWER)
    Membership.objects.create(user=cast.charlie, store=cast.elsewhere, role=MANAGER)
    return cast
