"""Reads of the `zones` room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Prefetch, Q

from zones.geometry import mask_name
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.watching import ALONG

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet

    from accounts.models import Store, User
    from zones.geometry import Point

VersionT = TypeVar("VersionT", ZoneVersion, CountingLineVersion)


@dataclass(frozen=True, slots=True)
class ZoneShape:
    """One outline of a zone with the media time it holds for.

    ``vertices`` are fractions of the frame; ``valid_from_ms`` and ``valid_to_ms`` count from the
    recording's first frame, None where the outline has no such end.
    """

    key: str
    name: str
    kind: str
    vertices: tuple[Point, ...]
    min_inside_ms: int
    grace_ms: int
    min_dwell_ms: int
    valid_from_ms: int | None
    valid_to_ms: int | None


@dataclass(frozen=True, slots=True)
class LineShape:
    """One place of a counting line with the media time it holds for; see ZoneShape."""

    key: str
    name: str
    kind: str
    a: Point
    b: Point
    inside_side: str
    band: float
    valid_from_ms: int | None
    valid_to_ms: int | None


@dataclass(frozen=True, slots=True)
class SceneShapes:
    """Everything drawn on a camera's picture that a recording is counted with."""

    zones: tuple[ZoneShape, ...]
    lines: tuple[LineShape, ...]


def scene_setup(
    *, camera: Camera, media_start: datetime, media_end: datetime | None = None
) -> SceneShapes:
    """Return the zones and lines that hold at some time between two instants.

    Parameters
    ----------
    camera : Camera
    media_start : datetime
        Wall-clock instant of the recording's first frame: media time 0.
    media_end : datetime, optional
        Instant after its last frame; open-ended without it.

    Returns
    -------
    shapes : SceneShapes
        Ordered by name, which is a camera's own, then by time, so that equal maps read equal on
        any installation: what happens in one frame is counted in this order. Zones of kind
        "ignore" are among them, and so are the camera's ignore masks, which hold at all times; the
        keys of what has a row are public ids, which are random.
    """
    zones = _holding(
        ZoneVersion.objects.filter(zone__camera=camera).select_related("zone"),
        media_start,
        media_end,
    )
    lines = _holding(
        CountingLineVersion.objects.filter(line__camera=camera).select_related("line"),
        media_start,
        media_end,
    )
    return SceneShapes(
        zones=(
            *sorted((_zone_shape(each, media_start) for each in zones), key=_order),
            *_masks(camera),
        ),
        lines=tuple(sorted((_line_shape(each, media_start) for each in lines), key=_order)),
    )


def shapes_now(*, camera: Camera, at: datetime) -> SceneShapes:
    """Return the zones and lines that hold at one instant, for drawing."""
    return scene_setup(camera=camera, media_start=at, media_end=at + timedelta(microseconds=1))


def shapes_drawn(
    camera: Camera,
    zones: Iterable[ZoneVersion],
    lines: Iterable[CountingLineVersion],
) -> SceneShapes:
    """Return versions as shapes that hold at all times, saved or not, with the camera's masks."""
    at = datetime.min.replace(tzinfo=UTC)  # no shape says from when it holds
    return SceneShapes(
        zones=(
            *(
                replace(_zone_shape(each, at), valid_from_ms=None, valid_to_ms=None)
                for each in zones
            ),
            *_masks(camera),
        ),
        lines=tuple(
            replace(_line_shape(each, at), valid_from_ms=None, valid_to_ms=None) for each in lines
        ),
    )


def _masks(camera: Camera) -> list[ZoneShape]:
    """Return a camera's ignore masks: areas of its picture without a history."""
    return [
        ZoneShape(
            key=f"mask-{number}",
            name=mask_name(number),
            kind=Zone.Kind.IGNORE.value,
            vertices=mask,  # as stored: whoever makes a map of it refuses what is none in words
            min_inside_ms=0,
            grace_ms=0,
            min_dwell_ms=0,
            valid_from_ms=None,
            valid_to_ms=None,
        )
        for number, mask in enumerate(camera.ignore_masks, start=1)
    ]


def _holding(
    versions: QuerySet[VersionT], start: datetime, end: datetime | None
) -> QuerySet[VersionT]:
    """Return the versions whose span [valid_from, valid_to) meets [start, end)."""
    meets = Q(valid_to=None) | Q(valid_to__gt=start)
    if end is not None:
        meets &= Q(valid_from=None) | Q(valid_from__lt=end)
    return versions.filter(meets)


def _zone_shape(version: ZoneVersion, media_start: datetime) -> ZoneShape:
    zone = version.zone
    return ZoneShape(
        key=str(zone.public_id),
        name=zone.name,
        kind=zone.kind,
        vertices=tuple((float(x), float(y)) for x, y in version.vertices),
        min_inside_ms=round(zone.min_inside_s * 1000),
        grace_ms=round(zone.grace_s * 1000),
        min_dwell_ms=round(zone.min_dwell_s * 1000),
        valid_from_ms=_media_ms(version.valid_from, media_start),
        valid_to_ms=_media_ms(version.valid_to, media_start),
    )


def _line_shape(version: CountingLineVersion, media_start: datetime) -> LineShape:
    line = version.line
    return LineShape(
        key=str(line.public_id),
        name=line.name,
        kind=line.kind,
        a=(float(version.a[0]), float(version.a[1])),
        b=(float(version.b[0]), float(version.b[1])),
        inside_side=version.inside_side,
        band=version.band,
        valid_from_ms=_media_ms(version.valid_from, media_start),
        valid_to_ms=_media_ms(version.valid_to, media_start),
    )


def _media_ms(at: datetime | None, media_start: datetime) -> int | None:
    """Return an instant as whole milliseconds of media time, None where there is none."""
    return None if at is None else (at - media_start) // timedelta(milliseconds=1)


def _order(shape: ZoneShape | LineShape) -> tuple[str, bool, int]:
    return shape.name, shape.valid_from_ms is not None, shape.valid_from_ms or 0


def signed_versions(kind: type[VersionT]) -> QuerySet[VersionT]:
    """Return zones' or lines' versions with who drew them and who ended them."""
    versions: QuerySet[VersionT] = kind._default_manager.all()
    return versions.select_related("drawn_by", "ended_by")


def cameras_of_store(*, user: User | AnonymousUser, store: Store) -> QuerySet[Camera]:
    """Return a store's cameras that a person may see, with what is drawn on them now."""
    return cameras_told(Camera.objects.for_user(user).filter(store=store))


def cameras_told(cameras: QuerySet[Camera]) -> QuerySet[Camera]:
    """Return cameras with everything their JSON names: what is drawn on them now."""
    open_zones = ZoneVersion.objects.filter(valid_to=None)
    open_lines = CountingLineVersion.objects.filter(valid_to=None)
    zones = Zone.objects.filter(archived_at=None).prefetch_related(
        Prefetch("versions", open_zones, to_attr="open_versions")
    )
    lines = CountingLine.objects.filter(archived_at=None).prefetch_related(
        Prefetch("versions", open_lines, to_attr="open_versions")
    )
    told = cameras.select_related(*ALONG)
    return told.prefetch_related(Prefetch("zones", zones), Prefetch("lines", lines))
