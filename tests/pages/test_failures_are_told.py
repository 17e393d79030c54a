"""A server that fails, a line that is away: each page says so in words and comes back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from tests.pages.furnished import (
    CRACKED,
    FULL,
    MANAGER,
    UNLUCKY,
    VIEWER,
    break_shop,
    put_into,
)  # fmt: skip
from tests.pages.states import TO_LINKS
from tests.pages.test_every_state import log_in, reach
from tests.pages.watching import Watch, looked_at
from tests.plugins.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
SOON_MS = 30_000
SHOP = f"/stores/{FULL}"
DONE = f"{SHOP}/recordings/?show=done"
API = "JSON.parse(document.getElementById('page-context').textContent).api"
AWAY = {
    "title": "Service Unavailable", "status": 503, "code": "database_away", "errors": {},
    "detail": "The database does not answer at the moment. Nothing was lost; try again soon.",
}  # fmt: skip


def away(route: Route) -> None:
    """Answer as the API does while its database is away."""
    problem = "application/problem+json"
    route.fulfill(
        status=503, content_type=problem, headers={"Retry-After": "5"}, body=json.dumps(AWAY)
    )


def broken(route: Route) -> None:
    """Answer as something in front of the product does."""
    route.fulfill(status=500, content_type="text/html", body="<h1>Internal Server Error</h1>")


def gone(route: Route) -> None:
    """Answer nothing at all."""
    route.abort("connectionrefused")


class Line:
    """A page's lines to the server: a test cuts them, mends them, and says something on them."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self._page = page
        self._open: list[tuple[WebSocketRoute, WebSocketRoute]] = []
        self._greeted: set[WebSocketRoute] = set()
        page.route_web_socket(re.compile("/ws/stores/"), self._opened)

    def _opened(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close()
        else:
            server = socket.connect_to_server()
            server.on_message(lambda told: self._passed(socket, told))
            self._open.append((socket, server))

    def _passed(self, socket: WebSocketRoute, told: str | bytes) -> None:
        socket.send(told)
        if json.loads(told)["type"] == "hello":
            self._greeted.add(socket)

    def ready(self, lines: int = 1) -> None:
        """Wait until so many lines stand: the server's hello has passed on each."""
        until = time.monotonic() + SOON_MS / 1000
        while len(self._greeted) < lines:
            assert time.monotonic() < until, f"hello on {len(self._greeted)} of {lines} lines"
            self._page.wait_for_timeout(20)  # the lines are heard meanwhile

    def cut(self) -> None:
        self.is_cut = True
        for socket, server in self._open:
            socket.close()
            server.close()
        self._open = []
        self._greeted.clear()

    def mend(self) -> None:
        self.is_cut = False

    def say(self, kind: str) -> None:
        for socket, _ in self._open:
            socket.send(json.dumps({"type": kind}))


@pytest.fixture(scope="module")
def house(product: Product) -> Product:
    put_into(product)
    return product


@pytest.fixture(scope="module")
def watch(house: Product) -> Generator[Watch, None, None]:
    watching = Watch(house.url)
    yield watching
    assert watching.found() == []


@pytest.fixture(scope="module")
def tab_of(
    browser: Browser, house: Product, watch: Watch
) -> Generator[Callable[[str], Page], None, None]:
    contexts = {}

    def opened(name: str) -> Page:
        if name not in contexts:
            contexts[name] = browser.new_context(reduced_motion="reduce", locale="en-GB")
            contexts[name].set_default_timeout(SOON_MS)
            watch.over(contexts[name])
            log_in(contexts[name], house.url, name)
        page: Page = contexts[name].new_page()
        page.set_viewport_size({"width": 1440, "height": 900})
        return page

    yield opened
    for context in contexts.values():
        context.close()


def fetches(page: Page, watch: Watch, address: str, answer: Callable[[Route], None]) -> None:
    """Have what a page fetches at an address answered so; whole pages still come."""

    def answered(route: Route) -> None:
        if route.request.resource_type == "document":
            route.continue_()
        else:
            watch.planted.add(route.request.url.split("?")[0])
            answer(route)

    page.route(re.compile(address), answered)


@dataclass(frozen=True, slots=True)
class Follower:
    """A page that keeps itself fresh: where it is, what it fetches, and how that fails.

    `follow` are selectors of the links that lead on from the path; `lines` are those it keeps.
    """

    name: str
    path: str
    fetched: str
    answer: Callable[[Route], None]
    follow: tuple[str, ...] = ()
    lines: int = 1


FOLLOWERS = (
    Follower("overview", "/", r"//[^/]+/$", broken, lines=2),
    Follower("live", f"{SHOP}/live/", r"/api/v1/stores/[^/]+/live/", away),
    Follower("history", f"{SHOP}/history/", f"{SHOP}/history/", gone),
    Follower("recordings", f"{SHOP}/recordings/", f"{SHOP}/recordings/", broken),
    Follower("links", DONE, f"{SHOP}/recordings/[^/]+/links/", gone, (TO_LINKS,)),
)


def opened(page: Page, house: Product, each: Follower) -> Line:
    """Open a page that keeps itself fresh, mark it, and return its lines once they stand."""
    reach(page, house.url, each.path, each.follow)
    line = Line(page)
    page.reload()  # the lines are its own, not those of a page on the way
    page.evaluate("document.body.dataset.since = 'the start'")
    line.ready(each.lines)
    return line


@pytest.mark.parametrize("each", FOLLOWERS, ids=lambda each: each.name)
def test_numbers_that_cannot_be_fetched_are_told_to_be_old_until_they_can(
    each: Follower, house, watch, tab_of
):
    page = tab_of(MANAGER)
    line = opened(page, house, each)
    told = page.locator(".trouble")
    expect(told).to_be_empty()
    fetches(page, watch, each.fetched, each.answer)
    line.say("resync")
    expect(told).to_contain_text("This page could not be brought up to date.", timeout=SOON_MS)
    expect(told).to_contain_text(
        re.compile(r"What you see is from \d\d:\d\d:\d\d\. Nothing is lost")
    )
    assert looked_at(page, watch) == []
    page.unroute(re.compile(each.fetched))
    told.get_by_role("button", name="Try now").click()
    expect(told).to_be_empty(timeout=SOON_MS)
    assert page.evaluate("document.body.dataset.since") == "the start"
    page.close()


def test_a_failed_fetch_is_tried_again_without_anybody_asking(house, watch, tab_of):
    page = tab_of(VIEWER)
    line = Line(page)
    page.goto(f"{house.url}{SHOP}/recordings/")
    line.ready()
    fetches(page, watch, f"{SHOP}/recordings/", away)
    line.say("resync")
    told = page.locator(".trouble")
    expect(told).not_to_be_empty(timeout=SOON_MS)
    page.unroute(re.compile(f"{SHOP}/recordings/"))
    expect(told).to_be_empty(timeout=SOON_MS)
    page.close()


LOST = {
    "overview": ("[data-conn-state]", "Connecting again", "Live"),
    "live": ("[data-conn-state]", "Connecting again", "Live"),
    "history": (".trouble", "The line to the server is broken.", ""),
    "recordings": (".trouble", "The line to the server is broken.", ""),
    "links": (".trouble", "The line to the server is broken.", ""),
}


@pytest.mark.parametrize("each", FOLLOWERS, ids=lambda each: each.name)
def test_a_line_that_is_cut_is_told_and_comes_back_by_itself(each: Follower, house, watch, tab_of):
    where, words, after = LOST[each.name]
    page = tab_of(MANAGER)
    line = opened(page, house, each)
    line.cut()
    state = page.locator(where)
    expect(state).to_contain_text(words, timeout=SOON_MS)
    assert looked_at(page, watch) == []
    line.mend()
    expect(state).to_have_text(after, timeout=SOON_MS)
    assert page.evaluate("document.body.dataset.since") == "the start"
    page.close()


def test_a_session_that_is_over_leads_to_the_log_in(house, watch, tab_of):
    page = tab_of(MANAGER)
    page.route_web_socket(re.compile("/ws/stores/"), lambda socket: socket.close(code=4401))
    for path in ("/", f"{SHOP}/live/", f"{SHOP}/history/", f"{SHOP}/recordings/"):
        page.goto(house.url + path)
        told = page.locator(".trouble")
        expect(told).to_contain_text("You are logged out.", timeout=SOON_MS)
        way = told.get_by_role("link", name="Log in")
        expect(way).to_have_attribute("href", re.compile(re.escape(path) + "$"))
    assert looked_at(page, watch) == []
    page.close()


def test_what_somebody_asks_for_and_does_not_get_is_told_and_can_be_asked_again(
    house, watch, tab_of
):
    page = tab_of(MANAGER)
    page.goto(f"{house.url}{SHOP}/dashboard/")
    fetches(page, watch, "/movement/visits/", away)
    page.locator("#next").get_by_role("button", name="Table").click()
    page.locator('.matrix [data-from="came_in"]').first.click()
    expect(page.locator("[data-step-note]")).to_contain_text("The database does not answer")
    assert looked_at(page, watch) == []
    page.unroute(re.compile("/movement/visits/"))
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-step-visits] li").first).to_be_visible()
    page.close()


