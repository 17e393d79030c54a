"""The feed, visits, and what to draw over a recording."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.analytics.shop import NINE_UTC, Kind, Shop, make_facts, make_shop, tell
from tests.cast import Cast, make_cast
from tracking import media, selectors
from tracking.event_serializers import EventSerializer
from tracking.ledger import run_take_out
from tracking.models import Chunk, Recording, TrackingEvent
from tracking.overlay import TrackedFrame, pack, previews_name
from tracking.selectors import feed_after, feed_shared, store_sequence

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def own(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def shop(cast) -> Shop:
    return make_shop(cast.store)


def ask(user, path: str, **query):
    client = APIClient()
    if user is not None:
        client.force_login(user)
    return client.get(f"/api/v1/{path}", query or None)


def feed(cast, **query) -> dict[str, Any]:
    answer = ask(cast.bob, f"stores/{cast.store.public_id}/events/", **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def busy(shop: Shop, count: int = 12, start=NINE_UTC):
    facts = make_facts(shop, start)
    for second in range(count):
        facts.step(second)
    facts.commit()
    return facts


@pytest.mark.parametrize(
    "door", ["events/?recent=5", "events/?after=0", "visits/"],
)  # fmt: skip
def test_members_read_the_feed_and_for_others_there_is_no_such_store(cast, door):
    path = f"stores/{cast.store.public_id}/{door}"
    assert [ask(who, path).status_code for who in (cast.alice, cast.bob, cast.charlie, None)] == [
        200, 200, 404, 401,
    ]  # fmt: skip


def test_following_the_feed_brings_every_event_once_and_in_order(cast, shop):
    busy(shop)
    seen, after = [], 0
    while True:
        page = feed(cast, after=after, limit=5)
        assert page["as_of_seq"] == 24
        seen += [event["seq"] for event in page["results"]]
        if not page["more"]:
            break
        after = seen[-1]
    assert seen == list(range(1, 25))
    assert feed(cast, after=24) == {"as_of_seq": 24, "results": [], "more": False}


def test_the_newest_come_first_and_can_be_narrowed(cast, shop):
    first = busy(shop)
    busy(shop, 2)
    assert [e["seq"] for e in feed(cast, recent=3)["results"]] == [28, 27, 26]
    entered = feed(cast, recent=50, kind="entered,exited")["results"]
    assert {e["kind"] for e in entered} == {"entered"} and len(entered) == 14
    ours = feed(cast, recent=50, recording=str(first.run.recording.public_id))["results"]
    assert {e["recording"] for e in ours} == {str(first.run.recording.public_id)}
    assert len(ours) == 24


def test_an_event_tells_what_the_page_draws(cast, shop):
    facts = make_facts(shop)
    facts.visit(1, 40)
    facts.step(1)
    facts.step(41.25, "out")
    facts.stay(5, 12.5, censored=True)
    for event in facts.events:
        if event.kind == Kind.EXITED:
            event.visit = facts.visits[0]
    visit = facts.visits[0]
    visit.save()
    facts.visits = []
    facts.commit()
    told = {e["kind"]: e for e in feed(cast, recent=10)["results"]}
    out = told["exited"]
    assert out | {"id": "", "camera": "", "line": "", "track": 0} == {
        "id": "", "seq": 4, "kind": "exited", "at": "2026-06-02T08:00:41.250000Z", "camera": "",
        "zone": None, "line": "", "direction": "out", "dwell_s": None, "stay_s": 40.0,
        "censored": False, "value": None, "run": str(facts.run.public_id),
        "recording": str(facts.run.recording.public_id), "track": 0, "media_ms": 41_250,
        "superseded": False, "source": "video", "recount": None,
    }  # fmt: skip
    assert out["line"] == {"id": str(shop.line.public_id), "name": "entrance"}
    left = told["zone_left"]
    assert (left["dwell_s"], left["censored"], left["stay_s"]) == (12.5, True, None)
    assert left["zone"] == {
        "id": str(shop.zone.public_id), "name": "Shelf", "colour": shop.zone.colour,
        "kind": "display",
    }  # fmt: skip


def test_events_of_a_count_that_was_replaced_stay_in_the_feed_marked(cast, shop):
    facts = busy(shop, 1)
    run_take_out(facts.run)
    told = feed(cast, after=0)["results"]
    assert [(e["kind"], e["superseded"]) for e in told] == [
        ("crossed", True), ("entered", True), ("recounted", False),
    ]  # fmt: skip
    recording = str(facts.run.recording.public_id)
    recent = feed(cast, recent=10, recording=recording)["results"]
    assert [e["kind"] for e in recent] == ["recounted"]


def test_an_event_of_a_person_has_no_run(cast):
    tell(cast.store, Kind.CORRECTED, NINE_UTC, -3)
    (told,) = feed(cast, after=0)["results"]
    assert (told["value"], told["run"], told["recording"], told["media_ms"]) == (-3,) + (None,) * 3


def test_a_long_page_says_what_short_ones_say_and_asks_no_more_the_longer_it_is(files):
    """Of a recording that was counted again, with a correction between."""
    from tests.tracking.again import counted, recount, redraw

    recording = counted(files)
    store = recording.store
    redraw(recording)
    recount(recording)
    tell(store, Kind.CORRECTED, NINE_UTC, -3)
    last = store_sequence(store)
    assert last > 20
    short: Any = [feed_after(store, place, 1)[1][0] for place in range(last)]
    long = {}
    for most in (last // 2, last):
        with CaptureQueriesContext(connection) as asked:
            found: Any = list(feed_shared(store).filter(seq__lte=most).order_by("seq"))
            long[most] = EventSerializer(found, many=True).data
        assert len(asked) <= 8, [query["sql"][:200] for query in asked]
    assert long[last] == EventSerializer(short, many=True).data
    assert [one["recount"] for one in long[last] if one["recount"]]


def test_many_are_brought_as_what_they_share(cast, shop, monkeypatch):
    busy(shop, 30)
    told = feed(cast, after=0)["results"]
    monkeypatch.setattr(selectors, "FEW", 500)
    assert feed(cast, after=0)["results"] == told and len(told) == 60


def test_events_without_a_place_in_the_feed_are_not_in_it(cast, shop):
    busy(shop, 1)
    TrackingEvent.objects.filter(kind=Kind.ENTERED).update(seq=None)
    assert [e["kind"] for e in feed(cast, after=0)["results"]] == ["crossed"]


@pytest.mark.parametrize(
    "query",
    [
        {"after": -1},
        {"after": "x"},
        {"after": 2**70},
        {"limit": 10**9, "after": 0},
        {"recent": 10**9},
        {"recent": 5, "kind": "password"},
        {"recent": 5, "store__owner__password__startswith": "a"},
        {"after": 0, "kind": "entered"},
        {"recent": 5, "recording": "1"},
    ],
)
def test_the_feed_refuses_what_makes_no_sense(cast, query):
    answer = ask(cast.bob, f"stores/{cast.store.public_id}/events/", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_the_feed_asks_no_more_the_more_events_there_are(cast, shop, django_assert_num_queries):
    client = APIClient()
    client.force_login(cast.bob)
    for count, more in ((1, 0), (40, 4), (40, 4)):
        busy(shop, count)
        # Session, person, store, sequence, events; of many, by themselves what they share: camera,
        # line, run with recording, and one for re-counts.
        with django_assert_num_queries(5 + more):
            client.get(f"/api/v1/stores/{cast.store.public_id}/events/", {"after": 0})


def test_visits_come_newest_first_by_pages_in_the_same_queries(
    cast, shop, django_assert_num_queries
):
    facts = make_facts(shop)
    for second in range(60):
        facts.visit(second, 10, inferred=second == 59)
    facts.visits[0].path = [
        {"zone": str(shop.zone.public_id), "entered_at": "2026-06-02T08:00:01.000+00:00",
         "left_at": "2026-06-02T08:00:03.500+00:00", "dwell_ms": 2500, "censored": False},
    ]  # fmt: skip
    facts.commit()
    client = APIClient()
    client.force_login(cast.bob)
    with django_assert_num_queries(4):
        page = client.get(f"/api/v1/stores/{cast.store.public_id}/visits/").json()
    assert len(page["results"]) == 50 and page["previous"] is None
    assert page["results"][0]["inferred"] and page["results"][0]["duration_s"] is None
    rest = client.get(page["next"]).json()
    assert len(rest["results"]) == 10 and rest["next"] is None
    assert rest["results"][-1] | {"id": ""} == {
        "id": "", "entered_at": "2026-06-02T08:00:00Z", "exited_at": "2026-06-02T08:00:10Z",
        "duration_s": 10.0, "inferred": False, "customer": None,
        "recording": str(facts.run.recording.public_id), "run": str(facts.run.public_id),
        "stays": [{"zone": str(shop.zone.public_id), "entered_at": "2026-06-02T08:00:01.000Z",
                   "left_at": "2026-06-02T08:00:03.500Z", "dwell_s": 2.5, "censored": False}],
    }  # fmt: skip
    run_take_out(facts.run)
    assert client.get(f"/api/v1/stores/{cast.store.public_id}/visits/").json()["results"] == []


# --- What to draw -----------------------------------------------------------------------------

JPEGS = [b"\xff\xd8first\xff\xd9", b"\xff\xd8second, longer\xff\xd9", b"\xff\xd8third\xff\xd9"]


@pytest.fixture
def drawn(shop) -> Recording:
    """A recording of two chunks: pictures in both, somebody walking to the right."""
    folder = media.new_folder()
    recording = make_facts(shop, folder=folder, media={"width": 640, "height": 480}).run.recording
    pictures = {0: [(0, JPEGS[0]), (5000, JPEGS[1])], 1: [(10_000, JPEGS[2])]}
    for index, kept in pictures.items():
        frames = [
            TrackedFrame(ms, (7,), np.array([[ms / 20_000, 0.2, ms / 20_000 + 0.1, 0.6]], "f4"))
            for ms in range(index * 10_000, index * 10_000 + 10_000, 100)
        ]
        offset, entries = 0, []
        for time_ms, jpeg in kept:
            entries.append([time_ms, offset, len(jpeg)])
            offset += len(jpeg)
        media.write_file(folder, previews_name(index), b"".join(jpeg for _, jpeg in kept))
        Chunk.objects.create(
            recording=recording, index=index, first_ms=index * 10_000,
            last_ms=(index + 1) * 10_000, state="done", preview_index=entries,
            overlay=pack(frames),
        )  # fmt: skip
    return recording


@pytest.mark.parametrize("door", ["overlay/?from_ms=0&to_ms=1000", "picture/?at_ms=0"])
def test_members_see_a_recording_and_for_others_there_is_none(cast, drawn, door):
    path = f"recordings/{drawn.public_id}/{door}"
    assert [ask(who, path).status_code for who in (cast.alice, cast.bob, cast.charlie, None)] == [
        200, 200, 404, 401,
    ]  # fmt: skip


def test_the_overlay_has_boxes_pictures_and_the_way_that_led_there(cast, drawn):
    query = {"from_ms": 9_800, "to_ms": 10_200}
    told = ask(cast.bob, f"recordings/{drawn.public_id}/overlay/", **query).json()
    assert (told["width"], told["height"]) == (640, 480)
    assert [frame["time_ms"] for frame in told["frames"]] == [9_800, 9_900, 10_000, 10_100]
    assert told["frames"][2]["people"] == [{"track": 7, "box": [0.5, 0.2, 0.6, 0.6]}]
    assert [picture["time_ms"] for picture in told["pictures"]] == [10_000]
    trail = told["trails"]["7"]
    assert trail[0] == [3800, 0.24, 0.6] and trail[-1][0] == 10_000
    assert {b[0] - a[0] for a, b in pairwise(trail)} == {200}
    answer = ask(cast.bob, told["pictures"][0]["url"].removeprefix("/api/v1/"))
    assert answer.content == JPEGS[2]


@pytest.mark.parametrize(
    ("at_ms", "jpeg"), [(0, 0), (4999, 0), (5000, 1), (9999, 1), (10_000, 2), (10**9, 2)]
)
def test_a_picture_is_the_last_one_until_its_moment(cast, drawn, at_ms, jpeg):
    answer = ask(cast.bob, f"recordings/{drawn.public_id}/picture/", at_ms=at_ms)
    assert answer.content == JPEGS[jpeg]
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].startswith("private")
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_picture_answers_whatever_the_client_says_it_accepts(cast, drawn):
    client = APIClient()
    client.force_login(cast.bob)
    path = f"/api/v1/recordings/{drawn.public_id}/picture/?at_ms=0"
    assert client.get(path, HTTP_ACCEPT="image/jpeg").content == JPEGS[0]


def test_before_the_first_picture_the_first_is_shown_and_after_a_gap_the_last(cast, drawn):
    Chunk.objects.filter(index=0).update(preview_index=[[3000, 0, len(JPEGS[0])]])
    Chunk.objects.filter(index=1).update(preview_index=[])
    for at_ms in (0, 15_000):
        answer = ask(cast.bob, f"recordings/{drawn.public_id}/picture/", at_ms=at_ms)
        assert answer.content == JPEGS[0]


def test_a_purged_picture_is_a_problem_in_words(cast, drawn):
    media.remove_folder(drawn.folder)
    answer = ask(cast.bob, f"recordings/{drawn.public_id}/picture/", at_ms=0)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_picture")
    Recording.objects.update(folder="")
    assert ask(cast.bob, f"recordings/{drawn.public_id}/picture/", at_ms=0).status_code == 404


@pytest.mark.parametrize(
    "query", [{}, {"from_ms": 5}, {"from_ms": 5, "to_ms": 5}, {"from_ms": 0, "to_ms": 10**9}]
)
def test_an_overlay_of_no_or_too_long_a_span_is_refused(cast, drawn, query):
    assert ask(cast.bob, f"recordings/{drawn.public_id}/overlay/", **query).status_code == 400
