"""The key numbers of business days as JSON."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.http import Http404
from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.doors import DoorView
from accounts.models import Store
from analytics.api import DaysQuery
from analytics.comparisons import WAYS
from analytics.history import compared_lines
from analytics.kpi_numbers import Period, numbers_of
from analytics.kpi_sums import sums_of
from analytics.serializers import KpisSerializer
from tracking.live_api import store_of
from zones.models import Zone


class SpanQuery(DaysQuery):
    """Business days, both included, of one zone or all; what every part of a Dashboard reads."""

    zone = serializers.UUIDField(required=False)
    compare = serializers.ChoiceField(choices=WAYS, required=False)


def period_of(request: Request, store_id: uuid.UUID) -> tuple[Period, str | None]:
    """Return the store's period that a request asks for, and what to compare it with."""
    store, query = store_of(request, store_id), SpanQuery.read(request)
    zone = zone_of(store, query.get("zone"))
    period = Period(store, query["from"], query["to"], zone, system_clock.now())
    return period, query.get("compare")


def zone_of(store: Store, wanted: uuid.UUID | None) -> Zone | None:
    """Return the zone asked for; one that is not this store's does not exist."""
    if wanted is None:
        return None
    zone = Zone.objects.filter(camera__store=store, public_id=wanted).first()
    if zone is None:
        raise Http404
    return zone


class KpisView(DoorView):
    """The key numbers of business days, each with its meaning, formula and seen share."""

    asks: ClassVar = {"GET": SpanQuery}

    @extend_schema(responses=KpisSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return every key number; null, with the reason, where it is not known."""
        period, how = period_of(request, store_id)
        sums = sums_of(period)
        days = (period.first, period.last)
        answer = {
            "from": period.first,
            "to": period.last,
            "zone": period.zone,
            "compared": compared_lines(period.store, days, sums.hours, how, period.now)
            if how
            else None,
            "kpis": numbers_of(sums),
        }
        return Response(KpisSerializer(answer).data)
