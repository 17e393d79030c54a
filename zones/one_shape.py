"""One zone or line drawn, redrawn or ended by itself: a save of the map with that one changed.

So there is one way to write a map: what it checks, whom it waits for and what it notes is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from zones.maps import CameraMap, camera_map, map_save
from zones.models import Camera, CountingLine, Zone
from zones.serializers import drawn_line, drawn_zone
from zones.services import map_hold

Kind: TypeAlias = Literal["zones", "lines"]
Shape: TypeAlias = Zone | CountingLine
Look: TypeAlias = Callable[[dict[str, Any]], None]
KINDS: dict[Kind, type[Shape]] = {"zones": Zone, "lines": CountingLine}
_TELL: dict[Kind, Callable[..., dict[str, Any]]] = {"zones": drawn_zone, "lines": drawn_line}
# What a map is told of a shape; the rest of its JSON follows from where it stands.
_NOT_SAID = ("ended_at",)
_PLACE = re.compile(r"(?:zones|lines)\.(\d+)\.?(.*)")


class ShapeEndedError(Exception):
    """The shape was ended: it is brought back by saving the map with it."""


class TooManyShapesError(Exception):
    """The camera has as many as it may."""


def shape_told(kind: Kind, found: CameraMap, public_id: object) -> dict[str, Any]:
    """Return a shape of a map as the API tells it, ended ones too."""
    pairs = [*getattr(found, kind), *getattr(found, f"ended_{kind}")]
    pair = next(pair for pair in pairs if pair[0].public_id == public_id)
    return _TELL[kind](*pair) | {"camera": found.camera}


@transaction.atomic
def shape_create(
    *, camera: Camera, kind: Kind, fields: dict[str, Any], user: User, most: int
) -> dict[str, Any]:
    """Draw a zone or a line; return it as the API tells it.

    Parameters
    ----------
    most : int
        How many of them a camera may have.

    Raises
    ------
    TooManyShapesError
        It has as many.
    ValidationError
        By field.
    """
    map_hold(camera.pk)
    before = camera_map(camera)
    if len(getattr(before, kind)) >= most:
        raise TooManyShapesError
    saved = _save(camera, before, user, kind, [*_wishes(before, kind), fields])
    known = {pair[0].public_id for pair in getattr(before, kind)}
    new = next(pair[0] for pair in getattr(saved, kind) if pair[0].public_id not in known)
    return shape_told(kind, saved, new.public_id)


@transaction.atomic
def shape_change(
    *, shape: Shape, kind: Kind, fields: dict[str, Any], user: User, look: Look
) -> dict[str, Any]:
    """Change what `fields` names of a zone or line; return it as the API tells it.

    Parameters
    ----------
    look : callable
        Is shown the shape as it is, with its camera held, and may raise.

    Raises
    ------
    ShapeEndedError
        It counts no more.
    ValidationError
        By field.
    """
    before = _held(shape, kind, look)
    wishes = [
        wish | fields if wish["id"] == shape.public_id else wish for wish in _wishes(before, kind)
    ]
    saved = _save(shape.camera, before, user, kind, wishes)
    return shape_told(kind, saved, shape.public_id)


@transaction.atomic
def shape_end(*, shape: Shape, kind: Kind, user: User, look: Look) -> None:
    """End a zone or a line: it counts nothing from now on, what it counted stays."""
    before = _held(shape, kind, look)
    wishes = [wish for wish in _wishes(before, kind) if wish["id"] != shape.public_id]
    _save(shape.camera, before, user, kind, wishes)


def _held(shape: Shape, kind: Kind, look: Look) -> CameraMap:
    map_hold(shape.camera_id)
    found = camera_map(shape.camera)
    look(shape_told(kind, found, shape.public_id))
    if all(pair[0].pk != shape.pk for pair in getattr(found, kind)):
        raise ShapeEndedError
    return found


def _wishes(found: CameraMap, kind: Kind) -> list[dict[str, Any]]:
    """Return the shapes that hold, as a save of the map wants to be told."""
    told = (_TELL[kind](*pair) for pair in getattr(found, kind))
    return [{k: value for k, value in one.items() if k not in _NOT_SAID} for one in told]


def _save(
    camera: Camera, before: CameraMap, user: User, kind: Kind, wishes: list[dict[str, Any]]
) -> CameraMap:
    others: Kind = "lines" if kind == "zones" else "zones"
    sent: dict[str, Any] = {kind: wishes, others: _wishes(before, others)}
    try:
        return map_save(camera=camera, basis=before.basis, user=user, **sent)
    except ValidationError as wrong:
        raise ValidationError(_by_field(wrong)) from wrong


def _by_field(wrong: ValidationError) -> dict[str, list[str]]:
    """Return what is wrong by field of the one shape; of places in a list nobody was told."""
    found: dict[str, list[str]] = {}
    for place, messages in wrong.message_dict.items():
        match = _PLACE.fullmatch(place)
        name = match[2] if match else place
        found.setdefault(name or "non_field_errors", []).extend(messages)
    return found
