"""Links that were undone: which there are, and how one is made again."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import StrictSerializer
from accounts.doors import DoorView
from tracking.counter_api import MomentField
from tracking.links import link_redo, undone_of
from tracking.live_api import recording_of
from tracking.recording_api import changed
from tracking.recording_serializers import RecordingSerializer
from tracking.upload_views import REFUSED


class UndoneLinkSerializer(serializers.Serializer[Any]):
    """Two ways that were one person's until somebody told them apart; their times name them."""

    ended_at = serializers.DateTimeField(help_text="When the one was lost.")
    began_at = serializers.DateTimeField(help_text="When the other was found.")


class UndoneLinksSerializer(serializers.Serializer[Any]):
    """All of them: they are made by hand, one by one."""

    results = UndoneLinkSerializer(many=True)


class RedoWishSerializer(StrictSerializer):
    """Which undone link is to be made again."""

    ended_at = MomentField(help_text="When the one was lost, as it is listed.")
    began_at = MomentField(help_text="When the other was found, as it is listed.")


class RecordingUndoneLinksView(DoorView):
    """The links of a recording that were undone."""

    @extend_schema(operation_id="recording_undone_links", responses=UndoneLinksSerializer)
    def get(self, request: Request, recording_id: uuid.UUID) -> Response:
        """List them, those of a re-count under way among them."""
        found = undone_of(recording_of(request, recording_id))
        return Response(UndoneLinksSerializer({"results": found}).data)

    @extend_schema(
        operation_id="recording_link_redo",
        request=RedoWishSerializer,
        responses={200: RecordingSerializer, 409: REFUSED},
    )
    def post(self, request: Request, recording_id: uuid.UUID) -> Response:
        """Make one again; numbers change once the recording is counted again."""
        recording_of(request, recording_id)  # a stranger is told of none before anything else
        wish = RedoWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        redo = partial(link_redo, **wish.validated_data)
        return changed(request, recording_id, redo, makes_work=True)
