"""Who may see how this installation does: by token, from this machine, or by who they are.

The first two ask nothing of the database, so its own outage can be watched.
"""

from __future__ import annotations

import ipaddress
import secrets

from django.conf import settings
from django.db import Error
from django.http import HttpRequest

from accounts.models import User

# Written by every honest proxy: who comes through one does not come from this machine.
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded")


def may_read_figures(request: HttpRequest) -> bool:
    """Whether a request may see the figures, which are of all shops."""
    if _by_token(request) or (settings.METRICS_LOOPBACK and _from_this_machine(request)):
        return True
    user = request.user
    return isinstance(user, User) and user.is_active and user.is_superuser


def may_see_details(request: HttpRequest) -> bool:
    """Whether a request may see more of readiness than which parts work."""
    if _by_token(request) or _from_this_machine(request):
        return True
    try:
        return is_staff(request)
    except Error:  # nobody is known while the database is away
        return False


def is_staff(request: HttpRequest) -> bool:
    """Whether one of the people who run this installation asks."""
    user = request.user
    return isinstance(user, User) and user.is_active and user.is_staff


def _by_token(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and secrets.compare_digest(given.encode(), token.encode())


def _from_this_machine(request: HttpRequest) -> bool:
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    try:
        return ipaddress.ip_address(str(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        return False
