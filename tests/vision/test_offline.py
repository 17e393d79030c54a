"""Recording mode: the whole recording is known, so holes close and walks become smooth."""

from dataclasses import replace

import numpy as np
import pytest

from tests.vision.test_pipeline import DOOR, HEIGHT, SETUP, TILL, WIDTH, crowd, frame, of, walk
from tracking.vision.colours import STEPS, no_colours
from tracking.vision.events import LineCrossed, TrackEnded, ZoneEntered, ZoneLeft
from tracking.vision.offline import (
    OfflineParams,
    count_frames,
    count_recording,
    follow_recording,
)
from tracking.vision.setup import SceneSetup, ZoneSetup
from tracking.vision.smoothing import whittaker
from tracking.vision.tracker import TrackerParams

PARAMS = OfflineParams()


def hidden(frames, from_ms, to_ms):
    """Return the frames with nobody found between two moments."""
    return [frame(each.time_ms) if from_ms < each.time_ms < to_ms else each for each in frames]


def across(count=80, speed=5.0, y=300.0):
    return [frame(t * 100, (200.0 + speed * t, y)) for t in range(count)]


def test_a_straight_walk_stays_what_it_is():
    (found,) = follow_recording(across(), PARAMS)
    assert found.number == 1
    assert found.frames.tolist() == list(range(80))
    assert np.allclose(found.boxes[:, 0], [172 + 5 * t for t in range(80)], atol=0.01)


def test_someone_hidden_for_longer_than_live_waits_is_one_person():
    frames = hidden(across(), 2000, 4600)
    (found,) = follow_recording(frames, PARAMS)
    assert len(found.pieces) == 2
    assert [walk.number for walk in follow_recording(frames, OfflineParams(link_ms=1000))] == [1, 2]


def test_each_of_two_linked_pieces_ends_where_it_was_seen_last():
    frames = hidden(across(), 2000, 4600)
    first, second = of(count_recording(frames, SETUP, OfflineParams(fill_ms=5000)), TrackEnded)
    assert (first.track_number, first.chain, first.goes_on) == (1, 1, True)
    assert (second.track_number, second.chain, second.goes_on) == (2, 1, False)
    assert first.ended_ms <= 2000 < 4600 <= second.started_ms
    for piece in (first, second):
        assert (piece.path[0][0], piece.path[-1][0]) == (piece.started_ms, piece.ended_ms)


def test_someone_is_drawn_in_a_filled_hole_under_the_number_before_it():
    frames = hidden(across(), 2000, 4600)
    told = list(count_frames(frames, SETUP, OfflineParams(fill_ms=5000)))
    numbers = [number for each in told for number, _ in each.visible]
    assert len(numbers) == len(frames)
    assert numbers == sorted(numbers)
    assert {each.tracks[1] for each in told if 2000 < each.time_ms < 4600} == {1}


def test_short_holes_are_filled_and_long_ones_are_not():
    frames = hidden(hidden(across(), 1000, 1800), 4000, 6000)
    (found,) = follow_recording(frames, PARAMS)
    missing = sorted(set(range(80)) - set(found.frames.tolist()))
    assert missing == list(range(41, 60))
    filled = found.boxes[(found.frames > 10) & (found.frames < 18)]
    assert np.allclose(filled[:, 0], [172 + 5 * t for t in range(11, 18)], atol=0.5)
    assert (found.scores == 0).sum() == 7


def test_what_lasts_only_a_moment_is_nobody():
    assert follow_recording([*walk(np.full(5, 300.0)), frame(600)], PARAMS) == []
    assert len(follow_recording(walk(np.full(6, 300.0)), PARAMS)) == 1


@pytest.mark.parametrize(
    ("x", "height"), [(900.0, 140.0), (420.0, 220.0), (130.0, 140.0)], ids=["far", "tall", "behind"]
)
def test_someone_else_who_comes_later_is_someone_else(x, height):
    first = across(30)
    later = [frame(5000 + t * 100, (x, 300.0), height=height) for t in range(30)]
    assert len(follow_recording(first + later, PARAMS)) == 2


def test_two_hidden_at_once_each_go_on_as_themselves():
    frames = [
        frame(t * 100, *([] if 20 < t < 46 else [(200 + 5.0 * t, 300.0), (600 - 5.0 * t, 330.0)]))
        for t in range(80)
    ]
    walks = follow_recording(frames, PARAMS)
    assert [round(each.boxes[-1, 0] - each.boxes[0, 0]) for each in walks] == [395, -395]


