"""A made-up business day as its camera would tell it: events in media time, gaps and all. Pure.

People come by weekday and hour, on the wall clock of the store, while it is open. What the camera
does not see it does not tell: during a gap nothing is crossed, a stay that a gap cuts is censored,
and whoever is seen again afterwards is somebody new to it, as with a real one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp
from random import Random

from analytics.calendar import BUCKET, BUCKET_MS, StoreClock, buckets_between
from analytics.opening import OpenSpan, open_spans
from analytics.simulator.people import Walk, browser, employee, passer_by, shopper
from analytics.simulator.plan import ShopPlan
from tracking.vision.events import Direction, Event, LineCrossed, TrackEnded, ZoneEntered, ZoneLeft

# Raised whenever the same seed gives other days than before.
VERSION = 2
# Monday to Sunday, against an average day.
WEEKDAY_SHARE = (0.82, 0.78, 0.86, 0.95, 1.18, 1.45, 0.96)
PASSERS_A_VISITOR = 5.0
STAFF_A_DAY = 4
# Nobody comes in so shortly before closing.
LAST_CALL = 2 * BUCKET
GAP_CHANCE = 0.3
GAP_MINUTES = (6, 40)
# Share of the people whom the camera loses for good and finds again as somebody else.
LOST = 0.02
HOUR_MS = 3_600_000
BOX_PX = (60, 150)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Day:
    """What a camera told of a business day; all times in milliseconds after its start.

    `events` are in order of time; `covered` are the spans that were observed; `staff` are the
    numbers of the tracks of people who work there.
    """

    starts_at: datetime
    length_ms: int
    events: list[Event]
    covered: list[Span]
    staff: frozenset[int]


def simulated_day(
    plan: ShopPlan, clock: StoreClock, day: date, until: datetime, seed: str, visitors: float
) -> Day:
    """Return a business day of a seed, up to an instant; the same every time it is asked for.

    Parameters
    ----------
    plan : ShopPlan
    clock : StoreClock
        Tells the store's days and its wall clock.
    day : date
        The business day.
    until : datetime
        Nothing is told of this instant and later; what is told does not depend on it otherwise.
    seed : str
        Names the world; each of its days is drawn by itself.
    visitors : float
        How many come in on an average day.
    """
    starts_at, ends_at = clock.day_bounds(day)
    length_ms = _ms(min(ends_at, until) - starts_at)
    random = Random(f"{seed}/{day.isoformat()}")
    walks = _walks(plan, clock, (starts_at, ends_at), random, visitors)
    covered = _covered(random, _ms(ends_at - starts_at), length_ms)
    lost = {number for number in range(len(walks)) if random.random() < LOST}
    events, staff = told(walks, covered, lost, random)
    return Day(starts_at, length_ms, events, covered, staff)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


# --- Who comes -----------------------------------------------------------------------------------


def _walks(
    plan: ShopPlan,
    clock: StoreClock,
    bounds: tuple[datetime, datetime],
    random: Random,
    visitors: float,
) -> list[Walk]:
    """Return everybody's walk, in order of time."""
    starts = buckets_between(*bounds)
    local = [at.astimezone(clock.zone) for at in starts]
    # A little further than the day: whether it closes soon after is asked, too.
    opened = open_spans(clock, plan.opening_hours, bounds[0], bounds[1] + LAST_CALL)
    weights = [
        _draw(at) if _lets_in(opened, start) else 0.0
        for start, at in zip(starts, local, strict=True)
    ]
    share = WEEKDAY_SHARE[bounds[0].astimezone(clock.zone).weekday()]
    wanted = visitors * share * random.lognormvariate(0, 0.08) if any(weights) else 0.0
    first_ms = _ms(starts[0] - bounds[0])
    came = _arrivals(random, weights, wanted, first_ms)
    walks = []
    for at_ms in came:
        an_hour = bisect_right(came, at_ms) - bisect_right(came, at_ms - HOUR_MS)
        make = shopper if plan.doors_of("entrance") else browser
        walks.append(make(plan, random, at_ms, an_hour))
    if plan.doors_of("entrance") and came:
        times = (random.uniform(came[0], came[-1]) for _ in range(STAFF_A_DAY))
        walks += [employee(plan, random, round(at_ms)) for at_ms in times]
    if plan.doors_of("passer_by"):
        street = [_street(at) for at in local]
        passers = wanted * PASSERS_A_VISITOR
        came = _arrivals(random, street, passers, first_ms)
        walks += [passer_by(plan, random, at_ms) for at_ms in came]
    return sorted((walk for walk in walks if walk.way), key=lambda walk: walk.from_ms)


def _arrivals(random: Random, weights: list[float], wanted: float, first_ms: int) -> list[int]:
    """Return moments drawn by the weights of five-minute buckets, in order."""
    count = round(random.gauss(wanted, wanted**0.5)) if any(weights) else 0
    buckets = random.choices(range(len(weights)), weights, k=max(0, count)) if count > 0 else []
    # A second walk up to the line, so nobody is in the picture before the day begins.
    return sorted(
        max(1000, first_ms + bucket * BUCKET_MS + random.randrange(BUCKET_MS)) for bucket in buckets
    )


