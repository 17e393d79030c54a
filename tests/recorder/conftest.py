"""Fixtures of the tests of live cameras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the film of the walks, as a camera sends it, and its truth."""
    from tests.recorder.cameras import make_film
    from tests.tracking import walks

    folder = tmp_path_factory.mktemp("films")
    make_film(folder / "walks.mp4")
    (folder / "walks.json").write_text(json.dumps(walks.truth()))
    return folder


@pytest.fixture(autouse=True)
def own_media(settings: Any, tmp_path: Path) -> None:
    """Give each test a media folder of its own, and no messages to send."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def camera(db: None, films: Path) -> Any:
    """A camera whose detector sees the walks, whatever its pictures show."""
    from tests.tracking import walks

    store = walks.make_store()
    return walks.scripted_camera(store, (films / "walks.mp4", films / "walks.json"))
