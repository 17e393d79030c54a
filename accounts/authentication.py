"""Who a token of the API belongs to."""

from __future__ import annotations

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.models import User
from accounts.tokens import login_of


class TokenAuthentication(JWTAuthentication):
    """A token's signature says that it was ours; its log-in says, each time, that it is good."""

    def get_user(self, validated_token: Token) -> User:  # type: ignore[override]
        """Return the token's owner, or refuse it."""
        try:
            return login_of(validated_token).user
        except TokenError as error:
            raise InvalidToken(error.args[0]) from error


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """The same in the API's schema."""

    target_class = "accounts.authentication.TokenAuthentication"
    match_subclasses = True
