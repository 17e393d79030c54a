"""Which zones and lines were not there yet in a span of time of which they counted nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max, Min

from tracking.models import Run
from zones.models import CountingLine, CountingLineVersion, Zone, ZoneVersion


def drawn_later(
    shapes: Collection[Zone] | Collection[CountingLine], starts_at: datetime, ends_at: datetime
) -> set[int]:
    """Return those that were drawn when a span was over, and by which it was not counted since.

    A shape drawn on the page holds for older pictures as well, so the span of its outline does not
    say since when it is there. What was recorded before it was drawn and counted after is counted
    by it, and nobody is a true zero. At most two queries.

    Parameters
    ----------
    shapes : collection of Zone or of CountingLine
        Those of one kind that counted nothing in the span.

    Returns
    -------
    set of int
        Primary keys.
    """
    camera_of = {shape.pk: shape.camera_id for shape in shapes}
    found = _drawn_at(shapes)
    later = {pk: at for pk, at in found.items() if at >= ends_at}
    if not later:
        return set()
    counted_at: dict[int, datetime] = dict(
        Run.objects.filter(
            active=True,
            recording__camera__in={camera_of[pk] for pk in later},
            recording__started_at__lt=ends_at,
            recording__ended_at__gt=starts_at,
        )
        .order_by()
        .values_list("recording__camera_id")
        .annotate(at=Max("created_at"))
    )
    return {
        pk
        for pk, at in later.items()
        if camera_of[pk] not in counted_at or counted_at[camera_of[pk]] < at
    }


def _drawn_at(shapes: Collection[Zone] | Collection[CountingLine]) -> dict[int, datetime]:
    """Return when each of these was drawn for the first time."""
    if not shapes:
        return {}
    pks = [shape.pk for shape in shapes]
    if isinstance(next(iter(shapes)), Zone):
        zones = ZoneVersion.objects.filter(zone__in=pks).order_by().values_list("zone_id")
        return dict(zones.annotate(at=Min("created_at")))
    lines = CountingLineVersion.objects.filter(line__in=pks).order_by().values_list("line_id")
    return dict(lines.annotate(at=Min("created_at")))
