"""Each test starts with untouched log-in tries and passwords that are quick to check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

if TYPE_CHECKING:
    from tests.cast import Cast


@pytest.fixture(autouse=True)
def _fresh_and_quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def cast(db) -> Cast:
    # Imported late: pytest reads this file before Django's apps are loaded.
    from tests.cast import make_cast

    return make_cast()
