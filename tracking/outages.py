"""What an error says of the parts below us: the database is away, the disk is full, or neither.

An outage is nobody's fault: a request is asked to come again, a row that was being worked goes
back without an attempt counted. Everything else is a fault of ours and is told as one.
"""

from __future__ import annotations

import errno

from django.db import Error, InterfaceError, OperationalError

# How long a client should wait before it asks again; of a full disk `problems` says it.
DATABASE_RETRY_S = 10

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
# SQLSTATE classes (PostgreSQL, appendix A): 08 connection, 57P0x shut down or starting,
# 53300 too many connections; 53100 is a full disk.
_AWAY_STATES = ("08", "57P0", "53300")
_FULL_STATE = "53100"
# The server ended a transaction that rested: this process was frozen meanwhile. Nothing of it
# was written, and the same will work again.
_RESTED_STATE = "25P03"
# SQLite has no codes that Django passes on; these are sqlite3_errstr's sentences.
_AWAY_WORDS = (
    "database is locked",
    "database table is locked",
    "unable to open database file",
    "disk i/o error",
    "attempt to write a readonly database",
)
_FULL_WORDS = ("database or disk is full", "no space left on device")


def database_away(error: BaseException) -> bool:
    """Whether the database did not answer; a query that it refused is another matter."""
    if isinstance(error, InterfaceError):
        return "closed" in str(error).lower()
    if getattr(error.__cause__, "pgcode", None) == _RESTED_STATE:
        return True
    if not isinstance(error, OperationalError) or disk_full(error):
        return False
    cause = error.__cause__
    if cause is not None and hasattr(cause, "pgcode"):
        state = cause.pgcode
        return state is None or state.startswith(_AWAY_STATES)
    text = str(error).lower()
    return any(words in text for words in _AWAY_WORDS)


def disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of room, of a file or of the database."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    if not isinstance(error, Error):
        return False
    if getattr(error.__cause__, "pgcode", None) == _FULL_STATE:
        return True
    text = str(error).lower()
    return any(words in text for words in _FULL_WORDS)


def passing(error: BaseException) -> bool:
    """Whether the same will work once the database answers or the disk has room again."""
    return database_away(error) or disk_full(error)
