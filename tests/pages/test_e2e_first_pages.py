"""The main job in a browser, on the whole product: a video in, counts on the pages."""

from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from tests.pages.stage import ELSEWHERE, STORE, Stage, make_stage
from tests.plugins.product import PASSWORD, Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
# HOG on a busy small machine needs a while for a few seconds of film.
COUNTED_MS = 240_000
SOON_MS = 30_000
# Refusals that a test asks for: the browser tells of them, and they are no complaint.
ASKED_FOR = re.compile(r"status of (404|409|415|422)")
AXE = Path(__file__).resolve().parent.parent.parent / "var/npm/node_modules/axe-core/axe.min.js"
LOOK = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"

NAMES = ["overview", "live", "dashboard", "tell", "recordings", "history", "health"]
FILTER = "document.querySelector('.filters a')"

# The cards in which Tab stops, in the order in which it does, and where they stand.
CARDS_BY_KEYBOARD = """() => {
  const stops = document.querySelectorAll(
    'main :is(a[href], button, input, select, summary, [tabindex="0"])');
  const cards = [...stops].filter((stop) => stop.checkVisibility() && !stop.disabled)
    .map((stop) => stop.closest('.card')).filter((card, at, all) => card && card !== all[at - 1]);
  return cards.map((card) => {
    const { top, bottom, left, right } = card.getBoundingClientRect();
    return { name: card.className, top, bottom, left, right };
  });
}"""

TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Where the focus is, and how much of it the bar above and the tabs below hide, in pixels.
UNDER_THE_BARS = """() => {
  const [bar, tabs] = ['.ot-top', '.ot-tabs'].map((name) => document.querySelector(name));
  const stop = document.activeElement;
  const { top, bottom } = stop.getBoundingClientRect();
  const roof = getComputedStyle(bar).position === 'sticky' ? bar.getBoundingClientRect().bottom : 0;
  const floor = tabs.getBoundingClientRect().top;
  return {
    name: stop.className || stop.tagName,
    within: document.querySelector('main').contains(stop),
    hidden: bottom - top > floor - roof ? 0 : Math.max(roof - top, bottom - floor, 0),
  };
}"""


