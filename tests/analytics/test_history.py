"""Hours and days folded from buckets."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from analytics.history import history, sorted_lines, summary_lines, totals_of
from analytics.models import AnalyticsSummary, Bucket, DirtyDay
from analytics.summaries import fold_dirty
from analytics.tasks import summaries_fold
from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop
from tests.cast import make_store
from tracking.ledger import run_take_out

pytestmark = pytest.mark.db
DAY = NINE_UTC.date()
LATER = NINE_UTC + timedelta(days=30)


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_store())


def steps(shop: Shop, plan: dict[int, str], start: datetime = NINE_UTC, seen_s: int = 3 * 3600):
    """Have people come in (+) and go out (-) at these minutes."""
    facts = make_facts(shop, start)
    for minute, signs in plan.items():
        for sign in signs:
            facts.step(minute * 60, "in" if sign == "+" else "out")
    facts.seen(0, seen_s)
    facts.commit()
    return facts


def test_an_hour_holds_its_entries_its_peak_and_who_is_left(shop):
    steps(shop, {1: "++", 10: "+", 20: "--", 65: "+", 70: "---"})
    hours = {h.starts_at.hour: h for h in history(shop.store, LATER, DAY).hours}
    first, second = hours[8], hours[9]
    assert (first.entries, first.exits, first.occupancy_peak, first.occupancy_end) == (3, 2, 3, 1)
    # The second hour goes on from the one person left; below zero is shown as zero.
    assert (second.entries, second.exits) == (1, 3)
    assert (second.occupancy_peak, second.occupancy_end) == (2, 0)
    assert (hours[10].entries, hours[10].observed) == (0, 1.0)


def test_zero_is_a_number_and_not_seen_is_none(shop):
    steps(shop, {}, seen_s=1800)
    hours = {h.starts_at.hour: h for h in history(shop.store, LATER, DAY).hours}
    assert (hours[8].entries, hours[8].observed) == (0, 0.5)
    assert (hours[9].entries, hours[9].observed, hours[9].visits) == (None, None, None)
    assert len(hours) == 24


def test_a_camera_without_an_entrance_makes_stays_known_and_entries_not(shop):
    facts = make_facts(shop)
    facts.stay(10, 20)
    facts.commit()
    (hour,) = [h for h in history(shop.store, LATER, DAY).hours if h.starts_at.hour == 8]
    assert (hour.zone_stays, hour.entries, hour.occupancy_end) == (1, None, None)


def test_two_cameras_that_look_at_once_observe_no_more_than_one(shop):
    steps(shop, {}, seen_s=144)
    steps(make_shop(shop.store, "Back door"), {}, seen_s=144)
    (hour,) = [h for h in history(shop.store, LATER, DAY).hours if h.starts_at.hour == 8]
    assert hour.observed == 0.04


def test_two_recordings_of_the_same_minutes_observe_no_more_than_the_hour(shop):
    for _ in range(2):
        steps(shop, {}, seen_s=3600)
    (hour,) = [h for h in history(shop.store, LATER, DAY).hours if h.starts_at.hour == 8]
    assert hour.observed == 1.0


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2025, 10, 26), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),
        ("Asia/Kolkata", date(2026, 4, 5), 24),
    ],
)
def test_hours_of_a_day_on_which_clocks_change_add_up_to_the_day(zone, day, hours):
    store = make_store(timezone=zone, business_day_start=time(0))
    shop = make_shop(store)
    start = datetime.combine(day, time(0), tzinfo=UTC) - timedelta(hours=14)
    facts = make_facts(shop, start)
    for minute in range(0, 48 * 60, 7):
        facts.step(minute * 60)
        facts.stay(minute * 60, 30)
    facts.seen(0, 48 * 3600)
    facts.commit()
    found = history(store, LATER + timedelta(days=400), day)
    assert len(found.hours) == hours
    (whole,) = summary_lines(store, "day", day, day, LATER + timedelta(days=400))
    assert sum(h.entries or 0 for h in found.hours) == whole.entries == found.totals.entries
    assert sum(h.zone_stays or 0 for h in found.hours) == whole.zone_stays
    length = (found.hours[-1].ends_at - found.hours[0].starts_at) / timedelta(minutes=7)
    assert abs((whole.entries or 0) - length) <= 1
    assert whole.observed == 1.0
    assert found.hours[-1].occupancy_end == whole.occupancy_end == whole.entries


def test_reading_folds_what_is_behind_and_nothing_else(shop):
    steps(shop, {1: "+"})
    steps(shop, {1: "+"}, NINE_UTC + timedelta(days=3))
    assert DirtyDay.objects.count() == 2 and not AnalyticsSummary.objects.exists()
    assert history(shop.store, LATER, DAY).totals.entries == 1
    assert DirtyDay.objects.get().business_day == DAY + timedelta(days=3)
    facts = make_facts(shop)
    facts.step(30)
    facts.commit()
    assert history(shop.store, LATER, DAY).totals.entries == 2


def test_the_task_folds_every_store(shop):
    steps(shop, {1: "+"})
    steps(make_shop(make_store("Second")), {1: "+"})
    summaries_fold()
    assert not DirtyDay.objects.exists()
    assert AnalyticsSummary.objects.filter(period="day").count() == 2


def test_a_day_whose_facts_were_taken_out_is_not_seen_again(shop):
    facts = steps(shop, {1: "+"})
    fold_dirty()
    run_take_out(facts.run)
    (line,) = summary_lines(shop.store, "day", DAY, DAY, LATER)
    assert line.entries is None
    assert not AnalyticsSummary.objects.exists()


def test_the_busiest_and_the_quietest_hours_are_found_with_all_ties(shop):
    steps(shop, {1: "++", 61: "+", 121: "++"}, seen_s=4 * 3600)
    found = history(shop.store, LATER, DAY)
    assert [h.starts_at.hour for h in found.peak] == [8, 10]
    assert [h.starts_at.hour for h in found.slowest] == [11]


def test_an_hour_that_goes_on_is_not_compared_with_whole_ones(shop):
    steps(shop, {1: "+", 61: "+++"}, seen_s=7200)
    during = NINE_UTC + timedelta(minutes=80)
    found = history(shop.store, during, DAY)
    assert [h.starts_at.hour for h in found.peak] == [8]
    assert [h.starts_at.hour for h in found.slowest] == [8]
    assert [h.starts_at.hour for h in history(shop.store, LATER, DAY).peak] == [9]
    alone = history(shop.store, NINE_UTC + timedelta(minutes=30), DAY)
    assert (alone.peak, alone.slowest) == ([], [])
    assert alone.totals.entries is not None


def test_a_day_when_nobody_came_has_no_busiest_hour(shop):
    steps(shop, {}, seen_s=7200)
    found = history(shop.store, LATER, DAY)
    assert found.peak == []
    assert [h.starts_at.hour for h in found.slowest] == [8, 9]
    nothing = history(shop.store, LATER, DAY - timedelta(days=1))
    assert (nothing.peak, nothing.slowest, nothing.totals.entries) == ([], [], None)


def test_the_last_24_hours_reach_over_the_day_start(shop):
    steps(shop, {1: "+"}, NINE_UTC - timedelta(hours=20), seen_s=600)
    steps(shop, {1: "++"}, seen_s=600)
    found = history(shop.store, NINE_UTC + timedelta(minutes=30))
    assert len(found.hours) == 24 and found.totals.entries == 3
    assert found.hours[-1].entries == 2 and not found.hours[-1].complete


def test_the_median_of_a_span_comes_from_all_its_stays_not_from_medians(shop):
    facts = make_facts(shop)
    facts.stay(0, 4)
    for second in range(3600, 3610):
        facts.stay(second, 250)
    facts.seen(0, 7200)
    facts.commit()
    found = history(shop.store, LATER, DAY)
    medians = [h.dwell_median_s for h in found.hours if h.dwell_median_s is not None]
    assert medians == [2.5, 240.0]
    # Half of eleven is 5.5: one below 180 s, 4.5 of ten in the bin from 180 s to 300 s.
    assert found.totals.dwell_median_s == 234.0


def test_what_was_not_seen_sorts_last_both_ways(shop):
    steps(shop, {1: "++", 61: "+"}, seen_s=7200)
    lines = history(shop.store, LATER, DAY).hours
    for order, first in (("entries", 9), ("-entries", 8)):
        ordered = sorted_lines(lines, order)
        assert ordered[0].starts_at.hour == first
        assert [line.entries for line in ordered[2:]] == [None] * 22


def test_folding_a_day_takes_few_queries_however_much_happened(shop, django_assert_max_num_queries):
    steps(shop, dict.fromkeys(range(180), "+-"))
    with django_assert_max_num_queries(20):
        history(shop.store, LATER, DAY)


def test_buckets_that_came_down_to_nothing_make_no_summary(shop):
    facts = steps(shop, {1: "+"})
    run_take_out(facts.run)
    assert Bucket.objects.exists()
    fold_dirty()
    assert not AnalyticsSummary.objects.exists()
    assert totals_of(shop.store, []).entries is None
