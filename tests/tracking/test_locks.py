"""Locks come in one order, and hold up nobody who only refers to what is locked."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tracking import walks
from tracking import ledger, recordings, runner
from tracking.models import Recording, Run
from tracking.recordings import Wish, recording_from_file

pytestmark = pytest.mark.db
WAIT_S = 20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return walks.make_files(tmp_path_factory.mktemp("walks"))


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there one transaction writes at a time")
@pytest.mark.django_db(transaction=True)
def test_a_recording_is_replaced_while_a_worker_writes_what_its_camera_observed(files, monkeypatch):
    """The worker holds the recording and wants to name the camera; the other way round here."""
    recording = walks.make_detected(walks.make_store(), files)
    recording.camera.detector_settings = {"truth_path": str(files[1])}
    recording.camera.save()
    written, camera_held, failed = threading.Event(), threading.Event(), []

    def fault(point: str) -> None:
        if point == "before_commit":
            written.set()
            camera_held.wait(WAIT_S)

    def make_room(newer: Recording, on_overlap: recordings.OnOverlap) -> None:
        camera_held.set()
        whole(newer, on_overlap)

    def work() -> None:
        try:
            runner.advance(recording.pk)
        except Exception as error:  # noqa: BLE001 - told by the test
            failed.append(error)
        finally:
            connection.close()

    whole = recordings._make_room
    monkeypatch.setattr(recordings, "_make_room", make_room)
    monkeypatch.setattr(ledger, "fault", fault)
    worker = threading.Thread(target=work)
    worker.start()
    assert written.wait(WAIT_S)
    wish = Wish(recording.camera, walks.STARTED, on_overlap="replace", on_duplicate="count_again")
    newer = recording_from_file(path=files[0], wish=wish)
    worker.join(WAIT_S)
    assert failed == []
    recording.refresh_from_db()
    assert recording.state == Recording.State.CANCELLED
    assert list(Run.objects.filter(active=True).values_list("recording", flat=True)) == [newer.pk]


@pytest.mark.django_db
def test_whoever_changes_the_sums_holds_the_stores_counter_events_or_not(files):
    recording = walks.make_detected(walks.make_store(), files)
    Run.objects.update(setup=recording.runs.get().setup | {"zones": [], "lines": []})
    with CaptureQueriesContext(
        connection,
    ) as queries:
        runner.advance(recording.pk)
    holds, fed = False, 0
    for query in queries.captured_queries:
        sql = query["sql"]
        if 'UPDATE "tracking_recording"' in sql:
            holds = False  # the fence: the next transaction
        holds = holds or 'UPDATE "tracking_storesequence"' in sql
        if "INSERT INTO analytics_bucket" in sql:
            fed += 1
            assert holds, "sums were changed without the counter"
    assert fed == recording.chunk_count
