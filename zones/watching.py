"""How the following of cameras goes: known to the room that follows them, told with the cameras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zones.models import Camera

Told = Callable[[Camera], dict[str, Any] | None]
_told: list[Told] = []
# What `cameras_told` reads along with a camera, so that telling takes no query of its own.
ALONG = ("watch",)


def register_watch(told: Told) -> None:
    """Have `told` say how following a camera goes."""
    _told[:] = [told]


def watch_of(camera: Camera) -> dict[str, Any] | None:
    """Return how following a camera goes as JSON; None where nobody follows it."""
    return _told[0](camera) if _told else None
