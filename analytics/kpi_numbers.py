"""The key numbers of a store over business days: each formula fed with its sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics import kpis
from analytics.history import SummaryRow
from analytics.kpi_catalogue import CATALOGUE, Kpi, length_words, written
from analytics.kpi_sums import KpiSums, Period, Stays, sums_of
from analytics.models import DWELL_EDGES_S

__all__ = ["KpiNumber", "Period", "kpi_numbers"]

Number = float | int | None

NOT_SEEN = "Nothing was seen in this period."
NOBODY_CAME = "Nobody came in, so there is nothing to share by."
NO_VISIT = "No visit was seen from its start to its end."
NO_STAY = "No stay was seen from its start to its end."
NO_ZONE = "There was no zone in this period."
NO_QUEUE = "There was no queue zone in this period."
NO_WAIT = "Nobody was seen waiting from start to end."
NO_PASSERS = "There was no passer-by line in this period."
PASSERS_UNSEEN = "No passer-by line was watched in this period."
NOT_EMPTY = "No day of this period ended with nobody inside by the count."
NO_SALES = "No sales were posted or uploaded for this period."
ALL_CLOSED = "All sales of this period are of hours in which the shop was closed."
NO_AMOUNTS = "The sales of this period were told without amounts."
NO_HOUR = "No hour of this period is over, was open and was seen to 95 % or more."
NO_PEAK = "Nobody came in during an hour that is over, was open and was seen to 95 % or more."
# Below this, in and out disagree so much that the numbers need a look.
BALANCED = 0.9


@dataclass(frozen=True, slots=True)
class KpiNumber:
    """One key number; `value` is None, with the reason in words, where it is not known.

    `observed` is the share of the open time in which the cameras behind it looked, of numbers at
    any hour too: there is no other time of which one could say how much should have been seen.
    `level` is `bad` where the number itself is a warning, `note` says more in words, `detail` holds
    what the number was made with.
    """

    kpi: Kpi
    value: Number
    observed: float | None
    why_null: str | None
    note: str = ""
    level: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the number as people write it."""
        return written(self.value, self.kpi.unit)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a formula gave."""

    value: Number
    why: str = NOT_SEEN
    note: str = ""
    level: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    # The share watched, where it is another than the entrances'.
    stays: Stays | None = None


def kpi_numbers(period: Period) -> list[KpiNumber]:
    """Return every key number of the period, in the catalogue's order."""
    return numbers_of(sums_of(period))


def numbers_of(sums: KpiSums) -> list[KpiNumber]:
    """Return every key number that the sums of a period make, in the catalogue's order."""
    numbers = []
    for kpi in CATALOGUE:
        found = FORMULAS[kpi.id](sums)
        observed = sums.observed
        if found.stays is not None:
            observed = found.stays.share(sums.open_ms)
        numbers.append(
            KpiNumber(
                kpi,
                found.value,
                observed,
                found.why if found.value is None else None,
                found.note,
                found.level,
                found.detail,
            )
        )
    return numbers


# --- At the door ----------------------------------------------------------------------------------


def _entries(sums: KpiSums) -> int | None:
    return sum(hour.entries or 0 for hour in sums.seen) if sums.seen else None


def _footfall(sums: KpiSums) -> _Found:
    counted = [hour.entries_open or 0 for hour in sums.seen]
    return _Found(kpis.footfall(counted) if counted else None)


def _all_entries(sums: KpiSums) -> _Found:
    return _Found(_entries(sums))


def _exits(sums: KpiSums) -> _Found:
    return _Found(sum(hour.exits or 0 for hour in sums.seen) if sums.seen else None)


def _balance(sums: KpiSums) -> _Found:
    entries, exits = _entries(sums), _exits(sums).value
    if entries is None or exits is None:
        return _Found(None)
    share = kpis.balance(entries, int(exits))
    low = share is not None and share < BALANCED
    note = "Entries and exits disagree: a line or a camera may need a look." if low else ""
    return _Found(share, NOBODY_CAME, note, "bad" if low else "")


def _capture(sums: KpiSums) -> _Found:
    entries, past = _entries(sums), sums.passers_by
    if past.people is None:
        return _Found(None, PASSERS_UNSEEN if past.lines else NO_PASSERS)
    if entries is None:
        return _Found(None)
    share = kpis.capture_rate(entries, past.people)
    unseen = past.lines - past.watched
    note = (
        f"Of {past.lines} passer-by lines {unseen} "
        f"{'was' if unseen == 1 else 'were'} not watched: who went past there is missing."
    )
    return _Found(
        share,
        "Nobody came in and nobody went past.",
        note if unseen else "",
        detail={"passers_by": past.people},
    )


