"""Pages of what is behind the numbers: events, clients, one client, one visit."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Store, User
from accounts.selectors import may_manage
from analytics.clients_page import client_context, clients_context, visit_context
from analytics.erase_views import erased_page
from analytics.evidence_page import evidence_context
from tracking.clients import client_note, client_of, client_seen, visit_of, visit_seen
from tracking.models import Customer
from tracking.pages import page_context, store_of_page


@login_required
@require_safe
def events(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show the events behind a number, newest first, and whether they add up to it."""
    store = store_of_page(request.user, store_slug)
    return _list(request, store, "analytics/events.html", evidence_context(request, store))


@login_required
@require_safe
def clients(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show anonymous clients by their visits, newest first."""
    store = store_of_page(request.user, store_slug)
    return _list(request, store, "analytics/clients.html", clients_context(request, store))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def client(request: HttpRequest, store_slug: str, client_id: uuid.UUID) -> HttpResponse:
    """Show one client's visits, with a note that managers write; of one erased the receipt."""
    store = store_of_page(request.user, store_slug)
    customer = client_of(store, client_id)
    if customer is None:
        return erased_page(request, store, client_id)
    client_seen(customer, store, _person(request))
    problem = ""
    if request.method == "POST":
        problem = _note(request, store, customer)
        if not problem:
            return redirect(f"{request.path}?noted=1")
    context = page_context(request, store) | client_context(request, store, customer)
    context |= {"problem": problem, "noted": request.GET.get("noted") == "1"}
    return render(request, "analytics/client.html", context, status=400 if problem else 200)


@login_required
@require_safe
def visit(request: HttpRequest, store_slug: str, visit_id: uuid.UUID) -> HttpResponse:
    """Show one visit: its strip of stays, and its way on the picture."""
    store = store_of_page(request.user, store_slug)
    found = visit_of(store, visit_id)
    if found is None:
        raise Http404("No such visit.")
    visit_seen(found, store, _person(request))
    context = page_context(request, store) | visit_context(store, found)
    return render(request, "analytics/visit.html", context)


def _list(
    request: HttpRequest, store: Store, template: str, context: dict[str, Any]
) -> HttpResponse:
    """Render a list; one without rows says that its address makes no sense."""
    status = 400 if context["rows"] is None else 200
    return render(request, template, page_context(request, store) | context, status=status)


def _person(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)
    return user


def _note(request: HttpRequest, store: Store, customer: Customer) -> str:
    """Write a manager's note down; return what is wrong with it, empty where nothing is."""
    user = request.user
    if not isinstance(user, User) or not may_manage(user=user, store=store):
        raise PermissionDenied("Only managers of the shop may do this.")
    try:
        client_note(customer=customer, notes=request.POST.get("notes", ""), user=user)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
