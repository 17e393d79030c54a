"""What the Dashboard page shows: the API's answers for the period that the address names."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone as system_clock

from accounts.models import Store
from analytics.evidence_page import behind_kpi
from analytics.export_menu import dashboard_exports
from analytics.history_page import compared_words, hour_names
from analytics.kpi_catalogue import GROUPS
from analytics.rollups import clock_of
from tracking.pages import api_answer
from tracking.templatetags.ot import day
from zones.models import Zone

# One word each in the address, the same as in the API.
FILTERS = ("from", "to", "zone", "compare")
# How to compare, the words of the choice, and what follows "7 % more people than".
COMPARISONS = (
    ("previous", "Compare with the days before", "in the days before"),
    ("week", "Compare with the week before", "the week before"),
    ("year", "Compare with last year", "a year before"),
)
# What stands at the top; all others stand in their groups.
HEADLINES = (
    "footfall", "visit_median", "peak_hour", "zone_visit_rate", "queue_wait_mean", "balance",
)  # fmt: skip
HOURS_TOLD = 2
USUAL_DAYS = 7
ONE_DAY = timedelta(days=1)


def dashboard_context(request: HttpRequest, store: Store, api: str) -> dict[str, Any]:
    """Return what the page's templates need; `kpis` is None where the address makes no sense.

    `asked` is what every section asks the API with.
    """
    today = clock_of(store).business_day(system_clock.now())
    usual = {"from": str(today - (USUAL_DAYS - 1) * ONE_DAY), "to": str(today)}
    asked = usual | {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    answer = api_answer(request, f"{api}kpis/", **asked)
    context = {
        "page": "dashboard",
        "asked": asked,
        "today": today,
        "kpis": answer,
        "presets": presets(today, asked),
        "comparisons": [choice[:2] for choice in COMPARISONS],
        "zones": list(Zone.objects.filter(camera__store=store, archived_at=None)),
        "first_day": None,
        "last_day": None,
    }
    if answer:
        told = [kpi | {"behind": behind_kpi(store, kpi, asked)} for kpi in answer["kpis"]]
        context |= kpi_groups(told, store)
        context["compared"] = change_words(answer["compared"])
        first, last = (date.fromisoformat(answer[name]) for name in ("from", "to"))
        context |= {"first_day": first, "last_day": last}
        span = {name: asked[name] for name in ("from", "to")}
        context["insights"] = api_answer(request, f"{api}insights/", **span)
        context["exports"] = dashboard_exports(api, asked)
    return context


def kpi_groups(kpis: list[dict[str, Any]], store: Store) -> dict[str, Any]:
    """Return the numbers that stand out, and all others by group, hours named as people do."""
    by_id = {kpi["id"]: dict(kpi) for kpi in kpis}
    for kpi in by_id.values():
        if hours := kpi["detail"].get("hours"):
            kpi["note"] = name_of_hours(hours, store.timezone)
    groups = []
    for group, name in GROUPS.items():
        rows = [k for k in by_id.values() if k["group"] == group and k["id"] not in HEADLINES]
        seen = next((k["observed"] for k in rows if k["observed"] is not None), None)
        groups.append({"id": group, "name": name, "kpis": rows, "observed": seen})
    return {"headlines": [by_id[name] for name in HEADLINES], "kpi_groups": groups}


def change_words(compared: dict[str, Any] | None) -> str:
    """Return the footfall of like hours compared, in words; empty where nobody asks."""
    said = compared_words(compared, is_day=False)
    if said is None:
        return ""
    than = next(words for how, _, words in COMPARISONS if how == said["how"])
    if not said["words"]:
        return f"Not compared with {than.removeprefix('in ')}. {said['why_null']}"
    hours = f"{said['hours']:,} like hour{'' if said['hours'] == 1 else 's'}"
    return f"{said['words']} {than}, in {hours} of {said['of']:,}."


def name_of_hours(hours: list[str], zone: str) -> str:
    """Return Sat 21 Nov, 13:00 of the first hours, and how many more there are."""
    names = hour_names([{"starts_at": hour} for hour in hours], zone)
    told = [f"{day(hour, zone)}, {names[hour]}" for hour in hours[:HOURS_TOLD]]
    more = len(hours) - len(told)
    return " and ".join(told) + (f" and {more} more" if more else "")


def presets(today: date, asked: dict[str, str]) -> list[dict[str, Any]]:
    """Return the periods that one press chooses, with the one on show marked."""
    spans = (
        ("Today", today),
        ("7 days", today - 6 * ONE_DAY),
        ("28 days", today - 27 * ONE_DAY),
        ("Month", today.replace(day=1)),
    )
    shown = (asked["from"], asked["to"])
    chosen = [name for name, first in spans if (str(first), str(today)) == shown][:1]
    return [
        {"name": name, "first": str(first), "last": str(today), "current": name in chosen}
        for name, first in spans
    ]
