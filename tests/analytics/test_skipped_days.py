"""Samoa had no 30 December 2011: asked for that day, every door answers, with nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from accounts.services import membership_set
from analytics.comparisons import CLOSED, NONE_THERE, WAYS
from analytics.history import compared
from tests.analytics.shop import make_facts, make_shop
from tests.cast import MANAGER, make_store, make_user

pytestmark = pytest.mark.db
SKIPPED = date(2011, 12, 30)
DAY = timedelta(days=1)
# Noon of the 29th and of the 31st on the wall of Apia, a day of 24 hours apart.
NOON_BEFORE, NOON_AFTER = (datetime(2011, 12, day, 22, tzinfo=UTC) for day in (29, 30))
NOW = datetime(2012, 2, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def store(db):
    """A shop in which two came in at noon on the day before, and three on the day after."""
    store = make_store(timezone="Pacific/Apia")
    shop = make_shop(store)
    for noon, people in ((NOON_BEFORE, 2), (NOON_AFTER, 3)):
        facts = make_facts(shop, noon)
        for second in range(people):
            facts.step(second)
        facts.seen(0, 3600)
        facts.commit()
    return store


@pytest.mark.parametrize("how", WAYS)
def test_a_day_that_never_was_is_like_no_other(store, how):
    found = compared(store, SKIPPED, SKIPPED, how, NOW)
    assert (found.change, found.hours, found.of, found.why_null) == (None, 0, 0, CLOSED)
    assert (found.last - found.first).days == 0 and found.first < SKIPPED


def test_the_day_after_compared_with_a_day_that_never_was(store):
    found = compared(store, SKIPPED + DAY, SKIPPED + DAY, "previous", NOW)
    assert (found.change, found.why_null, found.first) == (None, NONE_THERE, SKIPPED)


def test_a_span_that_begins_with_such_a_day_names_the_days_that_it_is_compared_with(store):
    found = compared(store, SKIPPED, SKIPPED + DAY, "previous", NOW)
    assert (found.first, found.last) == (SKIPPED - 2 * DAY, SKIPPED - DAY)
    assert (found.here, found.there, found.change) == (3, 2, 0.5)


@pytest.mark.parametrize("how", WAYS)
def test_every_door_answers_for_such_a_day(store, how):
    alice = make_user("alice")
    membership_set(user=alice, store=store, role=MANAGER)
    client = Client()
    client.force_login(alice)
    api, page = f"/api/v1/stores/{store.public_id}", f"/stores/{store.slug}"
    span = {"from": str(SKIPPED), "to": str(SKIPPED)}
    day = {"day": str(SKIPPED), "compare": how}
    asked = {
        f"{api}/summaries/": {**span, "period": "hour", "compare": how},
        f"{api}/kpis/": {**span, "compare": how},
        f"{api}/insights/": span,
        f"{api}/movement/": span,
        f"{api}/verifications/": span,
        f"{api}/history/": day,
        f"{api}/exports/hours.csv": day,
        f"{api}/exports/days.csv": span,
        f"{api}/exports/events.csv": span,
        f"{api}/exports/kpis.csv": {**span, "compare": how},
        f"{page}/history/": day,
        f"{page}/dashboard/": {**span, "compare": how},
    }
    answers = {address: client.get(address, query).status_code for address, query in asked.items()}
    assert answers == dict.fromkeys(asked, 200)
    put_right = client.post(
        f"{api}/verifications/put-right/", {"day": str(SKIPPED)}, content_type="application/json"
    )
    assert (put_right.status_code, put_right.json()["differing"]) == (200, 0)
