"""What managers tell the numbers, as JSON: who is inside, what was sold, what a quick look is."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import DoorView
from accounts.models import Store
from analytics.sales import Sale, is_return, sales_take
from analytics.services import bounce_seconds, bounce_set
from analytics.tell_serializers import (
    KpiSettingsSerializer,
    OccupancyEventSerializer,
    OccupancyToldSerializer,
    SalesReportSerializer,
    SalesSerializer,
)
from tracking.corrections import occupancy_tell
from tracking.live_api import store_of


class OccupancyView(DoorView):
    """Corrections and resets of who is inside."""

    @extend_schema(request=OccupancyToldSerializer, responses={201: OccupancyEventSerializer})
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Write a correction or reset down as an event; managers only."""
        store = store_of(request, store_id)
        user = ask_manager(request, store)
        told = OccupancyToldSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        now = system_clock.now()
        event = occupancy_tell(
            store=store, user=user, now=now, **{"at": now, **told.validated_data}
        )
        return Response(OccupancyEventSerializer(event).data, status=status.HTTP_201_CREATED)


class TransactionsView(DoorView):
    """Sales of a till."""

    @extend_schema(request=SalesSerializer, responses=SalesReportSerializer)
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Take up to 1,000 lines of sales, each client key once; managers only."""
        store = store_of(request, store_id)
        user = ask_manager(request, store)
        told = SalesSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        lines = told.validated_data["transactions"]
        sales = [
            Sale(
                line["at"], line["count"], line.get("amount"), line["client_key"],
                line["kind"] != "sale" or is_return(line["count"], line.get("amount")),
            )
            for line in lines
        ]  # fmt: skip
        source = told.validated_data["source"]
        report = sales_take(store=store, sales=sales, source=source, user=user)
        return Response(SalesReportSerializer(report).data)


class KpiSettingsView(DoorView):
    """What a store sets for its key numbers."""

    conditional = ("GET", "PUT")

    @extend_schema(operation_id="kpi_settings", responses=KpiSettingsSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return up to how long a visit counts as a quick look."""
        store = store_of(request, store_id)
        return unless_known(request, settings_json(store))

    @extend_schema(request=KpiSettingsSerializer, responses=KpiSettingsSerializer)
    def put(self, request: Request, store_id: uuid.UUID) -> Response:
        """Set up to how long a visit counts as a quick look; managers only."""
        store = store_of(request, store_id)
        user = ask_manager(request, store)
        told = KpiSettingsSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        with transaction.atomic():
            Store.objects.select_for_update(no_key=True).get(pk=store.pk)
            ask_unchanged(request, settings_json(store))
            bounce_set(store=store, seconds=told.validated_data["bounce_s"], user=user)
        return with_etag(settings_json(store))


def settings_json(store: Store) -> dict[str, Any]:
    """Return a store's settings as they are now."""
    return dict(KpiSettingsSerializer({"bounce_s": bounce_seconds(store)}).data)
