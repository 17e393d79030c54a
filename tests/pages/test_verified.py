"""Whether its numbers equal their events stands on every page that shows past ones."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from analytics import proof
from analytics.fresh import reach_of
from analytics.models import Bucket
from analytics.summaries import fold_dirty
from tests.analytics.shop import make_facts, make_shop

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 2)
ASKED = {
    "analytics:history": {"day": "2026-06-02"},
    "analytics:dashboard": {"from": "2026-06-01", "to": "2026-06-02"},
}


@pytest.fixture
def shop(cast):
    shop = make_shop(cast.store)
    facts = make_facts(shop)
    facts.step(10)
    facts.step(20)
    facts.commit()
    fold_dirty()
    return shop


@pytest.fixture(params=sorted(ASKED))
def shown(request, cast, as_user):
    """Return the text of the page as a person sees it."""

    def get(person=cast.alice) -> str:
        address = reverse(request.param, kwargs={"store_slug": cast.store.slug})
        response = as_user(person).get(address, ASKED[request.param])
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


def verify(shop):
    return proof.verify_day(shop.store, DAY, reach_of(shop.store))


def test_a_page_says_when_its_numbers_were_verified_and_what_was_counted_since(shop, shown):
    assert "Not verified yet" in shown()
    row = verify(shop)
    at = row.verified_at.astimezone(ZoneInfo(shop.store.timezone))
    assert f"Verified {at:%H:%M}</h2>" in shown()
    assert "Changed since" not in shown()
    facts = make_facts(shop)
    facts.step(30)
    facts.commit()
    assert "Changed since, and verified again in the night: Tuesday 2 June." in shown()


def test_a_wrong_row_is_named_and_a_manager_alone_is_offered_to_put_it_right(shop, shown, cast):
    Bucket.objects.filter(subject_kind="line").update(entries=3)
    verify(shop)
    told = (
        "Tuesday 2 June 2026, 10:00–10:05, line &#x27;entrance&#x27; of camera &#x27;Door&#x27;: "
        "came in 3 stored, 2 counted"
    )
    text = shown()
    assert "1 number differs from the events" in text and told in text
    assert 'data-put-right="2026-06-02"' in text and "data-verify " in text
    text = shown(cast.bob)
    assert told in text and "A manager of the store can put it right" in text
    assert "data-put-right" not in text and "data-verify " not in text
    proof.day_put_right(store=shop.store, day=DAY, user=cast.alice)
    assert "0 differ." in shown() and "differs from" not in shown()
