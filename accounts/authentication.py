"""Who a token of the API belongs to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import Token

STRANGE = "This token names nobody. Log in again."


class TokenAuthentication(JWTAuthentication):
    """The stock check, which breaks where a well-signed token names its owner by no number."""

    def get_user(self, validated_token: Token) -> Any:
        """Return the token's owner, or refuse it."""
        try:
            return super().get_user(validated_token)
        except (TypeError, ValueError) as error:
            raise InvalidToken(STRANGE) from error


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """The same in the API's schema."""

    target_class = "accounts.authentication.TokenAuthentication"
