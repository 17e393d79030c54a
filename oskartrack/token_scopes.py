"""What a token may be used for, asked of the access table before any view is."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework import exceptions
from rest_framework.request import Request

from accounts.authentication import TokenAuthentication
from accounts.models import Scope
from accounts.tokens import scopes_in
from oskartrack.access import DOORS

TOO_SMALL = "This token is not for that: log in for the scope '{}'."
NO_DOOR = "No token opens this address."


class ScopeTooSmall(exceptions.PermissionDenied):
    """The token was made for something else."""

    default_code = "scope_too_small"


class ScopedTokenAuthentication(TokenAuthentication):
    """Lets a token through to what it was made for.

    Here and not in a permission, of which each view may choose its own: no view can leave it out.
    """

    def authenticate(self, request: Request) -> Any:
        """Return the owner and the token, or refuse what it is asked for."""
        found = super().authenticate(request)
        if found is not None:
            wanted = scope_wanted(request)
            if wanted not in scopes_in(found[1]):
                raise ScopeTooSmall(TOO_SMALL.format(wanted))
        return found


def scope_wanted(request: Request) -> str:
    """Return the scope that a request needs: the widest for what the table does not name.

    Raises
    ------
    PermissionDenied
        At an address that the table does not name: nobody has said what it takes.
    """
    match = request._request.resolver_match
    methods = _table().get(match.route if match else "")
    if methods is None:
        raise exceptions.PermissionDenied(NO_DOOR)
    method = {"HEAD": "GET", "OPTIONS": "GET"}.get(request.method or "", request.method)
    unnamed = Scope.READ if method == "GET" else Scope.MANAGE
    return methods.get(method or "", unnamed.value)


@cache
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for door in DOORS:
        if door.scope:
            methods = dict.fromkeys(door.methods.split(), door.scope.value)
            table.setdefault(door.pattern, {}).update(methods)
    return table
