"""Bodies as JSON: finite numbers, whole characters, no field told twice, no endless nesting."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

# Bodies of ours are at most seven deep. What Python itself refuses depends on who calls: a body
# that was just read could be too deep for whoever checks it.
DEEPEST = 30
TOO_DEEP = f"It is nested too deeply: at most {DEEPEST} lists and objects in each other are read."
# An escaped NUL, and no backslash with the text "u0000" behind it.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
NO_CHARACTER = (
    "JSON parse error - it holds a character that cannot be written down: half of a pair, or NUL."
)


class StrictJSONParser(JSONParser):
    """Reads JSON as RFC 8259 has it, and refuses what two readers would take for two things."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """Return what a body says."""
        try:
            return _read(stream.read().decode("utf-8"))
        except UnicodeEncodeError as error:
            raise ParseError(NO_CHARACTER) from error
        except RecursionError as error:
            raise ParseError(f"JSON parse error - {TOO_DEEP}") from error
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error


def is_too_deep(told: Any) -> bool:
    """Return whether lists and objects lie more than `DEEPEST` deep in each other."""
    level = [told]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return any(isinstance(each, list | dict) for each in level)


def _inside(told: Any) -> Iterable[Any]:
    if isinstance(told, dict):
        return told.values()
    return told if isinstance(told, list) else ()


def _read(text: str) -> Any:
    told = json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once)
    if is_too_deep(told):
        raise ValueError(TOO_DEEP)
    # Only as an escape does JSON hold what is no character.
    if "\\u" in text:
        _ask_writable(told)
    return told


def _ask_writable(told: Any) -> None:
    """Refuse what no answer and no row could hold."""
    text = json.dumps(told, ensure_ascii=False)
    text.encode()
    if NUL.search(text):
        raise ParseError(NO_CHARACTER)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is larger than any number that can be held")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        twice.encode()  # else the refusal could not be written either
        raise ValueError(f"'{twice[:60]}' is told twice")
    return told
