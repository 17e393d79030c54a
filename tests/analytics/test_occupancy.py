"""Who is inside: resets and corrections are events, and late events change what they should."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.calendar import BUCKET
from analytics.models import AnalyticsSummary, OccupancyMark
from analytics.occupancy import Occupancy, Told
from analytics.rebuild import check, rewrite
from analytics.summaries import fold_dirty
from tests.analytics.shop import NINE_UTC, Kind, Shop, make_facts, make_shop, tell
from tests.cast import make_store
from tracking.ledger import run_take_out
from zones.models import CountingLine

pytestmark = pytest.mark.db


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_store())


def minute(number: float) -> datetime:
    return NINE_UTC + timedelta(minutes=number)


def came(shop: Shop, *minutes: float, seen_s: int = 0):
    facts = make_facts(shop)
    for one in minutes:
        facts.step(abs(one) * 60, "in" if one > 0 else "out")
    if seen_s:
        facts.seen(0, seen_s)
    facts.commit()
    return facts


def day(shop: Shop) -> AnalyticsSummary:
    fold_dirty(shop.store)
    return AnalyticsSummary.objects.get(store=shop.store, period="day")


def ends(shop: Shop) -> tuple[int | None, ...]:
    found = day(shop)
    return found.occupancy_raw, found.occupancy_corrected, found.occupancy_end


def test_raw_and_corrected_are_both_kept_and_what_is_shown_is_never_below_zero(shop):
    came(shop, 1, 2, -3, -4, -5, seen_s=3600)
    assert ends(shop) == (-1, -1, 0)
    tell(shop.store, Kind.CORRECTED, minute(6), 3)
    assert ends(shop) == (-1, 2, 2)
    tell(shop.store, Kind.CORRECTED, minute(7), -1)
    assert ends(shop) == (-1, 1, 1)


def test_a_reset_is_an_event_and_what_came_before_it_however_late_changes_nothing_after(shop):
    came(shop, 1, 2, 11.5, seen_s=3600)
    tell(shop.store, Kind.OCCUPANCY_RESET, minute(12), 7)
    assert ends(shop) == (0, 7, 7)
    came(shop, 3, 11, 11.9)
    assert ends(shop) == (0, 7, 7)
    came(shop, 12.5, 13)
    assert ends(shop) == (2, 9, 9)
    assert day(shop).entries == 8
    assert check(shop.store).differing == []


def test_a_crossing_at_the_instant_of_a_reset_is_before_it_as_on_the_live_page(shop):
    came(shop, 12, seen_s=3600)
    tell(shop.store, Kind.CORRECTED, minute(12), 40)
    tell(shop.store, Kind.OCCUPANCY_RESET, minute(12), 2)
    assert ends(shop) == (0, 2, 2)


def test_a_run_taken_out_is_taken_out_of_what_stood_before_a_reset(shop):
    kept = came(shop, 11, seen_s=3600)
    gone = came(shop, 11.2, 11.4, 13)
    tell(shop.store, Kind.OCCUPANCY_RESET, minute(12), 5)
    assert OccupancyMark.objects.get().net_before == 3
    run_take_out(gone.run)
    assert OccupancyMark.objects.get().net_before == 1
    assert ends(shop) == (0, 5, 5)
    assert kept.run.active and check(shop.store).differing == []


def test_a_line_that_is_an_entrance_no_more_moves_no_reset(shop):
    came(shop, 11, 13, seen_s=3600)
    tell(shop.store, Kind.OCCUPANCY_RESET, minute(12), 5)
    shop.line.kind = CountingLine.Kind.INNER
    shop.line.save()
    assert OccupancyMark.objects.get().net_before == 0
    assert check(shop.store).differing == []


def test_the_mean_is_people_times_time_over_the_time_watched(shop):
    # One person for 9 of 10 minutes, a second for the last 5; a reset to 4 for the 5 after.
    came(shop, 1, 5, seen_s=900)
    tell(shop.store, Kind.OCCUPANCY_RESET, minute(10), 4)
    found = day(shop)
    assert found.occupancy_ms == (9 + 5 + 4 * 5) * 60_000
    assert (found.watched_ms, found.occupancy_peak) == (900_000, 4)


def test_who_is_left_over_at_night_weighs_nothing_while_nobody_looks(shop):
    came(shop, 1, seen_s=300)
    found = day(shop)
    assert (found.occupancy_ms, found.watched_ms) == (240_000, 300_000)


def test_hours_go_on_from_each_other_and_a_correction_in_an_hour_nobody_saw_holds(shop):
    came(shop, 1, 2, 185, seen_s=3600)
    tell(shop.store, Kind.CORRECTED, minute(100), -1)
    fold_dirty(shop.store)
    hours = AnalyticsSummary.objects.filter(period="hour").order_by("starts_at")
    assert [(h.occupancy_raw, h.occupancy_corrected) for h in hours] == [(2, 2), (3, 2)]


def test_marks_that_went_missing_or_wrong_are_found_and_made_again(shop):
    came(shop, 11, 13, seen_s=3600)
    tell(shop.store, Kind.OCCUPANCY_RESET, minute(12), 5)
    fold_dirty(shop.store)
    OccupancyMark.objects.update(net_before=9)
    (differs,) = [line for line in check(shop.store).differing if "somebody told" in line]
    assert differs.endswith("entries less exits before the reset 9 stored, 1 counted")
    OccupancyMark.objects.all().delete()
    rewrite(shop.store)
    assert check(shop.store).differing == []
    assert ends(shop) == (1, 6, 6)


TICK_S = 20
TICKS = st.integers(0, 3 * 300 // TICK_S - 1)


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(st.tuples(TICKS, st.sampled_from((1, -1))), max_size=12),
    told=st.lists(st.tuples(TICKS, st.booleans(), st.integers(-3, 5)), max_size=4),
)
def test_buckets_give_the_same_as_going_tick_by_tick(steps, told):
    told = sorted(told, key=lambda one: one[:2])
    inside, correction, integral_ms = 0, 0, 0
    for tick in range(3 * 300 // TICK_S):
        inside += sum(sign for at, sign in steps if at == tick)
        for at, resets, value in told:
            if at == tick:
                inside, correction = (0, value) if resets else (inside, correction + value)
        integral_ms += 1000 * TICK_S * (inside + correction)

    walked, found_ms = Occupancy(), 0
    for bucket in range(3):
        at = NINE_UTC + bucket * BUCKET
        after = {n: n * TICK_S - bucket * 300 for n in range(bucket * 15, bucket * 15 + 15)}
        here = [(tick, sign) for tick, sign in steps if tick in after]
        marks = [
            Told(
                at + timedelta(seconds=after[tick]),
                resets,
                value,
                sum(sign for when, sign in here if when <= tick),
            )
            for tick, resets, value in told
            if tick in after
        ]
        rest_ms = sum(sign * (300 - after[tick]) * 1000 for tick, sign in here)
        net = sum(sign for _, sign in here)
        found_ms += walked.pass_bucket(at, net, rest_ms, marks).integral_ms
    assert (walked.raw, walked.correction, found_ms) == (inside, correction, integral_ms)
