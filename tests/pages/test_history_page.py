"""The History page: hours, what stands out, what was not seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics.history_page import columns_of, hour_names
from tests.pages.rows import make_hour

DAY = "2026-07-01"
MORNING = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)  # 10:00 in Berlin


@pytest.fixture
def shown(cast, as_user):
    """Return the text of the page under some filters."""

    def get(status=200, **asked) -> str:
        address = reverse("analytics:history", kwargs={"store_slug": cast.store.slug})
        response = as_user(cast.alice).get(address, asked)
        assert response.status_code == status
        return " ".join(response.content.decode().split())

    return get


def test_a_day_that_nobody_saw_has_no_number_not_even_a_zero(shown):
    text = shown(day=DAY)
    assert "<b>Nothing was seen</b> on Wednesday 1 July" in text
    assert text.count('<tr class="nodata">') == 24 + 12  # the chart's twin and a page of the table
    assert not re.search(r'<td class="num( strong)?">0</td>', text)


def test_a_true_zero_is_a_zero(cast, shown):
    make_hour(cast.store, MORNING, entries=0)
    text = shown(day=DAY)
    assert "<b>Nobody</b> came in on Wednesday 1 July" in text
    assert text.count('<tr class="nodata">') == 23 + 12  # the hour seen is on the second page


def test_the_sentence_names_the_busiest_hour_and_every_tie(cast, shown):
    make_hour(cast.store, MORNING, entries=5, exits=2)
    make_hour(cast.store, MORNING + timedelta(hours=2), entries=9)
    assert "The busiest hour was <b>12:00</b>." in shown(day=DAY)
    make_hour(cast.store, MORNING + timedelta(hours=4), entries=9)
    text = shown(day=DAY)
    assert "<b>23 people</b> came in on Wednesday 1 July." in text
    assert "The busiest hours were <b>12:00</b> and <b>14:00</b>." in text
    assert "Quietest: <b>10:00</b>, with <b>5</b>" in text


def test_the_totals_row_adds_up_every_page(cast, shown):
    for hour in range(20):
        make_hour(cast.store, MORNING + timedelta(hours=hour - 4), entries=2, exits=1)
    for page in (1, 2):
        text = shown(day=DAY, page=page)
        assert (
            '<th scope="row">All 24 hours</th> <td class="num">40</td> <td class="num">20</td>'
            in text
        )


def test_the_table_is_sorted_by_any_column_and_its_pages_keep_the_order(cast, shown):
    for hour, entries in enumerate((3, 9, 5)):
        make_hour(cast.store, MORNING + timedelta(hours=hour), entries=entries)
    text = shown(day=DAY, order="-entries")
    table = text[text.index("Every hour") :]
    found = [int(n) for n in re.findall(r'<td class="num strong">(\d+)</td>', table)]
    assert found == [9, 5, 3]
    assert 'aria-sort="descending"' in text
    assert f"?day={DAY}&amp;order=-entries&amp;page=2" in text
    assert "order=entries" in text


def test_without_a_day_it_shows_the_last_24_hours_and_says_so(cast, shown):
    text = shown()
    assert "History · last 24 hours" in text
    assert "Whole hours up to now, whatever the day." in text
    last_hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    make_hour(cast.store, last_hour, entries=4)
    assert "<b>4 people</b> came in during the last 24 hours." in shown()


def test_an_empty_day_leads_to_the_newest_day_with_numbers(cast, shown):
    make_hour(cast.store, MORNING, entries=4)
    text = shown(day="2026-06-20")
    assert f'<a href="?day={DAY}">Wednesday 1 July</a>' in text


@pytest.mark.parametrize("asked", [{"day": "yesterday"}, {"order": "password"}, {"page": "x"}])
def test_an_address_that_makes_no_sense_is_told_and_leads_back(shown, asked):
    assert "This page does not exist" in shown(status=400, **asked)


def test_the_repeated_hour_of_autumn_is_told_apart():
    hours = [{"starts_at": f"2026-10-25T0{hour}:00:00Z"} for hour in range(3)]
    assert list(hour_names(hours, "Europe/Berlin").values()) == [
        "02:00 (UTC+2)",
        "02:00 (UTC+1)",
        "03:00",
    ]


def test_days_of_23_and_25_hours_show_each_of_their_hours(shown):
    assert "All 23 hours" in shown(day="2026-03-28")  # the night to 29 March belongs to this day
    assert "All 25 hours" in shown(day="2026-10-24")


def test_a_second_click_on_a_column_turns_its_order():
    def next_of(order, name):
        return next(column["next"] for column in columns_of(order) if column["name"] == name)

    assert next_of("-starts_at", "entries") == "-entries"
    assert next_of("-entries", "entries") == "entries"
    assert next_of("entries", "entries") == "-entries"
