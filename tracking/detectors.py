"""Detectors at the doors: which there are here, which is taken, whether settings will do."""

from __future__ import annotations

from statistics import median
from typing import Any

import structlog
from django.conf import settings

from tracking import trials
from tracking.models import Track
from tracking.problems import Problem
from tracking.vision.detectors import registry
from tracking.vision.detectors.model_files import FETCH_NANODET, WITHOUT_NANODET
from tracking.vision.detectors.nanodet import LARGEST_SIDE
from tracking.vision.errors import UnknownDetectorError
from zones.detectors import AUTOMATIC
from zones.models import Camera

log = structlog.get_logger(__name__)

# What making a detector of somebody's settings may meet: its files, and values that are none.
UNUSABLE = (UnknownDetectorError, OSError, ValueError, LookupError, TypeError)
FALLBACK = registry.PREFERRED[-1]
FOR_TESTS = "scripted"
# People's height in a camera's pictures is believed from this many tracks on.
LEAST_TRACKS, MOST_TRACKS = 20, 200


def tried(name: str, how: dict[str, Any]) -> dict[str, Any]:
    """Return a detector's settings, all of them, once it was made with this installation's models.

    A network is made in a process of its own, see `tracking.trials`.
    """
    if name == FOR_TESTS and settings.PRODUCTION:
        raise UnknownDetectorError("It is for tests: it reads whichever file it is told to.")
    if name in registry.NETWORKS:
        return trials.settings_of(name, how)
    return registry.make_detector(name, how, settings.MODELS_DIR).settings.to_json()


def names() -> list[str]:
    """Return what a camera may name."""
    return [AUTOMATIC, *(detector.name for detector in _there())]


def _there() -> list[registry.DetectorInfo]:
    """Return the detectors, ready or not; the one that reads any file is for tests alone."""
    now = registry.available(settings.MODELS_DIR)
    return [each for each in now if each.name != FOR_TESTS or not settings.PRODUCTION]


def choices() -> list[tuple[str, str]]:
    """Return what a person chooses from: what each is, and what it lacks on this machine."""
    now = _there()
    best = next(each.title for each in now if each.name == default())
    return [
        (AUTOMATIC, f"Automatic (now {short(best)})"),
        *(
            (each.name, f"{each.title}{'' if each.ready else f' (not ready: {each.why_not})'}")
            for each in now
            if each.name != FOR_TESTS
        ),
    ]


def short(title: str) -> str:
    """Return a detector's title without what explains it."""
    return title.partition(":")[0]


def default() -> str:
    """Return the detector of a camera for which nobody chose one, as things are here now."""
    return registry.default_detector(settings.MODELS_DIR)


def problem(name: str, how: dict[str, Any]) -> str:
    """Return why a detector cannot be made with these settings, or an empty string."""
    try:
        if name == AUTOMATIC:
            registry.check_shared(how)
        else:
            tried(name, how)
    except UNUSABLE as error:
        return str(error)
    return ""


def frozen(camera: Camera) -> dict[str, Any]:
    """Return the camera's detector as a run's card names it; reads its files.

    Where NanoDet cannot be made, HOG takes its place; the card says so in `note`, and so does the
    log. A file of somebody's own has no stand-in.

    Raises
    ------
    Problem
        `detector_not_ready`.
    """
    name = default() if camera.detector == AUTOMATIC else camera.detector
    how, note = dict(camera.detector_settings), ""
    if name in registry.SIZED and not {"input_side", "person_share"} & set(how):
        how |= _suitable(person_share(camera))
    try:
        how = tried(name, how)
    except UNUSABLE as error:
        if name not in registry.SIZED:
            raise Problem("detector_not_ready", name=camera.detector, why=error) from error
        name, how = FALLBACK, tried(FALLBACK, {})
        note = f"HOG finds people, fewer of them. {error}"
    if camera.detector == AUTOMATIC and (lack := registry.why_no_nanodet(settings.MODELS_DIR)):
        note = f"{lack} {FETCH_NANODET}" if lack == WITHOUT_NANODET else lack
    if note:
        log.warning("nanodet_not_ready", camera=camera.pk, why=note)
    return _card(name, how, note)


def _suitable(share: float) -> dict[str, Any]:
    """Return the setting for people of this height; 0 where nobody knows it.

    Until then they are taken for small ones, as in most views of a room: of 115 crossings in four
    rendered scenes the counts are off by 7 with an input of 640 pixels and by 15 with 512.
    """
    return {"person_share": share} if share else {"input_side": LARGEST_SIDE}


def _card(name: str, how: dict[str, Any], note: str) -> dict[str, Any]:
    titles = {info.name: info.title for info in registry.available(settings.MODELS_DIR)}
    card = {"name": name, "title": titles[name], "settings": how}
    return card | {"note": note} if note else card


def person_share(camera: Camera) -> float:
    """Return how tall people are in a camera's pictures, as a share of their longer side.

    The median over the newest tracks of counts in force; 0 while there are few.
    """
    tracks = Track.objects.filter(run__recording__camera=camera, run__active=True, height_px__gt=0)
    newest = tracks.order_by("-pk").values_list("height_px", "run__recording__media")[:MOST_TRACKS]
    shares = [height / max(media["width"], media["height"]) for height, media in newest]
    return round(median(shares), 3) if len(shares) >= LEAST_TRACKS else 0.0
