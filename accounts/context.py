"""What every page needs to know of the person looking at it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.selectors import stores_of_user


def stores(request: HttpRequest) -> dict[str, Any]:
    """Return the stores of the store switcher and the one that the address names."""
    mine = list(stores_of_user(request.user)) if hasattr(request, "user") else []
    match = request.resolver_match
    slug = match.kwargs.get("store_slug") if match else None
    current = next((store for store in mine if store.slug == slug), None)
    return {"my_stores": mine, "current_store": current}
