"""Why a number changed, in plain words; pure, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

# A shape's outline, and what else decides what is counted with it.
OUTLINES = {"zone": ("vertices",), "line": ("a", "b", "inside_side", "band")}
SETTINGS = {"zone": ("kind", "min_inside_ms", "grace_ms"), "line": ("kind",)}
COUNTS = (
    ("entries", "in", "in"),
    ("exits", "out", "out"),
    ("visits", "visit", "visits"),
    ("stays", "zone stay", "zone stays"),
)
MOST_CHANGES = 3
# Part of a sentence: "Counted again at 14:05 after the whole recording was known".
WHOLE_KNOWN = "the whole recording was known"
# The versions of each zone or line, by its key.
Shapes = dict[str, list[Mapping[str, Any]]]


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what differs between two maps (`SceneSetup` as JSON), as parts of a sentence."""
    return [
        *_changes("zone", _by_key(old["zones"]), _by_key(new["zones"])),
        *_changes("line", _by_key(old["lines"]), _by_key(new["lines"])),
    ]


def _changes(what: str, before: Shapes, now: Shapes) -> list[str]:
    changed = {
        f"{what} '{_title(now, before, key)}'": _change(what, before.get(key, []), now.get(key, []))
        for key in {*before, *now}
    }
    return [f"{title} {change}" for title, change in sorted(changed.items()) if change]


def _by_key(shapes: Sequence[Mapping[str, Any]]) -> Shapes:
    found: Shapes = {}
    for shape in shapes:
        found.setdefault(shape["key"], []).append(shape)
    return found


def _title(now: Shapes, before: Shapes, key: str) -> str:
    return str((now.get(key) or before[key])[-1]["name"])


def _change(
    what: str, before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> str | None:
    if not before:
        return "was added"
    if not now:
        return "was removed"
    if _looks(before, OUTLINES[what]) != _looks(now, OUTLINES[what]):
        return "was redrawn"
    if _looks(before, SETTINGS[what]) != _looks(now, SETTINGS[what]):
        return "was set differently"
    return None


def _looks(shapes: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[Any]:
    looks = [[_listed(shape[field]) for field in fields] for shape in shapes]
    return [look for index, look in enumerate(looks) if look not in looks[:index]]


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


def reason_words(changes: Sequence[str]) -> str:
    """Return "after zone 'Shelf' was redrawn", with at most three changes by name."""
    if not changes:
        return "with the zones and lines of now"
    named = list(changes[:MOST_CHANGES])
    if more := len(changes) - len(named):
        named.append(f"{more} more change{'s' if more > 1 else ''}")
    told = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"after {told}"


def done_words(
    *,
    at: datetime,
    now: datetime,
    zone: str,
    changes: Sequence[str],
    old: Mapping[str, int],
    new: Mapping[str, int],
) -> str:
    """Return why a number changed.

    "Counted again at 14:05 after zone 'Window table' was redrawn: 31 in instead of 29."
    """
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    when = f"at {local:%H:%M}"
    if local.date() != today.date():
        year = f" {local:%Y}" if local.year != today.year else ""
        when = f"on {local.day} {local:%B}{year} {when}"
    differing = [
        f"{new[name]:,} {one if new[name] == 1 else many} instead of {old[name]:,}"
        for name, one, many in COUNTS
        if new[name] != old[name]
    ]
    result = ", ".join(differing) if differing else "the numbers stayed the same"
    return f"Counted again {when} {reason_words(changes)}: {result}."


def open_words(changes: Sequence[str], done: int, total: int) -> str:
    """Return what is going on while a recording is counted again."""
    if list(changes) == [WHOLE_KNOWN]:
        begun, numbers = "once more, now that the whole recording is known", "of the first count"
    else:
        begun, numbers = f"again {reason_words(changes)}", "of before"
    return (
        f"Being counted {begun}: {done:,} of {total:,} {'part' if total == 1 else 'parts'}. "
        f"Until it is through, the numbers are those {numbers}."
    )


SET_ASIDE_WORDS = (
    "Counting again failed several times, so the numbers are those of before. Ask for it once "
    "more; if it happens again, the log names the reason."
)