def _hours(hours: Sequence[SummaryRow], why: str) -> _Found:
    """Return the entries of hours that tie, and which they are."""
    if not hours:
        return _Found(None, why)
    note = f"{len(hours)} hours tie." if len(hours) > 1 else ""
    starts = [hour.starts_at.isoformat().replace("+00:00", "Z") for hour in hours]
    return _Found(hours[0].entries_open, why, note, detail={"hours": starts})


# --- In the shop ----------------------------------------------------------------------------------


def _mean_inside(sums: KpiSums) -> _Found:
    integral_ms = sum(day.occupancy_ms for day in sums.days)
    watched_ms = sum(day.watched_ms for day in sums.days)
    mean = kpis.occupancy_mean(integral_ms, watched_ms)
    return _Found(None if mean is None else round(mean, 4))


def _peak_inside(sums: KpiSums) -> _Found:
    known = [day.occupancy_peak for day in sums.days if day.watched_ms]
    return _Found(kpis.occupancy_peak([peak or 0 for peak in known]))


def _at_end(column: str) -> Callable[[KpiSums], _Found]:
    def found(sums: KpiSums) -> _Found:
        known = [day for day in sums.days if day.watched_ms]
        return _Found(getattr(known[-1], column) if known else None)

    return found


def _residual(sums: KpiSums) -> _Found:
    """Return what is left over of the days that are over."""
    over = {hour.business_day for hour in sums.hours} - {
        hour.business_day for hour in sums.hours if not hour.complete
    }
    left = [
        day.occupancy_corrected or 0
        for day in sums.days
        if day.watched_ms and day.business_day in over
    ]
    return _Found(kpis.closing_residual(left), "No day of this period is over and was seen.")


def _little(sums: KpiSums) -> _Found:
    empty = [day for day in sums.days if day.watched_ms and day.occupancy_corrected == 0]
    if not empty:
        return _Found(None, NOT_EMPTY if sums.seen else NOT_SEEN)
    integral_ms = sum(day.occupancy_ms for day in empty)
    stay = kpis.stay_by_littles_law_s(integral_ms, sum(day.entries for day in empty))
    left_out = sum(bool(day.watched_ms) for day in sums.days) - len(empty)
    note = f"{_many(left_out, 'day')} left out: somebody was still inside." if left_out else ""
    return _Found(stay, NOBODY_CAME, note)


# --- Visits, zones, queues ------------------------------------------------------------------------


def _median(stays: Stays) -> Number:
    return kpis.histogram_median_s(stays.bins, DWELL_EDGES_S)


def _mean(stays: Stays) -> Number:
    return kpis.mean_s(stays.total_ms, stays.completed)


def _p90(stays: Stays) -> Number:
    return kpis.histogram_percentile_s(stays.bins, DWELL_EDGES_S, 0.9)


def _total(stays: Stays) -> Number:
    return kpis.total_s(stays.total_ms, stays.completed)


def _of_visits(formula: Callable[[Stays], Number]) -> Callable[[KpiSums], _Found]:
    def found(sums: KpiSums) -> _Found:
        note = _left_out(sums.visits, "visit") if formula is _median else ""
        return _Found(formula(sums.visits), NO_VISIT if sums.seen else NOT_SEEN, note)

    return found


def _of_zones(formula: Callable[[Stays], Number]) -> Callable[[KpiSums], _Found]:
    def found(sums: KpiSums) -> _Found:
        why = NO_STAY if sums.has_zones else NO_ZONE
        note = _left_out(sums.zones, "stay") if formula is _median else ""
        return _Found(formula(sums.zones), why, note, stays=sums.zones)

    return found


def _of_queues(formula: Callable[[Stays], Number]) -> Callable[[KpiSums], _Found]:
    def found(sums: KpiSums) -> _Found:
        why = NO_WAIT if sums.has_queues else NO_QUEUE
        note = _left_out(sums.queues, "wait") if formula is _queue_length else ""
        return _Found(formula(sums.queues), why, note, stays=sums.queues)

    return found


def _visits_censored(sums: KpiSums) -> _Found:
    return _Found(sums.visits.censored if sums.seen else None)


def _stays_seen(count: Callable[[Stays], int]) -> Callable[[KpiSums], _Found]:
    def found(sums: KpiSums) -> _Found:
        looked = sums.has_zones and (sums.zones.watched_ms or count(sums.zones))
        why = NOT_SEEN if sums.has_zones else NO_ZONE
        return _Found(count(sums.zones) if looked else None, why, stays=sums.zones)

    return found


