"""Tokens for API clients, and the stores a caller may see."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.viewsets import ReadOnlyModelViewSet
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.serializers import (
    TokenObtainPairSerializer,
    TokenRefreshSerializer,
    TokenVerifySerializer,
)
from rest_framework_simplejwt.settings import api_settings as jwt_settings
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView, TokenVerifyView

from accounts.models import Membership, Store, User
from accounts.selectors import stores_of_user
from accounts.services import audit_record
from accounts.throttle import TOO_MANY, WINDOW_S, client_address, count_try

USED_TWICE = "This refresh token was used before. Log in again."
LONGEST_ID = 19  # digits of the largest number that a database takes for an id
SIGNED_OUT = "This refresh token is no longer good. Log in again."


class OneUseRefreshToken(RefreshToken):
    """A refresh token of which exactly one use succeeds.

    Measured: with the stock class, parallel refreshes of one token all succeed, since each passes
    the check before the first has written. Whoever did not write the row first is refused.
    """

    def blacklist(self) -> Any:
        """Mark the token as used, or raise when another request did so first."""
        # get_or_create under the hood: (row, created), whatever the annotation says.
        written: Any = super().blacklist()
        if not written[1]:
            raise TokenError(USED_TWICE)
        return written


class TooManyTries(exceptions.APIException):
    """The sixth try within a minute."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS
    default_detail = TOO_MANY
    default_code = "throttled"
    wait = WINDOW_S


class ObtainSerializer(TokenObtainPairSerializer):
    """Name or e-mail and password for a pair of tokens, five tries a minute."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "no_active_account": "That password does not fit this user."
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Count the try, check the password, note the log-in."""
        request: Request = self.context["request"]
        address = client_address(request._request)
        tries = count_try(login=attrs[self.username_field], address=address)
        if tries.refused:
            raise TooManyTries
        tokens = super().validate(attrs)
        tries.forget()
        assert isinstance(self.user, User)
        audit_record(action="token.obtained", actor=self.user, detail={"address": address})
        return tokens


class RefreshSerializer(TokenRefreshSerializer):
    """A refresh token for a new pair, once, while its owner is active and kept the password."""

    token_class = OneUseRefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Refuse tokens from before a password change, which the stock class takes."""
        token = self.token_class(attrs["refresh"])
        owner_id = str(token.payload.get(jwt_settings.USER_ID_CLAIM, ""))
        number = owner_id.isdecimal() and len(owner_id) <= LONGEST_ID
        owner = User.objects.filter(pk=owner_id).first() if number else None
        claim = str(token.payload.get(jwt_settings.REVOKE_TOKEN_CLAIM, ""))
        if (
            owner is None
            or not owner.is_active
            or not constant_time_compare(claim, get_md5_hash_password(owner.password))
        ):
            raise TokenError(SIGNED_OUT)
        return super().validate(attrs)


class ObtainView(TokenObtainPairView):
    """Give an access token of 5 minutes and a refresh token of 7 days."""

    serializer_class = ObtainSerializer


class RefreshView(TokenRefreshView):
    """Give a new pair for a refresh token; the old one is used up."""

    serializer_class = RefreshSerializer


class VerifyView(TokenVerifyView):
    """Say whether a token is good: 200 or 401."""

    serializer_class = TokenVerifySerializer


class StoreSerializer(serializers.ModelSerializer[Store]):
    """A store as its members see it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    role = serializers.SerializerMethodField()

    class Meta:
        model = Store
        fields = (
            "id",
            "slug",
            "name",
            "timezone",
            "opening_hours",
            "special_days",
            "business_day_start",
            "is_demo",
            "role",
        )

    def get_role(self, store: Store) -> str:
        """Return the caller's role: viewer or manager."""
        if self.context["request"].user.is_superuser:
            return Membership.Role.MANAGER
        roles: dict[int, str] = self.context.get("roles", {})
        return roles.get(store.pk, Membership.Role.VIEWER)


class ByName(CursorPagination):
    """Pages of named rows."""

    ordering = ("name", "id")
    page_size = 100


class StoreViews(ReadOnlyModelViewSet[Store]):
    """The caller's stores; a foreign one is 404."""

    serializer_class = StoreSerializer
    lookup_field = "public_id"
    lookup_url_kwarg = "store_id"
    queryset = Store.objects.none()
    pagination_class = ByName

    def get_queryset(self) -> QuerySet[Store]:
        """Return the stores the caller may see."""
        return stores_of_user(self.request.user)

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the caller's roles, read once for the whole list."""
        held = Membership.objects.filter(user_id=self.request.user.pk or 0)
        roles = dict(held.values_list("store_id", "role"))
        return {**super().get_serializer_context(), "roles": roles}
