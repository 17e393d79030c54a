"""Lets people at the door: ``COUNT`` tickets of a store, for clients that are measured."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone as clock  # noqa: E402

from accounts.models import Membership, Store, User  # noqa: E402
from tracking.live import Hub  # noqa: E402
from tracking.models import SocketTicket  # noqa: E402


def main(count: int) -> dict[str, object]:
    """Return the store and the words of so many tickets."""
    call_command("migrate", verbosity=0)
    store = Store.objects.create(name="Measured", slug="measured")
    people = []
    for number in range(count // Hub.sockets_a_person + 1):
        user = User(username=f"listener-{number}", email=f"listener-{number}@shop.example")
        user.set_unusable_password()
        user.save()
        Membership.objects.create(user=user, store=store, role=Membership.Role.VIEWER)
        people.append(user)
    words = [f"ticket-{number}" for number in range(count)]
    now = clock.now()
    SocketTicket.objects.bulk_create(
        SocketTicket(
            digest=hashlib.sha256(word.encode()).hexdigest(),
            user=(user := people[number // Hub.sockets_a_person]),
            store=store,
            mark=user.get_session_auth_hash(),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
        )
        for number, word in enumerate(words)
    )
    return {"store": str(store.public_id), "words": words}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
