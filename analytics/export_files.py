"""Tables as files, written piece by piece: CSV and Parquet. Pure: no database, no clock.

CSV begins with a byte-order mark: the first thing a shop owner does with it is a double click, and
without the mark Excel reads UTF-8 as the machine's old code page. Text that a spreadsheet would
take for a formula is made inert there, and there alone: Parquet keeps every value as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

BYTE_ORDER_MARK = "\ufeff"
# Rows that are in memory at once; of Parquet also those of one row group.
CSV_ROWS = 1000
PARQUET_ROWS = 10_000

# What begins a formula (OWASP, CSV injection), in both widths; also after a semicolon, at which a
# spreadsheet set to German or French parts cells, whatever stands in quotation marks.
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@＝＋－＠])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "yes or no"
    DAY = "day"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column:
    """One column by its name in the API."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to be written, each with a value for every column; None where there is no number."""

    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Any]]
    # Times are written on this clock, with their distance to UTC.
    zone: ZoneInfo


def inert(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, and that stays within its cell.

    A quotation mark before the formula's first character is what Excel itself writes for "this is
    text". Tabs and line ends would open another cell or row where the separator is guessed.
    """
    return _FORMULA.sub(r"\1\2'", _CONTROL.sub(" ", text))


def csv_blocks(table: Table) -> Iterator[bytes]:
    """Yield the table as CSV (RFC 4180, UTF-8 with byte-order mark), some rows at a time."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow([column.name for column in table.columns])
    yield _taken(buffer)
    write = [_csv_writer(column.kind, table.zone) for column in table.columns]
    for rows in _batches(table.rows, CSV_ROWS):
        for row in rows:
            cells = zip(write, row, strict=True)
            writer.writerow(["" if value is None else as_cell(value) for as_cell, value in cells])
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    block = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return block


def _csv_writer(kind: Kind, zone: ZoneInfo) -> Callable[[Any], Any]:
    """Return what makes a cell of a value that is there; numbers stay numbers, also below zero."""
    match kind:
        case Kind.TEXT:
            return lambda value: inert(str(value))
        case Kind.FLAG:
            return lambda value: "true" if value else "false"
        case Kind.TIME:
            return lambda value: value.astimezone(zone).isoformat()
        case Kind.DAY:
            return date.isoformat
        case _:
            return lambda value: value


def parquet_blocks(table: Table) -> Iterator[bytes]:
    """Yield the table as Parquet with typed columns, a row group at a time."""
    # Here and not above: 40 MB that a process which never writes Parquet does without.
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema(
        [(column.name, _arrow_type(pa, column.kind, table.zone)) for column in table.columns]
    )
    pipe = _Pipe()
    with parquet.ParquetWriter(pipe, schema, compression="snappy") as writer:
        for rows in _batches(table.rows, PARQUET_ROWS):
            arrays = [
                pa.array(values, field.type)
                for values, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            yield pipe.taken()
    yield pipe.taken()


def _arrow_type(pa: Any, kind: Kind, zone: ZoneInfo) -> Any:
    types = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.DAY: pa.date32(),
        Kind.TIME: pa.timestamp("us", tz=zone.key),
    }
    return types[kind]


class _Pipe(io.RawIOBase):
    """A file that keeps what was written only until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._written.append(piece)
        self._length += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """Return what was written since it was last asked."""
        block, self._written = b"".join(self._written), []
        return block


def _batches(rows: Iterable[Sequence[Any]], size: int) -> Iterator[list[Sequence[Any]]]:
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


# What of a dataclass becomes a column, by its annotation.
KINDS: dict[Any, Kind] = {
    str: Kind.TEXT,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    bool: Kind.FLAG,
    date: Kind.DAY,
    datetime: Kind.TIME,
}
