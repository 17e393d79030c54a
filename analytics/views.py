"""Pages of `analytics`: Overview, Dashboard, History and Zones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone as system_clock
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Store, User
from accounts.selectors import may_manage, stores_of_user
from analytics import tell_page
from analytics.bars_page import span_context
from analytics.dashboard_page import dashboard_context
from analytics.export_menu import history_exports
from analytics.history_page import (
    columns_of,
    hours_context,
    name_hours,
    newest_day,
    recounts_of,
)
from analytics.movement_page import movement_context
from analytics.overview_page import overview_context
from analytics.proof_page import proof_of
from analytics.rollups import clock_of
from analytics.zones_page import choices, zones_context
from tracking.pages import api_answer, page_context, store_of_page
from tracking.selectors import sequences_of, store_sequence

FILTERS = ("day", "page", "order", "compare")
ONE_DAY = timedelta(days=1)


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show today in every shop of the person, or say that there is none yet."""
    sequences = sequences_of(stores_of_user(request.user))  # before the numbers, never after
    answer = api_answer(request, "/api/v1/overview/")
    if not answer or not answer["shops"]:
        return render(request, "tracking/no_store.html", {"page": "overview"})
    return render(request, "analytics/overview.html", overview_context(answer, sequences))


@login_required
@require_safe
@ensure_csrf_cookie
def dashboard(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show the key numbers of some business days."""
    store = store_of_page(request.user, store_slug)
    context = page_context(request, store)
    api = context["page_data"]["api"]
    context |= dashboard_context(request, store, api)
    if context["kpis"]:
        ends = context["first_day"], context["last_day"]
        context["proof"] = proof_of(request, store, *ends)
        context |= movement_context(request, store, api, context["asked"])
        context |= span_context(request, api, context)
    status = 200 if context["kpis"] else 400
    return render(request, "analytics/dashboard.html", context, status=status)


@login_required
@require_safe
@ensure_csrf_cookie
def zones(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show what is drawn on a camera's picture; managers draw."""
    store = store_of_page(request.user, store_slug)
    context = page_context(request, store) | {"page": "zones"} | zones_context(request, store)
    context["page_data"]["kinds"] = choices()
    return render(request, "analytics/zones.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tell(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Let managers tell what no camera sees: sales, who is inside, what a quick look is."""
    store = store_of_page(request.user, store_slug)
    user = request.user
    if not isinstance(user, User) or not may_manage(user=user, store=store):
        raise PermissionDenied("Only managers of the shop may do this.")
    told = (
        tell_page.tell(request, store, user, system_clock.now())
        if request.method == "POST"
        else None
    )
    context = page_context(request, store) | {"page": "dashboard", "told": told}
    context["thresholds"] = tell_page.thresholds(store)
    status = 400 if told and told.bad else 200
    return render(request, "analytics/tell.html", context, status=status)


@login_required
@require_safe
@ensure_csrf_cookie
def history(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show one business day, or the last 24 hours, hour by hour."""
    store = store_of_page(request.user, store_slug)
    context = page_context(request, store)
    asked = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    context["page_data"]["seq"] = store_sequence(store)  # before the numbers, never after
    answer = api_answer(request, f"{context['page_data']['api']}history/", **asked)
    context |= {"page": "history", "history": answer} | days_of(store, answer)
    if answer:
        named = name_hours(answer, store.timezone, system_clock.now())
        context |= hours_context(store, named)
        context["page_data"]["than"] = (context["compared"] or {}).get("than")
        context["columns"] = columns_of(answer["table"]["order"])
        context["recounts"] = recounts_of(store, answer["hours"])
        context["proof"] = proof_of(request, store, *ends_of(answer))
        api = context["page_data"]["api"]
        context["exports"] = history_exports(api, answer, asked.get("compare"))
    status = 200 if answer else 400
    return render(request, "analytics/history.html", context, status=status)


def ends_of(answer: dict[str, Any]) -> tuple[date, date]:
    """Return the first and the last business day on show; one that the clocks skip has no hour."""
    told = [hour["business_day"] for hour in answer["hours"]] or [answer["day"]]
    return date.fromisoformat(told[0]), date.fromisoformat(told[-1])


def days_of(store: Store, answer: dict[str, Any] | None) -> dict[str, Any]:
    """Return the day on show with its neighbours, today, and the newest day with numbers."""
    today = clock_of(store).business_day(system_clock.now())
    told = answer["day"] if answer else None
    day = date.fromisoformat(told) if told else None
    return {
        "day": day,
        "today": today,
        "day_before": day - ONE_DAY if day else None,
        "day_after": day + ONE_DAY if day and day < today else None,
        "newest_day": newest_day(store),
    }
