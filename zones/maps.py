"""The map of a camera as one thing: read, saved as a whole, with what it was before.

A person draws several shapes and saves once, so all of it is taken or none of it. Who saves names
the state the drawing started from (`basis`); where somebody else saved meanwhile, nothing is
overwritten unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone as clock

from accounts.models import User
from accounts.services import audit_record
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.selectors import signed_versions
from zones.services import (
    line_archive,
    line_create,
    line_redraw,
    map_hold,
    zone_archive,
    zone_create,
    zone_redraw,
)

# Versions drawn within one save are moments apart; people are not that quick.
ONE_SAVE = timedelta(seconds=2)
MOMENTS_TOLD = 12
ZONE_FIELDS = ("name", "kind", "colour", "min_dwell_s", "grace_s")
LINE_FIELDS = ("name", "kind")
PLACE_FIELDS = ("a", "b", "inside_side", "band")
TAKEN = "“{}” is the name of one that was ended. Bring that back, or choose another name."


# When, what was done, the name of the zone or line, and who did it.
Change: TypeAlias = tuple[datetime, str, str, User | None]


class MapChangedError(Exception):
    """Somebody else saved the map since it was read."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that was changed at a time, and everything that was drawn from then on.

    `by` names who did it: nobody where a program did, several where they were that quick.
    """

    at: datetime
    changes: list[str]
    by: list[str]
    zones: list[tuple[Zone, ZoneVersion]]
    lines: list[tuple[CountingLine, CountingLineVersion]]


@dataclass(frozen=True, slots=True)
class CameraMap:
    """What is drawn on a camera's picture: now, ended, and before; newest first where in time."""

    camera: Camera
    zones: list[tuple[Zone, ZoneVersion]]
    lines: list[tuple[CountingLine, CountingLineVersion]]
    ended_zones: list[tuple[Zone, ZoneVersion]]
    ended_lines: list[tuple[CountingLine, CountingLineVersion]]
    history: list[Moment]
    basis: str


def camera_map(camera: Camera) -> CameraMap:
    """Return a camera's map; as many queries for many shapes as for few."""
    outlines = Prefetch("versions", signed_versions(ZoneVersion))
    places = Prefetch("versions", signed_versions(CountingLineVersion))
    zones = list(Zone.objects.filter(camera=camera).prefetch_related(outlines))
    lines = list(CountingLine.objects.filter(camera=camera).prefetch_related(places))
    drawn_zones = [(zone, list(zone.versions.all())) for zone in zones]
    drawn_lines = [(line, list(line.versions.all())) for line in lines]
    held = [(zone, found[-1]) for zone, found in drawn_zones if _holds(zone, found)]
    held_lines = [(line, found[-1]) for line, found in drawn_lines if _holds(line, found)]
    return CameraMap(
        camera=camera,
        zones=held,
        lines=held_lines,
        ended_zones=_newest_first(
            (zone, found[-1]) for zone, found in drawn_zones if found and not _holds(zone, found)
        ),
        ended_lines=_newest_first(
            (line, found[-1]) for line, found in drawn_lines if found and not _holds(line, found)
        ),
        history=_history(drawn_zones, drawn_lines),
        basis=_basis(held, held_lines),
    )


def _holds(shape: Zone | CountingLine, versions: Sequence[Any]) -> bool:
    return shape.archived_at is None and bool(versions) and versions[-1].valid_to is None


def _newest_first(shapes: Any) -> list[Any]:
    return sorted(shapes, key=lambda pair: pair[1].valid_to or pair[1].created_at, reverse=True)


