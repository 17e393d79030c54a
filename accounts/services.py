"""Writes of the `accounts` room."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from accounts.models import AuditEntry, Membership, Store, User


@transaction.atomic
def user_create(*, username: str, password: str, email: str = "", **names: str) -> User:
    """Make a person who can log in.

    Raises
    ------
    ValidationError
        When the name or e-mail is taken or malformed, or the password too weak.
    """
    user = User(username=username, email=User.objects.normalize_email(email), **names)
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise ValidationError({"password": weak.messages}) from weak
    user.set_password(password)
    user.full_clean()
    user.save()
    return user


@transaction.atomic
def store_create(*, name: str, timezone: str = "UTC", slug: str = "", **fields: Any) -> Store:
    """Make a store; without a slug it gets one from its name that no other store has."""
    store = Store(name=name, timezone=timezone, slug=slug or _free_slug(name), **fields)
    store.full_clean()
    store.save()
    return store


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "store"
    taken = set(Store.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (base, *numbered) if slug not in taken)


@transaction.atomic
def membership_set(*, user: User, store: Store, role: str = Membership.Role.VIEWER) -> Membership:
    """Give a person a role in a store, or change the one they have."""
    held = Membership.objects.filter(user=user, store=store).first()
    membership = held or Membership(user=user, store=store)
    membership.role = role
    membership.full_clean()
    membership.save()
    return membership


def audit_record(
    *,
    action: str,
    actor: User | None = None,
    store: Store | None = None,
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append one line to the audit log; it carries the id of the request being answered.

    Parameters
    ----------
    action : str
        What was done, as ``noun.verb``.
    subject : str
        What it was done to, in words; cut to the column's 200 characters.
    detail : dict, optional
        More, as JSON; never a secret.
    """
    entry = AuditEntry(
        actor=actor,
        actor_name=actor.get_username() if actor else "",
        store=store,
        action=action,
        subject=subject[:200],
        detail=detail or {},
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
    )
    entry.full_clean(validate_constraints=False)
    entry.save()
    return entry
