"""Doors for API clients to log in: a pair of tokens for a password, the next pair, the end."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from django.contrib.auth import authenticate
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.api_parts import StrictSerializer
from accounts.models import ApiLogin, Scope, User
from accounts.throttle import TOO_MANY, WINDOW_S, LoginTries, client_address, count_try
from accounts.tokens import (
    SIGNED_OUT,
    Pair,
    login_end,
    login_of,
    login_renew,
    login_start,
    scopes_of,
)

WRONG = "That password does not fit this user."


class TooManyTries(exceptions.APIException):
    """The sixth try within a minute, or the hundred and first from one address."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS
    default_detail = TOO_MANY
    default_code = "throttled"
    wait = WINDOW_S

    def __init__(self, tries: LoginTries) -> None:
        super().__init__(tries.words)
        self.wait = tries.wait_s


class LogInSerializer(StrictSerializer):
    """Who logs in, for what, and by what name the log-in is found again."""

    username = serializers.CharField(max_length=254, help_text="User name or e-mail.")
    password = serializers.CharField(
        max_length=1000, trim_whitespace=False, style={"input_type": "password"}
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices), required=False, allow_empty=False,
        help_text="What the tokens may be used for; reading alone when nothing is said.",
    )  # fmt: skip
    client_name = serializers.CharField(
        required=False, allow_blank=True, max_length=60, default="",
        help_text="By what name its owner finds this log-in again.",
    )  # fmt: skip


class RefreshSerializer(StrictSerializer):
    """A refresh token."""

    refresh = serializers.CharField(max_length=4000)


class TokenSerializer(StrictSerializer):
    """Any token."""

    token = serializers.CharField(max_length=4000)


class TokenPairSerializer(serializers.Serializer[Pair]):
    """A pair of tokens."""

    access = serializers.CharField(help_text="Good for 5 minutes.")
    refresh = serializers.CharField(help_text="Good for one use, within 7 days.")
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices))


class TokenGoodSerializer(serializers.Serializer[Any]):
    """Nothing more: the token is good."""


class TokenView(GenericAPIView[Any]):
    """What these doors share: nobody is logged in yet, and a bad token is a 401."""

    authentication_classes = ()
    permission_classes = ()

    def get_authenticate_header(self, _request: Request) -> str:
        """Return what a 401 says of how to log in."""
        return 'Bearer realm="api"'

    def asked(self) -> dict[str, Any]:
        """Return the checked body."""
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return cast("dict[str, Any]", serializer.validated_data)


class ObtainView(TokenView):
    """Give an access token of 5 minutes and a refresh token of 7 days."""

    serializer_class = LogInSerializer

    @extend_schema(request=LogInSerializer, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Count the try, check the password, then whether the person may have what is wanted."""
        asked = self.asked()
        address = client_address(request._request)
        user = _person(request._request, asked, address)
        wanted = set(asked.get("scopes") or {Scope.READ.value})
        if beyond := sorted(wanted - scopes_of(user)):
            message = f"You manage no store, so no token of yours can be for: {', '.join(beyond)}."
            raise serializers.ValidationError({"scopes": message})
        name = asked["client_name"]
        pair = login_start(user=user, scopes=wanted, client_name=name, address=address)
        return Response(TokenPairSerializer(pair).data)


def _person(request: HttpRequest, asked: dict[str, Any], address: str) -> User:
    """Return whose password it is; a name that nobody has is told, and costs, the same."""
    tries = count_try(login=asked["username"], address=address)
    if tries.refused:
        raise TooManyTries(tries)
    user = authenticate(request, username=asked["username"], password=asked["password"])
    if not isinstance(user, User):
        raise exceptions.AuthenticationFailed(WRONG, code="no_active_account")
    tries.forget()
    return user


class RefreshView(TokenView):
    """Give a new pair for a refresh token; the old one is used up."""

    serializer_class = RefreshSerializer

    @extend_schema(request=RefreshSerializer, responses=TokenPairSerializer)
    def post(self, _request: Request) -> Response:
        """Use the token; a second use ends its log-in."""
        try:
            return Response(TokenPairSerializer(login_renew(self.asked()["refresh"])).data)
        except TokenError as error:
            raise InvalidToken(error.args[0]) from error


class EndView(TokenView):
    """End the log-in of a refresh token: none of its tokens is good from then on."""

    serializer_class = RefreshSerializer

    @extend_schema(request=RefreshSerializer, responses={204: None})
    def post(self, _request: Request) -> Response:
        """End it; an old token does as well, since it ends the log-in wherever it turns up."""
        try:
            login = login_of(RefreshToken(self.asked()["refresh"]))
        except TokenError as error:
            raise InvalidToken(error.args[0]) from error
        login_end(login, ApiLogin.Ended.CLIENT, login.user)
        return Response(status=HTTPStatus.NO_CONTENT)


class VerifyView(TokenView):
    """Say whether a token is good: 200 or 401."""

    serializer_class = TokenSerializer

    @extend_schema(request=TokenSerializer, responses=TokenGoodSerializer)
    def post(self, _request: Request) -> Response:
        """Look at it as its own door would, and use nothing up."""
        raw = self.asked()["token"]
        try:
            token = _either(raw)
            login = login_of(token)
        except TokenError as error:
            raise InvalidToken(error.args[0]) from error
        if isinstance(token, RefreshToken) and token["jti"] != login.refresh_id:
            raise InvalidToken(SIGNED_OUT)
        return Response({})


def _either(raw: str) -> Token:
    try:
        return AccessToken(raw)  # type: ignore[arg-type]
    except TokenError:
        return RefreshToken(raw)  # type: ignore[arg-type]
