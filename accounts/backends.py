"""Log in by user name or e-mail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.selectors import username_for


class NameOrEmailBackend(ModelBackend):
    """Django's backend that also takes an e-mail address which exactly one person has."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the person, or None; unknown names cost the same time as wrong passwords."""
        name = username_for(username) if username else username
        found = super().authenticate(request, username=name, password=password, **kwargs)
        return found if isinstance(found, User) else None
