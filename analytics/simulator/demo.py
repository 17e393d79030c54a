"""The demo store's past: simulated business days up to the one of its recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone as clock

from accounts.models import Store
from analytics.rollups import clock_of
from analytics.simulator.service import Wanted, simulate

SEED, DAYS, VISITORS = 14, 14, 160.0


def demo_past(store: Store, before: datetime, tell: Callable[[float], None]) -> None:
    """Fill the days before the business day of an instant; a past that is there stays.

    The day itself is left to what is really counted, so its numbers are those of the video alone.
    """
    store_clock = clock_of(store)
    until = store_clock.day_starts_at(store_clock.business_day(before))
    simulate(store, Wanted(SEED, DAYS, until, VISITORS), now=clock.now(), tell=tell)
