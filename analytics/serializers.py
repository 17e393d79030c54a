"""Numbers as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analytics.comparisons import WAYS
from tracking.event_serializers import ZoneNameSerializer
from tracking.recording_serializers import RecordingSerializer
from zones.camera_serializers import CameraWatchSerializer


class FiveMinutesSerializer(serializers.Serializer[Any]):
    """Five minutes; entries and exits are null where nobody looked."""

    starts_at = serializers.DateTimeField()
    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)
    observed = serializers.FloatField()
    complete = serializers.BooleanField()


class OccupancySerializer(serializers.Serializer[Any]):
    """People inside now, or why that is not known."""

    now = serializers.IntegerField(allow_null=True)
    raw = serializers.IntegerField(allow_null=True)
    correction = serializers.IntegerField()
    why_null = serializers.CharField(allow_null=True)
    reset_at = serializers.DateTimeField()


class TodaySerializer(serializers.Serializer[Any]):
    """The business day so far."""

    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)
    observed = serializers.FloatField(allow_null=True)


class ZoneNumbersSerializer(serializers.Serializer[Any]):
    """One zone with who is in it and its stays."""

    id = serializers.UUIDField(source="zone.public_id")
    name = serializers.CharField(source="zone.name")
    kind = serializers.CharField(source="zone.kind")
    colour = serializers.IntegerField(source="zone.colour")
    now = serializers.IntegerField(allow_null=True)
    stays = serializers.IntegerField()
    median_dwell_s = serializers.FloatField(allow_null=True)
    wait_estimate_s = serializers.FloatField(
        allow_null=True, help_text="Of a queue: who joins now waits about so long; an estimate."
    )


class RecordingNumbersSerializer(serializers.Serializer[Any]):
    """What a recording's own count says."""

    entries = serializers.IntegerField()
    exits = serializers.IntegerField()
    visits = serializers.IntegerField()
    inside_now = serializers.IntegerField()
    median_stay_s = serializers.FloatField(allow_null=True)
    counted_to_ms = serializers.IntegerField()


class RecordingOnShowSerializer(RecordingSerializer):
    """A recording with its own numbers, zones and five-minute steps."""

    numbers = RecordingNumbersSerializer()
    zones = ZoneNumbersSerializer(many=True)
    buckets = FiveMinutesSerializer(many=True)


@extend_schema_field(RecordingOnShowSerializer)
class ReadyField(serializers.JSONField):
    """JSON that is made already."""


class JobsSerializer(serializers.Serializer[Any]):
    """How much work there is."""

    working = serializers.IntegerField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()


class StoreNameSerializer(serializers.Serializer[Any]):
    """A store by name."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    slug = serializers.CharField()
    timezone = serializers.CharField()


class BusinessDaySerializer(serializers.Serializer[Any]):
    """The business day that is on."""

    date = serializers.DateField()
    starts_at = serializers.DateTimeField()


class LiveCameraSerializer(CameraWatchSerializer):
    """A live camera of the store, and how following it goes."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class SnapshotSerializer(serializers.Serializer[Any]):
    """The store now and the recording on show, as of one place in the feed."""

    as_of_seq = serializers.IntegerField()
    store = StoreNameSerializer()
    server_time = serializers.DateTimeField()
    business_day = BusinessDaySerializer()
    occupancy = OccupancySerializer()
    today = TodaySerializer()
    zones = ZoneNumbersSerializer(many=True)
    buckets = FiveMinutesSerializer(many=True)
    recording = ReadyField(allow_null=True)
    jobs = JobsSerializer()
    cameras = LiveCameraSerializer(many=True)


class TotalsSerializer(serializers.Serializer[Any]):
    """A whole span."""

    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)
    visits = serializers.IntegerField(allow_null=True)
    visit_median_s = serializers.FloatField(allow_null=True)
    zone_stays = serializers.IntegerField(allow_null=True)
    dwell_median_s = serializers.FloatField(allow_null=True)
    occupancy_peak = serializers.IntegerField(allow_null=True)
    observed = serializers.FloatField(allow_null=True)
    entries_closed = serializers.IntegerField(allow_null=True)
    exits_closed = serializers.IntegerField(allow_null=True)
    open_ms = serializers.IntegerField()
    observed_open_ms = serializers.IntegerField()


