"""Box arithmetic against numbers worked out by hand."""

import numpy as np
import pytest

from tracking.vision.boxes import (
    foot_points,
    height_overlap_matrix,
    iou_matrix,
    shrink_boxes,
    suppress,
)


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0, 0, 10, 10), 1.0),
        ((5, 0, 15, 10), 1 / 3),
        ((10, 0, 20, 10), 0.0),  # they only touch
        ((2, 2, 4, 4), 0.04),  # one within the other
        ((3, 3, 3, 9), 0.0),  # no area
    ],
)
def test_overlap_is_intersection_over_union(other, expected):
    assert iou_matrix(boxes((0, 0, 10, 10)), boxes(other))[0, 0] == pytest.approx(expected)


def test_two_boxes_without_area_do_not_overlap():
    assert iou_matrix(boxes((1, 1, 1, 1)), boxes((1, 1, 1, 1)))[0, 0] == 0


def test_height_overlap_looks_at_the_vertical_extent_only():
    overlap = height_overlap_matrix(boxes((0, 0, 5, 100)), boxes((90, 50, 95, 150)))
    assert overlap[0, 0] == pytest.approx(50 / 150)


def test_a_foot_point_is_the_bottom_centre():
    assert foot_points(boxes((10, 20, 30, 80))).tolist() == [[20, 80]]


def test_shrinking_keeps_the_centre():
    assert shrink_boxes(boxes((0, 0, 100, 200)), 0.5, 0.25).tolist() == [[25, 75, 75, 125]]


def test_suppression_groups_weaker_boxes_under_the_best():
    found = boxes((0, 0, 10, 20), (1, 0, 11, 20), (50, 0, 60, 20))
    groups = suppress(found, np.array([0.5, 0.9, 0.7], np.float32), 0.4)
    assert [group.tolist() for group in groups] == [[1, 0], [2]]


def test_equal_scores_leave_the_earlier_box():
    same = boxes((0, 0, 10, 20), (0, 0, 10, 20))
    groups = suppress(same, np.array([0.5, 0.5], np.float32), 0.4)
    assert [group.tolist() for group in groups] == [[0, 1]]
