"""Recordings: make one of an upload, list them, cancel, retry."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from functools import partial
from typing import Any, ClassVar, Protocol

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.doors import CursorPages, DoorView, PagedView, PageQuery
from accounts.models import User
from tracking import tasks
from tracking.links import link_undo, linked_tracks
from tracking.live_api import recording_of, store_of
from tracking.models import Recording, Track, Upload
from tracking.recording_selectors import facts_of, with_progress
from tracking.recording_serializers import (
    RecordingSerializer,
    RecordingWishSerializer,
    RoomSerializer,
)
from tracking.recordings import (
    Wish,
    recording_cancel,
    recording_create,
    recording_remove_video,
    recording_retry,
)
from tracking.recounts import recording_recount
from tracking.room import pause_words, store_room
from tracking.selectors import active_run
from tracking.upload_views import REFUSED
from zones.models import Camera


class Change(Protocol):
    """A service that changes one recording."""

    def __call__(self, *, recording: Recording, user: User | None) -> object:
        """Change it, or raise a Problem."""
        ...


class RecordingsQuery(PageQuery):
    """Which recordings."""

    state = serializers.CharField(required=False, help_text="States, joined by commas.")

    def validate_state(self, value: str) -> list[str]:
        """Return the states as a list."""
        states = value.split(",")
        for state in states:
            if state not in Recording.State.values:
                known = ", ".join(Recording.State.values)
                raise serializers.ValidationError(f"'{state}' is no state. Known are: {known}.")
        return states


class NewestFirst(CursorPages):
    """Pages of recordings, newest first."""

    ordering = ("-created_at", "-id")
    page_size = 25


class RecordingPageSerializer(serializers.Serializer[Any]):
    """A page of recordings."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RecordingSerializer(many=True)


def told(recording: Recording) -> dict[str, Any]:
    """Return one recording as JSON, read anew."""
    row = with_progress(Recording.objects.filter(pk=recording.pk)).get()
    data: dict[str, Any] = RecordingSerializer(facts_of([row])[0]).data
    return data


class RecordingsView(DoorView):
    """The recordings of a store."""

    asks: ClassVar = {"GET": RecordingsQuery}
    # A file is looked at for as long as that takes; of one upload one recording is made.
    keyed = "apart"

    @extend_schema(
        operation_id="recordings",
        parameters=[
            OpenApiParameter("state", str, many=True, explode=False, enum=Recording.State.values),
        ],
        responses=RecordingPageSerializer,
    )
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """List them, newest first."""
        store = store_of(request, store_id)
        wanted = RecordingsQuery.read(request)
        recordings = with_progress(Recording.objects.filter(store=store))
        if "state" in wanted:
            recordings = recordings.filter(state__in=wanted["state"])
        pages = NewestFirst()
        page = pages.paginate_queryset(recordings, request, view=self) or []
        results = [RecordingSerializer(facts).data for facts in facts_of(page)]
        return pages.get_paginated_response(results)

    @extend_schema(
        operation_id="recording_create",
        request=RecordingWishSerializer,
        responses={
            201: RecordingSerializer,
            200: OpenApiResponse(RecordingSerializer, "It was made of this upload before."),
            409: REFUSED,
            410: REFUSED,
            413: REFUSED,
            415: REFUSED,
            422: REFUSED,
            429: REFUSED,
        },
    )
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Make a recording of a complete upload and have it counted."""
        store = store_of(request, store_id)
        manager = ask_manager(request, store)
        said = RecordingWishSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        wish: dict[str, Any] = dict(said.validated_data)
        uploads = Upload.objects.for_user(request.user).filter(store=store)
        upload = get_object_or_404(uploads, public_id=wish.pop("upload"))
        cameras = Camera.objects.for_user(request.user).filter(store=store)
        camera = get_object_or_404(cameras.select_related("store"), public_id=wish.pop("camera"))
        recording, is_new = recording_create(
            upload=upload, wish=Wish(camera=camera, **wish), user=manager
        )
        transaction.on_commit(partial(tasks.ring, recording.pk))
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(told(recording), status=code)


class RoomView(DoorView):
    """The room of a store."""

    @extend_schema(operation_id="store_room", responses=RoomSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Say what the store uses of what it may use."""
        room = asdict(store_room(store_of(request, store_id)))
        return Response(RoomSerializer(room | {"paused": pause_words()}).data)


