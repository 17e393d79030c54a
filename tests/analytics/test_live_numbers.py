"""The numbers of now: what counts, what is unknown, and that they fit the feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Store
from analytics.api import live_snapshot
from analytics.selectors import NO_ENTRANCE, NOBODY_LOOKS
from tests.analytics.shop import NINE_UTC, Kind, Shop, make_facts, make_shop, tell
from tests.cast import make_camera, make_store, make_zone
from tracking.ledger import run_take_out
from tracking.models import Recording, Run

pytestmark = pytest.mark.db

# 12:02 on the wall in Berlin; the business day began at 04:00, two hours before in UTC.
NOW = datetime(2026, 6, 2, 10, 2, tzinfo=UTC)
DAY_START = datetime(2026, 6, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def shop() -> Shop:
    return make_shop(make_store())


def look(store: Store, now: datetime = NOW, **query) -> dict[str, Any]:
    return live_snapshot(store, now, **query)


def watched(shop: Shop, start: datetime = NOW - timedelta(minutes=30), **fields):
    """Start a run that looks at the entrance until two minutes after now."""
    facts = make_facts(shop, start, **fields)
    facts.seen(0, 32 * 60)
    return facts


def test_occupancy_is_entries_less_exits_since_the_business_day_began(shop):
    facts = watched(shop)
    for second, direction in ((1, "in"), (2, "in"), (3, "in"), (9, "out")):
        facts.step(second, direction)
    facts.commit()
    early = make_facts(shop, DAY_START - timedelta(minutes=5))
    early.step(0)  # before the day's start: yesterday's
    early.commit()
    told = look(shop.store)
    assert told["occupancy"] == {
        "now": 2, "raw": 2, "correction": 0, "why_null": None, "reset_at": "2026-06-02T02:00:00Z",
    }  # fmt: skip
    assert told["today"]["entries"] == 3 and told["today"]["exits"] == 1
    assert told["business_day"] == {"date": "2026-06-02", "starts_at": "2026-06-02T02:00:00Z"}


def test_occupancy_does_not_depend_on_the_order_in_which_events_come_in(shop):
    facts = watched(shop)
    facts.step(20, "out")
    facts.commit()
    facts.step(10, "in")
    facts.commit()
    assert look(shop.store)["occupancy"]["now"] == 0


def test_occupancy_is_shown_as_zero_when_the_raw_sum_is_below(shop):
    facts = watched(shop)
    facts.step(1, "out")
    facts.commit()
    told = look(shop.store)["occupancy"]
    assert (told["now"], told["raw"]) == (0, -1)


def test_nobody_knows_who_is_inside_when_nobody_looked_for_ten_minutes(shop):
    facts = make_facts(shop, NOW - timedelta(minutes=40))
    facts.step(1)
    facts.seen(0, 29 * 60)
    facts.commit()
    told = look(shop.store)
    assert told["occupancy"]["now"] is None and told["occupancy"]["raw"] is None
    assert told["occupancy"]["why_null"] == NOBODY_LOOKS
    # The day's entries are known all the same.
    assert told["today"]["entries"] == 1
    just_now = look(shop.store, NOW - timedelta(minutes=2))
    assert just_now["occupancy"]["now"] == 1


def test_a_store_without_an_entrance_line_says_so():
    store = make_store()
    make_camera(store)
    told = look(store)
    assert told["occupancy"]["why_null"] == NO_ENTRANCE
    assert told["today"] == {"entries": None, "exits": None, "observed": None}


def test_a_camera_that_watches_no_entrance_makes_nothing_known_about_now(shop):
    shelf = make_camera(shop.store, "Shelf cam")
    facts = watched(Shop(shop.store, shelf, shop.line, make_zone(shelf, "corner")))
    facts.commit()
    told = look(shop.store)
    assert told["occupancy"]["why_null"] == NOBODY_LOOKS
    assert told["today"]["entries"] is None


def test_counting_yesterdays_recording_moves_nothing_of_today(shop):
    watched(shop).commit()
    before = look(shop.store)
    old = make_facts(shop, NOW - timedelta(days=1), name="yesterday.mp4")
    old.step(1)
    old.stay(2, 30)
    old.seen(0, 600)
    old.commit()
    after = look(shop.store)
    for part in ("occupancy", "today", "zones", "buckets"):
        assert after[part] == before[part]
    assert after["as_of_seq"] == before["as_of_seq"] + 4


def test_a_reset_starts_afresh_and_corrections_add(shop):
    facts = watched(shop)
    facts.step(60)
    facts.step(61)
    facts.step(600)
    facts.commit()
    at = facts.at(300)
    tell(shop.store, Kind.OCCUPANCY_RESET, at, 5)
    assert look(shop.store)["occupancy"]["now"] == 6
    tell(shop.store, Kind.CORRECTED, at + timedelta(minutes=1), -2)
    told = look(shop.store)["occupancy"]
    assert (told["now"], told["raw"], told["correction"]) == (4, 1, 3)
    assert told["reset_at"] == at.isoformat().replace("+00:00", "Z")


def test_a_run_taken_out_leaves_no_trace_in_any_number(shop):
    watched(shop).commit()
    before = look(shop.store)
    facts = make_facts(shop, NOW - timedelta(minutes=20), name="wrong.mp4")
    facts.step(1)
    facts.stay(2, 5)
    facts.in_zone(9)
    facts.seen(0, 60)
    facts.commit()
    assert look(shop.store)["occupancy"] != before["occupancy"]
    run_take_out(Run.objects.get(recording__name="wrong.mp4"))
    after = look(shop.store)
    for part in ("occupancy", "today", "zones", "buckets"):
        assert after[part] == before[part]


def test_zero_is_told_apart_from_not_seen_and_the_last_bar_goes_on(shop):
    facts = make_facts(shop, datetime(2026, 6, 2, 9, 40, tzinfo=UTC))
    facts.seen(0, 450)
    facts.step(310)
    facts.commit()
    bars = look(shop.store)["buckets"]
    assert len(bars) == 24
    assert bars[0]["starts_at"] == "2026-06-02T08:05:00Z"
    assert [bar["complete"] for bar in bars] == [True] * 23 + [False]
    known = {bar["starts_at"][11:16]: bar for bar in bars if bar["entries"] is not None}
    assert {at: (b["entries"], b["observed"]) for at, b in known.items()} == {
        "09:40": (0, 1.0), "09:45": (1, 0.5),
    }  # fmt: skip


def test_zones_tell_who_is_in_them_and_how_long_people_stayed_today(shop):
    facts = watched(shop)
    facts.stay(10, 5)
    facts.stay(20, 5)
    facts.stay(30, 400, censored=True)
    facts.in_zone(50)
    facts.commit()
    (zone,) = look(shop.store)["zones"]
    assert (zone["id"], zone["name"]) == (str(shop.zone.public_id), "Shelf")
    assert (zone["now"], zone["stays"], zone["median_dwell_s"]) == (1, 3, 2.5)
    (later,) = look(shop.store, NOW + timedelta(minutes=20))["zones"]
    assert later["now"] is None and later["stays"] == 3


def test_a_recording_has_its_own_numbers_beside_the_stores(shop):
    watched(shop).commit()
    facts = make_facts(shop, NINE_UTC - timedelta(days=7), name="last week.mp4")
    facts.step(10)
    facts.step(400)
    facts.step(500, "out")
    facts.visit(10, 30)
    facts.visit(20, 50)
    facts.visit(40, 3000, inferred=True)
    facts.stay(11, 7)
    facts.stay(60, 9)
    facts.seen(0, 450)
    facts.commit()
    Run.objects.filter(pk=facts.run.pk).update(counted_to_ms=450_000)
    wanted = facts.run.recording
    Recording.objects.filter(pk=wanted.pk).update(
        ended_at=wanted.started_at + timedelta(minutes=15)
    )
    told = look(shop.store, wanted=wanted.public_id)["recording"]
    assert told["id"] == str(wanted.public_id)
    assert told["numbers"] == {
        "entries": 2, "exits": 1, "visits": 3, "inside_now": 1, "median_stay_s": 40.0,
        "counted_to_ms": 450_000,
    }  # fmt: skip
    (zone,) = told["zones"]
    assert (zone["now"], zone["stays"], zone["median_dwell_s"]) == (0, 2, 8.0)
    assert [(b["entries"], b["exits"], b["observed"], b["complete"]) for b in told["buckets"]] == [
        (1, 0, 1.0, True), (1, 1, 0.5, False), (None, None, 0.0, False),
    ]  # fmt: skip


def test_on_show_is_the_recording_being_counted_else_the_newest_counted(shop):
    assert look(shop.store)["recording"] is None
    done: dict[str, Any] = {"state": Recording.State.DONE}
    make_facts(shop, name="older", finished_at=NOW - timedelta(hours=2), **done)
    make_facts(shop, name="newer", finished_at=NOW - timedelta(hours=1), **done)
    gone = make_facts(shop, name="replaced", finished_at=NOW, **done)
    run_take_out(gone.run)
    assert look(shop.store)["recording"]["name"] == "newer"
    make_facts(shop, name="now")
    told = look(shop.store)
    assert told["recording"]["name"] == "now"
    assert told["jobs"] == {"working": 1, "waiting": 0, "failed": 0}


def test_a_wait_is_estimated_from_who_stands_there_and_who_was_served_lately(shop):
    shop.zone.kind = "queue"
    shop.zone.save()
    facts = watched(shop)
    wait = "wait_estimate_s"
    facts.in_zone(100)
    facts.in_zone(200)
    facts.commit()
    assert look(shop.store)["zones"][0][wait] is None  # nobody was served: it is not known
    start = (NOW - timedelta(minutes=12) - facts.start).total_seconds()
    for second in (0, 60, 120):
        facts.stay(start + second, 30)
    facts.commit()
    # Two stand there and three were served in 15 minutes: 2 / (3 / 900 s).
    assert look(shop.store)["zones"][0][wait] == 600.0
    shop.zone.kind = "display"
    shop.zone.save()
    assert look(shop.store)["zones"][0][wait] is None
