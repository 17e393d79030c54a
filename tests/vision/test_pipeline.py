"""The pipeline as a whole: what it reports, and that its state changes nothing."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.vision.counting import SceneCounter
from tracking.vision.detections import DetectedFrame, pack, unpack
from tracking.vision.errors import BadStateError
from tracking.vision.events import LineCrossed, TrackEnded, ZoneEntered, ZoneLeft, event_to_json
from tracking.vision.pipeline import Pipeline, PipelineParams
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup
from tracking.vision.tracker import TrackerParams, tracker_params

WIDTH, HEIGHT = 960, 540
DOOR = LineSetup("door", "Door", "entrance", (0.3, 0.5), (0.7, 0.5), "right", 0.01)
TILL = ZoneSetup("till", "Till", "checkout", ((0.3, 0.6), (0.7, 0.6), (0.7, 0.9), (0.3, 0.9)))
SETUP = SceneSetup(WIDTH, HEIGHT, (TILL,), (DOOR,))


def frame(time_ms, *feet, height=140.0, score=0.9):
    rows = [(x - 28, y - height, x + 28, y) for x, y in feet]
    boxes = np.array(rows, np.float32).reshape(-1, 4)
    return DetectedFrame(time_ms, boxes, np.full(len(boxes), score, np.float32))


def walk(ys, x=480.0, from_ms=0, step_ms=100):
    return [frame(from_ms + i * step_ms, (x, float(y))) for i, y in enumerate(ys)]


def run(frames, setup=SETUP, params=None):
    pipeline = Pipeline(setup, params)
    events = [event for each in frames for event in pipeline.step(each)]
    return events + pipeline.finish(frames[-1].time_ms)


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def crowd(seed, seconds=8):
    """Return detections of people walking about, with misses, false ones and jitter."""
    rng = np.random.default_rng(seed)
    at = rng.uniform((200, 150), (760, 520), (6, 2))
    speed = rng.uniform(-60, 60, (6, 2))
    frames = []
    for index in range(seconds * 10):
        at += speed * 0.1
        speed = np.where((at < (150, 140)) | (at > (810, 530)), -speed, speed)
        seen = rng.random(6) < 0.85
        feet = [tuple(row) for row in at[seen] + rng.normal(0, 3, (int(seen.sum()), 2))]
        feet += [tuple(rng.uniform((100, 150), (900, 530)))] * int(rng.random() < 0.1)
        each = frame(index * 100, *feet)
        scores = rng.uniform(0.2, 1, len(each.scores)).astype(np.float32)
        frames.append(DetectedFrame(each.time_ms, each.boxes, scores))
    return unpack(pack(frames))


def test_a_person_walking_in_is_counted_once_and_stays_in_the_zone():
    events = run(walk(np.linspace(200, 520, 60)))
    assert [(e.direction, e.track_number) for e in of(events, LineCrossed)] == [("in", 1)]
    (entered,), (left,) = of(events, ZoneEntered), of(events, ZoneLeft)
    assert (entered.zone_key, entered.censored) == ("till", False)
    # The foot is between 324 and 486 for (486 - 324) / 320 * 5.9 s.
    assert left.dwell_ms == pytest.approx(2987, abs=250)
    assert len(of(events, TrackEnded)) == 1


def test_a_person_crossing_in_the_first_frames_counts_although_not_yet_confirmed():
    events = run(walk([250, 264, 278, 292, 306, 320, 334]))
    (crossed,) = of(events, LineCrossed)
    assert crossed.time_ms < 200  # when it was confirmed


def test_two_frames_of_a_ghost_on_the_line_count_nothing():
    frames = [*walk([240, 300]), *(frame(t) for t in range(200, 3000, 100))]
    assert run(frames) == []


def test_a_person_standing_on_the_line_for_a_minute_counts_nothing():
    rng = np.random.default_rng(3)
    assert of(run(walk(270 + rng.normal(0, 2, 600))), LineCrossed) == []


def test_a_track_hidden_at_the_line_counts_once():
    frames = [each for each in walk(np.linspace(200, 360, 40)) if not 1500 <= each.time_ms < 2100]
    events = run(frames)
    assert [event.direction for event in of(events, LineCrossed)] == ["in"]
    assert len(of(events, TrackEnded)) == 1


def test_in_and_out_and_in_is_two_in_and_one_out():
    there, back = np.linspace(200, 360, 30), np.linspace(360, 200, 30)
    events = run(walk([*there, *back, *there]))
    assert [event.direction for event in of(events, LineCrossed)] == ["in", "out", "in"]


def test_a_path_has_a_point_a_second_and_boxes_beside_them():
    events = run(walk(np.full(65, 200.0)))
    (ended,) = of(events, TrackEnded)
    times = [time_ms for time_ms, _, _ in ended.path]
    assert times[0] == ended.started_ms == 0
    assert times[-1] == ended.ended_ms == 6400
    assert max(np.diff(times)) <= 1000
    assert len(ended.path) == len(ended.boxes_px) < 12
    assert all(round(x * 65535) == pytest.approx(x * 65535) for _, x, _ in ended.path)
    assert ended.boxes_px[0] == (56, 140)


def test_a_path_turns_where_the_person_turned():
    feet = [(200.0 + 8 * i, 300.0) for i in range(25)] + [(392.0, 300.0 + 8 * i) for i in range(25)]
    (ended,) = of(run([frame(i * 100, foot) for i, foot in enumerate(feet)]), TrackEnded)
    corner = min(np.hypot(x * WIDTH - 392, y * HEIGHT - 300) for _, x, y in ended.path)
    assert corner < 12


def test_nobody_is_tracked_within_an_ignored_zone():
    mirror = ZoneSetup("m", "Mirror", "ignore", ((0, 0), (1, 0), (1, 1), (0, 1)))
    assert run(walk(np.linspace(200, 360, 40)), SceneSetup(WIDTH, HEIGHT, (mirror,), (DOOR,))) == []


def test_visible_are_the_confirmed_tracks_of_now():
    pipeline = Pipeline(SETUP)
    for each in walk([200, 204]):
        pipeline.step(each)
    assert pipeline.visible() == []
    pipeline.step(frame(200, (480.0, 208.0)))
    assert [number for number, _ in pipeline.visible()] == [1]
    pipeline.step(frame(1200))
    assert pipeline.visible() == []


def test_a_frame_from_the_past_changes_nothing():
    pipeline = Pipeline(SETUP)
    for each in walk([200, 204, 208]):
        pipeline.step(each)
    before = pipeline.to_bytes()
    assert pipeline.step(frame(100, (480.0, 400.0))) == []
    assert pipeline.to_bytes() == before


def test_events_are_json_ready():
    for event in run(crowd(1)):
        assert json.loads(json.dumps(event_to_json(event)))["kind"] == type(event).__name__


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 50),
    cuts=st.lists(st.integers(1, 79), max_size=4),
    detector=st.sampled_from(["hog", "nanodet"]),
    camera_moves=st.booleans(),
)
def test_going_through_bytes_at_any_step_changes_nothing(seed, cuts, detector, camera_moves):
    frames = crowd(seed)
    params = PipelineParams(tracker=tracker_params(detector, camera_moves=camera_moves))
    whole = run(frames, params=params)
    pipeline, events = Pipeline(SETUP, params), []
    for index, each in enumerate(frames):
        if index in cuts:
            blob = pipeline.to_bytes()
            pipeline = Pipeline.from_bytes(SETUP, blob)
            assert pipeline.to_bytes() == blob
        events += pipeline.step(each)
    assert events + pipeline.finish(frames[-1].time_ms) == whole
    assert len(of(whole, TrackEnded)) > 3


def test_the_state_carries_the_parameters():
    params = PipelineParams(tracker=TrackerParams(lost_ms=700))
    again = Pipeline.from_bytes(SETUP, Pipeline(SETUP, params).to_bytes())
    assert again.params == params


def test_parameters_and_setup_go_through_json():
    params = PipelineParams(tracker=TrackerParams(lost_ms=700))
    assert PipelineParams.from_json(json.loads(json.dumps(params.to_json()))) == params
    assert SceneSetup.from_json(json.loads(json.dumps(SETUP.to_json()))) == SETUP


def test_a_card_from_before_odd_heights_were_doubted_goes_on_without_doubt():
    card = PipelineParams().to_json()
    for name in ("height_spread", "crowded", "known_iou"):
        del card["tracker"][name]
    assert PipelineParams.from_json(card).tracker.crowded == 1.0
    assert PipelineParams.from_json(PipelineParams().to_json()).tracker.crowded < 1.0


def sights_of(frames, monkeypatch):
    """Return what the counters are told, as (track, time, covered, unseen)."""
    told = []
    count = SceneCounter.update

    def note(self, number, sight):
        told.append((number, sight.time_ms, round(sight.covered, 2), sight.unseen_ms))
        return count(self, number, sight)

    monkeypatch.setattr(SceneCounter, "update", note)
    run(frames)
    return told


def test_the_counters_are_told_for_how_long_a_track_was_not_found(monkeypatch):
    slow = walk([300] * 10, step_ms=200)
    assert {unseen for *_, unseen in sights_of(slow, monkeypatch)} == {0}
    gap = walk([300] * 20)
    gap[10:14] = [frame(each.time_ms) for each in gap[10:14]]
    unseen = {time_ms: unseen for _, time_ms, _, unseen in sights_of(gap, monkeypatch)}
    assert unseen == dict.fromkeys([*range(0, 1000, 100), *range(1500, 2000, 100)], 0) | {1400: 400}


def test_the_counters_are_told_how_much_others_cover(monkeypatch):
    pair = [frame(i * 100, (480.0, 300.0), (508.0, 300.0)) for i in range(10)]
    apart = [frame(1000 + i * 100, (480.0, 300.0), (600.0, 300.0)) for i in range(3)]
    told = sights_of(pair + apart, monkeypatch)
    assert {covered for _, time_ms, covered, _ in told if 500 <= time_ms < 1000} == {0.5}
    alone = sights_of(walk([300] * 10), monkeypatch)
    assert {covered for _, _, covered, _ in alone} == {0.0}


def test_two_go_out_though_one_is_hidden_by_the_other_from_before_the_line():
    ys = [float(y) for y in np.arange(HEIGHT // 2 + 90, HEIGHT // 2 - 100, -4.0)]
    both = [frame(i * 100, (480.0, y), (500.0, y + 12)) for i, y in enumerate(ys) if y > 285]
    one = [frame(i * 100, (500.0, y + 12)) for i, y in enumerate(ys) if y <= 285]
    empty = [frame((len(ys) + i) * 100) for i in range(30)]
    crossed = of(run(both + one + empty), LineCrossed)
    assert sorted(event.direction for event in crossed) == ["out", "out"]
    assert len({event.track_number for event in crossed}) == 2


def test_a_card_from_before_hidden_crossings_goes_on_without_them():
    card = PipelineParams().to_json()
    del card["counting"]["hidden"]
    assert PipelineParams.from_json(card).counting.hidden.longest_ms == 0
    card = PipelineParams().to_json()
    del card["counting"]["hidden"]["gone_ms"]
    assert PipelineParams.from_json(card).counting.hidden.gone_ms == 0
    assert PipelineParams.from_json(PipelineParams().to_json()) == PipelineParams()


@pytest.mark.parametrize("cut", [1, 20])
def test_a_state_from_before_hidden_crossings_goes_on(cut):
    frames = walk(np.linspace(HEIGHT // 2 - 90, HEIGHT // 2 + 90, 40))
    pipeline = Pipeline(SETUP)
    seen = [event for each in frames[:cut] for event in pipeline.step(each)]
    state = pipeline.state()
    for key, line in state["counter"]["lines"].items():
        passages = line.get("passages", {})
        for passage in passages.values():
            del passage["pace"]
        state["counter"]["lines"][key] = passages
    for history in state["histories"].values():
        del history["seen_ms"]
        history["waiting"] = [[time_ms, box] for time_ms, box, *_ in history["waiting"]]
    again = Pipeline(SETUP, pipeline.params, json.loads(json.dumps(state)))
    rest = [event for each in frames[cut:] for event in again.step(each)]
    crossed = [event for event in [*seen, *rest] if isinstance(event, LineCrossed)]
    assert [event.direction for event in crossed] == ["in"]


@pytest.mark.parametrize("at", [0, 5, 20, 100])
def test_a_damaged_state_is_refused(at):
    blob = bytearray(Pipeline(SETUP).to_bytes())
    blob[at] ^= 1
    with pytest.raises(BadStateError):
        Pipeline.from_bytes(SETUP, bytes(blob))


def test_a_state_of_another_picture_size_is_refused():
    blob = Pipeline(SETUP).to_bytes()
    with pytest.raises(BadStateError, match="960 x 540"):
        Pipeline.from_bytes(SceneSetup(640, 480), blob)


def test_a_state_goes_on_under_a_setup_with_a_newer_zone_version():
    frames = walk(np.linspace(200, 420, 60))
    pipeline = Pipeline(SETUP)
    events = [event for each in frames[:50] for event in pipeline.step(each)]
    closed = ZoneSetup("till", "Till", "checkout", TILL.vertices, valid_to_ms=5200)
    newer = ZoneSetup("till", "Till", "checkout", TILL.vertices, valid_from_ms=5200)
    redrawn = SceneSetup(WIDTH, HEIGHT, (closed, newer), (DOOR,))
    pipeline = Pipeline.from_bytes(redrawn, pipeline.to_bytes())
    events += [event for each in frames[50:] for event in pipeline.step(each)]
    events += pipeline.finish(frames[-1].time_ms)
    assert [event.censored for event in of(events, ZoneLeft)] == [True, True]
    assert len(of(events, ZoneEntered)) == 2


def test_a_state_with_an_unknown_zone_is_refused():
    pipeline = Pipeline(SETUP)
    for each in walk(np.linspace(340, 400, 20)):
        pipeline.step(each)
    with pytest.raises(BadStateError, match="till"):
        Pipeline.from_bytes(SceneSetup(WIDTH, HEIGHT, (), (DOOR,)), pipeline.to_bytes())
