"""What it means: five-minute buckets and the summaries folded from them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Store
from accounts.scope import ScopedQuerySet, scoped
from zones.models import Camera

# Upper edges of the dwell histogram in seconds; the last bin is open. Fixed for ever: bins only
# add up over time while their edges stay.
DWELL_EDGES_S = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)
# A visit up to this long is a quick look unless the store says otherwise (Tapway's default).
BOUNCE_S = 120


class Bucket(models.Model):
    """Five minutes UTC of one subject: integers that add and subtract, nothing derived."""

    class Subject(models.TextChoices):
        """What the bucket counts."""

        CAMERA = "camera", "Camera"
        LINE = "line", "Line"
        ZONE = "zone", "Zone"
        VISIT = "visit", "Visits"

    store = models.ForeignKey(
        Store, on_delete=models.CASCADE, related_name="buckets", db_constraint=False
    )
    camera = models.ForeignKey(
        Camera, on_delete=models.CASCADE, related_name="buckets", db_constraint=False
    )
    subject_kind = models.CharField(max_length=8, choices=Subject.choices)
    # Primary key of the camera, line or zone; the camera's for visits.
    subject_id = models.BigIntegerField()
    starts_at = models.DateTimeField()
    # Lines: crossings in and out (entrance lines alone make entries and exits of the store).
    entries = models.IntegerField(default=0)
    exits = models.IntegerField(default=0)
    # Lines: the time from each entry to the end of the bucket, less that from each exit. With who
    # was inside at its start this makes the integral of occupancy over the bucket exact.
    inside_ms = models.BigIntegerField(default=0)
    # Zones and visits: completed stays, those with an unseen end, their time.
    stays = models.IntegerField(default=0)
    censored = models.IntegerField(default=0)
    dwell_ms = models.BigIntegerField(default=0)
    # Cameras: how much of the five minutes was observed.
    observed_ms = models.IntegerField(default=0)
    h00 = models.IntegerField(default=0)
    h01 = models.IntegerField(default=0)
    h02 = models.IntegerField(default=0)
    h03 = models.IntegerField(default=0)
    h04 = models.IntegerField(default=0)
    h05 = models.IntegerField(default=0)
    h06 = models.IntegerField(default=0)
    h07 = models.IntegerField(default=0)
    h08 = models.IntegerField(default=0)
    h09 = models.IntegerField(default=0)
    h10 = models.IntegerField(default=0)
    h11 = models.IntegerField(default=0)
    h12 = models.IntegerField(default=0)
    h13 = models.IntegerField(default=0)
    h14 = models.IntegerField(default=0)
    h15 = models.IntegerField(default=0)

    objects = ScopedQuerySet["Bucket"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["camera", "subject_kind", "subject_id", "starts_at"], name="bucket_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["store", "starts_at"])]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_id} at {self.starts_at:%Y-%m-%d %H:%M}"


class OccupancyMark(models.Model):
    """A reset or correction of who is inside, as its event tells it: what folds read."""

    event_id = models.UUIDField(unique=True, help_text="Public id of the event.")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="occupancy_marks")
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    resets = models.BooleanField()
    value = models.IntegerField()
    # Of a reset: entries less exits of its five minutes up to its instant. Buckets are not finer,
    # and what happened before a reset must change nothing after it.
    net_before = models.IntegerField(default=0)

    objects = ScopedQuerySet["OccupancyMark"].as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["store", "at"])]

    def __str__(self) -> str:
        return f"{'reset to' if self.resets else 'corrected by'} {self.value} at {self.at}"


class DirtyDay(models.Model):
    """A business day whose summaries are behind its buckets."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="dirty_days")
    business_day = models.DateField()
    # Raised with every touch, so that a fold removes only what it has seen.
    touched = models.BigIntegerField(default=1)

    objects = ScopedQuerySet["DirtyDay"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "business_day"], name="dirty_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.store} {self.business_day}"


