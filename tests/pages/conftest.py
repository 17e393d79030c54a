"""The cast, quick passwords, and clients that are logged in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.test import Client

if TYPE_CHECKING:
    from accounts.models import User
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


@pytest.fixture
def as_user() -> Callable[[User | None], Client]:
    def log_in(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return log_in
