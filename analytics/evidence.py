"""What a number is made of: which events are behind it, and how many the sums say they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from django.db.models import Sum

from accounts.models import Store
from analytics.calendar import BUCKET, floor_bucket
from analytics.models import Bucket
from analytics.opening import open_spans
from analytics.rollups import clock_of, hours_of
from analytics.selectors import recording_numbers, recording_series, recording_zones
from analytics.summaries import UNCOUNTED_ZONES
from tracking.evidence import Span, Wanted, found_up_to
from tracking.models import Run
from zones.models import Camera, CountingLine, Zone

Subject = Bucket.Subject
BOTH = ("in", "out")
STEP_COLUMNS = {"in": "entries", "out": "exits"}
# Up to so many events are looked at to tell whether they add up, of so long a time: a few of one
# line among all of a year would be looked for longer than anybody waits. Beyond, the night's proof
# tells it.
MOST_CHECKED = 5000
LONGEST_CHECKED = timedelta(days=32)


@dataclass(frozen=True, slots=True)
class Number:
    """A kind of number, in the words of a sentence, and the rule that picks its events."""

    words: str
    one: str
    many: str
    directions: tuple[str, ...] = ()
    line_kind: str = CountingLine.Kind.ENTRANCE.value
    in_opening_hours: bool = False
    told: bool = False
    stays: bool = False
    queues: bool = False
    censored: bool | None = None

    @property
    def countable(self) -> bool:
        """Whether the events of this number are as many as it says."""
        return not self.told

    @property
    def of_recording(self) -> bool:
        """Whether the Live page tells this number of a recording."""
        steps = self.directions and self.line_kind == CountingLine.Kind.ENTRANCE
        plain = not (self.in_opening_hours or self.told or self.queues)
        return plain and (bool(steps) or (self.stays and self.censored is None))


NUMBERS = {
    "footfall": Number(
        "Came in during opening hours", "person came in during opening hours",
        "people came in during opening hours", ("in",), in_opening_hours=True,
    ),
    "entries": Number("Came in", "person came in", "people came in", ("in",)),
    "exits": Number("Went out", "person went out", "people went out", ("out",)),
    "steps": Number("Came in or went out", "person came in or went out",
                    "people came in or went out", BOTH),
    "inside": Number("Who is inside", "step or correction", "steps and corrections", BOTH,
                     told=True),
    "passers": Number("Walked past", "person walked past", "people walked past", BOTH,
                      line_kind=CountingLine.Kind.PASSER_BY.value),
    "stops": Number("Stops at zones", "stop at a zone", "stops at zones", stays=True),
    "stays": Number("Stops seen whole", "stop was seen from start to end",
                    "stops were seen from start to end", stays=True, censored=False),
    "unended": Number("Stops not seen whole", "stop whose start or end was not seen",
                      "stops whose start or end was not seen", stays=True, censored=True),
    "waits": Number("Waits in a queue", "wait was seen from start to end",
                    "waits were seen from start to end", stays=True, queues=True, censored=False),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """Which number is asked about: of when, where, and of one recording's count or of all.

    Attributes
    ----------
    window : (datetime, datetime) or None
        On edges of five minutes, as sums are no finer; None is all that `run` counted.
    """

    store: Store
    number: Number
    window: Span | None
    zone: Zone | None = None
    line: CountingLine | None = None
    camera: Camera | None = None
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What a number says and how many there are of what it counts.

    Attributes
    ----------
    found : int or None
        `MOST_CHECKED` + 1 where there are more than `MOST_CHECKED`; None where nobody looked.
    """

    number: int
    found: int | None

    @property
    def adds_up(self) -> bool:
        """Whether there are exactly as many events as the number says."""
        return self.found == self.number

    @property
    def more_than(self) -> int | None:
        """Return how many there are more than, where nobody looked further; else None."""
        return MOST_CHECKED if self.found is not None and self.found > MOST_CHECKED else None


def days_window(store: Store, first: date, last: date) -> Span:
    """Return the instants of business days, both included."""
    clock = clock_of(store)
    return clock.day_bounds(first)[0], clock.day_bounds(last)[1]


def five_minutes_around(starts_at: datetime, ends_at: datetime) -> Span:
    """Return a window widened to the edges of the five minutes at its ends."""
    return floor_bucket(starts_at), _edge_after(ends_at)


def wanted_of(asked: Asked) -> Wanted:
    """Return which events are behind a number."""
    number = asked.number
    wanted = Wanted(
        asked.store,
        spans=_spans(asked),
        told=number.told,
        line=asked.line,
        camera=asked.camera,
        run=asked.run,
    )
    if number.stays:
        return replace(wanted, zones=tuple(_zones(asked)), censored=number.censored)
    return replace(wanted, directions=number.directions, line_kind=number.line_kind)


