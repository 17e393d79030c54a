"""Downloads: the page's own rows, in two formats, whatever people have named their things."""

from __future__ import annotations

import csv
import io
import tracemalloc
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from django.db import connection
from pyarrow import parquet
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Store
from analytics.exports import EVENTS_AT_ONCE, SUMMARY_COLUMNS, Question, event_rows
from analytics.history import history, sorted_lines, summary_lines, totals_of
from analytics.serializers import SummaryRowSerializer
from tests.analytics.shop import NINE_UTC, Shop, make_facts, make_shop, tell
from tests.cast import Cast, make_cast
from tracking.models import Run, TrackingEvent

pytestmark = pytest.mark.db
DAY = NINE_UTC.date()
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def shop(cast) -> Shop:
    """A shop with a morning: people, stays, an hour of which half was seen, a correction."""
    shop = make_shop(cast.store)
    facts = make_facts(shop)
    for minute in (1, 2, 3, 65, 70):
        facts.step(minute * 60)
    for minute in (20, 75, 80):
        facts.step(minute * 60, "out")
    facts.stay(120, 42.5)
    facts.stay(4000, 310)
    facts.visit(60, 700)
    facts.seen(0, 5400)
    facts.commit()
    tell(cast.store, TrackingEvent.Kind.CORRECTED, NINE_UTC + timedelta(minutes=50), -3)
    return shop


def fetch(user, store: Store, file: str, /, status: int = 200, **query: Any) -> Any:
    client = APIClient()
    if user is not None:
        client.force_login(user)
    answer = client.get(f"/api/v1/stores/{store.public_id}/exports/{file}", query or None)
    assert answer.status_code == status, getattr(answer, "content", answer)
    return answer if answer.streaming is False else b"".join(answer.streaming_content)


