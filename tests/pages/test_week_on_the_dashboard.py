"""The usual week on the Dashboard: a table of its own, coloured in equal steps."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from analytics.week_page import week_context
from tests.pages.rows import make_hour

TEN = datetime(2026, 6, 23, 8, 0, tzinfo=UTC)  # a Tuesday in Berlin
pytestmark = pytest.mark.django_db


@pytest.fixture
def table(cast, as_user):
    def get() -> str:
        address = reverse("analytics:dashboard", kwargs={"store_slug": cast.store.slug})
        asked = {"from": "2026-06-23", "to": "2026-06-23"}
        text = as_user(cast.bob).get(address, asked).content.decode()
        [found] = re.findall(r'<section class="card week-card".*?</section>', text, re.DOTALL)
        return " ".join(html.unescape(found).split())

    return get


def test_it_is_a_table_with_hours_down_and_weekdays_across(cast, table):
    cast.store.opening_hours = {"tue": [["10:00", "12:00"]], "wed": [["10:00", "11:00"]]}
    cast.store.save()
    make_hour(cast.store, TEN, entries=12)
    make_hour(cast.store, TEN + timedelta(hours=1), entries=0)
    text = table()
    assert re.findall(r'<abbr title="(\w+)">', text)[0::6] == ["Monday", "Sunday"]
    assert re.findall(r'<th scope="row">([\d:]+)</th>', text) == ["10:00", "11:00"]
    assert 'title="Tuesday 10:00: 12 people, of 1 hour" data-rests="1">12</td>' in text
    assert '<td class="q6"' in text
    assert '<td class="q0" title="Tuesday 11:00: Nobody, of 1 hour" data-rests="1">0</td>' in text
    assert text.count('<td class="unseen"') == 1  # Wednesday 10:00
    assert text.count('<td class="closed">') == 11
    assert "27 May to 23 Jun" in text
    assert "Rests on 1 day; 10 open hours are left out" in text


def test_without_any_hour_that_was_seen_it_says_what_it_needs(table):
    assert "Not seen enough yet" in table()


def answer(**values: float | None):
    cells = [
        {"weekday": 0, "hour": hour, "value": value, "rests_on": 2, "left_out": 0, "is_open": True}
        for hour, value in values.items()
    ]
    most = max((value for value in values.values() if value is not None), default=None)
    return {
        "from": "2026-05-27", "to": "2026-06-23", "days": 1, "most": most,
        "hours": list(values), "cells": cells,
    }  # fmt: skip


def test_colours_go_from_nobody_to_the_most_in_equal_steps():
    told = week_context(answer(a=0.0, b=0.5, c=10.0, d=10.5, e=60.0, f=None))["week"]
    levels = [cells[0]["level"] for _, cells in told["rows"]]
    assert levels == [0, 1, 1, 2, 6, 0]
    assert [cells[0]["people"] for _, cells in told["rows"]] == [0, 1, 10, 11, 60, None]


def test_where_nobody_ever_came_every_cell_has_the_colour_of_nobody():
    told = week_context(answer(a=0.0, b=0.0))["week"]
    assert [cells[0]["level"] for _, cells in told["rows"]] == [0, 0]
