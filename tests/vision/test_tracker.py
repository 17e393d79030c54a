"""The tracker on walks small enough to follow by head."""

import numpy as np
import pytest

from tracking.vision.detections import DetectedFrame
from tracking.vision.tracker import Tracker, TrackerParams, tracker_params
from tracking.vision.tracker.matching import common_shift
from tracking.vision.tracker.perspective import Perspective


def box_at(x, foot_y=300.0, height=100.0):
    return [x - 20, foot_y - height, x + 20, foot_y]


def frame(time_ms, *boxes, score=0.9):
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return DetectedFrame(time_ms, rows, np.full(len(rows), score, np.float32))


def run(frames, **params):
    """Return per frame the sightings, and the tracks that ended."""
    tracker = Tracker(TrackerParams(**params))
    seen, over = [], []
    for each in frames:
        sightings, ended = tracker.step(each)
        seen.append(sightings)
        over += ended
    return seen, over + tracker.finish(), tracker


def numbers(seen):
    return [[sighting.number for sighting in sightings] for sightings in seen]


def test_a_track_is_confirmed_at_its_third_sight_and_numbered_from_one():
    seen, _, _ = run([frame(t * 100, box_at(100 + 5 * t)) for t in range(5)])
    assert numbers(seen) == [[0], [0], [1], [1], [1]]


def test_unconfirmed_tracks_use_up_no_numbers():
    frames = [frame(0, box_at(100)), frame(100), frame(200), frame(300)]
    frames += [frame(400 + t * 100, box_at(500)) for t in range(4)]
    seen, _, _ = run(frames)
    assert numbers(seen)[-1] == [1]


def test_a_number_is_the_trackers_own():
    for _ in range(2):
        seen, _, _ = run([frame(t * 100, box_at(100)) for t in range(3)])
        assert numbers(seen)[-1] == [1]


@pytest.mark.parametrize("fps", [5, 10, 25, 29.97])
def test_a_track_hidden_for_less_than_two_seconds_keeps_its_number_at_any_rate(fps):
    times = [round(index * 1000 / fps) for index in range(round(6 * fps))]
    visible = [t for t in times if not 2000 < t < 3800]
    frames = [frame(t, *([box_at(100 + t / 20)] if t in visible else [])) for t in times]
    seen, over, _ = run(frames)
    assert numbers(seen)[-1] == [1]
    assert len(over) == 1


def test_a_track_ends_two_seconds_after_it_was_last_seen():
    frames = [frame(t, box_at(100)) for t in range(0, 1000, 100)]
    frames += [frame(t) for t in range(1000, 3100, 100)]
    tracker = Tracker(TrackerParams())
    ended_at = [each.time_ms for each in frames if tracker.step(each)[1]]
    assert ended_at == [3000]  # last seen at 900


def test_two_people_who_pass_each_other_keep_their_numbers():
    frames = [
        frame(t * 100, box_at(100 + 12 * t, 300), box_at(400 - 12 * t, 330, 115)) for t in range(26)
    ]
    seen, over, _ = run(frames)
    assert sorted(numbers(seen)[-1]) == [1, 2]
    assert len(over) == 2
    last = {sighting.number: sighting.box for sighting in seen[-1]}
    first = {sighting.number: sighting.box for sighting in seen[2]}
    assert all((first[n][0] < 250) == (last[n][0] > 250) for n in (1, 2))


def test_a_weak_detection_continues_a_track_but_begins_none():
    frames = [frame(t * 100, box_at(100 + 5 * t)) for t in range(4)]
    frames += [frame(t * 100, box_at(100 + 5 * t), score=0.2) for t in range(4, 8)]
    seen, _, _ = run(frames)
    assert numbers(seen)[-1] == [1]
    seen, over, _ = run([frame(t * 100, box_at(100), score=0.2) for t in range(8)])
    assert (numbers(seen)[-1], over) == ([], [])


def test_the_box_is_smoother_than_the_detections():
    rng = np.random.default_rng(1)
    frames = [frame(t * 100, box_at(100, 300 + rng.normal(0, 4))) for t in range(60)]
    seen, _, _ = run(frames)
    feet = np.array([sightings[0].box[3] for sightings in seen[10:]])
    raw = np.array([each.boxes[0, 3] for each in frames[10:]])
    assert feet.std() < 0.75 * raw.std()


