"""What every page needs to know of the person looking at it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.models import Membership
from accounts.selectors import role_in_store, stores_of_user


def stores(request: HttpRequest) -> dict[str, Any]:
    """Return the stores of the store switcher, the one the address names and the role in it."""
    if not hasattr(request, "user"):
        return {"my_stores": [], "current_store": None, "role": "", "is_manager": False}
    mine = list(stores_of_user(request.user))
    match = request.resolver_match
    slug = match.kwargs.get("store_slug") if match else None
    current = next((store for store in mine if store.slug == slug), None)
    role = role_in_store(user=request.user, store=current) if current else ""
    return {
        "my_stores": mine,
        "current_store": current,
        "role": role,
        "is_manager": role == Membership.Role.MANAGER,
    }
