"""Keeping up, keeping films, one recorder a camera: by the rows alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.cast import make_camera, make_cast
from tests.tracking import walks
from tests.tracking.doors import client_of
from tracking import cameras, media, recounts, runner
from tracking.models import CameraWatch, Chunk, Coverage, Recording, TrackingEvent
from tracking.recorder import budget, leases, retention, rows, watch
from tracking.recorder.clock import OFF_MS, Anchor, lead_of
from tracking.recorder.cutting import Cutter, Placed
from tracking.recorder.pictures import Group, Packet, Shape
from tracking.recorder.service import to_follow
from tracking.recorder.troubles import WORDS, Trouble
from tracking.segments import gap_before, segment_name
from zones.services import line_redraw

pytestmark = pytest.mark.db

SHAPE = Shape("h264", walks.WIDTH, walks.HEIGHT, 5.0)
NOON_MS = rows.wall_ms(datetime(2026, 7, 1, 11, tzinfo=UTC))
HOG = {"name": "hog", "settings": {"gap_ms": 80}}


def pace(lag_ms: int) -> watch.Pace:
    return watch.Pace(0, 0, 0, lag_ms, 0.5, 60_000)


def written(index: int, why: str = "", from_ms: int | None = None) -> rows.Written:
    first_ms = 4000 * index if from_ms is None else from_ms
    content = b"" if why else b"film"
    return rows.Written(Placed(first_ms, first_ms + 4000), content, first_ms, 20, None, why)


def add(recording: Recording, *said: rows.Written) -> list[Chunk]:
    return [rows.added(recording, each) for each in said]


def seen(chunk: Chunk) -> None:
    """Let a chunk be searched, without anybody in it."""
    from tracking.vision import detections

    Chunk.objects.filter(pk=chunk.pk).update(
        state="done", frames=20, searched=20, decoded_to_ms=chunk.last_ms,
        detections=detections.pack([]), detect_ms=2000,
    )  # fmt: skip


def test_a_busy_machine_searches_less_often_before_it_leaves_anything_out(camera: Any):
    CameraWatch.objects.create(camera=camera)
    long_ago = datetime.now(UTC) - timedelta(hours=1)

    def chosen(lag_ms: int) -> budget.Choice:
        CameraWatch.objects.update(gap_set_at=long_ago)
        return budget.choice(camera, pace(lag_ms), HOG)

    assert chosen(0) == budget.Choice(None)
    found = [chosen(100_000) for _ in range(6)]
    assert [each.gap_ms for each in found] == [*budget.LADDER_MS, budget.LADDER_MS[-1]]
    assert [bool(each.why) for each in found] == [False] * 4 + [True] * 2, "left out at last"
    assert budget.choice(camera, pace(100_000), HOG).gap_ms == 400
    assert chosen(1000) == budget.Choice(300), "and more often again, step by step"
    assert budget.choice(camera, pace(1000), HOG) == budget.Choice(300), "not at once"
    without_gap = {"name": "scripted", "settings": {}}
    CameraWatch.objects.update(gap_ms=None)
    assert budget.choice(camera, pace(30_000), without_gap) == budget.Choice(None)


def test_what_is_left_out_has_a_row_with_its_reason_and_is_told_as_not_seen(camera: Any):
    recording = rows.begun(camera, SHAPE, NOON_MS)
    why = "The machine was too far behind to look at this."
    chunks = add(recording, written(0), written(1, why), written(2, why), written(3))
    for chunk in (chunks[0], chunks[3]):
        seen(chunk)
    rows.closed(recording)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == ("partial", "parts_unseen")
    left = Chunk.objects.get(pk=chunks[1].pk)
    assert (left.error_code, left.error_detail, left.pictures) == ("left_out", why, 20)
    gap = TrackingEvent.objects.get(kind="gap")
    start = recording.started_at
    assert (gap.since, gap.at) == (start + timedelta(seconds=4), start + timedelta(seconds=12))
    assert (gap.source, gap.dwell_ms, gap.track_number) == ("camera", 8000, None)
    spans = Coverage.objects.order_by("starts_at").values_list("starts_at", "ends_at")
    assert [(a - start).seconds for a, _ in spans] == [0, 12]
    again = recounts.recording_recount(recording=recording)
    recounts.work(recording)
    again.refresh_from_db()
    assert again.state == "done", "it can be counted again all the same"
    assert watch.pace_of(camera, datetime.now(UTC)).dropped == 40


def test_the_gap_is_told_once_however_long_it_was_and_across_recordings(camera: Any):
    first = rows.begun(camera, SHAPE, NOON_MS)
    one, two = add(first, written(0), written(1, from_ms=4900))
    seen(one)
    assert gap_before(two) == [], "less than a second is none"
    seen(two)
    (three,) = add(first, written(2, from_ms=30_000))
    assert [(gap.since_ms, gap.time_ms) for gap in gap_before(three)] == [(8900, 30_000)]
    other = Shape("h264", 640, 480, 5.0)
    assert rows.resumed(camera, other, rows.at(NOON_MS + 60_000)) is None
    second = rows.begun(camera, other, NOON_MS + 60_000)
    (four,) = add(second, written(0))
    assert [(gap.since_ms, gap.time_ms) for gap in gap_before(four)] == [(-26_000, 0)]
    first.refresh_from_db()
    assert not first.growing


def test_a_recording_goes_on_unless_the_map_the_detector_or_the_day_is_another(camera: Any):
    now = datetime.now(UTC)
    camera.store.business_day_start = time((now.hour + 12) % 24)
    camera.store.save()
    now_ms = rows.wall_ms(now)

    def going_on(after_s: int) -> bool:
        camera.refresh_from_db()
        return rows.resumed(camera, SHAPE, rows.at(now_ms + 1000 * after_s)) is not None

    add(rows.begun(camera, SHAPE, now_ms), written(0))
    assert going_on(8)
    line_redraw(line=camera.lines.get(), a=[0.0, 0.6], b=[1.0, 0.6])
    assert not going_on(8), "a line was moved"
    add(rows.begun(camera, SHAPE, now_ms + 8000), written(0))
    assert going_on(12)
    camera.detector_settings = camera.detector_settings | {"least_visible": 0.5}
    camera.save()
    assert not going_on(16), "people are found another way"
    add(rows.begun(camera, SHAPE, now_ms + 16_000), written(0))
    assert going_on(20)
    assert not going_on(24 * 3600), "another day"


def test_nothing_is_added_to_a_recording_that_a_person_cancelled(camera: Any):
    from tracking.recordings import recording_cancel

    recording = rows.begun(camera, SHAPE, NOON_MS)
    add(recording, written(0))
    recording_cancel(recording=recording)
    with pytest.raises(rows.NoLongerOurs):
        rows.added(recording, written(1))
    assert recording.chunks.count() == 1


def test_minutes_of_a_file_that_was_added_stay_that_files(camera: Any, films: Any):
    files = (films / "walks.mp4", films / "walks.json")
    added = walks.make_recording(camera.store, files, camera)
    with pytest.raises(Trouble, match="has these minutes"):
        rows.begun(camera, SHAPE, rows.wall_ms(added.started_at) + 5000)


def test_films_go_by_age_and_by_room_and_what_was_counted_stays(camera: Any, settings: Any):
    recording = rows.begun(camera, SHAPE, NOON_MS)
    chunks = add(recording, *(written(index) for index in range(4)))
    for chunk in chunks[:3]:
        seen(chunk)
    runner.advance(recording.pk)
    old = datetime.now(UTC) - timedelta(hours=camera.keep_video_h, minutes=1)
    Chunk.objects.filter(pk=chunks[0].pk).update(made_at=old)
    assert retention.forget_old() == 1, "too old"
    settings.SEGMENTS_MAX_BYTES = 9
    assert retention.forget_old() == 1, "12 bytes are too many, 8 are not"
    settings.SEGMENTS_MAX_BYTES = 0
    assert retention.forget_old() == 1, "what still waits to be searched is never removed"
    left = [path.name for path in media.folder_path(recording.folder).iterdir()]
    assert left == [segment_name(3)]
    assert Coverage.objects.count() == 3
    recording.refresh_from_db()
    assert recording.size_bytes == 4
    assert retention.forget_old() == 0


def test_one_recorder_follows_a_camera_and_the_next_comes_when_that_is_gone(camera: Any):
    assert leases.take(camera, "one")
    assert leases.take(camera, "one")
    assert not leases.take(camera, "two")
    leases.let_go("one")
    assert leases.take(camera, "two")
    CameraWatch.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert leases.take(camera, "one"), "the lease had run out"


def test_cameras_of_files_and_those_switched_off_are_not_followed(camera: Any):
    assert to_follow() == []
    camera.source_kind, camera.source = "loop", "loop:a.mp4"
    camera.save()
    assert to_follow() == [camera]
    camera.recording = False
    camera.save()
    assert to_follow() == []


def test_a_row_that_nobody_writes_any_more_says_that_the_recorder_is_not_running(camera: Any):
    assert cameras.watch_told(camera) is None
    row = CameraWatch.objects.create(camera=camera, state="up", told_at=datetime.now(UTC))
    assert cameras.told(row)["state"] == "up"
    row.told_at = datetime.now(UTC) - timedelta(minutes=2)
    told = cameras.told(row)
    assert (told["state"], told["problem"]) == ("down", "no_recorder")
    json.dumps(told)


def test_the_advice_counts_cameras_of_this_size(camera: Any, settings: Any):
    settings.WORKERS = 2
    row = CameraWatch.objects.create(camera=camera, state="up", load=0.4)
    assert watch.advice(row) == "This machine can follow 3 more cameras of this size."
    row.load = 1.0
    row.save()
    assert "at its limit" in watch.advice(row)


def test_time_is_anchored_by_the_picture_that_came_soonest_and_led_back_where_clocks_part():
    anchor = Anchor()
    for pts_ms in range(0, 4000, 200):  # a burst at first, then as they are made
        anchor.saw(pts_ms, 1_000_000 + max(pts_ms - 2000, 0) + 30)
    anchor.saw(4000, 1_002_030)
    assert anchor.settled
    assert anchor.offset_ms == 998_030
    for pts_ms in range(4200, 100_000, 200):  # a stream that is 2 % slow
        anchor.saw(pts_ms, 998_030 + round(pts_ms * 1.02))
    assert 1000 < anchor.drift_ms() < 2000
    assert lead_of(OFF_MS, 4000) == 0
    assert (lead_of(1500, 4000), lead_of(-1500, 4000)) == (400, -400)
    anchor.lead(400)
    assert anchor.offset_ms == 998_430


def test_a_segment_begins_with_the_groups_before_it_and_has_the_recordings_own_times():
    groups = [
        Group([Packet(b"x", at + 200 * n, at + 200 * n, n == 0) for n in range(5)], at + 1000)
        for at in range(0, 13_000, 1000)
    ]
    cutter = Cutter()
    segments = [segment for group in groups for segment in cutter.add(group)]
    assert [(one.first_ms, one.end_ms) for one in segments] == [
        (0, 4000),
        (4000, 8000),
        (8000, 12_000),
    ]
    assert [[group.first_ms for group in one.lead_in] for one in segments] == [
        [], [2000, 3000], [6000, 7000],
    ]  # fmt: skip
    broken = Group(groups[0].packets, 1000, whole=False)
    fresh = Cutter()
    fresh.add(broken)
    after = [segment for group in groups[1:6] for segment in fresh.add(group)]
    assert after[0].lead_in == [], "what is missing between them warms up nothing"


def test_the_api_tells_how_following_goes_and_a_change_by_hand_is_not_refused_for_it():
    cast = make_cast()
    camera = make_camera(cast.store)
    row = CameraWatch.objects.create(camera=camera, state="up", told_at=datetime.now(UTC))
    alice = client_of(cast.alice)
    address = f"/api/v1/cameras/{camera.public_id}/"
    first = alice.get(address)
    assert first.json()["watch"]["state"] == "up"
    row.state, row.problem, row.words, row.lag_ms = "down", "refused", WORDS["refused"], 9000
    row.save()
    second = alice.get(address)
    told = second.json()["watch"]
    assert (told["state"], told["problem"], told["lag_ms"]) == ("down", "refused", 9000)
    assert first["ETag"] == second["ETag"], "it moves by itself"
    live = alice.get(f"/api/v1/stores/{cast.store.public_id}/live/").json()
    assert [(each["name"], each["state"]) for each in live["cameras"]] == [("Door", "down")]
    elsewhere = client_of(cast.charlie).get(f"/api/v1/stores/{cast.elsewhere.public_id}/live/")
    assert elsewhere.json()["cameras"] == []
