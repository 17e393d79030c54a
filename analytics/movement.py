"""Who went from where to where: a matrix of steps and the commonest paths, from path sums.

A path begins with "came in" (a visit) or "first seen" (stays outside any visit), goes through zones
and ends with "went out" or "last seen" (nobody saw it end). Every stay in a zone thus has one step
into it and one out of it, so for each zone the steps in and the steps out are equally many.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast

from accounts.models import Store
from analytics.models import Bucket, PathSum
from analytics.path_sums import paths_refresh, split_zones
from analytics.rollups import clock_of
from analytics.summaries import UNCOUNTED_ZONES
from tracking.models import Visit
from tracking.selectors import visits_of
from zones.models import Zone

Kind = PathSum.Kind

CAME_IN, FIRST_SEEN, WENT_OUT, LAST_SEEN = "came_in", "first_seen", "went_out", "last_seen"
BEGINS = {Kind.VISIT: CAME_IN, Kind.UNENDED: CAME_IN, Kind.LOOSE: FIRST_SEEN}
ENDS = {Kind.VISIT: WENT_OUT, Kind.UNENDED: LAST_SEEN, Kind.LOOSE: LAST_SEEN}
WORDS = {
    CAME_IN: "Came in",
    FIRST_SEEN: "First seen",
    WENT_OUT: "Went out",
    LAST_SEEN: "Last seen",
}
VISITS_A_PAGE = 50
# So many visits are looked through for a page of those that took a step.
LOOKED_THROUGH = 2000

Path = tuple[str, ...]  # its begin, the zones' public ids, its end
Step = tuple[str, str]


class Node(NamedTuple):
    """A place that a step leads from or to."""

    key: str
    name: str
    camera: str
    colour: int


class StepCount(NamedTuple):
    """How often a step was taken, and how often of these by a visit."""

    times: int
    visits: int


class PathCount(NamedTuple):
    """How often a path was taken, and its share of all of them."""

    path: Path
    times: int
    share: float


@dataclass(slots=True)
class Paths:
    """Paths added up, zones left out already."""

    times: Counter[Path] = field(default_factory=Counter)
    steps: Counter[Step] = field(default_factory=Counter)
    visit_steps: Counter[Step] = field(default_factory=Counter)

    def add(self, kind: str, zones: Iterable[str], times: int) -> None:
        """Add a path taken so often; one outside any visit that meets no zone is none."""
        path = (BEGINS[Kind(kind)], *zones, ENDS[Kind(kind)])
        if kind == Kind.LOOSE and len(path) == len((FIRST_SEEN, LAST_SEEN)):
            return
        self.times[path] += times
        for step in pairwise(path):
            self.steps[step] += times
            if kind != Kind.LOOSE:
                self.visit_steps[step] += times

    def into(self, key: str) -> int:
        """Return how many steps lead to a place."""
        return sum(times for (_, end), times in self.steps.items() if end == key)

    def out_of(self, key: str) -> int:
        """Return how many steps lead from a place."""
        return sum(times for (begin, _), times in self.steps.items() if begin == key)


@dataclass(frozen=True, slots=True)
class Movement:
    """The steps and paths of a period; `seen` is false where no camera looked."""

    seen: bool
    begins: list[Node]
    zones: list[Node]
    ends: list[Node]
    steps: dict[Step, StepCount]
    paths: list[PathCount]
    times: int
    visits: int
    into: dict[str, int]
    out_of: dict[str, int]

    @property
    def balanced(self) -> bool:
        """Whether every zone has as many steps in as out, and every path one begin and end."""
        zones = all(self.into[node.key] == self.out_of[node.key] for node in self.zones)
        begun = sum(self.out_of[node.key] for node in self.begins)
        ended = sum(self.into[node.key] for node in self.ends)
        return zones and begun == ended == self.times


def movement(
    store: Store, first: date, last: date, zone: Zone | None = None, top: int = 10
) -> Movement:
    """Return the movement on some business days, both included, from path sums alone.

    With a zone, only paths through it are counted.
    """
    paths_refresh(store)
    rows = Zone.objects.filter(camera__store=store).select_related("camera")
    zones = {row.pk: row for row in rows}
    hidden = {row.pk for row in zones.values() if row.kind in UNCOUNTED_ZONES}
    keys = {pk: str(row.public_id) for pk, row in zones.items() if pk not in hidden}
    paths = Paths()
    for kind, text, times in _sums(store, first, last):
        stops = split_zones(text)
        if zone is None or (zone.pk in stops and zone.pk not in hidden):
            paths.add(kind, (keys[stop] for stop in stops if stop in keys), times)
    shown = [row for pk, row in zones.items() if pk in keys]
    return _told(paths, shown, top, seen=_seen(store, first, last))


def _sums(store: Store, first: date, last: date) -> Iterator[tuple[str, str, int]]:
    """Yield how often each path was taken in the period: added up by the database."""
    sums = PathSum.objects.filter(store=store, business_day__range=(first, last)).order_by()
    added = sums.values("kind", "digest", "zones").annotate(total=Sum("times"))
    yield from added.values_list("kind", "zones", "total").iterator()


def _seen(store: Store, first: date, last: date) -> bool:
    clock = clock_of(store)
    looked = Bucket.objects.filter(
        store=store,
        subject_kind=Bucket.Subject.CAMERA,
        starts_at__gte=clock.day_starts_at(first),
        starts_at__lt=clock.day_bounds(last)[1],
        observed_ms__gt=0,
    )
    return looked.exists()


def _told(paths: Paths, zones: list[Zone], top: int, *, seen: bool) -> Movement:
    total = paths.times.total()
    met = {key for step in paths.steps for key in step}
    named = sorted((row.camera.name, row.name, row) for row in zones if str(row.public_id) in met)
    nodes = [Node(str(row.public_id), row.name, row.camera.name, row.colour) for *_, row in named]
    begins, ends = (
        [Node(key, WORDS[key], "", 0) for key in keys if key in met]
        for keys in ((CAME_IN, FIRST_SEEN), (WENT_OUT, LAST_SEEN))
    )
    commonest = sorted(paths.times.items(), key=lambda item: (-item[1], item[0]))[:top]
    every = [node.key for node in (*begins, *nodes, *ends)]
    return Movement(
        seen=seen or bool(total),
        begins=begins,
        zones=nodes,
        ends=ends,
        steps={
            step: StepCount(times, paths.visit_steps[step]) for step, times in paths.steps.items()
        },
        paths=[PathCount(path, times, times / total) for path, times in commonest],
        times=total,
        visits=sum(times for path, times in paths.times.items() if path[0] == CAME_IN),
        into={key: paths.into(key) for key in every},
        out_of={key: paths.out_of(key) for key in every},
    )


# --- The visits behind a step -----------------------------------------------------------------


# Arithmetic on the year 1 or 9999 overflows.
YEARS = range(1970, 9000)


class BadCursorError(ValueError):
    """A cursor that no page of ours gave."""


class Cursor(NamedTuple):
    """The visit that a page was looked through to."""

    entered_at: datetime
    pk: int

    def __str__(self) -> str:
        text = f"{self.entered_at.isoformat()} {self.pk}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor that this is the text of; raises BadCursorError."""
        try:
            at, pk = base64.urlsafe_b64decode(text.encode()).decode().split(" ")
            cursor = cls(datetime.fromisoformat(at), int(pk))
        except (ValueError, binascii.Error) as error:
            raise BadCursorError(str(error)) from error
        is_instant = cursor.entered_at.tzinfo is not None and cursor.entered_at.year in YEARS
        if not is_instant or not 0 <= cursor.pk < 2**63:
            raise BadCursorError("It names no instant.")
        return cursor

    @classmethod
    def or_none(cls, text: str) -> Cursor | None:
        """Return the cursor that this is the text of, None for any other text."""
        try:
            return cls.read(text)
        except BadCursorError:
            return None


