"""What pages say about their numbers' proof, from the API's answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone as system_clock

from accounts.models import Store
from tracking.pages import api_answer

NAMED_AT_MOST = 20


def proof_of(request: HttpRequest, store: Store, first: date, last: date) -> dict[str, Any] | None:
    """Return what `analytics/parts/verified.html` shows of a span of business days."""
    span = {"from": str(first), "to": str(last)}
    answer = api_answer(request, f"/api/v1/stores/{store.public_id}/verifications/", **span)
    if answer is None:
        return None
    days = [row for row in answer["results"] if row["verified_at"]]
    oldest = min((row["verified_at"] for row in days), default=None)
    wrong = [row for row in days if row["differing"]]
    return {
        "first": span["from"],
        "last": span["to"],
        "at": _when(oldest, ZoneInfo(store.timezone)) if oldest else "",
        "rows": sum(row["rows"] for row in days),
        "differing": sum(row["differing"] for row in wrong),
        "wrong": [_named(row) for row in wrong],
        "changed": [_day(row) for row in days if row["changed_since"]],
        "never": [_day(row) for row in answer["results"] if not row["verified_at"]],
        "asked": any(row["asked"] for row in answer["results"]),
    }


def _when(verified_at: str, zone: ZoneInfo) -> str:
    """Return 03:10, with its date unless that is today's."""
    at = datetime.fromisoformat(verified_at).astimezone(zone)
    today = system_clock.now().astimezone(zone).date()
    return f"{at:%H:%M}" if at.date() == today else f"{at.day} {at:%B} {at:%H:%M}"


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "day": row["business_day"],
        "name": _day(row),
        "named": row["named"][:NAMED_AT_MOST],
        "more": row["differing"] - len(row["named"][:NAMED_AT_MOST]),
    }


def _day(row: dict[str, Any]) -> str:
    day = date.fromisoformat(row["business_day"])
    return f"{day:%A} {day.day} {day:%B}"
