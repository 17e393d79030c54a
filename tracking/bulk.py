"""Many rows at once, by the database's own fast road: COPY on PostgreSQL, executemany on SQLite.

For tables that nobody asks for the new primary keys of: events and tracks, which are found by
their run and number. Rows go in within the caller's transaction.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection, models

# What the text form of COPY reads as something else.
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"
# What every database takes as it is.
PLAIN = frozenset({int, float, str, bool, type(None)})


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model; unlike `bulk_create` it gives them no primary key.

    Raises
    ------
    IntegrityError
        One of them is there already; the transaction must then be left.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(str(field.column)) for field in fields)
    prepared = _preparer()
    values_of = attrgetter(*(field.attname for field in fields))
    values = [
        [
            value if value.__class__ in PLAIN else prepared(field, value)
            for field, value in zip(fields, values_of(row), strict=True)
        ]
        for row in rows
    ]
    if connection.vendor == "postgresql":
        _copy(f"COPY {table} ({columns}) FROM STDIN", values)
        return
    places = ", ".join(["%s"] * len(fields))
    # Table and columns are the model's own; every value is a parameter.
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


def _preparer() -> Callable[[models.Field[Any, Any], Any], Any]:
    """Return what makes of a value what the database takes, the common kinds by a short way.

    What depends on the database is asked once: to ask for every value takes longer than the rest.
    """
    native_uuid = connection.features.has_native_uuid_field
    # SQLite takes an instant of UTC as words that do not say so, PostgreSQL any as it is.
    in_words = connection.vendor == "sqlite" and connection.timezone is UTC
    as_it_is = connection.vendor == "postgresql"

    def prepared(field: models.Field[Any, Any], value: Any) -> Any:
        kind = type(value)
        if kind is datetime and as_it_is:
            return value
        if kind is datetime and in_words and value.tzinfo is UTC:
            return str(value.replace(tzinfo=None))
        if kind is UUID:
            return value if native_uuid else value.hex
        if isinstance(field, models.BinaryField):
            return bytes(value)
        return field.get_db_prep_save(value, connection)

    return prepared


def _copy(sql: str, rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO("".join("\t".join(map(_as_text, row)) + "\n" for row in rows))
    connection.validate_no_broken_transaction()
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(sql, text)


def _as_text(value: Any) -> str:
    """Return a value in the text form of COPY."""
    if value is None:
        return NULL
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float | UUID):
        return str(value)
    if isinstance(value, str):
        return value.translate(ESCAPES)
    raise TypeError(f"No way is known to copy a {type(value).__name__}.")
