"""The doors of the numbers: who gets in, what they say, how many queries they take."""

from __future__ import annotations

import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone as clock
from rest_framework.test import APIClient

from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop
from tests.cast import Cast, make_cast
from tracking.models import Recording

pytestmark = pytest.mark.db
DOORS = (
    "live/",
    "summaries/?from=2026-06-01&to=2026-06-03&compare=week",
    "history/?day=2026-06-02&compare=previous",
)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def shop(cast) -> Shop:
    return make_shop(cast.store)


@pytest.fixture
def shop_now(cast) -> Shop:
    """A shop whose business day began some hours ago, whenever the test runs."""
    began = clock.now().astimezone(ZoneInfo(cast.store.timezone)) - timedelta(hours=6)
    cast.store.business_day_start = began.time().replace(minute=0, second=0, microsecond=0)
    cast.store.save()
    return make_shop(cast.store)


def ask(user, store, door: str, /, **query):
    client = APIClient()
    if user is not None:
        client.force_login(user)
    return client.get(f"/api/v1/stores/{store.public_id}/{door}", query or None)


@pytest.mark.parametrize("door", DOORS)
def test_members_get_in_and_for_others_there_is_no_such_store(cast, door):
    for user in (cast.alice, cast.bob):
        assert ask(user, cast.store, door).status_code == 200
    foreign = ask(cast.charlie, cast.store, door)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    cast.store.public_id = uuid.uuid4()
    absent = ask(cast.charlie, cast.store, door)
    assert absent.json() | {"request_id": ""} == foreign.json() | {"request_id": ""}
    assert ask(None, cast.elsewhere, door).status_code == 401


def test_another_stores_recording_is_not_shown(cast):
    theirs = make_facts(make_shop(cast.elsewhere)).run.recording
    answer = ask(cast.alice, cast.store, "live/", recording=str(theirs.public_id))
    assert answer.status_code == 404


def test_what_happens_elsewhere_changes_no_byte_of_our_answers(cast, shop_now):
    now = clock.now()
    answers = []
    for each in (shop_now, make_shop(cast.elsewhere)):
        facts = make_facts(each, now - timedelta(minutes=10))
        facts.step(1)
        facts.stay(1, 5)
        facts.seen(0, 600)
        facts.commit()
        answers.append([ask(cast.alice, cast.store, door).json() for door in DOORS])
    before, after = answers
    assert after[1:] == before[1:]
    assert after[0]["today"]["entries"] == before[0]["today"]["entries"] == 1
    for part in ("as_of_seq", "occupancy", "zones", "buckets", "jobs"):
        assert after[0][part] == before[0][part]


def test_the_snapshot_is_what_the_contract_says(cast, shop_now):
    now = clock.now()
    facts = make_facts(shop_now, now - timedelta(minutes=8))
    facts.step(1)
    facts.seen(0, 480)
    seq = facts.commit()
    told = ask(cast.bob, cast.store, "live/").json()
    assert told["as_of_seq"] == seq == 2
    assert told["store"]["id"] == str(cast.store.public_id)
    assert told["occupancy"]["now"] == 1
    assert told["today"]["entries"] == 1
    assert told["recording"]["numbers"]["entries"] == 1
    assert told["recording"]["state"] == "running"
    assert told["server_time"].endswith("Z")
    assert set(told) == {
        "as_of_seq", "store", "server_time", "business_day", "occupancy", "today", "zones",
        "buckets", "recording", "jobs", "cameras",
    }  # fmt: skip


def test_the_snapshot_takes_as_many_queries_for_much_as_for_little(
    cast, shop, django_assert_num_queries
):
    client = APIClient()
    client.force_login(cast.alice)
    address = f"/api/v1/stores/{cast.store.public_id}/live/"
    now = clock.now()
    facts = make_facts(shop, now - timedelta(minutes=9), state=Recording.State.RUNNING)
    queries = 29
    for name in ("Back door", "Side door"):
        for n in range(10):
            facts.step(n)
            facts.stay(n, 5)
            facts.visit(n, 3)
        facts.commit()
        with django_assert_num_queries(queries):
            assert client.get(address).status_code == 200
        make_shop(cast.store, name)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-06-03", "to": "2026-06-01"},
        {"from": "2024-01-01", "to": "2026-06-01"},
        {"from": "2026-06-01"},
        {"from": "0001-01-01", "to": "0001-01-01"},
        {"from": "9999-12-31", "to": "9999-12-31"},
        {"from": "yesterday", "to": "2026-06-01"},
        {"from": "2026-06-01", "to": "2026-06-01", "period": "week"},
        {"from": "2026-06-01", "to": "2026-06-01", "store": "1"},
        {"from": "2026-06-01", "to": "2026-06-01", "compare": "yesterday"},
    ],
)
def test_summaries_refuse_what_makes_no_sense(cast, query):
    answer = ask(cast.alice, cast.store, "summaries/", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "query",
    [
        {"day": "2026-06-02", "window": "24h"},
        {"day": "2026-02-30"},
        {"page": 0},
        {"page_size": 10**9},
        {"order": "store__owner__password"},
        {"window": "48h"},
        {"compare": "quarter"},
    ],
)
def test_the_history_refuses_what_makes_no_sense(cast, query):
    assert ask(cast.alice, cast.store, "history/", **query).status_code == 400


