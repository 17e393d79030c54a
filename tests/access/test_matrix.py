"""Every door of the access table, as everybody: nobody gets in where they may not."""

from __future__ import annotations

import sys

import pytest

from accounts.models import AuditEntry
from oskartrack.access import DOORS, Who
from tests.access.asks import ASKS
from tests.access.matrix import Sweep, clients, may
from tests.access.world import is_of_a_store

# As long as there are doors times people: minutes on a busy machine.
pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.timeout(900)]
# What log-ins, Django and a store's counter of events keep for themselves.
HOUSEKEEPING = {
    "django_session", "django_admin_log", "accounts_apilogin", "tracking_storesequence",
}  # fmt: skip
LOG = AuditEntry._meta.db_table


def test_nobody_gets_in_where_they_may_not_and_every_change_is_written_down(world, still_clock):
    """One walk: who is let in, what of others is told, and what the audit log says of it."""
    seen, idle, unnoted, broke_in = set(), set(), set(), set()

    def look(door, method, who, home, ask, answer) -> None:
        seen.add((door.pattern, method))
        # What is refused in the end was taken back by the service itself.
        stays = method != "GET" and answer.status < 400
        changed = set(sweep.written) - HOUSEKEEPING - {LOG} if stays else set()
        where = f"{method} {door.pattern} as {who.name}"
        # Of one's own account and no store: whose it was is looked at in tests/accounts.
        own = door.who in {Who.ANYONE, Who.PERSON} and not is_of_a_store(door.pattern)
        if changed and not (home in who.home or own):
            broke_in.add(f"{where}: {sorted(changed)}")
        if changed and LOG not in sweep.written and not ask.not_noted:
            unnoted.add(f"{where}: {sorted(changed)}")
        meant = (door.pattern, method) in ASKS and method != "GET" and not ask.not_noted
        may_change = who.name == "superuser" and may(door, who, home)
        if meant and may_change and not changed and door.who is not Who.ANYONE:
            idle.add(where)

    sweep = Sweep(world, each=look)
    found = list(sweep.found())
    sys.stderr.write(f"{sweep.asked} requests to {len(seen)} doors, {len(found)} leaks\n")
    assert not found, "\n".join(found)
    assert not broke_in
    assert seen == {(door.pattern, method) for door in DOORS for method in door.methods.split()}
    assert not idle, f"tests/access/asks.py asks these so that nothing happens: {sorted(idle)}"
    assert not unnoted, (
        "These change something and leave no line in the audit log (audit_record). Where that is "
        "meant, say why in `not_noted` of tests/access/asks.py:\n" + "\n".join(sorted(unnoted))
    )


SCOPED = tuple(door for door in DOORS if door.scope)


def test_a_token_does_what_it_is_for_and_nothing_else(world, still_clock):
    """Every door of the API, by tokens for one thing each of people who may do everything."""
    seen, wrote = set(), set()

    def look(door, method, who, home, ask, answer) -> None:
        seen.add((door.pattern, method))
        changed = set(sweep.written) - HOUSEKEEPING - {LOG} if method != "GET" else set()
        if changed and door.scope not in who.scopes:
            wrote.add(f"{method} {door.pattern} as {who.name}: {sorted(changed)}")

    sweep = Sweep(world, SCOPED, look, clients(world))
    found = list(sweep.found())
    sys.stderr.write(f"{sweep.asked} requests by token to {len(seen)} doors\n")
    assert not found, "\n".join(found)
    assert not wrote
    assert seen == {(door.pattern, method) for door in SCOPED for method in door.methods.split()}
