"""Zones and counting lines one by one: listed, drawn, changed, ended, with their versions."""

from __future__ import annotations

import uuid
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import ask_manager
from accounts.conditional import ask_unchanged, unless_known, with_etag
from accounts.doors import CursorPages, DoorView, PagedView, PageQuery
from zones.api import camera_of
from zones.maps import camera_map
from zones.models import CountingLineVersion, ZoneVersion
from zones.one_shape import (
    KINDS,
    Kind,
    Shape,
    ShapeEndedError,
    TooManyShapesError,
    shape_change,
    shape_create,
    shape_end,
    shape_told,
)
from zones.selectors import signed_versions
from zones.serializers import (
    LINES_AT_MOST,
    ZONES_AT_MOST,
    LineSerializer,
    LineVersionSerializer,
    NewLineSerializer,
    NewZoneSerializer,
    ZoneSerializer,
    ZoneVersionSerializer,
)


class ShapeEnded(exceptions.APIException):
    """A shape that was ended cannot be changed by itself."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "This was ended. Bring it back by saving the camera's map with it."
    default_code = "shape_ended"


class TooManyShapes(exceptions.APIException):
    """A camera has as many as one picture can show."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "This camera has as many of these as one picture can show. End one first."
    default_code = "too_many_shapes"


ENDED = OpenApiResponse(description=ShapeEnded.default_detail)


class ShapesQuery(PageQuery):
    """Whether those that ended are listed too."""

    ended = serializers.ChoiceField(choices=["with", "without"], default="without")


class OldestFirst(CursorPages):
    """Pages in the order in which things were drawn."""

    ordering = ("id",)


