"""The detectors there are, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2

from tracking.vision.detectors.base import Detector
from tracking.vision.detectors.hog import HogDetector, HogSettings
from tracking.vision.detectors.scripted import ScriptedDetector, ScriptedSettings
from tracking.vision.errors import UnknownDetectorError


@dataclass(frozen=True, slots=True)
class DetectorInfo:
    """What a person choosing a detector needs to know; `why_not` is empty when it is ready."""

    name: str
    title: str
    ready: bool
    why_not: str


def _make_hog(settings: dict[str, Any]) -> Detector:
    return HogDetector(HogSettings.from_json(settings))


def _make_scripted(settings: dict[str, Any]) -> Detector:
    return ScriptedDetector(ScriptedSettings.from_json(settings))


def _hog_why_not() -> str:
    # OpenCV 5 dropped the descriptor.
    return "" if hasattr(cv2, "HOGDescriptor") else "OpenCV 5 has no HOG; install OpenCV 4."


def _scripted_why_not() -> str:
    return ""


_MAKERS: dict[str, tuple[str, Callable[[dict[str, Any]], Detector], Callable[[], str]]] = {
    "hog": ("HOG and SVM: no download, any machine", _make_hog, _hog_why_not),
    "scripted": ("Scripted: boxes from a truth file, for tests", _make_scripted, _scripted_why_not),
}


def make_detector(name: str, settings_json: dict[str, Any] | None = None) -> Detector:
    """Return a detector by its name.

    Parameters
    ----------
    name : str
        One of `available()`.
    settings_json : dict, optional
        Its settings as plain JSON types; what is missing has its default.

    Raises
    ------
    UnknownDetectorError
        There is no such detector, it is not ready here, or a setting is unknown.
    """
    if name not in _MAKERS:
        known = ", ".join(sorted(_MAKERS))
        raise UnknownDetectorError(f"There is no detector '{name}'; there are: {known}.")
    _, make, why_not = _MAKERS[name]
    if why_not():
        raise UnknownDetectorError(f"The detector '{name}' is not ready: {why_not()}")
    try:
        return make(settings_json or {})
    except TypeError as error:
        raise UnknownDetectorError(f"Detector '{name}' cannot be set so: {error}.") from error


def available() -> list[DetectorInfo]:
    """Return all detectors, ready or not, by name."""
    return [
        DetectorInfo(name, title, not why_not(), why_not())
        for name, (title, _, why_not) in sorted(_MAKERS.items())
    ]