class DayChange(models.Model):
    """How often a business day's buckets were touched: never goes back, unlike `DirtyDay`."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="day_changes")
    business_day = models.DateField()
    changes = models.BigIntegerField(default=1)

    objects = ScopedQuerySet["DayChange"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "business_day"], name="day_change_once"),
        ]

    def __str__(self) -> str:
        return f"{self.store} {self.business_day}: {self.changes}"


class AnalyticsSummary(models.Model):
    """One store-local hour or business day, folded from buckets."""

    class Period(models.TextChoices):
        """The width of a summary."""

        HOUR = "hour", "Hour"
        DAY = "day", "Day"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="summaries")
    period = models.CharField(max_length=4, choices=Period.choices)
    business_day = models.DateField()
    # The instant the period starts and ends; the offset tells the repeated hour apart.
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    utc_offset_s = models.IntegerField()
    entries = models.IntegerField(default=0)
    exits = models.IntegerField(default=0)
    occupancy_end = models.IntegerField(null=True, blank=True)
    occupancy_peak = models.IntegerField(null=True, blank=True)
    # At the end of the period: what crossed since the last reset, and with what people told; both
    # may be below zero. `occupancy_end` is what is shown.
    occupancy_raw = models.IntegerField(null=True, blank=True)
    occupancy_corrected = models.IntegerField(null=True, blank=True)
    # Corrected occupancy times time over the five-minute steps in which an entrance was watched,
    # and how long those steps are together: their ratio is the mean.
    occupancy_ms = models.BigIntegerField(default=0)
    watched_ms = models.BigIntegerField(default=0)
    visits = models.IntegerField(default=0)
    visit_ms = models.BigIntegerField(default=0)
    visit_median_s = models.FloatField(null=True, blank=True)
    zone_stays = models.IntegerField(default=0)
    dwell_ms = models.BigIntegerField(default=0)
    dwell_median_s = models.FloatField(null=True, blank=True)
    # How long of the period the store is open; how much of the period, and of its open time, the
    # entrance cameras observed.
    open_ms = models.BigIntegerField(default=0)
    observed_ms = models.BigIntegerField(default=0)
    observed_open_ms = models.BigIntegerField(default=0)
    # Of entries and exits, those outside opening hours.
    entries_closed = models.IntegerField(default=0)
    exits_closed = models.IntegerField(default=0)

    objects = ScopedQuerySet["AnalyticsSummary"].as_manager()

    class Meta:
        ordering: ClassVar = ["store", "period", "starts_at"]
        verbose_name_plural = "analytics summaries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "period", "starts_at"], name="summary_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["store", "period", "business_day"])]

    def __str__(self) -> str:
        return f"{self.store} {self.period} {self.starts_at:%Y-%m-%d %H:%M}"


class Verification(models.Model):
    """Whether a business day's stored numbers are those that its facts make, and since when."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="verifications")
    business_day = models.DateField()
    # SHA-256 over the day's rows as they are stored, and as the facts make them.
    hash_stored = models.CharField(max_length=64, blank=True)
    hash_fresh = models.CharField(max_length=64, blank=True)
    rows = models.IntegerField(default=0)
    differing = models.IntegerField(default=0)
    # The first of the rows that differ, in plain words.
    named = models.JSONField(default=list, blank=True)
    # `DayChange.changes` as verified: another number by now means that more was counted since.
    changes = models.BigIntegerField(default=0)
    # Empty: it was asked for and never done.
    verified_at = models.DateTimeField(null=True, blank=True)
    took_ms = models.IntegerField(default=0)
    # The row is the queue: who waits for it since when. Empty: nobody.
    asked_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet["Verification"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["store", "business_day"], name="verification_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["asked_at"])]

    def __str__(self) -> str:
        return f"{self.store} {self.business_day}"


class VerificationNight(models.Model):
    """The last night for which all of a store's days were asked to be verified."""

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, related_name="verification_night", primary_key=True
    )
    planned_for = models.DateTimeField()
    # How far the store's stays and watched spans reached then: see `analytics.fresh.Reach`.
    longest_stay = models.DurationField()
    longest_span = models.DurationField()

    objects = ScopedQuerySet["VerificationNight"].as_manager()

    def __str__(self) -> str:
        return f"{self.store} {self.planned_for:%Y-%m-%d %H:%M}"