def _lets_in(opened: Sequence[OpenSpan], at: datetime) -> bool:
    """Return whether the shop is open at an instant and not about to close."""
    return all(
        any(span.starts_at <= instant < span.ends_at for span in opened)
        for instant in (at, at + LAST_CALL)
    )


def _draw(local: datetime) -> float:
    """Return how many come in around a moment, as a weight: two peaks, one at the weekend."""
    hour = local.hour + local.minute / 60
    if local.weekday() >= 5:
        return 0.01 + exp(-(((hour - 14.5) / 2.8) ** 2))
    return 0.01 + 0.8 * exp(-(((hour - 12.6) / 1.5) ** 2)) + exp(-(((hour - 17.6) / 1.6) ** 2))


def _street(local: datetime) -> float:
    hour = local.hour + local.minute / 60
    return 0.02 + exp(-(((hour - 13.5) / 4.5) ** 2))


# --- What is seen of it --------------------------------------------------------------------------


def _covered(random: Random, whole_ms: int, length_ms: int) -> list[Span]:
    """Return what was observed; a gap, drawn for the whole day, does not move with its end."""
    has_gap = random.random() < GAP_CHANCE
    minutes = random.randint(*GAP_MINUTES)
    begin = random.randrange(whole_ms // 3, whole_ms * 3 // 4)
    if not has_gap:
        return [(0, length_ms)]
    spans = [(0, min(begin, length_ms)), (begin + minutes * 60_000, length_ms)]
    return [(first, last) for first, last in spans if first < last]


def told(
    walks: list[Walk], covered: list[Span], lost: set[int], random: Random
) -> tuple[list[Event], frozenset[int]]:
    """Return the events of all that was seen, in order, and the tracks of staff."""
    seen: list[tuple[Span, Walk]] = []
    for number, walk in enumerate(walks):
        break_ms = random.randint(walk.from_ms, walk.to_ms)
        for span in covered:
            cuts = [span]
            if number in lost and span[0] < break_ms < span[1]:
                cuts = [(span[0], break_ms), (break_ms, span[1])]
            seen += [(cut, walk) for cut in cuts if _meets(walk, cut)]
    seen.sort(key=lambda each: max(each[0][0], each[1].from_ms))
    events: list[Event] = []
    for track, (span, walk) in enumerate(seen, start=1):
        events += _seen_of(walk, span, track)
    events.sort(key=_order)
    return events, frozenset(n for n, (_, walk) in enumerate(seen, start=1) if walk.staff)


def _meets(walk: Walk, span: Span) -> bool:
    """Whether somebody is in the picture for some of a span, at two different moments."""
    return max(walk.from_ms, span[0]) < min(walk.to_ms, span[1] - 1)


def _seen_of(walk: Walk, span: Span, track: int) -> Iterator[Event]:
    first, last = span[0], span[1] - 1
    for step in walk.steps:
        if first <= step.at_ms <= last:
            direction: Direction = "in" if step.direction == "in" else "out"
            yield LineCrossed(track, step.line_key, step.at_ms, direction)
    for stay in walk.stays:
        begin, end = max(stay.from_ms, first), min(stay.to_ms, last)
        if begin >= end:
            continue
        unseen_begin, unseen_end = begin != stay.from_ms, end != stay.to_ms
        yield ZoneEntered(track, stay.zone_key, begin, unseen_begin)
        yield ZoneLeft(track, stay.zone_key, end, end - begin, unseen_begin or unseen_end)
    way = _way(walk, first, last)
    boxes = (BOX_PX,) * len(way)
    yield TrackEnded(track, way[0][0], way[-1][0], way, boxes, 0.9)


def _way(walk: Walk, first: int, last: int) -> tuple[tuple[int, float, float], ...]:
    """Return the part of a way within ``[first, last]``, with a point at either end of it."""
    begin, end = max(first, walk.from_ms), min(last, walk.to_ms)
    inner = [point for point in walk.way if begin < point[0] < end]
    return (_at(walk, begin), *inner, _at(walk, end))


def _at(walk: Walk, at_ms: int) -> tuple[int, float, float]:
    """Return where somebody is at a moment, on the straight line between two places."""
    times = [point[0] for point in walk.way]
    after = min(max(1, bisect_right(times, at_ms)), len(times) - 1)
    (t0, x0, y0), (t1, x1, y1) = walk.way[after - 1], walk.way[after]
    share = min(1.0, max(0.0, (at_ms - t0) / (t1 - t0))) if t1 > t0 else 1.0
    return at_ms, x0 + share * (x1 - x0), y0 + share * (y1 - y0)


# At one moment a stay ends before the next step, and a track ends last.
RANKS: dict[type, int] = {ZoneLeft: 0, LineCrossed: 1, ZoneEntered: 2, TrackEnded: 3}


def _order(event: Event) -> tuple[int, int, int]:
    at_ms = event.ended_ms if isinstance(event, TrackEnded) else event.time_ms
    return at_ms, RANKS[type(event)], event.track_number


def times_of(events: Iterable[Event]) -> list[int]:
    """Return when each event happened."""
    return [_order(event)[0] for event in events]
