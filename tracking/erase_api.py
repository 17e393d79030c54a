"""What is held about a client or a visit, to take along; and erasing it. Managers only."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone as clock
from django.utils.http import content_disposition_header
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import StrictSerializer, ask_manager
from accounts.doors import DoorView
from accounts.models import Store, User
from accounts.services import audit_record
from tracking.client_api import client_of
from tracking.clients import code_of
from tracking.erasing import CLASSES, Receipt, client_erase, visit_erase
from tracking.held import held_about_client, held_about_visit
from tracking.models import Visit
from tracking.problems import Problem


class HeldClientSerializer(serializers.Serializer[Any]):
    """A client with everything that its row holds."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    visit_count = serializers.IntegerField()
    notes = serializers.CharField(allow_blank=True)
    demographics = serializers.JSONField(allow_null=True)
    consent = serializers.JSONField(allow_null=True)
    face_encoding = serializers.CharField(allow_null=True, help_text="Base64.")


class HeldSerializer(serializers.Serializer[Any]):
    """All that is held about a person; `form` says which fields the parts have."""

    form = serializers.CharField()
    told_at = serializers.DateTimeField()
    store = serializers.DictField(child=serializers.CharField())
    client = HeldClientSerializer(allow_null=True)
    visits = serializers.ListField(
        child=serializers.DictField(), help_text="Each with its stays and its events."
    )
    ways = serializers.ListField(
        child=serializers.DictField(),
        help_text="Foot points: media milliseconds, x and y as fractions of the frame.",
    )
    links = serializers.ListField(
        child=serializers.DictField(), help_text="Ways that were joined, or told apart."
    )
    pictures = serializers.ListField(child=serializers.DictField())
    log = serializers.ListField(
        child=serializers.DictField(), help_text="What the audit log has about the person."
    )


class ConfirmSerializer(StrictSerializer):
    """That erasing is meant: the code of whom it is about."""

    confirm = serializers.CharField(max_length=40, help_text="The code, as `code` has it.")


class ReceiptSerializer(serializers.Serializer[Receipt]):
    """That somebody was erased; the audit log keeps it."""

    code = serializers.CharField()
    kind = serializers.ChoiceField(choices=[("client", "A client"), ("visit", "A visit")])
    at = serializers.DateTimeField()
    by = serializers.CharField()
    removed = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"How many of each: {', '.join(CLASSES)}."
    )


def export_answer(
    request: Request, store: Store, kind: str, public_id: uuid.UUID, held: dict[str, Any]
) -> Response:
    """Return what is held as a file, and write down who took it along."""
    user = ask_manager(request, store)
    code = code_of(public_id)
    audit_record(action=f"{kind}.exported", actor=user, store=store, subject=code)
    name = content_disposition_header(as_attachment=True, filename=f"{kind}-{code}.json")
    headers = {"Content-Disposition": str(name), "Cache-Control": "no-store"}
    return Response(held, headers=headers)


def erase_answer(
    request: Request, store: Store, public_id: uuid.UUID, erase: Callable[[User], Receipt]
) -> Response:
    """Erase once it is confirmed; return the receipt."""
    user = ask_manager(request, store)
    told = ConfirmSerializer(data=request.data)
    told.is_valid(raise_exception=True)
    code = code_of(public_id)
    if told.validated_data["confirm"].strip().upper() != code:
        raise Problem("not_confirmed", word=code)
    return Response(ReceiptSerializer(erase(user)).data)


def visit_of(request: Request, visit_id: uuid.UUID) -> Visit:
    """Return a visit, for members of its store; for anyone else there is none."""
    visits = Visit.objects.for_user(request.user).select_related("store")
    return get_object_or_404(visits, public_id=visit_id)


class ClientExportView(DoorView):
    """All that is held about a client."""

    @extend_schema(operation_id="client_export", responses=HeldSerializer)
    def get(self, request: Request, client_id: uuid.UUID) -> Response:
        """Return it as one file; managers only. The audit log says who took it along."""
        customer = client_of(request, client_id)
        ask_manager(request, customer.store)
        held = held_about_client(customer, clock.now())
        return export_answer(request, customer.store, "client", client_id, held)


class VisitExportView(DoorView):
    """All that is held about a visit."""

    @extend_schema(operation_id="visit_export", responses=HeldSerializer)
    def get(self, request: Request, visit_id: uuid.UUID) -> Response:
        """Return it as one file; managers only. The audit log says who took it along."""
        visit = visit_of(request, visit_id)
        ask_manager(request, visit.store)
        held = held_about_visit(visit, clock.now())
        return export_answer(request, visit.store, "visit", visit_id, held)


class ClientEraseView(DoorView):
    """Erase a client."""

    @extend_schema(
        operation_id="client_erase", request=ConfirmSerializer, responses=ReceiptSerializer
    )
    def post(self, request: Request, client_id: uuid.UUID) -> Response:
        """Erase it for good: ways, links, notes, pictures, the client; managers only.

        No number changes. The recordings it was seen in lose their films and are never counted
        again, since whoever is gone would be missing.
        """
        customer = client_of(request, client_id)
        return erase_answer(
            request, customer.store, client_id,
            lambda user: client_erase(customer=customer, user=user),
        )  # fmt: skip


class VisitEraseView(DoorView):
    """Erase a visit."""

    @extend_schema(
        operation_id="visit_erase", request=ConfirmSerializer, responses=ReceiptSerializer
    )
    def post(self, request: Request, visit_id: uuid.UUID) -> Response:
        """Erase it for good, with the ways that its person went in this recording; managers only.

        No number changes. Its client goes with its last visit. The recording loses its film and is
        never counted again.
        """
        visit = visit_of(request, visit_id)
        return erase_answer(
            request, visit.store, visit_id, lambda user: visit_erase(visit=visit, user=user)
        )
