"""What the History page shows: the API's answer with hours named the way people name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Store
from analytics.models import Bucket
from analytics.rollups import clock_of
from tracking.recording_selectors import recounts_between

# The columns of the table: the API's name, what stands above it, and whether a phone shows it.
COLUMNS = (
    ("starts_at", "Hour", True),
    ("entries", "Came in", True),
    ("exits", "Went out", True),
    ("occupancy_peak", "Most at once", False),
    ("visit_median_s", "Typical visit", False),
    ("zone_stays", "Zone stays", False),
    ("observed", "Seen", True),
)
# Below this share of an hour seen, its count is marked as partly seen.
WELL_SEEN = 0.95


def hour_names(hours: Iterable[dict[str, Any]], zone: str) -> dict[str, str]:
    """Return 13:00 for each hour's start; the two of a repeated hour say their distance to UTC."""
    shop = ZoneInfo(zone)
    starts = {hour["starts_at"]: datetime.fromisoformat(hour["starts_at"]) for hour in hours}
    local = {told: at.astimezone(shop) for told, at in starts.items()}
    often = Counter(f"{at:%Y-%m-%d %H:%M}" for at in local.values())
    return {
        told: f"{at:%H:%M}" + (f" (UTC{_offset(at)})" if often[f"{at:%Y-%m-%d %H:%M}"] > 1 else "")
        for told, at in local.items()
    }


def _offset(at: datetime) -> str:
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    sign = "−" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{sign}{hours}:{rest:02}" if rest else f"{sign}{hours}"


def name_hours(answer: dict[str, Any], zone: str) -> dict[str, Any]:
    """Return the API's answer with a ``name`` on every hour it mentions."""
    names = hour_names(answer["hours"], zone)

    def named(hours: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [dict(hour) | {"name": names[hour["starts_at"]]} for hour in hours]

    table = dict(answer["table"])
    return dict(answer) | {
        "hours": named(answer["hours"]),
        "peak": named(answer["peak"]),
        "slowest": named(answer["slowest"]),
        "table": table | {"rows": named(table["rows"])},
    }


def columns_of(order: str) -> list[dict[str, Any]]:
    """Return the table's columns with the order that a click on each asks for."""
    column, falling = order.removeprefix("-"), order.startswith("-")
    found = []
    for name, title, narrow in COLUMNS:
        sorted_by = ("descending" if falling else "ascending") if name == column else ""
        order_next = name if sorted_by == "descending" else f"-{name}"
        found.append(
            {
                "name": name,
                "title": title,
                "narrow": narrow,
                "sorted": sorted_by,
                "next": order_next,
            }
        )
    return found


def recounts_of(store: Store, hours: list[dict[str, Any]]) -> list[str]:
    """Return in plain words why numbers of these hours changed after they were first told."""
    if not hours:
        return []
    starts = datetime.fromisoformat(hours[0]["starts_at"])
    return recounts_between(store, starts, datetime.fromisoformat(hours[-1]["ends_at"]))


def newest_day(store: Store) -> date | None:
    """Return the newest business day of which anything was seen."""
    newest = Bucket.objects.filter(store=store).order_by("-starts_at").first()
    return clock_of(store).business_day(newest.starts_at) if newest else None
