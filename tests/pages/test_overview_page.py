"""The Overview: the sentence, a row for every shop, and what stands where nothing is known."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import membership_set
from analytics.overview_page import (
    camera_words,
    change_of,
    job_words,
    lead,
    opening_words,
    past,
    state_of,
)
from tests.analytics.shop import make_facts, make_shop
from tests.cast import MANAGER, make_camera, make_line, make_store
from tests.pages.rows import make_hour, make_recording
from tracking.models import Coverage
from zones.models import Camera

# A Tuesday in Berlin, 15:02 on the wall.
NOW = datetime(2026, 6, 2, 13, 2, tzinfo=UTC)
TEN = NOW.replace(hour=8, minute=0)
WEEK = timedelta(weeks=1)
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def _tuesday_afternoon(monkeypatch):
    told = SimpleNamespace(now=lambda: NOW)
    monkeypatch.setattr("analytics.overview_api.system_clock", told)


@pytest.fixture
def shown(cast, as_user):
    """Return the text of the page as one person sees it, without its tags where asked."""

    def get(user=None, *, words: bool = True) -> str:
        response = as_user(user or cast.alice).get("/")
        assert response.status_code == 200
        text = response.content.decode()
        text = re.sub(r"<template>.*?</template>|<[^>]+>", " ", text) if words else text
        return " ".join(html.unescape(text).replace("\u00a0", " ").split())

    return get


@pytest.fixture
def looked_at(cast) -> None:
    """Let somebody look at the corner shop now: three came in, one went out."""
    facts = make_facts(make_shop(cast.store), NOW - timedelta(minutes=9))
    for second in (1, 2, 3):
        facts.step(second)
    facts.step(60, "out")
    facts.seen(0, 500)
    facts.commit()


def looks_now(camera: Camera) -> None:
    """Let a camera have looked until now."""
    Coverage.objects.create(camera=camera, starts_at=NOW - TEN_MINUTES, ends_at=NOW)


def test_who_is_not_logged_in_is_asked_to_and_comes_back(as_user, db):
    response = as_user(None).get("/")
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/")


def test_the_page_is_only_read(cast, as_user):
    assert as_user(cast.alice).post("/").status_code == 405


def test_the_sentence_is_the_answer_and_every_shop_has_its_row(cast, shown, looked_at):
    membership_set(user=cast.alice, store=cast.elsewhere, role=MANAGER)
    text = shown()
    assert "2 people are in 1 of your 2 shops, the others are not seen right now." in text
    assert "3 people came in today at 1 of your 2 shops." in text
    assert "Overview · Tuesday 2 June, 15:02" in text
    rows = shown(words=False)
    assert rows.count("data-shop=") == 2
    assert f'href="/stores/{cast.store.slug}/live/"' in rows
    assert "Nothing has been counted here yet." in text
    assert "1 of 1 camera seeing" in text
    assert "No camera yet" in text


def test_a_stranger_reads_nothing_of_it(cast, shown, looked_at):
    text = shown(cast.charlie)
    assert "Corner shop" not in text
    assert "Nothing has been counted yet." in text
    assert "Far shop" in text


def test_what_nobody_saw_is_a_dash_and_never_a_zero(cast, shown):
    make_hour(cast.store, TEN - timedelta(days=3), entries=5)
    text = shown(words=False)
    assert text.count('<data value="">—</data>') == 2
    assert '<data value="0">' not in text
    said = shown()
    assert "No entrance of Corner shop was seen today." in said
    assert "No entrance was seen today, last on Sat 30 May at 11:00." in said


def test_a_number_leads_to_the_events_of_today_and_a_dash_leads_nowhere(
    cast, shown, looked_at, as_user
):
    membership_set(user=cast.alice, store=cast.elsewhere, role=MANAGER)
    links = re.findall(r'<a class="behind" id="([^"]+)" href="([^"]+)"', shown(words=False))
    slug, told = cast.store.slug, "from=2026-06-02&to=2026-06-02"
    assert [tuple(map(html.unescape, link)) for link in links] == [
        (f"inside-{slug}", f"/stores/{slug}/events/?of=inside&{told}"),
        (f"entries-{slug}", f"/stores/{slug}/events/?of=entries&{told}"),
    ]
    client = as_user(cast.alice)
    inside, entries = (client.get(html.unescape(link)) for _, link in links)
    assert inside.status_code == entries.status_code == 200
    text = entries.content.decode()
    assert "<b>3</b> people came in." in text
    assert 'data-adds-up="yes"' in text
    assert "3 came in today at Corner shop" in shown()


def test_a_true_zero_is_a_zero(cast, shown):
    facts = make_facts(make_shop(cast.store), NOW - timedelta(minutes=9))
    facts.seen(0, 500)
    facts.commit()
    assert shown(words=False).count('<data value="0">0</data>') == 2
    assert "Nobody is in Corner shop right now. Nobody came in today." in shown()


def test_numbers_of_this_morning_stay_and_the_page_says_that_nobody_looks_now(cast, shown):
    make_hour(cast.store, TEN, entries=5)
    text = shown()
    assert "5 people came in today." in text
    assert "No entrance was seen since 11:00, so nobody knows who is in now." in text
    assert "right now" not in text


def test_the_change_is_told_with_what_it_rests_on(cast, shown):
    make_hour(cast.store, TEN, entries=12)
    make_hour(cast.store, TEN - WEEK, entries=10)
    text = shown()
    assert "20 % more in 1 like hour" in text
    assert "12 people came in today, 20 % more than in the same hours a week before." in text


def test_a_camera_that_went_dark_is_told_first_and_its_address_never(cast, shown, looked_at):
    source = "rtsp://user:secret@10.0.0.7/1"
    make_camera(cast.store, "North door", source=source, created_at=NOW - 2 * TEN_MINUTES)
    text = shown()
    assert "One camera needs a look." in text
    assert "nothing of the camera “North door” was counted for 10 minutes" in text
    assert "1 of 2 cameras seeing" in text
    assert "secret" not in shown(words=False)


def test_a_camera_that_was_put_up_just_now_is_no_fault(cast, shown):
    source = "rtsp://10.0.0.7/1"
    make_camera(cast.store, "New", source=source, created_at=NOW - TEN_MINUTES / 2)
    text = shown()
    assert "needs a look" not in text
    assert "was counted for 10 minutes" not in text
    assert "0 of 1 camera seeing" in text


def test_a_camera_that_looks_where_no_entrance_is_drawn_yet_is_not_said_to_be_blind(cast, shown):
    looks_now(make_camera(cast.store))
    text = shown()
    assert "1 of 1 camera seeing" in text
    assert "No entrance line is drawn in Corner shop yet, so nobody knows who comes in." in text
    assert "No entrance line is drawn yet, so nobody knows who comes in. Draw one under" in text
    assert not re.search("[Ll]ast seen|was not seen", text)


def test_another_camera_says_nothing_of_the_entrance(cast, shown):
    make_hour(cast.store, TEN, entries=5)
    looks_now(make_camera(cast.store, "Yard"))
    assert "No entrance was seen since 11:00, so nobody knows who is in now." in shown()


def test_an_entrance_that_was_never_seen_is_not_said_to_be(cast, shown):
    make_line(make_camera(cast.store))
    looks_now(make_camera(cast.store, "Yard"))
    text = shown()
    assert "No entrance of Corner shop was seen today." in text
    assert "No entrance has been seen here yet." in text
    assert "Nothing has been counted" not in text


def test_a_day_that_has_just_begun_is_live(cast):
    told = {"now": 0, "entries": None, "last_seen_at": NOW, "why_null": None}
    assert state_of(told) == "live"
    words = said(lead([row("Here", now=0, entries=None)]))
    assert words == "Nobody is in Here right now. There are no numbers of today yet."


def test_work_that_failed_leads_to_its_list(cast, shown):
    make_recording(cast.store, state="failed", error_code="no_video")
    assert "One recording could not be counted." in shown()
    assert f'href="/stores/{cast.store.slug}/recordings/?show=failed"' in shown(words=False)


def test_the_first_page_of_the_side_bar_is_this_one_and_no_shop_is_chosen(shown):
    text = shown(words=False)
    first = re.search(r'<nav class="ot-nav".*?<a href="([^"]+)"[^>]*>', text)
    assert first
    assert first[1] == "/"
    assert 'title="Overview" aria-current="page"' in text
    assert "All shops" in text


def test_a_page_with_more_shops_takes_so_many_queries_more(cast, as_user):
    client = as_user(cast.alice)
    counts = []
    for n in range(3):
        client.get("/")
        with CaptureQueriesContext(connection) as taken:
            client.get("/")
        counts.append(len(taken))
        store = make_store(f"Shop {n}")
        make_hour(store, NOW.replace(minute=0), entries=5)
        membership_set(user=cast.alice, store=store, role=MANAGER)
    assert counts[1] - counts[0] == counts[2] - counts[1] <= 8
    assert counts[0] <= 15


def row(name: str, **fields: Any) -> dict[str, Any]:
    nothing = {"change": None, "why_null": "", "here": None, "there": None, "hours": 0}
    return {
        "store": {"name": name}, "state": "live", "now": 1, "entries": 4, "compared": nothing,
        "troubles": [], "cameras": [], "why_null": None,
        "jobs": {"working": 0, "waiting": 0, "failed": 0},
    } | fields  # fmt: skip


def said(parts: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for part in parts).replace("\u00a0", " ").strip()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("Here")], "1 person is in Here right now. 4 people came in today."),
        ([row("Here", now=0, entries=0)], "Nobody is in Here right now. Nobody came in today."),
        (
            [row("Here"), row("There", now=76, entries=1082)],
            "77 people are in your 2 shops right now. 1,086 people came in today.",
        ),
        (
            [row("Here", now=None, entries=None), row("There", now=None, entries=None)],
            "No entrance was seen today.",
        ),
        (
            [row("Here"), row("There", state="unseen", now=None, entries=None)],
            ("1 person is in 1 of your 2 shops, the others are not seen right now. 4 people came "
            "in today at 1 of your 2 shops."),
        ),
        (
            # 100 against 100 of one, and 50 against nobody of the other: a half more.
            [
                row("Here", compared={"change": 0.0, "here": 100, "there": 100, "hours": 1}),
                row("There", compared={"change": None, "here": 50, "there": 0, "hours": 1}),
            ],
            ("2 people are in your 2 shops right now. 8 people came in today, 50 % more than in "
            "the same hours a week before."),
        ),
        (
            [row("Here", compared={"change": -0.5, "here": 1, "there": 2, "hours": 1})],
            ("1 person is in Here right now. 4 people came in today, 50 % fewer than in the same "
            "hours a week before."),
        ),
        (
            # 30 against 20 and 10 against 20 together: as many.
            [
                row("Here", compared={"change": 0.5, "here": 30, "there": 20, "hours": 2}),
                row("There", compared={"change": -0.5, "here": 10, "there": 20, "hours": 2}),
            ],
            ("2 people are in your 2 shops right now. 8 people came in today, about as many as in "
            "the same hours a week before."),
        ),
        (
            [row("Here", troubles=[1, 2], jobs={"working": 0, "waiting": 0, "failed": 2})],
            ("1 person is in Here right now. 4 people came in today. 2 cameras need a look. "
            "2 recordings could not be counted."),
        ),
    ],
)  # fmt: skip
def test_the_sentence_adds_up_all_shops(rows, words):
    assert said(lead(rows)) == words


def test_a_lost_line_turns_it_to_the_past_tense():
    assert said(past([row("Here", now=7)])) == "7 people were in Here."
    assert said(past([row("Here", now=1)])) == "1 person was in Here."
    assert said(past([row("Here", now=None)])) == "these were the newest numbers."


@pytest.mark.parametrize(
    ("change", "way", "words"),
    [
        (None, "none", "not compared"), (0.0199, "same", "about as many"), (0.02, "up", "2 % more"),
        (-0.02, "down", "2 % fewer"), (12.5, "up", "1,250 % more"),
    ],
)  # fmt: skip
def test_a_change_has_an_arrow_and_words(change, way, words):
    told = change_of({"change": change, "hours": 3, "why_null": "why"})
    assert (told["way"], told["words"]) == (way, words)
    assert told["note"] == ("why" if change is None else "in 3 like hours")


@pytest.mark.parametrize(
    ("cameras", "state", "words"),
    [
        ([], "none", "No camera yet"),
        ([(True, False)], "good", "1 of 1 camera seeing"),
        ([(True, True), (False, False)], "good", "1 of 2 cameras seeing"),
        ([(True, True), (False, True)], "bad", "1 of 2 cameras seeing"),
        ([(False, False)], "none", "Counts videos that are sent"),
    ],
)
def test_cameras_are_told_in_words(cameras, state, words):
    told = [
        {"name": "Door", "looking": looking, "live": live, "is_new": False}
        for looking, live in cameras
    ]
    assert camera_words(told) == {"state": state, "words": words}


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ((0, 0, 0), None), ((1, 0, 0), "1 recording being counted"),
        ((2, 3, 0), "2 recordings being counted, 3 waiting"),
        ((0, 1, 2), "1 recording waiting, 2 could not be counted"),
        ((0, 0, 1), "1 recording could not be counted"),
    ],
)  # fmt: skip
def test_work_is_told_in_words(jobs, words):
    told = job_words(dict(zip(("working", "waiting", "failed"), jobs, strict=True)))
    assert (told and told["words"]) == words


@pytest.mark.parametrize(
    ("is_open", "changes_at", "words"),
    [
        (True, None, ""), (False, None, "Closed"),
        (True, "2026-06-02T16:00:00Z", "Open until 18:00"),
        (False, "2026-06-03T07:00:00Z", "Closed until Wed 3 Jun, 09:00"),
    ],
)  # fmt: skip
def test_opening_hours_are_told_on_the_shops_clock(is_open, changes_at, words):
    shop = {"is_open": is_open, "changes_at": changes_at}
    assert opening_words(shop, NOW, "Europe/Berlin") == words
