"""Movement and heatmaps as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analytics.heatmap import KINDS
from tracking.event_serializers import VisitSerializer


class PlaceSerializer(serializers.Serializer[Any]):
    """Where a step begins or ends: a zone, or one of the ends of a path."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    camera = serializers.CharField()
    colour = serializers.IntegerField()
    into = serializers.IntegerField()
    out_of = serializers.IntegerField()


class StepSerializer(serializers.Serializer[Any]):
    """How often people went from one place to the next; of these, by a visit."""

    from_zone = serializers.CharField()
    to_zone = serializers.CharField()
    times = serializers.IntegerField()
    visits = serializers.IntegerField()


class PathSerializer(serializers.Serializer[Any]):
    """One way through the zones, from its begin to its end."""

    path = serializers.ListField(child=serializers.CharField())
    times = serializers.IntegerField()
    share = serializers.FloatField()


class MovementSerializer(serializers.Serializer[Any]):
    """Steps and paths of a period; `times` is null where no camera looked."""

    times = serializers.IntegerField(allow_null=True)
    visits = serializers.IntegerField(allow_null=True)
    balanced = serializers.BooleanField()
    begins = PlaceSerializer(many=True)
    zones = PlaceSerializer(many=True)
    ends = PlaceSerializer(many=True)
    steps = StepSerializer(many=True)
    paths = PathSerializer(many=True)


class StepVisitsSerializer(serializers.Serializer[Any]):
    """A page of visits, which may hold fewer than fit and go on all the same."""

    next = serializers.CharField(allow_null=True)
    results = VisitSerializer(many=True)


class ZoneHeatSerializer(serializers.Serializer[Any]):
    """A zone with the time spent in the cells whose middle lies in it."""

    id = serializers.CharField(source="key")
    name = serializers.CharField()
    kind = serializers.CharField()
    vertices = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
    )
    seconds = serializers.FloatField(allow_null=True)
    share = serializers.FloatField(allow_null=True)


class HeatmapSerializer(serializers.Serializer[Any]):
    """Seconds per cell, row by row from the top left; null where the camera did not look."""

    camera = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    columns = serializers.IntegerField()
    rows = serializers.IntegerField()
    cells_s = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    total_s = serializers.FloatField(allow_null=True)
    top_s = serializers.FloatField(allow_null=True)
    tracks = serializers.IntegerField(allow_null=True)
    observed_s = serializers.FloatField()
    days_behind = serializers.IntegerField()
    still = serializers.CharField(allow_null=True)
    zones = ZoneHeatSerializer(many=True)
