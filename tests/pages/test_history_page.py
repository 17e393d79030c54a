"""The History page: hours, what stands out, what was not seen."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics.history_page import columns_of, compared_words, hour_names
from analytics.rollups import clock_of
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
        # Where a number leads to is held by test_evidence_pages; here the numbers are read.
        plain = re.sub(r'<a class="behind"[^>]*>(.*?)</a>', r"\1", response.content.decode())
        return " ".join(plain.split())

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


def shut_but(store, *spans: tuple[str, str]) -> None:
    """Have the store open at these hours of a Wednesday alone."""
    store.opening_hours = {"wed": [list(span) for span in spans]}
    store.save()


def states_of(text: str) -> dict[str, str]:
    """Return the hours of the page by what is said of them."""
    return {hour["name"]: hour["state"] for hour in hours_in(text)}


def hours_in(text: str) -> list[dict[str, Any]]:
    """Return the hours that the page hands to its chart."""
    (told,) = re.findall(r'id="history-hours"[^>]*>(.*?)</script>', text)
    found: list[dict[str, Any]] = json.loads(told)
    return found


def test_a_closed_hour_is_closed_and_not_one_that_nobody_saw(cast, shown):
    shut_but(cast.store, ("10:00", "12:30"), ("14:00", "15:00"))
    make_hour(cast.store, MORNING, entries=3)
    make_hour(cast.store, MORNING + timedelta(hours=8), entries=2, exits=1)
    text = shown(day=DAY)
    states = states_of(text)
    assert [name for name, state in states.items() if state != "closed"] == [
        "10:00", "11:00", "12:00", "14:00",
    ]  # fmt: skip
    assert (states["10:00"], states["11:00"]) == ("seen", "unseen")
    assert text.count("<b>3 open hours not seen.</b>") == 1
    assert "Open 10:00 to 12:30 and 14:00 to 15:00." in text
    assert "<b>5 people</b> came in on Wednesday 1 July, 2 of them outside opening hours." in text
    assert "<b>Outside opening hours</b> 2 people came in and 1 went out." in text
    assert "The busiest hour was <b>10:00</b>." in text
    assert '<i class="lg closed"></i>closed' in text


def test_a_closed_day_is_closed_with_the_name_of_the_special_day(cast, shown):
    shut_but(cast.store, ("10:00", "12:00"))
    cast.store.special_days = {DAY: {"spans": [], "name": "Stocktaking"}}
    cast.store.save()
    text = shown(day=DAY)
    assert "<b>The shop is closed</b> on Wednesday 1 July, and nobody looked." in text
    assert "Closed (Stocktaking)." in text
    assert 'class="nodata"' not in text
    make_hour(cast.store, MORNING, entries=2)
    text = shown(day=DAY, compare="week")
    assert "<b>2 people</b> came in on Wednesday 1 July, 2 of them outside" in text
    assert "Not compared with a week before. The shop was closed in all of these hours." in text


def test_an_hour_of_which_too_little_was_seen_is_hatched_and_names_no_busiest(cast, shown):
    make_hour(cast.store, MORNING, entries=9, minutes=55)
    text = shown(day=DAY)
    assert states_of(text)["10:00"] == "partly"
    assert "<b>1 hour seen in part only.</b>" in text
    assert "The busiest" not in text
    assert "so none is called the busiest or the quietest." in text


def test_an_hour_of_today_that_has_not_begun_is_still_to_come(cast, shown):
    today = clock_of(cast.store).business_day(timezone.now())
    text = shown(day=today.isoformat())
    states = list(states_of(text).values())
    at = states.index("running")
    assert set(states[:at]) <= {"unseen"} and set(states[at + 1 :]) <= {"ahead"}
    assert len(states) - states.count("unseen") == 1 + states.count("ahead")


def test_a_comparison_says_than_when_and_by_how_many_like_hours(cast, shown):
    for weeks, entries in ((0, 12), (1, 10)):
        make_hour(cast.store, MORNING - timedelta(weeks=weeks), entries=entries)
    make_hour(cast.store, MORNING + timedelta(hours=1), entries=50)
    text = shown(day=DAY, compare="week")
    assert "<b>20 % more people than</b> a week before." in text
    assert (
        "<b>20 % more people than</b> a week before (Wednesday 24 June 2026): 12 against 10."
        in text
    )
    assert "Counted are the 1 of 24 open hours that are over" in text
    there = {hour["name"]: hour["there"] for hour in hours_in(text)}
    assert {name: count for name, count in there.items() if count is not None} == {"10:00": 10}
    # The choice stays in every address of the page, and in the form of the day.
    assert '<input type="hidden" name="compare" value="week">' in text
    assert f"?day={DAY}&amp;compare=week&amp;page=2" in text
    assert "Not compared with the day before." in shown(day=DAY, compare="previous")
    assert "A week before" not in shown(day=DAY)


@pytest.mark.parametrize(
    ("now", "then", "words"),
    [
        (99, 100, "About as many people as"),
        (101, 100, "About as many people as"),
        (103, 100, "3 % more people than"),
        (50, 100, "50 % fewer people than"),
        (1100, 100, "1,000 % more people than"),
    ],
)
def test_a_change_is_told_in_words(now, then, words):
    compared = {"how": "week", "change": round(now / then - 1, 4), "from": DAY}
    told = compared_words(compared, is_day=True)
    assert told is not None
    assert (told["words"], told["than"]) == (words, "a week before")


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


@pytest.mark.parametrize(
    "asked", [{"day": "yesterday"}, {"compare": "x"}, {"order": "password"}, {"page": "x"}]
)
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


def test_the_download_menu_asks_for_what_the_page_shows(cast, as_user, shown):
    make_hour(cast.store, MORNING, entries=5, exits=2)
    for asked in ({"day": DAY, "order": "-entries", "page": 2}, {"order": "entries"}):
        text = shown(**asked)
        links = [html.unescape(link) for link in re.findall(r'href="([^"]+)" download', text)]
        assert len(links) == 4
        span = f"day={DAY}" if "day" in asked else "window=24h"
        assert all(span in link for link in links)
        assert [f"order={asked['order']}" in link for link in links] == [True, True, False, False]
        for link in links:
            assert as_user(cast.bob).get(link).status_code == 200
