"""The style page: every part of the pages in every state, with made-up numbers; staff only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics.kpi_catalogue import BY_ID, written
from analytics.overview_page import change_of
from analytics.sparks import spark
from analytics.week_page import LEVELS
from oskartrack.watchers import is_staff

TONES = (
    ("canvas", "Page"), ("surface", "Card"), ("sunken", "Well"), ("line", "Line"),
    ("control", "Control edge"), ("ink", "Text"), ("ink-2", "Text 2"), ("ink-3", "Text 3"),
    ("accent", "Accent"), ("accent-soft", "Accent soft"), ("good", "Good"), ("warn", "Careful"),
    ("bad", "Bad"), ("compare", "Comparison"),
)  # fmt: skip
SERIES = range(1, 9)
WEEK = (421, 388, 402, 376, 455, 517, 414)
FIVE = timedelta(minutes=5)
BEGAN = datetime(2026, 11, 21, 12, 5, tzinfo=UTC)
# Who came in and went out in fives; None is not seen.
STEPS = (
    (2, 4), (2, 6), (5, 3), (6, 4), (1, 2), (7, 4), None, None, (4, 5), (6, 3), (5, 6), (7, 1),
    (0, 1), (7, 1), (3, 6), (3, 6), (6, 5), (7, 5), (2, 2), (0, 0), (5, 4), (6, 5), (2, 3), (2, 1),
)  # fmt: skip


@login_required
@require_safe
def style_page(request: HttpRequest) -> HttpResponse:
    """Show staff what every part looks like."""
    if not is_staff(request):
        raise PermissionDenied("Only staff may see this.")
    context = {
        "page": "style",
        "tones": TONES,
        "series": SERIES,
        "levels": range(LEVELS + 1),
        "changes": [_change(each) for each in (0.071, -0.06, 0.0, None)],
        "kpis": kpi_states(),
        "buckets": buckets(),
    }
    return render(request, "style.html", context)


def kpi_states() -> list[dict[str, Any]]:
    """Return the key number in each of its states: in words, how it looks, what it says."""
    some = [20.0, 40.0, 60.0, None, None, 30.0, 44.0]
    return [
        _state("All good", _kpi(2973, 0.96, WEEK, change=_change(0.071))),
        _state("Loading", _kpi(None, None), "loading"),
        _state("A true zero", _kpi(0, 1.0, (0.0,) * 7, note="nobody yet today")),
        _state("No data, never 0", _kpi(None, None, note="the camera was off")),
        _state("Partly seen", _kpi(188, 0.71, some, change=_change(None))),
        _state("Stale", _kpi(23, 0.99, WEEK), "stale"),
        _state("Could not load", _kpi(None, None), "error"),
        _state(
            "A time", _kpi(444, 0.96, (7.0, 7.2, 7.4), name="visit_median", note="of 214 visits")
        ),
    ]


def _state(words: str, kpi: dict[str, Any], look: str = "") -> dict[str, Any]:
    return {"words": words, "look": look, "kpi": kpi}


def _kpi(
    value: float | None,
    observed: float | None,
    line: Any = (),
    *,
    name: str = "footfall",
    note: str = "",
    change: dict[str, str] | None = None,
) -> dict[str, Any]:
    known = BY_ID[name]
    return {
        "id": known.id, "name": known.name, "unit": known.unit, "plain": known.plain,
        "formula": known.formula, "source": known.source, "text": written(value, known.unit),
        "value": value, "observed": observed, "spark": spark(line), "note": note, "change": change,
    }  # fmt: skip


def _change(change: float | None) -> dict[str, str]:
    return change_of({"change": change, "hours": 63, "why_null": ""})


def buckets() -> list[dict[str, Any]]:
    """Return five-minute bars of every kind, the last one still counting."""
    return [
        {
            "starts_at": (BEGAN + index * FIVE).isoformat(),
            "entries": steps[0] if steps else None,
            "exits": steps[1] if steps else None,
            "observed": 1.0 if steps else 0.0,
            "complete": index < len(STEPS) - 1,
        }
        for index, steps in enumerate(STEPS)
    ]
