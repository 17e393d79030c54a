"""Note log-ins and log-outs in the audit log; connected when the app is ready."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.selectors import username_for
from accounts.services import audit_record
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


def _where(request: HttpRequest | None) -> dict[str, str]:
    return {"address": client_address(request)} if request is not None else {}
