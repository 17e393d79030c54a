"""The key numbers of business days as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Store
from analytics.api import DAYS_AT_MOST, DayField
from analytics.comparisons import WAYS, Compared
from analytics.history import compared
from analytics.kpi_numbers import Period, kpi_numbers
from analytics.serializers import KpisSerializer
from tracking.live_api import QuerySerializer, store_of
from zones.models import Zone


class SpanQuery(QuerySerializer):
    """Business days, both included, of one zone or all; what every part of a Dashboard reads."""

    zone = serializers.UUIDField(required=False)
    compare = serializers.ChoiceField(choices=WAYS, required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from` and `to`, which Python cannot name."""
        return {**super().get_fields(), "from": DayField(), "to": DayField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse spans that run backwards or are too long."""
        days = (attrs["to"] - attrs["from"]).days + 1
        if not 1 <= days <= DAYS_AT_MOST:
            raise serializers.ValidationError(
                {"to": f"Ask for 1 to {DAYS_AT_MOST} days, from the first to the last; got {days}."}
            )
        return super().validate(attrs)


def period_of(request: Request, store_id: uuid.UUID) -> tuple[Period, str | None]:
    """Return the store's period that a request asks for, and what to compare it with."""
    store, query = store_of(request, store_id), SpanQuery.read(request)
    zone = zone_of(store, query.get("zone"))
    period = Period(store, query["from"], query["to"], zone, system_clock.now())
    return period, query.get("compare")


def compared_with(period: Period, how: str | None) -> Compared | None:
    """Return the period's footfall compared by like hours, None where nobody asks."""
    if how is None:
        return None
    return compared(period.store, period.first, period.last, how, period.now)


def zone_of(store: Store, wanted: uuid.UUID | None) -> Zone | None:
    """Return the zone asked for; one that is not this store's does not exist."""
    if wanted is None:
        return None
    zone = Zone.objects.filter(camera__store=store, public_id=wanted).first()
    if zone is None:
        raise Http404
    return zone


class KpisView(APIView):
    """The key numbers of business days, each with its meaning, formula and seen share."""

    @extend_schema(parameters=[SpanQuery], responses=KpisSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return every key number; null, with the reason, where it is not known."""
        period, compare = period_of(request, store_id)
        answer = {
            "from": period.first,
            "to": period.last,
            "zone": period.zone,
            "compared": compared_with(period, compare),
            "kpis": kpi_numbers(period),
        }
        return Response(KpisSerializer(answer).data)
