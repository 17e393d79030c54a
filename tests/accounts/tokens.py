"""Tokens for tests: told by the door, made without it, and made up."""

from __future__ import annotations

from typing import Any

import jwt
from django.conf import settings

from accounts.models import Scope, User
from accounts.tokens import Pair, login_start
from tests.cast import PASSWORD

DOOR = "/api/v1/auth/token/"
OBTAIN, REFRESH, END, VERIFY = (f"{DOOR}{end}" for end in ("", "refresh/", "end/", "verify/"))
STORES = "/api/v1/stores/"
ALL = tuple(Scope.values)


def pair_for(user: User, *scopes: str) -> Pair:
    """Return tokens of a person, for everything when no scope is named."""
    return login_start(user=user, scopes=scopes or ALL, client_name="test")


def post(client: Any, address: str, **body: Any) -> Any:
    return client.post(address, body, content_type="application/json")


def obtain(client: Any, username: str = "alice", password: str = PASSWORD, **more: Any) -> Any:
    return post(client, OBTAIN, username=username, password=password, **more)


def renew(client: Any, refresh: Any) -> Any:
    return post(client, REFRESH, refresh=refresh)


def with_token(client: Any, token: str, address: str = STORES) -> Any:
    return client.get(address, HTTP_AUTHORIZATION=f"Bearer {token}")


def forged(
    token: str, key: Any = None, algorithm: str = "HS256", headers: Any = None, **claims: Any
) -> str:
    """Return a token with other claims; a claim of None is left out."""
    payload = jwt.decode(token, options={"verify_signature": False})
    payload = {name: value for name, value in {**payload, **claims}.items() if value is not None}
    key = settings.SIMPLE_JWT["SIGNING_KEY"] if key is None else key
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)
