"""Every key number, worked out by hand: the formula, the API and the page all say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from analytics import kpis
from analytics.calendar import BUCKET
from analytics.kpi_catalogue import CATALOGUE, GROUPS, written
from analytics.kpi_numbers import FORMULAS
from analytics.models import DWELL_EDGES_S, DirtyDay, KpiSettings
from analytics.sales import Sale, sales_take
from tests.analytics.shop import NINE_UTC, Kind, Shop, make_facts, make_shop, tell
from tests.cast import Cast, make_cast, make_line, make_zone
from zones.models import CountingLine, Zone

pytestmark = pytest.mark.db
MINUTE_MS = 60_000
API_QUERIES = 12
FROM, TO = "2026-06-02", "2026-06-03"


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def first_day(shop: Shop, queue: Shop, past: CountingLine) -> None:
    """Two hours seen: five people come in at 5, 10, 15, 20 and 80 min and all of them leave."""
    facts = make_facts(shop)
    for minute in (5, 10, 15, 20, 80):
        facts.step(minute * 60)
    for minute in (25, 35, 65, 70, 110):
        facts.step(minute * 60, "out")
    for n in range(24):
        facts.step(100 + n, "in" if n % 3 else "out", past)
    for seconds in (60, 90, 100, 600, 1000):
        facts.visit(400, seconds)
    facts.visit(400, 3000, inferred=True)
    facts.visit(500, 3000, inferred=True)
    for seconds in (12, 25, 150):
        facts.stay(700, seconds)
    facts.stay(800, 900, censored=True)
    facts.seen(0, 7200)
    facts.commit()
    facts.shop = queue
    facts.stay(900, 600)
    facts.stay(900, 1560)
    facts.commit()


def second_day(shop: Shop) -> None:
    """One hour seen: in at 10, 20 and 30 min, out at 40, and somebody adds one at 50."""
    start = NINE_UTC + timedelta(days=1)
    facts = make_facts(shop, start)
    for minute in (10, 20, 30):
        facts.step(minute * 60)
    facts.step(2400, "out")
    facts.seen(0, 3600)
    facts.commit()
    tell(shop.store, Kind.CORRECTED, start + timedelta(minutes=50), 1)


def sell(cast: Cast) -> None:
    """Sales in both hours seen, and in one that nobody saw."""
    told = ((15, 2, "30"), (75, 1, "10.50"), (200, 5, "99"))
    sales = [
        Sale(NINE_UTC + timedelta(minutes=minute), count, Decimal(amount), f"{minute}")
        for minute, count, amount in told
    ]
    sales_take(store=cast.store, sales=sales, source="till", user=cast.alice)


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def shop(cast) -> Shop:
    return make_shop(cast.store)


@pytest.fixture
def two_days(cast, shop) -> Shop:
    queue = replace(shop, zone=make_zone(shop.camera, "Till", kind=Zone.Kind.QUEUE))
    past = make_line(shop.camera, "pavement", kind=CountingLine.Kind.PASSER_BY)
    first_day(shop, queue, past)
    second_day(shop)
    sell(cast)
    return shop


def bins(*seconds: float) -> list[int]:
    counts = [0] * (len(DWELL_EDGES_S) + 1)
    for one in seconds:
        counts[kpis.histogram_bin(round(one * 1000), DWELL_EDGES_S)] += 1
    return counts


@dataclass(frozen=True)
class Hand:
    """A number worked out by hand, how a page writes it, and the formula that must give it."""

    value: float
    text: str
    formula: Callable[[], float | None]


VISITS, STAYS, WAITS = (60, 90, 100, 600, 1000), (12, 25, 150, 600, 1560), (600, 1560)
# People times minutes: day one 20 + 25 + 50 + 50 + 30; day two 50 + 40 + 30 - 20 + 10 of the
# correction. The times are seen from each way in to each way out.
DAY_ONE, DAY_TWO = 175 * MINUTE_MS, 110 * MINUTE_MS
BY_HAND = {
    "footfall": Hand(8, "8", lambda: kpis.footfall([4, 1, 3])),
    "entries": Hand(8, "8", lambda: sum([4, 1, 3])),
    "exits": Hand(6, "6", lambda: sum([2, 3, 1])),
    "balance": Hand(0.75, "75 %", lambda: kpis.balance(8, 6)),
    "capture_rate": Hand(0.25, "25 %", lambda: kpis.capture_rate(8, 24)),
    "peak_hour": Hand(4, "4", lambda: max(4, 1, 3)),
    "slowest_hour": Hand(1, "1", lambda: min(4, 1, 3)),
    "occupancy_mean": Hand(
        1.5833, "1.6", lambda: kpis.occupancy_mean(DAY_ONE + DAY_TWO, 180 * MINUTE_MS)
    ),
    "occupancy_peak": Hand(4, "4", lambda: kpis.occupancy_peak([4, 3])),
    "occupancy": Hand(3, "3", lambda: kpis.shown_occupancy(2, 1)),
    "occupancy_raw": Hand(2, "2", lambda: 3 - 1),
    "occupancy_corrected": Hand(3, "3", lambda: 3 - 1 + 1),
    "closing_residual": Hand(3, "3", lambda: kpis.closing_residual([0, 3])),
    # Day one alone ended with nobody inside: 175 min / 5 people.
    "stay_little": Hand(2100, "35:00", lambda: kpis.stay_by_littles_law_s(DAY_ONE, 5)),
    "visit_median": Hand(
        105, "1:45", lambda: kpis.histogram_median_s(bins(*VISITS), DWELL_EDGES_S)
    ),
    "visit_mean": Hand(370, "6:10", lambda: kpis.mean_s(1_850_000, 5)),
    "visit_p90": Hand(
        900, "15:00", lambda: kpis.histogram_percentile_s(bins(*VISITS), DWELL_EDGES_S, 0.9)
    ),
    "visit_total": Hand(1850, "30:50", lambda: kpis.total_s(1_850_000, 5)),
    "visit_censored": Hand(2, "2", lambda: 2),
    "bounce_rate": Hand(0.6, "60 %", lambda: kpis.bounce_rate(bins(*VISITS), DWELL_EDGES_S, 120)),
    "zone_visits": Hand(6, "6", lambda: 5 + 1),
    "zone_visit_rate": Hand(0.75, "0.8", lambda: kpis.zone_visit_rate(6, 8)),
    "dwell_median": Hand(150, "2:30", lambda: kpis.histogram_median_s(bins(*STAYS), DWELL_EDGES_S)),
    "dwell_mean": Hand(469.4, "7:49", lambda: kpis.mean_s(2_347_000, 5)),
    "dwell_p90": Hand(
        1500, "25:00", lambda: kpis.histogram_percentile_s(bins(*STAYS), DWELL_EDGES_S, 0.9)
    ),
    "dwell_total": Hand(2347, "39:07", lambda: kpis.total_s(2_347_000, 5)),
    "dwell_censored": Hand(1, "1", lambda: 1),
    # 600 s + 1560 s of waiting in three hours watched.
    "queue_length": Hand(0.2, "0.2", lambda: kpis.queue_length(2_160_000, 10_800_000)),
    "queue_wait_mean": Hand(1080, "18:00", lambda: kpis.mean_s(2_160_000, 2)),
    "queue_wait_p90": Hand(
        1680, "28:00", lambda: kpis.histogram_percentile_s(bins(*WAITS), DWELL_EDGES_S, 0.9)
    ),
    "transactions": Hand(8, "8", lambda: 2 + 1 + 5),
    # Of the hours seen on the day with sales: 3 transactions and 40.50, 5 people.
    "conversion": Hand(0.6, "60 %", lambda: kpis.conversion(3, 5)),
    "sales_per_visitor": Hand(8.1, "8.10", lambda: kpis.sales_per_visitor(40.5, 5)),
}


def api(user, store, **asked):
    client = APIClient()
    client.force_login(user)
    query = {"from": FROM, "to": TO} | asked
    return client.get(f"/api/v1/stores/{store.public_id}/kpis/", query)


def page(user, store, **asked) -> str:
    client = Client()
    client.force_login(user)
    query = {"from": FROM, "to": TO} | asked
    response = client.get(f"/stores/{store.slug}/dashboard/", query)
    assert response.status_code == 200
    return response.content.decode()


def told(user, store, **asked) -> dict[str, dict]:
    answer = api(user, store, **asked)
    assert answer.status_code == 200, answer.json()
    return {kpi["id"]: kpi for kpi in answer.json()["kpis"]}


def card_of(text: str, kpi: str) -> str:
    cards = re.split(r'<div class="[^"]*" data-kpi="', text)[1:]
    (card,) = [card for card in cards if card.startswith(f'{kpi}"')]
    return " ".join(card.split())


def number_on(text: str, kpi: str) -> str:
    found = re.search(r"<data [^>]*>(.*?)</data>", card_of(text, kpi))
    assert found
    return found[1]


def test_every_key_number_has_a_hand_worked_row_a_formula_and_a_meaning():
    ids = [kpi.id for kpi in CATALOGUE]
    assert ids == list(BY_HAND) == list(FORMULAS)
    for kpi in CATALOGUE:
        assert kpi.plain.endswith(".") and kpi.formula and kpi.source and kpi.group in GROUPS
    for name in (one for one in dir(kpis) if one in BY_HAND):
        assert ":" in (getattr(kpis, name).__doc__ or ""), name


@pytest.mark.parametrize("kpi", BY_HAND)
def test_the_formula_gives_the_number_worked_out_by_hand(kpi):
    hand = BY_HAND[kpi]
    assert hand.formula() == pytest.approx(hand.value, abs=5e-5)


def test_the_api_and_the_page_say_the_numbers_worked_out_by_hand(cast, two_days):
    found = told(cast.bob, cast.store)
    text = page(cast.bob, cast.store)
    for kpi, hand in BY_HAND.items():
        assert found[kpi]["value"] == pytest.approx(hand.value, abs=5e-5), kpi
        assert found[kpi]["text"] == hand.text == number_on(text, kpi), kpi
        assert found[kpi]["why_null"] is None, kpi
        assert found[kpi]["plain"] in text.replace("&#x27;", "'"), kpi
    assert list(found) == list(BY_HAND)


def test_what_is_not_known_is_a_dash_with_its_reason_and_never_a_zero(cast, shop):
    found = told(cast.bob, cast.store)
    text = page(cast.bob, cast.store)
    for kpi in BY_HAND:
        assert (found[kpi]["value"], found[kpi]["text"]) == (None, "—"), kpi
        assert found[kpi]["why_null"].endswith("."), kpi
        assert number_on(text, kpi) == "—" and found[kpi]["why_null"] in card_of(text, kpi)
    assert found["footfall"]["why_null"] == "Nothing was seen in this period."
    assert found["queue_length"]["why_null"] == "There was no queue zone in this period."
    assert found["capture_rate"]["why_null"] == "There was no passer-by line in this period."


def test_a_true_zero_is_a_zero(cast, shop):
    facts = make_facts(shop)
    facts.seen(0, 3600)
    facts.commit()
    found = told(cast.bob, cast.store)
    zeros = ("footfall", "entries", "exits", "occupancy", "zone_visits", "visit_censored")
    assert {kpi: found[kpi]["value"] for kpi in zeros} == dict.fromkeys(zeros, 0)
    assert found["balance"]["why_null"] == "Nobody came in, so there is nothing to share by."
    assert found["visit_median"]["why_null"] == "No visit was seen from its start to its end."


def test_numbers_that_warn_say_so(cast, two_days):
    found = told(cast.bob, cast.store)
    assert found["balance"]["level"] == "bad"
    assert "balance is not accuracy" in found["balance"]["plain"]
    assert found["stay_little"]["note"] == "1 day left out: somebody was still inside."
    assert found["stay_little"]["estimate"] is True
    assert found["visit_median"]["note"] == ("2 visits whose start or end was not seen left out.")
    text = page(cast.bob, cast.store)
    assert 'class="kpi-v bad"' in text and "estimate</span>" in text
    assert "seen 6 %" in card_of(text, "footfall") and 'class="cov low"' in text


def test_who_came_while_the_shop_was_closed_is_no_footfall_and_told_apart(cast, two_days):
    # Open from 10:00 to 11:00 on the clock: the one who came at 11:20 came to a closed shop.
    cast.store.opening_hours = {
        day: [["10:00", "11:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    }
    cast.store.save()
    found = told(cast.bob, cast.store)
    assert (found["footfall"]["value"], found["entries"]["value"]) == (7, 8)
    assert found["footfall"]["observed"] == 1.0
    assert found["slowest_hour"]["value"] == 3
    # Sales of the open hour, and the four who came in it.
    assert found["conversion"]["detail"] == {"transactions": 2, "visitors": 4}


def test_footfall_is_compared_by_like_hours_and_the_page_says_so(cast, two_days):
    # 10:00 to 11:00 of the second day, three people, against the same hour of the first, four.
    answer = api(cast.bob, cast.store, **{"from": TO}, compare="previous").json()["compared"]
    assert (answer["change"], answer["here"], answer["there"], answer["hours"]) == (-0.25, 3, 4, 1)
    card = card_of(page(cast.bob, cast.store, **{"from": TO}, compare="previous"), "footfall")
    assert "25 % fewer people than in the days before, in 1 like hour of 24." in card
    assert api(cast.bob, cast.store).json()["compared"] is None
    card = card_of(page(cast.bob, cast.store, compare="year"), "footfall")
    assert "Not compared with a year before." in card


def test_more_sales_than_visitors_are_told_and_not_cut_off(cast, two_days):
    sales = [Sale(NINE_UTC + timedelta(minutes=20), 10, None, "many")]
    sales_take(store=cast.store, sales=sales, source="till", user=cast.alice)
    conversion = told(cast.bob, cast.store)["conversion"]
    assert (conversion["value"], conversion["text"]) == (13 / 5, "260 %")
    assert conversion["level"] == "bad" and "More sales than visitors" in conversion["note"]


def test_a_zone_has_its_own_numbers_and_the_shops_stay(cast, two_days):
    shelf = two_days.zone
    found = told(cast.bob, cast.store, zone=str(shelf.public_id))
    assert found["zone_visits"]["value"] == 4
    assert found["dwell_mean"]["value"] == pytest.approx(187 / 3, abs=1e-3)
    assert found["dwell_median"]["value"] == 25
    assert found["queue_length"]["value"] is None
    assert found["footfall"]["value"] == 8
    assert f'value="{shelf.public_id}" selected' in page(
        cast.bob, cast.store, zone=str(shelf.public_id)
    )


def test_the_threshold_of_a_quick_look_is_the_stores_and_is_told(cast, two_days):
    KpiSettings.objects.create(store=cast.store, bounce_s=60)
    bounce = told(cast.bob, cast.store)["bounce_rate"]
    assert (bounce["value"], bounce["detail"]["threshold_s"]) == (0.2, 60)
    assert "Up to 1 min counts" in card_of(page(cast.bob, cast.store), "bounce_rate")
    with pytest.raises(ValueError, match="Choose one of"):
        kpis.bounce_rate(bins(1), DWELL_EDGES_S, 100)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"from": "2026-06-03", "to": "2026-06-01"}, 400),
        ({"to": "2028-06-03"}, 400),
        ({"from": "yesterday"}, 400),
        ({"compare": "never"}, 400),
        ({"zone": "till"}, 400),
        ({"zone": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"colour": "red"}, 400),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_its_field(cast, shop, asked, status):
    answer = api(cast.bob, cast.store, **asked)
    assert answer.status_code == status
    if status == 400:
        assert set(answer.json()["errors"]) <= {*asked, "to"}
        client = Client()
        client.force_login(cast.bob)
        if "colour" not in asked:
            shown = client.get(f"/stores/{cast.store.slug}/dashboard/", {"from": FROM} | asked)
            assert shown.status_code == 400 and b"This page does not exist" in shown.content


def test_a_zone_of_another_store_does_not_exist_nor_does_the_store(cast, shop):
    theirs = make_shop(cast.elsewhere)
    assert api(cast.bob, cast.store, zone=str(theirs.zone.public_id)).status_code == 404
    assert api(cast.charlie, cast.store).status_code == 404


def statements(client: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address, {"from": FROM, "to": TO}).status_code == 200
    return [one["sql"] for one in found.captured_queries]


def test_the_numbers_take_as_many_queries_for_much_as_for_little_and_read_no_event(cast, two_days):
    client = Client()
    client.force_login(cast.bob)
    doors = (
        f"/api/v1/stores/{cast.store.public_id}/kpis/",
        f"/stores/{cast.store.slug}/dashboard/",
    )
    for door in doors:
        statements(client, door)  # folds what is behind
    little = {door: len(statements(client, door)) for door in doors}
    facts = make_facts(two_days, NINE_UTC + BUCKET)
    for n in range(60):
        facts.step(n * 20, "in" if n % 2 else "out")
        facts.stay(n * 20, n)
        facts.visit(n * 20, n)
    facts.seen(0, 3000)
    facts.commit()
    DirtyDay.objects.all().delete()
    for door in doors:
        much = statements(client, door)
        assert len(much) == little[door]
        assert not [sql for sql in much if "tracking_trackingevent" in sql]
    assert little[doors[0]] == API_QUERIES


@pytest.mark.parametrize(
    ("door", "asked"),
    [("kpis/", {}), ("summaries/", {"period": "hour"}), ("exports/hours.csv", {})],
)
def test_what_is_compared_reads_its_own_hours_once(cast, two_days, door, asked):
    client = Client()
    client.force_login(cast.bob)
    with CaptureQueriesContext(connection) as found:
        query = {"from": FROM, "to": TO, "compare": "week", **asked}
        answer = client.get(f"/api/v1/stores/{cast.store.public_id}/{door}", query)
        assert answer.status_code == 200
    hours = [one for one in found.captured_queries if "'hour'" in one["sql"]]
    read = [one["sql"] for one in hours if one["sql"].startswith("SELECT")]
    assert len(read) == 2, "here and a week before"


def test_a_day_that_is_behind_is_folded_without_reading_an_event(cast, two_days):
    facts = make_facts(two_days, NINE_UTC + timedelta(hours=1))
    facts.step(10)
    facts.commit()
    tell(cast.store, Kind.OCCUPANCY_RESET, NINE_UTC + timedelta(minutes=90), 2)
    assert DirtyDay.objects.exists()
    client = Client()
    client.force_login(cast.bob)
    found = statements(client, f"/stores/{cast.store.slug}/dashboard/")
    assert not DirtyDay.objects.filter(store=cast.store).exists()
    assert not [sql for sql in found if "tracking_trackingevent" in sql]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (kpis.conversion(1, 0), None),
        (kpis.sales_per_visitor(1, 0), None),
        (kpis.capture_rate(0, 0), None),
        (kpis.capture_rate(50, 150), 0.25),
        (kpis.balance(0, 3), None),
        (kpis.balance(10, 30), -1.0),
        (kpis.queue_wait_estimate_s(6, 0, 900), None),
        (kpis.queue_wait_estimate_s(6, 9, 900), 600.0),
        (kpis.queue_wait_estimate_s(0, 9, 900), 0.0),
        (kpis.queue_length(1, 0), None),
        (kpis.occupancy_mean(5, 0), None),
        (kpis.occupancy_mean(-5, 10), 0.0),
        (kpis.stay_by_littles_law_s(10, 0), None),
        (kpis.closing_residual([]), None),
        (kpis.closing_residual([3, -2, 0]), 5),
        (kpis.zone_visit_rate(3, 2), 1.5),
        (kpis.bounce_rate([0] * 16, DWELL_EDGES_S, 120), None),
        (kpis.histogram_percentile_s([0] * 16, DWELL_EDGES_S, 0.9), None),
        (kpis.histogram_percentile_s([10] + [0] * 15, DWELL_EDGES_S, 0.9), 4.5),
        (kpis.histogram_percentile_s([0] * 15 + [1], DWELL_EDGES_S, 0.9), 3600.0),
        (kpis.mean_s(5, 0), None),
        (kpis.total_s(0, 0), None),
    ],
)
def test_edges_of_the_formulas(found, expected):
    assert found == expected


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "share", "—"),
        (0, "people", "0"),
        (2973, "people", "2,973"),
        (-4, "people", "\u22124"),
        (3.44, "mean_people", "3.4"),
        (3.91, "per_person", "3.9"),
        (0.004, "share", "under 1 %"),
        (0, "share", "0 %"),
        (0.9999, "share", "99 %"),
        (1.0, "share", "100 %"),
        (1.001, "share", "101 %"),
        (-0.5, "share", "\u221250 %"),
        (38.5, "s", "0:39"),
        (3766, "s", "1:02:46"),
        (43_500, "total_s", "12 h 5 min"),
        (7200, "total_s", "2 h"),
        (8.1, "money", "8.10"),
    ],
)
def test_numbers_are_written_as_people_write_them(value, unit, text):
    assert written(value, unit) == text
