"""A camera's map as somebody wants it, looked at as a save would and not written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone as clock

from zones.maps import (
    LINE_FIELDS,
    PLACE_FIELDS,
    ZONE_FIELDS,
    CameraMap,
    MapChangedError,
    Save,
    camera_map,
    check_names,
)
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.services import ask_begun

Shape: TypeAlias = Zone | CountingLine
Version: TypeAlias = ZoneVersion | CountingLineVersion
Sent: TypeAlias = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TriedMap:
    """A map that would be taken, beside the one that holds; in the order in which it was sent.

    Its rows are in no database. What is new has no primary key, and a public id of its own only.
    """

    before: CameraMap
    zones: list[ZoneVersion]
    lines: list[CountingLineVersion]


def map_tried(*, camera: Camera, zones: Sent, lines: Sent, basis: str) -> TriedMap:
    """Return what a camera's map would be; see :func:`zones.maps.map_save`, which writes it.

    Raises
    ------
    MapChangedError
        When the map is another one by now.
    ValidationError
        With everything that a save would refuse, by its place in what was sent.
    """
    before = camera_map(camera)
    if before.basis != basis:
        raise MapChangedError
    save = Save(camera, clock.now())
    old_zones = {str(zone.public_id): zone for zone in Zone.objects.filter(camera=camera)}
    old_lines = {str(line.public_id): line for line in CountingLine.objects.filter(camera=camera)}
    check_names(save, "zones", zones, old_zones)
    check_names(save, "lines", lines, old_lines)
    held: dict[int, Version] = {shape.pk: version for shape, version in before.zones}
    tried_zones = _all(save, "zones", zones, lambda told: _zone(save, told, old_zones, held))
    held = {shape.pk: version for shape, version in before.lines}
    tried_lines = _all(save, "lines", lines, lambda told: _line(save, told, old_lines, held))
    if save.problems:
        raise ValidationError(save.problems)
    return TriedMap(before, tried_zones, tried_lines)


def _all(save: Save, place: str, sent: Sent, take: Callable[[dict[str, Any]], Any]) -> list[Any]:
    found = []
    for number, told in enumerate(sent):
        try:
            found.append(take(told))
        except ValidationError as wrong:
            save.refuse(f"{place}.{number}", wrong)
    return found


def _zone(
    save: Save, told: dict[str, Any], old: dict[str, Zone], held: dict[int, Version]
) -> ZoneVersion:
    zone = copy(old.get(str(told.get("id") or ""))) or Zone(camera=save.camera)
    _set(zone, told, ZONE_FIELDS)
    version = ZoneVersion(zone=zone, vertices=told["vertices"])
    _check(version)
    _ask_begun(save, held.get(zone.pk), version, ("vertices",))
    return version


def _line(
    save: Save, told: dict[str, Any], old: dict[str, CountingLine], held: dict[int, Version]
) -> CountingLineVersion:
    line = copy(old.get(str(told.get("id") or ""))) or CountingLine(camera=save.camera)
    _set(line, told, LINE_FIELDS)
    now = held.get(line.pk)
    kept = {name: getattr(now, name) for name in PLACE_FIELDS} if now else {}
    place = kept | {name: told[name] for name in PLACE_FIELDS if name in told}
    version = CountingLineVersion(line=line, **place)
    _check(version)
    _ask_begun(save, now, version, PLACE_FIELDS)
    return version


def _set(shape: Shape, told: dict[str, Any], fields: Sequence[str]) -> None:
    for name in fields:
        if name in told:
            setattr(shape, name, told[name])
    _check(shape)


def _check(row: Model) -> None:
    """Refuse what a row may not be by itself; what hangs on other rows is looked at elsewhere."""
    row.full_clean(
        exclude=["camera", "zone", "line"], validate_unique=False, validate_constraints=False
    )


def _ask_begun(save: Save, now: Version | None, version: Version, fields: Sequence[str]) -> None:
    """Refuse to redraw what is drawn for a time to come."""
    if now and any(getattr(now, name) != getattr(version, name) for name in fields):
        ask_begun(now, save.at)
