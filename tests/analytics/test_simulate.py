"""Simulated days in the database: whole, labelled, the same again, and gone without a trace."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.models import Count

from accounts.models import Store
from analytics.models import AnalyticsSummary, Bucket, DirtyDay
from analytics.rebuild import check
from analytics.rollups import clock_of
from analytics.simulator import demo as past
from analytics.simulator import service
from analytics.simulator.service import Wanted, simulate, simulate_remove, store_find
from tests.analytics.shop import Shop, make_facts, make_shop
from tests.cast import make_camera, make_store, make_zone
from tracking import demo, outside
from tracking.facts import export_facts
from tracking.ledger import run_take_out
from tracking.models import Coverage, Customer, Recording, Track, TrackingEvent, Visit
from tracking.problems import Problem
from tracking.recordings import overlapping
from tracking.recounts import run_to_replace
from zones.models import Camera

pytestmark = pytest.mark.db

# A Saturday in Berlin that is over; the clocks change in the night after it.
UNTIL = datetime(2026, 10, 25, 3, 0, tzinfo=UTC)
NOW = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
FEW = Wanted(seed=3, days=1, until=UNTIL, visitors=25)


def simulated(slug: str = "sim", wanted: Wanted = FEW) -> Store:
    store, made = store_find(slug, "Europe/Berlin")
    simulate(store, wanted, now=NOW, made=made)
    return store


def place_of(camera: Camera) -> Shop:
    zone = camera.zones.first()
    line = camera.lines.filter(kind="entrance").get()
    assert zone is not None
    return Shop(camera.store, camera, line, zone)


def rows(store: Store) -> list[dict[str, Any]]:
    """Return every event but for its place in the table and in the feed."""
    left_out = {"id", "seq", "received_at", "visit_id", "run_id"}
    events = TrackingEvent.objects.filter(store=store).order_by("public_id").values()
    return [{k: v for k, v in row.items() if k not in left_out} for row in events]


def test_a_day_is_written_whole_labelled_and_adds_up():
    store = simulated()
    events = TrackingEvent.objects.filter(store=store)
    visits = Visit.objects.filter(store=store)
    assert store.is_demo and all(events.values_list("is_demo", flat=True))
    assert set(events.values_list("source", flat=True)) == {"simulated"}
    in_feed = list(events.order_by("seq").values_list("seq", flat=True))
    assert in_feed == list(range(1, events.count() + 1))
    assert events.filter(kind="entered").count() == visits.count() > 20
    assert visits.filter(staff=True).count() == 4
    recording = Recording.objects.get()
    assert (recording.source, recording.is_demo, recording.state) == ("simulated", True, "done")
    # The day before the clocks change at night ends an hour later: 25 hours.
    assert recording.ended_at - recording.started_at == timedelta(hours=25)
    day = AnalyticsSummary.objects.get(store=store, period="day")
    assert (day.entries, day.visits) == (visits.count(), visits.filter(staff=False).count())
    assert check(store).differing == [] and not DirtyDay.objects.exists()


def test_on_special_days_people_come_while_it_is_open_that_day():
    store, made = store_find("sim", "Europe/Berlin")
    store.special_days = {
        "2026-10-23": {"spans": [["14:00", "16:00"]], "name": "Stocktaking"},
        "2026-10-24": {"spans": [], "name": "Holiday"},
    }
    store.save()
    simulate(store, Wanted(seed=3, days=3, until=UNTIL, visitors=40), now=NOW, made=made)
    came = TrackingEvent.objects.filter(store=store, kind="entered", visit__staff=False)
    berlin = ZoneInfo(store.timezone)
    hours = defaultdict(set)
    for at in came.values_list("at", flat=True):
        hours[at.astimezone(berlin).day].add(at.astimezone(berlin).hour)
    assert min(hours[22]) >= 9 and len(hours[22]) > 5
    assert set(hours) == {22, 23} and hours[23] <= {14, 15}
    assert not AnalyticsSummary.objects.filter(store=store, entries_closed__gt=0).exists()


def test_visits_say_what_their_events_say():
    store = simulated(wanted=Wanted(3, 1, UNTIL, 120))
    told = defaultdict(list)
    left = TrackingEvent.objects.filter(store=store, kind="zone_left", visit__isnull=False)
    for event in left.select_related("zone").order_by("ordinal"):
        told[event.visit_id].append((str(event.zone.public_id), event.dwell_ms, event.censored))
    for visit in Visit.objects.filter(store=store):
        path = [(stay["zone"], stay["dwell_ms"], stay["censored"]) for stay in visit.path]
        assert path == told[visit.pk]
        assert visit.inferred or visit.duration_ms >= sum(stay[1] for stay in path)
        assert visit.customer.first_seen == visit.entered_at
    assert Visit.objects.filter(inferred=True).exists()
    assert any(len(path) > 3 for path in told.values())
    customers = Customer.objects.annotate(number=Count("visits"))
    assert set(customers.values_list("number", "visit_count", "hidden")) == {(1, 1, False)}


def test_what_was_not_observed_has_no_events():
    gaps = Wanted(seed=3, days=6, until=UNTIL, visitors=10)
    store = simulated(wanted=gaps)
    spans = list(Coverage.objects.order_by("starts_at").values_list("starts_at", "ends_at"))
    holes = [(a[1], b[0]) for a, b in pairwise(spans) if a[1] < b[0]]
    assert holes
    for begin, end in holes:
        assert not TrackingEvent.objects.filter(at__gte=begin, at__lt=end).exists()
    seen = AnalyticsSummary.objects.filter(store=store, period="hour")
    hour_ms = 3_600_000
    assert (
        seen.filter(observed_ms__lt=hour_ms).exists() and seen.filter(observed_ms=hour_ms).exists()
    )


def test_asked_again_the_same_days_stay_and_after_a_removal_they_come_back_the_same():
    store = simulated()
    before, facts = rows(store), export_facts(store)
    primary_keys = set(TrackingEvent.objects.values_list("pk", flat=True))
    assert simulate(store, FEW, now=NOW)["kept_recordings"] == 1
    assert set(TrackingEvent.objects.values_list("pk", flat=True)) == primary_keys
    outside.outside_remove(outside.simulated_of(store))
    assert not TrackingEvent.objects.exists()
    simulate(store, FEW, now=NOW + timedelta(days=3))
    assert rows(store) == before and export_facts(store) == facts


def test_the_same_seed_tells_the_same_in_another_store_and_another_seed_something_else():
    one, two = simulated("one"), simulated("two")
    assert export_facts(one) == export_facts(two)
    simulate(two, Wanted(4, 1, UNTIL, 25), now=NOW)
    assert export_facts(one) != export_facts(two)
    assert two.recordings.count() == 1  # the other seed took its place
    assert check(two).differing == []


def test_more_days_leave_those_that_are_there_and_a_later_end_gives_the_last_one_anew():
    store = simulated(wanted=Wanted(3, 1, UNTIL - timedelta(hours=12), 10))
    first = store.recordings.get()
    told = simulate(store, Wanted(3, 1, UNTIL, 10), now=NOW)
    assert (told["made_recordings"], told["kept_recordings"]) == (1, 0)
    whole = store.recordings.get()
    assert whole.pk != first.pk and whole.started_at == first.started_at
    told = simulate(store, Wanted(3, 2, UNTIL, 10), now=NOW)
    assert (told["made_recordings"], told["kept_recordings"], told["days"]) == (1, 1, 2)
    assert check(store).differing == []


def test_an_interruption_in_the_middle_of_a_day_leaves_no_half_day_behind(monkeypatch):
    monkeypatch.setattr(service, "EVENTS_A_SLICE", 60)
    facts = export_facts(simulated("whole"))
    commit, calls = service.outside_commit, []

    def dies(run, told):
        calls.append(run)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return commit(run, told)

    monkeypatch.setattr(service, "outside_commit", dies)
    with pytest.raises(KeyboardInterrupt):
        simulated("broken")
    store = Store.objects.get(slug="broken")
    assert store.recordings.count() == 1 and check(store).differing == []
    simulated("broken")
    assert export_facts(store) == facts
    assert check(store).differing == []


def test_removing_leaves_nothing_of_it_and_everything_else():
    shop = make_shop(make_store())
    real = make_facts(shop, UNTIL - timedelta(hours=14))
    real.step(10)
    real.stay(20, 30)
    real.visit(10, 100)
    real.seen(0, 3600)
    real.commit()
    other = make_camera(shop.store, "Back room")
    make_zone(other, "Crates")
    facts = export_facts(shop.store)
    # The simulated minutes would be the real camera's too: its day is another one.
    earlier = Wanted(3, 1, UNTIL - timedelta(days=3, hours=1), 20)
    simulate(shop.store, earlier, now=NOW)
    assert export_facts(shop.store) != facts and shop.store.recordings.count() == 3
    assert Customer.objects.exists() and Track.objects.exists()
    told = simulate_remove(shop.store)
    assert told == {"removed_recordings": 2, "removed_store": False}
    assert export_facts(shop.store) == facts
    assert check(shop.store).differing == [] and not DirtyDay.objects.exists()
    assert not Bucket.objects.filter(starts_at__lt=real.start).exists()
    assert {row.business_day for row in AnalyticsSummary.objects.all()} == {real.start.date()}
    for model in (Track, Customer):
        assert not model.objects.exists()
    assert shop.store.cameras.count() == 2


def test_what_was_made_for_it_goes_with_it():
    simulated()
    store = Store.objects.get()
    assert simulate_remove(store) == {"removed_recordings": 1, "removed_store": True}
    assert not Store.objects.exists()
    empty = make_store("Empty")
    _, made = store_find("empty", "UTC")
    assert made == "camera"
    simulate(empty, FEW, now=NOW, made=made)
    simulate(empty, Wanted(5, 1, UNTIL, 5), now=NOW)  # who made it is not forgotten
    assert simulate_remove(empty)["removed_store"] is False
    assert not empty.cameras.exists() and not Bucket.objects.exists()


def test_minutes_that_a_recording_counts_are_not_simulated_again():
    shop = make_shop(make_store())
    make_facts(shop, UNTIL - timedelta(hours=10)).commit()
    with pytest.raises(ValidationError, match="nothing is counted twice"):
        simulate(shop.store, FEW, now=NOW)
    assert outside.simulated_of(shop.store).count() == 0
    told = simulate(shop.store, Wanted(3, 2, UNTIL, 10), now=NOW)
    assert (told["made_recordings"], told["taken_recordings"]) == (1, 1)
    store = simulated()
    made = make_facts(place_of(store.cameras.get()), UNTIL - timedelta(hours=9))
    taken = list(overlapping(made.run.recording))
    assert [each.source for each in taken] == ["simulated"]


def test_a_simulated_day_cannot_be_counted_again():
    recording = simulated().recordings.get()
    with pytest.raises(Problem) as refused:
        run_to_replace(recording)
    assert refused.value.get_codes() == "not_recountable"


def call(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("simulate", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_the_command_makes_tells_and_removes():
    few = ("--seed", "7", "--days", "1", "--visitors", "5", "--until", UNTIL.isoformat())
    told = call("--store", "corner", *few)
    assert (told["store"], told["cameras"], told["days"], told["made_recordings"]) == (
        "corner",
        1,
        1,
        1,
    )
    assert told["until"] == UNTIL.isoformat()
    assert told["entries"] == told["visits"] > 0 and told["events"] > 4 * told["visits"]
    assert call("--store", "corner", "--remove")["removed_recordings"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", "0"), "--days is a number from 1 to 800, got 0"),
        (("--until", "2026-01-01T00:00:00"), "lacks its offset"),
        (("--until", "2099-01-01T00:00:00+00:00"), "in the future"),
        (("--until", "soon"), "is no time like"),
        (("--visitors", "0"), "--visitors is a number up to 20000"),
        (("--timezone", "Mars/Base"), "Mars/Base"),
        (("--remove",), "There is no store 'corner'"),
    ],
)
def test_the_command_refuses_what_cannot_be(arguments, said):
    with pytest.raises(CommandError, match=said):
        call("--store", "corner", *arguments)
    assert not Store.objects.exists()


def test_a_store_without_anything_to_count_says_so():
    make_camera(make_store("Bare"))
    with pytest.raises(CommandError, match="No camera of store 'bare' has a zone"):
        call("--store", "bare", "--days", "1")


# --- The demo store ------------------------------------------------------------------------------


@pytest.fixture
def demo_shop(monkeypatch, tmp_path) -> Shop:
    """The demo store as it is before its video is there; its past is short."""
    monkeypatch.setattr(demo, "GENERATED", tmp_path / "generated")
    monkeypatch.setattr(past, "DAYS", 2)
    monkeypatch.setattr(past, "VISITORS", 10.0)
    return place_of(demo._place())


def test_the_demo_store_has_a_past_that_ends_before_the_day_of_its_video(demo_shop):
    store = demo_shop.store
    video = make_facts(demo_shop, NOW).run.recording
    demo.demo_past(video, lambda _: None)
    days = list(outside.simulated_of(store))
    day = clock_of(store).business_day(video.started_at)
    assert len(days) == 2
    assert days[-1].ended_at == clock_of(store).day_starts_at(day) <= video.started_at
    assert check(store).differing == []
    numbers = AnalyticsSummary.objects.filter(store=store, period="day")
    assert numbers.count() == 2 and not numbers.filter(business_day=day).exists()
    demo.demo_past(video, lambda _: None)  # the next start
    assert [each.pk for each in outside.simulated_of(store)] == [each.pk for each in days]
    assert demo.demo_remove() == 3
    for model in (Store, TrackingEvent, Visit, Customer, Bucket, AnalyticsSummary, Coverage):
        assert not model.objects.exists()


def test_a_day_of_the_demo_that_a_person_replaced_stays_theirs(demo_shop):
    place, store = demo_shop, demo_shop.store
    video = make_facts(place, NOW).run.recording
    demo.demo_past(video, lambda _: None)
    first = outside.simulated_of(store)[0]
    run_take_out(first.runs.get())
    own = make_facts(place, first.started_at + timedelta(hours=9))
    own.step(10)
    own.commit()
    demo.demo_past(video, lambda _: None)
    assert own.run.recording in overlapping(first)
    assert outside.simulated_of(store).count() == 1
    assert check(store).differing == []
