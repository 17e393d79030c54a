"""Reads of the `accounts` room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import Membership, Store, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet

DEMO_NAME = "demo"


def stores_of_user(user: User | AnonymousUser) -> QuerySet[Store]:
    """Return the stores a person may see, by name."""
    return Store.objects.for_user(user)


def role_in_store(*, user: User | AnonymousUser, store: Store) -> str:
    """Return a person's role in a store, empty for an outsider; a superuser manages all."""
    if not isinstance(user, User) or not user.is_active:
        return ""
    if user.is_superuser:
        return Membership.Role.MANAGER
    held = Membership.objects.filter(user=user, store=store)
    return held.values_list("role", flat=True).first() or ""


def may_manage(*, user: User | AnonymousUser, store: Store) -> bool:
    """Return whether a person may change things in a store."""
    return role_in_store(user=user, store=store) == Membership.Role.MANAGER


def newcomer_name() -> str:
    """Return the administrator's name that a first start made, empty where there is none."""
    found = User.objects.filter(username=DEMO_NAME, is_active=True, is_superuser=True)
    return found.values_list("username", flat=True).first() or ""


def username_for(login: str) -> str:
    """Return the user name behind what someone typed: an e-mail that exactly one person has.

    Anything else comes back as it was typed.
    """
    if "@" not in login:
        return login
    names = list(User.objects.filter(email__iexact=login).values_list("username", flat=True)[:2])
    return names[0] if len(names) == 1 else login
