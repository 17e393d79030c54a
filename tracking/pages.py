"""What every page of a store starts from: the store, the person's role, the API's own answers."""

from __future__ import annotations

import copy
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, QueryDict
from django.urls import resolve

from accounts.models import Store, User
from accounts.selectors import role_in_store, stores_of_user
from tracking.selectors import job_counts


def store_of_page(user: User | AnonymousUser, slug: str) -> Store:
    """Return the store that the address names; a foreign one does not exist."""
    store = stores_of_user(user).filter(slug=slug).first()
    if store is None:
        raise Http404("No such shop.")
    return store


def page_context(request: HttpRequest, store: Store) -> dict[str, Any]:
    """Return what the templates and scripts of every page of a store need.

    ``page_data`` goes to the scripts as JSON: the store, the role and the addresses to ask.
    """
    role = role_in_store(user=request.user, store=store)
    api = f"/api/v1/stores/{store.public_id}/"
    return {
        "store": store,
        "zone": store.timezone,
        "failed_recordings": job_counts(store).failed,
        "page_data": {
            "store": {
                "id": str(store.public_id),
                "name": store.name,
                "slug": store.slug,
                "timezone": store.timezone,
            },
            "role": role,
            "api": api,
            "root": "/api/v1/",
            "socket": f"/ws/stores/{store.public_id}/",
        },
    }


def api_answer(request: HttpRequest, path: str, **query: Any) -> dict[str, Any] | None:
    """Return what the API answers this person at `path`, or None when it refuses.

    A page shows its first state from the very answer that its scripts fetch later, so the two
    cannot disagree, and a page needs no way into another room than the API.
    """
    match = resolve(path)
    inner = copy.copy(request)
    inner.method = "GET"
    # The page may be asked for as text/html alone; the API speaks JSON.
    inner.META = request.META | {"HTTP_ACCEPT": "application/json"}
    inner.__dict__.pop("headers", None)
    inner.path = inner.path_info = path
    inner.GET = QueryDict(urlencode({k: v for k, v in query.items() if v is not None}))
    response = match.func(inner, *match.args, **match.kwargs)
    return response.data if response.status_code == HTTPStatus.OK else None
