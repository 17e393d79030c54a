"""Detecting and counting a recording: the same facts whatever order, worker or interruption."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import F
from structlog.testing import capture_logs

from tests.tracking import walks
from tests.tracking.files import make_picture
from tracking import facts, jobs, media, overlay, runner
from tracking.models import Chunk, Coverage, Customer, Recording, Run, TrackingEvent, Visit
from tracking.problems import known
from tracking.vision import detections
from tracking.vision.frames import probe

pytestmark = pytest.mark.django_db


def worked(slug: str, files: tuple[Path, Path], **fields) -> Recording:
    recording = walks.make_recording(walks.make_store(slug), files, **fields)
    runner.work(recording.pk)
    recording.refresh_from_db()
    return recording


def kinds(recording: Recording) -> dict[str, int]:
    events = TrackingEvent.objects.filter(run__recording=recording)
    return {kind: events.filter(kind=kind).count() for kind in TrackingEvent.Kind.values}


def test_people_who_come_and_go_are_counted(files):
    recording = worked("plain", files)
    assert recording.state == "done"
    assert recording.chunk_count > 3
    counted = kinds(recording)
    assert (counted["entered"], counted["exited"]) == (walks.ENTRIES, walks.EXITS)
    assert counted["crossed"] == walks.ENTRIES + walks.EXITS
    assert counted["zone_entered"] == counted["zone_left"] == 2
    visits = list(Visit.objects.order_by("ordinal"))
    assert len(visits) == walks.VISITS
    assert [visit.inferred for visit in visits] == [False, True, False, True]
    assert all(visit.duration_ms and visit.duration_ms > 0 for visit in visits)
    assert Customer.objects.count() == 3
    assert sorted(Customer.objects.values_list("visit_count", flat=True)) == [1, 1, 2]


def test_the_dwell_at_the_shelf_is_what_was_walked(files):
    worked("dwell", files)
    stay = Visit.objects.order_by("ordinal")[0].path[0]
    # In at 0.55 on the way from 0.2 (8 s) to 0.7 (12 s), out at 0.55 on the way back.
    assert stay["dwell_ms"] == pytest.approx((20 + 1.875 - (8 + 2.8)) * 1000, abs=500)
    left = TrackingEvent.objects.filter(kind="zone_left").order_by("at").first()
    assert left is not None and left.since is not None
    assert left.at - left.since == pytest.approx(
        timedelta(milliseconds=stay["dwell_ms"]), abs=timedelta(milliseconds=1)
    )


def test_the_feed_is_numbered_without_a_gap_and_in_the_order_of_counting(files):
    recording = worked("feed", files)
    events = TrackingEvent.objects.filter(store=recording.store).order_by("ordinal")
    assert [event.seq for event in events] == list(range(1, events.count() + 1))
    assert recording.store.sequence.value == events.count()


def test_every_chunk_leaves_an_overlay_and_coverage(files):
    recording = worked("overlay", files)
    chunks = list(recording.chunks.order_by("index"))
    assert all(overlay.unpack(bytes(chunk.overlay or b"")) for chunk in chunks)
    frame = overlay.unpack(bytes(chunks[0].overlay or b""))[25]
    x, y = walks.place_at(walks.WAYS["in, to the shelf, out"], frame.time_ms / 1000) or (0, 0)
    assert frame.numbers == (1,)
    assert frame.boxes[0, 3] == pytest.approx(y, abs=0.05)
    assert (frame.boxes[0, 0] + frame.boxes[0, 2]) / 2 == pytest.approx(x, abs=0.05)
    spans = list(Coverage.objects.order_by("starts_at"))
    assert spans[0].starts_at == walks.STARTED
    assert sum((s.ends_at - s.starts_at).total_seconds() for s in spans) == pytest.approx(60)


def test_pictures_lie_beside_the_recording_where_the_index_says(files):
    recording = worked("pictures", files)
    chunk = recording.chunks.get(index=0)
    stored = media.file_path(recording.folder, overlay.previews_name(0)).read_bytes()
    assert len(chunk.preview_index) > 20
    for _, offset, length in chunk.preview_index:
        assert stored[offset : offset + 2] == b"\xff\xd8"
        assert stored[offset + length - 2 : offset + length] == b"\xff\xd9"


def test_chunks_detected_in_any_order_give_the_same_facts(files):
    recording = worked("in-order", files)
    expected = facts.export_facts(recording.store)
    for seed in range(3):
        other = walks.make_recording(walks.make_store(f"shuffled-{seed}"), files)
        ids = list(other.chunks.values_list("pk", flat=True))
        random.Random(seed).shuffle(ids)
        for chunk_id in ids:
            assert runner.detect(chunk_id) == other.pk
            runner.advance(other.pk)
        assert facts.export_facts(other.store) == expected


def test_detection_leaves_nothing_to_the_process_that_did_it(files):
    """The same chunk twice gives the same bytes."""
    recording = walks.make_recording(walks.make_store("pure"), files)
    chunk = recording.chunks.get(index=2)
    first, again = (runner._see(chunk) for _ in range(2))
    assert first == again


def test_work_that_nobody_else_has_a_part_of_is_not_waited_for(files, monkeypatch):
    waits: list[float] = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)
    monkeypatch.setattr(runner, "time", clock)
    recording = walks.make_detected(walks.make_store("alone"), files)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, waits) == ("done", [])


def test_advancing_stops_at_the_first_chunk_that_is_not_detected(files):
    recording = walks.make_recording(walks.make_store("gap"), files)
    first, second, third = recording.chunks.order_by("index").values_list("pk", flat=True)[:3]
    for chunk_id in (first, third):
        runner.detect(chunk_id)
    assert runner.advance(recording.pk) is False
    assert Run.objects.get(recording=recording).next_chunk == 1
    runner.detect(second)
    runner.advance(recording.pk)
    assert Run.objects.get(recording=recording).next_chunk == 3


def test_a_slice_that_is_out_of_time_says_that_more_is_ready(files):
    recording = walks.make_recording(walks.make_store("slices"), files)
    for chunk_id in recording.chunks.values_list("pk", flat=True):
        runner.detect(chunk_id)
    assert runner.advance(recording.pk, slice_s=0.0) is True
    assert runner.advance(recording.pk) is False
    recording.refresh_from_db()
    assert recording.state == "done"


def test_a_chunk_that_becomes_ready_while_the_recording_is_let_go_is_counted(files, monkeypatch):
    """Its own worker found the recording taken and went on: nobody else will ring for it."""
    recording = walks.make_recording(walks.make_store("meanwhile"), files)
    first, second = recording.chunks.order_by("index").values_list("pk", flat=True)[:2]
    runner.detect(first)
    let_go = jobs.give_back

    def slowly(claim: jobs.Claim) -> None:
        if claim.model is Recording:
            runner.detect(second)
        let_go(claim)

    monkeypatch.setattr(jobs, "give_back", slowly)
    runner.advance(recording.pk)
    assert Run.objects.get(recording=recording).next_chunk == 2


def test_letting_go_of_the_recording_costs_no_attempt(files):
    recording = walks.make_recording(walks.make_store("attempts"), files)
    runner.detect(recording.chunks.get(index=0).pk)
    for _ in range(5):
        runner.advance(recording.pk)
    recording.refresh_from_db()
    assert (recording.attempt, recording.lease_until, recording.state) == (0, None, "running")


def test_a_file_that_decodes_in_part_is_partial_with_both_durations(files, tmp_path):
    video, script = files
    cut = tmp_path / "cut.mp4"
    content = bytearray(video.read_bytes())
    middle = len(content) // 2  # wipe the second half of the pictures, keep the index at the end
    start = content.find(b"mdat") + 4
    end = content.rfind(b"moov") - 4
    middle = (start + end) // 2
    content[middle:end] = bytes(end - middle)
    cut.write_bytes(bytes(content))
    recording = worked("cut", (cut, script))
    assert recording.state == "partial"
    assert recording.error_code == "cut_off"
    assert recording.declared_ms == 60_000
    assert 20_000 < recording.decoded_ms < 40_000
    assert recording.chunks.filter(broken=True).exists()
    spans = Coverage.objects.filter(camera=recording.camera)
    observed_s = sum((s.ends_at - s.starts_at).total_seconds() for s in spans)
    assert observed_s * 1000 == recording.decoded_ms


def test_a_file_shorter_than_it_declares_is_never_done(files):
    recording = walks.make_recording(walks.make_store("short"), files)
    Recording.objects.filter(pk=recording.pk).update(declared_ms=F("declared_ms") + 600)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "partial"


def test_a_damaged_part_is_never_passed_over_though_its_end_was_seen(files):
    recording = walks.make_detected(walks.make_store("damaged"), files)
    recording.chunks.filter(index=1).update(broken=True)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.decoded_ms) == ("partial", 60_000)


def test_half_a_second_of_rounding_is_no_missing_part(files):
    recording = walks.make_recording(walks.make_store("rounded"), files)
    Recording.objects.filter(pk=recording.pk).update(declared_ms=F("declared_ms") + 400)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"


def test_a_file_of_which_nothing_decodes_has_failed(files):
    recording = walks.make_recording(walks.make_store("nothing"), files)
    media.source_path(recording.folder).write_bytes(b"\x00" * 5000)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == ("failed", "unreadable")
    assert not TrackingEvent.objects.exists()
    assert not Coverage.objects.exists()


def test_a_missing_file_is_set_aside_at_once_in_words_that_name_the_way_out(files):
    recording = walks.make_recording(walks.make_store("gone"), files)
    media.source_path(recording.folder).unlink()
    with capture_logs() as lines:
        runner.work(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == ("quarantined", "file_gone")
    assert "Upload it again" in known(recording.error_code).next_step
    # Asked once, told once, and without a traceback: no second look brings a file back.
    assert [chunk.fence for chunk in recording.chunks.order_by("index")] == [1, 0, 0, 0, 0, 0]
    told = [line for line in lines if line["log_level"] in ("warning", "error")]
    assert [line["event"] for line in told] == ["file_gone"]
    assert not [line for line in lines if "exc_info" in line]


def test_a_recording_set_aside_goes_on_where_it_stopped(files):
    recording = worked("unbroken", files)
    expected = facts.export_facts(recording.store)
    other = walks.make_recording(walks.make_store("resumed"), files)
    runner.detect(other.chunks.get(index=0).pk)
    runner.advance(other.pk)
    source = media.source_path(other.folder)
    hidden = source.rename(source.with_name("away"))
    runner.work(other.pk)
    other.refresh_from_db()
    assert other.state == "quarantined"
    hidden.rename(source)
    assert jobs.recording_requeue(other)
    runner.work(other.pk)
    assert facts.export_facts(other.store) == expected


def test_a_still_image_counts_the_people_in_it_and_makes_no_visit(files, tmp_path):
    picture = make_picture(tmp_path / "still.jpg", size=(walks.WIDTH, walks.HEIGHT))
    script = tmp_path / "still.json"
    script.write_text(
        '{"fps": 1, "boxes": [[[0, 100, 100, 130, 200, 1], [1, 200, 90, 230, 190, 1]]]}'
    )
    recording = worked("image", (picture, script), source="image")
    run = Run.objects.get(recording=recording)
    assert recording.state == "done"
    assert run.card["people_in_picture"] == 2
    (frame,) = overlay.unpack(bytes(recording.chunks.get().overlay or b""))
    assert frame.numbers == (1, 2)
    for model in (TrackingEvent, Visit, Customer, Coverage):
        assert not model._default_manager.exists()


def test_the_state_between_two_chunks_changes_nothing(files):
    """Counting chunk by chunk through the checkpoint equals one pipeline that never stopped."""
    recording = worked("checkpoints", files)
    whole = walks.make_recording(walks.make_store("whole"), files)
    Chunk.objects.filter(recording=whole, index__gt=0).delete()
    stored = recording.chunks.order_by("index").values_list("detections", flat=True)
    frames = [frame for blob in stored for frame in detections.unpack(bytes(blob or b""))]
    whole.chunks.update(
        state="done", detections=detections.pack(frames), last_ms=60_000, decoded_to_ms=60_000,
        frames=len(frames),
    )  # fmt: skip
    Recording.objects.filter(pk=whole.pk).update(chunk_count=1)
    runner.advance(whole.pk)

    def events(of: Recording) -> list[tuple[Any, ...]]:
        rows = TrackingEvent.objects.filter(run__recording=of).order_by("ordinal")
        return list(rows.values_list("kind", "at", "track_number", "dwell_ms", "visit__ordinal"))

    assert events(whole) == events(recording)


def test_the_media_information_on_the_row_is_what_the_file_says(files):
    recording = walks.make_recording(walks.make_store("info"), files)
    info = probe(files[0])
    assert replace(info) == type(info)(**recording.media)
