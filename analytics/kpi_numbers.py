"""The key numbers of a store over business days, from buckets and summaries alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Store
from analytics.history import summary_lines, totals_of
from analytics.kpi_catalogue import CATALOGUE, Kpi
from zones.models import Zone

NOT_SEEN = "Nothing was seen in this period."


@dataclass(frozen=True, slots=True)
class Period:
    """Business days, both included, with the zone chosen or all zones."""

    store: Store
    first: date
    last: date
    zone: Zone | None
    now: datetime


@dataclass(frozen=True, slots=True)
class KpiNumber:
    """One key number; `value` is None, with the reason in words, where it is not known."""

    kpi: Kpi
    value: float | int | None
    observed: float | None
    why_null: str | None


def kpi_numbers(period: Period) -> list[KpiNumber]:
    """Return every key number of the period, in the catalogue's order."""
    lines = summary_lines(period.store, "day", period.first, period.last, period.now)
    totals = totals_of(period.store, lines)
    values = {
        "footfall": totals.entries,
        "exits": totals.exits,
        "occupancy_peak": totals.occupancy_peak,
        "visit_median": totals.visit_median_s,
        "dwell_median": totals.dwell_median_s,
    }
    found = []
    for kpi in CATALOGUE:
        value = values[kpi.id]
        why = NOT_SEEN if value is None else None
        found.append(KpiNumber(kpi, value, totals.observed, why))
    return found