def _basis(
    zones: Sequence[tuple[Zone, ZoneVersion]],
    lines: Sequence[tuple[CountingLine, CountingLineVersion]],
) -> str:
    """Return a short name of a state of the map: another one for whatever a save could change."""
    told = [
        *(
            [zone.pk, version.pk, *(getattr(zone, n) for n in ZONE_FIELDS)]
            for zone, version in zones
        ),
        *(
            [line.pk, version.pk, *(getattr(line, n) for n in LINE_FIELDS)]
            for line, version in lines
        ),
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


# --- What it was before ---------------------------------------------------------------------------


def _history(zones: Any, lines: Any) -> list[Moment]:
    """Return the newest moments at which something was drawn, redrawn or ended."""
    changes = sorted(
        (change for shape, versions in (*zones, *lines) for change in _changes(shape, versions)),
        key=lambda change: change[0],
    )
    groups: list[list[Change]] = []
    for change in changes:
        if groups and change[0] - groups[-1][-1][0] <= ONE_SAVE:
            groups[-1].append(change)
        else:
            groups.append([change])
    moments = []
    for group in reversed(groups[-MOMENTS_TOLD:]):
        at = group[-1][0]
        drawn = _drawn_at(zones, at), _drawn_at(lines, at)
        moments.append(Moment(at, _in_words(group), _names(group), *drawn))
    return moments


def _in_words(changes: Sequence[Change]) -> list[str]:
    """Return a sentence for each thing that was done: “Till” and “Door” were added."""
    done: dict[str, list[str]] = {}
    for _, verb, name, _ in changes:
        done.setdefault(verb, []).append(f"“{name}”")
    return [
        f"{', '.join(names[:-1])} and {names[-1]} were {verb}"
        if len(names) > 1
        else f"{names[0]} was {verb}"
        for verb, names in done.items()
    ]


def _names(changes: Sequence[Change]) -> list[str]:
    """Return who did it, each once, in the order of what they did."""
    return list(dict.fromkeys(who.shown_name for *_, who in changes if who is not None))


def _changes(shape: Zone | CountingLine, versions: Sequence[Any]) -> list[Change]:
    """Return when a shape was added, redrawn, ended and brought back."""
    name = shape.name
    found, before = [], None
    for version in versions:
        if before is None:
            found.append((version.created_at, "added", name, version.drawn_by))
        elif before.valid_to == version.valid_from:
            found.append((version.created_at, "redrawn", name, version.drawn_by))
        else:
            ended_at = before.valid_to or before.created_at
            found.append((ended_at, "ended", name, before.ended_by))
            found.append((version.created_at, "brought back", name, version.drawn_by))
        before = version
    if before is not None and before.valid_to is not None:
        found.append((before.valid_to, "ended", name, before.ended_by))
    return found


def _drawn_at(shapes: Any, at: datetime) -> list[Any]:
    """Return each shape with the version that was the drawn one just after an instant."""
    return [
        (shape, version)
        for shape, versions in shapes
        for version in versions
        if version.created_at <= at
        and (version.valid_to is None or version.valid_to > at)
        and not any(later.created_at <= at for later in versions if later.pk > version.pk)
    ]


# --- Saving ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Save:
    """A save under way: what was refused by field, and what was done in words."""

    camera: Camera
    at: datetime
    user: User | None = None
    problems: dict[str, list[str]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def refuse(self, place: str, wrong: ValidationError) -> None:
        """Note what is wrong with the shape at a place of what was sent."""
        if not hasattr(wrong, "error_dict"):
            self.problems.setdefault(place, []).extend(wrong.messages)
            return
        for name, messages in wrong.message_dict.items():
            key = place if name == NON_FIELD_ERRORS else f"{place}.{name}"
            self.problems.setdefault(key, []).extend(messages)


@transaction.atomic
def map_save(
    *,
    camera: Camera,
    zones: Sequence[dict[str, Any]],
    lines: Sequence[dict[str, Any]],
    basis: str,
    user: User,
    now: datetime | None = None,
) -> CameraMap:
    """Make a camera's map what was sent: all of it, or nothing.

    Parameters
    ----------
    zones, lines : sequence of dict
        Every shape that is to hold from now on: those with an ``id`` are changed where they differ
        or brought back where they had ended, those without are new. What is not among them ends.
    basis : str
        The state of the map that was read before.

    Raises
    ------
    MapChangedError
        When the map is another one by now.
    ValidationError
        With everything that is wrong, by its place in what was sent: ``zones.2.vertices``.
    """
    map_hold(camera.pk)
    before = camera_map(camera)
    if before.basis != basis:
        raise MapChangedError
    save = Save(camera, now or clock.now(), user)
    old_zones = {str(zone.public_id): zone for zone in Zone.objects.filter(camera=camera)}
    old_lines = {str(line.public_id): line for line in CountingLine.objects.filter(camera=camera)}
    _end_missing(save, before, [*zones, *lines])
    sent = (
        ("zones", zones, old_zones, _take_zone),
        ("lines", lines, old_lines, _take_line),
    )
    for place, told, old, _ in sent:
        check_names(save, place, told, old)
        _set_names_aside(told, old)
    for place, told, old, take in sent if not save.problems else ():
        _take_all(save, place, told, old, take)
    if save.problems:
        raise ValidationError(save.problems)
    if save.done:
        audit_record(
            action="map.saved", actor=user, store=camera.store, subject=camera.name,
            detail={"changes": save.done},
        )  # fmt: skip
    return camera_map(camera)


def _end_missing(save: Save, before: CameraMap, told: Sequence[dict[str, Any]]) -> None:
    """End what is drawn now and not among what was sent."""
    kept = {str(each["id"]) for each in told if each.get("id")}
    for zone, _ in before.zones:
        if str(zone.public_id) not in kept:
            zone_archive(zone=zone, at=save.at, user=save.user)
            save.done.append(f"“{zone.name}” was ended")
    for line, _ in before.lines:
        if str(line.public_id) not in kept:
            line_archive(line=line, at=save.at, user=save.user)
            save.done.append(f"“{line.name}” was ended")


def check_names(
    save: Save, place: str, told: Sequence[dict[str, Any]], old: dict[str, Any]
) -> None:
    """Refuse ids of other cameras, and names that two shapes would have."""
    given = [str(each["id"]) for each in told if each.get("id")]
    ended = {shape.name for key, shape in old.items() if key not in given}
    seen: set[str] = set()
    for number, each in enumerate(told):
        key, name = str(each.get("id") or ""), each["name"]
        if key and (key not in old or given.count(key) > 1):
            message = "There is no such shape on this camera, or it was sent twice."
            save.problems.setdefault(f"{place}.{number}.id", []).append(message)
        if name in ended:
            save.problems.setdefault(f"{place}.{number}.name", []).append(TAKEN.format(name))
        if name in seen:
            message = f"Two have the name “{name}”. Give each its own."
            save.problems.setdefault(f"{place}.{number}.name", []).append(message)
        seen.add(name)


def _set_names_aside(told: Sequence[dict[str, Any]], old: dict[str, Any]) -> None:
    """Give shapes that are renamed a name of nobody's first: two may swap theirs.

    Each is saved, not updated: who counts refers to it, and saving waits for them beforehand.
    """
    for each in told:
        shape = old.get(str(each.get("id") or ""))
        if shape is not None and shape.name != each["name"]:
            aside = copy(shape)
            aside.name = str(shape.public_id)
            aside.save(update_fields=["name"])


def _take_all(
    save: Save, place: str, told: Sequence[dict[str, Any]], old: dict[str, Any], take: Any
) -> None:
    for number, each in enumerate(told):
        try:
            with transaction.atomic():
                take(save, each, old.get(str(each.get("id") or "")))
        except ValidationError as wrong:
            save.refuse(f"{place}.{number}", wrong)


def _take_zone(save: Save, told: dict[str, Any], zone: Zone | None) -> None:
    fields = {name: told[name] for name in ZONE_FIELDS if name in told}
    if zone is None:
        zone_create(camera=save.camera, vertices=told["vertices"], user=save.user, **fields)
        save.done.append(f"“{told['name']}” was added")
        return
    before = zone.versions.filter(valid_to=None).first()
    _change(save, zone, fields)
    version = zone_redraw(zone=zone, vertices=told["vertices"], at=save.at, user=save.user)
    if before is not None and version.pk != before.pk:
        save.done.append(f"“{zone.name}” was redrawn")


def _take_line(save: Save, told: dict[str, Any], line: CountingLine | None) -> None:
    fields = {name: told[name] for name in LINE_FIELDS if name in told}
    place = {name: told[name] for name in PLACE_FIELDS if name in told}
    if line is None:
        line_create(camera=save.camera, user=save.user, **fields, **place)
        save.done.append(f"“{told['name']}” was added")
        return
    before = line.versions.filter(valid_to=None).first()
    _change(save, line, fields)
    version = line_redraw(line=line, at=save.at, user=save.user, **place)
    if before is not None and version.pk != before.pk:
        save.done.append(f"“{line.name}” was redrawn")


def _change(save: Save, shape: Zone | CountingLine, fields: dict[str, Any]) -> None:
    """Set what differs; a shape that had ended is back."""
    changed = [name for name, value in fields.items() if getattr(shape, name) != value]
    was = shape.name
    for name in changed:
        setattr(shape, name, fields[name])
    if changed:
        save.done.append(f"“{was}”: {', '.join(changed)} changed")
    if shape.archived_at is not None:
        shape.archived_at = None
        save.done.append(f"“{was}” was brought back")
        changed.append("archived_at")
    # Saving one puts every day behind on which it counted.
    if changed:
        shape.full_clean()
        shape.save(update_fields=changed)
