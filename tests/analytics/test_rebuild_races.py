"""Days put right, folded, told and counted at once: nobody waits in a circle, no sum is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Store
from analytics import marks, rebuild, rollups, summaries
from analytics.fresh import reach_of
from analytics.models import AnalyticsSummary, DirtyDay, OccupancyMark
from analytics.rebuild import Comparison, check, rewrite, rewrite_day
from analytics.summaries import fold_dirty
from tests.analytics.shop import NINE_UTC, Kind, Shop, make_facts, make_shop, tell
from tests.cast import make_store
from tests.tracking.test_locks import at_once, somebody_waits_for_a_lock, until
from tracking import ledger

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="there one transaction writes at a time"
    ),
]
WAIT_S = 20
DAY = date(2026, 6, 2)


@pytest.fixture
def shop() -> Shop:
    """A shop with a day that is folded, and behind again."""
    shop = make_shop(make_store())
    count(shop, 0)
    fold_dirty()
    count(shop, 60)
    return shop


def count(shop: Shop, second: int, start: Any = NINE_UTC) -> None:
    facts = make_facts(shop, start)
    facts.step(second)
    facts.seen(0, 600)
    facts.commit()


class Meeting:
    """Stops one thread at a place until another is through, or waits for what the first holds."""

    def __init__(self) -> None:
        self.at_place, self.other_through = threading.Event(), threading.Event()

    def stop(self) -> None:
        """Called by the first at its place."""
        if not self.at_place.is_set():
            self.at_place.set()
            until(lambda: self.other_through.is_set() or somebody_waits_for_a_lock())

    def other(self, work: Callable[[], object]) -> Callable[[], None]:
        """Return the work of the other, which begins when the first is at its place."""

        def do() -> None:
            assert self.at_place.wait(WAIT_S)
            try:
                work()
            finally:
                self.other_through.set()

        return do


def before(meeting: Meeting, real: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        meeting.stop()
        return real(*args, **kwargs)

    return wrapped


@pytest.mark.parametrize("whole", [False, True])
def test_a_day_is_put_right_while_it_is_folded(shop, monkeypatch, whole):
    """The fold holds the dirty day and wants its summaries; who rewrites wants the dirty day."""
    meeting = Meeting()
    monkeypatch.setattr(summaries, "write_day", before(meeting, summaries.write_day))
    reach = reach_of(shop.store)

    def again() -> None:
        if whole:
            # It folds first what is behind: here it is behind again right after that.
            monkeypatch.setattr(rebuild, "check", lambda *_: Comparison())
            rewrite(shop.store)
        else:
            rewrite_day(shop.store, DAY, reach)

    assert at_once([fold_dirty, meeting.other(again)]) == []
    monkeypatch.undo()
    assert check(shop.store).differing == []
    assert AnalyticsSummary.objects.get(period="day").entries == 2


def test_a_day_is_put_right_while_the_calendar_changes(shop, monkeypatch):
    """The change holds every dirty day and wants the summaries."""
    meeting = Meeting()
    monkeypatch.setattr(rollups, "AnalyticsSummary", Stopping(meeting))
    reach = reach_of(shop.store)

    def change() -> None:
        store = Store.objects.get(pk=shop.store.pk)
        store.business_day_start = time(6)
        store.save()

    assert at_once([change, meeting.other(lambda: rewrite_day(shop.store, DAY, reach))]) == []
    assert check(Store.objects.get(pk=shop.store.pk)).differing == []


class Stopping:
    """`AnalyticsSummary` for `mark_calendar_dirty`, which stops before it touches any row."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting

    @property
    def objects(self) -> Any:
        self.meeting.stop()
        return AnalyticsSummary.objects


def test_who_is_inside_is_told_while_the_day_is_put_right(shop, monkeypatch):
    """A reset becomes a mark once: who makes marks afresh must not meet one that just came."""
    meeting = Meeting()
    monkeypatch.setattr(marks, "fresh_marks", before(meeting, marks.fresh_marks))
    reach = reach_of(shop.store)
    told = meeting.other(
        lambda: tell(shop.store, Kind.OCCUPANCY_RESET, NINE_UTC + timedelta(minutes=2), 5)
    )
    assert at_once([lambda: rewrite_day(shop.store, DAY, reach), told]) == []
    assert OccupancyMark.objects.get().net_before == 2
    assert check(shop.store).differing == []


@pytest.mark.parametrize(
    ("hour", "change"), [(5, {"business_day_start": time(9)}), (20, {"timezone": "Asia/Tokyo"})]
)
@pytest.mark.parametrize("place", ["the store is read", "the calendar is read"])
def test_the_calendar_changes_while_a_worker_writes_what_it_counted(
    shop, monkeypatch, place, hour, change
):
    """What the worker counts is of another business day by the calendar that holds at the end."""
    meeting = Meeting()
    where, name = {
        "the store is read": (ledger, "take_sequence"),
        "the calendar is read": (rollups, "clock_of"),
    }[place]
    monkeypatch.setattr(where, name, before(meeting, getattr(where, name)))
    facts = make_facts(shop, NINE_UTC.replace(hour=hour, minute=30))
    facts.step(10)
    facts.seen(0, 600)

    def change_calendar() -> None:
        store = Store.objects.get(pk=shop.store.pk)
        for name, value in change.items():
            setattr(store, name, value)
        store.save()

    assert at_once([facts.commit, meeting.other(change_calendar)]) == []
    found = check(Store.objects.get(pk=shop.store.pk))
    assert found.rows > 0 and found.differing == []
    assert not DirtyDay.objects.exists()
    days = AnalyticsSummary.objects.filter(period="day")
    assert sum(days.values_list("entries", flat=True)) == 3
    assert days.count() == 2
