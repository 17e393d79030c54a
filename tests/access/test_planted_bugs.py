"""With a check taken away the walks find it: they could fail."""

from __future__ import annotations

import pytest

from oskartrack.access import DOORS
from tests.access.leaks import leaks
from tests.access.matrix import Sweep, clients
from tests.access.planted import BUGS, SCOPED, TOLD
from tests.chaos import FULL

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(900)]


def doors_of(part: str) -> list:
    """Return the doors by which a bug is looked for: in the full form all there are."""
    return [door for door in DOORS if FULL or part in door.pattern]


@pytest.mark.parametrize("bug", BUGS)
def test_a_check_that_is_missing_is_found_by_who_gets_in(bug, world, still_clock, monkeypatch):
    plant, part = BUGS[bug]
    plant(monkeypatch)
    said = next(Sweep(world, doors_of(part)).found(), "")
    assert said
    assert "asks.py" not in said, f"it broke something else: {said}"


@pytest.mark.parametrize("bug", SCOPED)
def test_a_scope_that_nobody_asks_for_is_found(bug, world, still_clock, monkeypatch):
    plant, part = SCOPED[bug]
    doors = [door for door in doors_of(part) if door.scope]
    plant(monkeypatch)
    assert next(Sweep(world, doors, people=clients(world)).found(), "")


@pytest.mark.parametrize("bug", TOLD)
def test_what_is_told_too_much_is_found_in_the_answers(bug, world, still_clock, monkeypatch):
    plant, part = TOLD[bug]
    plant(monkeypatch)
    assert next(leaks(world, "" if FULL else part), "")


def test_there_are_enough_of_them():
    assert len(BUGS) + len(TOLD) + len(SCOPED) >= 20
