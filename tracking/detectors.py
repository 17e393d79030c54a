"""Detectors at the doors: which there are here, which is taken, whether settings will do."""

from __future__ import annotations

from statistics import median
from typing import Any

from django.conf import settings

from tracking.models import Track
from tracking.problems import Problem
from tracking.vision.detectors import registry
from tracking.vision.detectors.base import Detector
from tracking.vision.errors import UnknownDetectorError
from zones.models import Camera

# What making a detector of somebody's settings may meet: its files, and values that are none.
UNUSABLE = (UnknownDetectorError, OSError, ValueError, LookupError, TypeError)
# People's height in a camera's pictures is believed from this many tracks on.
LEAST_TRACKS, MOST_TRACKS = 20, 200


def make(name: str, how: dict[str, Any]) -> Detector:
    """Return a detector with this installation's models; see `registry.make_detector`."""
    return registry.make_detector(name, how, settings.MODELS_DIR)


def names() -> list[str]:
    """Return what a camera may name."""
    return [detector.name for detector in registry.available(settings.MODELS_DIR)]


def default() -> str:
    """Return the detector for a camera for which nobody chose one."""
    return registry.default_detector(settings.MODELS_DIR)


def problem(name: str, how: dict[str, Any]) -> str:
    """Return why a detector cannot be made with these settings, or an empty string."""
    try:
        make(name, how)
    except UNUSABLE as error:
        return str(error)
    return ""


def frozen(camera: Camera) -> dict[str, Any]:
    """Return the camera's detector as a run's card names it; reads its files.

    Raises
    ------
    Problem
        `detector_not_ready`.
    """
    how = dict(camera.detector_settings)
    if camera.detector in registry.SIZED and not {"input_side", "person_share"} & set(how):
        how["person_share"] = person_share(camera)
    try:
        detector = make(camera.detector, how)
    except UNUSABLE as error:
        raise Problem("detector_not_ready", name=camera.detector, why=error) from error
    titles = {info.name: info.title for info in registry.available(settings.MODELS_DIR)}
    return {
        "name": detector.name,
        "title": titles[detector.name],
        "settings": detector.settings.to_json(),
    }


def person_share(camera: Camera) -> float:
    """Return how tall people are in a camera's pictures, as a share of their longer side.

    The median over the newest tracks of counts in force; 0 while there are few.
    """
    tracks = Track.objects.filter(run__recording__camera=camera, run__active=True, height_px__gt=0)
    newest = tracks.order_by("-pk").values_list("height_px", "run__recording__media")[:MOST_TRACKS]
    shares = [height / max(media["width"], media["height"]) for height, media in newest]
    return round(median(shares), 3) if len(shares) >= LEAST_TRACKS else 0.0
