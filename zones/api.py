"""The map of a camera to read and to save."""

from __future__ import annotations

import uuid
from http import HTTPStatus

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import DoorView
from zones.maps import MapChangedError, camera_map, map_save
from zones.models import Camera
from zones.serializers import MapSerializer, MapWishSerializer, map_json
from zones.services import map_hold


class MapChanged(exceptions.APIException):
    """Somebody else saved the map since it was read."""

    status_code = HTTPStatus.CONFLICT
    default_detail = (
        "This map was changed meanwhile, and nothing was overwritten. Load the page again to see "
        "it as it is now, then draw what is missing."
    )
    default_code = "map_changed"


class CameraMapView(DoorView):
    """The map of a camera: its zones and lines of now, those that ended, and its versions."""

    conditional = ("GET", "PUT")

    @extend_schema(operation_id="camera_map", responses=MapSerializer)
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return the map, for members of the camera's store."""
        return unless_known(request, map_json(camera_map(camera_of(request, camera_id))))

    @extend_schema(
        operation_id="camera_map_save", request=MapWishSerializer,
        responses={200: MapSerializer, 409: OpenApiResponse(description=MapChanged.default_detail)},
    )  # fmt: skip
    def put(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Save the map as a whole, new versions from now on; managers only."""
        camera = camera_of(request, camera_id)
        user = ask_manager(request, camera.store)
        wish = MapWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                map_hold(camera.pk)
                if "If-Match" in request.headers:
                    ask_unchanged(request, map_json(camera_map(camera)))
                saved = map_save(camera=camera, user=user, **wish.validated_data)
        except MapChangedError as error:
            raise MapChanged from error
        return with_etag(map_json(saved))


def camera_of(request: Request, camera_id: uuid.UUID) -> Camera:
    """Return the camera, for members of its store; for anyone else there is none."""
    cameras = Camera.objects.for_user(request.user).select_related("store")
    return get_object_or_404(cameras, public_id=camera_id)
