"""The feed of events, visits, and what to draw over a recording."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, generics, pagination, serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Store
from tracking.event_serializers import (
    EventsAnswerSerializer,
    OverlaySerializer,
    VisitSerializer,
)
from tracking.models import Recording, TrackingEvent, Visit
from tracking.overlays import overlay_of, picture_at, still_of
from tracking.selectors import feed_after, feed_recent, visits_of
from zones.models import Camera

EVENTS_AT_MOST = 500
OVERLAY_AT_MOST_MS = 30_000
LONGEST_MS = 10**10


class QuerySerializer(serializers.Serializer[Any]):
    """The parameters of an address; one that it does not know is refused, not ignored."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse unknown parameters."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            known = ", ".join(sorted(self.fields))
            message = f"There is no such parameter here. Known are: {known}."
            raise serializers.ValidationError(dict.fromkeys(unknown, message))
        return attrs

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """Return the request's parameters, checked."""
        query = cls(data=request.query_params)
        query.is_valid(raise_exception=True)
        values: dict[str, Any] = query.validated_data
        return values


def store_of(request: Request, store_id: uuid.UUID) -> Store:
    """Return the store, for its members; for anyone else there is none."""
    return get_object_or_404(Store.objects.for_user(request.user), public_id=store_id)


def recording_of(request: Request, recording_id: uuid.UUID) -> Recording:
    """Return the recording, for members of its store; for anyone else there is none."""
    return get_object_or_404(Recording.objects.for_user(request.user), public_id=recording_id)


class EventsQuery(QuerySerializer):
    """Either what follows an event, or the newest."""

    after = serializers.IntegerField(min_value=0, max_value=2**62, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=EVENTS_AT_MOST, default=200)
    recent = serializers.IntegerField(min_value=1, max_value=EVENTS_AT_MOST, required=False)
    kind = serializers.CharField(required=False, help_text="Kinds, joined by commas.")
    recording = serializers.UUIDField(required=False)

    def validate_kind(self, value: str) -> list[str]:
        """Return the kinds as a list."""
        kinds = value.split(",")
        for kind in kinds:
            if kind not in TrackingEvent.Kind.values:
                known = ", ".join(TrackingEvent.Kind.values)
                raise serializers.ValidationError(f"'{kind}' is no kind. Known are: {known}.")
        return kinds

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse filters where every event is needed to keep the order whole."""
        if "after" in attrs and attrs.keys() & {"recent", "kind", "recording"}:
            raise serializers.ValidationError(
                {"after": "Catching up takes every event: leave out recent, kind and recording."}
            )
        return super().validate(attrs)


class EventsView(APIView):
    """The feed of a store as it happened, each event with whether it still counts."""

    @extend_schema(parameters=[EventsQuery], responses=EventsAnswerSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return events after one in order, or the newest first."""
        store, query = store_of(request, store_id), EventsQuery.read(request)
        if "after" in query:
            found = feed_after(store, query["after"], query["limit"])
        else:
            found = feed_recent(
                store, query.get("recent", 50), query.get("kind", []), query.get("recording")
            )
        answer = dict(zip(("as_of_seq", "results", "more"), found, strict=True))
        return Response(EventsAnswerSerializer(answer).data)


class VisitPages(pagination.CursorPagination):
    """Newest first, without counting."""

    page_size = 50
    ordering = ("-entered_at", "-id")


class VisitsQuery(QuerySerializer):
    """Which visits."""

    cursor = serializers.CharField(required=False)
    recording = serializers.UUIDField(required=False)


class VisitsView(generics.ListAPIView[Visit]):
    """The visits that count, newest first."""

    serializer_class = VisitSerializer
    pagination_class = VisitPages
    filter_backends = ()
    queryset = Visit.objects.none()

    @extend_schema(parameters=[VisitsQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page of visits."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Visit]:
        """Return the store's visits, or those of one recording."""
        query = VisitsQuery.read(self.request)
        return visits_of(store_of(self.request, self.kwargs["store_id"]), query.get("recording"))


class OverlayQuery(QuerySerializer):
    """A span of media time, 30 s at the most."""

    from_ms = serializers.IntegerField(min_value=0, max_value=LONGEST_MS)
    to_ms = serializers.IntegerField(min_value=0, max_value=LONGEST_MS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a span that is empty or too long."""
        if not 0 < attrs["to_ms"] - attrs["from_ms"] <= OVERLAY_AT_MOST_MS:
            raise serializers.ValidationError(
                {"to_ms": f"Ask for more than 0 and at most {OVERLAY_AT_MOST_MS} ms at once."}
            )
        return super().validate(attrs)


class OverlayView(APIView):
    """Followed people, trails and pictures of a span of a recording."""

    @extend_schema(parameters=[OverlayQuery], responses=OverlaySerializer)
    def get(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Return what to draw."""
        recording, query = recording_of(request, recording_id), OverlayQuery.read(request)
        overlay = overlay_of(recording, query["from_ms"], query["to_ms"])
        address = reverse("recording-picture", args=[recording.public_id])
        pictures = [
            {"time_ms": at_ms, "url": f"{address}?{urlencode({'at_ms': at_ms})}"}
            for at_ms in overlay.picture_times_ms
        ]
        return Response(
            {
                "width": overlay.width,
                "height": overlay.height,
                "frames": overlay.frames,
                "pictures": pictures,
                "trails": overlay.trails,
            }
        )


class WhateverIsAccepted(BaseContentNegotiation):
    """A picture is a JPEG and a problem is JSON, whatever the client says it likes."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002
        """Return the first parser."""
        return parsers[0]

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


class PictureQuery(QuerySerializer):
    """A moment of media time."""

    at_ms = serializers.IntegerField(min_value=0, max_value=LONGEST_MS)


class NoPicture(exceptions.NotFound):
    """There is no picture of this moment, or not any more."""

    default_detail = "There is no picture of this moment."
    default_code = "no_picture"


class PictureView(APIView):
    """One pixelated picture of a recording."""

    renderer_classes = (JSONRenderer,)
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(parameters=[PictureQuery], responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, recording_id: uuid.UUID) -> HttpResponse:
        """Return the picture on show at a moment."""
        recording, query = recording_of(request, recording_id), PictureQuery.read(request)
        picture = picture_at(recording, query["at_ms"])
        if picture is None:
            raise NoPicture
        return _jpeg(picture)


class StillView(APIView):
    """The person-free picture of a camera."""

    renderer_classes = (JSONRenderer,)
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, camera_id: uuid.UUID) -> HttpResponse:
        """Return the picture, for members of the camera's store."""
        camera = get_object_or_404(Camera.objects.for_user(request.user), public_id=camera_id)
        picture = still_of(camera)
        if picture is None:
            raise NoPicture("This camera has no picture without people yet.")
        return _jpeg(picture)


def _jpeg(picture: bytes) -> HttpResponse:
    headers = {
        # A page steps back and forth through a few seconds; after that, ask again.
        "Cache-Control": "private, max-age=60",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(picture, content_type="image/jpeg", headers=headers)
