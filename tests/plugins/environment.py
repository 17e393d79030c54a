"""Give the tests an environment of their own, before Django reads its settings.

Data goes to a temporary folder, Valkey to a port of its own; nothing of the developer's
installation, nor of a ``.env`` file beside the code, is read or changed.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.plugins.servers import Valkey

# Names the database when the db tests run again; plain DATABASE_URL is never taken over, so that
# tests started in a production shell do not meet the production server.
DATABASE = "OSKARTRACK_TEST_DATABASE_URL"

# A shell's background jobs ignore Ctrl-C, and so would all that tests send it to.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start hundreds of interpreters. Where a machine forbids Python to keep what it compiled,
# each of them would compile every module of ours again: 0.1 s of a core a start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

data = Path(tempfile.mkdtemp(prefix="oskartrack-tests-"))
(data / "static").mkdir()
(data / "models").mkdir()
atexit.register(shutil.rmtree, data, ignore_errors=True)
valkey = Valkey()

os.environ.update(
    DJANGO_SETTINGS_MODULE="oskartrack.settings",
    OSKARTRACK_ENV="development",
    OSKARTRACK_DEBUG="false",
    OSKARTRACK_HASHED_STATIC="false",
    OSKARTRACK_DATA=str(data),
    # Empty: whether somebody ran make model must not decide what tests see.
    OSKARTRACK_MODELS=str(data / "models"),
    DATABASE_URL=os.environ.get(DATABASE, f"sqlite:///{data}/oskartrack.sqlite3"),
    REDIS_URL=valkey.url,
    # No test asks a service that somebody has set up.
    OSKARTRACK_INSIGHTS_URL="",
    OSKARTRACK_KAFKA="",
)

from django.conf import settings  # noqa: E402 - only now does it read this environment

if settings.configured:
    raise SystemExit(
        "Django's settings were read before the tests' environment was made. "
        "Unset DJANGO_SETTINGS_MODULE and start pytest again."
    )
settings.DATABASES  # noqa: B018 - reads the settings, so that pytest-django sets Django up
