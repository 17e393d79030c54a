"""What the numbers of some days say, in sentences that each cite their numbers. Pure.

A rule is a function of `Facts`. It returns what it has to say, or what it lacks to say anything;
it never speaks of hours of whose open time less than `WELL_SEEN` was seen, nor of one that goes on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import mean

from analytics.comparisons import CountedHour, like_hours
from tracking.templatetags.ot import count, duration_words, percent, round_half_up

WELL_SEEN = 0.95
# Fewer people, hours or stays than these prove nothing.
PEOPLE_AT_LEAST = 20
HOURS_AT_LEAST = 3
STAYS_AT_LEAST = 10
# Smaller changes are the noise of a shop's days.
CHANGE_AT_LEAST = 0.05
WAIT_AT_LEAST = 0.2
WAIT_AT_LEAST_S = 10
IMBALANCE_AT_LEAST = 0.1
IMBALANCE_AT_LEAST_PEOPLE = 10

WEEK = timedelta(days=7)
HOUR_MS = 3_600_000
MOST_TIES = 3


@dataclass(frozen=True, slots=True)
class HourFacts:
    """One hour on the store's clock with its open time; counts are None where nobody looked."""

    at: datetime
    # Who came and went while the store was open.
    entries: int | None
    exits: int | None
    # Share of its open time so far that was seen.
    observed: float | None
    complete: bool = True
    open_ms: int = HOUR_MS
    length_ms: int = HOUR_MS

    @property
    def speaks(self) -> bool:
        """Whether it may be spoken of: open, over, and seen well enough."""
        known = self.entries is not None and self.exits is not None
        return known and self.open_ms > 0 and self.complete and (self.observed or 0) >= WELL_SEEN

    def counted(self) -> CountedHour:
        """Return the hour as comparisons see it."""
        return CountedHour(
            starts_at=self.at,
            wall=self.at.replace(tzinfo=None, fold=0),
            fold=self.at.fold,
            length_ms=self.length_ms,
            open_ms=self.open_ms,
            well_seen=self.speaks,
            complete=self.complete,
            entries=self.entries,
        )


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """One zone in the well-seen minutes of the days and of those before."""

    name: str
    is_queue: bool
    stays: int
    median_s: float | None
    stays_before: int = 0
    median_before_s: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The days asked for, hour by hour, with at least as many before them."""

    hours: Sequence[HourFacts]
    # Older hours, oldest first: what is usual is learned from them.
    before: Sequence[HourFacts] = ()
    zones: Sequence[ZoneFacts] = ()
    # By how much the days to compare with lie back: whole weeks.
    back: timedelta = WEEK
    # Without opening hours a night that nobody looked at counts as not seen.
    has_opening_hours: bool = True


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a sentence cites."""

    name: str
    value: float | int | str
    unit: str


@dataclass(frozen=True, slots=True)
class Insight:
    """A sentence; names that people wrote stand in its template as ``[zone A]``."""

    rule: str
    template: str
    numbers: tuple[Number, ...]
    names: dict[str, str] = field(default_factory=dict)
    # Which way it points, so that no other wording can turn it round.
    direction: str = ""

    @property
    def text(self) -> str:
        """Return the sentence with its names."""
        return with_names(self.template, self.names)