def test_the_filter_does_not_care_about_the_frame_rate():
    def foot_after(fps):
        frames = [
            frame(round(i * 1000 / fps), box_at(100, 300 + 30 * i / fps)) for i in range(4 * fps)
        ]
        return run(frames)[0][-1][0].box[3] - frames[-1].boxes[0, 3]

    assert foot_after(10) == pytest.approx(foot_after(30), abs=1.0)


def test_confidence_is_the_mean_score():
    frames = [frame(0, box_at(100), score=0.6), frame(100, box_at(100), score=0.8)]
    frames += [frame(200, box_at(100), score=1.0)]
    _, over, _ = run(frames)
    assert over[0].confidence == pytest.approx(0.8, abs=1e-6)


def test_a_hole_in_the_film_is_walked_through_at_the_same_speed():
    frames = [frame(t * 100, box_at(100 + 13 * t)) for t in range(15)]
    frames.append(frame(1400 + 900, box_at(100 + 13 * 23)))  # 117 pixels on: more than a height
    seen, _, _ = run(frames)
    assert numbers(seen)[-1] == [1]


def test_hidden_legs_do_not_move_the_foot_point():
    whole, legless = box_at(100, 300, 140), [80, 160, 120, 265]  # the same head, 35 pixels short
    frames = [frame(t * 100, whole if t < 20 else legless) for t in range(36)]
    seen, _, _ = run(frames)
    assert numbers(seen)[-1] == [1]
    assert all(abs(sightings[0].box[3] - 300) < 7 for sightings in seen)


def test_a_box_around_two_people_does_not_move_the_foot_point():
    alone, pair = box_at(100, 300, 140), [70, 140, 130, 320]
    frames = [frame(t * 100, alone if t < 20 or t > 23 else pair) for t in range(30)]
    seen, _, _ = run(frames)
    assert all(abs(sightings[0].box[3] - 300) < 5 for sightings in seen)


def test_a_height_that_was_wrong_from_the_start_heals():
    frames = [frame(0, box_at(100, 300, 105))]
    frames += [frame(t * 100, box_at(100, 300, 140)) for t in range(1, 30)]
    seen, _, _ = run(frames)
    assert seen[-1][0].box[3] - seen[-1][0].box[1] == pytest.approx(140, abs=8)


def test_nobody_jumps():
    wide = {False: [40, 200, 160, 300], True: [100, 200, 220, 300]}
    seen, _, _ = run([frame(t * 100, wide[t >= 6]) for t in range(12)])
    assert numbers(seen)[5] == [1]
    assert numbers(seen)[-1] == [2]  # 60 pixels in a tenth of a second are someone else


def test_someone_who_comes_running_is_one_track():
    seen, over, _ = run([frame(t * 100, box_at(100 + 28 * t)) for t in range(12)])
    assert numbers(seen)[-1] == [1]
    assert len(over) == 1


def test_a_turning_camera_loses_nobody_where_it_is_known_to_turn():
    turn = [25.0 * max(0, t - 8) for t in range(24)]  # a quarter of a height each frame
    frames = [
        frame(t * 100, *(box_at(900 + 150 * n - turn[t], 300 + 10 * n) for n in range(6)))
        for t in range(24)
    ]
    seen, _, _ = run(frames, camera_moves=True)
    assert numbers(seen)[-1] == [1, 2, 3, 4, 5, 6]
    seen, _, _ = run(frames)
    assert numbers(seen)[-1] != [1, 2, 3, 4, 5, 6]


def test_two_people_who_start_to_walk_are_no_turning_camera():
    boxes = np.array([box_at(100), box_at(400)])
    moved = boxes + np.array((14, 0, 14, 0))
    assert common_shift(boxes, moved, 0.1) == pytest.approx((14 * 2 / 7, 0))
    assert common_shift(boxes, boxes[:0], 0.1).tolist() == [0, 0]
    # Somebody who walks the other way does not turn the median.
    crowd = np.array([box_at(100 + 150 * n) for n in range(5)])
    ways = np.array([10, 10, -12, 10, 10.0])
    turned = crowd + ways[:, None] * np.array([1, 0, 1, 0])
    assert common_shift(crowd, turned, 0.1) == pytest.approx((10 * 5 / 10, 0))


