"""The seed of all that is drawn by lot."""

from __future__ import annotations

import sys

import pytest

from tests.chaos import SEED


@pytest.fixture(autouse=True)
def seed() -> int:
    """Name the seed, for a failure to show."""
    sys.stderr.write(f"SEED={SEED}\n")
    return SEED
