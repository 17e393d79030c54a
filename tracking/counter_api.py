"""What outside counters send, as JSON: a batch of events with a report on each row."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone as clock
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_parts import StrictSerializer, ask_manager
from accounts.models import Store, User
from tracking.counters import OURS, ROWS_AT_MOST, Report, Told, Watched, events_take
from tracking.live_api import EventsView, store_of
from tracking.problems import Problem
from tracking.recording_serializers import InstantField

LONGEST_DWELL_S = 7 * 86_400
EARLIEST_YEAR = 2000
NO_MOMENT = "Write a time with its offset from UTC, like 2026-07-01T09:00:00+02:00."
ONE_PLACE = "Tell either a line with a direction, or a zone with dwell_s."


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(InstantField):
    """An instant with its offset from UTC, of a row: what is wrong is told of the row."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the instant in UTC, or refuse the row."""
        try:
            moment = super().to_internal_value(data)
        except Problem as problem:
            raise serializers.ValidationError(NO_MOMENT) from problem
        if moment.year < EARLIEST_YEAR:
            raise serializers.ValidationError("This is before the year 2000.")
        return moment


class EventToldSerializer(StrictSerializer):
    """Somebody crossed a line, or left a zone."""

    client_key = serializers.CharField(
        max_length=80, help_text="The sender's own name of the event; told again it counts once."
    )
    at = MomentField(help_text="ISO 8601 with an offset; of a stay in a zone, its end.")
    line = serializers.UUIDField(required=False)
    direction = serializers.ChoiceField(choices=["in", "out"], required=False)
    zone = serializers.UUIDField(required=False)
    dwell_s = serializers.FloatField(min_value=0, max_value=LONGEST_DWELL_S, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a row that tells of both places or of half a one."""
        told = attrs.keys() & {"line", "direction", "zone", "dwell_s"}
        if told not in ({"line", "direction"}, {"zone", "dwell_s"}):
            raise serializers.ValidationError(ONE_PLACE)
        return attrs


class SpanToldSerializer(StrictSerializer):
    """A span in which the counter of a camera was at work."""

    camera = serializers.UUIDField()
    to = MomentField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; one of them is called by a word of the language."""
        return {"from": MomentField(), **super().get_fields()}


class EventsToldSerializer(StrictSerializer):
    """A batch of one counter: up to 1,000 events and the spans it was at work in."""

    # A field of this name is no trouble: fields leave the class before it is made.
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=40, help_text=f"The counter's name; not {', '.join(OURS)}."
    )
    events = serializers.ListField(
        child=serializers.JSONField(), max_length=ROWS_AT_MOST, default=list,
        help_text="Each as EventTold; a row that is wrong is refused by itself.",
    )  # fmt: skip
    watched = serializers.ListField(
        child=serializers.JSONField(), max_length=ROWS_AT_MOST, default=list,
        help_text="Each as SpanTold: without it an hour in which nobody came reads 'not seen'.",
    )  # fmt: skip


class RowProblemSerializer(serializers.Serializer[Any]):
    """A row that was refused, by its place in the batch, from 0."""

    row = serializers.IntegerField()
    client_key = serializers.CharField(allow_null=True)
    # What a row got wrong has the name that errors have in every answer.
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )


class EventsReportSerializer(serializers.Serializer[Any]):
    """What became of a batch."""

    taken = serializers.IntegerField()
    known = serializers.IntegerField(help_text="Told before with the same content.")
    watched_s = serializers.FloatField(help_text="Time that no counter had told before.")
    refused = RowProblemSerializer(many=True)
    refused_watched = RowProblemSerializer(many=True)


Errors = dict[int, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it was sent: its rows that are well-formed, and what is wrong with others."""

    source: str
    rows: list[Any]
    told: list[Told]
    watched: list[Watched]
    wrong: Errors
    wrong_spans: Errors


def batch_read(body: Any) -> Batch:
    """Read a batch as it was sent.

    Raises
    ------
    rest_framework.serializers.ValidationError
        The batch as a whole is wrong; a row that is wrong is noted.
    """
    batch = EventsToldSerializer(data=body)
    batch.is_valid(raise_exception=True)
    rows, spans = batch.validated_data["events"], batch.validated_data["watched"]
    wrong: Errors = {}
    wrong_spans: Errors = {}
    told = [Told(row, **_of_event(one)) for row, one in _read(EventToldSerializer, rows, wrong)]
    watched = [
        Watched(row, one["camera"], one["from"], one["to"])
        for row, one in _read(SpanToldSerializer, spans, wrong_spans)
    ]
    return Batch(batch.validated_data["source"], rows, told, watched, wrong, wrong_spans)


def batch_take(store: Store, user: User, body: Any) -> dict[str, Any]:
    """Take a batch as it was sent; return the report as the API says it.

    Raises
    ------
    rest_framework.serializers.ValidationError
        The batch as a whole is wrong; a row that is wrong is in the report.
    """
    batch = batch_read(body)
    report = events_take(
        store=store, source=batch.source, told=batch.told, watched=batch.watched, user=user,
        now=clock.now(),
    )  # fmt: skip
    return batch_answer(report, batch)


def _read(
    form: type[StrictSerializer], rows: list[Any], wrong: Errors
) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows that are well-formed with their places; note what is wrong with others."""
    good = []
    for row, one in enumerate(rows):
        read = form(data=one)
        if read.is_valid():
            good.append((row, read.validated_data))
        else:
            wrong[row] = {
                str(name): [str(text) for text in texts] for name, texts in read.errors.items()
            }
    return good


def _of_event(row: dict[str, Any]) -> dict[str, Any]:
    told = dict(row)
    if "dwell_s" in told:
        told["dwell_ms"] = round(told.pop("dwell_s") * 1000)
    return told


def batch_answer(report: Report, batch: Batch) -> dict[str, Any]:
    """Return what became of a batch, as the API says it."""
    refused = batch.wrong | {row: {name: [why]} for row, (name, why) in report.refused.items()}
    spans = batch.wrong_spans | {
        row: {name: [why]} for row, (name, why) in report.refused_spans.items()
    }
    return {
        "taken": report.taken,
        "known": report.known,
        "watched_s": report.watched_ms / 1000,
        "refused": [
            {"row": row, "client_key": _key(batch.rows[row]), "errors": refused[row]}
            for row in sorted(refused)
        ],
        "refused_watched": [
            {"row": row, "client_key": None, "errors": spans[row]} for row in sorted(spans)
        ],
    }


def _key(row: Any) -> str | None:
    key = row.get("client_key") if isinstance(row, dict) else None
    return key[:80] if isinstance(key, str) else None


class StoreEventsView(EventsView):
    """The feed of a store, and where outside counters send what they counted."""

    @extend_schema(request=EventsToldSerializer, responses=EventsReportSerializer)
    def post(self, request: Request, store_id: uuid.UUID) -> Response:
        """Take what an outside counter tells, each of its keys once; managers only.

        Up to 1,000 events, in any order and however late. A row that is wrong is refused by itself
        and named in the report; the others count. Send a batch again whenever the answer was lost.
        """
        store = store_of(request, store_id)
        user = ask_manager(request, store)
        return Response(EventsReportSerializer(batch_take(store, user, request.data)).data)
