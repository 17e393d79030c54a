"""The two stores, made once for all these tests: each test takes its own changes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import override_settings

if TYPE_CHECKING:
    from tests.access.world import World

QUICK = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    cache.clear()
    # Thousands of refusals are what these tests are about: a line for each would hide the rest.
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Stop the clock: what an answer says of now differs for no other reason."""
    now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


@pytest.fixture(scope="package")
def world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    from tests.access.world import make_world
    from tests.tracking import walks

    folder = tmp_path_factory.mktemp("access")
    how = override_settings(MEDIA_ROOT=folder, PASSWORD_HASHERS=QUICK)
    with how, django_db_blocker.unblock():
        try:
            yield make_world(walks.make_files(folder))
        finally:
            call_command("flush", interactive=False, verbosity=0)