def check(asked: Asked) -> Check:
    """Return whether the events behind a number are as many as it says."""
    number = number_of(asked)
    long = asked.window is not None and asked.window[1] - asked.window[0] > LONGEST_CHECKED
    if long or number > MOST_CHECKED:
        return Check(number, None)
    return Check(number, found_up_to(wanted_of(asked), MOST_CHECKED))


def number_of(asked: Asked) -> int:
    """Return the number itself, from the sums that every page shows; of a run, its own count."""
    if asked.run is not None:
        return _number_of_run(asked, asked.run)
    return _stays_summed(asked) if asked.number.stays else _steps_summed(asked)


def _spans(asked: Asked) -> tuple[Span, ...]:
    """Return when: opening hours count by whole five minutes, as the sums know no finer."""
    if asked.window is None:
        return ()
    if not asked.number.in_opening_hours:
        return (asked.window,)
    store = asked.store
    found: list[Span] = []
    for opens, closes in open_spans(clock_of(store), hours_of(store), *asked.window):
        begin, end = floor_bucket(opens), _edge_after(closes)
        if found and begin <= found[-1][1]:
            begin = found.pop()[0]
        found.append((begin, end))
    return tuple(found)


def _edge_after(instant: datetime) -> datetime:
    edge = floor_bucket(instant)
    return edge if edge == instant else edge + BUCKET


def _zones(asked: Asked) -> list[int]:
    """Return the zones whose stays count; a recording's own numbers are of all there are now."""
    if asked.zone is not None:
        return [asked.zone.pk]
    zones = Zone.objects.filter(camera__store=asked.store)
    if asked.run is not None:
        zones = zones.filter(archived_at=None)
    elif asked.number.queues:
        zones = zones.filter(kind=Zone.Kind.QUEUE)
    else:
        zones = zones.exclude(kind__in=UNCOUNTED_ZONES)
    return list(zones.values_list("pk", flat=True))


def _summed(asked: Asked, kind: str, subjects: list[int], columns: tuple[str, ...]) -> int:
    """Return the sum of some columns of buckets over the five minutes that count."""
    assert asked.window is not None
    starts_at, ends_at = asked.window
    buckets = Bucket.objects.filter(
        store=asked.store, subject_kind=kind, subject_id__in=subjects,
        starts_at__gte=starts_at, starts_at__lt=ends_at,
    )  # fmt: skip
    if asked.camera is not None:
        buckets = buckets.filter(camera=asked.camera)
    sums: Any = {f"n_{name}": Sum(name) for name in columns}
    if not asked.number.in_opening_hours:
        return sum(value or 0 for value in buckets.aggregate(**sums).values())
    spans = _spans(asked)
    rows = buckets.order_by().values_list("starts_at").annotate(**sums)
    return sum(sum(found) for at, *found in rows if _within(at, spans))


def _within(at: datetime, spans: Sequence[Span]) -> bool:
    """Return whether an instant lies in one of the spans, the oldest first and apart."""
    index = bisect_right(spans, at, key=itemgetter(0)) - 1
    return index >= 0 and at < spans[index][1]


def _steps_summed(asked: Asked) -> int:
    lines = CountingLine.objects.filter(camera__store=asked.store, kind=asked.number.line_kind)
    if asked.line is not None:
        lines = lines.filter(pk=asked.line.pk)
    columns = tuple(STEP_COLUMNS[direction] for direction in asked.number.directions)
    return _summed(asked, Subject.LINE, list(lines.values_list("pk", flat=True)), columns)


def _stays_summed(asked: Asked) -> int:
    columns = {None: ("stays", "censored"), False: ("stays",), True: ("censored",)}
    return _summed(asked, Subject.ZONE, _zones(asked), columns[asked.number.censored])


def _number_of_run(asked: Asked, run: Run) -> int:
    """Return what the Live page says of a recording."""
    if asked.number.stays:
        wanted = set(_zones(asked))
        return sum(each.stays for each in recording_zones(run) if each.zone.pk in wanted)
    columns = [STEP_COLUMNS[direction] for direction in asked.number.directions]
    if asked.window is None:
        numbers = recording_numbers(run)
        return sum(getattr(numbers, column) for column in columns)
    begin, end = asked.window
    steps = [step for step in recording_series(run) if begin <= step.starts_at < end]
    return sum(getattr(step, column) or 0 for step in steps for column in columns)