def visits_with_step(
    store: Store, first: date, last: date, step: Step, zone: Zone | None, after: Cursor | None
) -> tuple[list[Visit], Cursor | None]:
    """Return a page of the visits that took a step, newest first, and where the next one begins.

    A page may hold fewer visits than fit, none even, and go on: only so many are looked through.
    """
    shown = _shown_zones(store)
    found: list[Visit] = []
    for number, visit in enumerate(_candidates(store, first, last, step, zone, after), start=1):
        path = path_of_visit(visit, shown)
        through = zone is None or str(zone.public_id) in path
        if through and step in pairwise(path):
            found.append(visit)
        if len(found) == VISITS_A_PAGE or number == LOOKED_THROUGH:
            return found, Cursor(visit.entered_at, visit.pk)
    return found, None


def path_of_visit(visit: Visit, shown: Collection[str]) -> Path:
    """Return the path of one visit, through the zones that are shown."""
    stays = sorted(visit.path, key=itemgetter("entered_at", "left_at"))
    kind = Kind.UNENDED if visit.inferred else Kind.VISIT
    return BEGINS[kind], *(s["zone"] for s in stays if s["zone"] in shown), ENDS[kind]


def _shown_zones(store: Store) -> set[str]:
    rows = Zone.objects.filter(camera__store=store).exclude(kind__in=UNCOUNTED_ZONES)
    return {str(public_id) for public_id in rows.values_list("public_id", flat=True)}


def _candidates(
    store: Store, first: date, last: date, step: Step, zone: Zone | None, after: Cursor | None
) -> Iterator[Visit]:
    """Yield the counted visits of the period whose path names every zone asked for."""
    clock = clock_of(store)
    visits: QuerySet[Visit] = visits_of(store).filter(
        staff=False,
        exited_at__isnull=False,
        entered_at__gte=clock.day_starts_at(first),
        entered_at__lt=clock.day_bounds(last)[1],
    )
    if after is not None:
        visits = visits.filter(
            Q(entered_at__lt=after.entered_at) | Q(entered_at=after.entered_at, pk__lt=after.pk)
        )
    named = {key for key in step if key not in WORDS} | ({str(zone.public_id)} if zone else set())
    visits = visits.annotate(path_text=Cast("path", TextField()))
    for key in sorted(named):
        visits = visits.filter(path_text__contains=key)
    return visits.order_by("-entered_at", "-pk")[:LOOKED_THROUGH].iterator()
