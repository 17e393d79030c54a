"""The live snapshot, hours and days, the history of a day."""

from __future__ import annotations

import math
import uuid
from dataclasses import fields
from datetime import date, datetime
from typing import Any, ClassVar

from django.http import Http404
from django.utils import timezone as system_clock
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.conditional import unless_known
from accounts.doors import DoorView, QuerySerializer
from accounts.models import Store
from analytics import selectors
from analytics.comparisons import WAYS
from analytics.history import (
    SummaryRow,
    compared,
    compared_lines,
    history,
    sorted_lines,
    summary_lines,
    totals_of,
)
from analytics.models import AnalyticsSummary
from analytics.movement import BadCursorError, Cursor
from analytics.serializers import (
    FiveMinutesSerializer,
    HistorySerializer,
    RecordingNumbersSerializer,
    SnapshotSerializer,
    SummariesSerializer,
    ZoneNumbersSerializer,
)
from tracking.cameras import watches_of
from tracking.live_api import store_of
from tracking.recording_api import told
from tracking.selectors import active_run, job_counts, one_view, recording_on_show, store_sequence

DAYS_AT_MOST = 400
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
# A clock moves by itself: an answer that differs in it alone is the same.
MOVING = ("server_time",)
UNSORTED = ("complete", "utc_offset_s", "ends_at", "open_so_far_ms")
COLUMNS = [column.name for column in fields(SummaryRow) if column.name not in UNSORTED]
ORDERS = [sign + name for name in COLUMNS for sign in ("", "-")]


class DayField(serializers.DateField):
    """A business day that a calendar can hold."""

    def to_internal_value(self, value: Any) -> date:
        """Refuse days out of any reason: arithmetic on the year 1 or 9999 overflows."""
        day = super().to_internal_value(value)
        if not EARLIEST <= day <= LATEST:
            raise serializers.ValidationError(f"Choose a day from {EARLIEST} to {LATEST}.")
        return day


class CursorField(serializers.CharField):
    """Where a list of ours goes on: what a page of it ended with."""

    default_error_messages = {
        "cursor": "This is no cursor of ours: take the one of the page before, as it is."
    }

    def to_internal_value(self, value: Any) -> Cursor:  # type: ignore[override]  # read, not text
        """Refuse what no page of ours ended with."""
        try:
            return Cursor.read(super().to_internal_value(value))
        except BadCursorError:
            self.fail("cursor")


class LiveQuery(QuerySerializer):
    """Which recording is on show."""

    recording = serializers.UUIDField(required=False)


