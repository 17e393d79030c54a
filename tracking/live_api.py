"""The feed of events, visits, and what to draw over a recording."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone as clock
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import Token

from accounts.doors import (
    DoorView,
    MomentParameter,
    PagedView,
    PageQuery,
    QuerySerializer,
    in_order,
)
from accounts.models import Store, User
from accounts.tokens import login_of
from tracking.clients import visit_seen
from tracking.event_serializers import (
    EventsAnswerSerializer,
    EventSerializer,
    OverlaySerializer,
    SocketTicketSerializer,
    TrackEndsSerializer,
    VisitSerializer,
)
from tracking.models import Recording, TrackingEvent, Visit
from tracking.overlays import overlay_of, picture_at, still_of
from tracking.selectors import feed, feed_after, feed_recent, visits_of, visits_told
from tracking.tickets import ticket_issue
from tracking.track_ends import track_ends
from zones.models import Camera

EVENTS_AT_MOST = 500
OVERLAY_AT_MOST_MS = 30_000
LONGEST_MS = 10**10
VISIT_ORDERS = ["-entered_at", "entered_at"]


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
        return attrs


class EventsView(DoorView):
    """The feed of a store as it happened, each event with whether it still counts."""

    asks: ClassVar = {"GET": EventsQuery}

    @extend_schema(responses=EventsAnswerSerializer)
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


class SocketTicketsView(DoorView):
    """Tickets for the live socket of a store."""

    keyed = False  # a ticket that was told before is as good as used

    @extend_schema(request=None, responses={201: SocketTicketSerializer})
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Give a ticket that opens one socket within 30 seconds; `docs/live.md` says what follows.

        Whoever may read the store may ask. The socket closes when its person loses that right, and
        when the log-in of the token ends.
        """
        store, user = store_of(request, store_id), cast("User", request.user)
        login = login_of(request.auth) if isinstance(request.auth, Token) else None
        issued = ticket_issue(user=user, store=store, now=clock.now(), login=login)
        path = f"/ws/stores/{store.public_id}/?{urlencode({'ticket': issued.word})}"
        told = {"ticket": issued.word, "expires_at": issued.expires_at, "path": path}
        answer = Response(SocketTicketSerializer(told).data, status=HTTPStatus.CREATED)
        answer["Cache-Control"] = "no-store"
        return answer


class VisitsQuery(PageQuery):
    """Which visits, in which order."""

    recording = serializers.UUIDField(required=False)
    client = serializers.UUIDField(required=False)
    entered_from = MomentParameter(required=False, help_text="Visits that began then or later.")
    entered_before = MomentParameter(required=False, help_text="Visits that began before.")
    ordering = serializers.ChoiceField(choices=VISIT_ORDERS, default="-entered_at")


class VisitsView(PagedView):
    """The visits that count."""

    asks: ClassVar = {"GET": VisitsQuery}
    serializer_class = VisitSerializer

    @extend_schema(operation_id="visits", responses=VisitSerializer(many=True))
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a page of visits, newest first unless told otherwise."""
        store, query = store_of(request, store_id), VisitsQuery.read(request)
        visits = visits_of(store, query.get("recording"))
        wanted = {
            "customer__public_id": query.get("client"),
            "entered_at__gte": query.get("entered_from"),
            "entered_at__lt": query.get("entered_before"),
        }
        visits = visits.filter(**{name: value for name, value in wanted.items() if value})
        return self.page(visits, in_order(query["ordering"]))


class VisitView(DoorView):
    """One visit."""

    @extend_schema(operation_id="visit", responses=VisitSerializer)
    def get(self, request: Request, visit_id: uuid.UUID) -> Response:
        """Return it, for members of its store."""
        visits = visits_told(Visit.objects.for_user(request.user))
        visit = get_object_or_404(visits, public_id=visit_id)
        visit_seen(visit, visit.store, cast("User", request.user))
        return Response(VisitSerializer(visit).data)


class EventView(DoorView):
    """One event of a feed."""

    @extend_schema(operation_id="event", responses=EventSerializer)
    def get(self, request: Request, event_id: uuid.UUID) -> Response:
        """Return it, for members of its store."""
        theirs = TrackingEvent.objects.for_user(request.user).filter(seq__isnull=False)
        found = get_object_or_404(theirs, public_id=event_id)
        event = feed(found.store).get(pk=found.pk)
        return Response(EventSerializer(event).data)


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
        return attrs


class OverlayView(DoorView):
    """Followed people, trails and pictures of a span of a recording."""

    asks: ClassVar = {"GET": OverlayQuery}

    @extend_schema(responses=OverlaySerializer)
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


class PictureView(DoorView):
    """One pixelated picture of a recording."""

    asks: ClassVar = {"GET": PictureQuery}

    renderer_classes = (JSONRenderer,)
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, recording_id: uuid.UUID) -> HttpResponse:
        """Return the picture on show at a moment."""
        recording, query = recording_of(request, recording_id), PictureQuery.read(request)
        picture = picture_at(recording, query["at_ms"])
        if picture is None:
            raise NoPicture
        return _jpeg(picture)


class StillView(DoorView):
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


class TrackEndsView(DoorView):
    """Where a camera's newest tracks began and ended."""

    @extend_schema(responses=TrackEndsSerializer)
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return the places, for members of the camera's store."""
        camera = get_object_or_404(Camera.objects.for_user(request.user), public_id=camera_id)
        return Response(TrackEndsSerializer(track_ends(camera)).data)


def _jpeg(picture: bytes) -> HttpResponse:
    headers = {
        # A page steps back and forth through a few seconds; after that, ask again.
        "Cache-Control": "private, max-age=60",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(picture, content_type="image/jpeg", headers=headers)