class ShapesView(PagedView):
    """The zones or lines of a camera."""

    asks: ClassVar = {"GET": ShapesQuery}
    pagination_class = OldestFirst
    kind: ClassVar[Kind]
    wish_class: ClassVar[type[serializers.Serializer[Any]]]
    most: ClassVar[int]

    def listed(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return a page of them."""
        camera, query = camera_of(request, camera_id), ShapesQuery.read(request)
        found = camera_map(camera)
        pairs = [*getattr(found, self.kind)]
        if query["ended"] == "with":
            pairs += getattr(found, f"ended_{self.kind}")
        # Of the map that was read alone: another one may be drawn meanwhile.
        rows: Any = KINDS[self.kind].objects.filter(pk__in=[pair[0].pk for pair in pairs])
        pages = self.pagination_class()
        page: list[Any] = pages.paginate_queryset(rows, request, view=self) or []
        told = [shape_told(self.kind, found, shape.public_id) for shape in page]
        return pages.get_paginated_response(self.serializer_class(told, many=True).data)

    def drawn(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Draw one."""
        camera = camera_of(request, camera_id)
        user = ask_manager(request, camera.store)
        wish = self.wish_class(data=request.data)
        wish.is_valid(raise_exception=True)
        try:
            told = shape_create(
                camera=camera, kind=self.kind, fields=wish.validated_data, user=user,
                most=self.most,
            )  # fmt: skip
        except TooManyShapesError as error:
            raise TooManyShapes from error
        return with_etag(dict(self.serializer_class(told).data), status.HTTP_201_CREATED)


class ShapeView(DoorView):
    """One zone or line."""

    conditional = ("GET", "PATCH", "DELETE")
    kind: ClassVar[Kind]
    serializer_class: ClassVar[type[serializers.Serializer[Any]]]
    wish_class: ClassVar[type[serializers.Serializer[Any]]]

    def told(self, request: Request, shape_id: uuid.UUID) -> Response:
        """Return it, for members of its camera's store."""
        shape = shape_of(request, self.kind, shape_id)
        return unless_known(request, self.as_json(shape))

    def as_json(self, shape: Shape) -> dict[str, Any]:
        """Return it as it is now."""
        told = shape_told(self.kind, camera_map(shape.camera), shape.public_id)
        return dict(self.serializer_class(told).data)

    def change(self, request: Request, shape_id: uuid.UUID) -> Response:
        """Change what the body names, from now on."""
        shape = shape_of(request, self.kind, shape_id)
        user = ask_manager(request, shape.camera.store)
        wish = self.wish_class(data=request.data, partial=True)
        wish.is_valid(raise_exception=True)
        try:
            told = shape_change(
                shape=shape, kind=self.kind, fields=wish.validated_data, user=user,
                look=partial(self.look, request),
            )  # fmt: skip
        except ShapeEndedError as error:
            raise ShapeEnded from error
        return with_etag(dict(self.serializer_class(told).data))

    def end(self, request: Request, shape_id: uuid.UUID) -> Response:
        """End it."""
        shape = shape_of(request, self.kind, shape_id)
        user = ask_manager(request, shape.camera.store)
        try:
            shape_end(shape=shape, kind=self.kind, user=user, look=partial(self.look, request))
        except ShapeEndedError as error:
            raise ShapeEnded from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def look(self, request: Request, told: dict[str, Any]) -> None:
        """Refuse a write upon a state that is no more."""
        ask_unchanged(request, dict(self.serializer_class(told).data))


def shape_of(request: Request, kind: Kind, shape_id: uuid.UUID) -> Shape:
    """Return a drawn zone or line, for members of its store; for anyone else there is none."""
    rows: Any = KINDS[kind].objects.for_user(request.user).filter(versions__isnull=False).distinct()
    shape: Shape = get_object_or_404(rows.select_related("camera__store"), public_id=shape_id)
    return shape


# --- Zones ----------------------------------------------------------------------------------------


class ZonesView(ShapesView):
    """The zones of a camera."""

    kind, most = "zones", ZONES_AT_MOST
    serializer_class, wish_class = ZoneSerializer, NewZoneSerializer

    @extend_schema(operation_id="zones", responses=ZoneSerializer(many=True))
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return a page of the zones that hold now, or of all that ever did."""
        return self.listed(request, camera_id)

    @extend_schema(
        operation_id="zone_create", request=NewZoneSerializer, responses={201: ZoneSerializer}
    )
    def post(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Draw a zone; it counts from now on, in recordings counted again too. Managers only."""
        return self.drawn(request, camera_id)


class ZoneView(ShapeView):
    """One zone."""

    kind = "zones"
    serializer_class, wish_class = ZoneSerializer, NewZoneSerializer

    @extend_schema(operation_id="zone", responses=ZoneSerializer)
    def get(self, request: Request, zone_id: uuid.UUID) -> Response:
        """Return it with its outline of now, or its last."""
        return self.told(request, zone_id)

    @extend_schema(
        operation_id="zone_change",
        request=NewZoneSerializer(partial=True),
        responses={200: ZoneSerializer, 409: ENDED},
    )
    def patch(self, request: Request, zone_id: uuid.UUID) -> Response:
        """Change it; a new outline is a new version, and holds from now on. Managers only."""
        return self.change(request, zone_id)

    @extend_schema(operation_id="zone_end", responses={204: None, 409: ENDED})
    def delete(self, request: Request, zone_id: uuid.UUID) -> Response:
        """End it: it counts nothing from now on, what it counted stays. Managers only."""
        return self.end(request, zone_id)


class ZoneVersionsView(PagedView):
    """The outlines of a zone."""

    asks: ClassVar = {"GET": PageQuery}
    pagination_class = OldestFirst
    serializer_class = ZoneVersionSerializer

    @extend_schema(operation_id="zone_versions", responses=ZoneVersionSerializer(many=True))
    def get(self, request: Request, zone_id: uuid.UUID) -> Response:
        """Return a page of them, oldest first."""
        zone = shape_of(request, "zones", zone_id)
        PageQuery.read(request)
        return self.page(signed_versions(ZoneVersion).filter(zone_id=zone.pk))


# --- Lines ----------------------------------------------------------------------------------------


class LinesView(ShapesView):
    """The counting lines of a camera."""

    kind, most = "lines", LINES_AT_MOST
    serializer_class, wish_class = LineSerializer, NewLineSerializer

    @extend_schema(operation_id="lines", responses=LineSerializer(many=True))
    def get(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Return a page of the lines that hold now, or of all that ever did."""
        return self.listed(request, camera_id)

    @extend_schema(
        operation_id="line_create", request=NewLineSerializer, responses={201: LineSerializer}
    )
    def post(self, request: Request, camera_id: uuid.UUID) -> Response:
        """Draw a line; walked from a to b, the inside is on one hand. Managers only."""
        return self.drawn(request, camera_id)


class LineView(ShapeView):
    """One counting line."""

    kind = "lines"
    serializer_class, wish_class = LineSerializer, NewLineSerializer

    @extend_schema(operation_id="line", responses=LineSerializer)
    def get(self, request: Request, line_id: uuid.UUID) -> Response:
        """Return it with its place of now, or its last."""
        return self.told(request, line_id)

    @extend_schema(
        operation_id="line_change",
        request=NewLineSerializer(partial=True),
        responses={200: LineSerializer, 409: ENDED},
    )
    def patch(self, request: Request, line_id: uuid.UUID) -> Response:
        """Change it; a new place is a new version, and holds from now on. Managers only."""
        return self.change(request, line_id)

    @extend_schema(operation_id="line_end", responses={204: None, 409: ENDED})
    def delete(self, request: Request, line_id: uuid.UUID) -> Response:
        """End it: it counts nothing from now on, what it counted stays. Managers only."""
        return self.end(request, line_id)


class LineVersionsView(PagedView):
    """The places of a counting line."""

    asks: ClassVar = {"GET": PageQuery}
    pagination_class = OldestFirst
    serializer_class = LineVersionSerializer

    @extend_schema(operation_id="line_versions", responses=LineVersionSerializer(many=True))
    def get(self, request: Request, line_id: uuid.UUID) -> Response:
        """Return a page of them, oldest first."""
        line = shape_of(request, "lines", line_id)
        PageQuery.read(request)
        return self.page(signed_versions(CountingLineVersion).filter(line_id=line.pk))