def test_a_layer_of_the_map_that_does_not_come_says_so_and_comes_later(house, watch, tab_of):
    page = tab_of(VIEWER)
    page.goto(f"{house.url}{SHOP}/zones/")
    fetches(page, watch, "/track-ends/", gone)
    ends = page.locator('[data-layer="ends"]')
    ends.click()
    note = page.locator("[data-ends-note]")
    expect(note).to_contain_text("The server does not answer. Look at your connection")
    assert looked_at(page, watch) == []
    page.unroute(re.compile("/track-ends/"))
    ends.click()
    ends.click()
    expect(note).to_contain_text("3 ways")
    page.close()


def test_a_drawing_that_cannot_be_saved_stays_and_is_saved_later(house, watch, tab_of):
    page = tab_of(MANAGER)
    page.goto(f"{house.url}{SHOP}/zones/")
    page.get_by_role("button", name=re.compile("^Pears")).first.click()
    name = page.get_by_label("Name", exact=True)
    name.fill("Plums")
    fetches(page, watch, "/map/", broken)
    save = page.get_by_role("button", name="Save", exact=True)
    save.click()
    expect(page.locator(".toasts")).to_contain_text("Something broke on the server.")
    expect(name).to_have_value("Plums")
    expect(save).to_be_enabled()
    page.unroute(re.compile("/map/"))
    name.fill("Pears")  # as it was: other tests look at this shop too
    page.get_by_label("What is it?").select_option("queue")
    save.click()
    expect(page.locator("[data-saved]")).to_be_visible()
    page.close()


