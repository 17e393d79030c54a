"""What each key number is: its name, unit, plain meaning, formula and source. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

PEOPLE, MEAN, SHARE, SECONDS, HOURS, MONEY, TIMES, EACH = (
    "people", "mean_people", "share", "s", "total_s", "money", "count", "per_person",
)  # fmt: skip
OURS = "OskarTrack"
LITTLE = "Little 1961, L = lambda x W"
AURA = "Aura Vision"
NONE = "—"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One key number as people and programs are told of it."""

    id: str
    name: str
    unit: str
    plain: str
    formula: str
    source: str = OURS
    group: str = "door"
    # A model's answer rather than a count.
    estimate: bool = False


GROUPS = {
    "door": "At the door",
    "inside": "In the shop",
    "visits": "Visits",
    "zones": "Zones",
    "queue": "Queue",
    "sales": "Sales",
}

_DOOR = (
    Kpi("footfall", "Came in", PEOPLE,
        "People who walked in through an entrance during opening hours, one by one.",
        "sum of entries over all entrances, in opening hours", AURA),
    Kpi("entries", "Came in at any hour", PEOPLE,
        "The same, and whoever came in while the shop was closed: staff, cleaners, deliveries.",
        "sum of entries over all entrances"),
    Kpi("exits", "Went out", PEOPLE,
        "People who walked out through an entrance, at any hour.",
        "sum of exits over all entrances"),
    Kpi("balance", "In and out agree", SHARE,
        "Who comes in goes out again. A low figure shows wrong counting; a high one is no proof: "
        "balance is not accuracy.",
        "1 - |in - out| / in"),
    Kpi("capture_rate", "Turned in", SHARE,
        "Of everybody at the front of the shop, those who came in. Some divide by passers-by "
        "alone, which gives more.",
        "entries / (entries + passers-by)", AURA),
    Kpi("peak_hour", "Busiest hour", PEOPLE,
        "The hour in which the most people came in, of hours that are over, were open and were "
        "seen to 95 % or more.",
        "max of entries in opening hours, by the local hour"),
    Kpi("slowest_hour", "Quietest hour", PEOPLE,
        "The hour in which the fewest people came in, of the same hours; those open from start to "
        "end are asked first.",
        "min of entries in opening hours, by the local hour"),
)  # fmt: skip
_INSIDE = (
    Kpi("occupancy_mean", "In the shop, on average", MEAN,
        "How many people were inside on average while an entrance was watched.",
        "integral of occupancy over time / time watched", group="inside"),
    Kpi("occupancy_peak", "Most at once", PEOPLE,
        "The most people inside at the end of any five minutes.",
        "max of occupancy", group="inside"),
    Kpi("occupancy", "In the shop at the end", PEOPLE,
        "People inside at the end of the period, or at the newest count; never below zero.",
        "max(0, corrected)", group="inside"),
    Kpi("occupancy_raw", "The same as counted", PEOPLE,
        "Entries less exits since the day began or was reset, as the cameras counted; below zero "
        "where entries were missed.",
        "entries - exits since the last reset", group="inside"),
    Kpi("occupancy_corrected", "The same, corrected", PEOPLE,
        "As counted, with the resets and corrections that people told.",
        "raw + resets + corrections", group="inside"),
    Kpi("closing_residual", "Left over at closing", PEOPLE,
        "A shop empties at night: whoever the count still has inside then, or has let out too "
        "often, was counted wrongly.",
        "sum over days of |corrected occupancy at the end|", group="inside"),
    Kpi("stay_little", "Mean stay, from counts", SECONDS,
        "How long people stayed, without knowing who is who: from the days that ended with nobody "
        "inside.",
        "integral of occupancy over time / entries", LITTLE, "inside", estimate=True),
)  # fmt: skip
_VISITS = (
    Kpi("visit_median", "Typical visit", SECONDS,
        "Half of all visits were shorter than this, half were longer.",
        "median of visits seen from start to end", group="visits"),
    Kpi("visit_mean", "Mean visit", SECONDS,
        "The time of all visits shared out evenly; a few long ones pull it up.",
        "total time / visits seen from start to end", group="visits"),
    Kpi("visit_p90", "Longest tenth", SECONDS,
        "One visit in ten took longer than this.",
        "90th percentile of visits seen from start to end", group="visits"),
    Kpi("visit_total", "Time spent inside", HOURS,
        "All visits together.",
        "sum of visits seen from start to end", group="visits"),
    Kpi("visit_censored", "Visits not seen whole", TIMES,
        "Visits whose start or end was not seen: they are counted here and in no duration.",
        "number of visits with an unseen start or end", group="visits"),
    Kpi("bounce_rate", "Quick looks", SHARE,
        "Visits that were over within a short time.",
        "visits up to the threshold / visits seen from start to end", "Tapway", "visits"),
)  # fmt: skip
_ZONES = (
    Kpi("zone_visits", "Stops at a zone", TIMES,
        "Times that somebody stopped in a zone.",
        "number of stays", group="zones"),
    Kpi("zone_visit_rate", "Stops for each person", EACH,
        "Stops at zones, shared out evenly among all who came in. Who comes back to a zone counts "
        "again.",
        "stays in zones / entries", AURA, "zones"),
    Kpi("dwell_median", "Typical stay in a zone", SECONDS,
        "Half of all stays were shorter than this, half were longer.",
        "median of stays seen from start to end", group="zones"),
    Kpi("dwell_mean", "Mean stay in a zone", SECONDS,
        "The time of all stays shared out evenly.",
        "total time / stays seen from start to end", group="zones"),
    Kpi("dwell_p90", "Longest tenth of stays", SECONDS,
        "One stay in ten took longer than this.",
        "90th percentile of stays seen from start to end", group="zones"),
    Kpi("dwell_total", "Time spent in zones", HOURS,
        "All stays together.",
        "sum of stays seen from start to end", group="zones"),
    Kpi("dwell_censored", "Stays not seen whole", TIMES,
        "Stays whose start or end was not seen: they are counted here and in no duration.",
        "number of stays with an unseen start or end", group="zones"),
)  # fmt: skip
_QUEUE = (
    Kpi("queue_length", "In the queue, on average", MEAN,
        "How many people stood in a queue on average while it was watched.",
        "time of completed stays in queue zones / time that the camera of each of them looked",
        LITTLE, "queue"),
    Kpi("queue_wait_mean", "Mean wait", SECONDS,
        "How long people stood in a queue.",
        "total time / completed stays in queue zones", group="queue"),
    Kpi("queue_wait_p90", "Longest tenth of waits", SECONDS,
        "One person in ten waited longer than this.",
        "90th percentile of completed stays in queue zones", group="queue"),
)  # fmt: skip
_SALES = (
    Kpi("transactions", "Sales at the till", TIMES,
        "Transactions that were posted or uploaded, at any hour, without returns and voids.",
        "sum of transactions", group="sales"),
    Kpi("conversion", "Bought something", SHARE,
        "Transactions for each person who came in, over the open hours of which both are known. "
        "Staff who walk in are counted too.",
        "transactions / footfall, by the same local hour, where the shop was open",
        "RetailNext", "sales"),
    Kpi("sales_per_visitor", "Sales per visitor", MONEY,
        "Takings for each person who came in, over the open hours of which both are known.",
        "sales / footfall, by the same local hour, where the shop was open", "RetailNext", "sales"),
)  # fmt: skip
CATALOGUE = (*_DOOR, *_INSIDE, *_VISITS, *_ZONES, *_QUEUE, *_SALES)
BY_ID = {kpi.id: kpi for kpi in CATALOGUE}


