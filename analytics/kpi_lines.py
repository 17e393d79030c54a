"""The small line under each number that stands out: the same number day by day, or by the hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from analytics.kpis import balance, zone_visit_rate
from analytics.opening import well_seen
from analytics.sparks import Spark, spark

Row = Mapping[str, Any]


def came_in(row: Row) -> float | None:
    """Return who came in during opening hours."""
    return None if row["entries"] is None else float(row["entries"] - (row["entries_closed"] or 0))


def stops_a_person(row: Row) -> float | None:
    """Return the stops at zones for each person who came in, at any hour as the number above."""
    came, stops = row["entries"], row["zone_stays"]
    return None if came is None or stops is None else zone_visit_rate(stops, came)


def agreement(row: Row) -> float | None:
    """Return how well those who went out match those who came in."""
    came, went = row["entries"], row["exits"]
    return None if came is None or went is None else balance(came, went)


def typical_visit(row: Row) -> float | None:
    """Return the median length of visits, seconds."""
    median: float | None = row["visit_median_s"]
    return median


VALUES: dict[str, Callable[[Row], float | None]] = {
    "footfall": came_in,
    "visit_median": typical_visit,
    "zone_visit_rate": stops_a_person,
    "balance": agreement,
}
# What an hour is too short for: too few people for a share or a median.
OF_DAYS_ALONE = {"visit_median", "zone_visit_rate", "balance"}
# Of one zone the rate is another than that of the shop's summaries.
OF_ALL_ZONES = {"zone_visit_rate"}


def with_lines(
    kpis: Sequence[dict[str, Any]],
    days: Sequence[Row],
    hours: Sequence[Row],
    *,
    one_zone: bool = False,
) -> list[dict[str, Any]]:
    """Return the key numbers with a ``spark`` each, None where there is no line to draw.

    Parameters
    ----------
    days, hours : sequence of rows of the API
        Of the whole span, oldest first; a single day is drawn by its hours.
    one_zone : bool
        Whether the numbers of zones are those of one alone.
    """
    return [
        kpi | {"spark": None if one_zone and kpi["id"] in OF_ALL_ZONES else _line(kpi, days, hours)}
        for kpi in kpis
    ]


def _line(kpi: Row, days: Sequence[Row], hours: Sequence[Row]) -> Spark | None:
    if kpi["id"] == "peak_hour":
        return spark(highest_of_days(days, hours)) if len(days) > 1 else None
    value = VALUES.get(kpi["id"])
    if value is None or (len(days) < 2 and kpi["id"] in OF_DAYS_ALONE):
        return None
    rows = days if len(days) > 1 else [hour for hour in hours if hour["open_ms"]]
    return spark([value(row) if speaks(row) else None for row in rows])


def speaks(row: Row) -> bool:
    """Whether a day or an hour is over and was seen well enough to stand beside others."""
    return row["complete"] and well_seen(row["observed_open_ms"], row["open_ms"])


def highest_of_days(days: Iterable[Row], hours: Iterable[Row]) -> list[float | None]:
    """Return who came in at the busiest hour of each day; None where it was hardly seen."""
    by_day: dict[Any, list[float]] = defaultdict(list)
    for hour in hours:
        came = came_in(hour)
        if speaks(hour) and came is not None:
            by_day[hour["business_day"]].append(came)
    return [max(by_day[day["business_day"]], default=None) if speaks(day) else None for day in days]
