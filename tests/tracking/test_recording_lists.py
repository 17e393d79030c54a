"""Recordings as they are read: who may, in which order, by state, and how far they are."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone as clock

from tests.tracking.doors import ask, client_of, made, post, upload
from tests.tracking.files import shaded
from tracking.models import Recording, Run
from tracking.recordings import (
    Wish,
    recording_cancel,
    recording_from_file,
    recording_retry,
)
from tracking.vision.errors import UnknownDetectorError

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)
TRIANGLE = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.8]]


# --- Who may, and lists --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "reads", "writes"), [("bob", 200, 403), ("charlie", 404, 404), (None, 401, 401)]
)
def test_viewers_read_and_strangers_find_nothing(alice, cast, camera, tmp_path, who, reads, writes):
    recording = made(alice, cast.store, camera, shaded(tmp_path))
    waiting = upload(alice, cast.store, shaded(tmp_path, 1))
    other = client_of(getattr(cast, who) if who else None)
    for path in (
        f"stores/{cast.store.public_id}/recordings/",
        f"recordings/{recording.public_id}/",
    ):
        answer = other.get(f"/api/v1/{path}")
        assert answer.status_code == reads
        assert (recording.name in answer.content.decode()) is (reads == 200)
    for answer in (
        ask(other, cast.store, waiting, camera),
        post(other, recording, "cancel"),
        post(other, recording, "retry"),
    ):
        assert answer.status_code == writes
    assert Recording.objects.get().state == "queued"


def test_recordings_come_in_pages_newest_first(alice, cast, camera, tmp_path, monkeypatch):
    rows = seeded(cast, camera, 7)
    monkeypatch.setattr("tracking.recording_api.NewestFirst.page_size", 3)
    address, names = f"/api/v1/stores/{cast.store.public_id}/recordings/", []
    while address:
        page = alice.get(address).json()
        assert len(page["results"]) <= 3
        names += [each["name"] for each in page["results"]]
        address = page["next"]
    assert names == [row.name for row in reversed(rows)]


def test_a_page_of_recordings_takes_the_same_queries_for_any_number(
    alice, cast, camera, django_assert_num_queries
):
    address = f"/api/v1/stores/{cast.store.public_id}/recordings/"
    # Session, person, store; the page with its chunk counts in one, its runs, what they counted.
    for count in (1, 12):
        seeded(cast, camera, count, offset=count)
        with django_assert_num_queries(8):
            assert len(alice.get(address).json()["results"]) >= count


def seeded(cast, camera, count, offset=0):
    rows = []
    for number in range(count):
        at = STARTED + timedelta(minutes=offset * 100 + number)
        row = Recording.objects.create(
            store=cast.store, camera=camera, name=f"{offset}-{number}.mp4", started_at=at,
            ended_at=at + timedelta(seconds=9), created_at=at, chunk_count=1,
            state="failed" if number % 2 else "queued",
        )  # fmt: skip
        Run.objects.create(store=cast.store, recording=row)
        rows.append(row)
    return rows


def test_recordings_are_picked_by_state(alice, cast, camera):
    seeded(cast, camera, 5)
    address = f"/api/v1/stores/{cast.store.public_id}/recordings/"
    failed = alice.get(address, {"state": "failed"}).json()["results"]
    assert [each["name"] for each in failed] == ["0-3.mp4", "0-1.mp4"]
    assert {each["error"]["code"] for each in failed} == {"error"}
    both = alice.get(address, {"state": "failed,queued"}).json()["results"]
    assert [each["name"] for each in both] == [f"0-{number}.mp4" for number in range(4, -1, -1)]
    for query in (
        {"state": "failed,nonsense"},
        {"state": "failed,"},
        {"store__owner__password__startswith": "a"},
    ):
        assert alice.get(address, query).status_code == 400


@pytest.mark.parametrize(
    ("done", "begun", "stage"),
    [(0, False, "checked"), (0, True, "finding"), (1, True, "finding"), (2, True, "counting")],
)
@pytest.mark.parametrize("state", ["failed", "quarantined", "cancelled"])
def test_what_failed_or_was_cancelled_tells_the_stage_it_had_come_to(
    alice, cast, camera, state, done, begun, stage
):
    (row,) = seeded(cast, camera, 1)
    for index in range(2):
        part = "done" if index < done else "waiting"
        row.chunks.create(index=index, first_ms=index * 9, last_ms=index * 9 + 9, state=part)
    begun_at = STARTED if begun else None
    Recording.objects.update(state=state, first_worked_at=begun_at, chunk_count=2)
    assert alice.get(f"/api/v1/recordings/{row.public_id}/").json()["stage"] == stage


def test_a_recording_whose_detector_is_gone_says_so(alice, cast, camera):
    (row,) = seeded(cast, camera, 1)
    Recording.objects.update(state="failed", error_code=UnknownDetectorError.code)
    error = alice.get(f"/api/v1/recordings/{row.public_id}/").json()["error"]
    assert error["code"] == "unknown_detector"
    assert "detector" in error["what"]
    assert "{" not in error["what"] + error["next_step"]


def test_the_pace_tells_how_much_longer_it_takes(alice, cast, camera, tmp_path):
    recording = made(alice, cast.store, camera, shaded(tmp_path, seconds=30, fps=2))
    parts = recording.chunks.count()
    assert parts == 3
    recording.chunks.filter(index__lt=2).update(state="done")
    Run.objects.update(next_chunk=1)
    began = clock.now() - timedelta(seconds=60)
    Recording.objects.update(state="running", first_worked_at=began)
    told = alice.get(f"/api/v1/recordings/{recording.public_id}/").json()
    assert (told["progress"], told["stage"]) == (0.5, "finding")
    assert told["eta_s"] == pytest.approx(60, abs=3)
    assert told["speed"] == pytest.approx(0.25, abs=0.02)


def test_services_can_be_called_without_a_person(cast, camera, tmp_path):
    recording = recording_from_file(
        path=shaded(tmp_path), wish=Wish(camera=camera, started_at=STARTED, is_demo=True)
    )
    assert (recording.name, recording.is_demo, recording.created_by) == ("0.mp4", True, None)
    recording_cancel(recording=recording)
    recording_retry(recording=recording)
    assert Recording.objects.get().state == "queued"
