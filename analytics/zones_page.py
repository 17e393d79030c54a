"""What the Zones page shows: a camera's map and its numbers of today, as the API tells them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest

from accounts.models import Store
from tracking.pages import api_answer
from zones.models import Camera, CountingLine, Zone

# What a zone or line is for, in the words of who owns the shop.
ZONE_WHY = {
    Zone.Kind.DISPLAY: "Counts who stops there, and for how long.",
    Zone.Kind.QUEUE: "Counts who waits there, and for how long.",
    Zone.Kind.CHECKOUT: "Where people are served.",
    Zone.Kind.ENTRANCE_AREA: "Where people come in and go out.",
    Zone.Kind.STAFF_ONLY: "Who is here is staff.",
    Zone.Kind.IGNORE: "Nothing here is counted: a poster, a mirror, a street behind glass.",
}
LINE_WHY = {
    CountingLine.Kind.ENTRANCE: "Who crosses it comes in or goes out of the shop.",
    CountingLine.Kind.PASSER_BY: "Counts who walks by outside; nobody comes in by it.",
    CountingLine.Kind.INNER: "Counts who goes from one part of the shop to another.",
}


def zones_context(request: HttpRequest, store: Store) -> dict[str, Any]:
    """Return what the page's templates and scripts need; `map` is None without a camera."""
    cameras = list(Camera.objects.filter(store=store))
    camera = _chosen(cameras, request.GET.get("camera"))
    context: dict[str, Any] = {"cameras": cameras, "camera": camera, "map": None, "shapes": []}
    if camera is None:
        return context
    told = api_answer(request, f"/api/v1/cameras/{camera.public_id}/map/")
    today = api_answer(request, f"/api/v1/cameras/{camera.public_id}/today/")
    if told is None:
        raise Http404("No such camera.")
    return context | {"map": told, "today": today, "shapes": shapes_of(told, today)}


def choices() -> dict[str, list[dict[str, str]]]:
    """Return the kinds of zones and lines, each with its name and what it is for."""
    return {
        "zone": [{"value": k.value, "name": k.label, "why": ZONE_WHY[k]} for k in Zone.Kind],
        "line": [
            {"value": k.value, "name": k.label, "why": LINE_WHY[k]} for k in CountingLine.Kind
        ],
    }


def shapes_of(told: dict[str, Any], today: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the rows of the list: every zone, then every line, with its number of today."""
    numbers = {each["id"]: each for each in (*today["zones"], *today["lines"])} if today else {}
    rows = []
    for zone in told["zones"]:
        number = numbers.get(zone["id"], {}).get("stays")
        rows.append({**zone, "kind_name": Zone.Kind(zone["kind"]).label, "number": number})
    for line in told["lines"]:
        number = numbers.get(line["id"], {}).get("entries")
        label = CountingLine.Kind(line["kind"]).label
        rows.append({**line, "colour": None, "kind_name": f"{label} line", "number": number})
    return rows


def _chosen(cameras: list[Camera], wanted: str | None) -> Camera | None:
    """Return the camera that the address names, else the first; one that is not there is 404."""
    if wanted is None:
        return next(iter(cameras), None)
    named = [camera for camera in cameras if str(camera.public_id) == wanted]
    if not named:
        raise Http404("No such camera.")
    return named[0]
