"""What people of one store are told, searched for what stands in another."""

from __future__ import annotations

from collections.abc import Iterator

from oskartrack.access import ADMIN, DOORS, WATCHING
from tests.access.canaries import heard, plant
from tests.access.matrix import Answer, people, reads
from tests.access.world import SECRET, World

PAGES_AND_API = tuple(door for door in DOORS if door not in (*ADMIN, *WATCHING))


def leaks(world: World, part: str = "") -> Iterator[str]:
    """Plant words and numbers in one store; yield where the other's people can read any.

    With a part of patterns only the doors are asked that have it in theirs.
    """
    planted = plant(world.b)
    for asked, answer in of_the_other(world, part):
        if words := heard(planted, answer.text):
            yield f"{asked}: {sorted(words)[:5]}"
        if SECRET.encode() in answer.text:
            yield f"{asked}: a camera's password"


def of_the_other(world: World, part: str) -> Iterator[tuple[str, Answer]]:
    """Yield all that A's people are told, of their store and when they ask for B's."""
    everybody = people(world)
    for name, doors, home in (
        ("manager A", PAGES_AND_API, "a"),
        ("manager A", PAGES_AND_API, "b"),
        ("viewer A", PAGES_AND_API, "a"),
        ("staff", (*WATCHING, *ADMIN), "a"),
        ("staff", ADMIN, "b"),
    ):
        some = [door for door in doors if part in door.pattern]
        yield from reads(world, everybody[name], some, home)