def test_the_constants_follow_the_detector():
    assert tracker_params("hog") == tracker_params("scripted") == TrackerParams()
    assert not tracker_params("nanodet").upright
    assert tracker_params("nanodet", camera_moves=True).camera_moves


def test_whole_boxes_are_taken_at_their_word():
    whole, legless = box_at(100, 300, 140), [80, 160, 120, 265]
    frames = [frame(t * 100, whole if t < 20 else legless) for t in range(60)]
    tracker = Tracker(tracker_params("nanodet"))
    seen = [tracker.step(each)[0] for each in frames]
    assert numbers(seen)[-1] == [1]
    assert seen[-1][0].box[3] == pytest.approx(265, abs=3)
    assert seen[-1][0].detected == pytest.approx(legless, abs=1e-3)


def test_perspective_tells_how_heights_change_over_the_floor():
    rng = np.random.default_rng(2)
    y = rng.uniform(150, 400, 400)
    people = np.stack([y, y, y, (60 + 0.4 * y) * rng.uniform(0.9, 1.1, 400)], axis=1)
    perspective = Perspective()
    assert perspective.change(y[:3], y[:3] + 50).tolist() == [1, 1, 1]
    perspective.learn(people)
    (factor,) = perspective.change(np.array([200.0]), np.array([220.0]))
    assert factor == pytest.approx((60 + 0.4 * 220) / (60 + 0.4 * 200), abs=0.02)


def test_heights_are_left_alone_where_the_camera_shows_no_perspective():
    rng = np.random.default_rng(2)
    y = rng.uniform(150, 400, 400)
    perspective = Perspective()
    perspective.learn(np.stack([y, y, y, 150 - 0.1 * y], axis=1))
    assert perspective.change(np.array([200.0]), np.array([300.0])).tolist() == [1]


def learned(tracker, until_ms=20_000):
    """Let a tracker see adults walk near and far; return the time it is then."""
    for time_ms in range(0, until_ms, 100):
        near = abs((time_ms / 5000) % 2 - 1)  # to and fro
        foot_y = 250 + 200 * near
        tracker.step(frame(time_ms, box_at(100, foot_y, 0.4 * foot_y)))
    return until_ms


def test_a_torso_found_within_a_person_becomes_nobody():
    tracker = Tracker(TrackerParams())
    start_ms = learned(tracker)
    seen = []
    for time_ms in range(start_ms, start_ms + 2000, 100):
        whole, torso = box_at(600, 400, 160), box_at(600, 340, 90)
        seen += tracker.step(frame(time_ms, whole, torso))[0]
    assert {sighting.number for sighting in seen if sighting.box[0] > 500} == {0, 2}
    tallest = {s.number: s.box[3] - s.box[1] for s in seen if s.box[0] > 500 and s.number}
    assert tallest[2] == pytest.approx(160, abs=3)


@pytest.mark.parametrize("foot_y", [300, 400])
def test_a_child_who_walks_alone_is_followed_like_anybody(foot_y):
    tracker = Tracker(TrackerParams())
    start_ms = learned(tracker)
    seen, ended = [], []
    for step in range(40):
        child = box_at(500 + 5 * step, foot_y, 0.4 * foot_y * 0.6)
        sightings, over = tracker.step(frame(start_ms + 100 * step, child))
        seen += [sighting.number for sighting in sightings]
        ended += over
    assert seen == [0, 0] + [2] * 38
    assert [track.number for track in ended] == [1]  # the adult, long gone


def test_a_child_who_is_known_is_not_lost_beside_an_adult():
    tracker = Tracker(TrackerParams())
    start_ms = learned(tracker)
    seen = []
    for step in range(60):
        child, adult = box_at(500 + 3 * step, 400, 96), box_at(485 + 3 * step, 402, 161)
        here = [child] if step < 20 else [child, adult]
        sightings, _ = tracker.step(frame(start_ms + 100 * step, *here))
        seen.append({sighting.number for sighting in sightings})
    assert all(2 in numbers for numbers in seen[3:])
    assert {3} < seen[-1]
