"""A name of forty letters and counts of six digits break no page, at any width."""

from __future__ import annotations

import os
from collections.abc import Generator
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from accounts.models import User
from accounts.services import membership_set
from analytics.models import Bucket, DirtyDay, PathSum
from analytics.path_sums import paths_refresh
from analytics.rollups import clock_of, floor_bucket
from tests.analytics.shop import make_facts, make_shop, tell
from tests.analytics.ways import make_zones, way
from tests.cast import MANAGER, Cast
from tests.pages.rows import make_hour, make_recording, make_run
from tools.screenshots.looking import SIDEWAYS, reach
from tools.screenshots.place import LONG_NAME
from tools.screenshots.sights import SIGHTS
from tracking.models import Customer, Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 900, 390, 360)
ZONES = ("Window table by the second big entrance", "Homeware shelf beside the tall staircase")
FILE = "a-very-long-file-name-without-any-space-" * 3 + ".mp4"
# What was written: a page that shows none of these proves nothing of them.
NUMBERS = ("654,321", "123,456", "234,567", "199,999")
# Texts that end outside the card they stand in, but for cards and boxes that scroll by themselves.
OVER_THE_EDGE = """() => {
  const scrolls = (node) => node && node !== document.body
    && (/auto|scroll/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  const told = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const host = text.parentElement;
    const card = host.closest('.kpi, .srow, td, .card');
    if (!text.data.trim() || !card || !host.checkVisibility() || scrolls(host)
        || host.closest('.sr, svg, template')) {
      continue;
    }
    const range = document.createRange();
    range.selectNodeContents(text);
    const { right } = range.getBoundingClientRect();
    const clipped = getComputedStyle(host).textOverflow === 'ellipsis';
    if (!clipped && right > card.getBoundingClientRect().right + 1) {
      told.push(`${text.data.trim().slice(0, 40)} in ${card.className}`);
    }
  }
  return told;
}"""


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Generator[None, None, None]:
    # Chromium's driver keeps an event loop in this thread; the test still uses the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def shop_full(cast: Cast) -> None:
    """Fill the corner shop with long names and large numbers of today and of the weeks before."""
    now = timezone.now()
    assert len(LONG_NAME) == 40
    cast.store.name = LONG_NAME
    # Whenever the test runs, the business day began some hours ago.
    began = now.astimezone(ZoneInfo(cast.store.timezone)) - timedelta(hours=6)
    cast.store.business_day_start = began.time().replace(minute=0, second=0, microsecond=0)
    cast.store.save()
    User.objects.filter(pk=cast.alice.pk).update(
        first_name="Wolfeschlegelsteinhausen", last_name="Bergerdorff", is_staff=True
    )
    membership_set(user=cast.alice, store=cast.elsewhere, role=MANAGER)
    facts = make_facts(make_shop(cast.store, LONG_NAME), now - timedelta(minutes=50))
    a, b = make_zones(facts, *ZONES)
    for second in (0, 60, 120):
        way(facts, second, a, b)
    facts.step(5)
    facts.step(10, "out")
    facts.stay(20, 30)
    facts.seen(0, 2990)
    facts.commit()
    client = Customer.objects.create(
        public_id=uuid4(), store=cast.store, first_seen=now, last_seen=now,
        visit_count=123_456, notes=f"{LONG_NAME} " * 4,
    )  # fmt: skip
    Visit.objects.filter(store=cast.store).update(customer=client)
    last_week = floor_bucket(now - timedelta(days=7)).replace(minute=0)
    make_hour(cast.store, last_week, entries=654_321, exits=654_321)
    make_run(make_recording(cast.store, FILE, state="done"))
    make_recording(cast.store, FILE, state="failed", error_code="no_video")
    rows = Bucket.objects.filter(store=cast.store, starts_at__gte=now - timedelta(hours=1))
    rows.filter(subject_kind="line", entries__gt=0).update(entries=654_321, exits=654_321)
    rows.filter(subject_kind="zone", stays__gt=0).update(stays=234_567, h05=234_567)
    paths_refresh(cast.store)  # its clock is another than when it was made
    PathSum.objects.filter(store=cast.store).update(times=123_456)
    # Nobody went out by the events, which are few: the rest is told.
    for value in (100_000, 99_999):
        tell(cast.store, "corrected", now - timedelta(minutes=1), value)
    today = clock_of(cast.store).business_day(now)
    DirtyDay.objects.get_or_create(store=cast.store, business_day=today)


@pytest.fixture
def tab(cast: Cast, as_user, browser: Browser, live_server) -> Generator[Page, None, None]:
    context = browser.new_context()
    key = as_user(cast.alice).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_no_page_scrolls_sideways_and_no_word_leaves_its_card(
    cast: Cast, shop_full, tab: Page, live_server
):
    broken, said = [], ""
    for sight in SIGHTS:
        path = sight.path.format(shop=cast.store.slug, demo=cast.store.slug)
        if "nothing-yet" in path or sight.cut or not sight.logged_in:
            continue
        tab.set_viewport_size({"width": WIDTHS[0], "height": 900})
        reach(tab, live_server.url + path, sight)
        tab.evaluate(sight.do or "null")
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 900})
            tab.wait_for_timeout(150)
            found = [tab.evaluate(SIDEWAYS), *tab.evaluate(OVER_THE_EDGE)]
            broken += [f"{sight.name} at {width}: {each}" for each in found if each]
        said += tab.locator("main").first.inner_text()
    assert broken == []
    assert [text for text in (*NUMBERS, LONG_NAME, *ZONES, FILE) if text not in said] == []