class Transaction(models.Model):
    """Sales that a till told of: one receipt, or all of an hour; no returns, no voids."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="transactions")
    at = models.DateTimeField()
    # The five minutes UTC that hold it, so that local hours are folds of it as of buckets.
    starts_at = models.DateTimeField()
    count = models.PositiveIntegerField()
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    source = models.CharField(max_length=40)
    client_key = models.CharField(max_length=80)

    objects = ScopedQuerySet["Transaction"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["store", "source", "client_key"], name="transaction_once_per_client_key"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["store", "starts_at"])]

    def __str__(self) -> str:
        return f"{self.count} at {self.at:%Y-%m-%d %H:%M}"


class KpiSettings(models.Model):
    """What a store sets for its key numbers; without a row the defaults hold."""

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, related_name="kpi_settings", primary_key=True
    )
    # Edges of the histogram alone: other thresholds could not be told from buckets.
    bounce_s = models.PositiveIntegerField(
        default=BOUNCE_S, choices=[(edge, f"{edge} s") for edge in DWELL_EDGES_S]
    )

    objects = ScopedQuerySet["KpiSettings"].as_manager()

    def __str__(self) -> str:
        return f"{self.store}: up to {self.bounce_s} s"


class PathSum(models.Model):
    """How many people took one path on a business day: zones in order, nothing derived.

    The business day is the one the path begins on, so that all its steps fall on one day.
    """

    class Kind(models.TextChoices):
        """How much of the path was seen."""

        VISIT = "visit", "A visit from its start to its end"
        UNENDED = "unended", "A visit whose end was not seen"
        LOOSE = "loose", "Stays of somebody outside any visit"

    store = models.ForeignKey(
        Store, on_delete=models.CASCADE, related_name="path_sums", db_constraint=False
    )
    camera = models.ForeignKey(
        Camera, on_delete=models.CASCADE, related_name="path_sums", db_constraint=False
    )
    business_day = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # A name-based UUID of `zones`, which may be longer than an index takes.
    digest = models.CharField(max_length=32)
    # Primary keys of the zones in the order they were entered, joined by commas; staff-only and
    # ignored ones too, since a zone's kind may change: readers leave them out.
    zones = models.TextField(blank=True)
    times = models.IntegerField(default=0)

    objects = ScopedQuerySet["PathSum"].as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["camera", "business_day", "kind", "digest"], name="path_sum_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["store", "business_day"])]

    def __str__(self) -> str:
        return f"{self.times} x {self.zones or 'no zone'} on {self.business_day}"


class PathClock(models.Model):
    """By which clock a store's path sums were made; of another one, or missing, they are behind."""

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, related_name="path_clock", primary_key=True
    )
    timezone = models.CharField(max_length=64)
    day_start = models.TimeField()

    objects = ScopedQuerySet["PathClock"].as_manager()

    def __str__(self) -> str:
        return f"{self.timezone}, days from {self.day_start:%H:%M}"


class HeatDay(models.Model):
    """Where people of one camera were on a business day: time per cell of its picture."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="heat_days")
    business_day = models.DateField()
    # Raised by every ledger transaction that changes its tracks; the grids are behind unless
    # `drawn` is the same.
    touched = models.BigIntegerField(default=0)
    drawn = models.BigIntegerField(null=True, blank=True)
    # The instants the grids were cut to; other ones by now where the store's clock was changed.
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    tracks = models.IntegerField(default=0)
    # `analytics.heat.pack` of microseconds per cell: of everybody, of those who stood.
    presence = models.BinaryField(null=True, editable=False)
    dwell = models.BinaryField(null=True, editable=False)

    objects = scoped("camera__store_id").as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["camera", "business_day"], name="heat_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.camera} on {self.business_day}"
