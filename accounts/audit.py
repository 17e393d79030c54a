"""Note log-ins, log-outs and changed calendars in the audit log; connected at the start."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import Store, User
from accounts.selectors import username_for
from accounts.services import audit_record
from accounts.signals import calendar_changed
from accounts.throttle import client_address


@receiver(user_logged_in, dispatch_uid="audit-log-in")
def _logged_in(request: HttpRequest, user: User, **_more: Any) -> None:
    audit_record(action="user.logged_in", actor=user, detail=_where(request))


@receiver(user_logged_out, dispatch_uid="audit-log-out")
def _logged_out(request: HttpRequest, user: User | None, **_more: Any) -> None:
    if user is not None:
        audit_record(action="user.logged_out", actor=user, detail=_where(request))


@receiver(user_login_failed, dispatch_uid="audit-log-in-failed")
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    # Only names that exist: people type passwords into the wrong box, and noise fills tables.
    name = username_for(str(credentials.get("username", "")))
    if User.objects.filter(username=name).exists():
        audit_record(action="user.log_in_failed", subject=name, detail=_where(request))


@receiver(calendar_changed, dispatch_uid="audit-calendar-changed")
def _calendar_changed(
    store: Store, changed: dict[str, tuple[Any, Any]], actor: User | None, **_more: Any
) -> None:
    # Every past hour is told differently from now on, so the log keeps both calendars.
    told = {name: {"from": _json(old), "to": _json(new)} for name, (old, new) in changed.items()}
    audit_record(
        action="store.calendar_changed", actor=actor, store=store, subject=f"store {store}",
        detail=told,
    )  # fmt: skip


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, time) else value


def _where(request: HttpRequest | None) -> dict[str, str]:
    return {"address": client_address(request)} if request is not None else {}
