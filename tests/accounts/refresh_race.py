"""Run by `test_refresh_at_once`: eight clients use one refresh token at the same time, many times.

Prints, as JSON, how many uses succeeded in how many rounds, how many tokens were still good after
a round, and all statuses. A process of its own: there a thread has a connection of its own to a
database that is no test's, on SQLite too.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment

from accounts import token_api, tokens
from accounts.models import ApiLogin, AuditEntry
from tests.accounts.tokens import pair_for, renew, with_token
from tests.cast import make_user

CLIENTS = 8


def main() -> int:
    rounds, bug = int(sys.argv[1]), sys.argv[2]
    setup_test_environment()
    call_command("migrate", verbosity=0)
    logging.disable(logging.CRITICAL)
    if bug == "look first":
        token_api.login_renew = look_then_write
    if bug == "nothing ends":
        tokens.login_end = lambda *_: False
    sys.stdout.write(json.dumps(raced(rounds)) + "\n")
    return 0


def raced(rounds: int) -> dict[str, Any]:
    user = make_user()
    together = threading.Barrier(CLIENTS)
    successes: Counter[int] = Counter()
    statuses: Counter[int] = Counter()
    left = 0
    # Middleware is loaded once, as by a server: eight first clients at once trip over each other.
    Client().get("/healthz")

    def use(refresh: str) -> Any:
        try:
            together.wait(60)
            return renew(Client(), refresh)
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(rounds):
            answers = list(pool.map(use, [pair_for(user, "read").refresh] * CLIENTS))
            statuses.update(answer.status_code for answer in answers)
            good = [answer.json() for answer in answers if answer.status_code == 200]
            successes[len(good)] += 1
            for pair in good:
                left += with_token(Client(), pair["access"]).status_code == 200
                left += renew(Client(), pair["refresh"]).status_code == 200
    running = ApiLogin.objects.filter(ended_at=None).count()
    noted = AuditEntry.objects.filter(action="token.ended").count()
    return {
        "vendor": connection.vendor, "successes": successes, "statuses": statuses,
        "left": left, "running": running, "noted": noted,
    }  # fmt: skip


def look_then_write(refresh: str) -> tokens.Pair:
    """Renew as the stock library does: look whether it was used, then write that it is."""
    token = tokens.RefreshToken(refresh)  # type: ignore[arg-type]
    login = tokens.login_of(token)
    if login.refresh_id != token["jti"]:
        tokens.login_end(login, ApiLogin.Ended.REUSED)
        raise tokens.TokenError(tokens.USED_TWICE)
    time.sleep(0.05)  # threads of one process seldom meet in between by themselves
    login.refresh_id = tokens.secrets.token_hex(16)
    login.save()
    return tokens._pair(login)


if __name__ == "__main__":
    sys.exit(main())
