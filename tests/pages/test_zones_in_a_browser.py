"""The Zones page in Chromium: drawn by mouse and keys, refused while drawing, kept once saved."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator
from datetime import timedelta
from uuid import uuid4

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.cast import Cast, make_camera, make_line, make_zone
from tests.pages.rows import make_recording, make_run
from tests.pages.test_e2e_first_pages import AXE, LOOK
from tracking import media
from tracking.models import Track
from tracking.overlay import pack_path
from zones.models import Camera, CountingLineVersion, Zone, ZoneVersion
from zones.services import zone_archive, zone_redraw

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# In hundredths of the picture: whole half per cents, which is what corners snap to.
OUTLINE = ((45.0, 40.0), (60.0, 40.0), (64.5, 60.5), (54.0, 55.0), (45.0, 65.0))
# Where the last corner is put at first, and moved from.
ASTRAY = (50.0, 65.0)
DRAWN = [[x / 100, y / 100] for x, y in OUTLINE]
# The picture's pixels by which arrow keys go: 960 across, here 540 down.
WIDTH, HEIGHT = 960, 540


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser() -> Generator[None, None, None]:
    # Chromium's driver keeps an event loop in this thread; the tests still use the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def camera(cast: Cast) -> Camera:
    camera = make_camera(cast.store, "Floor")
    picture = cv2.imencode(".jpg", np.full((540, 960, 3), 160, np.uint8))[1].tobytes()
    folder = media.new_folder()
    media.write_file(folder, "still.jpg", picture)
    camera.still = f"{folder}/still.jpg"
    camera.save()
    return camera


@pytest.fixture
def open_as(
    browser: Browser, as_user, cast: Cast, live_server
) -> Generator[Callable[..., Page], None, None]:
    """Open the page of a camera as somebody; what its console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(name: str, camera: Camera, width: int = 1440) -> Page:
        key = as_user(getattr(cast, name)).cookies["sessionid"].value
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.goto(f"{live_server.url}/stores/{camera.store.slug}/zones/?camera={camera.public_id}")
        expect(page.locator("[data-hints], [data-ends-note]").first).to_be_attached()
        page.wait_for_function("document.querySelector('[data-drawing]').viewBox.baseVal.width > 1")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if "409" not in text and "400" not in text] == []


def click_at(page: Page, x: float, y: float) -> None:
    """Press the mouse at hundredths of the picture."""
    left, top, width, height = _box(page)
    page.mouse.click(left + width * x / 100, top + height * y / 100)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    left, top, width, height = _box(page)
    page.mouse.move(left + width * start[0] / 100, top + height * start[1] / 100)
    page.mouse.down()
    page.mouse.move(left + width * end[0] / 100, top + height * end[1] / 100, steps=5)


def _box(page: Page) -> tuple[float, float, float, float]:
    box = page.locator("[data-drawing]").bounding_box()
    assert box
    return box["x"], box["y"], box["width"], box["height"]