class RecordingView(DoorView):
    """One recording."""

    @extend_schema(operation_id="recording", responses=RecordingSerializer)
    def get(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Return it."""
        return Response(told(recording_of(request, recording_id)))


def changed(
    request: Request, recording_id: uuid.UUID, change: Change, *, makes_work: bool = False
) -> Response:
    """Let a manager change a recording; return it as it is then."""
    recording = recording_of(request, recording_id)
    manager = ask_manager(request, recording.store)
    change(recording=recording, user=manager)
    if makes_work:
        transaction.on_commit(partial(tasks.ring, recording.pk))
    return Response(told(recording))


class RecordingCancelView(DoorView):
    """Stop a recording."""

    @extend_schema(
        operation_id="recording_cancel",
        request=None,
        responses={200: RecordingSerializer, 409: REFUSED},
    )
    def post(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Stop it and take what it counted so far out of the numbers."""
        return changed(request, recording_id, recording_cancel)


class RecordingRetryView(DoorView):
    """Count a recording again."""

    @extend_schema(
        operation_id="recording_retry",
        request=None,
        responses={200: RecordingSerializer, 409: REFUSED, 429: REFUSED},
    )
    def post(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Count it again after it failed, was set aside or was cancelled."""
        return changed(request, recording_id, recording_retry, makes_work=True)


class RecordingRecountView(DoorView):
    """Count a recording again with the zones and lines of now."""

    @extend_schema(
        operation_id="recording_recount",
        request=None,
        responses={200: RecordingSerializer, 409: REFUSED, 422: REFUSED},
    )
    def post(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Count it again from what was seen; its numbers change once that is through."""
        return changed(request, recording_id, recording_recount, makes_work=True)


class LinkSerializer(serializers.Serializer[Any]):
    """One person, lost and found again under another number."""

    track = serializers.IntegerField(source="number", help_text="The number it goes on as.")
    before = serializers.IntegerField(source="before_number", help_text="The number it had before.")
    chain = serializers.IntegerField(help_text="The person's first number.")
    ended_at = serializers.DateTimeField(source="before_ended_at", help_text="When it was lost.")
    began_at = serializers.DateTimeField(source="started_at", help_text="When it was found again.")


class LinkPages(CursorPages):
    """Pages of links in order of time."""

    ordering = ("started_at", "number")


class RecordingLinksView(PagedView):
    """Who was lost and found again in a recording."""

    asks: ClassVar = {"GET": PageQuery}
    pagination_class = LinkPages
    serializer_class = LinkSerializer

    @extend_schema(operation_id="recording_links", responses=LinkSerializer(many=True))
    def get(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Return a page of the links of the official count, in order of time."""
        run = active_run(recording_of(request, recording_id))
        PageQuery.read(request)
        return self.page(linked_tracks(run) if run else Track.objects.none())


class RecordingLinkView(DoorView):
    """One link between two tracks."""

    @extend_schema(
        operation_id="recording_link_undo",
        request=None,
        responses={200: RecordingSerializer, 409: REFUSED},
    )
    def delete(self, request: Request, recording_id: uuid.UUID, track: int) -> Response:
        """Tell the two apart; numbers change once the recording is counted again."""
        undo = partial(link_undo, track=track)
        return changed(request, recording_id, undo, makes_work=True)


class RecordingRemoveVideoView(DoorView):
    """Remove a recording's video."""

    @extend_schema(
        operation_id="recording_remove_video",
        request=None,
        responses={200: RecordingSerializer, 409: REFUSED},
    )
    def post(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Remove its file and pictures; the numbers stay, and it can be counted again."""
        return changed(request, recording_id, recording_remove_video)
