"""Fixtures of the tests of `tracking`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tracking.doors import client_of
from tests.tracking.web import web

__all__ = ["web"]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The film of the walks and its truth, which nobody changes."""
    from tests.tracking import walks  # it knows the models: not before Django is set up

    return walks.make_files(tmp_path_factory.mktemp("walks"))


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    """Give each test a media folder of its own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    # Three people a test: a slow hash would be most of the time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db):
    from tests.cast import make_cast

    return make_cast()


@pytest.fixture
def alice(cast):
    return client_of(cast.alice)


@pytest.fixture
def camera(cast, tmp_path):
    """A camera whose detector sees nobody, in no time."""
    from tests.cast import make_camera

    script = tmp_path / "script.json"
    script.write_text(json.dumps({"fps": 10, "boxes": [[[1, 20, 20, 50, 100, 1.0]]]}))
    return make_camera(
        cast.store, detector="scripted", detector_settings={"truth_path": str(script)}
    )
