"""Downloads: what a page shows, as CSV or Parquet."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar, cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone as system_clock
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.doors import DoorView
from accounts.models import Store, User
from accounts.services import audit_record
from analytics.api import ORDERS, DayField, DaysQuery
from analytics.comparisons import WAYS
from analytics.export_files import Table, csv_blocks, parquet_blocks
from analytics.exports import MAKERS, Export, Question
from analytics.kpi_api import zone_of
from tracking.live_api import EventsQuery, WhateverIsAccepted, store_of

Blocks = Callable[[Table], Iterator[bytes]]
FORMATS: dict[str, tuple[str, Blocks]] = {
    "csv": ("text/csv; charset=utf-8", csv_blocks),
    "parquet": ("application/vnd.apache.parquet", parquet_blocks),
}


class ExportQuery(DaysQuery):
    """Business days from the first to the last, both included."""

    def question(self, store: Store, now: datetime) -> Question:
        """Return what was asked for."""
        asked = self.validated_data
        return Question(
            now=now,
            day=asked.get("day"),
            first=asked.get("from"),
            last=asked.get("to"),
            order=asked.get("order", ""),
            kinds=asked.get("kind", ()),
            recording=asked.get("recording"),
            zone=zone_of(store, asked.get("zone")),
            compare=asked.get("compare"),
        )


class DaysExportQuery(ExportQuery):
    """Days in an order."""

    order = serializers.ChoiceField(choices=ORDERS, default="-starts_at")


class SpanQuery(ExportQuery):
    """A business day, several, or the last 24 hours."""

    needs_days = False
    day = DayField(required=False)
    window = serializers.ChoiceField(choices=["24h"], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse two spans at once."""
        if len(attrs.keys() & {"day", "window", "from"}) > 1:
            raise serializers.ValidationError(
                {"day": "Ask for a day, for a window, or for days from and to: one of them."}
            )
        return super().validate(attrs)


class HoursExportQuery(SpanQuery):
    """Which hours, in which order, beside which others."""

    order = serializers.ChoiceField(choices=ORDERS, default="-starts_at")
    compare = serializers.ChoiceField(choices=WAYS, required=False)


class EventsExportQuery(SpanQuery):
    """Which events; the filters are those of their list."""

    kind = serializers.CharField(required=False, help_text="Kinds, joined by commas.")
    recording = serializers.UUIDField(required=False)
    validate_kind = EventsQuery.validate_kind


class KpisExportQuery(ExportQuery):
    """What the Dashboard is asked with."""

    zone = serializers.UUIDField(required=False)
    compare = serializers.ChoiceField(choices=WAYS, required=False)


QUERIES: dict[str, type[ExportQuery]] = {
    "hours": HoursExportQuery,
    "days": DaysExportQuery,
    "events": EventsExportQuery,
    "kpis": KpisExportQuery,
}


class ExportView(DoorView):
    """What a page shows, with its filters and in its order, all pages, as a file."""

    # Each export has its own, and refuses others.
    asks: ClassVar = {"GET": ExportQuery}
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        parameters=[HoursExportQuery, EventsExportQuery],
        responses={
            (200, "text/csv"): OpenApiTypes.BINARY,
            (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
        },
    )
    def get(
        self, request: Request, store_id: uuid.UUID, what: str, ending: str
    ) -> StreamingHttpResponse:
        """Return the file, a piece at a time; that it was taken is noted in the audit log."""
        store = store_of(request, store_id)
        if what not in QUERIES or ending not in FORMATS:
            raise Http404
        query = QUERIES[what](data=request.query_params)
        query.is_valid(raise_exception=True)
        export = MAKERS[what](store, query.question(store, system_clock.now()))
        audit_record(
            action="numbers.exported",
            actor=cast("User", request.user),
            store=store,
            subject=f"{export.file_name}.{ending}",
            detail={"asked": dict(request.query_params.items())},
        )
        return download(request._request, export, ending)


def download(request: HttpRequest, export: Export, ending: str) -> StreamingHttpResponse:
    """Return the export as an answer that is written while it is sent.

    Behind Daphne the pieces have to come asynchronously: Django would otherwise collect all of
    them first; behind a WSGI server it is the other way round.
    """
    content_type, write = FORMATS[ending]
    blocks = write(export.table)
    stream: Any = in_turn(blocks) if isinstance(request, ASGIRequest) else blocks
    headers = {
        "Content-Disposition": content_disposition_header(True, f"{export.file_name}.{ending}"),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingHttpResponse(stream, content_type=content_type, headers=headers)


async def in_turn(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the blocks, each made on the request's own thread, which has the database's cursor."""

    @sync_to_async
    def following() -> bytes | None:
        return next(blocks, None)

    try:
        while (block := await following()) is not None:
            yield block
    finally:
        await sync_to_async(blocks.close)()  # type: ignore[attr-defined]
