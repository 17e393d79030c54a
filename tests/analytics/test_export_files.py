"""Tables as CSV and Parquet: inert, typed, and a piece at a time."""

from __future__ import annotations

import subprocess
import sys
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from django.test import AsyncRequestFactory
from pyarrow import parquet

from analytics.export_api import download
from analytics.export_files import (
    CSV_ROWS,
    PARQUET_ROWS,
    Column,
    Kind,
    Table,
    csv_blocks,
    inert,
    parquet_blocks,
)
from analytics.exports import Export

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", " '=1"),
        ("\r=1", " '=1"),
        ("\n=1", " '=1"),
        ("＝1", "'＝1"),
        ("  =1", "  '=1"),
        ("till\n=1", "till =1"),
        ("a; -1", "a; '-1"),
        ("till 1 = best - really", "till 1 = best - really"),
        ("Kasse, links", "Kasse, links"),
        ("Zoë", "Zoë"),
    ],
)
def test_text_is_made_inert_and_nothing_else_is_touched(name, cell):
    assert inert(name) == cell


@pytest.mark.parametrize(
    ("write", "at_most"), [(csv_blocks, CSV_ROWS), (parquet_blocks, PARQUET_ROWS)]
)
def test_no_more_rows_are_drawn_than_the_piece_that_is_sent(write, at_most):
    drawn = 0

    def rows():
        nonlocal drawn
        for number in range(3 * at_most + 1):
            drawn += 1
            yield [number]

    blocks = write(Table((Column("n", Kind.WHOLE),), rows(), BERLIN))
    heard, content = 0, b""
    for block in blocks:
        assert drawn - heard <= at_most
        heard, content = drawn, content + block
    assert drawn == 3 * at_most + 1
    if write is parquet_blocks:
        file = parquet.ParquetFile(pa.BufferReader(content))
        assert file.metadata.num_row_groups == 4
        assert file.read().column("n").to_pylist() == list(range(drawn))


async def test_behind_daphne_the_file_comes_piece_by_piece_too():
    drawn = 0

    def rows():
        nonlocal drawn
        for number in range(3 * CSV_ROWS):
            drawn += 1
            yield [number]

    export = Export(Table((Column("n", Kind.WHOLE),), rows(), BERLIN), "n")
    answer = download(AsyncRequestFactory().get("/"), export, "csv")
    came = []
    async for block in answer:
        came.append(block)
        assert drawn <= CSV_ROWS * (len(came) - 1)
    assert b"".join(came).count(b"\r\n") == 3 * CSV_ROWS + 1


def test_a_process_that_writes_no_parquet_does_not_load_it():
    code = (
        "import django, sys; django.setup(); import oskartrack.urls; "
        "sys.exit('pyarrow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