def test_summaries_have_a_line_for_every_day_and_totals_over_all(cast, shop):
    for days in (0, 2):
        facts = make_facts(shop, NINE_UTC + timedelta(days=days))
        facts.step(1)
        facts.step(3700)
        facts.visit(1, 20)
        facts.seen(0, 3600)
        facts.commit()
    query = {"from": "2026-06-01", "to": "2026-06-04"}
    told = ask(cast.bob, cast.store, "summaries/", **query).json()
    assert [(r["business_day"][-2:], r["entries"]) for r in told["results"]] == [
        ("01", None), ("02", 2), ("03", None), ("04", 2),
    ]  # fmt: skip
    assert told["totals"]["entries"] == 4 and told["totals"]["visits"] == 2
    hours = ask(cast.bob, cast.store, "summaries/", period="hour", **query).json()["results"]
    assert len(hours) == 96 and sum(h["entries"] or 0 for h in hours) == 4
    assert hours[0]["starts_at"] == "2026-06-01T02:00:00Z" and hours[0]["utc_offset_s"] == 7200


def test_the_history_table_is_sorted_and_paged_by_the_server(cast, shop):
    facts = make_facts(shop)
    for minute, count in ((1, 3), (61, 1), (121, 2)):
        for n in range(count):
            facts.step(minute * 60 + n)
    facts.seen(0, 3 * 3600)
    facts.commit()
    ordered = {"day": "2026-06-02", "order": "-entries", "page_size": 2}
    first = ask(cast.bob, cast.store, "history/", page=1, **ordered).json()
    assert [r["entries"] for r in first["table"]["rows"]] == [3, 2]
    assert first["table"]["pages"] == 12 and len(first["hours"]) == 24
    second = ask(cast.bob, cast.store, "history/", page=2, **ordered).json()
    assert [r["entries"] for r in second["table"]["rows"]] == [1, None]
    # Totals and what stands out are of the whole day on every page.
    for part in ("totals", "peak", "slowest"):
        assert first[part] == second[part]
    assert first["totals"]["entries"] == 6
    assert [h["starts_at"] for h in first["peak"]] == ["2026-06-02T08:00:00Z"]
    past = ask(cast.bob, cast.store, "history/", page=99, **ordered).json()
    assert past["table"]["page"] == 12
    default = ask(cast.bob, cast.store, "history/").json()
    assert len(default["hours"]) == 24 and len(default["table"]["rows"]) == 12


def test_both_doors_tell_a_comparison_with_its_hours_and_why_there_is_none(cast, shop):
    for days, entries in ((0, 6), (-7, 4)):
        facts = make_facts(shop, NINE_UTC + timedelta(days=days))
        for n in range(entries):
            facts.step(n)
        facts.seen(0, 3600)
        facts.commit()
    told = ask(cast.bob, cast.store, "history/", day="2026-06-02", compare="week").json()
    expected = {
        "how": "week", "from": "2026-05-26", "to": "2026-05-26", "change": 0.5, "here": 6,
        "there": 4, "hours": 1, "of": 24, "why_null": None,
    }  # fmt: skip
    pair = {
        "starts_at": "2026-06-02T08:00:00Z",
        "there_starts_at": "2026-05-26T08:00:00Z",
        "here": 6,
        "there": 4,
    }
    assert told["compared"] == expected | {"pairs": [pair]}
    span = {"from": "2026-06-02", "to": "2026-06-02", "compare": "week"}
    for period in ("hour", "day"):
        summed = ask(cast.bob, cast.store, "summaries/", period=period, **span).json()
        assert summed["compared"] == expected | {"pairs": [pair]}
    none = ask(cast.bob, cast.store, "history/", day="2026-06-02", compare="year").json()
    assert none["compared"]["change"] is None and none["compared"]["here"] is None
    assert none["compared"]["why_null"].startswith("None of the hours to compare with")
    assert ask(cast.bob, cast.store, "history/", day="2026-06-02").json()["compared"] is None


def test_a_comparison_takes_as_many_queries_for_much_as_for_little(
    cast, shop, django_assert_num_queries
):
    client = APIClient()
    client.force_login(cast.alice)
    address = f"/api/v1/stores/{cast.store.public_id}/"
    doors = {
        f"{address}history/?day=2026-06-02&compare=week": 10,
        f"{address}summaries/?from=2026-05-01&to=2026-06-02&compare=year": 12,
    }
    for _ in range(2):
        for days in (0, -7, -364):
            facts = make_facts(shop, NINE_UTC + timedelta(days=days))
            facts.step(1)
            facts.seen(0, 3600)
            facts.commit()
        for door in doors:
            client.get(door)  # folds what is behind
        for door, queries in doors.items():
            with django_assert_num_queries(queries):
                assert client.get(door).status_code == 200


def test_hours_tell_their_open_time_and_what_was_counted_outside_it(cast, shop):
    cast.store.opening_hours = {"tue": [["11:00", "12:30"]]}
    cast.store.save()
    facts = make_facts(shop)
    facts.step(1)
    facts.step(3601, "out")
    facts.seen(0, 7200)
    facts.commit()
    told = ask(cast.bob, cast.store, "history/", day="2026-06-02").json()
    hours = {hour["starts_at"][11:13]: hour for hour in told["hours"]}
    words = ("entries", "entries_closed", "exits_closed", "open_ms", "observed_open_ms", "observed")
    assert [hours["08"][word] for word in words] == [1, 1, 0, 0, 0, None]
    assert [hours["09"][word] for word in words] == [0, 0, 0, 3_600_000, 3_600_000, 1.0]
    assert [hours["10"][word] for word in words] == [None, None, None, 1_800_000, 0, None]
    assert [told["totals"][word] for word in words] == [1, 1, 0, 5_400_000, 3_600_000, 0.6667]
