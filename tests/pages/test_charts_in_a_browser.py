"""A chart in Chromium: a part of it by drag and by keyboard, a series left out, its table twin."""

from __future__ import annotations

import os
from collections.abc import Generator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.analytics.shop import NINE_UTC
from tests.cast import Cast
from tests.pages.rows import make_hour
from tests.pages.test_e2e_first_pages import AXE, LOOK

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = "2026-06-02"
WEEK = timedelta(weeks=1)
# How much of the chart has a colour, the grey of what it is compared with left out.
COLOURED = (
    "(() => { const c = document.querySelector('[data-hours-chart] canvas');"
    "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
    "for (let i = 0; i < d.length; i += 4)"
    " n += d[i + 3] > 200 && Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 60;"
    "return n; })()"
)


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Generator[None, None, None]:
    # Chromium's driver keeps an event loop in this thread; the tests still use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def history(as_user, cast: Cast, browser: Browser, live_server) -> Generator[Page, None, None]:
    """Yield the History of a day that is held against the week before, with Alice logged in."""
    for hour in range(8):
        at = NINE_UTC + hour * timedelta(hours=1)
        make_hour(cast.store, at, entries=10 + hour)
        make_hour(cast.store, at - WEEK, entries=12)
    key = as_user(cast.alice).cookies["sessionid"].value
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/stores/{cast.store.slug}/history/?day={DAY}&compare=week")
    page.locator("[data-hours-chart] canvas").wait_for()
    yield page
    context.close()


def drag(page: Page, begin: float, end: float) -> None:
    """Drag over the chart, from one share of its width to another."""
    box = page.locator("[data-hours-chart] .u-over").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=5)
    page.mouse.up()


def test_a_drag_shows_a_part_and_opens_nothing_and_show_all_brings_the_rest_back(history: Page):
    address, part = history.url, history.locator(".zoomed")
    expect(part).to_have_text("")
    drag(history, 0.27, 0.51)
    expect(part).to_have_text("10:00 to 17:00")
    assert history.url == address
    history.get_by_role("button", name="Later").click()
    expect(part).to_have_text("13:00 to 20:00")
    history.get_by_role("button", name="Show all").click()
    expect(part).to_have_text("")
    expect(history.get_by_role("button", name="Show all")).to_be_hidden()
    assert history.url == address


def test_the_same_by_keyboard_alone(history: Page):
    closer, part = history.get_by_role("button", name="Closer"), history.locator(".zoomed")
    closer.focus()
    history.keyboard.press("Enter")
    expect(part).to_have_text("10:00 to 22:00")
    history.keyboard.press("Enter")
    expect(part).to_have_text("13:00 to 19:00")
    history.keyboard.press("Shift+Tab")
    expect(history.get_by_role("button", name="Later")).to_be_focused()
    history.keyboard.press("Shift+Tab")
    expect(history.get_by_role("button", name="Earlier")).to_be_focused()
    history.keyboard.press("Enter")
    expect(part).to_have_text("10:00 to 16:00")
    history.get_by_role("button", name="Show all").focus()
    history.keyboard.press("Enter")
    expect(part).to_have_text("")
    expect(closer).to_be_focused()


def test_a_series_is_left_out_and_the_last_one_stays(history: Page):
    came = history.get_by_role("button", name="came in")
    before = history.get_by_role("button", name="like hours only")
    whole = history.evaluate(COLOURED)
    assert whole > 1000
    came.click()
    expect(came).to_have_attribute("aria-pressed", "false")
    assert history.evaluate(COLOURED) < whole / 10
    before.click()  # nothing would be left
    expect(before).to_have_attribute("aria-pressed", "true")
    came.click()
    before.click()
    expect(before).to_have_attribute("aria-pressed", "false")
    assert history.evaluate(COLOURED) > 1000


def test_the_part_stays_when_the_numbers_come_anew_and_a_press_still_opens_the_events(
    history: Page,
):
    drag(history, 0.27, 0.51)
    history.evaluate("dispatchEvent(new Event('ot-theme'))")
    expect(history.locator(".zoomed")).to_have_text("10:00 to 17:00")
    box = history.locator("[data-hours-chart] .u-over").bounding_box()
    assert box
    # The third of seven bars: 12:00 on the wall, 10:00 in UTC.
    history.mouse.click(box["x"] + box["width"] * 2.5 / 7, box["y"] + box["height"] / 2)
    history.wait_for_url("**/events/**")
    assert "at=2026-06-02T10" in history.url


def test_a_bar_of_a_day_opens_its_events_and_its_table_stays_when_hours_are_wanted(
    history: Page,
):
    shop = history.url.split("/history/")[0]
    history.goto(f"{shop}/dashboard/?from=2026-05-30&to={DAY}")
    history.get_by_role("link", name="Days", exact=True).click()
    history.wait_for_url("**bars=days**")
    box = history.locator("[data-bars-chart] .u-over").bounding_box()
    assert box
    # The last of four bars, which is the day itself.
    history.mouse.click(box["x"] + box["width"] * 3.5 / 4, box["y"] + box["height"] / 2)
    history.wait_for_url("**/events/**")
    assert "at=2026-06-02T02" in history.url
    assert "until=2026-06-03T02" in history.url
    expect(history.locator("main")).to_contain_text("108 people came in")
    history.go_back()
    card = history.locator(".bars-card")
    card.get_by_role("button", name="Table").click()
    expect(card.locator("tbody tr")).to_have_count(4)
    card.get_by_role("link", name="Hours").click()
    history.wait_for_url("**as=table**")
    expect(card.get_by_role("table")).to_be_visible()
    expect(card.locator("thead th").first).to_have_text("Hour")
    history.go_back()
    expect(card.locator("thead th").first).to_have_text("Day")
    expect(card.get_by_role("table")).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_on_a_part_and_nothing_scrolls_sideways(history: Page, width, theme):
    history.emulate_media(color_scheme=theme, reduced_motion="reduce")
    history.set_viewport_size({"width": width, "height": 900})
    history.reload()
    history.get_by_role("button", name="Closer").click()
    history.get_by_role("button", name="came in").click()
    assert history.evaluate("document.documentElement.scrollWidth") <= width
    history.evaluate(AXE.read_text())
    found = history.evaluate(LOOK)["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []
