"""Writes of the `zones` room.

A shape is never changed in place: redrawing closes the version that holds now and opens the next
at the same instant, so what was counted stays explained by the outline that counted it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ForeignObjectRel, RestrictedError
from django.utils import timezone as clock
from django.views.decorators.debug import sensitive_variables

from accounts.models import Store, User
from accounts.services import audit_record
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.palette import PALETTE
from zones.sources import Kept, SourceRefused, source_keep, source_read


class CameraInUseError(Exception):
    """A camera that has seen something is kept."""


COLOURS = len(PALETTE)


def map_hold(camera_id: int) -> None:
    """Have nobody else change a camera's map until the transaction ends; counting goes on.

    Held before a shape is, and before the store's counter, which the saving of a shape takes.
    """
    Camera.objects.select_for_update(no_key=True).get(pk=camera_id)


@sensitive_variables()
def source_asked(
    address: str, *, user_name: str = "", password: str = "", field: str = "source"
) -> Kept:
    """Return how an address is kept. In a transaction: after `source_ahead` alone.

    Parameters
    ----------
    field : str
        Where it was typed, which is where a refusal is told.

    Raises
    ------
    ValidationError
        It may not be connected to. The sentence repeats nothing that was typed.
    """
    try:
        return source_read(address, user_name=user_name, password=password)
    except SourceRefused as refused:
        raise ValidationError({field: [refused.sentence]}) from None


@sensitive_variables("source")
def camera_create(*, store: Store, name: str, source: str | Kept = "", **fields: Any) -> Camera:
    """Make a camera of a store.

    Parameters
    ----------
    source : str or Kept, optional
        The address of its pictures, with user name and password where there are such, or how it
        is kept. An address is looked up.
    """
    kept = source_asked(source) if isinstance(source, str) else source
    camera = Camera(store=store, name=name, **fields)
    source_keep(camera, kept)
    with transaction.atomic():
        camera.full_clean()
        camera.save()
    return camera


@sensitive_variables("fields")
def camera_add(*, store: Store, user: User, fields: dict[str, Any]) -> Camera:
    """Make a camera for a manager; the log says so."""
    kept = source_asked(fields.get("source", ""))
    with transaction.atomic():
        camera = camera_create(store=store, **fields | {"source": kept})
        audit_record(action="camera.made", actor=user, store=store, subject=camera.name)
        if kept.place:
            source_note(camera, user)
    return camera


@transaction.atomic
def camera_source_set(*, camera: Camera, user: User, kept: Kept, transport: str = "") -> Camera:
    """Give a camera another source; the log says where it leads, never by which password."""
    source_keep(camera, kept)
    camera.transport = transport or camera.transport
    camera.full_clean()
    camera.save(update_fields=["source_kind", "source", "source_sealed", "transport"])
    source_note(camera, user)
    return camera


def source_note(camera: Camera, user: User | None) -> None:
    """Write down where a camera's pictures come from now."""
    told = {"kind": camera.source_kind, "place": camera.source} if camera.source else {}
    audit_record(
        action="camera.source_set" if camera.source else "camera.source_forgotten",
        actor=user, store=camera.store, subject=camera.name, detail=told,
    )  # fmt: skip


@sensitive_variables("fields")
@transaction.atomic
def camera_change(*, camera: Camera, user: User, fields: dict[str, Any]) -> Camera:
    """Set what differs of a camera; the log names the fields, never what stands in them.

    Parameters
    ----------
    fields : dict
        Of the model, and ``source`` as an address.
    """
    if (address := fields.pop("source", None)) is not None:
        camera_source_set(camera=camera, user=user, kept=source_asked(address))
    changed = [name for name, value in fields.items() if getattr(camera, name) != value]
    for name in changed:
        setattr(camera, name, fields[name])
    if changed:
        camera.full_clean()
        camera.save(update_fields=changed)
        detail = {"fields": sorted(changed)}
        audit_record(
            action="camera.changed", actor=user, store=camera.store, subject=camera.name,
            detail=detail,
        )  # fmt: skip
    return camera


@transaction.atomic
def camera_remove(*, camera: Camera, user: User) -> None:
    """Remove a camera that nothing hangs on but what is drawn on it.

    Raises
    ------
    CameraInUseError
        It has recordings, events or numbers.
    """
    own = {Zone, CountingLine}
    for field in Camera._meta.get_fields(include_hidden=True):
        if not isinstance(field, ForeignObjectRel) or field.related_model in own:
            continue
        model: Any = field.related_model
        if model._base_manager.filter(**{field.field.name: camera}).exists():
            raise CameraInUseError
    try:
        with transaction.atomic():
            camera.delete()
    except RestrictedError as error:
        raise CameraInUseError from error
    audit_record(action="camera.removed", actor=user, store=camera.store, subject=camera.name)


@transaction.atomic
def zone_create(
    *,
    camera: Camera,
    name: str,
    vertices: Sequence[Sequence[float]],
    kind: str = Zone.Kind.DISPLAY,
    colour: int | None = None,
    valid_from: datetime | None = None,
    user: User | None = None,
    **times: float,
) -> Zone:
    """Make a zone with its first outline.

    Parameters
    ----------
    vertices : sequence of (x, y)
        Fractions of the frame in [0, 1].
    colour : int, optional
        1 to 8; without it the one the camera's zones use least.
    valid_from : datetime, optional
        From when it counts; without it since ever, so older recordings are counted with it too.
    user : User, optional
        Who drew it; without one a program did.
    **times
        ``min_dwell_s``, ``grace_s``, ``min_inside_s``.
    """
    zone = Zone(camera=camera, name=name, kind=kind, colour=colour or _least_used(camera), **times)
    zone.full_clean()
    zone.save()
    _zone_version(zone, vertices, valid_from, user)
    return zone


