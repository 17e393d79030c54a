"""Movement and heatmaps through the API: who may see what, what is refused, what it costs."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from analytics import heat, heatmap, movement
from analytics.heatmap import draw_behind
from analytics.models import HeatDay
from analytics.tasks import heat_draw
from tests.analytics.shop import NINE_UTC, Facts, Shop, make_facts, make_shop
from tests.analytics.ways import follow, loose, make_zones, way
from tests.cast import Cast, make_cast
from tracking import media
from tracking.ledger import run_take_out
from tracking.models import Track
from zones.models import Zone

pytestmark = pytest.mark.db
DAY = NINE_UTC.date()
ONE = timedelta(days=1)
SPAN = {"from": str(DAY), "to": str(DAY)}


@pytest.fixture
def cast(settings: Any) -> Cast:
    # Nobody types a password here, and the real hasher takes its time on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return make_cast()


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return make_shop(cast.store)


@pytest.fixture
def facts(shop: Shop) -> Facts:
    return make_facts(shop, media={"width": 1920, "height": 1080})


def client(user: User | None) -> APIClient:
    cache.clear()
    made = APIClient()
    if user is not None:
        made.force_login(user)
    return made


def ask(user: User, shop: Shop, door: str, status: int = 200, **query: Any) -> dict[str, Any]:
    address = f"/api/v1/stores/{shop.store.public_id}/{door}/"
    answer = client(user).get(address, SPAN | query)
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = answer.json()
    return found


def shelves(facts: Facts) -> list[Zone]:
    """Write down four visits and somebody whom no visit has, between two shelves."""
    a, b = make_zones(facts, "Apples", "Bread")
    way(facts, 0, a, b)
    way(facts, 100, a, b)
    way(facts, 200, b, inferred=True)
    way(facts, 300)
    loose(facts, 9, a, 5)
    loose(facts, 9, b, 50)
    facts.seen(0, 3600)
    facts.commit()
    return [a, b]


# --- Who may ask --------------------------------------------------------------------------------


def test_charlie_gets_404_for_another_store_and_strangers_401(cast, shop, facts):
    query = SPAN | {"camera": shop.camera.public_id, "from_zone": "came_in", "to_zone": "went_out"}
    for door in ("movement", "movement/visits", "heatmap"):
        address = f"/api/v1/stores/{shop.store.public_id}/{door}/"
        assert client(cast.charlie).get(address, query).status_code == 404
        assert client(None).get(address, query).status_code == 401
    still = f"/api/v1/cameras/{shop.camera.public_id}/still/"
    assert client(cast.charlie).get(still).status_code == 404
    assert client(None).get(still).status_code == 401


def test_a_camera_or_zone_of_another_store_does_not_exist(cast, shop):
    other = make_shop(cast.elsewhere)
    ask(cast.alice, shop, "heatmap", 404, camera=other.camera.public_id)
    ask(cast.alice, shop, "movement", 404, zone=other.zone.public_id)
    step = {"from_zone": other.zone.public_id, "to_zone": "went_out"}
    told = ask(cast.alice, shop, "movement/visits", 400, **step)
    assert "no such zone" in told["errors"]["from_zone"][0]


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("movement", {"to": str(DAY - ONE)}, "to"),
    ("movement", {"from": "0001-01-01"}, "from"),
    ("movement", {"top": 0}, "top"),
    ("movement", {"staff": 1}, "staff"),
    ("heatmap", {"from": str(DAY - 400 * ONE)}, "to"),
    ("heatmap", {"kind": "speed"}, "kind"),
    ("heatmap", {"camera": "door"}, "camera"),
    ("movement/visits", {"from_zone": "went_out", "to_zone": "came_in"}, "from_zone"),
    ("movement/visits", {"from_zone": "first_seen", "to_zone": "went_out"}, "from_zone"),
    ("movement/visits", {"cursor": "bm9uc2Vuc2U="}, "cursor"),
    ("movement/visits", {"cursor": "%"}, "cursor"),
    ("movement/visits", {"cursor": cursor_of("0001-01-01T00:00:00+14:00 1")}, "cursor"),
    ("movement/visits", {"cursor": cursor_of("9999-12-31T23:59:59-14:00 1")}, "cursor"),
    ("movement/visits", {"cursor": cursor_of("2026-06-02T08:00:00 1")}, "cursor"),
    ("movement/visits", {"cursor": cursor_of("2026-06-02T08:00:00+00:00 -1")}, "cursor"),
]


def test_what_makes_no_sense_is_refused_with_its_field(cast, shop):
    usual: dict[str, dict[str, Any]] = {
        "heatmap": {"camera": shop.camera.public_id},
        "movement": {},
        "movement/visits": {"from_zone": "came_in", "to_zone": "went_out"},
    }
    for door, query, field in NONSENSE:
        told = ask(cast.alice, shop, door, 400, **(usual[door] | query))
        assert field in told["errors"], (door, query)


# --- Movement -----------------------------------------------------------------------------------


def test_steps_paths_and_places_are_told(cast, shop, facts):
    a, b = (str(zone.public_id) for zone in shelves(facts))
    found = ask(cast.bob, shop, "movement")
    steps = {(s["from_zone"], s["to_zone"]): (s["times"], s["visits"]) for s in found["steps"]}
    assert steps == {
        ("came_in", a): (2, 2),
        ("first_seen", a): (1, 0),
        (a, b): (3, 2),
        ("came_in", b): (1, 1),
        (b, "went_out"): (2, 2),
        (b, "last_seen"): (2, 1),
        ("came_in", "went_out"): (1, 1),
    }
    assert (found["times"], found["visits"], found["balanced"]) == (5, 4, True)
    places = {place["name"]: (place["into"], place["out_of"]) for place in found["zones"]}
    assert places == {"Apples": (3, 3), "Bread": (4, 4)}
    assert found["paths"][0] == {"path": ["came_in", a, b, "went_out"], "times": 2, "share": 0.4}


def test_nobody_looked_is_null_and_nobody_came_is_zero(cast, shop, facts):
    assert ask(cast.alice, shop, "movement")["times"] is None
    facts.seen(0, 600)
    facts.commit()
    assert ask(cast.alice, shop, "movement")["times"] == 0


def test_the_visits_behind_each_step_are_as_many_as_it_says(cast, shop, facts):
    shelves(facts)
    for step in ask(cast.alice, shop, "movement")["steps"]:
        if step["from_zone"] == "first_seen":
            continue
        names = {name: step[name] for name in ("from_zone", "to_zone")}
        found = ask(cast.alice, shop, "movement/visits", **names)
        assert len(found["results"]) == step["visits"]
        assert found["next"] is None


def test_visits_behind_a_step_come_page_by_page_each_once(cast, shop, facts, monkeypatch):
    a, b = make_zones(facts, "Apples", "Bread")
    for n in range(11):
        way(facts, 60.0 * (n // 2), a, b)  # two at a time begin in the same millisecond
        way(facts, 60.0 * n, b, a)  # names both, without the step
    way(facts, 5, a, b, staff=True)
    facts.commit()
    monkeypatch.setattr(movement, "VISITS_A_PAGE", 3)
    monkeypatch.setattr(movement, "LOOKED_THROUGH", 5)
    step: dict[str, Any] = {"from_zone": a.public_id, "to_zone": b.public_id}
    page = ask(cast.alice, shop, "movement/visits", **step)
    seen, pages = [visit["id"] for visit in page["results"]], 1
    while page["next"]:
        page = client(cast.alice).get(page["next"]).json()
        seen += [visit["id"] for visit in page["results"]]
        pages += 1
    assert len(seen) == len(set(seen)) == 11
    assert pages > 4


def test_movement_costs_the_same_queries_for_one_visit_and_for_many(cast, shop, facts):
    a, b = shelves(facts)
    user = client(cast.alice)
    address = f"/api/v1/stores/{shop.store.public_id}/movement/"
    counts = []
    for n in (0, 30):
        for m in range(n):
            way(facts, 60.0 * m, *[a, b] * (m % 5))
        facts.commit()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert user.get(address, SPAN).status_code == 200
        counts.append(len(queries))
        assert not any("tracking_trackingevent" in q["sql"] for q in queries.captured_queries)
        assert not any("tracking_visit" in q["sql"] for q in queries.captured_queries)
    # Session, user, store; whether behind, zones, sums, whether anybody looked.
    assert counts == [7, 7]


# --- Heatmaps -----------------------------------------------------------------------------------


def heat_of(cast: Cast, shop: Shop, **query: Any) -> dict[str, Any]:
    return ask(cast.alice, shop, "heatmap", camera=shop.camera.public_id, **query)


def track_seconds(first: Any, last: Any) -> float:
    """Return how long tracks were followed within two instants, from their rows alone."""
    return sum(
        max(0.0, (min(t.ended_at, last) - max(t.started_at, first)).total_seconds())
        for t in Track.objects.filter(run__active=True)
    )


def test_cells_add_up_to_the_time_of_stored_tracks_cut_to_the_days(cast, shop, facts):
    rng = np.random.default_rng(5)
    late = make_facts(shop, NINE_UTC.replace(hour=1), media={"width": 640, "height": 360})
    for number in range(40):  # around 02:00 UTC, when Berlin's business day starts
        begin = rng.uniform(3000, 4000)
        times = begin + np.cumsum(rng.uniform(0.05, 60, 12))
        points = [
            (float(t), float(x), float(y))
            for t, (x, y) in zip(times, rng.random((12, 2)), strict=True)
        ]
        follow(late, number, *points)
    starts_at = NINE_UTC.replace(hour=2)
    for day, span in (
        (DAY - ONE, (starts_at - ONE, starts_at)),
        (DAY, (starts_at, starts_at + ONE)),
    ):
        found = heat_of(cast, shop, **{"from": str(day), "to": str(day)})
        expected = track_seconds(*span)
        assert expected > 1000
        assert sum(found["cells_s"]) == pytest.approx(expected, rel=1e-4)
        assert found["total_s"] == pytest.approx(expected, rel=1e-4)
    both = heat_of(cast, shop, **{"from": str(DAY - ONE)})
    assert both["total_s"] == pytest.approx(
        track_seconds(starts_at - ONE, starts_at + ONE), rel=1e-4
    )
    dwell = heat_of(cast, shop, **{"from": str(DAY - ONE), "kind": "dwell"})
    assert 0 <= dwell["total_s"] < both["total_s"]


def test_zones_hold_the_time_of_the_cells_in_them_and_staff_areas_can_be_left_out(
    cast, shop, facts
):
    left = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
    make_zones(facts, "Left", vertices=left)
    make_zones(facts, "Behind", vertices=[[1 - x, y] for x, y in left], kind=Zone.Kind.STAFF_ONLY)
    follow(facts, 1, (0, 0.25, 0.5), (30, 0.25, 0.5))
    follow(facts, 2, (0, 0.75, 0.5), (10, 0.75, 0.5))
    found = heat_of(cast, shop)
    zones = {zone["name"]: (zone["seconds"], zone["share"]) for zone in found["zones"]}
    assert zones["Left"] == (30, 0.75) and zones["Behind"] == (10, 0.25)
    assert (found["total_s"], found["tracks"], len(found["cells_s"])) == (40, 2, 64 * 36)
    assert found["cells_s"][18 * 64 + 16] == 30
    without = heat_of(cast, shop, leave_out="staff")
    assert without["total_s"] == 30
    assert {z["name"]: z["seconds"] for z in without["zones"]}["Behind"] == 0


def test_a_camera_that_did_not_look_has_no_map_not_an_empty_one(cast, shop, facts):
    found = heat_of(cast, shop)
    assert (found["cells_s"], found["total_s"], found["tracks"]) == (None, None, None)
    facts.seen(0, 600)
    facts.commit()
    found = heat_of(cast, shop)
    assert (found["total_s"], found["observed_s"]) == (0, 600)


def test_a_later_track_and_a_run_taken_out_redraw_their_day_alone(cast, shop, facts):
    follow(facts, 1, (0, 0.5, 0.5), (30, 0.5, 0.5))
    tomorrow = make_facts(shop, NINE_UTC + ONE, media={"width": 640, "height": 360})
    follow(tomorrow, 1, (0, 0.5, 0.5), (7, 0.5, 0.5))
    span = {"to": str(DAY + ONE)}
    assert heat_of(cast, shop, **span)["total_s"] == 37
    assert draw_behind(shop.camera, DAY, DAY + ONE) == 0
    follow(facts, 2, (5, 0.1, 0.5), (8, 0.1, 0.5))
    assert HeatDay.objects.get(business_day=DAY + ONE).drawn == 1
    assert heat_of(cast, shop, **span)["total_s"] == 40
    run_take_out(facts.run)
    assert heat_of(cast, shop, **span)["total_s"] == 7


def test_days_that_are_many_are_left_to_a_task_and_said_to_be_behind(cast, shop, monkeypatch):
    rung: list[Any] = []
    monkeypatch.setattr(heat_draw, "apply_async", lambda args, **_: rung.append(args))
    for n in range(5):
        facts = make_facts(shop, NINE_UTC + n * ONE, media={"width": 640, "height": 360})
        follow(facts, 1, (0, 0.5, 0.5), (10, 0.5, 0.5))
    span = {"to": str(DAY + 4 * ONE)}
    found = heat_of(cast, shop, **span)
    assert (found["days_behind"], found["total_s"]) == (3, 20)
    heat_draw(shop.camera.pk, str(DAY), str(DAY + 4 * ONE))
    found = heat_of(cast, shop, **span)
    assert (found["days_behind"], found["total_s"]) == (0, 50)


def test_another_clock_of_the_store_redraws_the_days(cast, shop, facts):
    follow(facts, 1, (0, 0.5, 0.5), (30, 0.5, 0.5))
    assert heat_of(cast, shop)["total_s"] == 30
    shop.store.timezone = "Pacific/Auckland"  # 08:00 UTC is 20:00 there, the same business day
    shop.store.save()
    assert heat_of(cast, shop)["total_s"] == 30
    shop.store.timezone = "Pacific/Honolulu"  # 22:00 of the day before
    shop.store.save()
    assert heat_of(cast, shop)["total_s"] in (0, None)
    assert heat_of(cast, shop, **{"from": str(DAY - ONE)})["total_s"] == 30


def test_a_damaged_track_costs_no_more_than_itself(cast, shop, facts):
    follow(facts, 1, (0, 0.5, 0.5), (30, 0.5, 0.5))
    follow(facts, 2, (0, 0.5, 0.5), (5, 0.5, 0.5))
    Track.objects.filter(number=1).update(path=b"OTP1 of no use")
    assert heat_of(cast, shop)["total_s"] == 5


def test_a_map_that_is_drawn_costs_the_same_queries_for_one_day_and_for_many(cast, shop, facts):
    for n in range(3):
        day = make_facts(shop, NINE_UTC - n * ONE, media={"width": 640, "height": 360})
        follow(day, 1, (0, 0.5, 0.5), (10, 0.5, 0.5))
    heat_draw(shop.camera.pk, str(DAY - 30 * ONE), str(DAY))
    user = client(cast.alice)
    address = f"/api/v1/stores/{shop.store.public_id}/heatmap/"
    counts = []
    for first in (DAY, DAY - 30 * ONE):
        query = SPAN | {"from": str(first), "camera": shop.camera.public_id}
        with CaptureQueriesContext(connection) as queries:
            assert user.get(address, query).status_code == 200
        counts.append(len(queries))
        assert not any("tracking_track" in q["sql"] for q in queries.captured_queries)
    # Session, user, store, camera; days, grids, what was observed, zones and lines.
    assert counts == [9, 9]


def test_memory_of_a_map_does_not_grow_with_its_tracks(monkeypatch, shop, facts):
    most: list[int] = []
    spread = heat._spread
    monkeypatch.setattr(heat, "SEGMENTS_AT_ONCE", 50)
    monkeypatch.setattr(
        heat,
        "_spread",
        lambda segments, *rest: (most.append(len(segments)), spread(segments, *rest)),
    )
    for number in range(60):
        points = [(float(n), n / 20, 0.5) for n in range(20)]
        follow(facts, number, *points)
    heatmap.draw_behind(shop.camera, DAY, DAY)
    assert len(most) > 15
    assert max(most) < 50 + 20


def test_the_still_of_a_camera_is_shown_to_its_members_alone(cast, shop):
    address = f"/api/v1/cameras/{shop.camera.public_id}/still/"
    assert client(cast.bob).get(address).status_code == 404
    assert heat_of(cast, shop)["still"] is None
    folder = media.new_folder()
    media.write_file(folder, "still.jpg", b"\xff\xd8 a picture")
    shop.camera.still = f"{folder}/still.jpg"
    shop.camera.save()
    answer = client(cast.bob).get(address)
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8 a picture")
    assert client(cast.charlie).get(address).status_code == 404
    assert answer["Content-Type"] == "image/jpeg"
    assert heat_of(cast, shop)["still"] == address
    media.file_path(folder, "still.jpg").unlink()
    assert client(cast.bob).get(address).status_code == 404
