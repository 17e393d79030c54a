"""The links of a page's Download menu: each asks for what the page shows, with its filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode


def export_links(api: str, parts: Mapping[str, str], **asked: Any) -> list[dict[str, str]]:
    """Return the addresses of each part in both formats.

    Parameters
    ----------
    api : str
        Where the store's API begins.
    parts : mapping
        What there is to take, with its title in plain words.
    asked
        The page's own filters; those that are empty are left out.
    """
    query = urlencode({name: value for name, value in asked.items() if value})
    return [
        {
            "what": what,
            "title": title,
            "csv": f"{api}exports/{what}.csv?{query}",
            "parquet": f"{api}exports/{what}.parquet?{query}",
        }
        for what, title in parts.items()
    ]


def history_exports(
    api: str, answer: dict[str, Any], compare: str | None = None
) -> list[dict[str, str]]:
    """Return what the History page offers: its table in its order, and the events beneath it."""
    span = {"day": answer["day"]} if answer["day"] else {"window": "24h"}
    table = answer["table"]
    hours = {"hours": f"All {table['count']} hours, in the order of the table"}
    events = {"events": "Every event beneath them"}
    return [
        *export_links(api, hours, **span, order=table["order"], compare=compare),
        *export_links(api, events, **span),
    ]


def dashboard_exports(api: str, asked: Mapping[str, str]) -> list[dict[str, str]]:
    """Return what the Dashboard offers: its key numbers, its zones, and its days hour by hour."""
    span = {name: asked[name] for name in ("from", "to")}
    compare = asked.get("compare")
    return [
        *export_links(api, {"kpis": "Key numbers"}, **asked),
        *export_links(api, {"hours": "Every hour of these days"}, **span, compare=compare),
        *export_links(api, {"days": "Every day"}, **span),
    ]
