"""The lines under the numbers that stand out, worked out by hand."""

from __future__ import annotations

from typing import Any

from analytics.kpi_lines import agreement, came_in, highest_of_days, stops_a_person, with_lines
from analytics.sparks import spark

HOUR_MS = 3_600_000


def row(entries: int | None, **fields: Any) -> dict[str, Any]:
    return {
        "business_day": "2026-06-02", "entries": entries, "exits": entries, "entries_closed": 0,
        "zone_stays": 0, "visit_median_s": None, "complete": True, "open_ms": HOUR_MS,
        "observed_open_ms": HOUR_MS,
    } | fields  # fmt: skip


def lines_of(name: str, days, hours=(), **how):
    [kpi] = with_lines([{"id": name}], days, hours, **how)
    return kpi["spark"]


def test_each_day_says_what_the_number_says_of_all():
    assert came_in(row(10, entries_closed=3)) == 7
    assert stops_a_person(row(10, entries_closed=2, zone_stays=4)) == 0.4
    assert stops_a_person(row(0, zone_stays=4)) is None
    assert agreement(row(10, exits=9)) == 0.9
    assert agreement(row(10, exits=30)) == -1  # drawn on the floor
    assert agreement(row(0)) is None


def test_a_day_that_goes_on_or_was_hardly_seen_is_a_hole():
    days = [row(5), row(9, observed_open_ms=HOUR_MS // 2), row(7), row(8), row(1, complete=False)]
    assert lines_of("footfall", days) == spark([5, None, 7, 8, None])


def test_a_single_day_is_drawn_by_its_open_hours():
    hours = [row(0, open_ms=0, observed_open_ms=0), row(3), row(6), row(None, complete=False)]
    assert lines_of("footfall", [row(9)], hours) == spark([3, 6, None])
    assert lines_of("balance", [row(9)], hours) is None


def test_the_busiest_hour_of_each_day():
    second = "2026-06-03"
    days = [row(9), row(9, business_day=second), row(None, observed_open_ms=0)]
    hours = [row(3), row(6), row(99, observed_open_ms=0), row(4, business_day=second)]
    assert highest_of_days(days[:2], hours) == [6, 4]
    assert lines_of("peak_hour", days, hours) == spark([6, 4, None])


def test_a_number_of_one_zone_has_no_line_of_the_whole_shop():
    days = [row(10, zone_stays=5), row(10, zone_stays=10)]
    assert lines_of("zone_visit_rate", days) == spark([0.5, 1.0])
    assert lines_of("zone_visit_rate", days, one_zone=True) is None
    assert lines_of("queue_wait_mean", days) is None
