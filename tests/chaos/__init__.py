"""Breaking things by lot. What takes minutes runs with ``OSKARTRACK_CHAOS=full``: `make chaos`."""

import os

import pytest

takes_minutes = pytest.mark.skipif(
    os.environ.get("OSKARTRACK_CHAOS") != "full",
    reason="takes minutes of real processes; make chaos and OSKARTRACK_CHAOS=full run it",
)
