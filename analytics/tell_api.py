"""What managers tell the numbers, as JSON: who is inside, what was sold, what a quick look is."""

from __future__ import annotations

import uuid

from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.sales import Sale, is_return, sales_take
from analytics.services import bounce_set
from analytics.tell_serializers import (
    KpiSettingsSerializer,
    OccupancyEventSerializer,
    OccupancyToldSerializer,
    SalesReportSerializer,
    SalesSerializer,
)
from tracking.corrections import occupancy_tell
from tracking.live_api import store_of
from tracking.upload_views import ask_manager


class OccupancyView(APIView):
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


class TransactionsView(APIView):
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
            Sale(line["at"], line["count"], line.get("amount"), line["client_key"])
            for line in lines
            if line["kind"] == "sale" and not is_return(line["count"], line.get("amount"))
        ]
        source = told.validated_data["source"]
        report = sales_take(store=store, sales=sales, source=source, user=user)
        report.left_out = len(lines) - len(sales)
        return Response(SalesReportSerializer(report).data)


class KpiSettingsView(APIView):
    """What a store sets for its key numbers."""

    @extend_schema(request=KpiSettingsSerializer, responses=KpiSettingsSerializer)
    def put(self, request: Request, store_id: uuid.UUID) -> Response:
        """Set up to how long a visit counts as a quick look; managers only."""
        store = store_of(request, store_id)
        user = ask_manager(request, store)
        told = KpiSettingsSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        settings = bounce_set(store=store, seconds=told.validated_data["bounce_s"], user=user)
        return Response(KpiSettingsSerializer(settings).data)
