"""The log-in page and the admin in Chromium: whatever the policy forbids would fail here."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import pytest
from django.contrib.staticfiles import finders
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.cast import PASSWORD, make_camera, make_cast, make_line, make_user, make_zone

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, reset_sequences=True)]
ROOT = Path(__file__).resolve().parent.parent.parent
MARK = ROOT / "static/img/mark.svg"
AXE = ROOT / "var/npm/node_modules/axe-core/axe.min.js"
LOOK = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Generator[None, None, None]:
    # Chromium's driver keeps an event loop in this thread; the tests still use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(db, settings, live_server, page: Page) -> str:
    settings.LOGIN_REDIRECT_URL = "/healthz"
    if finders.find("generated/still.jpg") is None:
        # The picture is rendered at set-up; without it any picture shows the layout.
        page.route("**/generated/still.jpg", lambda route: route.fulfill(path=MARK))
    cast = make_cast()
    make_user("root", is_staff=True, is_superuser=True)
    camera = make_camera(cast.store)
    make_zone(camera)
    make_line(camera)
    return str(live_server.url)


def log_in(page: Page, site: str, name: str, then: str) -> None:
    page.goto(f"{site}/login/?next={then}")
    page.get_by_label("E-mail or user name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site}{then}")


def test_a_wrong_password_is_told_beside_the_field_and_the_right_one_opens(page: Page, site: str):
    page.goto(f"{site}/login/?next=/healthz")
    expect(page.get_by_label("E-mail or user name")).to_be_focused()
    page.keyboard.type("alice@shop.example")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("That password does not fit this user. 4 tries left.")
    password = page.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_value("")
    expect(page.get_by_label("E-mail or user name")).to_have_value("alice@shop.example")
    password.fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site}/healthz")


def test_the_password_can_be_looked_at_and_hides_again(page: Page, site: str):
    page.goto(f"{site}/login/")
    password = page.locator("input[name=password]")
    password.fill("look at me")
    button = page.get_by_role("button", name=re.compile("password"))
    button.click()
    expect(password).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(password).to_have_attribute("type", "password")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_fits_its_window_in_both_themes(page: Page, site: str, width: int, theme: str):
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site}/login/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.dataset.bsTheme") == theme


def test_every_admin_page_keeps_the_policy_and_our_colours(page: Page, site: str):
    log_in(page, site, "root", "/admin/")
    lists = ["accounts/user/", "accounts/store/", "accounts/membership/", "accounts/auditentry/"]
    lists += ["zones/camera/", "zones/zone/", "zones/countingline/"]
    forms = [f"{each}add/" for each in lists if "audit" not in each]
    opened = ["accounts/store/1/change/", "zones/zone/1/change/", "zones/countingline/1/change/"]
    for address in ["", *lists, *forms, *opened, "password_change/"]:
        answer = page.goto(f"{site}/admin/{address}")
        assert answer is not None
        assert answer.ok, address
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        colour = "getComputedStyle(document.body).getPropertyValue('--button-bg')"
        assert page.evaluate(colour) == "#0b6e99", address


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_on_the_log_in_page_and_in_the_admin(
    browser: Browser, page: Page, site: str, width: int, theme: str
):
    # A page of its own: axe tries styles that the policy forbids, and the browser tells of them.
    scheme: Literal["light", "dark"] = "dark" if theme == "dark" else "light"
    size: ViewportSize = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme)
    tab = context.new_page()
    found = {}
    log_in(tab, site, "root", "/admin/")
    lists = ["accounts/store/", "zones/camera/", "zones/zone/", "zones/countingline/"]
    for address in ["", *lists, *(f"{each}1/change/" for each in lists)]:
        tab.goto(f"{site}/admin/{address}")
        found[address] = violations(tab)
    context.clear_cookies()
    tab.goto(f"{site}/login/")
    found["log-in"] = violations(tab)
    context.close()
    assert {address: each for address, each in found.items() if each} == {}


def violations(tab: Page) -> list[tuple[str, list[str]]]:
    tab.evaluate(AXE.read_text())
    found = tab.evaluate(LOOK)["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]


def test_the_admin_takes_the_theme_of_the_other_pages_and_can_change_it(page: Page, site: str):
    page.emulate_media(color_scheme="dark")
    log_in(page, site, "root", "/admin/")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(21, 25, 31)"
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.goto(f"{site}/admin/zones/zone/add/")
    assert page.evaluate(background) == "rgb(255, 255, 255)"


def test_an_administrator_draws_a_zone_by_its_numbers_and_reads_what_is_wrong(
    page: Page, site: str
):
    log_in(page, site, "root", "/admin/zones/zone/add/")
    page.get_by_label("Camera").select_option(label="Door")
    page.get_by_label("Name").fill("shelf")
    swatch = page.locator(".sw.z8")
    assert swatch.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(74, 36, 0)"
    page.get_by_role("radio", name="8").check()
    page.get_by_label("Vertices").fill("[[0, 0], [1, 1]]")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Zone 'shelf' needs at least 3 vertices, got 2.")).to_be_visible()
    page.get_by_label("Vertices").fill("[[0, 0], [1, 1], [0, 1]]")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    row = page.get_by_role("row", name="shelf")
    expect(row.locator(".sw.z8")).to_be_visible()


def test_the_picture_of_a_zone_and_a_line_follows_the_numbers_as_they_are_typed(
    page: Page, site: str
):
    log_in(page, site, "root", "/admin/zones/zone/1/change/")
    drawn = page.locator("[data-drawn] polygon").last
    expect(drawn).to_have_attribute("points", "0.1,0.1 0.9,0.1 0.9,0.9 0.1,0.9")
    page.get_by_label("Vertices").fill("[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]")
    expect(drawn).to_have_class("wrong")
    words = page.locator("[data-preview-words]")
    expect(words).to_have_text("Two sides cross. Move the corner back, or it cannot be saved.")
    page.get_by_label("Vertices").fill("[[0.1, 0.1], [0.9, 0.1], [0.5")
    expect(words).to_contain_text("no list of corners yet")
    page.get_by_label("Vertices").fill("[[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]")
    expect(drawn).to_have_attribute("points", "0.1,0.1 0.9,0.1 0.5,0.9")
    expect(words).to_have_text("")
    page.goto(f"{site}/admin/zones/countingline/1/change/")
    before = page.locator("[data-drawn] .carrow").get_attribute("d")
    page.get_by_label("Inside is on the").select_option("left")
    assert page.locator("[data-drawn] .carrow").get_attribute("d") != before
    page.goto(f"{site}/admin/zones/camera/1/change/")
    page.get_by_text("For experts").click()
    page.get_by_label("Ignore masks").fill("[[[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]]")
    expect(page.locator("[data-drawn] .mask")).to_have_count(1)


@pytest.mark.timeout(300)
def test_an_operation_of_the_api_is_read_and_tried_on_its_page(page: Page, site: str):
    said: list[str] = []
    page.on("console", lambda told: said.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_default_timeout(90_000)
    log_in(page, site, "bob", "/api-docs/")
    page.get_by_role("button", name="Show the operations").click()
    page.locator("#operations-tag-stores").click()
    row = page.locator("#operations-stores-stores")
    row.locator(".opblock-summary-control").click()
    row.get_by_role("button", name="Try it out").click()
    row.get_by_role("button", name="Execute").click()
    answer = row.locator(".live-responses-table")
    expect(answer).to_contain_text("Corner shop", timeout=60_000)
    expect(answer.locator("tbody .response-col_status")).to_contain_text("200")
    # As the browser's own tools do it: the page itself lets no other script in.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    found = page.evaluate(LOOK)["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    assert said == []