def press_to(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Go from one place to another by arrow keys, with Shift for ten pixels."""
    for axis, size, keys in (
        (0, WIDTH, ("ArrowLeft", "ArrowRight")),
        (1, HEIGHT, ("ArrowUp", "ArrowDown")),
    ):
        pixels = round((end[axis] - start[axis]) / 100 * size)
        key = keys[pixels > 0]
        tens, ones = divmod(abs(pixels), 10)
        for _ in range(tens):
            page.keyboard.press(f"Shift+{key}")
        for _ in range(ones):
            page.keyboard.press(key)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_be_visible()
    expect(page.locator("[data-save-title]")).to_have_text("No changes")


def stored(camera: Camera) -> list[list[float]]:
    return ZoneVersion.objects.get(zone__camera=camera, valid_to=None).vertices


def test_a_zone_drawn_by_mouse_and_one_by_keys_end_in_the_same_stored_outline(
    open_as, cast, camera
):
    by_mouse = open_as("alice", camera)
    by_mouse.locator("[data-tools] [data-value=zone]").click()
    for x, y in OUTLINE[:-1]:
        click_at(by_mouse, x, y)
    click_at(by_mouse, *ASTRAY)
    click_at(by_mouse, *OUTLINE[0])  # on the first corner: closed
    drag(by_mouse, ASTRAY, OUTLINE[-1])
    by_mouse.mouse.up()
    by_mouse.get_by_label("Name", exact=True).fill("Table")
    save(by_mouse)
    assert stored(camera) == DRAWN

    second = make_camera(cast.store, "Back room")
    by_keys = open_as("alice", second)
    by_keys.locator("[data-drawing]").focus()
    by_keys.keyboard.press("p")
    place = (50.0, 50.0)
    for corner in (*OUTLINE[:-1], ASTRAY):
        press_to(by_keys, place, corner)
        by_keys.keyboard.press("Space")
        place = corner
    by_keys.keyboard.press("Enter")
    for _ in range(len(OUTLINE) - 1):  # from the first corner to the last
        by_keys.keyboard.press("Tab")
    expect(by_keys.locator('[data-corner="4"]')).to_be_focused()
    press_to(by_keys, ASTRAY, OUTLINE[-1])
    save(by_keys)
    assert stored(second) == DRAWN


def test_a_crossing_is_refused_while_it_is_drawn_with_the_reason(open_as, camera):
    make_zone(camera, "Till", vertices=[[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]])
    page = open_as("alice", camera)
    click_at(page, 40, 40)
    drag(page, (20, 20), (40, 80))
    message = page.get_by_role("alert").filter(has_text="Two sides cross.")
    expect(message).to_be_visible()
    expect(page.locator(".badedge")).to_have_count(2)
    page.mouse.up()
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    expect(page.locator("[data-save-title]")).to_have_text("“Till” cannot be saved")
    page.keyboard.press("Control+z")
    expect(message).to_be_hidden()
    expect(page.locator("[data-save-title]")).to_have_text("No changes")
    page.keyboard.press("p")
    for x, y in ((70, 70), (90, 70), (90, 90)):
        click_at(page, x, y)
    click_at(page, 80, 60)
    expect(page.get_by_role("alert").filter(has_text="would cross another side")).to_be_visible()
    expect(page.locator(".draft.bad")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".zg")).to_have_count(1)


def test_corners_are_put_in_taken_away_typed_undone_and_redone_by_keys(open_as, camera):
    make_zone(camera, "Till", vertices=[[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]])
    page = open_as("alice", camera)
    page.locator(".zg").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-corner="0"]')).to_be_focused()
    page.keyboard.press("+")
    expect(page.locator('[data-corner="1"]')).to_be_focused()
    expect(page.locator("[data-corner]")).to_have_count(5)
    page.keyboard.press("Shift+ArrowUp")
    expect(page.get_by_label("Down", exact=True)).to_have_value("18.15")
    page.keyboard.press("Delete")
    expect(page.locator("[data-corner]")).to_have_count(4)
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(page.locator("[data-save-title]")).to_have_text("No changes")
    for _ in range(2):
        page.keyboard.press("Control+Shift+z")
    expect(page.locator("[data-corner]")).to_have_count(5)
    page.get_by_label("Corner", exact=True).select_option("2")
    page.get_by_label("Across", exact=True).fill("40")
    page.get_by_label("Across", exact=True).press("Tab")
    page.get_by_label("What is it?").select_option("queue")
    page.locator(".zcol.z4").click()
    page.get_by_label("A stop is over").fill("4.5")
    page.get_by_label("May step out for").fill("3")
    save(page)
    zone = Zone.objects.get()
    assert (zone.kind, zone.colour, zone.min_dwell_s, zone.grace_s) == ("queue", 4, 4.5, 3)
    assert stored(camera) == [[0.2, 0.2], [0.4, 0.1815], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]


def test_a_line_is_turned_round_and_the_old_place_stays_a_version(open_as, camera):
    make_line(camera, "Front door", a=[0.2, 0.5], b=[0.8, 0.5])
    CountingLineVersion.objects.update(created_at="2026-01-05T09:00:00Z")
    page = open_as("alice", camera)
    page.get_by_role("button", name=re.compile("^Front door .*line")).click()
    before = page.locator(".carrow").get_attribute("d")
    page.get_by_role("button", name="Turn the arrow round").click()
    assert page.locator(".carrow").get_attribute("d") != before
    save(page)
    first, second = CountingLineVersion.objects.all()
    assert (first.inside_side, second.inside_side) == ("right", "left")
    assert first.valid_to == second.valid_from
    expect(page.locator("[data-versions] li")).to_have_count(2)
    newest = page.locator("[data-versions] li").first
    expect(newest).to_contain_text("“Front door” was redrawn, by alice.")
    note = page.locator("[data-saved]")
    expect(note).to_contain_text("Videos that are counted already keep their numbers")
    expect(note.get_by_role("link", name="Recordings")).to_have_attribute(
        "href", re.compile("/recordings/")
    )


def test_a_drawing_that_is_not_saved_is_asked_about_before_it_is_lost(open_as, camera):
    page = open_as("alice", camera)
    page.get_by_role("button", name="New zone").click()
    click_at(page, 30, 30)
    asked: list[str] = []

    def answer(dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    page.get_by_role("link", name="Dashboard").first.click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert "/zones/" in page.url
    page.keyboard.press("Escape")


def test_who_saves_after_somebody_else_is_told_and_overwrites_nothing(open_as, camera):
    zone = make_zone(camera, "Till")
    page = open_as("alice", camera)
    page.locator(".zrow").first.click()
    page.get_by_label("Name", exact=True).fill("Counter")
    zone_redraw(zone=zone, vertices=[[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]])
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toasts")).to_contain_text("This map was changed meanwhile")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Counter")
    assert Zone.objects.get().name == "Till"


def test_nothing_is_edited_while_a_save_is_under_way(open_as, camera):
    make_zone(camera, "Till")
    page = open_as("alice", camera)
    page.locator(".zrow").first.click()
    page.get_by_label("Name", exact=True).fill("Counter")
    page.get_by_label("What is it?").select_option("queue")
    expect(page.locator("[data-save-note]")).to_contain_text("Another kind changes old numbers too")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/map/", hold)
    with page.expect_request("**/map/"):
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-map]")).to_have_js_property("inert", True)
    page.keyboard.type("p")
    page.keyboard.press("Control+z")
    click_at(page, 30, 30)
    expect(page.locator("[data-save-title]")).to_have_text("1 change not saved")
    expect(page.locator(".draft")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("[data-saved]")).to_contain_text("other numbers now, old ones too")
    expect(page.locator("[data-map]")).to_have_js_property("inert", False)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Counter")
    assert [(zone.name, zone.kind) for zone in Zone.objects.all()] == [("Counter", "queue")]


def walk_over(camera: Camera) -> None:
    """Have somebody come in over half the picture's height and stop on the right."""
    recording = make_recording(camera.store)
    places = [(0.5, 0.3), (0.5, 0.7), *[(0.8, 0.7)] * 20, (0.5, 0.7)]
    points = [(1000 * second, x, y) for second, (x, y) in enumerate(places)]
    at = recording.started_at
    Track.objects.create(
        public_id=uuid4(), run=make_run(recording), number=1, chain=1, started_at=at,
        ended_at=at + timedelta(seconds=len(places)), path=pack_path(points), height_px=140,
    )  # fmt: skip


def test_a_drawing_says_what_it_would_have_counted_before_it_is_saved(open_as, camera):
    make_zone(camera, "Till", vertices=[[0.1, 0.6], [0.4, 0.6], [0.4, 0.9], [0.1, 0.9]])
    make_line(camera, "Front door", a=[0.2, 0.5], b=[0.8, 0.5])
    walk_over(camera)
    page = open_as("alice", camera)
    card = page.locator("[data-what-if]")
    expect(card).to_be_hidden()
    click_at(page, 25, 65)
    drag(page, (25, 65), (75, 65))  # the whole zone
    page.mouse.up()
    rows = card.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(card).to_contain_text("the ways of 1 person, counted again")
    assert [" ".join(row.inner_text().split()) for row in rows.all()] == [
        "Till 0 1 +1 — → 0:20", "Front door, in 1 1 same", "Front door, out 0 0 same",
    ]  # fmt: skip
    page.locator(".zrow").nth(1).click()
    page.get_by_role("button", name="Turn the arrow round").click()
    expect(rows.nth(1)).to_contain_text("\u22121")
    expect(rows.nth(2)).to_contain_text("+1")
    assert Zone.objects.get().versions.count() == 1
    save(page)
    expect(card).to_be_hidden()


def test_what_cannot_be_tried_is_told_in_words_and_tried_again_on_request(open_as, camera):
    zone = make_zone(camera, "Till")
    page = open_as("alice", camera)
    card = page.locator("[data-what-if]")
    page.locator(".zrow").first.click()
    page.get_by_label("Name", exact=True).fill("Counter")
    expect(card).to_contain_text("Nobody was followed by this camera lately")
    expect(card.get_by_role("table")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("")
    expect(card).to_contain_text("Once the drawing can be saved")
    zone_redraw(zone=zone, vertices=[[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]])
    page.get_by_label("Name", exact=True).fill("Desk")
    expect(card).to_contain_text("This map was changed meanwhile")
    again = card.get_by_role("button", name="Try again")
    with page.expect_response("**/what-if/"):
        again.click()
    page.get_by_role("button", name="Discard").click()
    expect(card).to_be_hidden()


def test_an_ended_zone_is_brought_back_and_an_old_version_looked_at(open_as, camera):
    zone = make_zone(camera, "Till")
    ZoneVersion.objects.update(created_at="2026-01-05T09:00:00Z")
    zone_archive(zone=zone)
    page = open_as("alice", camera)
    expect(page.locator(".zg")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Look at the drawing of")).click()
    expect(page.locator(".zold")).to_have_count(1)
    page.get_by_role("button", name=re.compile("^Back to now")).click()
    expect(page.locator(".zold")).to_have_count(0)
    page.get_by_role("button", name="Bring back Till").click()
    save(page)
    assert Zone.objects.get().archived_at is None
    assert zone.versions.count() == 2


def test_a_viewer_sees_everything_and_changes_nothing(open_as, camera):
    make_zone(camera, "Till")
    page = open_as("bob", camera)
    page.locator(".zg").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".zform")).to_contain_text("Counts who stops there")
    expect(page.locator("[data-corner]")).to_have_count(0)
    expect(page.locator(".zform input, .zform select, .zform button")).to_have_count(0)
    before = page.locator(".zg .zp").get_attribute("points")
    for key in ("p", "ArrowLeft", "Delete", "l"):
        page.keyboard.press(key)
    drag(page, (50, 50), (60, 60))
    page.mouse.up()
    assert page.locator(".zg .zp").get_attribute("points") == before
    assert page.locator("[data-drawing]").get_attribute("class") in (None, "")
    assert page.evaluate("document.querySelectorAll('.draft').length") == 0
    page.get_by_role("button", name="Starts and ends").click()
    expect(page.locator("[data-ends-note]")).to_have_text("Nobody was followed by this camera yet.")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_as, camera, width, theme):
    make_zone(camera, "W" * 40)
    make_line(camera, "Front door")
    zone_archive(zone=make_zone(camera, "Old"))
    walk_over(camera)
    page = open_as("alice", camera, width)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.reload()
    page.evaluate(AXE.read_text())
    for step in ("plain", "zone", "line", "tried", "crossing"):
        if step in ("zone", "line"):
            page.locator(".zrow").nth(["zone", "line"].index(step)).click()
        if step == "tried":
            page.get_by_role("button", name="Turn the arrow round").click()
            expect(page.locator("[data-what-if] tbody tr")).to_have_count(3)
        if step == "crossing":
            page.locator(".zrow").first.click()
            page.get_by_label("Corner", exact=True).select_option("0")
            for label, value in (("Across", "95"), ("Down", "50")):
                page.get_by_label(label, exact=True).fill(value)
                page.get_by_label(label, exact=True).press("Tab")
            expect(page.locator("[data-message]")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = page.evaluate(LOOK)["violations"]
        told = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]
        assert told == [], step


def test_the_smallest_phone_needs_no_sideways_scroll(open_as, camera):
    make_zone(camera, "W" * 40)
    make_line(camera, "Front door")
    page = open_as("alice", camera, 360)
    for row in range(2):
        page.locator(".zrow").nth(row).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