class LiveView(DoorView):
    """The store now: every number of the Live page, all as of one place in the feed."""

    asks: ClassVar = {"GET": LiveQuery}
    conditional = ("GET",)

    @extend_schema(responses=SnapshotSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the snapshot."""
        store, query = store_of(request, store_id), LiveQuery.read(request)
        with one_view():
            snapshot = live_snapshot(store, system_clock.now(), query.get("recording"))
        return unless_known(request, snapshot, MOVING)


def live_snapshot(store: Store, now: datetime, wanted: uuid.UUID | None = None) -> dict[str, Any]:
    """Return the snapshot's JSON; call it within `one_view`.

    It then holds every event up to `as_of_seq` and none after: the counter is raised in the
    transaction that writes the events and the sums.
    """
    seq = store_sequence(store)
    view = selectors.store_view(store, now)
    sums = selectors.entrance_sums(view, selectors.series_begins(view))
    answer = SnapshotSerializer(
        {
            "as_of_seq": seq,
            "store": store,
            "server_time": now,
            "business_day": {"date": view.day, "starts_at": view.day_starts_at},
            "occupancy": selectors.occupancy_now(view),
            "today": selectors.today(view, sums),
            "zones": selectors.zones_now(view),
            "buckets": selectors.series_now(view, sums),
            "recording": recording_snapshot(store, wanted),
            "jobs": job_counts(store),
            "cameras": watches_of(store),
        }
    ).data
    return dict(answer)


def recording_snapshot(store: Store, wanted: uuid.UUID | None) -> dict[str, Any] | None:
    """Return the recording on show with its own numbers beside the store's."""
    recording = recording_on_show(store, wanted)
    if recording is None:
        if wanted is not None:
            raise Http404
        return None
    run = active_run(recording)
    numbers = selectors.recording_numbers(run) if run else selectors.NOTHING_COUNTED
    zones = selectors.recording_zones(run) if run else []
    series = selectors.recording_series(run) if run else []
    return {
        **told(recording),
        "numbers": RecordingNumbersSerializer(numbers).data,
        "zones": ZoneNumbersSerializer(zones, many=True).data,
        "buckets": FiveMinutesSerializer(series, many=True).data,
    }


class DaysQuery(QuerySerializer):
    """Which business days, both included."""

    needs_days = True

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from` and `to`, which Python cannot name."""
        days = {name: DayField(required=self.needs_days) for name in ("from", "to")}
        return {**super().get_fields(), **days}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse spans with one end, that run backwards, or are too long."""
        if ("from" in attrs) != ("to" in attrs):
            missing = "to" if "from" in attrs else "from"
            raise serializers.ValidationError({missing: "Name both: from and to."})
        days = (attrs["to"] - attrs["from"]).days + 1 if "from" in attrs else 1
        if not 1 <= days <= DAYS_AT_MOST:
            sentence = f"Ask for 1 to {DAYS_AT_MOST} days, from the first to the last; got {days}."
            raise serializers.ValidationError({"to": sentence})
        return attrs


class SummariesQuery(DaysQuery):
    """Which business days, both included, in hours or days."""

    period = serializers.ChoiceField(choices=AnalyticsSummary.Period.choices, default="day")
    compare = serializers.ChoiceField(choices=WAYS, required=False)


class SummariesView(DoorView):
    """Hours or business days with their totals."""

    asks: ClassVar = {"GET": SummariesQuery}

    @extend_schema(responses=SummariesSerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return a line for every hour or day asked for; null where nothing was seen."""
        store, query = store_of(request, store_id), SummariesQuery.read(request)
        now = system_clock.now()
        first, last, how = query["from"], query["to"], query.get("compare")
        lines = summary_lines(store, query["period"], first, last, now)
        other = None
        if how and query["period"] == AnalyticsSummary.Period.HOUR:
            other = compared_lines(store, (first, last), lines, how, now)
        elif how:
            other = compared(store, first, last, how, now)
        answer = {"results": lines, "totals": totals_of(store, lines), "compared": other}
        return Response(SummariesSerializer(answer).data)


class HistoryQuery(QuerySerializer):
    """A business day, or the last 24 hours; a page of the table beneath."""

    day = DayField(required=False)
    window = serializers.ChoiceField(choices=["24h"], required=False)
    compare = serializers.ChoiceField(choices=WAYS, required=False)
    page = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=12)
    order = serializers.ChoiceField(choices=ORDERS, default="-starts_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a day and a window at once."""
        if "day" in attrs and "window" in attrs:
            raise serializers.ValidationError({"window": "Ask for a day or a window, not both."})
        return attrs


class HistoryView(DoorView):
    """The hours of a day, the busiest and the quietest, and a sorted table by pages."""

    asks: ClassVar = {"GET": HistoryQuery}

    @extend_schema(responses=HistorySerializer)
    def get(self, request: Request, store_id: uuid.UUID) -> Response:
        """Return the history of a day, or of the last 24 hours."""
        store, query = store_of(request, store_id), HistoryQuery.read(request)
        day = query.get("day")
        found = history(store, system_clock.now(), day, query.get("compare"))
        table = page_of(found.hours, query["order"], query["page"], query["page_size"])
        answer = {
            "day": day,
            "hours": found.hours,
            "peak": found.peak,
            "slowest": found.slowest,
            "totals": found.totals,
            "compared": found.compared,
            "table": table,
        }
        return Response(HistorySerializer(answer).data)


def page_of(lines: list[SummaryRow], order: str, page: int, page_size: int) -> dict[str, Any]:
    """Return one page of the sorted lines; a page past the end is the last one."""
    pages = max(1, math.ceil(len(lines) / page_size))
    page = min(page, pages)
    begin = (page - 1) * page_size
    return {
        "page": page,
        "pages": pages,
        "page_size": page_size,
        "count": len(lines),
        "order": order,
        "rows": sorted_lines(lines, order)[begin : begin + page_size],
    }