@pytest.mark.parametrize(
    ("path", "button", "address"),
    [
        (f"{SHOP}/recordings/?show=failed", "Count it after all|Try again", "/retry/"),
        (f"{SHOP}/history/", "Verify now", "/verifications/"),
    ],
)
def test_a_button_whose_work_is_refused_says_so_and_can_be_pressed_again(
    path, button, address, house, watch, tab_of
):
    page = tab_of(MANAGER)
    page.goto(house.url + path)
    fetches(page, watch, address, away)
    pressed = page.get_by_role("button", name=re.compile(button)).first
    pressed.click()
    expect(page.locator(".toasts")).to_contain_text("The database does not answer at the moment.")
    expect(pressed).to_be_enabled()
    assert looked_at(page, watch) == []
    page.close()


def test_a_reader_that_does_not_come_is_asked_for_again(house, watch, tab_of):
    page = tab_of(VIEWER)
    page.goto(f"{house.url}/api-docs/")
    fetches(page, watch, "swagger-ui-bundle", gone)
    ask = page.get_by_role("button", name="Show the operations")
    ask.click()
    expect(page.locator("[data-start-words]")).to_contain_text("Look at your connection")
    assert looked_at(page, watch) == []
    page.unroute(re.compile("swagger-ui-bundle"))
    ask.click()
    expect(page.locator("#operations-tag-stores")).to_be_visible(timeout=SOON_MS)
    page.close()


# Those that need the shop's clock; all pages answer a fault by the same handler.
PAGES = ("dashboard", "history", "events", "clients")


def test_a_fault_of_ours_is_a_page_in_words_and_over_once_it_is_mended(house, watch, tab_of):
    """Each page of a shop in which something is broken, and after: the same server, no restart."""
    page = tab_of(UNLUCKY)
    addresses = [f"{house.url}/stores/{CRACKED}/{name}/" for name in PAGES]
    watch.planted.update(addresses)
    break_shop(house, "timezone", broken=True)
    try:
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 500, address
            expect(page.locator("main")).to_contain_text("Something broke on our side")
            expect(page.locator("main")).to_contain_text("Your recordings and numbers are safe.")
            expect(page.get_by_role("link", name="Go to your shop")).to_be_visible()
        assert looked_at(page, watch) == []
    finally:
        break_shop(house, "timezone", broken=False)
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, address
    page.close()


def test_live_stands_without_its_numbers_and_has_them_once_they_can_be_counted(
    house, watch, tab_of
):
    page = tab_of(UNLUCKY)
    break_shop(house, "opening_hours", broken=True)
    try:
        page.goto(f"{house.url}/stores/{CRACKED}/live/")
        watch.planted.add(f"{house.url}{page.evaluate(API)}live/")
        expect(page.locator("[data-lead]")).to_contain_text("The numbers did not load.")
        expect(page.locator(".trouble")).to_contain_text("could not be brought up to date")
        assert looked_at(page, watch) == []
    finally:
        break_shop(house, "opening_hours", broken=False)
    expect(page.locator("[data-lead]")).to_contain_text("Nothing has been counted yet.")
    expect(page.locator(".trouble")).to_be_empty()
    page.close()
