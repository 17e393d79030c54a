"""The usual week as the Dashboard lays it out: a row an hour, a column a weekday."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from tracking.templatetags.ot import round_half_up

# Steps of the colour scale above zero.
LEVELS = 6
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_WORDS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def week_context(answer: dict[str, Any] | None) -> dict[str, Any]:
    """Return the table of the API's answer; `week` is None where it refused."""
    if answer is None:
        return {"week": None}
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for cell in answer["cells"]:
        rows[cell["hour"]].append(_shown(cell, answer["most"]))
    return {
        "week": {
            "first": date.fromisoformat(answer["from"]),
            "last": date.fromisoformat(answer["to"]),
            "days": answer["days"],
            "names": list(zip(DAY_NAMES, DAY_WORDS, strict=True)),
            "rows": [(hour, rows[hour]) for hour in answer["hours"]],
            "left_out": sum(cell["left_out"] for cell in answer["cells"]),
            "levels": range(LEVELS + 1),
        }
    }


def _shown(cell: dict[str, Any], most: float | None) -> dict[str, Any]:
    value = cell["value"]
    state = "known" if value is not None else "unseen" if cell["is_open"] else "closed"
    return {
        "state": state,
        "people": None if value is None else round_half_up(value),
        # Equal steps from nobody to the most.
        "level": int(-(-LEVELS * value // most)) if value and most else 0,
        "rests_on": cell["rests_on"],
        "day": DAY_WORDS[cell["weekday"]],
    }
