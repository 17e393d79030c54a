"""The demo store: deterministic, hard enough, and true."""

import hashlib
import itertools
import json
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from tracking.vision import scene
from tracking.vision.scene.body import Pose, foot_cycle
from tracking.vision.scene.layout import BLOCKS, LINE_Z, WALL_Z
from tracking.vision.scene.people import draw_look
from tracking.vision.scene.render import observe
from tracking.vision.scene.script import Person, Plan
from tracking.vision.scene.truth import Trail, crossings_of, trails, turn_backs_of
from tracking.vision.scene.walk import STEP_S
from zones.geometry import Line

SEEDS = (1, 2, 3)
KNOWN = {2: "c72669d291a73945", 11: "754d38cc60f6aaab"}


@pytest.fixture(scope="module")
def plans():
    return {seed: scene.plan(seed, 120) for seed in SEEDS}


@pytest.fixture(scope="module")
def truths(plans):
    return {seed: scene.truth(plan, every=10) for seed, plan in plans.items()}


class Stage(Plan):
    """A plan with people put where a test wants them."""

    people: tuple[Person, ...] = ()

    def people_at(self, frame):
        return iter(self.people)


def stage(*people):
    made = Stage(1, 1, Fraction(10), scene.Camera(), [])
    object.__setattr__(made, "people", people)
    return made


def shopper(number, x, z, heading=0.0, seed=5):
    look = draw_look(np.random.default_rng(seed))
    return Person(number, look, x, z, heading, Pose(), staff=False)


# --- the same seed is the same scene ---


def test_the_same_seed_gives_the_same_frames_and_the_same_truth():
    first, second = scene.plan(7, 12), scene.plan(7, 12)
    assert scene.truth(first, every=20) == scene.truth(second, every=20)
    for frame in (0, 55, 119):
        image, seen = scene.render_frame(first, frame)
        again, seen_again = scene.render_frame(second, frame)
        assert np.array_equal(image, again)
        assert seen == seen_again


def test_another_seed_gives_another_scene():
    first, second = scene.plan(7, 12), scene.plan(8, 12)
    assert scene.truth(first, every=20)["crossings"] != scene.truth(second, every=20)["crossings"]
    assert not np.array_equal(scene.render_frame(first, 60)[0], scene.render_frame(second, 60)[0])


def test_the_same_seed_gives_the_same_file_byte_for_byte(tmp_path):
    files = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for file in files:
        scene.write_scene(scene.plan(3, 3), file, file.with_suffix(".json"))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].with_suffix(".json").read_bytes() == files[1].with_suffix(".json").read_bytes()


def test_the_scenes_that_seeds_have_stood_for_stay_the_same():
    # Gates count known seeds: an option more must not draw them anew.
    told = [
        (json.dumps(scene.truth(scene.plan(seed, seconds), every=50)), seed)
        for seed, seconds in ((2, 40), (11, 75))
    ]
    digests = {seed: hashlib.sha256(text.encode()).hexdigest()[:16] for text, seed in told}
    assert digests == KNOWN


# --- the doors open ---


@pytest.mark.parametrize("seed", [1, 5, 11])
def test_with_an_empty_start_nobody_leaves_who_did_not_come_in(seed):
    plan = scene.plan(seed, 75, start="empty")
    inside, least = 0, 0
    facts = scene.truth(plan, every=20)
    for crossing in facts["crossings"]:
        inside += 1 if crossing["direction"] == "in" else -1
        least = min(least, inside)
    assert least == 0
    assert facts["difficulty"]["inside_at_start"] == 0
    assert [person.staff for person in plan.people_at(0) if person.z < WALL_Z] == [True]
    assert facts["entries"] > facts["exits"] > 0
    assert facts["entries"] - facts["exits"] == inside
    assert facts["difficulty"]["people_per_minute"] >= 8


# --- hard enough ---


@pytest.mark.parametrize("seed", SEEDS)
def test_two_minutes_reach_the_floors_of_difficulty(truths, seed):
    hard = truths[seed]["difficulty"]
    assert hard["people_per_minute"] >= 8
    assert hard["half_hidden_share"] >= 0.15
    assert hard["turn_backs"] >= 3
    assert hard["in_and_out"] >= 1
    assert hard["stood_on_line"] >= 1
    assert hard["inside_at_start"] >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_people_come_and_go_in_a_short_clip_too(seed):
    facts = scene.truth(scene.plan(seed, 40), every=20)
    assert facts["entries"] >= 3
    assert facts["exits"] >= 3
    assert facts["difficulty"]["people_per_minute"] >= 8


# --- true ---


