"""Where people went and where they stood: steps between zones, visits behind a step, heatmaps."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

import structlog
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.doors import DoorView
from accounts.models import Store
from analytics import heat
from analytics.api import CursorField, DaysQuery
from analytics.heatmap import KINDS, PRESENCE, Heatmap, heatmap
from analytics.kpi_api import zone_of
from analytics.movement import (
    BEGINS,
    ENDS,
    Movement,
    movement,
    visits_with_step,
)
from analytics.movement_serializers import (
    HeatmapSerializer,
    MovementSerializer,
    StepVisitsSerializer,
)
from analytics.tasks import heat_draw
from tracking.live_api import store_of
from zones.models import Camera, Zone

log = structlog.get_logger(__name__)

PATHS_AT_MOST = 100
DECIMALS = 6


class MovementQuery(DaysQuery):
    """Which days, only paths through which zone, how many of the commonest paths."""

    zone = serializers.UUIDField(required=False)
    top = serializers.IntegerField(min_value=1, max_value=PATHS_AT_MOST, default=10)


class MovementVisitsQuery(DaysQuery):
    """The visits of which step; from a page on."""

    from_zone = serializers.CharField(help_text="The public id of a zone, or `came_in`.")
    to_zone = serializers.CharField(
        help_text="The public id of a zone, or `went_out` or `last_seen`."
    )
    zone = serializers.UUIDField(required=False)
    cursor = CursorField(required=False)


class HeatmapQuery(DaysQuery):
    """Of which camera, what, and whether staff-only and ignored zones are left out."""

    camera = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KINDS, default=PRESENCE)
    leave_out = serializers.ChoiceField(choices=["staff"], required=False)


class MovementView(DoorView):
    """Steps between zones and the commonest paths."""

    asks: ClassVar = {"GET": MovementQuery}

    @extend_schema(responses=MovementSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the movement of the days asked for."""
        store, query = store_of(request, store_id), MovementQuery.read(request)
        zone = zone_of(store, query.get("zone"))
        found = movement(store, query["from"], query["to"], zone, query["top"])
        return Response(MovementSerializer(movement_json(found)).data)


class MovementVisitsView(DoorView):
    """The visits behind a number of the matrix, newest first."""

    asks: ClassVar = {"GET": MovementVisitsQuery}

    @extend_schema(responses=StepVisitsSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a page of the visits that took a step."""
        store, query = store_of(request, store_id), MovementVisitsQuery.read(request)
        step = _step_of(store, query["from_zone"], query["to_zone"])
        visits, following = visits_with_step(
            store, query["from"], query["to"], step, zone_of(store, query.get("zone")),
            query.get("cursor"),
        )  # fmt: skip
        address = None
        if following is not None:
            asked = request.query_params.dict() | {"cursor": str(following)}
            address = request.build_absolute_uri(f"{request.path}?{urlencode(asked)}")
        return Response(StepVisitsSerializer({"next": address, "results": visits}).data)


class HeatmapView(DoorView):
    """Where the people of a camera were, or stood, on a grid over its picture."""

    asks: ClassVar = {"GET": HeatmapQuery}

    @extend_schema(responses=HeatmapSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the heatmap of the days asked for, with what of it is in each zone."""
        store, query = store_of(request, store_id), HeatmapQuery.read(request)
        camera = get_object_or_404(
            Camera.objects.select_related("store"), store=store, public_id=query["camera"]
        )
        first, last, kind = query["from"], query["to"], query["kind"]
        leave_out = "leave_out" in query
        found = heatmap(camera, first, last, kind, system_clock.now(), leave_out=leave_out)
        if found.days_behind:
            transaction.on_commit(lambda: _ring(camera.pk, first, last))
        return Response(HeatmapSerializer(heatmap_json(camera, kind, found)).data)


def movement_json(found: Movement) -> dict[str, Any]:
    """Return the movement as its serializer wants it, the most taken steps first."""
    steps = sorted(found.steps.items(), key=lambda item: (-item[1].times, item[0]))
    places = {
        name: [
            node._asdict() | {"into": found.into[node.key], "out_of": found.out_of[node.key]}
            for node in getattr(found, name)
        ]
        for name in ("begins", "zones", "ends")
    }
    return places | {
        "times": found.times if found.seen else None,
        "visits": found.visits if found.seen else None,
        "balanced": found.balanced,
        "steps": [
            {"from_zone": begin, "to_zone": end, **count._asdict()} for (begin, end), count in steps
        ],
        "paths": [path._asdict() for path in found.paths],
    }


def heatmap_json(camera: Camera, kind: str, found: Heatmap) -> dict[str, Any]:
    """Return a heatmap as its serializer wants it; nothing is zero where nobody looked."""
    cells = found.cells_us
    told: dict[str, Any] = {"cells_s": None, "total_s": None, "top_s": None, "tracks": None}
    if cells is not None:
        told = {
            "cells_s": [round(us / 1e6, DECIMALS) for us in cells.ravel().tolist()],
            "total_s": int(cells.sum()) / 1e6,
            "top_s": heat.top_of_scale(cells) / 1e6,
            "tracks": found.tracks,
        }
    address = reverse("camera-still", args=[camera.public_id])
    return told | {
        "camera": camera.public_id,
        "name": camera.name,
        "kind": kind,
        "columns": heat.COLUMNS,
        "rows": heat.ROWS,
        "observed_s": found.observed_s,
        "days_behind": found.days_behind,
        "still": address if camera.still else None,
        "zones": [
            {
                "key": zone.key,
                "name": zone.name,
                "kind": zone.kind,
                "vertices": zone.vertices,
                "seconds": None if cells is None else zone.seconds,
                "share": zone.share,
            }
            for zone in found.zones
        ],
    }


def _step_of(store: Store, begin: str, end: str) -> tuple[str, str]:
    """Return a step that visits can have taken; one that cannot be is refused in words."""
    rows = Zone.objects.filter(camera__store=store).values_list("public_id", flat=True)
    zones = {str(public_id) for public_id in rows}
    problems = {}
    for name, key, words in (("from_zone", begin, BEGINS), ("to_zone", end, ENDS)):
        known = sorted({words[kind] for kind in words if kind != "loose"})
        if key not in zones and key not in known:
            problems[name] = (
                f"This shop has no such zone. Besides zones there is {', '.join(known)}."
            )
    if problems:
        raise serializers.ValidationError(problems)
    return begin, end


def _ring(camera_id: int, first: date, last: date) -> None:
    """Have the rest drawn; without a broker the next request draws a few more itself."""
    try:
        cast("Any", heat_draw).apply_async((camera_id, str(first), str(last)), retry=False)
    except OperationalError as error:
        log.warning("not_rung", task="heat_draw", id=camera_id, why=str(error))