RED, BLUE = 1, 11  # bins of a histogram


def dressed(frames, *wear):
    """Return the frames with what each person in them wears: (upper, lower), or None."""
    found = []
    for each in frames:
        colours = no_colours(len(each.boxes))
        for row, worn in zip(colours, wear, strict=False):
            for half, bin_ in zip(row, worn or (), strict=False):
                half[bin_] = STEPS
        found.append(replace(each, colours=colours))
    return found


def parted(before, after):
    """Return a walk that is hidden for 2.6 s and the clothes it is found in again."""
    frames = hidden(across(), 2000, 4600)
    return [*dressed(frames[:33], before), *dressed(frames[33:], after)]


def test_somebody_in_other_clothes_is_somebody_else():
    assert len(follow_recording(parted((RED, BLUE), (RED, BLUE)), PARAMS)) == 1
    assert len(follow_recording(parted((RED, RED), (BLUE, BLUE)), PARAMS)) == 2


@pytest.mark.parametrize("unknown", [(None, (RED, BLUE)), ((RED, BLUE), None), (None, None)])
def test_clothes_that_nobody_saw_speak_neither_for_nor_against(unknown):
    assert len(follow_recording(parted(*unknown), PARAMS)) == 1


@pytest.mark.parametrize(
    ("x", "begin", "people"),
    [(640.0, 5.0, 1), (640.0, 12.0, 1), (1400.0, 5.0, 2), (640.0, 30.0, 2)],
)
def test_the_same_clothes_are_found_again_further_off_and_later_but_not_anywhere(x, begin, people):
    first, later = across(30), walk(np.full(30, 300.0), x, round(begin * 1000))
    assert len(follow_recording(first + later, PARAMS)) == 2
    frames = dressed(first + later, (RED, BLUE))
    assert len(follow_recording(frames, PARAMS)) == people


def test_clothes_not_quite_the_same_lengthen_no_time():
    frames = hidden(across(120, speed=0.5), 2000, 7000)
    worn = [*dressed(frames[:50], (RED, BLUE)), *dressed(frames[50:], (RED, BLUE))]
    assert len(follow_recording(worn, PARAMS)) == 1
    for each in worn[50:]:
        each.colours[:] = each.colours // 7 * 5  # a quarter of it is something else
        each.colours[:, :, 20] = STEPS - each.colours.sum(axis=2)
    assert len(follow_recording(worn, PARAMS)) == 2


def test_a_piece_says_why_it_was_joined():
    frames = hidden(across(), 2000, 4600)
    first, second = of(count_recording(frames, SETUP, PARAMS), TrackEnded)
    assert first.joint is None
    assert 0.3 < second.joint.apart < 0.6  # whoever is hidden is taken to slow down
    assert second.joint.taller == 0
    assert second.joint.unlike is None
    worn = parted((RED, BLUE), (RED, 12))
    worn = [replace(each, colours=np.maximum(each.colours, dressed([each], (RED, BLUE))[0].colours))
            for each in worn]  # fmt: skip
    _, second = of(count_recording(worn, SETUP, PARAMS), TrackEnded)
    assert 0.1 < second.joint.unlike < 0.5


def test_somebody_of_another_height_in_the_same_clothes_is_somebody_else():
    later = [frame(5000 + t * 100, (420.0, 300.0), height=220.0) for t in range(30)]
    assert len(follow_recording(dressed(across(30) + later, (RED, BLUE)), PARAMS)) == 2


def test_two_in_different_clothes_who_pass_each_other_hidden_go_on_as_themselves():
    """By their motion alone each would go on as the other: both turn around while hidden."""

    def both(t):
        out = min(t, 66 - t)
        return [(300 + 6.0 * out, 300.0), (544 - 6.0 * out, 304.0)]

    frames = [frame(t * 100, *([] if 20 < t < 46 else both(t))) for t in range(67)]
    worn = dressed(frames, (RED, RED), (BLUE, BLUE))
    ends = [sorted(round(float(each.boxes[at, 0])) for at in (0, -1))
            for each in follow_recording(worn, PARAMS)]  # fmt: skip
    assert [end - start for start, end in ends] == [0, 0]
    blind = follow_recording(frames, PARAMS)
    assert all(abs(each.boxes[-1, 0] - each.boxes[0, 0]) > 200 for each in blind)


