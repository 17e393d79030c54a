"""Every page and every state of it that a test in a browser looks at: a page that comes adds rows.

`STATES` are looked at in every size and theme; `CELLS` says of each page which test shows its main
journey, its empty state, what it does when something fails, and what a viewer does not find.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.pages.furnished import (
    BARE,
    CHIEF,
    FOUND_AGAIN,
    FULL,
    MANAGER,
    NEWCOMER,
    UNLUCKY,
    VIEWER,
)
from tools.screenshots.sights import TO_CLIENT, TO_EVENT, TO_VISIT

COLUMNS = ("journey", "empty", "error", "viewer")
SHOP, NEW = f"/stores/{FULL}", f"/stores/{BARE}"


@dataclass(frozen=True, slots=True)
class State:
    """One state of one page.

    Attributes
    ----------
    name : str
        Of the state, after the page's own.
    view : str
        The name of the page's address in the product.
    path : str
        Where it is.
    says : str
        A pattern that the page's main part must hold.
    who : str
        Who looks; nobody where empty.
    status : int
        What the server answers.
    follow : tuple of str
        Selectors of the links that lead on from there.
    do : callable or None
        What brings about the state once the page stands there.
    refused : bool
        Whether the server refuses what that asks for: the browser's console tells of it.
    """

    name: str
    view: str
    path: str
    says: str
    who: str = MANAGER
    status: int = 200
    follow: tuple[str, ...] = ()
    do: Callable[[Page], None] | None = None
    refused: bool = False


def wrong_password(page: Page) -> None:
    page.get_by_label("E-mail or user name").fill("nobody-at-all")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()


def tables(page: Page) -> None:
    for each in page.locator('[data-seg] [data-value="table"]').all():
        each.click()


def open_details(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def open_step(page: Page) -> None:
    page.locator("#next").get_by_role("button", name="Table").click()
    page.locator('.matrix [data-from="came_in"]').first.click()
    page.locator("[data-step-visits] li").first.wait_for()


def wrong_file(page: Page) -> None:
    page.get_by_label("CSV file").set_input_files(
        {"name": "till.csv", "mimeType": "text/csv", "buffer": b"when,what\n1,2\n"}
    )
    with page.expect_navigation():
        page.get_by_role("button", name="Upload").click()


def wrong_change(page: Page) -> None:
    for field in page.locator("#password input[type=password]").all():
        field.fill("not the old one")
    with page.expect_navigation():
        page.get_by_role("button", name="Change the password").click()


def wrong_code(page: Page) -> None:
    page.get_by_label("Write").fill("nothing like it")
    with page.expect_navigation():
        page.get_by_role("button", name="Erase for good").click()


def wrong_camera(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Back door")
    page.get_by_label("Address", exact=True).fill("rtsp://eye:secret@127.0.0.1/1")
    with page.expect_navigation():
        page.get_by_role("button", name="Store and go on").click()


def wrong_address(page: Page) -> None:
    page.get_by_label("Address", exact=True).fill("camera.local")
    with page.expect_navigation():
        page.get_by_role("button", name="Store it").click()


def choose_shape(page: Page) -> None:
    page.locator(".zrow").first.click()


def try_drawing(page: Page) -> None:
    choose_shape(page)
    page.get_by_label("Across", exact=True).fill("35")
    page.get_by_label("Across", exact=True).press("Tab")
    page.locator("[data-what-if] tbody tr").first.wait_for()


def show_parts(page: Page) -> None:
    page.locator("[data-show-toast]").click()
    page.locator("[data-show-question]").click()
    page.get_by_role("dialog").wait_for()


def read_api(page: Page) -> None:
    page.get_by_role("button", name="Show the operations").click()
    page.locator("#operations-tag-stores").click()
    page.locator(".opblock-summary-control").first.click()
    page.get_by_role("button", name="Try it out").wait_for()


def open_menu(page: Page) -> None:
    page.locator('[data-menu="menu-store"]').click()
    page.locator("#menu-store .item").first.wait_for()


TO_CAMERA = "main .known a"
TO_ZONE = "#result_list th a"
TO_LINKS, TO_FOUND_AGAIN = (
    f"main li:has-text('{name}') a[href$='/links/']" for name in ("clip.mp4", FOUND_AGAIN)
)
TO_ERASE = "main a[href$='/erase/']"
STATES = (
    State("login", "login", "/login/", "Log in", who=""),
    State("login-refused", "login", "/login/", "does not fit", who="", do=wrong_password),
    State("overview", "home", "/", "harbour shop"),
    State("overview-menu", "home", "/", "harbour shop", do=open_menu),
    State("overview-no-shop", "home", "/", "You do not belong to a shop yet", who=NEWCOMER),
    State("live", "tracking:live", f"{SHOP}/live/", "Came in"),
    State("live-viewer", "tracking:live", f"{SHOP}/live/", "Came in", who=VIEWER),
    State("live-empty", "tracking:live", f"{NEW}/live/", "No video yet"),
    State(
        "live-empty-viewer", "tracking:live", f"{NEW}/live/",
        "When a manager of the shop adds one", who=VIEWER,
    ),
    State("dashboard", "analytics:dashboard", f"{SHOP}/dashboard/?compare=week", "came in"),
    State(
        "dashboard-days", "analytics:dashboard", f"{SHOP}/dashboard/?bars=days", "day by day"
    ),
    State("dashboard-tables", "analytics:dashboard", f"{SHOP}/dashboard/", "came in", do=tables),
    State("dashboard-step", "analytics:dashboard", f"{SHOP}/dashboard/", "came in", do=open_step),
    State("dashboard-empty", "analytics:dashboard", f"{NEW}/dashboard/", "othing|obody"),
    State(
        "dashboard-refused", "analytics:dashboard", f"{SHOP}/dashboard/?from=never",
        "does not exist|there is no", status=400,
    ),
    State("tell", "analytics:tell", f"{SHOP}/tell/", "what no camera sees"),
    State(
        "tell-refused", "analytics:tell", f"{SHOP}/tell/", "Line 1 names the columns",
        do=wrong_file, refused=True,
    ),
    State("history", "analytics:history", f"{SHOP}/history/?compare=week", "came in"),
    State("history-tables", "analytics:history", f"{SHOP}/history/", "came in", do=tables),
    State("history-empty", "analytics:history", f"{NEW}/history/", "Nothing was seen"),
    State(
        "history-refused", "analytics:history", f"{SHOP}/history/?day=never",
        "This page does not exist", status=400,
    ),
    State("events", "analytics:events", f"{SHOP}/events/", "came in|Came in"),
    State("events-empty", "analytics:events", f"{NEW}/events/", "obody|othing"),
    State(
        "events-refused", "analytics:events", f"{SHOP}/events/?of=nothing", "does not exist",
        status=400,
    ),
    State("event", "tracking:event", f"{SHOP}/events/", "Came in over", follow=(TO_EVENT,)),
    State("clients", "analytics:clients", f"{SHOP}/clients/", "random code"),
    State("clients-unknown", "analytics:clients", f"{SHOP}/clients/?q=abcd", "has this code"),
    State("clients-empty", "analytics:clients", f"{NEW}/clients/", "No visit"),
    State("client", "analytics:client", f"{SHOP}/clients/", "Keep the", follow=(TO_CLIENT,)),
    State(
        "client-viewer", "analytics:client", f"{SHOP}/clients/",
        "Managers of the shop can write here", who=VIEWER, follow=(TO_CLIENT,),
    ),
    State(
        "visit", "analytics:visit", f"{SHOP}/clients/", "stopped at", follow=(TO_CLIENT, TO_VISIT)
    ),
    State(
        "erase-client", "analytics:erase-client", f"{SHOP}/clients/", "What goes",
        follow=(TO_CLIENT, TO_ERASE),
    ),
    State(
        "erase-visit", "analytics:erase-visit", f"{SHOP}/clients/", "Nothing was erased",
        follow=(TO_CLIENT, TO_VISIT, TO_ERASE), do=wrong_code, refused=True,
    ),
    State("zones", "analytics:zones", f"{SHOP}/zones/", "Draw the places", do=choose_shape),
    State(
        "zones-what-if", "analytics:zones", f"{SHOP}/zones/", "counted again", do=try_drawing
    ),
    State(
        "zones-viewer", "analytics:zones", f"{SHOP}/zones/", "These places are counted",
        who=VIEWER, do=choose_shape,
    ),
    State("zones-empty", "analytics:zones", f"{NEW}/zones/", "No camera yet"),
    State("cameras", "tracking:cameras", f"{SHOP}/cameras/", "Cameras of this shop"),
    State("cameras-empty", "tracking:cameras", f"{NEW}/cameras/", "New camera"),
    State(
        "cameras-refused", "tracking:cameras", f"{SHOP}/cameras/", "machine that OskarTrack itself",
        do=wrong_camera, refused=True,
    ),
    State(
        "camera", "tracking:camera", f"{SHOP}/cameras/", "It takes added videos",
        follow=(TO_CAMERA,),
    ),
    State(
        "camera-refused", "tracking:camera", f"{SHOP}/cameras/", "starts with rtsp",
        follow=(TO_CAMERA,), do=wrong_address, refused=True,
    ),
    State("recordings", "tracking:recordings", f"{SHOP}/recordings/", "What to", do=open_details),
    State(
        "recordings-viewer", "tracking:recordings", f"{SHOP}/recordings/", "What to do",
        who=VIEWER, do=open_details,
    ),
    State("recordings-none", "tracking:recordings", f"{SHOP}/recordings/?show=working", "None of"),
    State("recordings-empty", "tracking:recordings", f"{NEW}/recordings/", "No recordings yet"),
    State(
        "links", "tracking:links", f"{SHOP}/recordings/?show=done", "1 person was lost from sight",
        follow=(TO_FOUND_AGAIN,),
    ),
    State(
        "links-empty", "tracking:links", f"{SHOP}/recordings/?show=done",
        "No ways are joined in this count", follow=(TO_LINKS,),
    ),
    State("health", "health", "/health/", "elf-check", who=CHIEF),
    State("style", "style", "/style/", "tyle", who=CHIEF),
    State("style-question", "style", "/style/", "tyle", who=CHIEF, do=show_parts),
    State("account", "account", "/account/", "Log out everywhere"),
    State(
        "account-refused", "account", "/account/", "Your old password was entered incorrectly",
        do=wrong_change, refused=True,
    ),
    State("api-docs", "api-docs", "/api-docs/", "to read and to try"),
    State("api-docs-open", "api-docs", "/api-docs/", "Try it out", do=read_api),
    State("not-found", "", f"{SHOP}x/live/", "There is no such page", status=404),
    State("not-mine", "", f"{SHOP}/live/", "There is no such page", who=UNLUCKY, status=404),
    State("not-allowed", "", f"{SHOP}/tell/", "You may not see this page", who=VIEWER, status=403),
    State("admin", "admin", "/admin/", "Stores", who=CHIEF),
    State("admin-stores", "admin", "/admin/accounts/store/", "harbour", who=CHIEF),
    State(
        "admin-store", "admin", "/admin/accounts/store/?q=harbour", "Cameras", who=CHIEF,
        follow=(TO_ZONE,),
    ),
    State("admin-zones", "admin", "/admin/zones/zone/", "Apples", who=CHIEF),
    State("admin-zone", "admin", "/admin/zones/zone/", "Apples", who=CHIEF, follow=(TO_ZONE,)),
    State("admin-lines", "admin", "/admin/zones/countingline/", "entrance", who=CHIEF),
    State("admin-cameras", "admin", "/admin/zones/camera/", "harbour", who=CHIEF),
)  # fmt: skip
# What managers alone may do, by page: there for them, and not there for viewers.
MANAGERS_ONLY = {
    "tracking:live": ("[data-choose-file]", "#add-title", "[data-jobs]", "[data-start-dialog]"),
    "tracking:recordings": ("button[data-act]", "a[href$='#add-title']"),
    "tracking:links": ("[data-undo]",),
    "analytics:zones": (
        "[data-save]",
        "[data-discard]",
        "[data-tools]",
        "[data-snap]",
        "[data-what-if]",
    ),
    "analytics:client": ("textarea", "form[method=post] .btn:not(.item)", "[data-held]"),
    "analytics:visit": ("[data-held]",),
    "analytics:history": ("[data-verify]",),
    "analytics:dashboard": ("[data-verify]", "a[href*='/tell/']"),
}

# --- Which test shows what of a page --------------------------------------------------------------

HERE = "tests/pages/test_every_state.py"
STATE = f"{HERE}::test_a_state_says_what_it_is_and_is_whole_at_every_size"
TOLD = "tests/pages/test_failures_are_told.py"
FIRST = "tests/pages/test_e2e_first_pages.py"
BEHIND = "tests/pages/test_evidence_in_a_browser.py"
DRAWN = "tests/pages/test_zones_in_a_browser.py"
LINKS = "tests/tracking/test_links_page.py"
ERASED = "tests/pages/test_erase_pages.py"
SET_UP = "tests/tracking/test_camera_setup.py"
LOGIN = "tests/accounts/test_browser.py"
ACCOUNT = "tests/accounts/test_account.py"
MANAGED = f"{HERE}::test_what_managers_alone_may_do_is_not_there_for_viewers"
BROKEN = f"{TOLD}::test_a_fault_of_ours_is_a_page_in_words_and_over_once_it_is_mended"
AWAY = "tests/house/test_health.py::test_pages_say_in_words_that_the_database_is_away"
CHANGED = f"{TOLD}::test_numbers_that_cannot_be_fetched_are_told_to_be_old_until_they_can"
COUNTED = f"{FIRST}::test_a_video_is_sent_counted_and_seen_and_a_strangers_pages_stay_empty"
STEPS = (
    "tests/pages/test_dashboard_in_a_browser.py"
    "::test_a_number_opens_the_visits_behind_it_and_the_map_is_drawn"
)
CLIENT = f"{BEHIND}::test_a_client_leads_to_the_visit_with_its_strip_and_its_way"
EVENT = f"{BEHIND}::test_a_number_leads_to_its_events_to_the_way_and_towards_the_film"
ALIKE = "the same for both"
# A test, a state, or why there is nothing to show, in the order of `COLUMNS`.
CELLS = {
    "login": (
        f"{LOGIN}::test_a_wrong_password_is_told_beside_the_field_and_the_right_one_opens",
        "always a form", AWAY, "nobody is anybody yet",
    ),
    "home": (COUNTED, "overview-no-shop", CHANGED, ALIKE),
    "tracking:live": (COUNTED, "live-empty", CHANGED, MANAGED),
    "tracking:recordings": (
        f"{FIRST}::test_a_video_is_removed_by_a_second_press_and_its_numbers_stay",
        "recordings-empty", CHANGED, MANAGED,
    ),
    "tracking:links": (
        f"{LINKS}::test_an_undone_link_waits_for_its_count_and_can_be_made_again",
        "links-empty", AWAY,
        f"{LINKS}::test_viewers_see_it_without_buttons_and_charlie_sees_nothing",
    ),
    "tracking:event": (EVENT, "an event is there or the page is not", AWAY, ALIKE),
    "analytics:dashboard": (
        STEPS, "dashboard-empty", BROKEN, MANAGED,
    ),
    "analytics:tell": (
        f"{HERE}::test_what_somebody_counted_is_told_to_the_page_and_noted",
        "always a form", "tell-refused", "not-allowed",
    ),
    "analytics:history": (
        f"{FIRST}::test_a_wrong_number_is_found_named_and_put_right_without_a_reload",
        "history-empty", CHANGED, MANAGED,
    ),
    "analytics:events": (EVENT, "events-empty", BROKEN, ALIKE),
    "analytics:clients": (CLIENT, "clients-empty", BROKEN, ALIKE),
    "analytics:client": (CLIENT, "a client came or the page is not there", AWAY, MANAGED),
    "analytics:visit": (CLIENT, "a visit was or the page is not there", AWAY, MANAGED),
    "analytics:erase-client": (
        f"{ERASED}::test_a_manager_erases_a_client_by_its_code_and_sees_the_receipt",
        "a client came or the page is not there",
        f"{ERASED}::test_what_is_still_counted_is_told_in_words_and_stays",
        f"{ERASED}::test_viewers_are_not_asked_and_read_no_names",
    ),
    "analytics:erase-visit": (
        f"{ERASED}::test_a_visit_is_erased_by_its_own_code",
        "a visit was or the page is not there", "erase-visit",
        f"{ERASED}::test_viewers_are_not_asked_and_read_no_names",
    ),
    "analytics:zones": (
        f"{DRAWN}::test_a_zone_drawn_by_mouse_and_one_by_keys_end_in_the_same_stored_outline",
        "zones-empty",
        f"{TOLD}::test_a_drawing_that_cannot_be_saved_stays_and_is_saved_later", MANAGED,
    ),
    "tracking:cameras": (
        f"{SET_UP}::test_a_camera_goes_from_its_address_to_being_followed", "cameras-empty",
        "cameras-refused", f"{SET_UP}::test_viewers_and_strangers_set_nothing_up",
    ),
    "tracking:camera": (
        f"{SET_UP}::test_a_camera_goes_from_its_address_to_being_followed", "camera",
        "camera-refused", f"{SET_UP}::test_viewers_and_strangers_set_nothing_up",
    ),
    "health": (
        "health", "it always has something to say",
        "tests/house/test_health.py::test_the_self_check_says_what_is_wrong_and_what_to_do",
        "tests/house/test_health.py::test_members_of_shops_see_neither_the_self_check_nor_the_figures",
    ),
    "account": (
        f"{ACCOUNT}::test_a_new_password_ends_every_other_log_in_and_keeps_this_one",
        "account", "account-refused", "everybody has one of their own",
    ),
    "api-docs": (
        f"{LOGIN}::test_an_operation_of_the_api_is_read_and_tried_on_its_page",
        "always all operations", f"{TOLD}::test_a_reader_that_does_not_come_is_asked_for_again",
        "each asks with rights of their own",
    ),
    "style": (
        "style-question", "its numbers are made up", AWAY,
        "tests/pages/test_style_page.py::test_staff_alone_may_see_it",
    ),
    "admin": (
        f"{LOGIN}::test_an_administrator_draws_a_zone_by_its_numbers_and_reads_what_is_wrong",
        "Django's own words", AWAY,
        "tests/accounts/test_admin.py::test_members_who_are_no_staff_are_refused",
    ),
}  # fmt: skip