def read_csv(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf"), "Excel needs the mark to read UTF-8"
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_parquet(content: bytes) -> pa.Table:
    return parquet.read_table(pa.BufferReader(content))


def as_csv(value: Any, zone: ZoneInfo = BERLIN) -> str:
    """Write a value the way a file without formulas has it: an oracle apart from the writer."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(zone).isoformat()
        case _:
            return str(value)


def both(user, store: Store, what: str, **query: Any) -> tuple[list[dict[str, str]], Any]:
    """Return an export in both formats, which must say the same."""
    rows = read_csv(fetch(user, store, f"{what}.csv", **query))
    table = read_parquet(fetch(user, store, f"{what}.parquet", **query))
    assert [list(row) for row in rows[:1]] in ([table.column_names], [])
    for row, typed in zip(rows, table.to_pylist(), strict=True):
        for name, value in typed.items():
            if isinstance(value, float):
                assert float(row[name]) == value, name
            else:
                assert row[name] == as_csv(value), name
    return rows, table


# --- Hours and days ------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["-starts_at", "entries", "-entries", "observed"])
def test_hours_are_the_pages_rows_in_its_order_all_pages_and_its_totals(cast, shop, order):
    rows, table = both(cast.bob, cast.store, "hours", day=f"{DAY}", order=order)
    found = history(cast.store, datetime.now(UTC), DAY)
    lines = sorted_lines(found.hours, order)
    names = [column.name for column in SUMMARY_COLUMNS]
    told = [[row[name] for name in names] for row in table.to_pylist()]
    assert told[:-1] == [[getattr(line, name) for name in names] for line in lines]
    assert [row["row"] for row in rows] == ["hour"] * 24 + ["total"]
    totals = table.to_pylist()[-1]
    assert totals["entries"] == found.totals.entries == 5
    assert totals["observed"] == found.totals.observed
    # The API's pages, one after the other, are what the page shows.
    client, shown = APIClient(), []
    client.force_login(cast.bob)
    for page in (1, 2):
        query = {"day": f"{DAY}", "order": order, "page": page}
        answer = client.get(f"/api/v1/stores/{cast.store.public_id}/history/", query).json()
        shown += answer["table"]["rows"]
        assert answer["totals"]["entries"] == totals["entries"]
    for row, line in zip(table.to_pylist()[:-1], shown, strict=True):
        assert row["starts_at"] == datetime.fromisoformat(line["starts_at"])
        for name in ("entries", "exits", "occupancy_peak", "visit_median_s", "observed"):
            assert row[name] == line[name]


def test_every_value_of_an_hour_that_the_api_tells_is_in_the_file(cast, shop):
    plain = {
        name
        for name, field in SummaryRowSerializer().fields.items()
        if not hasattr(field, "child") and not hasattr(field, "fields")
    }
    assert plain <= {column.name for column in SUMMARY_COLUMNS}


def test_days_and_several_days_of_hours_are_the_summaries_rows(cast, shop):
    first, last = DAY - timedelta(days=1), DAY + timedelta(days=1)
    now = datetime.now(UTC)
    for what, period, count in (("days", "day", 3), ("hours", "hour", 72)):
        query = {"from": f"{first}", "to": f"{last}", "order": "starts_at"}
        _, table = both(cast.bob, cast.store, what, **query)
        lines = summary_lines(cast.store, period, first, last, now)
        told = table.to_pylist()
        assert [row["starts_at"] for row in told[:-1]] == [line.starts_at for line in lines]
        assert [row["entries"] for row in told[:-1]] == [line.entries for line in lines]
        assert len(told) == count + 1
        assert told[-1]["entries"] == totals_of(cast.store, lines).entries == 5


def test_hours_compared_stand_beside_their_like_ones(cast, shop):
    before = make_facts(shop, NINE_UTC - timedelta(days=7))
    before.step(60)
    before.seen(0, 3600)
    before.commit()
    query = {"day": f"{DAY}", "order": "starts_at", "compare": "week"}
    rows, _ = both(cast.bob, cast.store, "hours", **query)
    found = history(cast.store, datetime.now(UTC), DAY, "week").compared
    assert found is not None and [pair.there for pair in found.pairs] == [1]
    assert [row["there"] for row in rows if row["there"]] == ["1", "1"]
    assert (rows[6]["row"], rows[6]["there"], rows[-1]["there"]) == ("hour", "1", "1")
    days = {"from": f"{DAY}", "to": f"{DAY}", "order": "starts_at", "compare": "week"}
    assert both(cast.bob, cast.store, "hours", **days)[0] == rows


def test_not_seen_is_an_empty_cell_and_zero_a_zero(cast, shop):
    rows, _ = both(cast.bob, cast.store, "hours", day=f"{DAY}", order="starts_at")
    hour = {row["starts_at"]: row for row in rows}
    assert hour["2026-06-02T10:00:00+02:00"]["entries"] == "3"
    assert hour["2026-06-02T11:00:00+02:00"]["observed"] == "0.5"
    assert hour["2026-06-02T12:00:00+02:00"]["entries"] == ""


def test_the_repeated_hour_of_autumn_is_two_rows_told_apart(cast):
    rows, table = both(cast.bob, cast.store, "hours", day="2025-10-25", order="starts_at")
    assert len(rows) == 26
    twice = [row["starts_at"] for row in rows if row["starts_at"].startswith("2025-10-26T02:00")]
    assert twice == ["2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]
    assert table.schema.field("starts_at").type == pa.timestamp("us", tz="Europe/Berlin")
    assert table.schema.field("entries").type == pa.int64()
    assert table.schema.field("business_day").type == pa.date32()


# --- Events --------------------------------------------------------------------------------------


def test_events_are_those_of_the_list_row_by_row(cast, shop):
    rows, table = both(cast.bob, cast.store, "events", day=f"{DAY}")
    client = APIClient()
    client.force_login(cast.bob)
    address = f"/api/v1/stores/{cast.store.public_id}/events/"
    listed = client.get(address, {"recent": 500}).json()["results"]
    listed.sort(key=lambda each: (each["at"], each["seq"]), reverse=True)
    assert len(listed) == len(rows) == 21
    for row, event in zip(table.to_pylist(), listed, strict=True):
        for name in ("id", "seq", "kind", "direction", "dwell_s", "stay_s", "censored", "value",
                     "run", "recording", "track", "media_ms", "source"):  # fmt: skip
            assert row[name] == event[name], name
        for name in ("camera", "zone", "line"):
            assert row[name] == (event[name] and event[name]["name"]), name
        assert row["at"] == datetime.fromisoformat(event["at"])


def test_events_take_the_filters_of_their_list(cast, shop):
    other = make_facts(shop, NINE_UTC + timedelta(hours=5))
    other.step(5)
    other.commit()
    rows, _ = both(cast.bob, cast.store, "events", day=f"{DAY}", kind="entered,zone_left")
    assert {row["kind"] for row in rows} == {"entered", "zone_left"}
    assert len(rows) == 8
    recording = str(other.run.recording.public_id)
    rows, _ = both(cast.bob, cast.store, "events", day=f"{DAY}", recording=recording)
    assert [row["kind"] for row in rows] == ["entered", "crossed"]
    nothing, _ = both(cast.bob, cast.store, "events", day=f"{DAY - timedelta(days=1)}")
    assert nothing == []


def test_events_of_a_count_that_was_replaced_are_not_among_them(cast, shop):
    Run.objects.update(active=False)
    rows, _ = both(cast.bob, cast.store, "events", day=f"{DAY}")
    assert [row["kind"] for row in rows] == ["corrected"]


def test_a_number_below_zero_stays_a_number(cast, shop):
    rows, table = both(cast.bob, cast.store, "events", day=f"{DAY}", kind="corrected")
    assert rows[0]["value"] == "-3"
    assert table.column("value").to_pylist() == [-3]


def test_a_zone_with_a_formula_for_a_name_is_inert_in_csv_and_itself_in_parquet(cast, shop):
    name = '=cmd|"/c calc"!A1;+1'
    shop.zone.name = name
    shop.zone.save()
    query: dict[str, Any] = {"day": f"{DAY}", "kind": "zone_left"}
    rows = read_csv(fetch(cast.bob, cast.store, "events.csv", **query))
    assert {row["zone"] for row in rows} == {"'=cmd|\"/c calc\"!A1;'+1"}
    table = read_parquet(fetch(cast.bob, cast.store, "events.parquet", **query))
    assert set(table.column("zone").to_pylist()) == {name}


def test_the_24_hours_are_those_of_the_page(cast, shop):
    now = datetime.now(UTC)
    facts = make_facts(shop, now - timedelta(minutes=30))
    facts.step(1)
    facts.commit()
    for query in ({}, {"window": "24h"}):
        rows, _ = both(cast.bob, cast.store, "hours", **query)
        assert len(rows) == 25
        assert rows[-1]["entries"] == "1"
    assert len(both(cast.bob, cast.store, "events", window="24h")[0]) == 2


# --- Who, what, how long -------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["hours.csv", "days.parquet", "events.csv"])
def test_members_take_what_they_see_and_for_others_there_is_no_such_store(cast, file):
    query: dict[str, Any] = {"from": "2026-06-01", "to": "2026-06-03"}
    for user in (cast.alice, cast.bob):
        assert fetch(user, cast.store, file, **query)
    foreign = fetch(cast.charlie, cast.store, file, status=404, **query).json()
    cast.store.public_id = uuid.uuid4()
    absent = fetch(cast.charlie, cast.store, file, status=404, **query).json()
    assert absent | {"request_id": ""} == foreign | {"request_id": ""}
    fetch(None, cast.elsewhere, file, status=401, **query)
    assert not AuditEntry.objects.filter(store=cast.elsewhere).exists()


@pytest.mark.parametrize(
    ("file", "query", "field"),
    [
        ("hours.csv", {"from": "2025-01-01", "to": "2026-06-03"}, "to"),
        ("days.csv", {"from": "2026-06-03", "to": "2026-06-01"}, "to"),
        ("days.csv", {}, "from"),
        ("events.csv", {"from": "2026-06-01"}, "to"),
        ("events.csv", {"day": "2026-06-01", "window": "24h"}, "day"),
        ("events.csv", {"kind": "password"}, "kind"),
        ("hours.csv", {"order": "password"}, "order"),
        ("hours.csv", {"day": "2026-06-01T10:00"}, "day"),
        ("hours.csv", {"page": "2"}, "page"),
    ],
)
def test_a_span_that_cannot_be_is_refused_by_its_field(cast, file, query, field):
    answer = fetch(cast.bob, cast.store, file, status=400, **query)
    assert field in answer.json()["errors"]
    assert not AuditEntry.objects.filter(action="numbers.exported").exists()


@pytest.mark.parametrize("file", ["hours.xlsx", "passwords.csv", "hours.csv.csv"])
def test_there_are_no_other_files(cast, file):
    fetch(cast.bob, cast.store, file, status=404)


def test_that_a_file_was_taken_is_in_the_audit_log(cast, shop):
    fetch(cast.bob, cast.store, "events.csv", day=f"{DAY}", kind="entered")
    entry = AuditEntry.objects.get(action="numbers.exported")
    assert (entry.actor, entry.store) == (cast.bob, cast.store)
    assert entry.subject == f"corner-shop_events_{DAY}.csv"
    assert entry.detail == {"asked": {"day": f"{DAY}", "kind": "entered"}}


def test_the_file_is_named_by_shop_contents_and_days_whatever_the_shop_is_called(cast):
    Store.objects.filter(pk=cast.store.pk).update(name='x"; filename="evil.exe\r\nSet-Cookie: a=b')
    client = APIClient()
    client.force_login(cast.bob)
    address = f"/api/v1/stores/{cast.store.public_id}/exports/"
    query = {"from": "2026-06-01", "to": "2026-06-03"}
    answer = client.get(f"{address}days.csv", query)
    told = 'attachment; filename="corner-shop_days_2026-06-01_to_2026-06-03.csv"'
    assert answer["Content-Disposition"] == told
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert list(answer.streaming_content)


# --- However much there is -----------------------------------------------------------------------


def test_the_memory_of_an_export_of_events_does_not_grow_with_them(cast, shop):
    TrackingEvent.objects.bulk_create(
        TrackingEvent(
            public_id=uuid.UUID(int=n),
            store=cast.store,
            # A fifth of them went out: few to read at once, the others are four times as many.
            kind="entered" if n % 5 else "exited",
            at=NINE_UTC + timedelta(seconds=n),
            camera=shop.camera,
            line=shop.line,
        )
        for n in range(5 * EVENTS_AT_ONCE)
    )
    peaks = []
    for kind in ("exited", "entered"):
        asked = Question(datetime.now(UTC), first=DAY, last=DAY, kinds=[kind])
        rows = event_rows(cast.store, asked)
        tracemalloc.start()
        next(rows)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django%%'")
                assert cursor.fetchone() == (1,), "the server holds what was not asked for yet"
        assert sum(1 for _ in rows) >= EVENTS_AT_ONCE
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # While the next part comes the one before may still be here: two, never four.
    assert peaks[1] < 2.5 * peaks[0], peaks