class SummaryRowSerializer(serializers.Serializer[Any]):
    """One hour or day; everything counted is null where nothing was seen.

    `entries_closed` and `exits_closed` are those of the entries and exits outside opening hours;
    `observed` is the share of the open time that was seen, null where the store was closed.
    """

    business_day = serializers.DateField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    utc_offset_s = serializers.IntegerField()
    entries = serializers.IntegerField(allow_null=True)
    exits = serializers.IntegerField(allow_null=True)
    occupancy_end = serializers.IntegerField(allow_null=True)
    occupancy_peak = serializers.IntegerField(allow_null=True)
    visits = serializers.IntegerField(allow_null=True)
    visit_median_s = serializers.FloatField(allow_null=True)
    zone_stays = serializers.IntegerField(allow_null=True)
    dwell_median_s = serializers.FloatField(allow_null=True)
    observed = serializers.FloatField(allow_null=True)
    complete = serializers.BooleanField()
    entries_closed = serializers.IntegerField(allow_null=True)
    exits_closed = serializers.IntegerField(allow_null=True)
    open_ms = serializers.IntegerField()
    observed_open_ms = serializers.IntegerField()


class ComparedSerializer(serializers.Serializer[Any]):
    """Two spans by their like hours: both over, open for as long, seen to 95 % or more.

    `change` is the share by which more came in here than there, `here` and `there` who came in
    during those `hours`, `of` how many open hours there are here. Null says why in `why_null`.
    """

    how = serializers.ChoiceField(choices=WAYS)
    change = serializers.FloatField(allow_null=True)
    here = serializers.IntegerField(allow_null=True)
    there = serializers.IntegerField(allow_null=True)
    hours = serializers.IntegerField()
    of = serializers.IntegerField()
    why_null = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the business days compared with as `from` and `to`, which Python cannot name."""
        ends = {"from": "first", "to": "last"}
        days = {name: serializers.DateField(source=source) for name, source in ends.items()}
        return {**super().get_fields(), **days}


class PairSerializer(serializers.Serializer[Any]):
    """Two like hours with who came in."""

    starts_at = serializers.DateTimeField()
    there_starts_at = serializers.DateTimeField()
    here = serializers.IntegerField()
    there = serializers.IntegerField()


class HoursComparedSerializer(ComparedSerializer):
    """A comparison with the very hours that it compares."""

    pairs = PairSerializer(many=True)


class SummariesSerializer(serializers.Serializer[Any]):
    """Hours or days with their totals, and the comparison that was asked for."""

    results = SummaryRowSerializer(many=True)
    totals = TotalsSerializer()
    compared = HoursComparedSerializer(allow_null=True)


class HourNameSerializer(serializers.Serializer[Any]):
    """An hour that stands out; its entries are those within opening hours."""

    starts_at = serializers.DateTimeField()
    utc_offset_s = serializers.IntegerField()
    entries = serializers.IntegerField(source="entries_open")


class TableSerializer(serializers.Serializer[Any]):
    """One page of the hours, sorted."""

    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    page_size = serializers.IntegerField()
    count = serializers.IntegerField()
    order = serializers.CharField()
    rows = SummaryRowSerializer(many=True)


class HistorySerializer(serializers.Serializer[Any]):
    """The hours of a day or of the last 24 hours."""

    day = serializers.DateField(allow_null=True)
    hours = SummaryRowSerializer(many=True)
    peak = HourNameSerializer(many=True)
    slowest = HourNameSerializer(many=True)
    totals = TotalsSerializer()
    compared = HoursComparedSerializer(allow_null=True)
    table = TableSerializer()


class KpiSerializer(serializers.Serializer[Any]):
    """One key number with its meaning; null, with the reason, where it is not known."""

    id = serializers.CharField(source="kpi.id")
    name = serializers.CharField(source="kpi.name")
    value = serializers.JSONField(allow_null=True)
    unit = serializers.CharField(source="kpi.unit")
    text = serializers.CharField(help_text="The value as people write it.")
    plain = serializers.CharField(source="kpi.plain")
    formula = serializers.CharField(source="kpi.formula")
    # A field of this name is no trouble: fields leave the class before it is made.
    source = serializers.CharField(source="kpi.source")  # type: ignore[assignment]
    observed = serializers.FloatField(
        allow_null=True,
        help_text="Share of the open time that was seen, of numbers at any hour too.",
    )
    why_null = serializers.CharField(allow_null=True)
    estimate = serializers.BooleanField(source="kpi.estimate")
    note = serializers.CharField()
    level = serializers.CharField(help_text="`bad` where the number itself is a warning.")
    detail = serializers.JSONField(help_text="What the number was made with.")
    group = serializers.CharField(source="kpi.group")


class KpisSerializer(serializers.Serializer[Any]):
    """The key numbers of business days, both included."""

    to = serializers.DateField()
    zone = ZoneNameSerializer(allow_null=True)
    compared = ComparedSerializer(allow_null=True)
    kpis = KpiSerializer(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot name."""
        return {"from": serializers.DateField(), **super().get_fields()}
