"""The made-up shop that goes on now; time is passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analytics.api import live_snapshot
from analytics.rebuild import check
from analytics.simulator.live import STEP_S, Pace, simulate_live
from analytics.simulator.service import Wanted, simulate, store_find
from tracking.models import Coverage, Recording, TrackingEvent, Visit
from tracking.outside import outside_commit, simulated_of

pytestmark = pytest.mark.db

BEGAN = datetime(2026, 6, 5, 12, 0, tzinfo=UTC)
PACE = Pace(seed=3, rate=20, minutes=10)


class Watch:
    """A clock that goes on only while somebody waits."""

    def __init__(self, stop_after_s: float = 1e9) -> None:
        self.at = BEGAN
        self.end = BEGAN + timedelta(seconds=stop_after_s)

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> bool:
        self.at += timedelta(seconds=20 * seconds)  # twenty steps at once: the test is short
        return self.at >= self.end


def facts() -> list[tuple]:
    events = TrackingEvent.objects.order_by("ordinal")
    return list(events.values_list("kind", "at", "track_number", "dwell_ms", "censored"))


def test_people_come_as_time_goes_by_and_the_numbers_are_those_of_now():
    store, made = store_find("sim", "Europe/Berlin")
    watch, seen = Watch(), []

    def wait(seconds: float) -> bool:
        seen.append(live_snapshot(store, watch.now())["occupancy"]["now"])
        return watch.wait(seconds)

    told = simulate_live(store, PACE, now=watch.now, wait=wait, made=made)
    assert told["told_events"] == TrackingEvent.objects.count() > 300
    assert seen[0] is None and max(seen[1:]) > 10
    recording = Recording.objects.get()
    assert recording.ended_at == BEGAN + timedelta(minutes=10)
    assert Coverage.objects.count() > 5
    ends = list(Coverage.objects.order_by("starts_at").values_list("starts_at", "ends_at"))
    assert (ends[0][0], ends[-1][1]) == (BEGAN, recording.ended_at)
    assert not Visit.objects.filter(exited_at=None).exists()
    assert Visit.objects.filter(inferred=True).exists()  # who is inside at the end
    kinds = [each[0] for each in facts()]
    assert kinds.count("zone_entered") == kinds.count("zone_left") > 50
    assert check(store).differing == []


def test_it_may_be_stopped_and_what_was_told_is_the_beginning_of_it_all():
    store, made = store_find("sim", "Europe/Berlin")
    watch = Watch(stop_after_s=4 * 20 * STEP_S)
    simulate_live(store, PACE, now=watch.now, wait=watch.wait, made=made)
    recording = Recording.objects.get()
    assert recording.ended_at == watch.end and recording.declared_ms == 160_000
    stopped = [each for each in facts() if each[1] < watch.end - timedelta(milliseconds=1)]
    simulate(store, Wanted(1, 1, BEGAN, 5), now=BEGAN)  # what was asked last is what there is
    assert not simulated_of(store).filter(name__contains="live").exists()
    TrackingEvent.objects.all().delete()
    Recording.objects.all().delete()
    watch = Watch()
    simulate_live(store, PACE, now=watch.now, wait=watch.wait)
    assert [
        each for each in facts() if each[1] < BEGAN + timedelta(milliseconds=159_999)
    ] == stopped


def test_one_that_was_killed_is_no_obstacle_to_the_next(monkeypatch):
    store, made = store_find("sim", "Europe/Berlin")
    watch, calls = Watch(), []

    def dies(run, told):
        calls.append(run)
        if len(calls) == 2:
            raise MemoryError
        return outside_commit(run, told)

    monkeypatch.setattr("analytics.simulator.live.outside_commit", dies)
    with pytest.raises(MemoryError):
        simulate_live(store, PACE, now=watch.now, wait=watch.wait, made=made)
    watch = Watch(stop_after_s=60)
    simulate_live(store, PACE, now=watch.now, wait=watch.wait)
    assert Recording.objects.count() == 1
    assert check(store).differing == []
