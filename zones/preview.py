"""A picture of a zone or line on its camera's still, for the administration."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse

from zones.maps import camera_map
from zones.models import Camera, CountingLine, Zone


def preview(camera: Camera | None, shape: Zone | CountingLine | None = None) -> str:
    """Return a camera's picture with what is drawn on it now, as HTML.

    Parameters
    ----------
    camera : Camera or None
        None while a form is filled in for something new.
    shape : Zone or CountingLine, optional
        The one that the form is about: it is drawn over the others, and drawn again as its numbers
        are typed.
    """
    if camera is None or camera.pk is None:
        return "The picture appears once this is saved."
    found = camera_map(camera)
    context = {
        "camera": camera,
        "still": reverse("camera-still", args=[camera.public_id]) if camera.still else None,
        "page": reverse("analytics:zones", kwargs={"store_slug": camera.store.slug}),
        "zones": [pair for pair in found.zones if pair[0] != shape],
        "lines": [pair for pair in found.lines if pair[0] != shape],
        "zone": next((v for zone, v in found.zones if zone == shape), None),
        "line": next((v for line, v in found.lines if line == shape), None),
        "shape": shape,
    }
    return render_to_string("zones/preview.html", context)