def crossings_from(facts):
    """Count crossings a second way: from the feet in the truth file, one point after another."""
    line = facts["setup"]["lines"][0]
    size = (facts["width"], facts["height"])
    a, b = ((line[end][0] * size[0], line[end][1] * size[1]) for end in ("a", "b"))
    geometry = Line(a, b, inside_side=line["inside_side"])
    band = line["band"] * facts["height"]
    side, found = {}, []
    for feet in facts["feet"]:
        for person, x, y in feet:
            offset = geometry.offset((x, y))
            if abs(offset) <= band:
                continue
            now = offset > 0
            if person in side and side[person] != now:
                found.append((person, "in" if now else "out"))
            side[person] = now
    return sorted(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_crossings_agree_with_a_second_count_of_the_feet(seed):
    facts = scene.truth(scene.plan(seed, 30))
    found = crossings_from(facts)
    assert found == sorted((c["person"], c["direction"]) for c in facts["crossings"])
    assert facts["entries"] == sum(direction == "in" for _, direction in found)
    assert facts["exits"] == sum(direction == "out" for _, direction in found)


def walked(zs):
    """Return the trail of somebody who stands at these distances (metres) frame by frame."""
    ground = np.array([(0.1, z) for z in zs])
    points = np.stack([ground[:, 0], np.zeros(len(zs)), ground[:, 1]], axis=1)
    pixels, _ = scene.Camera().project(points)
    return Trail(1, staff=False, frames=np.arange(len(zs)), ground=ground, pixels=pixels)


@pytest.mark.parametrize(
    ("zs", "directions"),
    [
        ((10, 9.5, 9.0, 8.5, 8.0, 7.5), ["in"]),
        ((7.5, 8.0, 8.5, 9.0, 9.5, 10), ["out"]),
        ((7.5, 10), ["out"]),
        ((10, 9.0, 8.75, 8.85, 8.75, 8.85, 8.75, 9.0, 10), []),  # sways on the line, goes back
        ((10, 9.0, 8.75, 8.85, 8.75, 8.85, 8.75, 8.0, 7.5), ["in"]),  # sways on it, goes on
        ((10, 9.6, 9.8, 11), []),  # stops short of it
        ((10, 7.5, 10), ["in", "out"]),
        ((10, 7.5, 10, 7.5), ["in", "out", "in"]),
        ((8.8, 8.7, 8.9, 8.8), []),  # never clearly on either side
    ],
)
def test_the_truth_counts_a_way_over_the_line_as_the_product_means_it(zs, directions):
    found = crossings_of(stage(), walked(zs))
    assert [c["direction"] for c in found] == directions


def test_a_crossing_is_dated_where_the_foot_last_changed_sides():
    (crossing,) = crossings_of(stage(), walked((10, 9.0, 8.75, 8.85, 8.75, 8.0)))
    assert crossing["time_ms"] == 400


@pytest.mark.parametrize("seed", SEEDS)
def test_entries_less_exits_is_how_many_more_are_inside(plans, truths, seed):
    facts, plan = truths[seed], plans[seed]
    ends = [(t.ground[0, 1], t.ground[-1, 1]) for t in trails(plan)]
    gained = sum(last < LINE_Z for _, last in ends) - sum(first < LINE_Z for first, _ in ends)
    assert facts["entries"] - facts["exits"] == gained


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_crosses_as_they_meant_to(plans, truths, seed):
    crossed = {}
    for c in truths[seed]["crossings"]:
        crossed.setdefault(c["person"], []).append(c["direction"])
    for trail, actor in zip(trails(plans[seed]), plans[seed].actors(), strict=True):
        way = crossed.get(actor.number, [])
        assert all(a != b for a, b in itertools.pairwise(way)), actor.intent
        if actor.intent in ("turn back", "staff"):
            assert way == []
        if actor.intent == "in and out" and len(trail.frames) > 150:
            assert way == ["in", "out"]
        if actor.intent == "stand on line" and way:
            assert way[0] == "in"


def test_a_turn_back_is_counted_where_somebody_came_near_and_did_not_cross(plans):
    plan = plans[1]
    for trail, actor in zip(trails(plan), plan.actors(), strict=True):
        finished = trail.frames[-1] < plan.frame_count - 1
        if actor.intent == "turn back" and finished:
            assert turn_backs_of(plan, trail) == 1
        if actor.staff:
            assert turn_backs_of(plan, trail) == 0


def test_zone_visits_agree_with_a_second_count_of_the_feet():
    facts = scene.truth(scene.plan(4, 30))
    zones = {z["name"]: z for z in facts["setup"]["zones"]}
    size = np.array((facts["width"], facts["height"]))
    inside = {}
    for i, feet in enumerate(facts["feet"]):
        for person, x, y in feet:
            for name, zone in zones.items():
                outline = (np.array(zone["vertices"]) * size).astype(np.float32)
                if cv2.pointPolygonTest(outline, (x, y), False) >= 0:
                    inside.setdefault((name, person), []).append(i * 100)
    assert facts["zone_visits"]
    for visit in facts["zone_visits"]:
        times = inside[visit["zone"], visit["person"]]
        within = [t for t in times if visit["entered_ms"] <= t < visit["left_ms"]]
        assert abs(len(within) * 100 - visit["dwell_ms"]) <= 200
        assert visit["dwell_ms"] >= zones[visit["zone"]]["min_dwell_s"] * 1000
        assert visit["left_ms"] - visit["entered_ms"] >= visit["dwell_ms"]


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_walks_through_furniture_or_jumps(plans, seed):
    for walk in plans[seed].walks:
        x, z = walk.rows[:, 0], walk.rows[:, 1]
        for block in BLOCKS:
            within = (x > block.x0) & (x < block.x1) & (z > block.z0) & (z < block.z1)
            assert not within.any(), block.name
        speed = np.hypot(np.diff(x), np.diff(z)) / STEP_S
        assert speed.max(initial=0) < 2.6


def test_a_foot_on_the_floor_does_not_slide():
    # While the foot is down it moves back, past the hip, exactly as fast as the body goes ahead.
    cycle_m, step_m = 1.2, 1.2 * 0.6
    places = [k * cycle_m + foot_cycle(k)[0] * step_m for k in np.linspace(0, 0.59, 12)]
    assert np.ptp(places) < 1e-9


# --- what the camera sees ---


def test_somebody_alone_on_the_floor_is_wholly_visible():
    (seen,) = observe(stage(shopper(1, 0.0, 7.0)), 0)
    assert seen.visible > 0.99


def test_a_shelf_hides_most_of_whoever_stands_behind_it():
    (seen,) = observe(stage(shopper(1, -2.4, 7.35)), 0)
    assert 0 < seen.visible < 0.5


def test_the_nearer_of_two_hides_the_other():
    far, near = observe(stage(shopper(1, 0.0, 8.5), shopper(2, 0.05, 7.6)), 0)
    assert near.visible > 0.99
    assert far.visible < 0.7


def test_the_wall_hides_people_on_the_street_and_the_open_door_shows_them():
    hidden = observe(stage(shopper(1, 2.5, 11.4)), 0)
    (shown,) = observe(stage(shopper(1, 0.0, WALL_Z + 0.8)), 0)
    assert hidden == []
    assert shown.visible > 0.8


def test_a_box_stands_on_the_foot_point_and_is_as_high_as_the_person():
    (seen,) = observe(stage(shopper(1, 0.0, 7.0)), 0)
    x1, y1, x2, y2 = seen.box
    assert abs((x1 + x2) / 2 - seen.foot[0]) < 6
    assert abs(y2 - seen.foot[1]) < 10
    assert 110 < y2 - y1 < 220


@pytest.mark.parametrize("x", [-0.9, 0.0, 0.9])
def test_people_at_the_line_are_tall_enough_to_be_found(x):
    (seen,) = observe(stage(shopper(1, x, 8.8)), 0)
    assert 110 <= seen.box[3] - seen.box[1] <= 180


def test_the_still_is_the_shop_without_anybody():
    picture = scene.still(scene.Camera())
    empty, seen = scene.render_frame(stage(), 0)
    assert seen == []
    assert picture.shape == (540, 960, 3)
    assert np.abs(picture.astype(int) - empty).mean() < 3
    crowded, _ = scene.render_frame(stage(shopper(1, 0.0, 6.0)), 0)
    assert np.abs(picture.astype(int) - crowded)[250:, 440:520].mean() > 3


# --- the file ---


@pytest.mark.parametrize("fps", [10, 29.97])
def test_the_video_decodes_with_the_planned_times_and_frequent_key_frames(tmp_path, fps):
    plan = scene.plan(2, 5, fps)
    facts = scene.write_scene(plan, tmp_path / "a.mp4", tmp_path / "a.json")
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = list(container.decode(video=0))
    times = [round(frame.time * 1000) for frame in frames]
    assert times == [plan.time_ms(i) for i in range(plan.frame_count)]
    assert len(facts["boxes"]) == len(frames) == round(5 * fps)
    keys = [t for t, frame in zip(times, frames, strict=True) if frame.key_frame]
    assert keys[0] == 0
    assert max(np.diff([*keys, times[-1]])) <= 2100
    assert (frames[0].width, frames[0].height) == (960, 540)


def test_a_scene_without_length_is_refused_in_words():
    with pytest.raises(ValueError, match="length and a rate above 0"):
        scene.plan(1, 0)
