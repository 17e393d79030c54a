"""Every shop today: what is told of it, what it is compared with, and what it costs to ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Store
from analytics.api import live_snapshot
from analytics.overview import QUERIES_A_SHOP, ShopToday, opening_now, shops_today
from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop, tell
from tests.cast import Cast, make_camera, make_cast, make_line, make_store, make_zone
from tests.pages.rows import make_hour, make_recording
from tracking.models import Recording
from zones.models import Zone

pytestmark = pytest.mark.db
# A Tuesday in Berlin, 15:02 on the wall; the business day began at 04:00.
NOW = datetime(2026, 6, 2, 13, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


def today(store: Store, now: datetime = NOW) -> ShopToday:
    [found] = shops_today([store], now)
    return found


def ask(user, **query):
    client = APIClient()
    if user is not None:
        client.force_login(user)
    return client.get("/api/v1/overview/", query)


def test_everybody_finds_their_own_shops_and_no_other(cast):
    both = make_store("Another shop")
    cast.alice.memberships.create(store=both)

    def names(user) -> list[str]:
        return [shop["store"]["name"] for shop in ask(user).json()["shops"]]

    assert names(cast.alice) == ["Another shop", "Corner shop"]
    assert names(cast.charlie) == ["Far shop"]
    assert ask(None).status_code == 401
    assert ask(cast.alice, store="1").status_code == 400


def test_what_happens_elsewhere_changes_nothing_here(cast):
    before = today(cast.store)
    make_hour(cast.elsewhere, NINE_UTC, entries=7)
    make_recording(cast.elsewhere, state=Recording.State.FAILED)
    assert today(cast.store) == before


def test_the_numbers_are_those_of_the_live_page(cast):
    shop = make_shop(cast.store)
    facts = make_facts(shop, NOW - timedelta(minutes=9))
    for second in (1, 2, 3):
        facts.step(second)
    facts.step(60, "out")
    facts.seen(0, 500)
    facts.commit()
    tell(cast.store, "corrected", NOW - timedelta(minutes=2), 4)
    found, live = today(cast.store), live_snapshot(cast.store, NOW)
    assert (found.now, found.entries, found.exits) == (6, 3, 1)
    assert (live["occupancy"]["now"], live["today"]["entries"], live["today"]["exits"]) == (6, 3, 1)
    assert found.observed == live["today"]["observed"]


def test_a_correction_in_an_hour_that_nobody_has_seen_yet_holds_at_once(cast):
    facts = make_facts(make_shop(cast.store), NOW - timedelta(minutes=9))
    facts.step(1)
    facts.seen(0, 300)
    facts.commit()  # all of it before 15:00; the correction comes after
    tell(cast.store, "corrected", NOW - timedelta(minutes=1), 2)
    assert today(cast.store).now == 3


def test_who_is_in_is_unknown_without_an_entrance_or_when_nobody_looks(cast):
    assert "No entrance line" in (today(cast.store).why_null or "")
    facts = make_facts(make_shop(cast.store), NINE_UTC)
    facts.step(1)
    facts.seen(0, 600)
    facts.commit()
    found = today(cast.store)
    assert (found.now, found.entries) == (None, 1)
    assert "No camera or recording" in (found.why_null or "")
    assert found.last_seen_at == NINE_UTC + timedelta(minutes=10)


def test_a_shop_that_was_not_seen_has_no_number_and_says_when_it_was_seen_last(cast):
    assert today(cast.store).last_seen_at is None
    make_hour(cast.store, NINE_UTC - 2 * timedelta(days=1), entries=4)
    found = today(cast.store)
    assert (found.now, found.entries, found.observed) == (None, None, None)
    assert found.last_seen_at == NINE_UTC - 2 * timedelta(days=1) + HOUR


def test_today_is_compared_with_the_same_weekday_by_like_hours_alone(cast):
    # 10:00, 11:00 and 12:00 here; a week before 10:00 and 11:00, of which 11:00 was half seen.
    for hour, entries in enumerate((12, 20, 30)):
        make_hour(cast.store, NINE_UTC + hour * HOUR, entries=entries)
    make_hour(cast.store, NINE_UTC - WEEK, entries=10)
    make_hour(cast.store, NINE_UTC + HOUR - WEEK, entries=999, minutes=30)
    # The day before is no partner, though it was seen whole.
    make_hour(cast.store, NINE_UTC - timedelta(days=1), entries=500)
    compared = today(cast.store).compared
    assert (compared.here, compared.there, compared.hours) == (12, 10, 1)
    assert compared.change == pytest.approx(0.2)
    nothing = today(cast.elsewhere).compared
    assert nothing.change is None
    assert nothing.why_null


def test_the_hours_are_those_of_the_business_day(cast):
    make_hour(cast.store, NINE_UTC, entries=12)
    hours = today(cast.store).hours
    assert len(hours) == 24
    assert hours[0].starts_at == datetime(2026, 6, 2, 2, 0, tzinfo=UTC)  # 04:00 in Berlin
    assert {hour.starts_at: hour.entries for hour in hours}[NINE_UTC] == 12
    assert sum(hour.entries is not None for hour in hours) == 1


def test_one_thing_is_said_and_a_warning_before_anything_else(cast):
    cast.store.opening_hours = {"tue": [["10:00", "14:00"]]}
    cast.store.save()
    for hour in range(4):
        make_hour(cast.store, NINE_UTC + hour * HOUR, entries=10 + hour, exits=10 + hour)
    insight = today(cast.store).insight
    assert insight is not None
    assert insight.rule == "busiest_hour"
    assert "13:00" in insight.text
    make_hour(cast.elsewhere, NINE_UTC, entries=50)
    warning = today(cast.elsewhere).insight
    assert warning is not None
    assert warning.rule == "partly_seen"


def test_cameras_say_whether_they_look_and_whether_they_should(cast):
    facts = make_facts(make_shop(cast.store), NOW - timedelta(minutes=5))
    facts.seen(0, 60)
    facts.commit()
    make_camera(cast.store, "North door", source="rtsp://user:secret@10.0.0.7/1")
    told = [(camera.name, camera.looking, camera.live) for camera in today(cast.store).cameras]
    assert told == [("Door", True, False), ("North door", False, True)]


def test_work_is_told_by_state(cast):
    states = Recording.State
    kinds = (states.RUNNING, states.QUEUED, states.QUEUED, states.FAILED, states.QUARANTINED)
    for state in (*kinds, states.DONE):
        make_recording(cast.store, state=state)
    jobs = today(cast.store).jobs
    assert (jobs.working, jobs.waiting, jobs.failed) == (1, 2, 2)


@pytest.mark.parametrize(
    ("week", "now", "is_open", "changes_at"),
    [
        ({}, "2026-06-02T13:00", True, None),
        ({"tue": [["09:00", "18:00"]]}, "2026-06-02T13:00", True, "2026-06-02T16:00"),
        ({"tue": [["09:00", "18:00"]]}, "2026-06-02T05:00", False, "2026-06-02T07:00"),
        ({"tue": [["09:00", "18:00"]]}, "2026-06-02T16:00", False, "2026-06-09T07:00"),
        # Over midnight: open until 02:00 on Wednesday.
        ({"tue": [["20:00", "02:00"]]}, "2026-06-02T23:00", True, "2026-06-03T00:00"),
    ],
)  # fmt: skip
def test_a_shop_says_until_when_it_is_open_or_closed(cast, week, now, is_open, changes_at):
    cast.store.opening_hours = week
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    then = datetime.fromisoformat(changes_at).replace(tzinfo=UTC) if changes_at else None
    assert opening_now(cast.store, at) == (is_open, then)


def queries_of(stores: list[Store]) -> list[str]:
    shops_today(stores, NOW)  # folds what is behind: that is no part of reading
    with CaptureQueriesContext(
        connection,
    ) as taken:
        shops_today(stores, NOW)
    return [each["sql"] for each in taken.captured_queries]


def test_the_day_takes_as_many_queries_for_much_as_for_little_and_reads_no_events(cast):
    stores = [make_store(f"Shop {n}") for n in range(4)]
    for store in stores:
        shop = make_shop(store)
        make_zone(shop.camera, "Queue", kind=Zone.Kind.QUEUE)
        make_line(shop.camera, "side")
    counts = []
    for _ in range(2):
        for store in stores:
            shop_facts = make_facts(
                _shop_of(store), NINE_UTC + len(counts) * HOUR, state=Recording.State.DONE
            )
            for n in range(1 + 40 * len(counts)):
                shop_facts.step(n * 2)
                shop_facts.stay(n * 2, 5)
            shop_facts.seen(0, 3600)
            shop_facts.commit()
        counts.append([len(queries_of(stores[:many])) for many in (1, 2, 4)])
    few, much = counts
    assert few == much
    # Four for all of them together, and for each shop what is said to be the most.
    assert few == [4 + QUERIES_A_SHOP * many for many in (1, 2, 4)]
    assert not [sql for sql in queries_of(stores) if "tracking_trackingevent" in sql]


def _shop_of(store: Store) -> Shop:
    camera = store.cameras.get()
    return Shop(store, camera, camera.lines.get(name="entrance"), camera.zones.get(name="Shelf"))