def test_a_person_shakes_less_than_the_detections_do():
    rng = np.random.default_rng(5)
    frames = [frame(t * 100, (480.0, 300.0 + rng.normal(0, 4))) for t in range(100)]
    (found,) = follow_recording(frames, PARAMS)
    raw = np.array([each.boxes[0, 3] for each in frames])
    assert found.boxes[:, 3].std() < 0.6 * raw.std()


def test_the_same_detections_give_the_same_walks():
    first, again = (follow_recording(crowd(3), PARAMS) for _ in range(2))
    assert len(first) > 3
    for one, other in zip(first, again, strict=True):
        assert one.pieces == other.pieces
        assert one.boxes.tobytes() == other.boxes.tobytes()


def test_a_turning_camera_does_not_bend_a_walk():
    params = OfflineParams(tracker=TrackerParams(camera_moves=True))
    turn = [12.0 * max(0, t - 30) for t in range(60)]
    frames = [
        frame(
            t * 100,
            *[
                (x + 2 * t - turn[t] * 0.5, 300.0 + 20 * n)
                for n, x in enumerate(range(300, 900, 90))
            ],
        )
        for t in range(60)
    ]
    assert len(follow_recording(frames, params)) == 7


def test_nothing_at_all_is_nobody():
    assert follow_recording([], PARAMS) == []
    assert follow_recording([frame(0), frame(100)], PARAMS) == []
    assert count_recording([], SETUP, PARAMS) == []


def test_frames_are_told_in_order_and_every_person_ends():
    told = list(count_frames(crowd(4), SETUP, PARAMS))
    assert [each.time_ms for each in told] == [each.time_ms for each in crowd(4)]
    events = [event for each in told for event in each.events]
    assert events == count_recording(crowd(4), SETUP, PARAMS)
    ended = [event.track_number for event in of(events, TrackEnded)]
    assert sorted(ended) == list(range(1, len(ended) + 1))
    assert len(of(events, ZoneEntered)) == len(of(events, ZoneLeft))
    assert {event.track_number for event in of(events, LineCrossed)} <= set(ended)


def test_a_path_is_told_as_live_tells_it():
    (ended,) = of(count_recording(walk(np.full(65, 200.0)), SETUP, PARAMS), TrackEnded)
    assert (ended.started_ms, ended.ended_ms) == (0, 6400)
    assert len(ended.path) == len(ended.boxes_px) < 12
    assert ended.boxes_px[0] == (56, 140)
    assert ended.confidence == pytest.approx(0.9, abs=1e-3)


def test_ignored_zones_and_frames_from_the_past_are_left_out():
    mirror = ZoneSetup("m", "Mirror", "ignore", ((0, 0), (1, 0), (1, 1), (0, 1)))
    scene = SceneSetup(WIDTH, HEIGHT, (mirror, TILL), (DOOR,))
    assert count_recording(walk(np.linspace(200, 360, 40)), scene, PARAMS) == []
    there = walk(np.linspace(200, 360, 40))
    back = [*there[:20], frame(500, (480.0, 500.0)), *there[20:]]
    assert count_recording(back, SETUP, PARAMS) == count_recording(there, SETUP, PARAMS)


@pytest.mark.parametrize("smooth_s", [0.1, 0.5])
def test_the_smoother_leaves_straight_lines_alone_whatever_the_spacing_and_the_holes(smooth_s):
    times = np.array([0, 0.1, 0.15, 0.3, 0.4, 0.9, 1.0, 1.1])
    lines = np.stack([3 * times + 1, -times], axis=1)
    weights = np.array([1, 1, 0, 1, 0.2, 0, 1, 1.0])
    given = np.where(weights[:, None] > 0, lines, 99.0)
    assert np.allclose(whittaker(times, given, weights, smooth_s), lines, atol=1e-4)


def test_the_smoother_means_the_same_at_every_frame_rate():
    def left_of_a_swing(fps, period_s):
        times = np.arange(0, 20, 1 / fps)
        wave = np.sin(2 * np.pi * times / period_s)[:, None]
        middle = slice(len(times) // 4, -len(times) // 4)
        return np.ptp(whittaker(times, wave, np.ones(len(times)), 0.15)[middle]) / 2

    for fps in (10, 25, 60):
        assert left_of_a_swing(fps, 4.0) > 0.98
        assert left_of_a_swing(fps, 2 * np.pi * 0.15) == pytest.approx(0.5, abs=0.05)
