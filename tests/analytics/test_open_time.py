"""Hours and days of a shop that closes: coverage of open time, counts outside it, comparisons."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.models import AuditEntry, Store
from analytics.history import SummaryRow, compared, history, summary_lines, totals_of
from analytics.models import AnalyticsSummary, DirtyDay
from analytics.rebuild import check
from analytics.selectors import entrance_sums, series_begins, store_view, today
from analytics.summaries import fold_dirty
from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop
from tests.cast import make_store

pytestmark = pytest.mark.db
# A Tuesday; NINE_UTC is 10:00 on the shop's wall.
DAY = NINE_UTC.date()
LATER = NINE_UTC + timedelta(days=30)
HOUR_MS = 3_600_000
# In Berlin's summer 08:00 to 11:30 UTC, with 12:00 to 14:00 UTC after a break.
WEEK = {"tue": [["10:00", "13:30"], ["14:00", "16:00"]]}


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_store(opening_hours=WEEK))


def steps(shop: Shop, plan: dict[int, str], start: datetime = NINE_UTC, seen_s: int = 6 * 3600):
    """Have people come in (+) and go out (-) at these minutes."""
    facts = make_facts(shop, start)
    for minute, signs in plan.items():
        for n, sign in enumerate(signs):
            facts.step(minute * 60 + n, "in" if sign == "+" else "out")
    facts.seen(0, seen_s)
    facts.commit()


def by_hour(shop: Shop, now: datetime = LATER) -> dict[int, SummaryRow]:
    return {h.starts_at.hour: h for h in history(shop.store, now, DAY).hours}


def test_coverage_is_the_seen_share_of_the_open_time(shop):
    steps(shop, {}, start=NINE_UTC - timedelta(hours=1), seen_s=3600 * 4 + 900)
    hours = by_hour(shop)
    told = {
        n: (h.open_ms // 60_000, h.observed_open_ms // 60_000, h.observed) for n, h in hours.items()
    }
    assert told[7] == (0, 0, None)  # seen, and closed
    assert told[8] == (60, 60, 1.0)
    # Open until half past, seen until a quarter past: half of the open time, a quarter of all.
    assert told[11] == (30, 15, 0.5)
    assert told[12] == (60, 0, None)
    (day,) = summary_lines(shop.store, "day", DAY, DAY, LATER)
    assert (day.open_ms, day.observed_open_ms) == (330 * 60_000, 195 * 60_000)
    assert (
        day.observed == round(195 / 330, 4) == totals_of(shop.store, list(hours.values())).observed
    )


def test_a_closed_hour_counts_what_it_sees_and_is_no_hour_that_nobody_saw(shop):
    steps(shop, {-30: "++-", 5: "+", 225: "+", 300: "-"}, seen_s=3600)
    hours = by_hour(shop)
    assert (hours[7].entries, hours[7].entries_closed, hours[7].exits_closed) == (2, 2, 1)
    assert (hours[8].entries, hours[8].entries_closed) == (1, 0)
    # 13:45 on the wall lies in the break, in the hour that is open until half past.
    assert (hours[11].entries, hours[11].entries_closed, hours[11].entries_open) == (1, 1, 0)
    assert (hours[20].entries, hours[20].open_ms, hours[20].observed) == (None, 0, None)
    totals = history(shop.store, LATER, DAY).totals
    assert (totals.entries, totals.exits) == (4, 2)
    assert (totals.entries_closed, totals.exits_closed) == (3, 1)
    (day,) = summary_lines(shop.store, "day", DAY, DAY, LATER)
    assert (day.entries, day.entries_closed, day.exits_closed) == (4, 3, 1)


def test_the_open_time_of_an_hour_that_goes_on_is_what_has_passed_of_it(shop):
    steps(shop, {}, seen_s=1200)
    half_past = NINE_UTC + timedelta(minutes=30)
    hour = by_hour(shop, half_past)[8]
    assert (hour.observed, hour.complete, hour.open_ms) == (0.6667, False, HOUR_MS)
    assert by_hour(shop)[8].observed == 0.3333
    assert history(shop.store, half_past, DAY).totals.observed == 0.6667


def test_live_and_history_say_the_same_share_of_five_minutes_that_are_open_in_part(shop):
    shop.store.opening_hours = {"tue": [["10:02", "11:00"]]}
    shop.store.save()
    steps(shop, {}, seen_s=150)
    now = NINE_UTC + timedelta(minutes=9)
    view = store_view(shop.store, now)
    # Half of the first five minutes was seen, so half of the three in which it was open; of seven.
    assert today(view, entrance_sums(view, series_begins(view))).observed == round(90 / 420, 4)
    assert history(shop.store, now, DAY).totals.observed == round(90 / 420, 4)


def test_the_five_minutes_that_go_on_are_seen_as_far_as_they_went(shop):
    steps(shop, {}, seen_s=420)
    now = NINE_UTC + timedelta(minutes=7)
    view = store_view(shop.store, now)
    assert today(view, entrance_sums(view, series_begins(view))).observed == 1.0


def test_only_open_hours_seen_to_95_per_cent_are_called_busiest_or_quietest(shop):
    # Outside opening hours 5; open: 3, 1, then 9 of which too little was seen.
    steps(shop, {-30: "+++++", 1: "+++", 61: "+", 121: "+" * 9}, seen_s=2 * 3600 + 57 * 60 - 1)
    found = history(shop.store, LATER, DAY)
    assert [h.starts_at.hour for h in found.peak] == [8]
    assert [h.starts_at.hour for h in found.slowest] == [9]
    more = make_facts(shop)
    more.seen(2 * 3600 + 57 * 60 - 1, 1)  # the second that was missing to 95 %
    more.commit()
    assert [h.starts_at.hour for h in history(shop.store, LATER, DAY).peak] == [10]


def test_the_quietest_hour_is_one_that_was_open_from_start_to_end(shop):
    # From 13:00 the shop was open for half an hour: nobody came, and it is not called quiet for it.
    steps(shop, {1: "++", 61: "+", 121: "++", 241: "++", 301: "++"})
    found = history(shop.store, LATER, DAY)
    assert [h.starts_at.hour for h in found.slowest] == [9]
    assert [h.starts_at.hour for h in found.peak] == [8, 10, 12, 13]
    short = make_shop(make_store("Kiosk", opening_hours={"tue": [["10:30", "11:30"]]}))
    steps(short, {31: "+"})
    assert [h.starts_at.hour for h in history(short.store, LATER, DAY).slowest] == [9]


def test_a_day_without_an_hour_seen_well_names_none(shop):
    steps(shop, {1: "+++"}, seen_s=1800)
    found = history(shop.store, LATER, DAY)
    assert (found.peak, found.slowest, found.totals.entries) == ([], [], 3)


def test_days_are_compared_by_like_hours_with_the_week_before(shop):
    steps(shop, {1: "+" * 6, 61: "+", 121: "+++"}, seen_s=3 * 3600)
    week_before = NINE_UTC - timedelta(days=7)
    # Of the third hour half was seen, and before opening somebody came in: neither is compared.
    steps(shop, {-5: "++", 1: "+" * 4, 61: "+", 121: "+"}, start=week_before, seen_s=9000)
    found = compared(shop.store, DAY, DAY, "week", LATER)
    assert (found.here, found.there, found.change) == (7, 5, 0.4)
    assert (found.hours, found.of, found.why_null) == (2, 6, None)
    assert (found.first, found.last) == (DAY - timedelta(days=7),) * 2
    none = compared(shop.store, DAY, DAY, "year", LATER)
    assert (none.change, none.here, none.there, none.hours) == (None, None, None, 0)
    assert none.why_null
    # The hour that goes on is compared with none.
    during = compared(shop.store, DAY, DAY, "week", NINE_UTC + timedelta(minutes=70))
    assert (during.here, during.there, during.hours) == (6, 4, 1)


def test_a_span_is_compared_with_the_equal_one_right_before_it():
    shop = make_shop(make_store())
    for days, came in ((0, "++"), (-1, "++++"), (-2, "+"), (-3, "+")):
        steps(shop, {1: came}, start=NINE_UTC + timedelta(days=days), seen_s=3600)
    found = compared(shop.store, DAY - timedelta(days=1), DAY, "previous", LATER)
    assert (found.here, found.there, found.hours) == (6, 2, 2)
    assert (found.first, found.last) == (DAY - timedelta(days=3), DAY - timedelta(days=2))


def test_the_last_24_hours_are_compared_with_the_same_hours_a_day_before():
    shop = make_shop(make_store())
    steps(shop, {1: "+++"}, seen_s=3600)
    steps(shop, {1: "++"}, start=NINE_UTC - timedelta(days=1), seen_s=3600)
    found = history(shop.store, NINE_UTC + timedelta(hours=3), how="previous").compared
    assert (found.here, found.there, found.hours) == (3, 2, 1)


def test_today_is_seen_by_its_open_time_so_far(shop):
    steps(shop, {1: "+"}, start=NINE_UTC - timedelta(hours=1), seen_s=2 * 3600)
    view = store_view(shop.store, NINE_UTC + timedelta(hours=2))
    told = today(view, entrance_sums(view, series_begins(view)))
    assert (told.entries, told.observed) == (1, 0.5)


# --- A calendar that changes --------------------------------------------------------------------


def test_other_opening_hours_fold_the_past_again_and_equal_a_rebuild(shop):
    steps(shop, {1: "++", 121: "+"})
    assert history(shop.store, LATER, DAY).totals.entries_closed == 0
    shop.store.opening_hours = {"tue": [["11:00", "20:00"]]}
    shop.store.save()
    assert history(shop.store, LATER, DAY).totals.entries_closed == 2
    shop.store.special_days = {str(DAY): {"spans": [], "name": "Stocktaking"}}
    shop.store.save()
    assert history(shop.store, LATER, DAY).totals.entries_closed == 3
    assert history(shop.store, LATER, DAY).totals.open_ms == 0
    assert check(shop.store).differing == []


@pytest.mark.parametrize(
    ("changed", "day", "hour_of_the_wall"),
    [
        # 23:30 UTC is 01:30 in Berlin, still the business day before; Kolkata has 05:00.
        ({"timezone": "Asia/Kolkata"}, date(2026, 6, 3), 5),
        ({"business_day_start": time(0)}, date(2026, 6, 3), 1),
        ({"timezone": "America/New_York"}, date(2026, 6, 2), 19),
    ],
)
def test_another_clock_tells_the_past_by_its_days_and_leaves_none_of_the_old(
    changed, day, hour_of_the_wall
):
    shop = make_shop(make_store())
    night = datetime(2026, 6, 2, 23, 30, tzinfo=UTC)
    steps(shop, {1: "+"}, start=night, seen_s=600)
    before = summary_lines(shop.store, "day", date(2026, 6, 1), date(2026, 6, 4), LATER)
    assert [line.entries for line in before] == [None, 1, None, None]
    for name, value in changed.items():
        setattr(shop.store, name, value)
    shop.store.save()
    lines = summary_lines(shop.store, "day", date(2026, 6, 1), date(2026, 6, 4), LATER)
    assert {line.business_day for line in lines if line.entries} == {day}
    (hour,) = [h for h in history(shop.store, LATER, day).hours if h.entries]
    local = hour.starts_at + timedelta(seconds=hour.utc_offset_s)
    assert local.hour == hour_of_the_wall
    assert check(shop.store).differing == []
    assert AnalyticsSummary.objects.count() == 2


def test_a_change_of_the_calendar_is_written_down_and_any_other_is_not(shop):
    steps(shop, {1: "+"})
    fold_dirty()
    shop.store.name = "Renamed"
    shop.store.save()
    assert not AuditEntry.objects.exists() and not DirtyDay.objects.exists()
    shop.store.business_day_start = time(5)
    shop.store.save()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.store) == ("store.calendar_changed", shop.store)
    assert entry.detail == {"business_day_start": {"from": "04:00:00", "to": "05:00:00"}}
    assert DirtyDay.objects.exists()


def test_a_change_that_fails_leaves_the_past_as_it_was(shop, monkeypatch):
    steps(shop, {1: "+"})
    fold_dirty()

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("analytics.rollups.mark_dirty", fail)
    shop.store.timezone = "Asia/Kolkata"
    with pytest.raises(RuntimeError):
        shop.store.save()
    assert Store.objects.get(pk=shop.store.pk).timezone == "Europe/Berlin"
    assert AnalyticsSummary.objects.filter(store=shop.store).exists()


def test_facts_written_by_who_read_the_store_before_its_clock_changed_are_of_the_new_day():
    shop = make_shop(make_store())
    read_before = Store.objects.get(pk=shop.store.pk)
    shop.store.timezone = "Asia/Kolkata"
    shop.store.save()
    night = datetime(2026, 6, 2, 23, 30, tzinfo=UTC)
    facts = make_facts(Shop(read_before, shop.camera, shop.line, shop.zone), night)
    facts.step(1)
    facts.commit()
    assert list(DirtyDay.objects.values_list("business_day", flat=True)) == [date(2026, 6, 3)]
    (line,) = summary_lines(shop.store, "day", date(2026, 6, 3), date(2026, 6, 3), LATER)
    assert line.entries == 1
