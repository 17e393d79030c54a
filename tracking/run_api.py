"""How a recording was counted, who was followed, and when cameras looked."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import ClassVar

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.doors import (
    DoorView,
    MomentParameter,
    PagedView,
    PageQuery,
    in_order,
)
from tracking.live_api import recording_of, store_of
from tracking.models import Coverage, Run, Track
from tracking.overlay import BadOverlayError, unpack_path

DECIMALS = 4
_SECOND = timedelta(seconds=1)
TRACK_ORDERS = ["number", "-number", "started_at", "-started_at"]
COVERAGE_ORDERS = ["-starts_at", "starts_at"]


HEAVY = ("run__setup", "run__card", "run__tracker_state")
# Spans that outside counters told have no run; of recordings those of the official one count.
COUNTS = Q(run=None) | Q(run__active=True)


class CountSerializer(serializers.Serializer[Run]):
    """One count of a recording: with what it was counted, and whether it makes the numbers."""

    id = serializers.UUIDField(source="public_id")
    recording = serializers.UUIDField(source="recording.public_id")
    mode = serializers.ChoiceField(choices=Run.Mode.choices)
    active = serializers.BooleanField(help_text="Its numbers are the official ones.")
    card = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="Code version, detector with its settings and hash, parameters, input hash.",
    )
    counted_to_ms = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TrackSerializer(serializers.Serializer[Track]):
    """One followed person within a count."""

    id = serializers.UUIDField(source="public_id")
    run = serializers.UUIDField(source="run.public_id")
    number = serializers.IntegerField()
    chain = serializers.IntegerField(help_text="The person's first number.")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    height_px = serializers.FloatField()
    confidence = serializers.FloatField()


class TrackWaySerializer(TrackSerializer):
    """A track with its way."""

    path = serializers.SerializerMethodField()

    @extend_schema_field(
        {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 3,
                "maxItems": 3,
            },
            "description": "Foot points: media milliseconds, x and y as fractions of the frame.",
        }
    )
    def get_path(self, track: Track) -> list[list[float]]:
        """Return the foot points; none where the way is no longer kept."""
        try:
            points = unpack_path(bytes(track.path))
        except BadOverlayError:
            return []
        return [[ms, round(x, DECIMALS), round(y, DECIMALS)] for ms, x, y in points]


class SpanSerializer(serializers.Serializer[Coverage]):
    """A span that a camera really observed."""

    camera = serializers.UUIDField(source="camera.public_id")
    run = serializers.UUIDField(source="run.public_id", allow_null=True, default=None)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    observed_s = serializers.SerializerMethodField()

    def get_observed_s(self, span: Coverage) -> float:
        """Return how long it is."""
        return (span.ends_at - span.starts_at) / _SECOND


class RunsView(PagedView):
    """The counts of a recording."""

    asks: ClassVar = {"GET": PageQuery}
    serializer_class = CountSerializer

    @extend_schema(operation_id="runs", responses=CountSerializer(many=True))
    def get(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Return a page of them, newest first."""
        recording = recording_of(request, recording_id)
        PageQuery.read(request)
        return self.page(runs_told(Run.objects.filter(recording=recording)))


class RunView(DoorView):
    """One count."""

    @extend_schema(operation_id="run", responses=CountSerializer)
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """Return it, for members of its store."""
        return Response(CountSerializer(run_of(request, run_id)).data)


class TracksQuery(PageQuery):
    """Which tracks, in which order."""

    chain = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, help_text="Those of one person."
    )
    ordering = serializers.ChoiceField(choices=TRACK_ORDERS, default="number")


class TracksView(PagedView):
    """Who was followed in a count."""

    asks: ClassVar = {"GET": TracksQuery}
    serializer_class = TrackSerializer

    @extend_schema(operation_id="tracks", responses=TrackSerializer(many=True))
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """Return a page of tracks, without their ways."""
        run, query = run_of(request, run_id), TracksQuery.read(request)
        tracks = Track.objects.filter(run=run).select_related("run").defer("path", *HEAVY)
        if "chain" in query:
            tracks = tracks.filter(chain=query["chain"])
        return self.page(tracks, in_order(query["ordering"]))


class TrackView(DoorView):
    """One track with its way."""

    @extend_schema(operation_id="track", responses=TrackWaySerializer)
    def get(self, request: Request, track_id: uuid.UUID) -> Response:
        """Return it, for members of its store."""
        tracks = Track.objects.for_user(request.user).select_related("run").defer(*HEAVY)
        return Response(TrackWaySerializer(get_object_or_404(tracks, public_id=track_id)).data)


class CoverageQuery(PageQuery):
    """Which spans, in which order."""

    camera = serializers.UUIDField(required=False)
    ends_after = MomentParameter(required=False, help_text="Spans that ended later.")
    starts_before = MomentParameter(required=False, help_text="Spans that began before.")
    ordering = serializers.ChoiceField(choices=COVERAGE_ORDERS, default="-starts_at")


class CoverageView(PagedView):
    """When the cameras of a store really looked."""

    asks: ClassVar = {"GET": CoverageQuery}
    serializer_class = SpanSerializer

    @extend_schema(operation_id="coverage", responses=SpanSerializer(many=True))
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a page of spans, newest first unless told otherwise."""
        store, query = store_of(request, store_id), CoverageQuery.read(request)
        spans = Coverage.objects.filter(COUNTS, camera__store=store)
        wanted = {
            "camera__public_id": query.get("camera"),
            "ends_at__gt": query.get("ends_after"),
            "starts_at__lt": query.get("starts_before"),
        }
        spans = spans.filter(**{name: value for name, value in wanted.items() if value})
        spans = spans.select_related("camera", "run").defer(*HEAVY)
        return self.page(spans, in_order(query["ordering"]))


def runs_told(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return runs with what their JSON names."""
    return runs.select_related("recording").defer("setup", "tracker_state", "recording__media")


def run_of(request: Request, run_id: uuid.UUID) -> Run:
    """Return a count, for members of its store; for anyone else there is none."""
    return get_object_or_404(runs_told(Run.objects.for_user(request.user)), public_id=run_id)
