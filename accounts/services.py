"""Writes of the `accounts` room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone as clock
from django.utils.text import slugify

from accounts.models import AuditEntry, Membership, Store, User

LOOKS_ARE_ONE = timedelta(days=1)


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


@transaction.atomic
def store_change(
    *, store: Store, user: User, confirm_history: bool = False, **fields: Any
) -> Store:
    """Set what differs of a store; the log names the fields.

    Raises
    ------
    ValidationError
        Of a field; of `confirm_history` where another time zone would tell the past by another
        clock and nobody said that it is to.
    """
    changed = [name for name, value in fields.items() if getattr(store, name) != value]
    if "timezone" in changed and not confirm_history:
        words = (
            f"Every past hour and day of this store will be told by the clock of "
            f"{fields['timezone']} in place of {store.timezone}: days may get other totals. "
            "Send confirm_history as true to go on."
        )
        raise ValidationError({"confirm_history": words})
    for name in changed:
        setattr(store, name, fields[name])
    if changed:
        store.full_clean()
        store.save(actor=user)
        audit_record(
            action="store.changed", actor=user, store=store, subject=f"store {store}",
            detail={"fields": sorted(changed)},
        )  # fmt: skip
    return store


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "store"
    taken = set(Store.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (base, *numbered) if slug not in taken)


@transaction.atomic
def membership_set(
    *, user: User, store: Store, role: str = Membership.Role.VIEWER, actor: User | None = None
) -> Membership:
    """Give a person a role in a store, or change the one they have; the log says who did."""
    held = Membership.objects.filter(user=user, store=store).first()
    membership = held or Membership(user=user, store=store)
    before = held.role if held else ""
    membership.role = role
    membership.full_clean()
    membership.save()
    if before != role:
        audit_record(
            action="membership.changed" if before else "membership.added", actor=actor,
            store=store, subject=f"membership {membership}", detail={"from": before, "to": role},
        )  # fmt: skip
    return membership


@transaction.atomic
def membership_remove(*, user: User, store: Store, actor: User | None = None) -> bool:
    """Take a person's place in a store away; return whether they had one."""
    held = Membership.objects.filter(user=user, store=store).first()
    if held is None:
        return False
    subject, before = f"membership {held}", held.role
    held.delete()
    audit_record(
        action="membership.deleted", actor=actor, store=store, subject=subject,
        detail={"from": before, "to": ""},
    )  # fmt: skip
    return True


def audit_look(*, action: str, actor: User, store: Store, subject: str) -> bool:
    """Write down that a person looked at somebody: once a day, not with every reload.

    Returns
    -------
    written : bool
        Whether this look is the first within a day.
    """
    since = clock.now() - LOOKS_ARE_ONE
    known = AuditEntry.objects.filter(
        at__gt=since, actor=actor, store=store, action=action, subject=subject
    )
    if known.exists():
        return False
    audit_record(action=action, actor=actor, store=store, subject=subject)
    return True


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
