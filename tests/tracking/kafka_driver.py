"""Runs `manage.py kafka` and kills it at one moment; started by `test_kafka` as a child.

``before_commit`` is behind the database's commit and before the offset's, ``before_note`` behind
the broker's confirmation of a feed's events and before that is noted.
"""

import os
import signal
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from tracking.kafka import outlet  # noqa: E402
from tracking.kafka.inbox import Inbox  # noqa: E402


def die(*_: object, **__: object) -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return False


if sys.argv[1] == "before_commit":
    Inbox._commit = die
else:
    assert sys.argv[1] == "before_note"
    outlet.link_move = die
call_command("kafka")
