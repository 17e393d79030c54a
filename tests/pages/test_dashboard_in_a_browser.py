"""The Dashboard's movement in Chromium: the map is drawn, a number opens the visits behind it."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cast import Cast
from tests.pages.test_dashboard_movement import DAY, walked
from tests.pages.test_e2e_first_pages import AXE, LOOK

SHOWN_KIND = "JSON.parse(document.getElementById('heat-map').textContent).kind"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Generator[None, None, None]:
    # Chromium's driver keeps an event loop in this thread; the tests still use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def address(live_server, cast: Cast) -> str:
    walked(cast.store)
    return f"{live_server.url}/stores/{cast.store.slug}/dashboard/?from={DAY}&to={DAY}"


@pytest.fixture
def dashboard(
    address: str, as_user, cast: Cast, browser: Browser, live_server
) -> Generator[Page, None, None]:
    """Yield the Dashboard of the morning, with Alice logged in."""
    key = as_user(cast.alice).cookies["sessionid"].value
    # A context of its own: axe tries styles that the policy forbids, and the browser tells of them.
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


def painted(page: Page) -> int:
    """Return how many points of the heatmap have a colour."""
    found: int = page.evaluate(
        "(() => { const c = document.querySelector('[data-heat-canvas]');"
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".filter((v, i) => i % 4 === 3 && v).length; })()"
    )
    return found


def test_a_number_opens_the_visits_behind_it_and_the_map_is_drawn(dashboard: Page):
    assert painted(dashboard) > 1000
    dashboard.get_by_role("link", name="Time standing").click()
    expect(dashboard.locator(".seg[data-heat-links] [aria-current]")).to_have_text("Time standing")
    dashboard.wait_for_function("location.search.includes('heat=dwell')")
    assert dashboard.evaluate(SHOWN_KIND) == "dwell"
    assert painted(dashboard) > 1000
    dashboard.locator("#next").get_by_role("button", name="Table").click()
    dashboard.locator('.matrix [data-from="came_in"]').first.click()
    expect(dashboard.locator("[data-step-title]")).to_have_text("Came in to Apples")
    expect(dashboard.locator("[data-step-visits] li")).to_have_count(3)
    expect(dashboard.locator("[data-step-note]")).to_have_text("3 visits, newest first.")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_in_movement_and_nothing_scrolls_sideways(dashboard, width, theme):
    dashboard.emulate_media(color_scheme=theme, reduced_motion="reduce")
    dashboard.set_viewport_size({"width": width, "height": 900})
    dashboard.reload()
    dashboard.wait_for_function("document.querySelector('[data-heat-canvas]') !== null")
    assert dashboard.evaluate("document.documentElement.scrollWidth") <= width
    dashboard.evaluate(AXE.read_text())
    found = dashboard.evaluate(LOOK)["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []
