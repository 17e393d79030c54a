"""When the scheduler rings, also on a machine whose clock jumps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery.schedules import schedstate, schedule


class Every(schedule):
    """Once in every so many seconds.

    Celery reckons from the wall clock when it rang last. Set back by an hour, it would not ring
    for an hour; with this it rings at once and goes on from there.
    """

    def __init__(self, seconds: float = 0, minutes: float = 0, **kept: Any) -> None:
        run_every = timedelta(seconds=seconds, minutes=minutes)
        super().__init__(run_every or kept.get("run_every"), app=kept.get("app"))

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether to ring now, and in how many seconds to ask again."""
        due = super().is_due(last_run_at)
        if not due.is_due and due.next > self.seconds:  # it rang in what is the future now
            return schedstate(is_due=True, next=self.seconds)
        return due

    def __reduce__(self) -> tuple[type[Every], tuple[float]]:
        return type(self), (self.seconds,)
