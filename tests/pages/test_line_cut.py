"""The line to the server is cut and comes back: what was told meanwhile appears, each once."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.furnished import FULL, MANAGER, put_into
from tests.pages.test_every_state import log_in
from tests.pages.test_failures_are_told import SOON_MS, Line
from tests.plugins.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
ROWS = """[...document.querySelectorAll('[data-feed] li[data-kind="in"] a')].map((a) => a.href)"""


@pytest.fixture(scope="module")
def somebody(browser: Browser, product: Product) -> Generator[BrowserContext, None, None]:
    put_into(product)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(SOON_MS)
    log_in(context, product.url, MANAGER)
    yield context
    context.close()


class Door:
    """A counter at the shop's door that tells who comes in, through the API."""

    def __init__(self, page: Page, base: str) -> None:
        told = page.evaluate("JSON.parse(document.getElementById('page-context').textContent)")
        cameras = page.evaluate("JSON.parse(document.getElementById('live-cameras').textContent)")
        self.page = page
        self.address = f"{base}{told['api']}events/"
        self.line = cameras[0]["lines"][0]["id"]
        self.base = base

    def tell(self, people: int) -> None:
        """Say of so many that they came in just now, a second apart."""
        at = datetime.now(UTC) - timedelta(seconds=people)
        rows = [
            {
                "client_key": uuid4().hex,
                "at": (at + timedelta(seconds=n)).isoformat(),
                "line": self.line,
                "direction": "in",
            }
            for n in range(people)
        ]
        token = next(
            each["value"] for each in self.page.context.cookies() if each["name"] == "csrftoken"
        )
        answer = self.page.request.post(
            self.address,
            data={"source": "door", "events": rows},
            headers={"X-CSRFToken": token, "Referer": self.base},
        )
        assert answer.status == 200, answer.text()
        assert answer.json()["taken"] == people


def test_what_was_told_while_the_line_was_cut_is_on_live_and_overview_each_once(
    product: Product, somebody: BrowserContext
):
    live, overview = somebody.new_page(), somebody.new_page()
    lines = [Line(page) for page in (live, overview)]
    live.goto(f"{product.url}/stores/{FULL}/live/")
    overview.goto(f"{product.url}/")
    for page in (live, overview):
        expect(page.locator("[data-conn-state]")).to_have_text("Live", timeout=SOON_MS)
        page.evaluate("document.body.dataset.since = 'the start'")
    door = Door(live, product.url)
    came = overview.locator(f'[data-shop="{FULL}"] .sin data')
    before, rows = int(came.inner_text()), live.evaluate(ROWS)

    door.tell(2)  # with the line there
    expect(came).to_have_text(str(before + 2), timeout=SOON_MS)
    for line in lines:
        line.cut()
    for page in (live, overview):
        expect(page.locator("[data-conn-state]")).to_have_text("Connecting again", timeout=SOON_MS)
    door.tell(7)
    live.wait_for_timeout(1000)
    assert len(live.evaluate(ROWS)) == len(rows) + 2, "it heard of it without a line"
    for line in lines:
        line.mend()
    expect(came).to_have_text(str(before + 9), timeout=SOON_MS)
    feed = live.locator('[data-feed] li[data-kind="in"]')
    expect(feed).to_have_count(len(rows) + 9, timeout=SOON_MS)
    expect(live.locator("[data-today-in]")).to_have_text(str(before + 9), timeout=SOON_MS)

    # The server asks for all of it anew, and events are told at the same time.
    lines[0].say("resync")
    door.tell(3)
    expect(feed).to_have_count(len(rows) + 12, timeout=SOON_MS)
    live.wait_for_timeout(1000)
    shown = live.evaluate(ROWS)
    assert len(shown) == len(set(shown)) == len(rows) + 12
    times = live.evaluate(
        "[...document.querySelectorAll('[data-feed] time')].map((t) => t.dateTime)"
    )
    assert times[:12] == sorted(times[:12], reverse=True)
    for page in (live, overview):
        assert page.evaluate("document.body.dataset.since") == "the start", "it was reloaded"
        page.close()


def test_what_was_told_between_the_page_and_its_line_is_not_missed(
    product: Product, somebody: BrowserContext
):
    """The line is held back until the page stands and something happened since it was made."""
    live, page = somebody.new_page(), somebody.new_page()
    live.goto(f"{product.url}/stores/{FULL}/live/")
    door = Door(live, product.url)
    for path, number in (
        ("/", f'[data-shop="{FULL}"] .sin data'),
        (f"/stores/{FULL}/history/", ""),
    ):
        line = Line(page)
        line.is_cut = True
        page.goto(product.url + path)
        if number:
            before = int(page.locator(number).inner_text())
            door.tell(2)
            line.mend()
            expect(page.locator(number)).to_have_text(str(before + 2), timeout=SOON_MS)
        else:
            words = page.locator(".ot-lead")
            found = re.search(r"(\d+) people", words.inner_text())
            assert found
            door.tell(2)
            line.mend()
            expect(words).to_contain_text(f"{int(found[1]) + 2} people", timeout=SOON_MS)
    live.close()
    page.close()
