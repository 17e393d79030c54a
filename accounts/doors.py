"""What every address of the API is made of: parameters by name, pages by cursor, writes done once.

An address says which parameters it knows (`asks`); any other is refused, not ignored. A write that
carries an `Idempotency-Key` is done once however often it is sent (`accounts.repeats`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Self

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.repeats import done_apart, done_once

KEY_HEADER = "Idempotency-Key"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
# Text that Python would read as a number, an id or a day, and that no document of the API allows.
WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
NO_MOMENT = "Write a time with its offset from UTC, like 2026-07-01T09:00:00+02:00."
WORDS: Mapping[str, str] = {
    "number": "Write a whole number in plain digits, like 20.",
    "uuid": "Write an id as it was given, like 3f2b8c1e-5a4d-4c7b-9e21-0d6f8a7b5c43.",
    "day": "Write a day as YYYY-MM-DD, like 2026-07-01.",
}


class QuerySerializer(serializers.Serializer[Any]):
    """The parameters of an address; one that it does not know is refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse what nobody knows, and what a lenient reader would take for a number or a day."""
        if isinstance(data, Mapping):
            refuse_unknown(data, self.fields)
        wrong = {
            name: [WORDS[form]]
            for name, field in self.fields.items()
            if isinstance(data, Mapping) and (form := _form_wanted(field, data.get(name)))
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """Return the request's parameters, checked."""
        values: dict[str, Any] = cls.checked(request).validated_data
        return values

    @classmethod
    def checked(cls, request: Request) -> Self:
        """Return the request's parameters, checked, with what else can be asked of them."""
        refuse_twice(request)
        query = cls(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return query


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentParameter(serializers.Field[datetime, Any, str, Any]):
    """An instant with its offset from UTC; a time without one is never guessed."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the instant in UTC."""
        try:
            if isinstance(data, str) and MOMENT.fullmatch(data):
                return datetime.fromisoformat(data).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise serializers.ValidationError(NO_MOMENT)

    def to_representation(self, value: datetime) -> str:
        """Return the instant as ISO 8601 in UTC with Z."""
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _form_wanted(field: Any, value: Any) -> str | None:
    """Return what form a value should have and has not; None where it has, or none is asked."""
    if not isinstance(value, str):
        return None
    match field:
        case serializers.IntegerField():
            return None if WHOLE.fullmatch(value) else "number"
        case serializers.UUIDField():
            return None if UUID_TEXT.fullmatch(value) else "uuid"
        case serializers.DateField():
            return None if DAY.fullmatch(value) else "day"
    return None


def refuse_unknown(told: Any, known: Any) -> None:
    """Refuse parameters that an address does not know."""
    if unknown := sorted(set(told) - set(known)):
        names = ", ".join(sorted(known)) or "none"
        message = f"There is no such parameter here. Known are: {names}."
        raise serializers.ValidationError({name[:60]: [message] for name in unknown})


def refuse_twice(request: Request) -> None:
    """Refuse a parameter that is told twice: which one would hold is anybody's guess."""
    told = request.query_params
    if twice := [name for name in told if len(told.getlist(name)) > 1]:
        raise serializers.ValidationError({name[:60]: ["Tell this once."] for name in twice})


def in_order(order: str) -> tuple[str, str]:
    """Return an order that no two rows share a place in: equal ones stand by their ids."""
    return order, "-id" if order.startswith("-") else "id"


# --- Pages ----------------------------------------------------------------------------------------


class PageQuery(QuerySerializer):
    """Which page, and how long."""

    cursor = serializers.CharField(
        required=False, help_text="Out of `next` or `previous` of a page before."
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=200, required=False, help_text="Rows of a page."
    )


class CursorPages(CursorPagination):
    """Pages by cursor: nothing is counted, and a row added meanwhile shifts nothing."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering: Any = ("-id",)
    invalid_cursor_message = "This is no cursor of ours: take `next` of the page before, as it is."

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Refuse a cursor with what no database takes for text."""
        cursor = super().decode_cursor(request)
        if cursor is not None and "\0" in str(cursor.position):
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor


# --- Addresses ------------------------------------------------------------------------------------


class DoorView(APIView):
    """An address of the API.

    Attributes
    ----------
    asks : mapping
        The parameters that each method knows, by its name; a method without any knows none.
    keyed : bool or "apart"
        Whether writes here heed an `Idempotency-Key`; apart: what they do takes too long for one
        transaction, and doing it twice does it once by itself.
    conditional : tuple of str
        Methods that heed `If-None-Match` (GET) or `If-Match` (the others).
    """

    asks: ClassVar[Mapping[str, type[QuerySerializer]]] = {}
    keyed: ClassVar[bool | str] = True
    conditional: ClassVar[tuple[str, ...]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse unknown parameters; have a write with a key done once."""
        super().initial(request, *args, **kwargs)
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in self.asks and hasattr(self, method.lower()):
            refuse_unknown(request.query_params, ())
        if self.keyed and method in WRITES and KEY_HEADER in request.headers:
            handler = getattr(self, method.lower(), self.http_method_not_allowed)
            doing = done_once if self.keyed is True else done_apart
            once = partial(doing, request.headers[KEY_HEADER], handler)
            setattr(self, method.lower(), once)


class PagedView(DoorView):
    """Rows by pages."""

    pagination_class: ClassVar[type[CursorPages]] = CursorPages
    serializer_class: ClassVar[type[serializers.Serializer[Any]]]

    def page(self, rows: QuerySet[Any], ordering: tuple[str, ...] | None = None) -> Response:
        """Return a page of rows in an order, which ends with what no two rows share."""
        pages = self.pagination_class()
        if ordering is not None:
            pages.ordering = ordering
        found = pages.paginate_queryset(rows, self.request, view=self) or []
        told = self.serializer_class(found, many=True, context=self.context())
        return pages.get_paginated_response(told.data)

    def context(self) -> dict[str, Any]:
        """Return what the rows' serializer is told besides the rows."""
        return {"request": self.request}
