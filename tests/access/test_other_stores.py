"""Nothing of another store is in any answer, and nothing there changes one."""

from __future__ import annotations

import random
import sys
from itertools import chain

import pytest

from oskartrack.access import ADMIN, DOORS, Door
from tests.access.canaries import heard, plant
from tests.access.leaks import PAGES_AND_API, leaks
from tests.access.matrix import people, reads, taken_back
from tests.access.world import SECRET
from tests.access.worlds import shake
from tests.chaos import FULL, SEED

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.timeout(900)]
WORLDS = 100 if FULL else 3
# The form for a new store shows the id it would get: another one each time.
FORMS = tuple(door for door in ADMIN if door.pattern != "admin/accounts/store/add/")
SHOWN = {
    "accounts.Store.name", "zones.Camera.name", "zones.Zone.name", "zones.CountingLine.name",
    "tracking.Recording.name", "tracking.Upload.filename", "accounts.AuditEntry.subject",
}  # fmt: skip


def test_no_word_and_no_number_of_another_store_is_in_any_answer(world, still_clock):
    found = list(leaks(world))
    assert not found, "\n".join(found)


def test_the_search_finds_what_is_shown_and_no_password_of_a_camera(world, still_clock):
    planted = plant(world.b)
    seen: set[str] = set()
    for _, answer in reads(world, people(world)["superuser"], DOORS, "b"):
        seen |= heard(planted, answer.text)
        assert SECRET.encode() not in answer.text
    words = {name for name in planted if "public_id" not in name}
    sys.stderr.write(f"{len(planted)} planted, {len(seen)} shown to a superuser\n")
    assert seen >= SHOWN, sorted(SHOWN - seen)
    assert len(seen & words) >= 15, sorted(words - seen)
    assert "zones.Camera.source_sealed" not in seen


def test_whatever_happens_in_another_store_no_answer_changes(world, still_clock):
    lot, everybody = random.Random(SEED), people(world)

    def answers() -> dict[str, tuple[int, str, bytes]]:
        of_viewer = reads(world, everybody["viewer A"], PAGES_AND_API)
        of_staff = reads(world, everybody["staff"], FORMS)
        return {asked: answer.to_compare for asked, answer in chain(of_viewer, of_staff)}

    before = answers()
    assert answers() == before, "an answer differs from itself"
    assert sum(status == 200 for status, _, _ in before.values()) > len(before) / 2
    changed_rows = 0
    for number in range(WORLDS):
        with taken_back() as written:
            shake(world.b, lot)
            changed_rows += written.total()
            after = answers()
        changed = [asked for asked in before if before[asked] != after[asked]]
        assert not changed, f"SEED={SEED}, world {number} ({dict(written)}): {changed}"
    sys.stderr.write(
        f"SEED={SEED}: {WORLDS} worlds, {changed_rows} writes, {len(before)} answers\n"
    )


def test_what_happens_in_ones_own_store_does_change_answers(world, still_clock):
    """The comparison above could fail."""
    doors: tuple[Door, ...] = tuple(door for door in PAGES_AND_API if "<" in door.pattern)
    who = people(world)["viewer A"]
    before = {asked: answer.to_compare for asked, answer in reads(world, who, doors)}
    with taken_back():
        shake(world.a, random.Random(1))
        after = {asked: answer.to_compare for asked, answer in reads(world, who, doors)}
    # A refusal says the same whatever happens.
    told = [asked for asked, (status, _, _) in before.items() if status == 200]
    assert len(told) > len(before) / 2
    assert sum(before[asked] != after[asked] for asked in told) > len(told) / 2