@pytest.fixture(scope="module")
def stage(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(product, tmp_path_factory.mktemp("stage"))


@pytest.fixture
def pages(browser: Browser, stage: Stage) -> Generator:
    """Open pages as people of the cast; a page that complains on its console fails the test."""
    complaints: list[str] = []
    contexts = {}

    def open_as(name: str, address: str) -> Page:
        if name not in contexts:
            contexts[name] = browser.new_context(viewport={"width": 1280, "height": 900})
        tab = contexts[name].new_page()
        tab.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
        tab.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        tab.goto(address)
        if "/login/" in tab.url:
            tab.get_by_label("E-mail or user name").fill(name)
            tab.get_by_label("Password", exact=True).fill(PASSWORD)
            tab.get_by_role("button", name="Log in").click()
            tab.wait_for_url(address)
        # Gone after any reload, so that it proves that there was none.
        tab.evaluate("document.body.dataset.since = 'the start'")
        return tab

    yield open_as
    for context in contexts.values():
        context.close()
    assert [text for text in complaints if not ASKED_FOR.search(text)] == []


def send(live: Page, stage: Stage, started_at: datetime) -> None:
    """Send the film through the page and say when it began."""
    live.locator("[data-file]").set_input_files(stage.film)
    question = live.get_by_role("dialog", name="When did this video start?")
    expect(question).to_be_visible(timeout=SOON_MS)
    expect(question.get_by_label("Day")).to_have_value("")
    question.get_by_label("Day").fill(f"{started_at:%Y-%m-%d}")
    question.get_by_label("Time of the first picture").fill(f"{started_at:%H:%M:%S}")
    question.get_by_role("button", name="Count the people").click()


def number(page: Page, selector: str) -> int:
    return int(page.locator(selector).inner_text().replace("—", "0"))


def wait_for(page: Page, true: str) -> None:
    """Wait until something holds on a page; Playwright's own way would run into our CSP."""
    deadline = time.monotonic() + SOON_MS / 1000
    while not page.evaluate(true):
        assert time.monotonic() < deadline, true
        page.wait_for_timeout(100)


def test_a_video_is_sent_counted_and_seen_and_a_strangers_pages_stay_empty(stage: Stage, pages):
    began = datetime.now(ZoneInfo("Europe/London")) - timedelta(minutes=3)
    live = pages("alice", stage.url("live"))
    recordings = pages("alice", stage.url("recordings"))
    history = pages("alice", stage.url("history"))
    overview = pages("alice", f"{stage.product.url}/")
    strange = pages("charlie", stage.url("live", ELSEWHERE))
    strange_history = pages("charlie", stage.url("history", ELSEWHERE))
    expect(live.locator("[data-lead]")).to_contain_text("Nothing has been counted yet.")
    expect(history.locator(".ot-lead")).to_contain_text("Nothing was seen")
    expect(live.locator("[data-conn-state]")).to_have_text("Live", timeout=SOON_MS)

    expect(overview.locator(".ot-lead")).to_contain_text("Nothing has been counted yet.")

    live.bring_to_front()
    live.evaluate(
        """() => {
          window.seen = new Set();
          const note = () => document.querySelectorAll('[data-jobs] progress[value]')
            .forEach((bar) => window.seen.add(bar.value));
          new MutationObserver(note).observe(document.querySelector('[data-jobs]'),
            { subtree: true, childList: true, attributes: true });
        }"""
    )
    send(live, stage, began)
    row = live.locator("[data-job]")
    expect(row).to_contain_text("noon.mp4", timeout=SOON_MS)
    expect(recordings.locator(".rec")).to_contain_text("noon.mp4", timeout=SOON_MS)
    expect(row).to_have_attribute("data-state", "done", timeout=COUNTED_MS)
    assert len(live.evaluate("[...window.seen].filter((value) => value > 0)")) >= 2, "no progress"

    expect(live.locator("[data-picture]")).to_be_visible(timeout=SOON_MS)
    wait_for(live, "document.querySelector('[data-picture]').naturalWidth > 100")
    wait_for(live, "document.querySelectorAll('[data-boxes] .pb').length > 0")
    wait_for(live, "document.querySelectorAll('[data-trails] .tr').length > 0")
    assert live.locator("[data-zones] polygon").count() >= 2
    assert live.locator("[data-lines] line").count() == 2  # the line and its dark halo

    asked = live.request.get(f"{stage.product.url}{live_api(live)}live/").json()
    numbers = asked["recording"]["numbers"]
    assert numbers["entries"] + numbers["exits"] > 0
    expect(live.locator("[data-rec-in]")).to_have_text(str(numbers["entries"]))
    expect(live.locator("[data-rec-out]")).to_have_text(str(numbers["exits"]))
    assert number(live, "[data-today-in]") == asked["today"]["entries"] == numbers["entries"]
    expect(live.locator("[data-feed] li").first).to_be_visible()
    expect(history.locator(".ot-lead")).to_contain_text(
        f"{numbers['entries']} pe" if numbers["entries"] else "Nobody", timeout=SOON_MS
    )
    expect(recordings.locator(".rec")).to_have_attribute("data-state", "done", timeout=SOON_MS)
    row = overview.locator("[data-shop]")
    expect(row.locator(".sin data")).to_have_text(str(numbers["entries"]), timeout=SOON_MS)
    expect(row.locator(".snow data")).to_have_text(str(asked["occupancy"]["now"]))
    for page in (live, recordings, history, overview):
        assert page.locator("body").get_attribute("data-since") == "the start", "it was reloaded"

    for page in (strange, strange_history):
        assert page.locator("body").get_attribute("data-since") == "the start"
        assert "noon.mp4" not in page.content()
    expect(strange.locator("[data-lead]")).to_contain_text("Nothing has been counted yet.")
    assert strange.locator("[data-feed] li").count() == 0
    for name in ("live", "recordings", "history"):
        assert strange.request.get(stage.url(name, STORE)).status == 404
    assert strange.request.get(f"{stage.product.url}{live_api(live)}live/").status == 404


def live_api(page: Page) -> str:
    found = re.search(r'"api": "([^"]+)"', page.content())
    assert found
    return found[1]


def test_a_number_of_live_leads_to_its_events_to_the_way_and_back_into_the_film(stage, pages):
    page = pages("bob", stage.url("live"))
    numbers = {name: number(page, f"[data-rec-{name}]") for name in ("in", "out")}
    name = max(numbers, key=lambda each: numbers[each])
    page.locator(f"[data-rec-{name}]").click()
    expect(page.locator(".evidence tbody tr")).to_have_count(numbers[name])
    expect(page.locator("[data-adds-up]")).to_have_attribute("data-adds-up", "yes")
    page.locator(".evidence tbody a").first.click()
    expect(page.locator(".way-line").first).to_be_attached(timeout=SOON_MS)
    assert page.locator(".mk.here").count() == 1
    film = page.get_by_role("link", name="Watch this moment")
    found = re.search(r"at_ms=(\d+)", film.get_attribute("href") or "")
    assert found
    page.emulate_media(
        reduced_motion="reduce"
    )  # the film stands still at the moment it begins with
    film.click()
    at_s = math.floor(int(found[1]) / 1000 + 0.5)
    moment = page.locator("[data-moment]")
    expect(moment).to_contain_text(f"· 0:{at_s:02} of", timeout=SOON_MS)
    wait_for(page, "document.querySelector('[data-picture]').naturalWidth > 100")


def test_pictures_that_come_later_than_the_next_one_is_due_are_shown(stage: Stage, pages):
    live = pages("bob", stage.url("live"))
    line = live.context.new_cdp_session(live)
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    slow = {"latency": 1000, "downloadThroughput": -1, "uploadThroughput": -1}
    line.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    live.evaluate("""() => {
      Object.assign(window, { seen: new Set(), blank: 0 });
      setInterval(() => {
        const { naturalWidth, src } = document.querySelector('[data-picture]');
        if (naturalWidth) {
          window.seen.add(src);
        } else if (window.seen.size) {
          window.blank += 1;
        }
      }, 50);
    }""")
    wait_for(live, "window.seen.size > 3")
    assert live.evaluate("window.blank") == 0
    line.detach()


def test_the_same_file_again_is_offered_the_choice_in_plain_words(stage: Stage, pages):
    live = pages("alice", stage.url("live"))
    send(live, stage, datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/London")))
    question = live.get_by_role("dialog")
    expect(question).to_contain_text("This very file was counted before.", timeout=SOON_MS)
    question.get_by_role("button", name="Leave it as it is").click()
    expect(live.locator("[data-upload]")).to_have_count(0)
    expect(question).to_be_hidden()


def test_minutes_that_are_counted_already_are_not_counted_twice(stage: Stage, pages, tmp_path):
    live = pages("alice", stage.url("live"))
    span = live.request.get(f"{stage.product.url}{live_api(live)}recordings/").json()["results"][0]
    began = datetime.fromisoformat(span["started_at"]).astimezone(ZoneInfo("Europe/London"))
    other = tmp_path / "other.mp4"
    # The same pictures in another file: bytes after the end are allowed in mp4.
    other.write_bytes(stage.film.read_bytes() + b"\x00\x00\x00\\x08free")
    send(live, Stage(stage.product, other, {}), began)
    question = live.get_by_role("dialog")
    expect(question).to_contain_text(
        "This camera already has a video of that time.", timeout=SOON_MS
    )
    expect(question.get_by_role("button", name="Replace it")).to_be_visible()
    question.get_by_role("button", name="Not now").click()
    expect(live.locator("[data-upload]")).to_contain_text("Say when it started")


def test_what_is_no_video_is_refused_in_words_with_a_way_out(stage: Stage, pages, tmp_path):
    live = pages("alice", stage.url("live"))
    text = tmp_path / "holiday.mp4"
    text.write_text("this was never a film")
    live.locator("[data-file]").set_input_files(text)
    alert = live.locator("[data-upload]").get_by_role("alert")
    expect(alert).to_be_visible(timeout=SOON_MS)
    assert len(alert.inner_text().split()) > 5
    live.get_by_role("button", name="Cancel holiday.mp4").click()
    expect(live.locator("[data-upload]")).to_have_count(0)


def test_a_viewer_watches_and_cannot_add(stage: Stage, pages):
    live = pages("bob", stage.url("live"))
    expect(live.locator("[data-conn-state]")).to_have_text("Live", timeout=SOON_MS)
    expect(live.get_by_role("button", name="Add a video")).to_have_count(0)
    expect(live.get_by_role("heading", name="Add a video")).to_have_count(0)


# Two people come in on a day long past, and somebody makes three of them. The night's own
# verification of a shop so new is over first: it would find it before a manager can ask.
WRONG_ROW = f"""
from django.utils import timezone
from accounts.models import Store
from analytics.models import Bucket
from analytics.proof import nights_plan
from analytics.summaries import fold_dirty
from tests.analytics.shop import Shop, make_facts
nights_plan(timezone.now())
store = Store.objects.get(slug={STORE!r})
camera = store.cameras.get()
shop = Shop(store, camera, camera.lines.first(), camera.zones.first())
facts = make_facts(shop, state="done")  # nothing that a worker would take up
facts.step(10)
facts.step(20)
facts.commit()
fold_dirty()
rows = Bucket.objects.filter(store=store, subject_kind="line", starts_at__month=6)
assert rows.update(entries=3) == 1
"""


def test_a_wrong_number_is_found_named_and_put_right_without_a_reload(stage: Stage, pages):
    stage.product.manage("shell", "--verbosity", "0", "-c", WRONG_ROW)
    page = pages("alice", f"{stage.url('history')}?day=2026-06-02")
    proof = page.locator("[data-region=verified]")
    expect(proof.get_by_role("heading")).to_have_text("Not verified yet")
    proof.get_by_role("button", name="Verify now").click()
    heading = proof.get_by_role("heading")
    expect(heading).to_have_text("1 number differs from the events", timeout=SOON_MS)
    expect(proof).to_contain_text("came in 3 stored, 2 counted")
    proof.get_by_role("button", name="Put right").click()
    expect(heading).to_have_text(re.compile(r"^Verified \d\d:\d\d$"), timeout=SOON_MS)
    expect(proof).to_contain_text("0 differ")
    assert page.evaluate("document.body.dataset.since") == "the start"


def test_a_lost_connection_turns_the_page_to_the_past_tense_and_comes_back(stage: Stage, pages):
    live = pages("bob", stage.url("live"))
    expect(live.locator("[data-conn-state]")).to_have_text("Live", timeout=SOON_MS)
    sockets: list[object] = []
    live.route_web_socket(re.compile(r"/ws/stores/"), lambda socket: sockets.append(socket.close()))
    live.reload()
    expect(live.locator("[data-conn-state]")).to_have_text("Connecting again", timeout=SOON_MS)
    expect(live.locator("[data-lead]")).to_contain_text(re.compile(r"^At \d\d:\d\d:\d\d"))
    expect(live.locator("[data-now-card]")).to_have_class(re.compile("stale"))


def test_a_lost_line_to_any_shop_turns_the_overview_to_the_past_tense(stage: Stage, pages):
    overview = pages("bob", f"{stage.product.url}/")
    expect(overview.locator("[data-conn-state]")).to_have_text("Live", timeout=SOON_MS)
    closing = re.compile(r"/ws/stores/")
    overview.route_web_socket(closing, lambda socket: socket.close())
    overview.reload()
    expect(overview.locator("[data-conn-state]")).to_have_text("Connecting again", timeout=SOON_MS)
    past = overview.locator("[data-lead-past]")
    expect(past).to_be_visible()
    expect(past).to_contain_text(re.compile(r"^At \d\d:\d\d:\d\d"))
    expect(overview.locator("[data-lead-now]")).to_be_hidden()
    expect(overview.locator("[data-shops]")).to_have_class(re.compile("stale"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(stage: Stage, pages, name, width, theme):
    page = opened(stage, pages, name)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    page.wait_for_timeout(800)  # the first pictures and charts
    assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE.read_text())
    found = page.evaluate(LOOK)["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == []


def test_with_details_open_on_a_phone_nothing_half_covers_what_one_could_press(stage: Stage, pages):
    page = pages("alice", stage.url("recordings"))
    page.set_viewport_size({"width": 390, "height": 560})
    page.locator(".rdet summary").first.click()
    page.evaluate(AXE.read_text())
    for top in range(-4, 60, 8):  # where the links of the filters pass the top of the screen
        page.evaluate(f"scrollBy(0, {FILTER}.getBoundingClientRect().top - {top})")
        assert page.evaluate(f"{FILTER}.getBoundingClientRect().top") == pytest.approx(top, abs=1)
        found = page.evaluate("axe.run({runOnly: {type: 'rule', values: ['target-size']}})")
        assert [node["html"] for each in found["violations"] for node in each["nodes"]] == []


@pytest.mark.parametrize("name", ["live", "recordings", "history"])
def test_on_a_phone_what_the_keyboard_reaches_stands_clear_of_bar_and_tabs(stage, pages, name):
    page = pages("alice", stage.url(name))
    page.set_viewport_size({"width": 390, "height": 560})
    page.emulate_media(reduced_motion="reduce")  # else the page is still under way to its place
    for key in ("Tab", "Shift+Tab"):
        reached = []
        page.evaluate(f"scrollTo(0, {'0' if key == 'Tab' else '1e6'})")
        for _ in range(45):  # more than the page has stops: once around
            page.keyboard.press(key)
            page.evaluate(TWO_FRAMES)  # scrolling comes with the next
            reached.append(page.evaluate(UNDER_THE_BARS))
        assert sum(stop["within"] for stop in reached) >= {"live": 10}.get(name, 4)
        assert [stop for stop in reached if stop["within"] and stop["hidden"] > 0.5] == []


@pytest.mark.parametrize("name", ["live", "recordings", "history"])
def test_on_a_phone_the_last_line_of_a_page_ends_above_the_tabs(stage: Stage, pages, name):
    page = pages("alice", stage.url(name))
    page.set_viewport_size({"width": 390, "height": 560})
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_timeout(400)
    page.evaluate("scrollTo(0, 1e6)")
    last, tabs = (
        page.evaluate(f"document.querySelector('{each}').getBoundingClientRect().{side}")
        for each, side in ((".ot-foot span", "bottom"), (".ot-tabs", "top"))
    )
    assert last <= tabs


@pytest.mark.parametrize("width", [390, 900, 1440])
@pytest.mark.parametrize("name", ["live", "recordings", "history"])
def test_what_comes_next_by_keyboard_stands_next_on_the_page(stage: Stage, pages, name, width):
    page = pages("alice", stage.url(name))
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    page.wait_for_timeout(400)
    cards = page.evaluate(CARDS_BY_KEYBOARD)
    assert len(cards) >= {"live": 5}.get(name, 1)
    for before, after in itertools.pairwise(cards):
        below = after["top"] >= before["bottom"]
        beside = after["left"] >= before["right"] and after["top"] >= before["top"]
        # From the foot of the right column back to the left one.
        back = after["right"] <= before["left"] and width > 1100
        assert below or beside or back, (before, after)


def opened(stage: Stage, pages, name: str) -> Page:
    """Open a page as somebody who may: the self-check belongs to no store."""
    if name == "health":
        return pages("root", f"{stage.product.url}/health/")
    if name == "overview":
        return pages("alice", f"{stage.product.url}/")
    return pages("alice", stage.url(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_phone_needs_no_sideways_scroll(stage: Stage, pages, name):
    page = opened(stage, pages, name)
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_menus_open_and_close_by_keyboard(stage: Stage, pages):
    page = pages("alice", stage.url("history"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    shop = page.get_by_role("button", name="Change shop")
    shop.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#menu-store .item").first).to_be_focused()
    expect(shop).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#menu-store")).to_be_hidden()
    expect(shop).to_be_focused()


def test_the_theme_is_kept_and_there_before_the_first_paint(stage: Stage, pages):
    page = pages("bob", stage.url("history"))
    before = page.evaluate("document.documentElement.dataset.bsTheme")
    page.get_by_role("button", name="Switch between light and dark").click()
    after = page.evaluate("document.documentElement.dataset.bsTheme")
    assert {before, after} == {"light", "dark"}
    page.reload(wait_until="commit")
    expect(page.locator("body")).to_be_attached()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == after


def test_logging_out_is_a_post_and_ends_the_session(stage: Stage, pages):
    page = pages("bob", stage.url("history"))
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{stage.product.url}/login/")
    page.goto(stage.url("history"))
    assert "/login/" in page.url


def test_a_video_is_removed_by_a_second_press_and_its_numbers_stay(stage: Stage, pages):
    recordings = pages("alice", stage.url("recordings"))
    sockets: list[WebSocketRoute] = []

    def between(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    def newer(route: Route) -> None:
        response = route.fetch()
        mark = "Remove the video</button>"
        route.fulfill(
            response=response, body=response.text().replace(mark, f'{mark}<i class="newer"></i>')
        )

    recordings.route_web_socket(re.compile(r"/ws/stores/"), between)
    recordings.reload()
    recordings.evaluate("document.body.dataset.since = 'the start'")
    row = recordings.locator(".rec").filter(has_text="noon.mp4")
    numbers = row.locator(".rst").inner_text()
    row.locator("summary").click()
    row.get_by_role("button", name="Remove the video").click()
    sure = row.get_by_role("button", name="Remove it for good?")
    expect(sure).to_be_visible()
    recordings.route(stage.url("recordings"), newer)
    sockets[-1].send('{"type": "resync"}')
    expect(row.locator(".newer")).to_have_count(1, timeout=SOON_MS)  # the list was drawn anew
    expect(sure).to_be_visible()  # and it still asks
    sure.click()
    expect(row).to_contain_text("removed; the numbers stay", timeout=SOON_MS)
    assert row.locator(".rst").inner_text() == numbers
    assert recordings.evaluate("document.body.dataset.since") == "the start"
