"""The bars of a span on the Dashboard, hour by hour or day by day.

Of more than two weeks there is no room for hours; of less the address says which is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone as system_clock

from analytics.history_page import COMPARISONS, hour_names, state_of
from analytics.kpi_catalogue import SHARE, written
from analytics.kpi_lines import with_lines
from analytics.overview_page import change_of
from analytics.week_page import week_context
from tracking.pages import api_answer
from tracking.templatetags.ot import day as day_of

# How the address asks for a bar a day.
BY_DAY = "days"
# Up to so many days have room for a bar an hour.
DAYS_BY_HOUR = 14
MARKS_AT_MOST = 8
# Of more days no row of hours is asked for: no bar, no line of the busiest hours and no comparison
# is drawn of them.
DAYS_OF_HOURS = 35
NO_HOURS: dict[str, Any] = {"results": [], "compared": None}

Row = dict[str, Any]


def span_context(request: HttpRequest, api: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the Dashboard draws of the days and hours of its period: bars, lines, a week."""
    asked = context["asked"]
    span = {name: asked[name] for name in ("from", "to")}

    def rows(period: str, how: str | None = None) -> dict[str, Any]:
        told = api_answer(request, f"{api}summaries/", period=period, compare=how, **span)
        return told or {"results": [], "compared": None}

    days = rows("day")["results"]
    hours = rows("hour", asked.get("compare")) if len(days) <= DAYS_OF_HOURS else NO_HOURS
    one_zone = bool(asked.get("zone"))
    now = system_clock.now()
    wish = request.GET.get("bars", "")
    return {
        "headlines": with_lines(context["headlines"], days, hours["results"], one_zone=one_zone),
        **bars_context(days, hours["results"], hours["compared"], context["zone"], now, wish),
        "zone_rows": zone_rows(api_answer(request, f"{api}zone-stays/", **span)),
        **week_context(api_answer(request, f"{api}usual-week/", **span)),
    }


def zone_rows(told: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the zones with their share in words: it may pass 100 %."""
    zones = told["zones"] if told else []
    return [zone | {"share_text": written(zone["share"], SHARE)} for zone in zones]


def bars_context(
    days: Sequence[Row],
    hours: Sequence[Row],
    compared: Row | None,
    zone: str,
    now: datetime,
    wish: str = "",
) -> dict[str, Any]:
    """Return the bars with their names, states and marks, ready for the page's script and table.

    Parameters
    ----------
    days, hours : sequence of rows of the API
        Of the whole span, oldest first.
    compared : row of the API, optional
        The span compared hour by hour; a day's bar stands alone, for its hours are never all alike.
    wish : str
        ``days`` for a bar a day where there is room for hours too; anything else is hours.
    """
    both = 1 < len(days) <= DAYS_BY_HOUR
    by_hour = len(days) <= DAYS_BY_HOUR and not (both and wish == BY_DAY)
    shown = _hours(hours, compared, zone, now) if by_hour else _days(days, zone, now)
    than = next((words for how, _, words in COMPARISONS if compared and how == compared["how"]), "")
    return {
        "against": _against(compared, than),
        "bars": {
            "by_hour": by_hour,
            "both": both,
            "rows": shown,
            "than": than if by_hour else "",
            "marks": _marks(shown, by_hour=by_hour, alone=len(days) == 1),
            "closed": any(row["state"] == "closed" for row in shown),
            # The number above is that of opening hours: with these it is the sum of the bars.
            "outside": sum(row["entries_closed"] or 0 for row in (hours if by_hour else days)),
            "running": any(row["state"] == "running" for row in shown),
        },
    }


def _against(compared: Row | None, than: str) -> str:
    """Return how the like hours went, to follow "came in"; empty where that is not known."""
    if compared is None or compared["change"] is None:
        return ""
    told = change_of(compared)
    return f", {told['words']} {'as' if told['way'] == 'same' else 'than'} {than}"


def _hours(hours: Sequence[Row], compared: Row | None, zone: str, now: datetime) -> list[Row]:
    """Return the hours at which the shop was open or somebody came."""
    names = hour_names(hours, zone)
    there = {pair["starts_at"]: pair["there"] for pair in (compared or {}).get("pairs", ())}
    return [
        _bar(hour, state_of(hour, now))
        | {"name": names[hour["starts_at"]], "there": there.get(hour["starts_at"])}
        for hour in hours
        if hour["open_ms"] or hour["entries"]
    ]


def _days(days: Sequence[Row], zone: str, now: datetime) -> list[Row]:
    return [
        _bar(row, state_of(row, now)) | {"name": day_of(row["starts_at"], zone), "there": None}
        for row in days
    ]


def _bar(row: Row, state: str) -> Row:
    kept = ("starts_at", "ends_at", "business_day", "entries", "exits", "observed", "complete")
    return {name: row[name] for name in kept} | {"state": state}


def _marks(rows: Sequence[Row], *, by_hour: bool, alone: bool) -> list[tuple[int, str]]:
    """Return the bars at which a day begins, or every so manieth of days; none of a single day."""
    if alone:
        return []
    if not by_hour:
        every = -(-len(rows) // MARKS_AT_MOST)
        return [(index, _short(rows[index])) for index in range(0, len(rows), every)]
    begins = [
        index
        for index, row in enumerate(rows)
        if not index or row["business_day"] != rows[index - 1]["business_day"]
    ]
    return [(index, _short(rows[index])) for index in begins]


def _short(row: Row) -> str:
    told = date.fromisoformat(str(row["business_day"]))
    return f"{told:%a} {told.day}"
