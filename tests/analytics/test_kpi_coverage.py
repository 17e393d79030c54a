"""Key numbers of what was watched for a part of the time, or no more: null is not zero."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics.kpi_numbers import KpiNumber, Period, kpi_numbers
from analytics.sales import Sale, sales_take
from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop
from tests.cast import make_camera, make_line, make_store, make_user, make_zone
from zones.models import CountingLine, CountingLineVersion, Zone, ZoneVersion
from zones.services import line_archive, zone_archive

pytestmark = pytest.mark.db
DAY = date(2026, 6, 2)
NOW = NINE_UTC + timedelta(days=20)
BEFORE = NINE_UTC - timedelta(days=30)
PASSER_BY = CountingLine.Kind.PASSER_BY
NOT_SEEN = "Nothing was seen in this period."


@pytest.fixture
def shop() -> Shop:
    """A shop whose entrance was watched for an hour, in which four came in."""
    shop = make_shop(make_store())
    facts = make_facts(shop)
    for minute in range(4):
        facts.step(minute * 60)
    facts.seen(0, 3600)
    facts.commit()
    return shop


def found(
    shop: Shop, zone: Zone | None = None, *, drawn_before: bool = True
) -> dict[str, KpiNumber]:
    if drawn_before:
        draw_long_ago()
    return {
        number.kpi.id: number for number in kpi_numbers(Period(shop.store, DAY, DAY, zone, NOW))
    }


def draw_long_ago() -> None:
    """Let everything be drawn before the period; that which is asked for is long over now."""
    ZoneVersion.objects.update(created_at=BEFORE)
    CountingLineVersion.objects.update(created_at=BEFORE)


def elsewhere(shop: Shop, name: str = "Front") -> Shop:
    """Return the same shop by another camera, on which nothing is drawn yet."""
    return Shop(shop.store, make_camera(shop.store, name), shop.line, shop.zone)


def look(shop: Shop, seconds: float) -> None:
    facts = make_facts(shop)
    facts.seen(0, seconds)
    facts.commit()


# --- Passers-by -----------------------------------------------------------------------------------


def test_a_pavement_that_nobody_watched_gives_no_share_of_those_who_turned_in(shop):
    front = elsewhere(shop)
    make_line(front.camera, "pavement", kind=PASSER_BY)
    capture = found(shop)["capture_rate"]
    assert (capture.value, capture.why_null) == (
        None,
        "No passer-by line was watched in this period.",
    )
    look(front, 600)
    assert found(shop)["capture_rate"].value == 1.0, "watched, and nobody went past"


def test_who_went_past_counts_without_a_watched_span_too(shop):
    front = elsewhere(shop)
    pavement = make_line(front.camera, "pavement", kind=PASSER_BY)
    facts = make_facts(front)
    for second in range(12):
        facts.step(second, "in", pavement)
    facts.commit()
    assert found(shop)["capture_rate"].value == 0.25


def test_a_pavement_line_that_ended_before_the_period_is_none_of_it(shop):
    pavement = make_line(shop.camera, "pavement", kind=PASSER_BY)
    assert found(shop)["capture_rate"].value == 1.0
    line_archive(line=pavement, at=BEFORE)
    capture = found(shop)["capture_rate"]
    assert (capture.value, capture.why_null) == (
        None,
        "There was no passer-by line in this period.",
    )


def test_a_pavement_line_that_ended_since_keeps_what_it_counted(shop):
    pavement = make_line(shop.camera, "pavement", kind=PASSER_BY)
    facts = make_facts(shop)
    for second in range(12):
        facts.step(second, "out", pavement)
    facts.commit()
    line_archive(line=pavement, at=NOW)
    assert found(shop)["capture_rate"].value == 0.25
    line_archive(
        line=pavement, at=NOW - timedelta(days=30)
    )  # as events tell, it counted all the same
    assert found(shop)["capture_rate"].value == 0.25


def test_of_two_pavement_lines_the_one_not_watched_is_told(shop):
    make_line(shop.camera, "left", kind=PASSER_BY)
    make_line(elsewhere(shop).camera, "right", kind=PASSER_BY)
    capture = found(shop)["capture_rate"]
    assert capture.value == 1.0
    assert capture.note == "Of 2 passer-by lines 1 was not watched: who went past there is missing."


# --- Stays in zones -------------------------------------------------------------------------------


def test_what_was_watched_while_the_shop_was_closed_is_no_share_of_its_open_time(shop):
    # Open from 10:00 to 10:30 and from 10:32 to 11:00; 10:00 on the wall is the start of the facts.
    shop.store.opening_hours = {"tue": [["10:00", "10:30"], ["10:32", "11:00"]]}
    shop.store.save()
    shelf = elsewhere(shop, "Shelf")
    make_zone(shelf.camera, "Shelf")
    facts = make_facts(shelf, NINE_UTC - timedelta(hours=1), ended_at=NINE_UTC)
    facts.seen(0, 3600)  # before it opens
    facts.commit()
    zone = Zone.objects.get(camera=shelf.camera)
    assert found(shop, zone)["zone_visits"].value == 0
    assert found(shop, zone)["zone_visits"].observed is None
    facts = make_facts(shelf)
    facts.seen(0, 900)  # a quarter of an hour from the opening on
    facts.commit()
    assert found(shop, zone)["zone_visits"].observed == round(15 / 58, 4)
    facts = make_facts(shelf, NINE_UTC + timedelta(minutes=30))
    facts.seen(0, 300)  # five minutes, of which the shop is open for three
    facts.commit()
    assert found(shop, zone)["zone_visits"].observed == round(18 / 58, 4)


def test_the_share_of_several_cameras_is_their_mean_over_the_time_so_far(shop):
    make_zone(elsewhere(shop).camera, "Other")  # not watched
    now = NINE_UTC + timedelta(hours=2)
    begin = NINE_UTC.replace(hour=2)  # the business day begins at 04:00 on the wall
    open_s = (now - begin).total_seconds()
    draw_long_ago()
    numbers = kpi_numbers(Period(shop.store, DAY, DAY, None, now))
    share = {number.kpi.id: number.observed for number in numbers}
    assert share["zone_visits"] == round(3600 / 2 / open_s, 4)
    assert share["footfall"] == round(3600 / open_s, 4)


def test_a_zone_that_ended_before_the_period_divides_nothing(shop):
    gone = make_zone(elsewhere(shop).camera, "Gone")
    halved = found(shop)["zone_visits"].observed
    assert halved is not None
    zone_archive(zone=gone, at=BEFORE)
    whole = found(shop)["zone_visits"].observed
    assert whole == pytest.approx(2 * halved, abs=2e-4)
    zone_archive(zone=shop.zone, at=BEFORE)
    assert found(shop)["zone_visits"].why_null == "There was no zone in this period."
    assert found(shop, shop.zone)["zone_visits"].value == 0, "asked for by itself"


def test_a_zone_that_ended_since_keeps_what_it_counted(shop):
    facts = make_facts(shop)
    facts.stay(60, 30)
    facts.commit()
    zone_archive(zone=shop.zone, at=BEFORE)
    number = found(shop)["zone_visits"]
    assert (number.value, number.observed) == (1, round(1 / 24, 4))


def test_what_was_drawn_after_the_period_was_not_there(shop):
    """A line and a zone of the page hold for older pictures too: these were counted before."""
    make_line(shop.camera, "pavement", kind=PASSER_BY)
    till = make_zone(shop.camera, "till", kind=Zone.Kind.QUEUE)
    numbers = found(shop, drawn_before=False)
    assert numbers["capture_rate"].value is None
    assert numbers["queue_length"].value is None
    assert numbers["zone_visits"].value == 0, "the shelf was there"
    assert found(shop, till, drawn_before=False)["zone_visits"].value is None
    look(shop, 600)  # counted once more, now with both
    numbers = found(shop, drawn_before=False)
    assert (numbers["capture_rate"].value, numbers["queue_length"].value) == (1.0, 0.0)
    assert found(shop, till, drawn_before=False)["zone_visits"].value == 0


# --- Queues ---------------------------------------------------------------------------------------


def wait(shop: Shop, zone: Zone, seconds: float, *, censored: bool = False) -> None:
    facts = make_facts(Shop(shop.store, zone.camera, shop.line, zone))
    facts.stay(0, seconds, censored=censored)
    facts.commit()


@pytest.mark.parametrize("cameras", [1, 2])
def test_a_queue_is_as_long_whether_one_camera_watches_all_or_each_its_own(shop, cameras):
    """Two queues in which somebody stood for half of the hour each: half a person in a queue."""
    other = shop if cameras == 1 else elsewhere(shop)
    if cameras == 2:
        look(other, 3600)
    queues = [
        make_zone(each.camera, name, kind=Zone.Kind.QUEUE)
        for each, name in zip((shop, other), "ab", strict=True)
    ]
    for queue in queues:
        wait(shop, queue, 1800)
    assert found(shop)["queue_length"].value == 0.5
    assert found(shop, queues[0])["queue_length"].value == 0.5


def test_a_queue_that_ended_before_the_period_makes_no_other_shorter(shop):
    other = elsewhere(shop)
    look(other, 3600)
    till, gone = (make_zone(one.camera, kind=Zone.Kind.QUEUE) for one in (shop, other))
    wait(shop, till, 1800)
    zone_archive(zone=gone, at=BEFORE)
    assert found(shop)["queue_length"].value == 0.5
    zone_archive(zone=till, at=BEFORE)
    assert found(shop)["queue_length"].value == 0.5, "it counted"


def test_waits_not_seen_whole_are_told_beside_the_length_that_lacks_them(shop):
    till = make_zone(shop.camera, "till", kind=Zone.Kind.QUEUE)
    wait(shop, till, 1800)
    wait(shop, till, 1800, censored=True)
    length = found(shop)["queue_length"]
    assert length.value == 0.5
    assert length.note == "1 wait whose start or end was not seen left out."


# --- Sales ----------------------------------------------------------------------------------------


def sell(shop: Shop, *sales: tuple[int, int]) -> None:
    """Tell of sales: minutes after the start of the facts, and how many of ten euros each."""
    told = [
        Sale(NINE_UTC + timedelta(minutes=minute), count, Decimal(10 * count), str(minute))
        for minute, count in sales
    ]
    sales_take(store=shop.store, sales=told, source="till", user=make_user())


def open_for_an_hour(shop: Shop) -> None:
    shop.store.opening_hours = {"tue": [["10:00", "11:00"]]}
    shop.store.save()


def test_sales_of_a_closed_hour_are_not_divided_by_who_came_while_it_was_open(shop):
    open_for_an_hour(shop)
    facts = make_facts(shop, NINE_UTC + timedelta(hours=1))
    facts.step(60)  # a cleaner
    facts.seen(0, 3600)
    facts.commit()
    sell(shop, (30, 1), (90, 3))
    numbers = found(shop)
    assert numbers["transactions"].value == 4
    assert numbers["conversion"].value == 0.25
    assert numbers["conversion"].detail == {"transactions": 1, "visitors": 4}
    assert numbers["sales_per_visitor"].value == 2.5
    for kpi in ("conversion", "sales_per_visitor"):
        assert numbers[kpi].note == "3 sales of hours in which the shop was closed left out."


def test_a_till_that_tells_its_day_after_closing_tells_of_no_open_hour(shop):
    open_for_an_hour(shop)
    sell(shop, (90, 3))
    numbers = found(shop)
    assert numbers["transactions"].value == 3
    for kpi in ("conversion", "sales_per_visitor"):
        assert numbers[kpi].value is None
        assert (
            numbers[kpi].why_null
            == "All sales of this period are of hours in which the shop was closed."
        )


def test_sales_of_an_hour_that_was_open_in_part_count(shop):
    shop.store.opening_hours = {"tue": [["10:00", "10:30"]]}
    shop.store.save()
    sell(shop, (45, 1))
    assert found(shop)["conversion"].value == 0.25


def test_the_longest_period_with_breaks_in_every_day_is_asked_in_one_statement(shop):
    """400 days with two spans each that begin and end within five minutes."""
    week = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    spans = [["09:01", "12:02"], ["13:03", "20:04"]]
    shop.store.opening_hours = dict.fromkeys(week, spans)
    shop.store.save()
    first = DAY - timedelta(days=399)
    numbers = kpi_numbers(Period(shop.store, first, DAY, shop.zone, NOW))
    share = {number.kpi.id: number.observed for number in numbers}["zone_visits"]
    assert share == round(60 / (400 * (181 + 421)), 4)
