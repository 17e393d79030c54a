"""Every permitted shop's day as JSON."""

from __future__ import annotations

from typing import Any

from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.conditional import unless_known
from accounts.doors import DoorView
from accounts.selectors import stores_of_user
from analytics.api import MOVING
from analytics.insight_api import InsightSerializer
from analytics.overview import shops_today
from analytics.serializers import (
    ComparedSerializer,
    JobsSerializer,
    StoreNameSerializer,
    SummaryRowSerializer,
)


class CameraStateSerializer(serializers.Serializer[Any]):
    """A camera, and whether it saw anything in the last ten minutes."""

    name = serializers.CharField()
    looking = serializers.BooleanField()
    live = serializers.BooleanField(help_text="It sends pictures by itself: silence is a fault.")
    is_new = serializers.BooleanField(
        help_text="Made in the last ten minutes: nothing of it need be counted yet."
    )


class ShopTodaySerializer(serializers.Serializer[Any]):
    """A shop's business day so far; null is not zero."""

    store = StoreNameSerializer()
    is_demo = serializers.BooleanField(source="store.is_demo")
    day = serializers.DateField()
    now = serializers.IntegerField(allow_null=True)
    why_null = serializers.CharField(allow_null=True)
    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)
    observed = serializers.FloatField(allow_null=True)
    hours = SummaryRowSerializer(many=True)
    compared = ComparedSerializer()
    insight = InsightSerializer(allow_null=True)
    cameras = CameraStateSerializer(many=True)
    jobs = JobsSerializer()
    last_seen_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When an entrance was last looked at; any camera where there is no entrance.",
    )
    is_open = serializers.BooleanField()
    changes_at = serializers.DateTimeField(allow_null=True)


class OverviewSerializer(serializers.Serializer[Any]):
    """All shops of the caller, by name."""

    server_time = serializers.DateTimeField()
    shops = ShopTodaySerializer(many=True)


class OverviewView(DoorView):
    """Today in every shop that the caller may see."""

    conditional = ("GET",)

    @extend_schema(responses=OverviewSerializer)
    def get(self, request: Request) -> Response:
        """Return the shops by name; none for somebody who belongs to none."""
        now = system_clock.now()
        shops = shops_today(list(stores_of_user(request.user)), now)
        told = OverviewSerializer({"server_time": now, "shops": shops}).data
        return unless_known(request, told, MOVING)
