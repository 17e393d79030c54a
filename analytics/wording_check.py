"""Whether another wording of an insight still says the same. Pure.

Numbers are compared by kind (share, length of time, time of day, plain) and in the order in which
ours stand, so that 29 people are no 29 % and "203 against 181" cannot be turned round.
"""

from __future__ import annotations

import re
import unicodedata

from analytics.insights import Insight

LONGER_AT_MOST = 80

_PLACE = re.compile(r"\[[^\]]*\]")
_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?"
_TOKEN = re.compile(
    rf"""
    (?P<clock>\b\d{{1,2}}:\d{{2}}\b)
    | (?P<share>(?:{_NUMBER})\s*(?:%|per\s?cent\b))
    | (?P<time>(?:\d+\s*(?:h|hrs?|hours?)\s+)?\d+(?:\.\d+)?\s*(?:min|minutes?)\b
        (?:\s*(?:and\s*)?\d+\s*(?:s|sec|seconds?)\b)? | \d+\s*(?:s|sec|seconds?)\b
        | \d+\s*h\b)
    | (?P<plain>{_NUMBER})
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Numbers in words, which nobody could compare; "one" is left: it stands for people and things.
_WORDS = re.compile(
    r"\b(zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|dozens?|hal(?:f|ves)|"
    r"thirds?|quarters?|twice|thrice|doubled?|tripled?|doubling|couple|pair)\b",
    re.IGNORECASE,
)
_UP = re.compile(
    r"\b(more|up|rose|risen|rises?|rising|grew|grown|grows?|growing|growth|higher|increas\w+|longer|"
    r"gain\w*|busier|above|jump\w*|climb\w*|improv\w+|better)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(fewer|less|down|dropp?\w*|fell|fall\w*|lower|decreas\w+|declin\w+|shorter|los[ts]\w*|"
    r"quieter|below|dip\w*|slow\w*|worse)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(not|no|never|none|nobody|without|hardly|cannot)\b|n['’]t\b", re.IGNORECASE)
_FOREIGN = re.compile(r"[<>{}\\|`@#*_]|://|\bwww\b|[a-z]\.[a-z]", re.IGNORECASE)

Token = tuple[str, float]


def objection(ours: Insight, text: object) -> str:
    """Return why a wording may not stand for our sentence, empty where it may."""
    if not isinstance(text, str) or not text.strip():
        return "no text"
    checks = (
        (len(text) > 2 * len(ours.template) + LONGER_AT_MOST, "too long"),
        (not text.isprintable() or bool(_FOREIGN.search(text)), "more than plain text"),
        (sorted(_PLACE.findall(text)) != sorted(ours.names), "other names"),
        (_has_words(text, ours.template), "a number in words"),
        (_is_turned(ours, text), "another direction"),
        (not _same_numbers(ours.template, text), "other numbers"),
    )
    return next((why for wrong, why in checks if wrong), "")


def numbers_of(text: str) -> list[Token]:
    """Return every number of a text in order, with its kind; times in seconds."""
    bare = _PLACE.sub(" ", text)
    return [(kind, _value(kind, found[0])) for found in _TOKEN.finditer(bare)
            if (kind := found.lastgroup or "plain")]  # fmt: skip


def _value(kind: str, told: str) -> float:
    figures = [float(n.replace(",", "")) for n in re.findall(_NUMBER, told)]
    if kind == "clock":
        return figures[0] * 60 + figures[1]
    if kind != "time":
        return figures[0]
    units = re.findall(r"(?<=[\d\s])(h|m|s)", told.lower().replace("and", " "))
    return sum(n * {"h": 3600, "m": 60, "s": 1}[u] for n, u in zip(figures, units, strict=True))


def _same_numbers(ours: str, text: str) -> bool:
    """Tell whether the text's numbers are some of ours, in our order, and not none of them.

    A plain number or share may be rounded to a whole one.
    """
    wanted, said = numbers_of(ours), numbers_of(text)
    left = iter(wanted)
    in_order = all(any(_is_same(mine, other) for mine in left) for other in said)
    return in_order and bool(said) == bool(wanted)


def _is_same(mine: Token, other: Token) -> bool:
    rounded = mine[0] in {"plain", "share"} and other[1] == int(mine[1] + 0.5)
    return mine[0] == other[0] and (mine[1] == other[1] or rounded)


def _has_words(text: str, ours: str) -> bool:
    """Tell whether a number is written in a way that is not compared, and not ours either."""
    own = {word.lower() for word in _WORDS.findall(ours)}
    if any(word.lower() not in own for word in _WORDS.findall(text)):
        return True
    return any(not char.isascii() and unicodedata.numeric(char, None) is not None for char in text)


def _is_turned(ours: Insight, text: str) -> bool:
    """Tell whether a rise became a fall, a fall a rise, or a statement its denial."""
    against = {"up": (_DOWN,), "down": (_UP,), "level": (_UP, _DOWN)}.get(ours.direction, ())
    if any(words.search(text) for words in against):
        return True
    return bool(_NOT.search(text)) and not _NOT.search(ours.template)
