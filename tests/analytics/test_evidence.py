"""The events behind a number: as many as the number says, whoever asks, page after page."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone as system_clock

from analytics.clients_page import chosen_of, told_of_visits
from analytics.evidence import NUMBERS, Asked, Check, check, days_window, number_of, wanted_of
from analytics.kpi_numbers import Period, kpi_numbers
from analytics.rollups import BucketKey, write_deltas
from analytics.selectors import recording_numbers, recording_zones
from tests.analytics.shop import NINE_UTC, Facts, Kind, Shop, make_facts, make_shop, tell
from tests.analytics.ways import make_zones, way
from tests.cast import make_line, make_store, make_zone
from tracking import ledger
from tracking.clients import clients_page, clients_up_to
from tracking.counter_api import LONGEST_DWELL_S
from tracking.evidence import LONGEST_TOLD, Wanted, evidence_page, found_up_to
from tracking.models import TrackingEvent
from zones.models import CountingLine, Zone

pytestmark = pytest.mark.db
FIRST, LAST = date(2026, 6, 2), date(2026, 6, 3)
HOUR = timedelta(hours=1)


@pytest.fixture
def shop(db) -> Shop:
    # Berlin; open on Tuesday from 10:02 to 11:00 alone, which cuts a five-minute step in two.
    store = make_store()
    store.opening_hours = {"tue": [["10:02", "11:00"]], "wed": [["10:00", "20:00"]]}
    store.save()
    return make_shop(store)


def busy(shop: Shop, start=NINE_UTC, seed: int = 1) -> Facts:
    """Tell three hours of people at random: over the door, past it, in zones of every kind."""
    dice = random.Random(seed)
    past = make_line(shop.camera, f"past {seed}", kind=CountingLine.Kind.PASSER_BY)
    make_line(shop.camera, f"inner {seed}", kind=CountingLine.Kind.INNER)
    kinds = [Zone.Kind.QUEUE, Zone.Kind.STAFF_ONLY, Zone.Kind.DISPLAY]
    zones = [make_zone(shop.camera, f"{kind} {seed}", kind=kind) for kind in kinds]
    facts = make_facts(shop, start)
    for _ in range(60):
        facts.step(dice.uniform(-600, 9000), dice.choice(["in", "in", "out"]))
        facts.step(dice.uniform(0, 9000), dice.choice(["in", "out"]), past)
        for zone in zones:
            facts.shop = Shop(shop.store, shop.camera, shop.line, zone)
            # Some last so long that they end on the next day.
            facts.stay(dice.uniform(0, 9000), dice.choice([5, 70, 40_000]),
                       censored=dice.random() < 0.3)  # fmt: skip
        facts.visit(dice.uniform(0, 9000), 100, inferred=dice.random() < 0.3)
    facts.seen(0, 9600)
    facts.shop = shop
    facts.commit()
    return facts


def asked(shop: Shop, of: str, **fields) -> Asked:
    window = fields.pop("window", days_window(shop.store, FIRST, LAST))
    return Asked(shop.store, NUMBERS[of], window, **fields)


def listed(wanted: Wanted, rows: int = 7) -> list[TrackingEvent]:
    """Return every event of the list, page after page."""
    found, place = evidence_page(wanted, rows=rows)
    while place is not None:
        more, place = evidence_page(wanted, place, rows)
        assert more, "a page leads to an empty one"
        found += more
    return found


def kpis_of(shop: Shop, zone: Zone | None = None) -> dict[str, float | None]:
    period = Period(shop.store, FIRST, LAST, zone, system_clock.now())
    return {number.kpi.id: number.value for number in kpi_numbers(period)}


@pytest.mark.parametrize(
    ("of", "kpi"),
    [
        ("footfall", "footfall"),
        ("entries", "entries"),
        ("exits", "exits"),
        ("stops", "zone_visits"),
        ("unended", "dwell_censored"),
    ],
)
def test_the_number_is_the_kpis_own_and_its_events_are_as_many(shop, of, kpi):
    busy(shop)
    busy(shop, NINE_UTC + timedelta(days=1), seed=2)
    told = kpis_of(shop)[kpi]
    assert told
    assert number_of(asked(shop, of)) == told
    assert len(listed(wanted_of(asked(shop, of)))) == told
    assert check(asked(shop, of)).adds_up


@pytest.mark.parametrize("of", [name for name, number in NUMBERS.items() if number.countable])
def test_every_number_adds_up_in_every_hour_and_the_hours_make_the_days(shop, of):
    busy(shop)
    first, last = days_window(shop.store, FIRST, LAST)
    total = 0
    for n in range((last - first) // HOUR):
        hour = asked(shop, of, window=(first + n * HOUR, first + (n + 1) * HOUR))
        assert check(hour).adds_up, n
        total += number_of(hour)
    assert total == number_of(asked(shop, of)) > 0


def test_one_zone_one_line_and_one_camera_add_up_to_all_of_them(shop):
    busy(shop)
    other = make_shop(shop.store, "Back door")
    busy(other, NINE_UTC + timedelta(hours=5), seed=3)
    zones = [
        asked(shop, "stops", zone=zone) for zone in Zone.objects.exclude(kind=Zone.Kind.STAFF_ONLY)
    ]
    lines = [asked(shop, "exits", line=line) for line in (shop.line, other.line)]
    cameras = [asked(shop, "exits", camera=each.camera) for each in (shop, other)]
    for parts, of in ((zones, "stops"), (lines, "exits"), (cameras, "exits")):
        assert all(check(part).adds_up for part in parts)
        assert sum(map(number_of, parts)) == number_of(asked(shop, of))
    assert number_of(lines[0]) and number_of(lines[1])


def test_a_page_follows_the_last_one_without_a_gap_and_without_a_twin(shop):
    facts = make_facts(shop)
    for n in range(23):
        facts.step(60 * (n // 6))  # six at one instant: the page ends among them
    facts.commit()
    wanted = wanted_of(asked(shop, "entries"))
    found = listed(wanted, rows=4)
    assert [event.pk for event in found] == list(
        TrackingEvent.objects.filter(kind=Kind.CROSSED)
        .order_by("-at", "-pk")
        .values_list("pk", flat=True)
    )


def test_more_spans_than_a_statement_takes_are_read_one_part_after_the_other(shop, monkeypatch):
    monkeypatch.setattr("tracking.evidence.SPANS_A_STATEMENT", 2)
    facts = make_facts(shop)
    for n in range(12):
        facts.step(300 * n + 1)
    facts.commit()
    start = facts.start
    spans = tuple(
        (start + timedelta(minutes=10 * n), start + timedelta(minutes=10 * n + 5)) for n in range(6)
    )
    wanted = Wanted(shop.store, spans=spans, directions=("in",))
    found = listed(wanted, rows=2)
    assert [(event.at - start).seconds for event in found] == [3001, 2401, 1801, 1201, 601, 1]
    assert found_up_to(wanted, 4) == 5
    assert found_up_to(wanted, 100) == 6


def test_an_earlier_count_is_behind_no_number(shop):
    facts = busy(shop)
    assert number_of(asked(shop, "entries"))
    ledger.run_take_out(facts.run)
    for of, number in NUMBERS.items():
        if number.countable:
            assert check(asked(shop, of)).adds_up
            assert number_of(asked(shop, of)) == 0


def test_a_line_that_is_made_an_entrance_later_brings_its_steps_along(shop):
    inner = make_line(shop.camera, "inner", kind=CountingLine.Kind.INNER)
    facts = make_facts(shop)
    facts.step(10)
    facts.step(20, "in", inner)
    facts.commit()
    assert number_of(asked(shop, "entries")) == 1
    inner.kind = CountingLine.Kind.ENTRANCE
    inner.save()
    assert number_of(asked(shop, "entries")) == 2
    assert check(asked(shop, "entries")).adds_up


def test_what_an_outside_counter_tells_counts_once_a_stay_without_its_start_too(shop):
    facts = make_facts(shop)
    facts.step(10)
    # It began yesterday, by its length alone.
    facts._event(Kind.ZONE_LEFT, 30, zone=shop.zone, dwell_ms=13 * 3_600_000)
    facts._event(Kind.ZONE_LEFT, 40, zone=shop.zone, dwell_ms=20_000)
    week_ms = 1000 * LONGEST_DWELL_S
    facts._event(Kind.ZONE_LEFT, 7 * 86_400, zone=shop.zone, dwell_ms=week_ms)
    for event in facts.events:
        event.run, event.ordinal, event.public_id = None, None, uuid.uuid4()
    facts.commit()
    assert number_of(asked(shop, "entries")) == 1
    for of, window in (
        ("entries", days_window(shop.store, FIRST, FIRST)),
        ("stops", days_window(shop.store, FIRST - timedelta(days=1), FIRST - timedelta(days=1))),
    ):
        one = asked(shop, of, window=window)
        assert (number_of(one), check(one).found) == (1, 1)
    day = asked(shop, "stops", window=days_window(shop.store, FIRST, FIRST))
    assert (number_of(day), check(day).found) == (2, 2)  # one of them ended a week later
    assert timedelta(seconds=LONGEST_DWELL_S) <= LONGEST_TOLD


def test_a_sum_that_is_wrong_does_not_add_up(shop):
    busy(shop)
    number = number_of(asked(shop, "entries"))
    key = (shop.camera.pk, "line", shop.line.pk, NINE_UTC)
    with transaction.atomic():
        write_deltas(shop.store.pk, {BucketKey(*key): Counter(entries=1)})
    found = check(asked(shop, "entries"))
    assert (found.number, found.found, found.adds_up) == (number + 1, number, False)


def test_a_number_too_large_to_add_up_while_one_waits_is_not_looked_at(shop, monkeypatch):
    busy(shop)
    number = number_of(asked(shop, "entries"))
    monkeypatch.setattr("analytics.evidence.MOST_CHECKED", number - 1)
    assert check(asked(shop, "entries")).found is None
    monkeypatch.undo()
    assert check(asked(shop, "entries")).adds_up
    year = days_window(shop.store, FIRST - timedelta(days=300), LAST)
    assert check(asked(shop, "entries", window=year)) == Check(number, None)


def test_who_is_inside_is_made_of_steps_and_of_what_people_told(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.step(20, "out")
    facts.commit()
    tell(shop.store, Kind.OCCUPANCY_RESET, NINE_UTC + timedelta(seconds=15), 4)
    kinds = [event.kind for event in listed(wanted_of(asked(shop, "inside")))]
    assert kinds == [Kind.CROSSED, Kind.OCCUPANCY_RESET, Kind.CROSSED]


def test_nothing_of_another_store_is_ever_listed(shop):
    other = make_shop(make_store("Far shop"))
    busy(other)
    for of in NUMBERS:
        assert listed(wanted_of(asked(shop, of))) == []


def test_a_recordings_numbers_are_those_of_the_live_page(shop):
    facts = busy(shop)
    busy(shop, NINE_UTC + timedelta(days=1), seed=2)
    run = facts.run
    live = recording_numbers(run)
    for of, value in (("entries", live.entries), ("exits", live.exits)):
        one = asked(shop, of, window=None, run=run)
        assert number_of(one) == value == len(listed(wanted_of(one)))
    for zone in recording_zones(run):
        one = asked(shop, "stops", window=None, run=run, zone=zone.zone)
        assert number_of(one) == zone.stays == len(listed(wanted_of(one)))
    step = asked(shop, "steps", window=(NINE_UTC, NINE_UTC + timedelta(minutes=5)), run=run)
    assert check(step).adds_up
    assert number_of(step)


def test_five_minutes_of_a_recording_count_what_it_counted_whatever_its_line_is_now(shop):
    facts = make_facts(shop)
    facts.step(10)
    facts.step(20, "out")
    facts.commit()
    five_minutes = (NINE_UTC, NINE_UTC + timedelta(minutes=5))
    for kind in CountingLine.Kind:
        shop.line.kind = kind
        shop.line.save()
        found = check(asked(shop, "steps", window=five_minutes, run=facts.run))
        assert (found.number, found.found) == (2, 2), kind


def test_visits_are_as_many_as_the_kpis_and_the_sums_say(shop):
    busy(shop)
    values = {"from": FIRST, "to": LAST}
    chosen, _ = chosen_of(shop.store, dict(values), LAST)
    told = told_of_visits(shop.store, chosen)
    assert told["finished"] == clients_up_to(chosen, 1000) == 60
    assert told["unseen"] == kpis_of(shop)["visit_censored"]
    for ended in ("seen", "unseen"):
        some, _ = chosen_of(shop.store, values | {"ended": ended}, LAST)
        assert clients_up_to(some, 1000) == told[ended] > 0
        pages, place = clients_page(some, rows=7)
        while place is not None:
            more, place = clients_page(some, place, 7)
            pages += more
        assert len({visit.pk for visit in pages}) == len(pages) == told[ended]
    assert told["median_s"] == kpis_of(shop)["visit_median"]


def test_a_zone_chooses_the_visits_that_stopped_there(shop):
    facts = make_facts(shop)
    apples, pears = make_zones(facts, "Apples", "Pears")
    way(facts, 10, apples)
    way(facts, 20, apples, pears)
    facts.commit()
    values = {"from": FIRST, "to": LAST, "zone": pears.public_id}
    chosen, _ = chosen_of(shop.store, values, LAST)
    assert clients_up_to(chosen, 10) == 1
