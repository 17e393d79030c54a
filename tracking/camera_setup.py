"""Setting a camera up, step by step: address, a first look, zones and line, detector, done.

Each step is a form of its own with one answer in words, so that the page works by keyboard, on a
small screen and without scripts; where one is left, it goes on.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.views.decorators.debug import sensitive_variables

from accounts.models import Store, User
from tracking.cameras import Seen, probe
from zones.detectors import detector_choices
from zones.models import Camera, CountingLine
from zones.services import camera_add, camera_change, camera_source_set, source_asked
from zones.sources import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    LONGEST_TYPED,
    SourceRefused,
    opened,
    source_told,
)
from zones.sources import Told as SourceTold

# A look takes ten seconds of a whole process: one at a time, others are asked to wait.
_looking = threading.Lock()
BUSY = "Another camera is being looked at. Try again in half a minute."
UNKNOWN = "This form is not known. Load the page again."
NO_NAME = "Give the camera a name, such as Front door."
NO_ADDRESS = "Type the camera's address first: without one there is nothing to look at."
LONGEST = {"address": LONGEST_TYPED, "user_name": LONGEST_NAME, "password": LONGEST_PASSWORD}


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a step: its name, a sentence, whether it is bad, and what was seen.

    Attributes
    ----------
    picture : str
        The first picture in coarse blocks, as a data address; empty where there is none.
    """

    step: str
    sentence: str
    bad: bool = False
    picture: str = ""


@sensitive_variables()
def camera_begin(store: Store, user: User, form: QueryDict) -> Camera:
    """Make a camera with its address, followed by nobody yet.

    Raises
    ------
    ValidationError
        In words that repeat no address.
    """
    name = form.get("name", "").strip()
    if not name:
        raise ValidationError(NO_NAME)
    kept = source_asked(**_typed(form))
    with transaction.atomic():
        camera = camera_add(store=store, user=user, fields={"name": name, "recording": False})
        camera_source_set(camera=camera, user=user, kept=kept, transport=_transport(form))
    return camera


@sensitive_variables()
def step_do(request: HttpRequest, camera: Camera, user: User) -> Said:
    """Do what the posted step asks; what is wrong comes back in words."""
    step = request.POST.get("step", "")
    do = STEPS.get(step)
    if do is None:
        return Said("", UNKNOWN, bad=True)
    try:
        return do(camera, user, request.POST)
    except ValidationError as wrong:
        return Said(step, " ".join(wrong.messages), bad=True)


@sensitive_variables()
def _address(camera: Camera, user: User, form: QueryDict) -> Said:
    typed = _typed(form)
    if not typed["address"]:
        raise ValidationError(NO_ADDRESS)
    kept = source_asked(**typed)
    camera_source_set(camera=camera, user=user, kept=kept, transport=_transport(form))
    return Said("address", "The address is stored. Look at the camera next.")


def _look(camera: Camera, user: User, form: QueryDict) -> Said:  # noqa: ARG001
    try:
        source = opened(camera)
    except SourceRefused as refused:
        raise ValidationError(refused.sentence) from None
    if not _looking.acquire(blocking=False):
        raise ValidationError(BUSY)
    try:
        seen = probe(source)
    finally:
        _looking.release()
    if seen.problem:
        raise ValidationError(seen.words)
    picture = base64.b64encode(seen.still).decode()
    return Said("look", _seen_words(seen), picture=f"data:image/jpeg;base64,{picture}")


def _detector(camera: Camera, user: User, form: QueryDict) -> Said:
    camera_change(camera=camera, user=user, fields={"detector": form.get("detector", "")})
    return Said("detector", "The detector is chosen.")


def _follow(camera: Camera, user: User, form: QueryDict) -> Said:
    if camera.source_kind == Camera.SourceKind.FILES:
        raise ValidationError(NO_ADDRESS)
    on = form.get("on") == "yes"
    camera_change(camera=camera, user=user, fields={"recording": on})
    if on:
        return Said("done", "The camera is followed. Its first numbers come within half a minute.")
    return Said("done", "The camera is not followed any more. What was counted stays.")


STEPS: dict[str, Callable[[Camera, User, QueryDict], Said]] = {
    "address": _address,
    "look": _look,
    "detector": _detector,
    "done": _follow,
}


def _typed(form: QueryDict) -> dict[str, str]:
    """Return address, user name and password as typed, none longer than it may be."""
    typed = {name: form.get(name, "") for name in LONGEST}
    if any(len(text) > LONGEST[name] for name, text in typed.items()):
        raise ValidationError("One of the fields is longer than any address or password is.")
    return typed


def _transport(form: QueryDict) -> str:
    known = Camera.Transport.values
    return said if (said := form.get("transport", "")) in known else str(Camera.Transport.TCP)


def _seen_words(seen: Seen) -> str:
    """Return what a first look found, in words."""
    fps = f", {seen.fps:.3g} pictures a second" if seen.fps else ""
    return f"It answers: {seen.width} x {seen.height} pixels, {seen.codec}{fps}."


# --- What the page shows --------------------------------------------------------------------------


def begin_context(store: Store) -> dict[str, Any]:
    """Return what the first page shows: the form, and the cameras that there are."""
    cameras = [(camera, source_told(camera)) for camera in Camera.objects.filter(store=store)]
    return {"transports": Camera.Transport.choices, "cameras": cameras}


def setup_context(camera: Camera, said: Said | None) -> dict[str, Any]:
    """Return what the page of one camera shows."""
    told = source_told(camera)
    entrances = camera.lines.filter(archived_at=None, kind=CountingLine.Kind.ENTRANCE).count()
    return {
        "camera": camera,
        "source": told,
        "where": _where(told),
        "transports": Camera.Transport.choices,
        "detectors": detector_choices(),
        "zones": camera.zones.filter(archived_at=None).count(),
        "entrances": entrances,
        "said": said,
        "switch_to": "analytics:zones",
    }


def _where(told: SourceTold) -> str:
    """Return where a camera's pictures come from, in words without anything secret."""
    if told.kind == Camera.SourceKind.FILES:
        return ""
    password = ", with a password" if told.has_password else ""
    return f"{told.host}{password}"
