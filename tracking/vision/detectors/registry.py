"""The detectors there are, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2

from tracking.vision.detectors.any_onnx import OnnxDetector, OnnxSettings
from tracking.vision.detectors.base import Detector
from tracking.vision.detectors.hog import HogDetector, HogSettings
from tracking.vision.detectors.model_files import (
    NANODET,
    NANODET_INT8,
    WITHOUT_NANODET,
    has_model,
    has_nanodet,
)
from tracking.vision.detectors.nanodet import NanoDetDetector, NanoDetSettings
from tracking.vision.detectors.networks import has_onnxruntime
from tracking.vision.detectors.scripted import ScriptedDetector, ScriptedSettings
from tracking.vision.errors import UnknownDetectorError

# What finds people where nobody chose: the first that is ready.
PREFERRED = ("nanodet-int8", "nanodet", "hog")
# Those whose input suits the height of a camera's people.
SIZED = ("nanodet-int8", "nanodet")
# Those that run a file, which may be anybody's.
NETWORKS = (*SIZED, "onnx")


@dataclass(frozen=True, slots=True)
class DetectorInfo:
    """What a person choosing a detector needs to know; `why_not` is empty when it is ready."""

    name: str
    title: str
    ready: bool
    why_not: str


Folder: TypeAlias = Path | None


@dataclass(frozen=True, slots=True)
class _Known:
    """How one detector is made, from its settings and the folder of models, and what it lacks."""

    title: str
    make: Callable[[dict[str, Any], Folder], Detector]
    why_not: Callable[[Folder], str]


def _hog_why_not(_folder: Folder) -> str:
    # OpenCV 5 dropped the descriptor.
    return "" if hasattr(cv2, "HOGDescriptor") else "OpenCV 5 has no HOG; install OpenCV 4."


def _nanodet(name: str, model: str, title: str) -> _Known:
    def make(settings: dict[str, Any], folder: Folder) -> Detector:
        wanted = NanoDetSettings.from_json({"model": model} | settings)
        return NanoDetDetector(name, wanted, folder)

    def why_not(folder: Folder) -> str:
        if not has_model(model, folder):
            return "its model is not here; make model fetches it."
        whole = model == NANODET_INT8 and not has_onnxruntime()
        return "whole numbers need onnxruntime, which is not installed." if whole else ""

    return _Known(title, make, why_not)


_DETECTORS = {
    "hog": _Known(
        "HOG: on any machine, finds fewer people",
        lambda settings, _: HogDetector(HogSettings.from_json(settings)),
        _hog_why_not,
    ),
    "nanodet": _nanodet("nanodet", NANODET, "NanoDet: finds more people than HOG"),
    "nanodet-int8": _nanodet(
        "nanodet-int8", NANODET_INT8, "Quick NanoDet: much the same in less time"
    ),
    "onnx": _Known(
        "A model of your own: an ONNX file",
        lambda settings, folder: OnnxDetector(OnnxSettings.from_json(settings), folder),
        lambda _: "",
    ),
    "scripted": _Known(
        "Scripted: boxes from a truth file, for tests",
        lambda settings, _: ScriptedDetector(ScriptedSettings.from_json(settings)),
        lambda _: "",
    ),
}


def make_detector(
    name: str,
    settings_json: dict[str, Any] | None = None,
    models: str | Path | None = None,
) -> Detector:
    """Return a detector by its name, all of its files read; it opens none afterwards.

    Parameters
    ----------
    name : str
        One of `available()`.
    settings_json : dict, optional
        Its settings as plain JSON types; what is missing has its default.
    models : path, optional
        The folder of model files, ``var/models`` unless said.

    Raises
    ------
    UnknownDetectorError
        There is no such detector, it is not ready here, or a setting is unknown.
    """
    if name not in _DETECTORS:
        known = ", ".join(sorted(_DETECTORS))
        raise UnknownDetectorError(f"There is no detector '{name}'; there are: {known}.")
    folder = Path(models) if models is not None else None
    if problem := _DETECTORS[name].why_not(folder):
        raise UnknownDetectorError(f"The detector '{name}' is not ready: {problem}")
    try:
        return _DETECTORS[name].make(settings_json or {}, folder)
    except TypeError as error:
        raise UnknownDetectorError(f"Detector '{name}' cannot be set so: {error}.") from error


def check_shared(settings_json: dict[str, Any]) -> None:
    """Refuse settings that not every detector knows which may be taken where nobody chose one.

    Raises
    ------
    UnknownDetectorError
        One of them is unknown to one of the detectors, or cannot be.
    """
    try:
        HogSettings.from_json(settings_json)
        NanoDetSettings.from_json(settings_json)
    except TypeError as error:
        raise UnknownDetectorError(
            "Which detector it will be is not known yet, so only what all of them know can be set, "
            f"such as gap_ms; for more, name one: {error}."
        ) from error


def available(models: str | Path | None = None) -> list[DetectorInfo]:
    """Return all detectors, ready or not, by name; see `make_detector` for the folder."""
    folder = Path(models) if models is not None else None
    return [
        DetectorInfo(name, known.title, not known.why_not(folder), known.why_not(folder))
        for name, known in sorted(_DETECTORS.items())
    ]


def why_no_nanodet(models: str | Path | None = None) -> str:
    """Return why NanoDet finds nobody here, though it is wanted; nothing where it does."""
    if default_detector(models) in SIZED:
        return ""
    folder = Path(models) if models is not None else None
    if not has_nanodet(folder):
        return WITHOUT_NANODET
    return f"NanoDet does not run on this machine: {_DETECTORS[SIZED[0]].why_not(folder)}"


def default_detector(models: str | Path | None = None) -> str:
    """Return the detector for a camera for which nobody chose one."""
    ready = {info.name for info in available(models) if info.ready}
    return next((name for name in PREFERRED if name in ready), PREFERRED[-1])
