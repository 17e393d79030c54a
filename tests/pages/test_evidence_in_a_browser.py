"""In Chromium: from a bar or a number to its events, to the way on the picture, to the film."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.analytics.shop import Facts, make_facts, make_shop
from tests.analytics.ways import follow, make_zones, way
from tests.cast import Cast
from tests.pages.test_e2e_first_pages import AXE, LOOK
from tests.pages.test_evidence_pages import DAY, MORNING
from tracking.models import Customer, Run, TrackingEvent, Visit
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup
from zones.models import Camera

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FOLDER = "0" * 32
LONG = "A name as long as any that a shop gives"


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Generator[None, None, None]:
    # Chromium's driver keeps an event loop in this thread; the tests still use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def facts(cast: Cast, settings, tmp_path: Path) -> Facts:
    """A morning of one person who stops at two zones, on a camera with a still, and of others."""
    settings.MEDIA_ROOT = tmp_path
    facts = make_facts(make_shop(cast.store), MORNING, folder=uuid4().hex, name=LONG)
    apples, _ = zones = make_zones(facts, "Apples", LONG)
    draw_map(facts, zones)
    way(facts, 100, *zones)
    way(facts, 300, apples, inferred=True)
    for visit in facts.visits:
        visit.customer = Customer.objects.create(
            public_id=uuid4(), store=cast.store, first_seen=visit.entered_at,
            last_seen=visit.exited_at or visit.entered_at, visit_count=1,
        )  # fmt: skip
    for second in (100, 300, 4000):
        facts.step(second)
        facts.events[-2].track_number = facts.events[-1].track_number = second
    facts.visits[0].chain = 100
    facts.seen(0, 7200)
    facts.commit()
    follow(facts, 100, (98, 0.5, 0.3), (100, 0.5, 0.6), (120, 0.3, 0.8), (146, 0.6, 0.5))
    write_still(facts.shop.camera, tmp_path)
    return facts


def draw_map(facts: Facts, zones: list) -> None:
    """Have the run counted with zones and a line on a frame of 960 x 540."""
    corners = ((0.1, 0.7), (0.4, 0.7), (0.4, 0.9))
    door = str(facts.shop.line.public_id)
    lines = (LineSetup(door, "entrance", "entrance", (0.2, 0.6), (0.8, 0.6)),)
    shapes = tuple(ZoneSetup(str(z.public_id), z.name, "display", corners) for z in zones)
    setup = SceneSetup(960, 540, shapes, lines).to_json()
    Run.objects.filter(pk=facts.run.pk).update(setup=setup, counted_to_ms=3_600_000)
    facts.run.refresh_from_db()


def write_still(camera: Camera, root: Path) -> None:
    (root / FOLDER).mkdir()
    picture = np.full((540, 960, 3), 180, np.uint8)
    assert cv2.imwrite(str(root / FOLDER / "still.jpg"), picture)
    Camera.objects.filter(pk=camera.pk).update(still=f"{FOLDER}/still.jpg")


@pytest.fixture
def open_page(
    facts, as_user, cast, browser: Browser, live_server
) -> Generator[Callable[[str], Page]]:
    """Open pages of the store as Alice; whatever a page complains of fails the test."""
    key = as_user(cast.alice).cookies["sessionid"].value
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))

    def opened(path: str) -> Page:
        page.goto(f"{live_server.url}/stores/{cast.store.slug}/{path}")
        return page

    yield opened
    context.close()
    # The test's server has no sockets, and one page is asked for that does not exist.
    known = ("WebSocket", "400 (Bad Request)")
    assert [text for text in complaints if not any(word in text for word in known)] == []


def test_a_number_leads_to_its_events_to_the_way_and_towards_the_film(open_page):
    page = open_page(f"dashboard/?from={DAY}&to={DAY}")
    number = page.locator('[data-kpi="footfall"] a.behind')
    expect(number).to_have_text("3")
    number.click()
    expect(page.locator(".ot-lead")).to_contain_text("3 people came in during opening hours")
    expect(page.locator("[data-adds-up]")).to_have_attribute("data-adds-up", "yes")
    expect(page.locator(".evidence tbody tr")).to_have_count(3)
    page.locator(".evidence tbody a").last.click()  # the one who was followed
    expect(page.locator(".ot-lead")).to_contain_text("Came in over entrance at 10:01:40")
    expect(page.locator(".way-line")).to_have_count(1)
    mark = page.locator(".mk.here")
    # Frame of 960 x 540: the person was at (0.5, 0.6) when the line was crossed.
    assert [float(mark.get_attribute(name) or 0) for name in ("cx", "cy")] == [480.0, 324.0]
    walker = page.locator(".mk.walker")
    assert walker.get_attribute("cx") == "480"
    assert page.evaluate("document.querySelector('[data-still]').naturalWidth") == 960
    expect(page.locator("[data-way-moment]")).to_have_text("10:01:40")
    page.locator("[data-way-seek]").press("End")
    expect(page.locator("[data-way-moment]")).to_have_text("10:02:26")
    assert float(walker.get_attribute("cx") or 0) == pytest.approx(0.6 * 960)
    page.get_by_role("link", name="Watch this moment").click()
    # Two seconds before the event, 100 s into the recording; that Live goes there is shown on the
    # whole product, in test_e2e_first_pages.
    page.wait_for_url("**/live/**at_ms=98000")


def test_a_bar_leads_to_the_events_of_its_hour(open_page):
    page = open_page(f"history/?day={DAY}")
    chart = page.locator("[data-hours-chart] .u-over")
    chart.wait_for()
    box = chart.bounding_box()
    assert box
    # Hours of the business day from 04:00; each has a 24.6th of the width, half a bar before them.
    hour = 6
    x = box["x"] + box["width"] * (hour + 0.6) / 24.2
    page.mouse.move(x - 3, box["y"] + box["height"] - 10)
    page.mouse.move(x, box["y"] + box["height"] - 10)
    expect(page.locator(".ctip")).to_contain_text("10:00")
    page.mouse.click(x, box["y"] + box["height"] - 10)
    page.wait_for_url("**/events/**")
    expect(page.locator(".ot-lead")).to_contain_text("2 people came in")
    expect(page.locator(".ot-head h1")).to_contain_text("Tue 2 Jun, 10:00 to 11:00")
    page.get_by_role("link", name="History").first.click()
    expect(page.locator("h1")).to_contain_text("History")


def test_an_hour_that_nobody_saw_is_no_button(open_page):
    page = open_page(f"history/?day={DAY}")
    box = page.locator("[data-hours-chart] .u-over").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] - 10)
    page.wait_for_timeout(300)
    assert "/history/" in page.url


def test_a_client_leads_to_the_visit_with_its_strip_and_its_way(open_page):
    page = open_page(f"clients/?from={DAY}&to={DAY}")
    expect(page.locator("[data-visits] > li")).to_have_count(2)
    page.locator("[data-visits] .v-code a").last.click()
    page.get_by_label("Note on this client").fill("comes with the post")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_role("status").filter(has_text="The note is kept.")).to_be_visible()
    page.locator("[data-visits] .v-when a").click()
    expect(page.locator(".ot-lead")).to_contain_text("stayed 45 s and stopped at 2 zones")
    assert page.locator(".bigstrip rect").count() == 2
    expect(page.locator(".way-line")).to_have_count(1)
    expect(page.locator("[data-box-tags]")).to_contain_text("in 10:01")
    page.locator("[data-way-start]").click()
    expect(page.locator("[data-way-start]")).to_have_attribute("aria-label", "Stand still")
    began = page.locator("[data-way-moment]").inner_text()
    expect(page.locator("[data-way-moment]")).not_to_have_text(began)
    moved = page.evaluate("document.querySelector('[data-strip-now]').style.left")
    assert float(moved.rstrip("%")) > 0


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_behind_the_numbers_and_nothing_scrolls_sideways(
    open_page, cast, facts, width, theme
):
    step = TrackingEvent.objects.filter(track_number=100).first()
    visit, client = Visit.objects.first(), Customer.objects.first()
    assert step and visit and client
    paths = (
        f"events/?of=stops&from={DAY}&to={DAY}",
        f"events/?of=entries&from={DAY}&to={DAY}",
        "events/?of=nothing",
        f"events/{step.public_id}/",
        f"clients/?from={DAY}&to={DAY}",
        "clients/?q=Anna",
        f"clients/{client.public_id}/",
        f"visits/{visit.public_id}/",
    )
    for path in paths:
        page = open_page(path)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.evaluate(AXE.read_text())
        found = page.evaluate(LOOK)["violations"]
        told = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]
        assert told == [], path
