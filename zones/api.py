"""A store's cameras with what is drawn on them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination

from accounts.selectors import stores_of_user
from zones.models import Camera, CountingLine, Zone
from zones.selectors import cameras_of_store

PointField = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)


class ZoneSerializer(serializers.ModelSerializer[Zone]):
    """A zone with the outline that holds now, as fractions of the frame."""

    id = serializers.UUIDField(source="public_id")
    vertices = serializers.SerializerMethodField()

    class Meta:
        model = Zone
        fields = ("id", "name", "kind", "colour", "vertices", "min_dwell_s", "grace_s")

    @extend_schema_field(serializers.ListField(child=PointField))
    def get_vertices(self, zone: Any) -> list[list[float]]:
        """Return the corners."""
        corners: list[list[float]] = zone.open_versions[0].vertices
        return corners


class LineSerializer(serializers.ModelSerializer[CountingLine]):
    """A counting line with the place that holds now; walked from a to b."""

    id = serializers.UUIDField(source="public_id")
    a = serializers.SerializerMethodField()
    b = serializers.SerializerMethodField()
    inside_side = serializers.SerializerMethodField()

    class Meta:
        model = CountingLine
        fields = ("id", "name", "kind", "a", "b", "inside_side")

    @extend_schema_field(PointField)
    def get_a(self, line: Any) -> list[float]:
        """Return the first end."""
        end: list[float] = line.open_versions[0].a
        return end

    @extend_schema_field(PointField)
    def get_b(self, line: Any) -> list[float]:
        """Return the second end."""
        end: list[float] = line.open_versions[0].b
        return end

    def get_inside_side(self, line: Any) -> str:
        """Return the hand on which the inside lies: right or left."""
        return str(line.open_versions[0].inside_side)


class CameraSerializer(serializers.ModelSerializer[Camera]):
    """A camera; its address is not among the fields and never will be."""

    id = serializers.UUIDField(source="public_id")
    zones = serializers.SerializerMethodField()
    lines = serializers.SerializerMethodField()

    class Meta:
        model = Camera
        fields = ("id", "name", "detector", "zones", "lines")

    @extend_schema_field(ZoneSerializer(many=True))
    def get_zones(self, camera: Any) -> list[dict[str, Any]]:
        """Return the zones that have an outline now."""
        drawn = [zone for zone in camera.zones.all() if zone.open_versions]
        return list(ZoneSerializer(drawn, many=True).data)

    @extend_schema_field(LineSerializer(many=True))
    def get_lines(self, camera: Any) -> list[dict[str, Any]]:
        """Return the lines that have a place now."""
        drawn = [line for line in camera.lines.all() if line.open_versions]
        return list(LineSerializer(drawn, many=True).data)


class CamerasByName(CursorPagination):
    """Pages of cameras."""

    ordering = ("name", "id")
    page_size = 100


class CamerasView(ListAPIView[Camera]):
    """The cameras of one of the caller's stores; of a foreign store there are none: 404."""

    serializer_class = CameraSerializer
    pagination_class = CamerasByName
    queryset = Camera.objects.none()

    def get_queryset(self) -> QuerySet[Camera]:
        """Return the store's cameras."""
        user = self.request.user
        store = get_object_or_404(stores_of_user(user), public_id=self.kwargs["store_id"])
        return cameras_of_store(user=user, store=store)