@transaction.atomic
def zone_redraw(
    *,
    zone: Zone,
    vertices: Sequence[Sequence[float]],
    at: datetime | None = None,
    user: User | None = None,
) -> ZoneVersion:
    """Give a zone a new outline from an instant on (now, unless said); the old one ends there.

    An outline equal to the one that holds makes no new version.
    """
    map_hold(zone.camera_id)
    current = zone.versions.filter(valid_to=None).first()
    if current is None:
        return _zone_version(zone, vertices, at if zone.versions.exists() else None, user)
    if _listed(current.vertices) == _listed(vertices):
        return current
    at = _close(current, at, user)
    return _zone_version(zone, vertices, at, user)


@transaction.atomic
def zone_archive(*, zone: Zone, at: datetime | None = None, user: User | None = None) -> Zone:
    """End a zone: it counts nothing from then on, what it counted stays."""
    map_hold(zone.camera_id)
    current = zone.versions.filter(valid_to=None).first()
    at = _close(current, at, user) if current else at or clock.now()
    zone.archived_at = at
    zone.full_clean()
    zone.save(update_fields=["archived_at"])
    return zone


@transaction.atomic
def line_create(
    *,
    camera: Camera,
    name: str,
    a: Sequence[float],
    b: Sequence[float],
    kind: str = CountingLine.Kind.ENTRANCE,
    valid_from: datetime | None = None,
    user: User | None = None,
    **place: Any,
) -> CountingLine:
    """Make a counting line with its first place; see :func:`zone_create`.

    Parameters
    ----------
    a, b : (x, y)
        The ends as fractions of the frame; walked from a to b.
    **place
        ``inside_side`` ("right" or "left") and ``band`` (fraction of the frame's height).
    """
    line = CountingLine(camera=camera, name=name, kind=kind)
    line.full_clean()
    line.save()
    _line_version(line, a, b, valid_from, place | {"drawn_by": user})
    return line


@transaction.atomic
def line_redraw(
    *,
    line: CountingLine,
    a: Sequence[float],
    b: Sequence[float],
    at: datetime | None = None,
    user: User | None = None,
    **place: Any,
) -> CountingLineVersion:
    """Give a line a new place from an instant on; what `place` leaves out stays as it was."""
    map_hold(line.camera_id)
    current = line.versions.filter(valid_to=None).first()
    by = {"drawn_by": user}
    if current is None:
        return _line_version(line, a, b, at if line.versions.exists() else None, place | by)
    place = {"inside_side": current.inside_side, "band": current.band, **place}
    held = (_listed([current.a, current.b]), current.inside_side, current.band)
    if held == (_listed([a, b]), place["inside_side"], place["band"]):
        return current
    at = _close(current, at, user)
    return _line_version(line, a, b, at, place | by)


@transaction.atomic
def line_archive(
    *, line: CountingLine, at: datetime | None = None, user: User | None = None
) -> CountingLine:
    """End a line: it counts nothing from then on, what it counted stays."""
    map_hold(line.camera_id)
    current = line.versions.filter(valid_to=None).first()
    at = _close(current, at, user) if current else at or clock.now()
    line.archived_at = at
    line.full_clean()
    line.save(update_fields=["archived_at"])
    return line


def _close(
    version: ZoneVersion | CountingLineVersion, at: datetime | None, user: User | None
) -> datetime:
    """End a version and return the instant."""
    at = at or clock.now()
    ask_begun(version, at)
    version.valid_to, version.ended_by = at, user
    version.save(update_fields=["valid_to", "ended_by"])
    return at


def ask_begun(version: ZoneVersion | CountingLineVersion, at: datetime) -> None:
    """Refuse to end a version at an instant before which it does not hold."""
    if version.valid_from and at <= version.valid_from:
        raise ValidationError(
            f"The shape drawn for {version.valid_from:%Y-%m-%d %H:%M:%S} UTC comes later than "
            f"{at:%Y-%m-%d %H:%M:%S} UTC. Choose a later time."
        )


def _zone_version(
    zone: Zone, vertices: Sequence[Sequence[float]], valid_from: datetime | None, user: User | None
) -> ZoneVersion:
    version = ZoneVersion(
        zone=zone, vertices=_listed(vertices), valid_from=valid_from, drawn_by=user
    )
    version.full_clean()
    version.save()
    return version


def _line_version(
    line: CountingLine,
    a: Sequence[float],
    b: Sequence[float],
    valid_from: datetime | None,
    place: dict[str, Any],
) -> CountingLineVersion:
    version = CountingLineVersion(
        line=line, a=_listed(a), b=_listed(b), valid_from=valid_from, **place
    )
    version.full_clean()
    version.save()
    return version


def _least_used(camera: Camera) -> int:
    """Return the colour that the fewest zones of a camera have, the lowest among equals."""
    used = list(camera.zones.values_list("colour", flat=True))
    return min(range(1, COLOURS + 1), key=used.count)


def _listed(value: Any) -> Any:
    """Return tuples as the lists that JSON gives back; anything else is left to validation."""
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value
