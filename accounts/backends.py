"""Log in by user name or e-mail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User


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
        if username and "@" in username:
            names = list(
                User.objects.filter(email__iexact=username).values_list("username", flat=True)[:2]
            )
            if len(names) == 1:
                username = names[0]
        return super().authenticate(request, username=username, password=password, **kwargs)  # type: ignore[return-value]
