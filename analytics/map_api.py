"""Today's numbers of a camera's zones and lines as JSON."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.doors import DoorView
from analytics.map_numbers import map_today
from zones.models import Camera


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
