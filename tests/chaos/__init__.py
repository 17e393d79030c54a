"""Breaking things by lot, with real processes, a real PostgreSQL and a real Valkey.

Each commit breaks a few things for three minutes; ``OSKARTRACK_CHAOS=full`` breaks many, as
`make chaos` does. What is broken is drawn anew each time, from a seed that a failure prints and
``SEED=...`` repeats.
"""

import os
import secrets

FULL = os.environ.get("OSKARTRACK_CHAOS") == "full"
SEED = int(os.environ.get("SEED") or secrets.randbelow(2**31))
