"""The usual week, with numbers worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import Store
from analytics.usual_week import Cell, UsualWeek, usual_week
from tests.cast import Cast, make_cast
from tests.pages.rows import make_hour

pytestmark = pytest.mark.db
WEEK = timedelta(weeks=1)
MONDAY, TUESDAY, SATURDAY = 0, 1, 5
# A Tuesday in Berlin, 10:00 on the wall, in summer.
TEN = datetime(2026, 6, 23, 8, 0, tzinfo=UTC)
LAST = date(2026, 6, 23)
EVENING = TEN + timedelta(hours=10)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


def week(store: Store, last: date = LAST, days: int = 1, now: datetime = EVENING) -> UsualWeek:
    return usual_week(store, last - timedelta(days=days - 1), last, now)


def cell(found: UsualWeek, weekday: int, hour: str) -> Cell:
    [one] = [each for each in found.cells if (each.weekday, each.hour) == (weekday, hour)]
    return one


def test_a_cell_is_the_median_of_the_same_hour_on_the_same_weekday(cast):
    for back, entries in enumerate((11, 40, 9, 12)):
        make_hour(cast.store, TEN - back * WEEK, entries=entries)
    make_hour(cast.store, TEN - timedelta(days=1), entries=500)
    found = week(cast.store)
    # Of 9, 11, 12 and 40 the middle lies between 11 and 12; the mean would be 18.
    assert cell(found, TUESDAY, "10:00") == Cell(TUESDAY, "10:00", 11.5, 4, 0, is_open=True)
    assert cell(found, MONDAY, "10:00").value == 500
    assert found.most == 500
    assert found.days == 5
    assert (found.first, found.last) == (date(2026, 5, 27), LAST)
    assert list(found.hours) == ["10:00"]


def test_it_rests_on_four_weeks_or_on_as_many_as_are_asked_for(cast):
    for back in range(6):
        make_hour(cast.store, TEN - back * WEEK, entries=10 * back)
    assert cell(week(cast.store), TUESDAY, "10:00").value == 15  # 0, 10, 20, 30
    longer = week(cast.store, days=36)
    assert cell(longer, TUESDAY, "10:00") == Cell(TUESDAY, "10:00", 25.0, 6, 0, is_open=True)
    assert (longer.last - longer.first).days + 1 == 42


def test_hours_that_were_hardly_seen_are_left_out_and_said(cast):
    make_hour(cast.store, TEN, entries=10)
    make_hour(cast.store, TEN - WEEK, entries=1, minutes=55)  # 92 %
    found = week(cast.store)
    # Two of the four Tuesdays were not seen at all.
    assert cell(found, TUESDAY, "10:00") == Cell(TUESDAY, "10:00", 10.0, 1, 3, is_open=True)
    assert found.days == 1


def test_an_hour_that_goes_on_is_no_hour_yet(cast):
    make_hour(cast.store, TEN, entries=3)
    assert week(cast.store, now=TEN + timedelta(minutes=59)).hours == []
    assert list(week(cast.store, now=TEN + timedelta(minutes=60)).hours) == ["10:00"]


def test_nobody_is_a_zero_and_closed_is_none(cast):
    cast.store.opening_hours = {"mon": [["10:00", "12:00"]], "tue": [["10:00", "11:00"]]}
    cast.store.save()
    make_hour(cast.store, TEN, entries=0)
    make_hour(cast.store, TEN - timedelta(days=1), entries=4)
    make_hour(cast.store, TEN - timedelta(hours=23), entries=5)
    found = week(cast.store)
    assert list(found.hours) == ["10:00", "11:00"]
    assert cell(found, TUESDAY, "10:00").value == 0
    assert cell(found, TUESDAY, "11:00") == Cell(TUESDAY, "11:00", None, 0, 0, is_open=False)
    assert cell(found, MONDAY, "11:00").value == 5
    assert cell(found, SATURDAY, "10:00").value is None


def test_a_day_of_other_opening_hours_is_not_like_the_others(cast):
    cast.store.opening_hours = {"tue": [["10:00", "18:00"]]}
    # On one of the Tuesdays the shop opened at half past ten.
    cast.store.special_days = {"2026-06-16": {"spans": [["10:30", "18:00"]], "name": "Stocktaking"}}
    cast.store.save()
    for back, entries in enumerate((20, 2, 22)):
        make_hour(cast.store, TEN - back * WEEK, entries=entries)
    assert cell(week(cast.store), TUESDAY, "10:00") == Cell(
        TUESDAY, "10:00", 21.0, 2, 2, is_open=True
    )


def test_after_midnight_is_still_the_evening_before(cast):
    make_hour(cast.store, datetime(2026, 6, 20, 23, 0, tzinfo=UTC), entries=6)  # Sunday, 01:00
    assert cell(week(cast.store), SATURDAY, "01:00").value == 6


def test_of_the_hour_that_occurs_twice_only_the_first_is_like_others(cast):
    # The clocks go back on Sunday 25 October at 03:00; these are the nights of Saturdays.
    nights = [datetime(2026, 10, day, 0, 0, tzinfo=UTC) for day in (4, 11, 18, 25)]
    for at, entries in zip(nights, (4, 6, 8, 10), strict=True):
        make_hour(cast.store, at, entries=entries)
    make_hour(cast.store, nights[-1] + timedelta(hours=1), entries=1000)  # 02:00 once more
    found = week(cast.store, date(2026, 10, 25), now=datetime(2026, 10, 25, 20, 0, tzinfo=UTC))
    assert cell(found, SATURDAY, "02:00") == Cell(SATURDAY, "02:00", 7.0, 4, 0, is_open=True)
    assert found.most == 7


def test_a_night_without_the_hour_has_no_part_in_it(cast):
    # The clocks go forward on Sunday 29 March: there is no 02:00, and 03:00 comes an hour earlier.
    twos = [datetime(2026, 3, day, 1, 0, tzinfo=UTC) for day in (8, 15, 22)]
    threes = [*(at + timedelta(hours=1) for at in twos), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]
    for number, at in enumerate([*twos, *threes]):
        make_hour(cast.store, at, entries=number + 1)
    found = week(cast.store, date(2026, 3, 29), now=datetime(2026, 3, 29, 20, 0, tzinfo=UTC))
    assert cell(found, SATURDAY, "02:00") == Cell(SATURDAY, "02:00", 2.0, 3, 0, is_open=True)
    # 4, 5, 6 and, in the short night, 7.
    assert cell(found, SATURDAY, "03:00") == Cell(SATURDAY, "03:00", 5.5, 4, 0, is_open=True)


def test_the_hours_stand_in_the_order_of_the_clock_whatever_the_first_day_lacked(cast):
    # Four weeks from the night in which the clocks go forward: that one has no 02:00.
    nights = [datetime(2026, 4, 5, 0, 0, tzinfo=UTC) + n * timedelta(hours=1) for n in range(2)]
    for at in nights:
        make_hour(cast.store, at, entries=1)
    found = week(cast.store, date(2026, 4, 24), now=datetime(2026, 4, 24, 20, 0, tzinfo=UTC))
    assert found.first == date(2026, 3, 28)
    assert list(found.hours) == ["02:00", "03:00"]


def test_the_api_tells_it_to_members_alone(cast):
    make_hour(cast.store, TEN, entries=10)
    client, address = APIClient(), f"/api/v1/stores/{cast.store.public_id}/usual-week/"
    asked = {"from": "2026-06-23", "to": "2026-06-23"}
    client.force_login(cast.bob)
    told = client.get(address, asked).json()
    assert (told["from"], told["to"], told["days"], told["most"]) == (
        "2026-05-27", "2026-06-23", 1, 10.0,
    )  # fmt: skip
    assert told["hours"] == ["10:00"]
    assert [each["value"] for each in told["cells"]] == [None, 10.0, None, None, None, None, None]
    assert client.get(address, asked | {"zone": "1"}).status_code == 400
    assert client.get(address, {"from": "2026-06-23"}).status_code == 400
    client.force_login(cast.charlie)
    assert client.get(address, asked).status_code == 404


def test_it_takes_two_queries_for_much_as_for_little(cast, django_assert_num_queries):
    week(cast.store)
    with django_assert_num_queries(2):
        week(cast.store)
    for back in range(4):
        make_hour(cast.store, TEN - back * WEEK, entries=10)
    week(cast.store)  # folds
    with django_assert_num_queries(2):
        week(cast.store)
