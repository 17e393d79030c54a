"""What people wear, as numbers: which pixels are looked at, and how alike two people are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.vision.colours import BINS, GREYS, HUES, SHADES, STEPS, colours_of
from tracking.vision.offline.evidence import colour_distance, mean_colours

RED, BLUE, GREEN = (20, 20, 220), (220, 30, 20), (20, 200, 20)  # blue, green, red
WALL = (128, 128, 128)
GREY_BIN = HUES * SHADES + GREYS // 2
UPPER, LOWER = 0, 1


def hall() -> np.ndarray:
    return np.full((240, 400, 3), WALL, np.uint8)


def stand(image, x, feet, upper, lower, height=100):
    """Paint somebody, 40 pixels wide; return the box."""
    top, waist = feet - height, feet - height // 2
    image[top:waist, x - 20 : x + 20] = upper
    image[waist:feet, x - 20 : x + 20] = lower
    return (x - 20, top, x + 20, feet)


def boxes_of(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def shares(colours):
    """Return the bins that hold something, by bin."""
    return {int(each): int(colours[each]) for each in np.flatnonzero(colours)}


def worn(upper, lower, x=100):
    image = hall()
    return colours_of(image, boxes_of(stand(image, x, 200, upper, lower)))


def test_a_red_pullover_over_blue_trousers_is_red_above_and_blue_below():
    (found,) = worn(RED, BLUE)
    red, blue = 0 * SHADES + 1, 5 * SHADES + 1
    assert shares(found[UPPER]) == {red: STEPS}
    assert shares(found[LOWER]) == {blue: STEPS}


@pytest.mark.parametrize(("level", "place"), [(0, 0), (40, 1), (128, GREYS // 2), (255, GREYS - 1)])
def test_what_has_no_colour_is_told_by_how_bright_it_is(level, place):
    (found,) = worn((level,) * 3, (level,) * 3)
    assert shares(found[UPPER]) == {HUES * SHADES + place: STEPS}


def test_the_wall_beside_somebody_and_the_head_and_the_floor_are_not_looked_at():
    image = hall()
    box = stand(image, 100, 200, RED, RED)
    (before,) = colours_of(image, boxes_of(box))
    image[:115] = GREEN
    image[190:] = GREEN
    image[:, :90] = GREEN
    image[:, 110:] = GREEN
    assert (colours_of(image, boxes_of(box)) == before).all()


def test_of_somebody_behind_another_only_what_shows_is_told():
    image = hall()
    behind = stand(image, 100, 180, RED, BLUE)
    front = stand(image, 100, 215, GREEN, GREEN)  # covers from the hips down
    back_first = colours_of(image, boxes_of(behind, front))
    assert shares(back_first[0][UPPER]) == {1: STEPS}
    assert not back_first[0][LOWER].any()
    assert back_first[1][LOWER].any()
    assert (colours_of(image, boxes_of(front, behind)) == back_first[::-1]).all()


def test_half_of_somebody_beside_another_is_told_by_the_half_that_shows():
    image = hall()
    behind = stand(image, 100, 180, RED, BLUE)
    front = stand(image, 120, 230, GREEN, GREEN, height=150)
    found = colours_of(image, boxes_of(behind, front))[0]
    assert shares(found[UPPER]) == {1: STEPS}
    assert shares(found[LOWER]) == {11: STEPS}


def test_who_stands_out_of_the_picture_is_not_made_up():
    image = hall()
    found = colours_of(image, boxes_of((-60, 100, -20, 200), (100, 200, 140, 300), (0, 0, 0, 0)))
    assert not found[0].any()
    assert found[1][UPPER].any()
    assert not found[1][LOWER].any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 7), st.randoms(use_true_random=False))
def test_whatever_is_seen_in_whatever_order_of_boxes_the_numbers_are_the_same(seed, count, lot):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (120, 160, 3), np.uint8)
    corners = rng.uniform(-40, 200, (count, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    found = colours_of(image, boxes)
    assert found.shape == (count, 2, BINS)
    assert found.dtype == np.uint8
    whole = found.sum(axis=2, dtype=np.int64)
    assert ((whole == 0) | (abs(whole - STEPS) <= BINS // 2)).all()
    order = lot.sample(range(count), count)
    assert (colours_of(image, boxes[order]) == found[order]).all()


def test_a_red_is_red_whether_it_leans_to_orange_or_to_pink():
    for red in (RED, (20, 60, 220), (60, 20, 220)):
        assert shares(worn(red, BLUE)[0][UPPER]) == {1: STEPS}


def test_of_somebody_nearly_covered_nothing_is_told():
    image = hall()
    behind = stand(image, 100, 180, RED, BLUE)
    front = stand(image, 116, 230, GREEN, GREEN, height=150)
    found = colours_of(image, boxes_of(behind, (93, *front[1:])))[0]  # one column of eight shows
    assert not found.any()


def distance(one, other):
    first, second = (mean_colours(colours)[None] for colours in (one, other))
    return float(colour_distance(first, second)[0])


def test_the_same_clothes_are_nothing_apart_and_others_wholly():
    assert distance(worn(RED, BLUE), worn(RED, BLUE, x=300)) == 0
    assert distance(worn(RED, RED), worn(BLUE, BLUE)) == 1
    assert distance(worn(RED, BLUE), worn(RED, GREEN)) == 0.5


def test_a_half_that_was_never_seen_says_nothing():
    known, hidden = worn(RED, BLUE), worn(RED, GREEN)
    hidden[:, LOWER] = 0
    assert distance(known, hidden) == 0
    hidden[:, UPPER] = 0
    assert np.isnan(distance(known, hidden))
