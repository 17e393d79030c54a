"""Which detectors a camera may name, and with which settings.

The room that detects registers what it knows when it is ready; this one may not import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

NamesOf: TypeAlias = Callable[[], Sequence[str]]
ChoicesOf: TypeAlias = Callable[[], Sequence[tuple[str, str]]]
ProblemOf: TypeAlias = Callable[[str, dict[str, Any]], str]
AUTOMATIC = "auto"  # a camera's choice unless somebody names one: the best that is ready


@dataclass(frozen=True, slots=True)
class _Source:
    names: NamesOf
    choices: ChoicesOf
    problem: ProblemOf


_sources: list[_Source] = []


def register_detectors(names: NamesOf, choices: ChoicesOf, problem: ProblemOf) -> None:
    """Let the room that detects answer; called once, from its AppConfig's ready.

    Parameters
    ----------
    names : callable
        Returns which detectors there are.
    choices : callable
        Returns those that a person chooses from: the name of each and what it is, in plain words.
    problem : callable
        Returns why a detector cannot be used with some settings, or an empty string.
    """
    _sources.append(_Source(names, choices, problem))


def detector_choices() -> list[tuple[str, str]]:
    """Return the detectors to choose from: the name of each and what it is."""
    return [choice for source in _sources for choice in source.choices()]


def detector_problem(name: str) -> str:
    """Return why no camera can use a detector of this name, or an empty string."""
    known = sorted({name for source in _sources for name in source.names()})
    if not _sources or name in known:
        return ""
    return f"There is no detector '{name}'; there are: {', '.join(known)}."


def settings_problem(name: str, how: object) -> str:
    """Return why a detector that there is cannot be used with these settings, or nothing."""
    if not isinstance(how, dict):
        return 'Settings are names with values: {"gap_ms": 120}.'
    problems = (source.problem(name, how) for source in _sources)
    return next(filter(None, problems), "")
