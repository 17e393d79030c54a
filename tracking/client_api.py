"""Clients, anonymous people by a random code: listed, read, and what managers note of one."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, cast

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import StrictSerializer, ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import DoorView, MomentParameter, PagedView, PageQuery, in_order
from accounts.models import User
from tracking.clients import NOTE_AT_MOST, client_note, client_seen, code_of
from tracking.live_api import store_of
from tracking.models import Customer

CLIENT_ORDERS = ["-last_seen", "last_seen", "-first_seen", "first_seen"]


class ClientSerializer(serializers.Serializer[Customer]):
    """An anonymous person: when seen, how often, and what managers note."""

    id = serializers.UUIDField(source="public_id")
    code = serializers.SerializerMethodField()
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    visit_count = serializers.IntegerField()
    notes = serializers.CharField()

    def get_code(self, customer: Customer) -> str:
        """Return the code that people call it by."""
        return code_of(customer.public_id)


class NoteSerializer(StrictSerializer):
    """What a manager notes of a client."""

    notes = serializers.CharField(max_length=NOTE_AT_MOST, allow_blank=True)


class ClientsQuery(PageQuery):
    """Which clients, in which order."""

    seen_from = MomentParameter(required=False, help_text="Seen then or later.")
    seen_before = MomentParameter(required=False, help_text="Seen before.")
    ordering = serializers.ChoiceField(choices=CLIENT_ORDERS, default="-last_seen")


class ClientsView(PagedView):
    """The clients of a store."""

    asks: ClassVar = {"GET": ClientsQuery}
    serializer_class = ClientSerializer

    @extend_schema(operation_id="clients", responses=ClientSerializer(many=True))
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a page of the clients whose visits count."""
        store, query = store_of(request, store_id), ClientsQuery.read(request)
        wanted = {
            "last_seen__gte": query.get("seen_from"), "first_seen__lt": query.get("seen_before")
        }  # fmt: skip
        found = Customer.objects.filter(store=store, hidden=False)
        found = found.filter(**{name: value for name, value in wanted.items() if value})
        return self.page(found.defer("face_encoding"), in_order(query["ordering"]))


class ClientView(DoorView):
    """One client."""

    conditional = ("GET", "PATCH")

    @extend_schema(operation_id="client", responses=ClientSerializer)
    def get(self, request: Request, client_id: uuid.UUID) -> Response:
        """Return it, for members of its store."""
        customer = client_of(request, client_id)
        client_seen(customer, customer.store, cast("User", request.user))
        return unless_known(request, client_json(customer))

    @extend_schema(
        operation_id="client_change",
        request=NoteSerializer(partial=True),
        responses=ClientSerializer,
    )
    def patch(self, request: Request, client_id: uuid.UUID) -> Response:
        """Write what is noted of it; managers only."""
        told = NoteSerializer(data=request.data, partial=True)
        with transaction.atomic():
            customer = client_of(request, client_id, held=True)
            user = ask_manager(request, customer.store)
            told.is_valid(raise_exception=True)
            ask_unchanged(request, client_json(customer))
            if "notes" in told.validated_data:
                client_note(customer=customer, notes=told.validated_data["notes"], user=user)
        return with_etag(client_json(customer))


def client_of(request: Request, client_id: uuid.UUID, *, held: bool = False) -> Customer:
    """Return a client, for members of its store; for anyone else there is none.

    Parameters
    ----------
    held : bool
        Nobody else changes it until the transaction ends.
    """
    clients: Any = Customer.objects.for_user(request.user).filter(hidden=False)
    clients = clients.select_related("store")
    if held:
        clients = clients.select_for_update(of=("self",), no_key=True)
    client: Customer = get_object_or_404(clients, public_id=client_id)
    return client


def client_json(customer: Customer) -> dict[str, Any]:
    """Return a client as it is now."""
    return dict(ClientSerializer(customer).data)
