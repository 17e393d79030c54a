"""The cameras of a store: listed with what is drawn on them, made, changed, removed."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any, ClassVar

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import CursorPages, DoorView, PagedView, PageQuery
from accounts.selectors import stores_of_user
from zones.camera_serializers import CameraSerializer, CameraWishSerializer
from zones.models import Camera
from zones.selectors import cameras_of_store, cameras_told
from zones.services import (
    CameraInUseError,
    camera_add,
    camera_change,
    camera_remove,
)
from zones.sources import source_ahead


class CameraInUse(exceptions.APIException):
    """A camera that has seen something is kept."""

    status_code = HTTPStatus.CONFLICT
    default_detail = (
        "This camera has recordings or numbers, which would go with it. End its zones and lines if "
        "it is to count nothing more."
    )
    default_code = "camera_in_use"


# Moves by itself: whoever changes a camera overwrites nobody by it.
MOVING = ("watch",)


class CamerasByName(CursorPages):
    """Pages of cameras."""

    ordering = ("name", "id")


class _LooksAhead(DoorView):
    """Looks up the host of an address before any transaction waits for it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look it up; whether its asker may set it is asked later, and nothing is told here."""
        super().initial(request, *args, **kwargs)
        if isinstance(request.data, dict):
            source_ahead(request.data.get("source"))


class CamerasView(_LooksAhead, PagedView):
    """The cameras of one of the caller's stores; of a foreign store there are none: 404."""

    asks: ClassVar = {"GET": PageQuery}
    serializer_class = CameraSerializer
    pagination_class = CamerasByName

    @extend_schema(operation_id="cameras", responses=CameraSerializer(many=True))
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a page of the cameras, by name, with what is drawn on them now."""
        store = get_object_or_404(stores_of_user(request.user), public_id=store_id)
        PageQuery.read(request)
        return self.page(cameras_of_store(user=request.user, store=store))

    @extend_schema(
        operation_id="camera_create",
        request=CameraWishSerializer,
        responses={201: CameraSerializer},
    )
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Make a camera; its address goes in and never comes out again. Managers only."""
        store = get_object_or_404(stores_of_user(request.user), public_id=store_id)
        user = ask_manager(request, store)
        wish = CameraWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        camera = camera_add(store=store, user=user, fields=wish.validated_data)
        return with_etag(camera_json(camera), status.HTTP_201_CREATED, MOVING)


class CameraView(_LooksAhead):
    """One camera."""

    conditional = ("GET", "PATCH", "DELETE")

    @extend_schema(operation_id="camera", responses=CameraSerializer)
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return it, for members of its store."""
        cameras = Camera.objects.for_user(request.user)
        return unless_known(
            request, camera_json(get_object_or_404(cameras, public_id=camera_id)), MOVING
        )

    @extend_schema(
        operation_id="camera_change",
        request=CameraWishSerializer(partial=True),
        responses=CameraSerializer,
    )
    def patch(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Change it; the next recording is searched and counted this way. Managers only."""
        wish = CameraWishSerializer(data=request.data, partial=True)
        with transaction.atomic():
            # Counting goes on: a row that names the camera asks for its key, and that stays.
            camera = held(request, camera_id, no_key=True)
            user = ask_manager(request, camera.store)
            wish.is_valid(raise_exception=True)
            ask_unchanged(request, camera_json(camera), MOVING)
            camera_change(camera=camera, user=user, fields=wish.validated_data)
        return with_etag(camera_json(camera), leave_out=MOVING)

    @extend_schema(
        operation_id="camera_remove",
        responses={204: None, 409: OpenApiResponse(description=CameraInUse.default_detail)},
    )
    def delete(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Remove a camera that has seen nothing yet. Managers only."""
        with transaction.atomic():
            camera = held(request, camera_id)
            user = ask_manager(request, camera.store)
            ask_unchanged(request, camera_json(camera), MOVING)
            try:
                camera_remove(camera=camera, user=user)
            except CameraInUseError as error:
                raise CameraInUse from error
        return Response(status=status.HTTP_204_NO_CONTENT)


def held(request: Request, camera_id: uuid.UUID, *, no_key: bool = False) -> Camera:
    """Return a camera, for members of its store, which nobody else changes meanwhile.

    Parameters
    ----------
    no_key : bool
        It stays, so rows that name it may be written meanwhile.
    """
    cameras = Camera.objects.for_user(request.user).select_related("store")
    cameras = cameras.select_for_update(of=("self",), no_key=no_key)
    return get_object_or_404(cameras, public_id=camera_id)


def camera_json(camera: Camera) -> dict[str, Any]:
    """Return a camera as it is now."""
    return dict(CameraSerializer(cameras_told(Camera.objects.filter(pk=camera.pk)).get()).data)
