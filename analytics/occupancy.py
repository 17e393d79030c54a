"""Who is inside, bucket by bucket, with what people tell about it. Pure.

Occupancy is what crossed the entrances since the business day began or was last reset (`raw`),
plus what people told: the number a reset starts from and every correction since. A reset holds from
its own instant on, in the middle of a bucket too, so an event from before it, however late it comes
in, changes nothing after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.calendar import BUCKET, BUCKET_MS

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A reset or a correction; of a reset, the entries less exits of its bucket up to it."""

    at: datetime
    resets: bool
    value: int
    net_before: int = 0


@dataclass(frozen=True, slots=True)
class Stood:
    """How a bucket went: its highest occupancy at any end, and its integral in people times ms."""

    peak: int
    integral_ms: int


@dataclass(slots=True)
class Occupancy:
    """Who is inside as buckets pass in the order of time; a business day starts with nobody."""

    raw: int = 0
    correction: int = 0

    @property
    def corrected(self) -> int:
        """Return the people inside by all that is known; below zero where exits were missed."""
        return self.raw + self.correction

    def pass_bucket(
        self, starts_at: datetime, net: int, inside_ms: int, told: Sequence[Told] = ()
    ) -> Stood:
        """Move over a bucket.

        Parameters
        ----------
        starts_at : datetime
            When the bucket starts.
        net : int
            Entries less exits in it.
        inside_ms : int
            The time from each entry to the bucket's end, less that from each exit.
        told : sequence of Told
            What people told within it, in the order of time.
        """
        ends_at = starts_at + BUCKET
        peak = self.corrected
        integral_ms = self.corrected * BUCKET_MS
        seen_net = 0
        for one in told:
            rest_ms = (ends_at - one.at) // _MILLISECOND
            before = self.corrected
            if one.resets:
                # What crossed before the reset counts until its instant and no longer.
                came = one.net_before - seen_net
                peak = max(peak, before + came)
                integral_ms -= (before + came) * rest_ms
                self.raw, self.correction = 0, one.value
                integral_ms += self.corrected * rest_ms
                seen_net = one.net_before
            else:
                self.correction += one.value
                integral_ms += one.value * rest_ms
            peak = max(peak, self.corrected)
        self.raw += net - seen_net
        return Stood(max(peak, self.corrected), integral_ms + inside_ms)
