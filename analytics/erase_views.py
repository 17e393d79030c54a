"""Pages that ask in words before a client or a visit is erased, and the receipt afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Store, User
from accounts.selectors import may_manage
from tracking.clients import client_of, code_of, visit_of
from tracking.erasing import Receipt, client_erase, foreseen, receipt_of_client, visit_erase
from tracking.models import Visit
from tracking.pages import page_context, store_of_page
from tracking.problems import Problem

NOT_CONFIRMED = "Nothing was erased. To erase it, write the code as it stands above the field."


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def client(request: HttpRequest, store_slug: str, client_id: uuid.UUID) -> HttpResponse:
    """Ask whether a client is to be erased, and do so."""
    store = store_of_page(request.user, store_slug)
    user = _manager(request, store)
    customer = client_of(store, client_id)
    if customer is None:
        if receipt_of_client(store, client_id) is None:
            raise Http404("No such client.")
        return redirect("analytics:client", store_slug=store.slug, client_id=client_id)
    visits = Visit.objects.filter(customer=customer, run__active=True)
    context = {
        "kind": "client",
        "code": code_of(client_id),
        "customer": customer,
        "back": reverse("analytics:client", args=[store.slug, client_id]),
        "goes": foreseen(visits, whole=True),
    }
    return _asked(request, store, context, lambda: client_erase(customer=customer, user=user))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def visit(request: HttpRequest, store_slug: str, visit_id: uuid.UUID) -> HttpResponse:
    """Ask whether a visit is to be erased, and do so."""
    store = store_of_page(request.user, store_slug)
    user = _manager(request, store)
    found = visit_of(store, visit_id)
    if found is None:
        raise Http404("No such visit.")
    if found.erased_at is not None:
        return redirect("analytics:visit", store_slug=store.slug, visit_id=visit_id)
    context = {
        "kind": "visit",
        "code": code_of(visit_id),
        "visit": found,
        "customer": found.customer,
        "back": reverse("analytics:visit", args=[store.slug, visit_id]),
        "goes": foreseen(Visit.objects.filter(pk=found.pk), whole=False),
    }
    return _asked(request, store, context, lambda: visit_erase(visit=found, user=user))


def erased_page(request: HttpRequest, store: Store, client_id: uuid.UUID) -> HttpResponse:
    """Show the receipt of a client who was erased; without one there was no such client."""
    receipt = receipt_of_client(store, client_id)
    if receipt is None:
        raise Http404("No such client.")
    context = {"page": "clients", "switch_to": "analytics:clients", "receipt": receipt}
    return render(request, "analytics/erased.html", page_context(request, store) | context)


def _asked(
    request: HttpRequest, store: Store, context: dict[str, Any], erase: Callable[[], Receipt]
) -> HttpResponse:
    """Show the question, with what was wrong; or erase and lead to the receipt."""
    problem, status = "", 200
    if request.method == "POST":
        try:
            if request.POST.get("confirm", "").strip().upper() == context["code"]:
                erase()
                return redirect(str(context["back"]))
            problem, status = NOT_CONFIRMED, 400
        except Problem as refused:
            problem, status = str(refused.detail), refused.status_code
    context |= {"page": "clients", "switch_to": "analytics:clients", "problem": problem}
    context = page_context(request, store) | context
    return render(request, "analytics/erase.html", context, status=status)


def _manager(request: HttpRequest, store: Store) -> User:
    user = request.user
    if not isinstance(user, User) or not may_manage(user=user, store=store):
        raise PermissionDenied("Only managers of the shop may do this.")
    return user
