"""Points, polygons and directed lines, by table and by property against an exact oracle."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest

from zones.geometry import (
    Line,
    Polygon,
    json_is_finite,
    line_problems,
    polygon_problems,
    to_pixels,
)

SQUARE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
FRACTIONS = "both numbers go from 0 to 1"
# An arrow head that points up with a notch in its foot at (5, 5).
NOTCHED = [(0.0, 10.0), (5.0, 0.0), (10.0, 10.0), (5.0, 5.0)]


# --- the oracle: winding number by quadrants, in whole numbers ------------------------------------
# It shares no step with the code under test: no ray, no floats, no orientation filter.


def as_whole(values: list[float]) -> list[int]:
    """Return the values times one common power of two, as exact whole numbers."""
    parts = [Fraction(value) for value in values]
    scale = max(part.denominator for part in parts)
    return [int(part * scale) for part in parts]


def oracle_contains(vertices: list[tuple[float, float]], point: tuple[float, float]) -> bool:
    flat = as_whole([value for pair in [*vertices, point] for value in pair])
    px, py = flat[-2:]
    corners = [(x - px, y - py) for x, y in zip(flat[:-2:2], flat[1:-2:2], strict=True)]
    quarter_turns = 0
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        cross, dot = ax * by - ay * bx, ax * bx + ay * by
        if cross == 0 and dot <= 0:
            return True
        step = (quadrant(bx, by) - quadrant(ax, ay)) % 4
        quarter_turns += {0: 0, 1: 1, 2: 2 if cross > 0 else -2, 3: -1}[step]
    return quarter_turns != 0


def quadrant(x: int, y: int) -> int:
    if x > 0 and y >= 0:
        return 0
    if x <= 0 and y > 0:
        return 1
    return 2 if x < 0 else 3


# --- random concave polygons and hard points ------------------------------------------------------


def concave_polygon(rng: random.Random) -> list[tuple[float, float]]:
    """Return a simple polygon around (0.5, 0.5), usually concave: corners sorted by angle."""
    grid = rng.choice([None, 8, 64, 1024])
    while True:
        corners = []
        for k in range(rng.randint(3, 14)):
            angle = 2 * math.pi * (k + rng.random() * 0.9) / 14
            radius = rng.uniform(0.05, 0.5)
            x, y = 0.5 + radius * math.cos(angle * 1.07), 0.5 + radius * math.sin(angle * 1.07)
            corners.append(
                (x, y) if grid is None else (round(x * grid) / grid, round(y * grid) / grid)
            )
        if not polygon_problems(corners, "drawn"):
            return corners if rng.random() < 0.5 else corners[::-1]


def hard_points(
    rng: random.Random, corners: list[tuple[float, float]], count: int
) -> list[tuple[float, float]]:
    """Return points everywhere, most of them on, or one bit beside, corners and sides."""
    points: list[tuple[float, float]] = []
    while len(points) < count:
        a, b = rng.choice(list(zip(corners, corners[1:] + corners[:1], strict=True)))
        share = rng.choice([0.5, 0.25, 0.75, 0.125, 2.0, -1.0, rng.random()])
        on_side = (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
        beside = (math.nextafter(on_side[0], rng.choice([-9, 9])), on_side[1])
        level = (rng.random(), a[1])
        points += [a, on_side, beside, level, (rng.random(), rng.random())]
    return points[:count]


def test_points_in_concave_polygons_agree_with_an_exact_oracle() -> None:
    rng = random.Random(20_251_121)
    seen = on_border_or_corner = concave = mismatches = 0
    while seen < 100_000:
        corners = concave_polygon(rng)
        polygon = Polygon(corners)
        points = hard_points(rng, corners, 500)
        want = [oracle_contains(corners, point) for point in points]
        many = polygon.contains_many(np.array(points))
        one = [polygon.contains(point) for point in points]
        mismatches += sum(
            w != m or w != o for w, m, o in zip(want, many.tolist(), one, strict=True)
        )
        seen += len(points)
        turns = {
            Line(a, b).side(c) > 0
            for a, b, c in zip(
                corners, corners[1:] + corners[:1], corners[2:] + corners[:2], strict=True
            )
        }
        concave += len(turns) == 2
        on_border_or_corner += sum(
            any(
                Line(a, b).side(p) == 0 and Line(a, b).crosses_extent(p, p)
                for a, b in polygon.sides()
            )
            for p in points
        )
    assert mismatches == 0
    # The points are as hard as the test says they are.
    assert concave > 100
    assert 30_000 < on_border_or_corner < 70_000


def test_the_grid_where_plain_floats_fail_is_classified_exactly() -> None:
    # Kettner et al., "Classroom examples of robustness problems" (2008), figure 2.
    ulp = 2.0**-53
    triangle = [(12.0, 12.0), (24.0, 24.0), (0.0, 24.0)]
    through = Polygon([(-1.0, -1.0), *triangle[1:2], (-1.0, 24.0)])
    points = [(0.5 + i * ulp, 0.5 + j * ulp) for i in range(64) for j in range(64)]
    line = Line((12.0, 12.0), (24.0, 24.0))
    plainly_wrong = 0
    for (x, y), inside in zip(points, through.contains_many(points).tolist(), strict=True):
        true = (y > x) - (y < x)
        side = line.side((x, y))
        assert (side > 0) - (side < 0) == true
        assert inside == (y >= x) == through.contains((x, y))
        plain = 12.0 * (y - 12.0) - 12.0 * (x - 12.0)
        plainly_wrong += (plain > 0) - (plain < 0) != true
    assert plainly_wrong > 100


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_very_small_and_very_large_coordinates_stay_exact(scale: float) -> None:
    corners = [(x * scale, y * scale) for x, y in [(0, 0), (1, 1 / 3), (0.7, 1), (0.3, 0.4)]]
    a, b = corners[0], corners[1]
    middle = (a[0] + (b[0] - a[0]) / 2, a[1] + (b[1] - a[1]) / 2)
    up = (middle[0], math.nextafter(middle[1], -math.inf))
    down = (middle[0], math.nextafter(middle[1], math.inf))
    points = [middle, up, down, *corners]
    want = [oracle_contains(corners, point) for point in points]
    assert Polygon(corners).contains_many(points).tolist() == want
    assert [Polygon(corners).contains(point) for point in points] == want
    assert Line(a, b).side(up) < 0 < Line(a, b).side(down)


@pytest.mark.parametrize("exponent", [-1060, -537, -530, -510, 0, 500])
def test_products_too_small_or_too_large_for_a_float_do_not_change_a_side(exponent: int) -> None:
    rng = random.Random(exponent)
    scale = 2.0**exponent
    mismatches = 0
    for _ in range(3000):
        ax, ay, bx, by = (rng.random() * scale for _ in range(4))
        share = rng.random()
        px, py = ax + (bx - ax) * share, ay + (by - ay) * share
        exact = as_whole([ax, ay, bx, by, px, py])
        cross = (exact[2] - exact[0]) * (exact[5] - exact[1]) - (exact[3] - exact[1]) * (
            exact[4] - exact[0]
        )
        side = Line((ax, ay), (bx, by)).side((px, py))
        triangle = Polygon([(ax, ay), (bx, by), (bx + ax - ay, by)])
        mismatches += (side > 0) - (side < 0) != (cross > 0) - (cross < 0)
        mismatches += triangle.contains_many([(px, py)])[0] != oracle_contains(
            list(triangle.vertices), (px, py)
        )
    assert mismatches == 0


def test_rounded_differences_with_subnormal_products_do_not_flip_a_side() -> None:
    # Found by search: both differences and products round so that plain floats give the other
    # sign, while the usual error bound is itself rounded down to nothing.
    a, b, p = [(-1.0, -1.25), (-2.0, 0.0), (-1.0, 0.0)]
    ulp, unit = 2.0**-53, 2.0**-537
    a = (a[0] * ulp / 2 * unit, a[1] * ulp * unit)
    b = ((1 + b[0] * ulp) * unit, unit)
    p = ((0.5 + p[0] * ulp) * unit, 0.5 * unit)
    cross = (Fraction(b[0]) - Fraction(a[0])) * (Fraction(p[1]) - Fraction(a[1])) - (
        Fraction(b[1]) - Fraction(a[1])
    ) * (Fraction(p[0]) - Fraction(a[0]))
    plain = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
    side = Line(a, b).side(p)
    assert plain * int(math.copysign(1, cross)) < 0
    assert (side > 0) - (side < 0) == (cross > 0) - (cross < 0)
    triangle = [a, b, (a[0], 2 * unit)]
    assert Polygon(triangle).contains_many([p]).tolist() == [oracle_contains(triangle, p)]
    assert Polygon(triangle).contains(p) is oracle_contains(triangle, p)


# --- polygons by table ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        ((5.0, 5.0), True),
        ((0.0, 0.0), True),
        ((10.0, 10.0), True),
        ((10.0, 5.0), True),
        ((5.0, 0.0), True),
        ((math.nextafter(10.0, 11.0), 5.0), False),
        ((5.0, math.nextafter(0.0, -1.0)), False),
        ((-1.0, 0.0), False),
        ((11.0, 10.0), False),
        ((math.nan, 5.0), False),
        ((5.0, math.inf), False),
        ((-math.inf, 5.0), False),
    ],
)
def test_sides_and_corners_belong_to_a_square_whichever_way_it_is_walked(
    point: tuple[float, float], inside: bool
) -> None:
    for corners in (SQUARE, SQUARE[::-1], SQUARE[2:] + SQUARE[:2]):
        assert Polygon(corners).contains(point) is inside
        assert Polygon(corners).contains_many([point]).tolist() == [inside]


def test_the_notch_of_a_concave_polygon_is_outside_and_its_tip_inside() -> None:
    points = [(5.0, 5.0), (5.0, 5.1), (5.0, 9.0), (5.0, 4.9), (2.5, 7.5), (5.0, 0.0), (0.0, 0.0)]
    want = [True, False, False, True, True, True, False]
    for corners in (NOTCHED, NOTCHED[::-1]):
        assert Polygon(corners).contains_many(points).tolist() == want
        assert [Polygon(corners).contains(point) for point in points] == want


def test_no_points_give_no_answers_and_single_precision_points_are_taken_as_they_are() -> None:
    assert Polygon(SQUARE).contains_many(np.zeros((0, 2))).shape == (0,)
    tenth = np.float32(0.1)
    border = Polygon([(0.0, 0.0), (float(tenth), 0.0), (float(tenth), 1.0), (0.0, 1.0)])
    points = np.array([[tenth, 0.5], [np.nextafter(tenth, np.float32(1)), 0.5]], dtype=np.float32)
    assert border.contains_many(points).tolist() == [True, False]


def test_more_points_than_one_batch_are_all_answered() -> None:
    xs = np.linspace(-5, 15, 150_001)
    inside = Polygon(SQUARE).contains_many(np.column_stack([xs, np.full_like(xs, 5.0)]))
    assert inside.tolist() == ((xs >= 0) & (xs <= 10)).tolist()


def test_polygons_are_equal_by_their_corners_and_cannot_be_changed() -> None:
    assert Polygon(SQUARE) == Polygon(np.array(SQUARE))
    assert hash(Polygon(SQUARE)) == hash(Polygon(SQUARE))
    with pytest.raises(AttributeError):
        Polygon(SQUARE).vertices = ()  # type: ignore[misc]


@pytest.mark.parametrize("corners", [SQUARE[:2], [], [(0, 0), (1, 0), (math.nan, 1)]])
def test_a_polygon_of_nonsense_cannot_be_made(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="polygon"):
        Polygon(corners)


# --- lines by table -------------------------------------------------------------------------------


def test_the_right_hand_side_of_a_walked_line_is_positive_on_a_picture_with_y_down() -> None:
    walked_right = Line((0.0, 5.0), (10.0, 5.0))
    assert walked_right.side((3.0, 9.0)) == 40.0
    assert walked_right.side((3.0, 1.0)) == -40.0
    assert walked_right.side((99.0, 5.0)) == 0.0
    walked_left = Line((10.0, 5.0), (0.0, 5.0))
    assert walked_left.side((3.0, 9.0)) == -40.0
    assert math.isnan(walked_left.side((math.nan, 0.0)))


def test_offset_is_a_distance_that_grows_towards_the_inside() -> None:
    assert Line((0.0, 5.0), (10.0, 5.0), "right").offset((3.0, 9.0)) == 4.0
    assert Line((0.0, 5.0), (10.0, 5.0), "left").offset((3.0, 9.0)) == -4.0
    assert Line((0.0, 0.0), (3.0, 4.0)).offset((-4.0, 3.0)) == 5.0
    assert (
        Line((0, 0), (1, 1), "right").inside_sign,
        Line((0, 0), (1, 1), "left").inside_sign,
    ) == (
        1,
        -1,
    )


@pytest.mark.parametrize(
    ("p", "q", "meets"),
    [
        ((5.0, 0.0), (5.0, 10.0), True),
        ((0.0, 0.0), (0.0, 10.0), True),
        ((10.0, 0.0), (10.0, 5.0), True),
        ((5.0, 0.0), (5.0, 4.9), False),
        ((5.0, 5.0), (5.0, 5.0), True),
        ((5.0, 4.0), (5.0, 4.0), False),
        ((11.0, 0.0), (11.0, 10.0), False),
        ((-5.0, 0.0), (-1.0, 10.0), False),
        ((math.nextafter(10.0, 11.0), 0.0), (math.nextafter(10.0, 11.0), 10.0), False),
        ((-3.0, 5.0), (-1.0, 5.0), False),
        ((-3.0, 5.0), (0.0, 5.0), True),
        ((2.0, 5.0), (3.0, 5.0), True),
        ((math.nan, 0.0), (5.0, 10.0), False),
    ],
)
def test_a_way_meets_a_line_only_between_its_ends_in_both_directions(
    p: tuple[float, float], q: tuple[float, float], meets: bool
) -> None:
    for a, b in [((0.0, 5.0), (10.0, 5.0)), ((10.0, 5.0), (0.0, 5.0))]:
        assert Line(a, b).crosses_extent(p, q) is meets
        assert Line(a, b).crosses_extent(q, p) is meets


@pytest.mark.parametrize(
    ("a", "b", "side", "message"),
    [
        ((1.0, 1.0), (1.0, 1.0), "right", "two different ends"),
        ((math.inf, 1.0), (1.0, 1.0), "right", "finite"),
        ((0.0, 0.0), (1.0, 1.0), "up", "'right' or 'left'"),
    ],
)
def test_a_line_of_nonsense_cannot_be_made(
    a: tuple[float, float], b: tuple[float, float], side: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Line(a, b, side)  # type: ignore[arg-type]


def test_fractions_become_pixels_of_the_frame() -> None:
    assert to_pixels([(0.0, 0.0), (0.5, 0.25), (1.0, 1.0)], 1920, 1080).tolist() == [
        [0.0, 0.0],
        [960.0, 270.0],
        [1920.0, 1080.0],
    ]


# --- what people draw -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vertices",
    [
        [[0, 0], [1, 0], [1, 1], [0, 1]],
        [[0.1, 0.9], [0.5, 0.1], [0.9, 0.9], [0.5, 0.5]],
        [[0, 0], [0.5, 0], [1, 0], [1, 1]],
        ((0.2, 0.2), (0.8, 0.2), (0.5, 0.8)),
    ],
)
def test_a_good_polygon_has_no_problems_whichever_way_it_is_drawn(
    vertices: list[list[float]],
) -> None:
    assert polygon_problems(vertices, "till") == []
    assert polygon_problems(vertices[::-1], "till") == []


@pytest.mark.parametrize(
    ("vertices", "problem"),
    [
        ([[0, 0], [1, 1]], "Zone 'till' needs at least 3 vertices, got 2."),
        ([], "Zone 'till' needs at least 3 vertices, got 0."),
        ([[0, 0]] * 201, "Zone 'till' needs at most 200 vertices, got 201."),
        (None, "Zone 'till' needs a list of [x, y] vertices, got None."),
        ("0,0 1,1", "Zone 'till' needs a list of [x, y] vertices, got '0,0 1,1'."),
        (
            [[0, 0], [1, 0], [0, 0]],
            "Zone 'till' needs at least 3 different vertices, got 2.",
        ),
        (
            [[0, 0], [1, 0], [1, 1], [0, 0]],
            "Zone 'till': vertices 1 and 4 are the same point (0.0, 0.0); give each vertex once.",
        ),
        ([[0, 0], [1, 0], [1]], "Zone 'till': vertex 3 must be two numbers [x, y], got [1]."),
        (
            [[0, 0], [1, 0], ["1", 1]],
            "Zone 'till': vertex 3 must be two numbers [x, y], got ['1', 1].",
        ),
        (
            [[0, 0], [True, 0], [1, 1]],
            "Zone 'till': vertex 2 must be two numbers [x, y], got [True, 0].",
        ),
        (
            [[0, 0], [1.2, 0], [1, 1]],
            f"Zone 'till': vertex 2 lies outside the picture: [1.2, 0]; {FRACTIONS}.",
        ),
        (
            [[0, 0], [1, -0.001], [1, 1]],
            f"Zone 'till': vertex 2 lies outside the picture: [1, -0.001]; {FRACTIONS}.",
        ),
        (
            json.loads("[[0, 0], [1e999, 0], [1, 1]]"),
            "Zone 'till': vertex 2 must be finite numbers, got [inf, 0].",
        ),
        (
            json.loads("[[0, 0], [1, 0], [0.5, NaN]]"),
            "Zone 'till': vertex 3 must be finite numbers, got [0.5, nan].",
        ),
        (
            [[0, 0], [0.5, 0.5], [1, 1]],
            "Zone 'till' has no area: all its vertices lie on one line.",
        ),
        (
            [[0, 0], [1, 1], [1, 0], [0, 1]],
            "Zone 'till' crosses itself: side 1-2 meets side 3-4.",
        ),
    ],
)
def test_a_bad_polygon_is_refused_in_plain_words(vertices: object, problem: str) -> None:
    assert polygon_problems(vertices, "till") == [problem]


@pytest.mark.parametrize(
    ("why", "vertices"),
    [
        ("a corner touches a far side", [[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]]),
        ("a side returns along itself", [[0, 0], [1, 0], [0.5, 0], [0.5, 1]]),
        (
            "a spike goes out and back",
            [[0, 0], [0.5, 0], [0.5, 0.5], [0.9, 0.5], [0.4, 0.5]],
        ),
        (
            "two sides lie on one another",
            [[0, 0], [0.8, 0], [0.8, 0.5], [0.6, 0], [0.2, 0], [0.2, 0.5]],
        ),
        ("a figure of eight", [[0, 0], [0.5, 0.5], [1, 0], [1, 1], [0.5, 0.4], [0, 1]]),
    ],
)
def test_sides_that_cross_or_touch_are_refused(why: str, vertices: list[list[float]]) -> None:
    for turned in range(len(vertices)):
        drawn = vertices[turned:] + vertices[:turned]
        for way in (drawn, drawn[::-1]):
            problems = polygon_problems(way, "till")
            assert len(problems) == 1, why
            assert problems[0].startswith("Zone 'till' crosses itself: side ")


def test_every_bad_vertex_is_named() -> None:
    problems = polygon_problems([[0, 2], [1, 0], [math.nan, 1], "x" * 99], "till")
    assert [problem.split(": ")[1].split(" ")[:2] for problem in problems] == [
        ["vertex", "1"],
        ["vertex", "3"],
        ["vertex", "4"],
    ]
    assert len(problems[2]) < 100


def test_a_drawn_line_needs_two_different_ends_on_the_picture() -> None:
    assert line_problems([0.1, 0.5], [0.9, 0.5], "door") == []
    assert line_problems([0.1, 0.5], [0.1, 0.5], "door") == [
        "Line 'door' needs two different ends, got (0.1, 0.5) twice."
    ]
    assert line_problems([0.1, math.inf], None, "door") == [
        "Line 'door': its start must be finite numbers, got [0.1, inf].",
        "Line 'door': its end must be two numbers [x, y], got None.",
    ]


@pytest.mark.parametrize("value", [1, "inf", None, [1.5, {"a": [0.1]}], {"a": {"b": [True]}}])
def test_json_of_finite_numbers_is_finite_however_deep(value: object) -> None:
    assert json_is_finite(value)


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, [0.0, math.nan], {"a": [{"b": math.inf}]}, [[[math.nan]]]]
)
def test_json_with_an_infinite_number_is_not_however_deep(value: object) -> None:
    assert not json_is_finite(value)
