"""The small lines beside numbers."""

from __future__ import annotations

import pytest

from analytics.sparks import HEIGHT, MARGIN, spark

TOP, FLOOR = MARGIN, HEIGHT - MARGIN


def test_a_line_goes_from_edge_to_edge_between_zero_and_its_highest_value():
    line = spark([0, 5, 10])
    assert line is not None
    middle = (TOP + FLOOR) / 2
    assert line.lines == [f"0,{FLOOR:g} 50,{middle:g} 100,{TOP:g}"]
    assert line.areas == [f"0,{HEIGHT:g} 0,{FLOOR:g} 50,{middle:g} 100,{TOP:g} 100,{HEIGHT:g}"]


def test_a_hole_breaks_the_line_and_a_value_between_two_holes_is_a_dot():
    line = spark([4, 4, None, 2, None, 4, 4])
    assert line is not None
    assert [piece.split()[0].split(",")[0] for piece in line.lines] == ["0", "83.33"]
    assert line.dots == [(50.0, (TOP + FLOOR) / 2)]


def test_the_last_value_is_as_far_right_as_time_has_come():
    line = spark([1, 1, None, None])
    assert line is not None
    assert line.lines[0].endswith(f"33.33,{TOP:g}")


def test_nothing_but_zeros_lies_on_the_floor():
    line = spark([0, 0])
    assert line is not None
    assert line.lines == [f"0,{FLOOR:g} 100,{FLOOR:g}"]


@pytest.mark.parametrize("values", [[], [3], [None, None], [3, None]])
def test_fewer_than_two_values_are_no_line(values):
    assert spark(values) is None
