"""Every page in every state, on the whole product: in words, whole at any size, and clean."""

from __future__ import annotations

import re
from collections.abc import Generator
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect

from tests.pages.furnished import (
    BARE,
    CHIEF,
    FULL,
    MANAGER,
    NEWCOMER,
    UNLUCKY,
    VIEWER,
    put_into,
)  # fmt: skip
from tests.pages.states import MANAGERS_ONLY, STATES, State
from tests.pages.watching import Watch, looked_at
from tests.plugins.product import PASSWORD, Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def house(product: Product) -> Product:
    put_into(product)
    return product


@pytest.fixture(scope="module")
def watch(house: Product) -> Generator[Watch, None, None]:
    """Watch the whole run; it ends with what was found in all of it."""
    watching = Watch(house.url)
    yield watching
    assert watching.asked > 100
    assert watching.found() == []


@pytest.fixture(scope="module")
def people(
    browser: Browser, house: Product, watch: Watch
) -> Generator[dict[str, BrowserContext], None, None]:
    """A browser for each person, logged in; one for nobody."""
    contexts = {}
    for name in ("", MANAGER, VIEWER, NEWCOMER, CHIEF, UNLUCKY):
        contexts[name] = browser.new_context(reduced_motion="reduce", locale="en-GB")
        contexts[name].set_default_timeout(30_000)
        watch.over(contexts[name])
        if name:
            log_in(contexts[name], house.url, name)
    yield contexts
    for context in contexts.values():
        context.close()


def log_in(context: BrowserContext, base: str, name: str) -> None:
    page = context.new_page()
    page.goto(f"{base}/login/")
    page.get_by_label("E-mail or user name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{base}/")
    page.close()


def reach(page: Page, base: str, path: str, follow: tuple[str, ...] = ()) -> Response:
    """Go to a path, and from there on by the first link of each selector."""
    answer = page.goto(base + path)
    for selector in follow:
        link = page.locator(selector).first.get_attribute("href")
        answer = page.goto(urljoin(page.url, link or ""))
    assert answer
    return answer


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_state_says_what_it_is_and_is_whole_at_every_size(state: State, house, people, watch):
    page = people[state.who].new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    if state.status != 200 or state.refused:
        watch.planted.add((house.url + state.path).split("?")[0])
    answer = reach(page, house.url, state.path, state.follow)
    assert answer.status == state.status
    if state.refused:  # by the page that the links led to
        watch.planted.add(page.url.split("?")[0])
    if state.do:
        state.do(page)
    # Django's own admin pages and the bare error pages have no such part.
    main = page.locator("#main")
    place = main if main.count() else page.locator("body")
    expect(place).to_contain_text(re.compile(state.says))
    wrong = looked_at(page, watch)
    page.close()
    assert wrong == []


@pytest.mark.parametrize("view", MANAGERS_ONLY)
def test_what_managers_alone_may_do_is_not_there_for_viewers(view: str, house, people):
    state = next(each for each in STATES if each.view == view)
    shown = {}
    for name in (MANAGER, VIEWER):
        page = people[name].new_page()
        reach(page, house.url, state.path, state.follow)
        shown[name] = {each: page.locator(each).count() for each in MANAGERS_ONLY[view]}
        page.close()
    assert all(shown[MANAGER].values()), shown[MANAGER]
    assert not any(shown[VIEWER].values()), shown[VIEWER]


def test_a_viewer_who_asks_for_it_all_the_same_is_refused(house, people, watch):
    page = people[VIEWER].new_page()
    page.goto(f"{house.url}/stores/{FULL}/zones/")
    told = page.evaluate("JSON.parse(document.getElementById('page-context').textContent)")
    camera = page.evaluate("JSON.parse(document.getElementById('camera-map').textContent)")
    recording = page.request.get(f"{house.url}{told['api']}recordings/").json()["results"][0]["id"]
    token = next(each["value"] for each in people[VIEWER].cookies() if each["name"] == "csrftoken")
    asked = {
        ("POST", f"{told['api']}uploads/"): {},
        ("POST", f"{told['api']}events/"): {"source": "door", "events": []},
        ("POST", f"{told['api']}verifications/"): {},
        ("POST", f"{told['api']}occupancy/"): {"kind": "occupancy_reset", "value": 3},
        ("POST", f"{told['root']}recordings/{recording}/recount/"): {},
        ("POST", f"{told['root']}recordings/{recording}/remove-video/"): {},
        ("PUT", f"{told['root']}cameras/{camera['camera']['id']}/map/"): {"zones": [], "lines": []},
    }
    answers = {
        address: page.request.fetch(
            house.url + address, method=method, data=data,
            headers={"X-CSRFToken": token, "Referer": house.url},
        ).status
        for (method, address), data in asked.items()
    }  # fmt: skip
    page.close()
    assert set(answers.values()) == {403}, answers


def test_what_somebody_counted_is_told_to_the_page_and_noted(house, people):
    page = people[MANAGER].new_page()
    page.goto(f"{house.url}/stores/{BARE}/tell/")
    page.get_by_label("People", exact=True).fill("7")
    with page.expect_navigation():
        page.get_by_role("button", name="Note it").click()
    expect(page.locator("#inside").get_by_role("status")).to_be_visible()
    page.close()


# What the watch is there to see, as it would stand on a page, and how it names it.
FAULTS = {
    "outside": '<img alt="" src="http://127.0.0.2:9/dot.png">',
    "policy": "<script>window.inline = true</script>",
    "console": '<script type="module" src="/static/js/no-such-file.js"></script>',
}
BUTTON = '<button type="button"></button>'


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_planted_in_a_page_is_seen(kind: str, browser: Browser, house):
    watch, found = watched_with(FAULTS[kind], browser, house)
    assert any(each.startswith(kind) for each in watch.found()), watch.found()
    assert found == []


def test_a_button_without_a_name_planted_in_a_page_is_seen(browser: Browser, house):
    watch, found = watched_with(BUTTON, browser, house)
    assert [each.split(":")[1].strip() for each in found] == ["button-name"] * 2
    assert watch.found() == []


def watched_with(fault: str, browser: Browser, house) -> tuple[Watch, list[str]]:
    """Look at the log-in page with something in it that must not be."""
    watch = Watch(house.url)
    context = browser.new_context(reduced_motion="reduce")
    watch.over(context)
    page = context.new_page()

    def plant(route: Route) -> None:
        answer = route.fetch()
        text = answer.text().replace("</main>", f"{fault}</main>")
        assert fault in text
        route.fulfill(response=answer, body=text)

    page.route("**/login/", plant)
    page.goto(f"{house.url}/login/")
    found = looked_at(page, watch)
    context.close()
    return watch, found