def _zone_rate(sums: KpiSums) -> _Found:
    entries = _entries(sums)
    if not sums.has_zones or entries is None:
        return _Found(None, NOT_SEEN if sums.has_zones else NO_ZONE, stays=sums.zones)
    share = kpis.zone_visit_rate(sums.zones.completed + sums.zones.censored, entries)
    return _Found(share, NOBODY_CAME, stays=sums.zones)


def _bounce(sums: KpiSums) -> _Found:
    share = kpis.bounce_rate(sums.visits.bins, DWELL_EDGES_S, sums.bounce_s)
    note = f"Up to {length_words(sums.bounce_s)} counts as a quick look."
    return _Found(share, NO_VISIT, note, detail={"threshold_s": sums.bounce_s})


def _queue_length(stays: Stays) -> Number:
    length = kpis.queue_length(stays.total_ms, stays.watched_ms)
    return None if length is None else round(length, 4)


def _left_out(stays: Stays, word: str) -> str:
    if not stays.censored:
        return ""
    return f"{_many(stays.censored, word)} whose start or end was not seen left out."


def _many(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"


# --- Sales ----------------------------------------------------------------------------------------


def _transactions(sums: KpiSums) -> _Found:
    return _Found(sums.transactions, NO_SALES)


def _conversion(sums: KpiSums) -> _Found:
    if sums.transactions is None:
        return _Found(None, NO_SALES)
    share = kpis.conversion(sums.sold, sums.sold_visitors)
    detail = {"transactions": sums.sold, "visitors": sums.sold_visitors}
    if share is not None and share > 1:
        note = "More sales than visitors: entries were missed, or the sales are of other hours."
        return _Found(share, "", f"{note} {_closed(sums)}".strip(), "bad", detail)
    why = "In the hours with sales nobody was seen coming in."
    if sums.transactions == sums.transactions_closed:
        why = ALL_CLOSED
    return _Found(share, why, _closed(sums), detail=detail)


def _closed(sums: KpiSums) -> str:
    if not sums.transactions_closed:
        return ""
    left_out = _many(sums.transactions_closed, "sale")
    return f"{left_out} of hours in which the shop was closed left out."


def _sales(sums: KpiSums) -> _Found:
    if sums.transactions is not None and sums.transactions == sums.transactions_closed:
        return _Found(None, ALL_CLOSED)
    if sums.sales is None:
        return _Found(None, NO_SALES if sums.transactions is None else NO_AMOUNTS)
    per_visitor = kpis.sales_per_visitor(float(sums.sales), sums.sales_visitors)
    return _Found(per_visitor, NOBODY_CAME, _closed(sums))


FORMULAS: dict[str, Callable[[KpiSums], _Found]] = {
    "footfall": _footfall,
    "entries": _all_entries,
    "exits": _exits,
    "balance": _balance,
    "capture_rate": _capture,
    "peak_hour": lambda sums: _hours(sums.peak, NO_PEAK if sums.seen else NOT_SEEN),
    "slowest_hour": lambda sums: _hours(sums.slowest, NO_HOUR if sums.seen else NOT_SEEN),
    "occupancy_mean": _mean_inside,
    "occupancy_peak": _peak_inside,
    "occupancy": _at_end("occupancy_end"),
    "occupancy_raw": _at_end("occupancy_raw"),
    "occupancy_corrected": _at_end("occupancy_corrected"),
    "closing_residual": _residual,
    "stay_little": _little,
    "visit_median": _of_visits(_median),
    "visit_mean": _of_visits(_mean),
    "visit_p90": _of_visits(_p90),
    "visit_total": _of_visits(_total),
    "visit_censored": _visits_censored,
    "bounce_rate": _bounce,
    "zone_visits": _stays_seen(lambda stays: stays.completed + stays.censored),
    "zone_visit_rate": _zone_rate,
    "dwell_median": _of_zones(_median),
    "dwell_mean": _of_zones(_mean),
    "dwell_p90": _of_zones(_p90),
    "dwell_total": _of_zones(_total),
    "dwell_censored": _stays_seen(lambda stays: stays.censored),
    "queue_length": _of_queues(_queue_length),
    "queue_wait_mean": _of_queues(_mean),
    "queue_wait_p90": _of_queues(_p90),
    "transactions": _transactions,
    "conversion": _conversion,
    "sales_per_visitor": _sales,
}
