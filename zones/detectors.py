"""Which detectors a camera may name.

The room that detects registers them when it is ready; this one may not import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

NamesOf: TypeAlias = Callable[[], Sequence[str]]
_sources: list[NamesOf] = []


def register_detectors(names: NamesOf) -> None:
    """Let `names()` say which detectors there are; called once, from an AppConfig's ready."""
    _sources.append(names)


def detector_problem(name: str) -> str:
    """Return why no camera can use a detector of this name, or an empty string."""
    known = sorted({each for names in _sources for each in names()})
    if not _sources or name in known:
        return ""
    return f"There is no detector '{name}'; there are: {', '.join(known)}."
