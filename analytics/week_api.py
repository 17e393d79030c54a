"""The usual week, and the stays in each zone, as JSON."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.doors import DoorView
from analytics.api import DaysQuery
from analytics.usual_week import usual_week
from analytics.zone_stays import zone_stays
from tracking.live_api import store_of


class CellSerializer(serializers.Serializer[Any]):
    """One hour of one weekday: the median of its like hours; null is not zero."""

    weekday = serializers.IntegerField(help_text="0 is Monday.")
    hour = serializers.CharField(help_text="As the shop's clock shows its start.")
    value = serializers.FloatField(allow_null=True)
    rests_on = serializers.IntegerField(help_text="How many hours the value is the median of.")
    left_out = serializers.IntegerField(
        help_text="Open hours that were seen too little, go on, are to come, or were open for "
        "another time."
    )
    is_open = serializers.BooleanField()


class UsualWeekSerializer(serializers.Serializer[Any]):
    """Who comes in at each hour of a usual week, from the weeks up to the last day asked for."""

    to = serializers.DateField(source="last")
    days = serializers.IntegerField()
    most = serializers.FloatField(allow_null=True)
    hours = serializers.ListField(child=serializers.CharField())
    cells = CellSerializer(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot name."""
        return {"from": serializers.DateField(source="first"), **super().get_fields()}


class UsualWeekView(DoorView):
    """Hours of the week, each the median of the like hours of some weeks."""

    asks: ClassVar = {"GET": DaysQuery}

    @extend_schema(responses=UsualWeekSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the usual week of at least four weeks, which end with the last day asked for."""
        store, query = store_of(request, store_id), DaysQuery.read(request)
        found = usual_week(store, query["from"], query["to"], system_clock.now())
        return Response(UsualWeekSerializer(found).data)


class ZoneStaysSerializer(serializers.Serializer[Any]):
    """The stays in one zone; null is not zero."""

    id = serializers.UUIDField(source="zone.public_id")
    name = serializers.CharField(source="zone.name")
    kind = serializers.CharField(source="zone.kind")
    colour = serializers.IntegerField(source="zone.colour")
    stays = serializers.IntegerField(allow_null=True)
    share = serializers.FloatField(
        allow_null=True, help_text="Stays for each person who came in; it may pass 1."
    )
    median_s = serializers.FloatField(allow_null=True)
    p90_s = serializers.FloatField(
        allow_null=True, help_text="One stay in ten took longer than this."
    )


class ZonesStaysSerializer(serializers.Serializer[Any]):
    """Every zone of shoppers that is drawn now, over business days."""

    zones = ZoneStaysSerializer(many=True)


class ZoneStaysView(DoorView):
    """How often and how long people stopped in each zone."""

    asks: ClassVar = {"GET": DaysQuery}

    @extend_schema(responses=ZonesStaysSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the zones in the order of the map."""
        store, query = store_of(request, store_id), DaysQuery.read(request)
        found = zone_stays(store, query["from"], query["to"])
        return Response(ZonesStaysSerializer({"zones": found}).data)
