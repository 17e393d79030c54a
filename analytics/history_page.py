"""What the History page shows: the API's answer with hours named the way people name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Store
from accounts.opening_hours import clock_words
from analytics.models import Bucket
from analytics.opening import well_seen
from analytics.rollups import clock_of, hours_of
from tracking.recording_selectors import recounts_between
from tracking.templatetags.ot import round_half_up

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
# What to compare with: the word of the address, and its words for a day and for 24 hours.
COMPARISONS = (
    ("previous", "the day before", "the 24 hours before"),
    ("week", "a week before", "a week before"),
    ("year", "a year before", "a year before"),
)
STATES = ("closed", "ahead", "running", "unseen", "partly", "seen")
# A change below this share is none that anybody would notice.
AS_MANY = 0.02


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


def name_hours(answer: dict[str, Any], zone: str, now: datetime) -> dict[str, Any]:
    """Return the API's answer with a ``name`` on every hour it mentions.

    Whole hours also get their ``state`` and, where they were compared, whom they are compared with
    as ``there``.
    """
    names = hour_names(answer["hours"], zone)
    there = {
        pair["starts_at"]: pair["there"] for pair in (answer["compared"] or {"pairs": []})["pairs"]
    }

    def named(hours: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [dict(hour) | {"name": names[hour["starts_at"]]} for hour in hours]

    def told(hours: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            hour | {"state": state_of(hour, now), "there": there.get(hour["starts_at"])}
            for hour in named(hours)
        ]

    table = dict(answer["table"])
    return dict(answer) | {
        "hours": told(answer["hours"]),
        "peak": named(answer["peak"]),
        "slowest": named(answer["slowest"]),
        "table": table | {"rows": told(table["rows"])},
    }


def state_of(hour: dict[str, Any], now: datetime) -> str:
    """Return in a word what may be said of an hour.

    ``closed``, ``ahead`` (it has not begun), ``running``, ``unseen``, ``partly`` (seen too little
    to stand beside others) or ``seen``.
    """
    if not hour["open_ms"]:
        return "closed"
    if datetime.fromisoformat(hour["starts_at"]) > now:
        return "ahead"
    if not hour["complete"]:
        return "running"
    if hour["observed"] is None:
        return "unseen"
    return "seen" if well_seen(hour["observed_open_ms"], hour["open_ms"]) else "partly"


def compared_words(compared: dict[str, Any] | None, *, is_day: bool) -> dict[str, Any] | None:
    """Return a comparison in the words of the page: how much more, and than when."""
    if compared is None:
        return None
    _, day_words, window_words = next(way for way in COMPARISONS if way[0] == compared["how"])
    change = compared["change"]
    word = ""
    if change is not None:
        share = f"{round_half_up(abs(change) * 100):,} %"
        more = f"{share} {'more' if change > 0 else 'fewer'} people than"
        word = more if abs(change) >= AS_MANY else "About as many people as"
    return dict(compared) | {
        "words": word,
        "than": day_words if is_day else window_words,
        "day": date.fromisoformat(compared["from"]) if is_day else None,
    }


def hours_context(store: Store, named: dict[str, Any]) -> dict[str, Any]:
    """Return what the page says of named hours: comparison, opening hours, what is not seen."""
    day = date.fromisoformat(named["day"]) if named["day"] else None
    states = Counter(hour["state"] for hour in named["hours"])
    return {
        "history": named,
        "whole": {
            "starts_at": named["hours"][0]["starts_at"],
            "ends_at": named["hours"][-1]["ends_at"],
        }
        if named["hours"]
        else None,
        "compared": compared_words(named["compared"], is_day=day is not None),
        "comparisons": [(how, words if day else of_24h) for how, words, of_24h in COMPARISONS],
        "opening": opening_words(store, day) if day else "",
        "states": {state: states[state] for state in STATES},
    }


def opening_words(store: Store, day: date) -> str:
    """Return when the store is open on a day, empty for one that always is."""
    hours = hours_of(store)
    if hours.week is None and not hours.special:
        return ""
    spans = [" to ".join(clock_words(end) for end in span) for span in hours.spans_on(day)]
    words = f"Open {' and '.join(spans)}" if spans else "Closed"
    name = store.special_days.get(day.isoformat(), {}).get("name", "")
    return f"{words} ({name})" if name else words


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
