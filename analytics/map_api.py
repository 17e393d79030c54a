"""Today's numbers of a camera's zones and lines as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone as system_clock
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.doors import DoorView
from analytics.map_numbers import map_today
from analytics.what_if import map_what_if
from zones.api import MapChanged, camera_of
from zones.maps import MapChangedError
from zones.models import Camera
from zones.serializers import MapWishSerializer
from zones.tried import map_tried


class ZoneTodaySerializer(serializers.Serializer[Any]):
    """A zone's business day so far; null where its camera did not look."""

    id = serializers.UUIDField()
    stays = serializers.IntegerField(allow_null=True)
    median_s = serializers.FloatField(allow_null=True)


class LineTodaySerializer(serializers.Serializer[Any]):
    """A line's business day so far; null where its camera did not look."""

    id = serializers.UUIDField()
    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)


class MapTodaySerializer(serializers.Serializer[Any]):
    """The business day so far of everything drawn on a camera's picture."""

    day = serializers.DateField()
    seen = serializers.BooleanField()
    zones = ZoneTodaySerializer(many=True)
    lines = LineTodaySerializer(many=True)


class MapTodayView(DoorView):
    """Today's numbers of a camera's zones and lines."""

    @extend_schema(responses=MapTodaySerializer)
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return the numbers, for members of the camera's store."""
        cameras = Camera.objects.for_user(request.user).select_related("store")
        camera = get_object_or_404(cameras, public_id=camera_id)
        return Response(MapTodaySerializer(map_today(camera, system_clock.now())).data)


class ZoneCountedSerializer(serializers.Serializer[Any]):
    """What a zone counts; without a median where no stay was seen from start to end."""

    stays = serializers.IntegerField()
    median_s = serializers.FloatField(allow_null=True)


class LineCountedSerializer(serializers.Serializer[Any]):
    """What a line counts."""

    entries = serializers.IntegerField()
    exits = serializers.IntegerField()


class ShapeTriedSerializer(serializers.Serializer[Any]):
    """A zone or line; a new one has no id."""

    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()


class ZoneTriedSerializer(ShapeTriedSerializer):
    """A zone by the map that holds and by the one that was sent; null where one has it not."""

    colour = serializers.IntegerField()
    saved = ZoneCountedSerializer(allow_null=True)
    drawn = ZoneCountedSerializer(allow_null=True)


class LineTriedSerializer(ShapeTriedSerializer):
    """A line by the map that holds and by the one that was sent; null where one has it not."""

    saved = LineCountedSerializer(allow_null=True)
    drawn = LineCountedSerializer(allow_null=True)


class MapTriedSerializer(serializers.Serializer[Any]):
    """What both maps count of the same people's ways; those that would end come last."""

    day = serializers.DateField(
        allow_null=True, help_text="The business day; null where nobody was followed lately."
    )
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    ways = serializers.IntegerField(help_text="People whose ways were counted, the newest.")
    ways_of_day = serializers.IntegerField(help_text="People who were followed on that day.")
    opens_ignored = serializers.BooleanField(
        help_text="Whether a place is opened where nobody was followed because it is ignored."
    )
    zones = ZoneTriedSerializer(many=True)
    lines = LineTriedSerializer(many=True)


class MapWhatIfView(DoorView):
    """What a map that is not saved would have done."""

    @extend_schema(
        operation_id="camera_map_what_if", request=MapWishSerializer,
        responses={
            200: MapTriedSerializer, 409: OpenApiResponse(description=MapChanged.default_detail)
        },
    )  # fmt: skip
    def post(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Count the kept ways of the last day with a map, and change nothing; managers only."""
        camera = camera_of(request, camera_id)
        ask_manager(request, camera.store)
        wish = MapWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        try:
            tried = map_tried(camera=camera, **wish.validated_data)
        except MapChangedError as error:
            raise MapChanged from error
        return Response(MapTriedSerializer(map_what_if(camera, tried)).data)
