"""Five-minute series: zero is a number, not seen is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from analytics.calendar import BUCKET, BUCKET_MS, buckets_between
from analytics.kpis import observed_share


@dataclass(frozen=True, slots=True)
class FiveMinutes:
    """One bar of a chart; entries and exits are None where nobody looked."""

    starts_at: datetime
    entries: int | None
    exits: int | None
    observed: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted and how long was looked within one bucket."""

    entries: int = 0
    exits: int = 0
    observed_ms: int = 0


def five_minutes(
    sums: Mapping[datetime, Sums], starts_at: datetime, ends_at: datetime, complete_to: datetime
) -> list[FiveMinutes]:
    """Return every bucket of a span, oldest first; those that end after `complete_to` go on."""
    series = []
    for at in buckets_between(starts_at, ends_at):
        found = sums.get(at, Sums())
        known = bool(found.observed_ms or found.entries or found.exits)
        series.append(
            FiveMinutes(
                starts_at=at,
                entries=found.entries if known else None,
                exits=found.exits if known else None,
                observed=observed_share(found.observed_ms, BUCKET_MS) or 0.0,
                complete=at + BUCKET <= complete_to,
            )
        )
    return series
