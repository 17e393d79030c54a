"""The bars of the Dashboard's period, hour by hour or day by day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from tests.pages.rows import make_hour

TEN = datetime(2026, 6, 23, 8, 0, tzinfo=UTC)  # a Tuesday in Berlin
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(cast, as_user):
    def get(first: str = "2026-06-23", last: str = "2026-06-23", **asked: str) -> str:
        address = reverse("analytics:dashboard", kwargs={"store_slug": cast.store.slug})
        span = {"from": first, "to": last}
        text: str = as_user(cast.bob).get(address, span | asked).content.decode()
        return text

    return get


def bars_of(text: str) -> dict[str, Any]:
    [found] = re.findall(r'<script id="bars" type="application/json">(.*?)</script>', text)
    told: dict[str, Any] = json.loads(found)
    return told


@pytest.fixture
def shop(cast) -> None:
    cast.store.opening_hours = {
        day: [["10:00", "13:00"]] for day in ("mon", "tue", "wed", "thu", "fri")
    }
    cast.store.save()
    for hour, entries in enumerate((5, 0)):
        make_hour(cast.store, TEN + hour * HOUR, entries=entries)
    make_hour(cast.store, TEN - 7 * DAY, entries=9)


def test_a_day_has_a_bar_for_each_hour_that_it_was_open(shop, shown):
    text = shown()
    bars = bars_of(text)
    rows = [(row["name"], row["entries"], row["state"]) for row in bars["rows"]]
    assert rows == [("10:00", 5, "seen"), ("11:00", 0, "seen"), ("12:00", None, "unseen")]
    assert bars["marks"] == []
    assert "People coming in, hour by hour" in text
    assert len(re.findall(r"<th scope=\"row\">Tue 23 Jun, \d\d:00</th>", text)) == 3
    assert bars["than"] == ""


def test_who_came_while_it_was_closed_is_told_with_the_bars(shop, cast, shown):
    assert "The bars show people at any hour" not in shown()
    make_hour(cast.store, TEN + 4 * HOUR, entries=2)
    text = shown()
    assert "<b>5 people</b> came in" in text.replace("\u00a0", " ")
    assert sum(row["entries"] or 0 for row in bars_of(text)["rows"]) == 7
    assert "The bars show people at any hour, 2 of them outside opening hours." in text


def test_two_weeks_of_hours_are_marked_where_days_begin(shop, shown):
    bars = bars_of(shown("2026-06-10"))
    assert bars["by_hour"]
    assert len(bars["rows"]) == 10 * 3
    assert bars["marks"][:2] == [[0, "Wed 10"], [3, "Thu 11"]]
    assert len(bars["marks"]) == 10


def test_more_than_two_weeks_are_drawn_day_by_day(shop, shown):
    text = shown("2026-06-01", compare="week")
    bars = bars_of(text)
    assert not bars["by_hour"]
    assert [row["name"] for row in bars["rows"]][-2:] == ["Mon 22 Jun", "Tue 23 Jun"]
    assert [row["entries"] for row in bars["rows"] if row["entries"] is not None] == [9, 5]
    assert len(bars["marks"]) <= 8
    assert bars["than"] == ""
    assert "People coming in, day by day" in text


def toggle_of(text: str) -> list[tuple[str, str, bool]]:
    """Return the choices between hours and days: word, address and whether it is the one shown."""
    found = re.search(r"<nav[^>]* data-bars-by .*?</nav>", text)
    links = re.findall(
        r'<a href="([^"]*)"( aria-current="true")?>(\w+)</a>', found[0] if found else ""
    )
    return [(word, unescape(address), bool(shown)) for address, shown, word in links]


def test_a_week_is_drawn_by_hours_or_by_days_as_the_address_says(shop, shown):
    week = {"first": "2026-06-17", "last": "2026-06-23", "compare": "week"}
    span = "?from=2026-06-17&to=2026-06-23&compare=week"
    text = shown(**week)
    assert toggle_of(text) == [
        ("Hours", f"{span}#bars-title", True), ("Days", f"{span}&bars=days#bars-title", False),
    ]  # fmt: skip
    text = shown(**week, bars="days")
    assert [(word, on) for word, _, on in toggle_of(text)] == [("Hours", False), ("Days", True)]
    assert toggle_of(text)[0][1] == f"{span}#bars-title"
    bars = bars_of(text)
    assert not bars["by_hour"]
    assert [row["name"] for row in bars["rows"]][-2:] == ["Mon 22 Jun", "Tue 23 Jun"]
    assert [row["entries"] for row in bars["rows"]] == [None] * 6 + [5]
    # Its table, and the way from each number to its events.
    assert "People coming in, day by day" in text
    assert len(re.findall(r'<th scope="row">\w{3} \d\d Jun</th>', text)) == 7
    behind = "?of=entries&amp;at=2026-06-23T02%3A00%3A00Z&amp;until=2026-06-24T02%3A00%3A00Z"
    assert behind in text
    # Another period is shown the same way.
    assert '<input type="hidden" name="bars" value="days">' in text


def test_there_is_no_choice_where_one_of_both_says_nothing(shop, shown):
    one_day = shown(bars="days")
    assert (toggle_of(one_day), bars_of(one_day)["by_hour"]) == ([], True)
    month = shown("2026-06-01", bars="hours")
    assert (toggle_of(month), bars_of(month)["by_hour"]) == ([], False)


def test_like_hours_stand_beside_each_other(shop, shown):
    text = shown(compare="week")
    bars = bars_of(text)
    assert "</b> came in, 44 % fewer than a week before." in text  # 5 against 9
    assert bars["than"] == "a week before"
    assert [row["there"] for row in bars["rows"]] == [9, None, None]
    assert '<th scope="col" class="num">A week before</th>' in text


def test_a_day_on_which_the_shop_was_closed_says_so(shop, shown):
    text = shown("2026-06-21", "2026-06-21")  # a Sunday
    assert "Closed throughout" in text
    assert "data-bars-chart" not in text


def test_the_query_count_does_not_grow_with_the_people(
    cast, as_user, shop, django_assert_max_num_queries
):
    address = reverse("analytics:dashboard", kwargs={"store_slug": cast.store.slug})
    span = {"from": "2026-06-17", "to": "2026-06-23", "compare": "week"}
    client = as_user(cast.bob)
    client.get(address, span)
    with django_assert_max_num_queries(200) as few:
        client.get(address, span)
    before = len(few)
    for hour in range(2, 7):
        make_hour(cast.store, TEN + hour * HOUR, entries=500)
    client.get(address, span)
    with django_assert_max_num_queries(before):
        client.get(address, span)
