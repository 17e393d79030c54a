"""Uses tickets in many threads at once on a SQLite file; started by `test_socket_tickets`.

The database of a test lives in memory, where threads cannot wait for each other.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone as clock  # noqa: E402

from tests.cast import make_cast  # noqa: E402
from tests.tracking.test_recordings import at_once  # noqa: E402
from tracking.tickets import ticket_issue, ticket_take  # noqa: E402

AT_ONCE, ROUNDS = 8, 20


def main() -> list[int]:
    """Return of each round how many got in."""
    call_command("migrate", verbosity=0)
    cast = make_cast()
    got_in = []
    for _ in range(ROUNDS):
        word = ticket_issue(user=cast.bob, store=cast.store, now=clock.now()).word
        got = at_once(
            AT_ONCE,
            lambda word=word: ticket_take(word=word, store=cast.store.public_id, now=clock.now()),
        )
        got_in.append(sum(holder is not None for holder in got))
    return got_in


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
