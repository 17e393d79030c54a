"""The door of the insights, and the Dashboard that shows them and offers its numbers to take."""

from __future__ import annotations

import html
import json
import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from analytics.kpi_catalogue import CATALOGUE
from tests.analytics.shop import NINE_UTC, make_facts, make_shop
from tests.analytics.test_exports import both, fetch
from tests.cast import Cast, make_cast
from zones.models import Zone

pytestmark = pytest.mark.db
DAY = NINE_UTC.date()
SPAN = {"from": str(DAY), "to": str(DAY)}


@pytest.fixture
def cast(db, settings) -> Cast:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_cast()


@pytest.fixture
def shop(cast):
    """Four hours, well seen, and the same a week before with half the people; two zones."""
    shop = make_shop(cast.store)
    other = Zone.objects.create(camera=shop.camera, kind="queue", name="Till")
    for start, people in ((NINE_UTC - timedelta(days=7), 6), (NINE_UTC, 12)):
        facts = make_facts(shop, start, ended_at=start + timedelta(hours=4))
        for hour in range(4):
            for n in range(people):
                facts.step(hour * 3600 + n * 60)
                facts.step(hour * 3600 + n * 60 + 600, "out")
                facts.stay(hour * 3600 + n * 60, 90)
        shop.zone, first = other, shop.zone
        for n in range(15):
            facts.stay(n * 200, people * 10)
        shop.zone = first
        facts.seen(0, 4 * 3600 + 300)
        facts.commit()
    return shop


def ask(user, store, status=200, **query):
    client = APIClient()
    if user is not None:
        client.force_login(user)
    answer = client.get(f"/api/v1/stores/{store.public_id}/insights/", query or SPAN)
    assert answer.status_code == status
    return answer.json()


def test_sentences_come_from_the_stores_own_hours_and_zones(cast, shop):
    answer = ask(cast.bob, cast.store)
    texts = {each["rule"]: each["text"] for each in answer["sentences"]}
    assert texts["change"].startswith("100 % more people came in than in the same hours of the ")
    assert "(48 against 24, in 4 hours seen both times)" in texts["change"]
    assert texts["queue_wait"].startswith("Waiting at “Till” takes ")
    assert next(iter(texts)) == "partly_seen"
    assert {each["rule"] for each in answer["missing"]} == {"quiet_hours", "longest_dwell"}
    cited = {n["name"]: n["value"] for n in answer["sentences"][1]["numbers"]}
    assert (cited["came in"], cited["hours compared"]) == (48, 4)


def test_members_get_in_and_for_others_there_is_no_such_store(cast, shop):
    for user in (cast.alice, cast.bob):
        assert ask(user, cast.store)["sentences"]
    foreign = ask(cast.charlie, cast.store, 404)
    cast.store.public_id = uuid.uuid4()
    absent = ask(cast.charlie, cast.store, 404)
    assert absent | {"request_id": ""} == foreign | {"request_id": ""}
    ask(None, cast.elsewhere, 401)


@pytest.mark.parametrize(
    ("first", "last"), [("2025-01-01", "2026-06-03"), ("2026-06-03", "2026-06-01"), ("x", "y")]
)
def test_a_span_that_cannot_be_is_refused(cast, first, last):
    problem = ask(cast.bob, cast.store, 400, **{"from": first, "to": last})
    assert "to" in problem["errors"]


def test_it_reads_few_rows_and_no_event_however_long_the_span(cast, shop):
    client, address = APIClient(), f"/api/v1/stores/{cast.store.public_id}/insights/"
    client.force_login(cast.bob)
    long = {"from": str(DAY - timedelta(days=60)), "to": str(DAY)}
    client.get(address, long)  # folds what is behind
    counts = []
    for span in (SPAN, long):
        with CaptureQueriesContext(connection) as made:
            assert client.get(address, span).status_code == 200
        counts.append(len(made))
        assert not any("tracking_trackingevent" in each["sql"] for each in made)
    assert counts == [8, 8]


def test_the_dashboard_shows_them_and_hands_out_its_numbers(cast, shop):
    client = APIClient()
    client.force_login(cast.bob)
    page = client.get(f"/stores/{cast.store.slug}/dashboard/", SPAN | {"compare": "week"})
    text = page.content.decode()
    for each in ask(cast.bob, cast.store)["sentences"]:
        assert html.escape(each["text"]) in text
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)" download', text)]
    assert {re.sub(r".*exports/(\w+)\..*", r"\1", link) for link in links} == {
        "kpis", "hours", "days",
    }  # fmt: skip
    for link in links:
        assert f"from={DAY}&to={DAY}" in link
        assert client.get(link).status_code == 200


def test_key_numbers_are_the_apis_row_by_row(cast, shop):
    rows, table = both(cast.bob, cast.store, "kpis", **SPAN)
    client = APIClient()
    client.force_login(cast.bob)
    shown = client.get(f"/api/v1/stores/{cast.store.public_id}/kpis/", SPAN).json()["kpis"]
    assert [row["id"] for row in rows] == [kpi.id for kpi in CATALOGUE]
    for row, kpi in zip(table.to_pylist(), shown, strict=True):
        assert row.keys() == kpi.keys()
        for name, value in row.items():
            told = json.loads(value) if isinstance(kpi[name], dict) else value
            assert told == kpi[name], name
    fetch(cast.charlie, cast.store, "kpis.csv", status=404, **SPAN)
    fetch(cast.bob, cast.store, "kpis.csv", status=404, **SPAN, zone=str(uuid.uuid4()))
