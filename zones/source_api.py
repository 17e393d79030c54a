"""Where a camera's pictures come from: set and forgotten, never read back."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import transaction
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import DoorView
from zones.api import camera_of
from zones.camera_api import held
from zones.camera_serializers import SourceSerializer, SourceWishSerializer
from zones.models import Camera
from zones.services import camera_source_set, source_asked
from zones.sources import Kept, source_told


class CameraSourceView(DoorView):
    """The source of a camera, for its store's managers."""

    conditional = ("GET", "PUT", "DELETE")
    # The name is looked up outside of any transaction, and twice the same is once the same.
    keyed: ClassVar = "apart"

    @extend_schema(operation_id="camera_source", responses=SourceSerializer)
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return where it leads and whether a password is kept, never which."""
        camera = camera_of(request, camera_id)
        ask_manager(request, camera.store)
        return unless_known(request, source_json(camera))

    @extend_schema(
        operation_id="camera_source_set", request=SourceWishSerializer, responses=SourceSerializer
    )
    @sensitive_variables()
    def put(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Set it as a whole: an address that is told without its password has none."""
        ask_manager(request, camera_of(request, camera_id).store)
        wish = SourceWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        told = wish.validated_data
        transport = told.pop("transport", Camera.Transport.TCP)
        kept = source_asked(**told, field="address")
        with transaction.atomic():
            camera, user = self._held(request, camera_id)
            camera_source_set(camera=camera, user=user, kept=kept, transport=transport)
        return with_etag(source_json(camera))

    @extend_schema(operation_id="camera_source_forget", responses={204: None})
    def delete(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Forget it: the camera then takes files that are added by hand."""
        with transaction.atomic():
            camera, user = self._held(request, camera_id)
            camera_source_set(camera=camera, user=user, kept=Kept())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _held(self, request: Request, camera_id: uuid.UUID) -> tuple[Camera, Any]:
        """Return the camera, held, and its manager, where nobody changed its source meanwhile."""
        camera = held(request, camera_id, no_key=True)
        user = ask_manager(request, camera.store)
        ask_unchanged(request, source_json(camera))
        return camera, user


def source_json(camera: Camera) -> dict[str, Any]:
    """Return what may be told of a camera's source."""
    return dict(SourceSerializer(source_told(camera)).data)
