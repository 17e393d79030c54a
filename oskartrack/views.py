"""Health, for machines that watch this one and for the people who run it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.models import User
from accounts.selectors import stores_of_user
from oskartrack import health, metrics, watchers
from tracking.room import store_room


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer while the process lives; asks nothing of any other part."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part works, else 503; to whom it concerns, why and what to do.

    How full the disk and how long the queue is are nobody's business who merely finds the address.
    """
    found = health.look()
    details = watchers.may_see_details(request)
    body: dict[str, Any] = {
        "status": "ready" if found.ready else "unready",
        "checks": {check.name: _told(check, details=details) for check in found.checks},
    }
    if details:
        body["oldest_unclaimed_s"] = found.queue and round(found.queue.oldest_unclaimed_s, 1)
        body["sandbox"] = found.sandbox
    if found.ready:
        return JsonResponse(body)
    headers = {"Retry-After": str(found.retry_after_s)}
    return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def _told(check: health.Check, *, details: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"ok": check.ok}
    return told | {"what": check.what, "todo": check.todo} if details else told


@login_required
@require_safe
@never_cache
def health_page(request: HttpRequest) -> HttpResponse:
    """Show staff what works, what does not, and what to do."""
    if not isinstance(request.user, User) or not watchers.is_staff(request):
        raise PermissionDenied("Only staff may see this.")
    found = health.look()
    wrong = [check for check in found.checks if not check.ok]
    rooms = [(store, store_room(store)) for store in stores_of_user(request.user)]
    context = {"page": "health", "health": found, "wrong": wrong, "rooms": rooms}
    return render(request, "health.html", context)


@require_safe
@never_cache
def metrics_text(request: HttpRequest) -> HttpResponse:
    """Return the figures for Prometheus."""
    if not watchers.may_read_figures(request):
        raise PermissionDenied("Only for whoever watches this installation.")
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Lead to our mark: browsers ask here for it where a page has not named one yet."""
    return redirect(static("img/mark.svg"))