@dataclass(frozen=True, slots=True)
class Missing:
    """A rule with nothing to go by, and what it would take."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Insights:
    """What can be said of the days, and what cannot."""

    sentences: list[Insight]
    missing: list[Missing]


def with_names(template: str, names: dict[str, str]) -> str:
    """Return a template with every placeholder replaced by its name, each once over."""
    parts = re.split(r"(\[zone [A-Z]\])", template)
    return "".join(names.get(part, part) for part in parts)


def insights(facts: Facts) -> Insights:
    """Return what every rule has to say, warnings first, in the order of `RULES`."""
    found: list[Insight] = []
    missing: list[Missing] = []
    for rule in RULES:
        said = rule(facts)
        if isinstance(said, Insight):
            found.append(said)
        elif isinstance(said, Missing):
            missing.append(said)
    return Insights(found, missing)


# --- Warnings ---------------------------------------------------------------------------------


def partly_seen(facts: Facts) -> Insight | None:
    """Warn first when some of the time was not seen: the rest speaks only of what was."""
    opened = [hour for hour in facts.hours if hour.open_ms > 0]
    over = [hour for hour in opened if hour.complete]
    if not over:
        return None
    left_out = len([hour for hour in over if not hour.speaks])
    open_ms = sum(hour.open_ms for hour in opened)
    seen = sum((hour.observed or 0) * hour.open_ms for hour in opened) / open_ms
    if not left_out or seen >= WELL_SEEN:
        return None
    hint = "" if facts.has_opening_hours else (
        " The shop has no opening hours yet, so nights count as not seen."
    )  # fmt: skip
    if left_out == len(over):
        rest = "No hour was seen well enough to speak of."
    else:
        rest = f"What is said here leaves {_hours(left_out)} of {count(len(over))} out."
    numbers = (
        Number("seen", round(seen, 4), "share"),
        Number("hours left out", left_out, "hours"),
        Number("hours", len(over), "hours"),
    )
    share = percent(seen)
    share = f"Only {share}" if share[0].isdigit() else share.capitalize()
    told = f"{share} of the time was seen. {rest}{hint}"
    return Insight("partly_seen", told, numbers)


def balance(facts: Facts) -> Insight | None:
    """Warn when the people who came in and went out do not match over whole days."""
    hours = [hour for hour in facts.hours if hour.speaks]
    came = sum(hour.entries or 0 for hour in hours)
    went = sum(hour.exits or 0 for hour in hours)
    apart = abs(came - went)
    if came < PEOPLE_AT_LEAST or apart < max(IMBALANCE_AT_LEAST_PEOPLE, IMBALANCE_AT_LEAST * came):
        return None
    side = "came in than went out" if came > went else "went out than came in"
    numbers = (
        Number("came in", came, "people"),
        Number("went out", went, "people"),
        Number("difference", apart, "people"),
    )
    told = (
        f"{count(apart)} more people {side} in the hours that were seen ({count(came)} in, "
        f"{count(went)} out): a door may be missing or hidden, so do not rely on who is inside."
    )
    return Insight("balance", told, numbers)


# --- Hours ------------------------------------------------------------------------------------


def change(facts: Facts) -> Insight | Missing | None:
    """Compare with the same hours some weeks before: both seen, both over, both open."""
    here, there = ([hour.counted() for hour in some] for some in (facts.hours, facts.before))
    pairs = like_hours(here, there, facts.back)
    now, then = sum(pair.here for pair in pairs), sum(pair.there for pair in pairs)
    weeks = facts.back // WEEK
    when = "the week before" if weeks == 1 else f"{weeks} weeks before"
    if len(pairs) < HOURS_AT_LEAST or then < PEOPLE_AT_LEAST:
        text = (
            f"A comparison with {when} needs {HOURS_AT_LEAST} hours seen in both and "
            f"{PEOPLE_AT_LEAST} people then; there are {_hours(len(pairs))} with {count(then)}."
        )
        return Missing("change", text)
    moved = (now - then) / then
    numbers = (
        Number("change", round(moved, 4), "share"),
        Number("came in", now, "people"),
        Number("came in before", then, "people"),
        Number("hours compared", len(pairs), "hours"),
        Number("weeks before", weeks, "weeks"),
    )
    against = f"{count(now)} against {count(then)}, in {_hours(len(pairs))} seen both times"
    if abs(moved) < CHANGE_AT_LEAST:
        told = f"About as many people came in as in the same hours of {when} ({against})."
        return Insight("change", told, numbers, direction="level")
    word = "more" if moved > 0 else "fewer"
    by = count(round_half_up(abs(moved) * 100))  # more than 100 % is possible here
    told = f"{by} % {word} people came in than in the same hours of {when} "
    direction = "up" if moved > 0 else "down"
    return Insight("change", f"{told}({against}).", numbers, direction=direction)


def busiest_hour(facts: Facts) -> Insight | Missing | None:
    """Name the busiest hour, and what is usual at that time of that weekday."""
    spoken = [hour for hour in facts.hours if hour.speaks]
    most = max((hour.entries or 0 for hour in spoken), default=0)
    if len(spoken) < HOURS_AT_LEAST or most == 0:
        text = (
            f"The busiest hour needs {HOURS_AT_LEAST} open hours that were seen, and somebody who "
            f"came in; there are {_hours(len(spoken))}."
        )
        return Missing("busiest_hour", text)
    tied = [hour for hour in spoken if hour.entries == most]
    numbers = [Number("came in", most, "people")]
    numbers += [Number("hour", f"{hour.at:%Y-%m-%d %H:%M}", "time") for hour in tied[:MOST_TIES]]
    if len(tied) > MOST_TIES:
        numbers.append(Number("more hours", len(tied) - MOST_TIES, "hours"))
    told = f"Busiest: {_named(tied)}, with {count(most)} coming in"
    usual = _usual(facts, tied[0]) if len(tied) == 1 else None
    if usual is None:
        return Insight("busiest_hour", f"{told}{' each' if tied[1:] else ''}.", tuple(numbers))
    people, hours = usual
    numbers += [Number("usual", round(people, 1), "people"), Number("hours before", hours, "hours")]
    at = f"{tied[0].at:%A} {tied[0].at:%H:%M}"
    told += f"; {at} usually has {people:.0f}, by {_hours(hours)} before."
    return Insight("busiest_hour", told, tuple(numbers))


def _usual(facts: Facts, hour: HourFacts) -> tuple[float, int] | None:
    """Return the mean of the same hour on the same weekday, and of how many; None of too few."""
    same = [
        other.entries or 0
        for other in (*facts.before, *facts.hours)
        if other.speaks
        and other.at < hour.at
        and (other.at.weekday(), other.at.hour) == (hour.at.weekday(), hour.at.hour)
    ]
    return (mean(same), len(same)) if len(same) >= HOURS_AT_LEAST else None


def quiet_hours(facts: Facts) -> Insight | Missing | None:
    """Name the hour of the day at which fewest people come, of those at which anybody does."""
    by_clock: dict[int, list[int]] = defaultdict(list)
    for hour in facts.hours:
        if hour.speaks:
            by_clock[hour.at.hour].append(hour.entries or 0)
    often = {at: mean(n) for at, n in by_clock.items() if len(n) >= HOURS_AT_LEAST and any(n)}
    if len(often) < HOURS_AT_LEAST:
        text = (
            f"Quiet times need {HOURS_AT_LEAST} days on which the same {HOURS_AT_LEAST} hours "
            "were seen."
        )
        return Missing("quiet_hours", text)
    least = min(often.values())
    at = min(clock for clock, people in often.items() if people == least)
    days = len(by_clock[at])
    usual = mean(often.values())
    numbers = (
        Number("hour", f"{at:02}:00", "time"),
        Number("people an hour", round(least, 1), "people"),
        Number("days", days, "days"),
        Number("people in a usual hour", round(usual, 1), "people"),
    )
    told = (
        f"Quietest: {at:02}:00, with {least:.1f} people an hour over {days} days; "
        f"a usual hour has {usual:.1f}."
    )
    return Insight("quiet_hours", told, numbers)


# --- Zones ------------------------------------------------------------------------------------


def longest_dwell(facts: Facts) -> Insight | Missing | None:
    """Name the zone in which people stay longest; where they wait is told apart."""
    zones = [zone for zone in facts.zones if not zone.is_queue]
    if not zones:
        return None
    known = [(z.median_s, z) for z in zones if z.median_s is not None]
    known = [(median, zone) for median, zone in known if zone.stays >= STAYS_AT_LEAST]
    if len(known) < 2:
        text = f"Which zone holds people longest needs two zones with {STAYS_AT_LEAST} stays each."
        return Missing("longest_dwell", text)
    median, zone = max(known, key=lambda each: each[0])
    numbers = (Number("typical stay", median, "s"), Number("stays", zone.stays, "stays"))
    told = (
        f"People stay longest at “[zone A]”: a typical stay is {duration_words(median)}, "
        f"by {count(zone.stays)} stays."
    )
    return Insight("longest_dwell", told, numbers, {"[zone A]": zone.name})


def queue_wait(facts: Facts) -> Insight | Missing | None:
    """Tell by how much the wait grew in the queue where it grew most."""
    queues = [zone for zone in facts.zones if zone.is_queue]
    if not queues:
        return None
    grown, comparable = [], 0
    for zone in queues:
        if min(zone.stays, zone.stays_before) < STAYS_AT_LEAST:
            continue
        comparable += 1
        now, then = zone.median_s or 0, zone.median_before_s or 0
        if now - then >= max(WAIT_AT_LEAST_S, WAIT_AT_LEAST * then):
            grown.append((now - then, now, then, zone))
    if not comparable:
        text = f"Whether waiting grew needs {STAYS_AT_LEAST} waits now and as many before."
        return Missing("queue_wait", text)
    if not grown:
        return None
    longer, now, then, zone = max(grown, key=lambda each: each[0])
    numbers = (
        Number("typical wait", now, "s"),
        Number("typical wait before", then, "s"),
        Number("longer by", round(longer, 3), "s"),
        Number("waits", zone.stays, "waits"),
    )
    told = (
        f"Waiting at “[zone A]” takes {duration_words(now)}, {duration_words(longer)} longer than "
        f"before ({duration_words(then)}), by {count(zone.stays)} waits."
    )
    return Insight("queue_wait", told, numbers, {"[zone A]": zone.name}, "up")


# --- Words ------------------------------------------------------------------------------------


def _hours(number: int) -> str:
    return f"{count(number)} hour{'' if number == 1 else 's'}"


def _named(hours: Sequence[HourFacts]) -> str:
    told = [f"{hour.at:%A} {hour.at.day} {hour.at:%B}, {hour.at:%H:%M}" for hour in hours]
    more = len(told) - MOST_TIES
    return " and ".join(told[:MOST_TIES]) + (f" and {more} more" if more > 0 else "")


Rule = Callable[[Facts], Insight | Missing | None]
RULES: tuple[Rule, ...] = (
    partly_seen,
    balance,
    change,
    busiest_hour,
    quiet_hours,
    longest_dwell,
    queue_wait,
)
