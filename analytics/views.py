"""Pages of `analytics`: History."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from tracking.pages import page_context, store_of_page


@login_required
@require_GET
@ensure_csrf_cookie
def history(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show one business day, or the last 24 hours, hour by hour."""
    store = store_of_page(request.user, store_slug)
    context = page_context(request, store) | {"page": "history"}
    return render(request, "analytics/history.html", context)