def written(value: float | None, unit: str) -> str:
    """Return a number as people write it: 2,973, 3.4, 60 %, 7:24, 12 h 5 min, 3.50."""
    if value is None:
        return NONE
    if unit == SHARE:
        return _percent(value)
    if unit == SECONDS:
        return _clock(value)
    if unit == HOURS:
        return _hours(value)
    digits = {MEAN: 1, EACH: 1, MONEY: 2}.get(unit, 0)
    return f"{value:,.{digits}f}".replace("-", "\u2212")


def length_words(seconds: int) -> str:
    """Return a length of time as people say it: 45 s, 1 min 30 s, 1 h."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _percent(value: float) -> str:
    """Return 96 %; never 100 % for less than all, nor 0 % for more than nothing."""
    if 0 < value < 0.005:
        return "under 1 %"
    rounded = math.floor(value * 100 + 0.5)
    if value < 1:
        rounded = min(rounded, 99)
    elif value > 1:
        rounded = max(rounded, 101)
    return f"{rounded:,} %".replace("-", "\u2212")


def _clock(seconds: float) -> str:
    hours, rest = divmod(math.floor(seconds + 0.5), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _hours(seconds: float) -> str:
    if seconds < 3600:
        return f"{_clock(seconds)}"
    hours, minutes = divmod(math.floor(seconds / 60 + 0.5), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
