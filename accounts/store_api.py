"""The stores a caller may see, what managers set of one, and its audit log."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import (
    CursorPages,
    DoorView,
    MomentParameter,
    PagedView,
    PageQuery,
    in_order,
)
from accounts.models import AuditEntry, Membership, Store, User
from accounts.selectors import role_in_store, stores_of_user
from accounts.services import store_change
from accounts.store_serializers import (
    AuditEntrySerializer,
    StoreSerializer,
    StoreWishSerializer,
)


class ByName(CursorPages):
    """Pages of named rows."""

    ordering = ("name", "id")


class StoresView(PagedView):
    """The caller's stores."""

    asks: ClassVar = {"GET": PageQuery}
    pagination_class = ByName
    serializer_class = StoreSerializer

    @extend_schema(operation_id="stores", responses=StoreSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return a page of the stores that the caller may see, by name."""
        PageQuery.read(request)
        return self.page(stores_of_user(request.user))

    def context(self) -> dict[str, Any]:
        """Add the caller's roles, read once for the whole list."""
        held = Membership.objects.filter(user_id=self.request.user.pk or 0)
        return {**super().context(), "roles": dict(held.values_list("store_id", "role"))}


class StoreView(DoorView):
    """One store; a foreign one is 404."""

    conditional = ("GET", "PATCH")

    @extend_schema(operation_id="store", responses=StoreSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return it, for its members."""
        store = get_object_or_404(stores_of_user(request.user), public_id=store_id)
        return unless_known(request, store_json(request, store))

    @extend_schema(
        operation_id="store_change",
        request=StoreWishSerializer(partial=True),
        responses=StoreSerializer,
    )
    def patch(self, request: Request, store_id: uuid.UUID) -> Response:
        """Change its name or calendar; managers only.

        Another time zone tells every past hour by another clock: say so with `confirm_history`.
        """
        wish = StoreWishSerializer(data=request.data, partial=True)
        with transaction.atomic():
            mine = stores_of_user(request.user).select_for_update(no_key=True)
            store = get_object_or_404(mine, public_id=store_id)
            user = ask_manager(request, store)
            wish.is_valid(raise_exception=True)
            ask_unchanged(request, store_json(request, store))
            store_change(store=store, user=user, **wish.validated_data)
        return with_etag(store_json(request, store))


def store_json(request: Request, store: Store) -> dict[str, Any]:
    """Return a store as the caller sees it."""
    roles = {store.pk: role_in_store(user=request.user, store=store)}
    return dict(StoreSerializer(store, context={"request": request, "roles": roles}).data)


# --- The audit log --------------------------------------------------------------------------------

NOT_YOURS = OpenApiResponse(description="The log is for those who manage.")
AUDIT_ORDERS = ["-at", "at"]


class AuditQuery(PageQuery):
    """Which entries, in which order."""

    action = serializers.RegexField(
        r"^[a-z_]+(\.[a-z_]+)*$", max_length=60, required=False,
        help_text="As it is written, like `map.saved`.",
    )  # fmt: skip
    actor = serializers.CharField(max_length=150, required=False, help_text="A user name.")
    at_from = MomentParameter(required=False, help_text="Written then or later.")
    at_before = MomentParameter(required=False, help_text="Written before.")
    ordering = serializers.ChoiceField(choices=AUDIT_ORDERS, default="-at")

    def lookups(self) -> dict[str, Any]:
        """Return what was asked for as lookups of entries."""
        asked = self.validated_data
        names = {
            "action": "action", "actor": "actor_name", "at_from": "at__gte", "at_before": "at__lt"
        }  # fmt: skip
        return {names[name]: asked[name] for name in names if name in asked}


class LogView(PagedView):
    """Who changed, exported, erased, logged in."""

    asks: ClassVar = {"GET": AuditQuery}
    serializer_class = AuditEntrySerializer

    def entries(self, request: Request, entries: Any) -> Response:
        """Return a page of entries as the query has it."""
        query = AuditQuery.checked(request)
        found = entries.filter(**query.lookups()).select_related("store")
        return self.page(found, in_order(query.validated_data["ordering"]))


class AuditView(LogView):
    """The whole log."""

    @extend_schema(
        operation_id="audit", responses={200: AuditEntrySerializer(many=True), 403: NOT_YOURS}
    )
    def get(self, request: Request) -> Response:
        """Return a page of the whole log, newest first; superusers only."""
        if not (isinstance(request.user, User) and request.user.is_superuser):
            raise exceptions.PermissionDenied("Only superusers may read the whole log.")
        return self.entries(request, AuditEntry.objects.all())


class StoreAuditView(LogView):
    """Who did what in one store."""

    @extend_schema(
        operation_id="store_audit", responses={200: AuditEntrySerializer(many=True), 403: NOT_YOURS}
    )
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a page of the store's part of the log, newest first; managers only."""
        store = get_object_or_404(stores_of_user(request.user), public_id=store_id)
        ask_manager(request, store)
        return self.entries(request, AuditEntry.objects.filter(store=store))
