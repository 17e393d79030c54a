"""The fast way in writes what the slow one writes, on both databases, within the transaction."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cast import make_camera, make_line, make_store, make_zone
from tracking.bulk import insert_rows
from tracking.models import Recording, Run, Track, TrackingEvent

pytestmark = pytest.mark.db

AT = datetime(2026, 7, 1, 9, 0, 0, 123456, tzinfo=UTC)
# What COPY's text form could take for something else.
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
AWKWARD = ["", "\\N", "\\", "a\tb", "a\nb", "a\r\nb", "\\.", "\\x41", "Zoë 店", "'\"%s%%", " "]


@pytest.fixture
def run(db) -> Run:
    camera = make_camera(make_store())
    make_zone(camera)
    make_line(camera)
    recording = Recording.objects.create(
        store=camera.store, camera=camera, name="a", started_at=AT, ended_at=AT
    )
    return Run.objects.create(store=camera.store, recording=recording)


def events(run: Run, texts: list[str]) -> list[TrackingEvent]:
    camera = run.recording.camera
    zone, line = camera.zones.get(), camera.lines.get()
    return [
        TrackingEvent(
            public_id=uuid.uuid5(run.public_id, f"{number}"),
            store=run.store,
            seq=number if number % 2 else None,
            kind="zone_left",
            at=AT + timedelta(microseconds=number),
            camera=camera,
            zone=zone if number % 3 else None,
            line=None if number % 3 else line,
            run=run,
            ordinal=number,
            since=AT if number % 2 else None,
            dwell_ms=2**40 if number % 2 else 0,
            censored=bool(number % 2),
            value=-number,
            source=text[:40],
            client_key=text if number % 2 else None,
            received_at=AT,
        )
        for number, text in enumerate(texts)
    ]


def tracks(run: Run) -> list[Track]:
    blobs = [b"", b"\x00\x09\x0a\x5c\x4e", bytes(range(256))]
    floats = [0.0, 0.1, 1e-300, 123456789.123456789, 1 / 3]
    return [
        Track(
            public_id=uuid.uuid5(run.public_id, f"track/{number}"),
            run=run,
            number=number,
            chain=number,
            started_at=AT,
            ended_at=AT + timedelta(seconds=number),
            path=blobs[number % len(blobs)],
            height_px=value,
            confidence=value,
        )
        for number, value in enumerate(floats)
    ]


def written(model: type[models.Model], rows: list[Any], insert: Any) -> list[dict[str, Any]]:
    """Return what the database holds after these rows went in, and take them out again."""
    with transaction.atomic():
        insert(rows)
        found = list(model._default_manager.order_by("public_id").values())
        transaction.set_rollback(True)
    for row in found:
        del row["id"]
        row |= {name: bytes(v) for name, v in row.items() if isinstance(v, memoryview)}
    return found


def test_events_go_in_as_bulk_create_writes_them(run):
    slow = written(TrackingEvent, events(run, AWKWARD), TrackingEvent.objects.bulk_create)
    fast = written(TrackingEvent, events(run, AWKWARD), insert_rows)
    assert len(fast) == len(AWKWARD)
    assert fast == slow
    assert {row["source"] for row in fast} == set(AWKWARD)


def test_tracks_go_in_as_bulk_create_writes_them(run):
    slow = written(Track, tracks(run), Track.objects.bulk_create)
    fast = written(Track, tracks(run), insert_rows)
    assert fast == slow
    assert fast[0]["path"] in {bytes(track.path) for track in tracks(run)}


# PostgreSQL takes no NUL in text, by any road.
@given(texts=st.lists(TEXT, unique=True, max_size=8))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_is_taken_for_something_else(run, texts):
    fast = written(TrackingEvent, events(run, texts), insert_rows)
    assert Counter(row["source"] for row in fast) == Counter(texts)


def test_a_second_row_of_one_key_is_refused_and_the_transaction_takes_all_back(run):
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(events(run, ["a", "b"]))
        assert TrackingEvent.objects.count() == 2
        insert_rows(tracks(run))
        insert_rows(events(run, ["a"]))
    assert not TrackingEvent.objects.exists()
    assert not Track.objects.exists()


def test_nothing_to_insert_is_nothing_to_do(run, django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows([])


def test_the_database_s_own_fast_road_is_taken(run, monkeypatch):
    taken: list[str] = []

    class Watched:
        def __init__(self, cursor):
            self.cursor = cursor

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.cursor.close()

        def __getattr__(self, name):
            taken.append(name)
            return getattr(self.cursor, name)

    whole = connection.cursor
    monkeypatch.setattr(connection, "cursor", lambda: Watched(whole()))
    insert_rows(events(run, ["a"])[:1])
    fast = "copy_expert" if connection.vendor == "postgresql" else "executemany"
    assert taken[-1] == fast
