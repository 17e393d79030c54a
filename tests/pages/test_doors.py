"""Who may open which page, and what each person finds there."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.urls import reverse

from accounts.models import Store
from accounts.services import membership_set
from tests.cast import make_camera, make_store, make_user, make_zone
from tests.pages.rows import NOON, make_hour, make_recording, make_run

pytestmark = pytest.mark.django_db
PAGES = (
    "tracking:live", "tracking:recordings", "analytics:dashboard", "analytics:history",
    "analytics:events", "analytics:clients", "analytics:zones",
)  # fmt: skip


def page_of(store, name):
    return reverse(name, kwargs={"store_slug": store.slug})


def embedded(response, name):
    """Return what the page hands to its scripts under this id."""
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', response)
    assert found, f"no {name} on the page"
    return json.loads(found[1])


@pytest.mark.parametrize("name", PAGES)
def test_a_member_opens_the_page_and_an_outsider_finds_none(cast, as_user, name):
    address = page_of(cast.store, name)
    for member in (cast.alice, cast.bob):
        assert as_user(member).get(address).status_code == 200
    assert as_user(cast.charlie).get(address).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_logged_in_is_asked_to_and_comes_back(cast, as_user, name):
    address = page_of(cast.store, name)
    response = as_user(None).get(address)
    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_asked_for_as_html_alone_still_has_its_numbers(cast, as_user, name):
    make_run(make_recording(cast.store))
    make_hour(cast.store, NOON, entries=4)
    days = {"analytics:history": "?day=2026-07-01"}
    address = f"{page_of(cast.store, name)}{days.get(name, '')}"
    client = as_user(cast.alice)
    plain, html = client.get(address), client.get(address, headers={"Accept": "text/html"})
    assert html.status_code == 200
    assert "did not load" not in html.content.decode()
    assert len(html.content) == pytest.approx(len(plain.content), abs=200)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_only_read(cast, as_user, name):
    assert as_user(cast.alice).post(page_of(cast.store, name)).status_code == 405


def test_home_tells_a_person_without_a_store_what_to_do(db, as_user):
    text = as_user(make_user("erin")).get("/").content.decode()
    assert "You do not belong to a shop yet" in text
    assert "Open the administration" not in text
    root = make_user("root", is_staff=True)
    assert "Open the administration" in as_user(root).get("/").content.decode()


def test_a_viewer_finds_nothing_to_upload_cancel_or_retry(cast, as_user):
    make_recording(cast.store, state="running")
    make_recording(cast.store, "broken.mp4", state="failed", error_code="no_video")
    for name in PAGES:
        text = as_user(cast.bob).get(page_of(cast.store, name)).content.decode()
        for sign in (
            "data-file",
            "data-choose-file",
            "data-start-dialog",
            "data-act=",
            "tus.min.js",
        ):
            assert sign not in text, f"{sign} on {name}"
    for name, sign in (("tracking:live", "data-file"), ("tracking:recordings", "data-act=")):
        assert sign in as_user(cast.alice).get(page_of(cast.store, name)).content.decode()


def test_the_side_bar_names_only_pages_that_exist(cast, as_user):
    client = as_user(make_user("root", is_staff=True, is_superuser=True))
    text = client.get(page_of(cast.store, "tracking:live")).content.decode()
    nav = text[text.index('class="ot-nav"') : text.index("</nav>")]
    links = re.findall(r'<a href="([^"]+)"', nav)
    assert links[0] == "/"
    assert len(links) == 9
    for link in links:
        assert client.get(link).status_code == 200, link


def test_the_store_switcher_keeps_the_page_and_lists_only_ones_own_stores(cast, as_user):
    text = as_user(cast.alice).get(page_of(cast.store, "analytics:history")).content.decode()
    assert f'href="{page_of(cast.store, "analytics:history")}"' in text
    assert cast.elsewhere.name not in text
    second = make_store("Second shop")
    membership_set(user=cast.alice, store=second, role="viewer")
    text = as_user(cast.alice).get(page_of(cast.store, "analytics:history")).content.decode()
    assert f'href="{page_of(second, "analytics:history")}"' in text


@pytest.mark.parametrize(
    ("view", "asked", "kept"),
    [
        ("analytics:history", "day=2026-06-02&compare=week&page=2", "day=2026-06-02&compare=week"),
        (
            "analytics:dashboard",
            "from=2026-06-01&to=2026-06-02&zone={zone}&compare=week",
            "from=2026-06-01&to=2026-06-02&compare=week",
        ),
        (
            "analytics:events",
            "of=stops&from=2026-06-01&to=2026-06-02&zone={zone}&after=x",
            "from=2026-06-01&to=2026-06-02&of=stops",
        ),
        (
            "analytics:clients",
            "from=2026-06-01&to=2026-06-02&length=short&staff=1&zone={zone}&q=K-7Q2F",
            "from=2026-06-01&to=2026-06-02&length=short&staff=1",
        ),
        ("tracking:recordings", "show=failed", "show=failed"),
        ("tracking:live", "recording={zone}", ""),
    ],
)
def test_another_shop_is_shown_over_the_same_days(cast, as_user, view, asked, kept):
    second = make_store("Second shop")
    membership_set(user=cast.alice, store=second, role="viewer")
    zone = make_zone(make_camera(cast.store), "Shelf").public_id
    client = as_user(cast.alice)
    shown = client.get(f"{page_of(cast.store, view)}?{asked.format(zone=zone)}").content.decode()
    there = page_of(second, view)
    [address] = re.findall(rf'href="({there}[^"]*)"', shown)
    address = html.unescape(address)
    assert address == (f"{there}?{kept}" if kept else there)
    assert client.get(address).status_code == 200


def test_live_hands_its_scripts_the_very_answers_of_the_api(cast, as_user):
    make_run(make_recording(cast.store))
    client = as_user(cast.alice)
    text = client.get(page_of(cast.store, "tracking:live")).content.decode()
    api = f"/api/v1/stores/{cast.store.public_id}/"
    shown, asked = embedded(text, "live-snapshot"), client.get(f"{api}live/").json()
    for moving in ("server_time", "buckets"):
        shown.pop(moving), asked.pop(moving)
    assert shown == asked
    assert embedded(text, "live-cameras") == client.get(f"{api}cameras/").json()["results"]
    context = embedded(text, "page-context")
    assert context["api"] == api
    assert context["store"]["timezone"] == cast.store.timezone
    assert context["role"] == "manager"


def test_live_says_that_now_is_not_known_instead_of_a_zero(cast, as_user):
    make_run(make_recording(cast.store))
    text = as_user(cast.bob).get(page_of(cast.store, "tracking:live")).content.decode()
    assert "Not known" in text
    assert "In <b>noon.mp4</b>" in text
    assert "Nobody</b> is in the shop" not in text


def test_live_says_that_the_demo_is_being_drawn_until_its_recording_is_there(cast, as_user):
    def shown(store):
        return as_user(cast.alice).get(page_of(store, "tracking:live")).content.decode()

    assert "video is being drawn" not in shown(cast.store)
    Store.objects.filter(pk=cast.store.pk).update(is_demo=True)
    text = shown(cast.store)
    assert "video is being drawn" in text
    assert embedded(text, "page-context")["demo_comes"] is True
    make_run(make_recording(cast.store))
    text = shown(cast.store)
    assert "video is being drawn" not in text
    assert embedded(text, "page-context")["demo_comes"] is False


@pytest.mark.parametrize("asked", ["no-id", "4b1d1d7e-0000-4000-8000-000000000000"])
def test_live_shows_what_there_is_when_the_recording_asked_for_is_gone(cast, as_user, asked):
    make_run(make_recording(cast.store))
    address = f"{page_of(cast.store, 'tracking:live')}?recording={asked}"
    assert "noon.mp4" in as_user(cast.alice).get(address).content.decode()


def test_names_from_people_are_text_and_never_markup(cast, as_user):
    make_recording(cast.store, "</script><script>alert(1)</script>")
    for name in PAGES:
        text = as_user(cast.alice).get(page_of(cast.store, name)).content.decode()
        assert "<script>alert" not in text


def test_a_browser_that_asks_for_a_mark_by_itself_is_led_to_ours(client):
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer["Location"].endswith("img/mark.svg")
