"""What the Dashboard shows of movement: the API's answers, laid out for its templates."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.models import Store
from analytics.flow import Flow, Place, flow
from analytics.heatmap import KINDS, PRESENCE
from analytics.movement import WORDS
from tracking.pages import api_answer
from zones.models import Camera, Zone

SPAN = ("from", "to")
HEAT_WORDS = {"presence": "Time there", "dwell": "Time standing"}


def movement_context(
    request: HttpRequest, store: Store, api: str, asked: dict[str, str]
) -> dict[str, Any]:
    """Return the matrix, the flow and the heatmap of the period that the page shows."""
    span = {name: asked[name] for name in SPAN}
    zone = {"zone": asked["zone"]} if asked.get("zone") else {}
    told = api_answer(request, f"{api}movement/", **span, **zone)
    cameras = list(Camera.objects.filter(store=store))
    camera = _chosen(cameras, request.GET.get("camera", ""))
    kind = request.GET.get("heat", PRESENCE)
    kind = kind if kind in KINDS else PRESENCE
    without = request.GET.get("without") == "staff"
    heat = None
    if camera is not None:
        leave_out = "staff" if without else None
        query = {"camera": camera.public_id, "kind": kind, "leave_out": leave_out}
        heat = api_answer(request, f"{api}heatmap/", **span, **query)
    return {
        "movement": told,
        "matrix": matrix_of(told) if told else None,
        "flow": flow_of(told) if told else None,
        "ways": ways_of(told) if told else [],
        "movement_told": {"span": span | zone, "names": names_of(store)} if told else None,
        "heat": heat,
        "heat_kinds": [(value, HEAT_WORDS[value], value == kind) for value in KINDS],
        "heat_cameras": cameras,
        "heat_camera": camera,
        "heat_without": without,
        "heat_zones": zones_by_time(heat) if heat else [],
    }


def matrix_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return the steps as rows of cells; a step nobody took is None."""
    steps = {(step["from_zone"], step["to_zone"]): step for step in told["steps"]}
    columns = [*told["zones"], *told["ends"]]
    rows = [
        {"place": place, "cells": [steps.get((place["id"], to["id"])) for to in columns]}
        for place in (*told["begins"], *told["zones"])
    ]
    return {
        "columns": columns,
        "rows": rows,
        "total": sum(step["times"] for step in told["steps"]),
        "stays": sum(place["into"] for place in told["zones"]),
        "left": sum(place["out_of"] for place in told["zones"]),
    }


def flow_of(told: dict[str, Any]) -> Flow:
    """Return the bands of the steps."""
    places = {
        name: [Place(place["id"], place["name"], place["colour"]) for place in told[name]]
        for name in ("begins", "zones", "ends")
    }
    steps = {(step["from_zone"], step["to_zone"]): step["times"] for step in told["steps"]}
    return flow([*places["begins"], *places["zones"]], [*places["zones"], *places["ends"]], steps)


def ways_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the commonest paths with their places' names."""
    places = {place["id"]: place for name in ("begins", "zones", "ends") for place in told[name]}
    return [path | {"places": [places[key] for key in path["path"]]} for path in told["paths"]]


def names_of(store: Store) -> list[tuple[str, str]]:
    """Return what each place is called, by its key in the address of a step."""
    rows = Zone.objects.filter(camera__store=store).values_list("public_id", "name")
    return [*WORDS.items(), *((str(public_id), name) for public_id, name in rows)]


def zones_by_time(heat: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the zones by their time, most first; overlapping ones each have all of it."""
    return sorted(heat["zones"], key=lambda zone: (-(zone["seconds"] or 0), zone["name"]))


def _chosen(cameras: list[Camera], wanted: str) -> Camera | None:
    """Return the camera that the address names, else the first."""
    named = [camera for camera in cameras if str(camera.public_id) == wanted]
    return next(iter(named or cameras), None)
