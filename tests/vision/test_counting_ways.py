"""Ways that were followed already, counted with their own map and with others."""

import numpy as np
import pytest

from tests.vision.test_pipeline import DOOR, HEIGHT, SETUP, TILL, WIDTH, crowd, of, run
from tracking.overlay import pack_path, path_columns
from tracking.vision.counting import CountingParams, FollowedWay, HiddenParams, count_ways
from tracking.vision.events import LineCrossed, TrackEnded, ZoneLeft
from tracking.vision.pipeline import PipelineParams
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup

ENOUGH = 10_000_000
# What nobody can tell from kept ways is not told by the count that they are held against.
SEEN = PipelineParams(counting=CountingParams(hidden=HiddenParams(longest_ms=0, gone_ms=0)))
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def way(*points, pieces=None):
    """Return a way through these (ms, x, y), or through several such pieces."""
    kept = [path_columns(pack_path(piece)) for piece in (pieces or [points])]
    return FollowedWay(WIDTH, HEIGHT, 140.0, kept)


def kept_ways(events):
    """Return the ways that a count leaves behind, as they are stored."""
    return [
        FollowedWay(WIDTH, HEIGHT, 140.0, [path_columns(pack_path(ended.path))])
        for ended in of(events, TrackEnded)
    ]


def only(setup, *ways):
    counted = count_ways([SceneSetup(WIDTH, HEIGHT, **setup)], ways, ENOUGH)
    (found,) = counted.maps[0].values()
    return found


def numbers(events, told):
    """Return steps in, steps out and stays, first as the count told of them, then as the ways."""
    crossed = [event.direction for event in of(events, LineCrossed)]
    stays = len(told["till"].dwells_ms) + told["till"].censored
    return (
        [crossed.count("in"), crossed.count("out"), len(of(events, ZoneLeft))],
        [told["door"].entries, told["door"].exits, stays],
    )


def test_counted_with_their_own_map_ways_give_the_numbers_of_the_count_that_left_them():
    totals = np.zeros((2, 3), int)
    for seed in range(4, 8):
        events = run(crowd(seed, seconds=30), params=SEEN)
        told = count_ways([SETUP], kept_ways(events), ENOUGH).maps[0]
        both = np.array(numbers(events, told))
        # Foot points that were left out are known to a few pixels: a graze of an edge may differ.
        assert np.abs(both[0] - both[1]).max() <= 1, seed
        totals += both
    assert totals[0].min() > 10
    assert np.abs(totals[0] - totals[1]).sum() <= 2


def test_a_moved_line_counts_who_walks_over_its_new_place_alone():
    over = way((0, 0.5, 0.3), (1000, 0.5, 0.4), (2000, 0.5, 0.6), (3000, 0.5, 0.7))
    aside = LineSetup("door", "Door", "entrance", (0.6, 0.5), (0.9, 0.5))
    flipped = LineSetup("door", "Door", "entrance", DOOR.a, DOOR.b, "left")
    maps = [SceneSetup(WIDTH, HEIGHT, (), (line,)) for line in (DOOR, aside, flipped)]
    told = count_ways(maps, [over], ENOUGH).maps
    assert [(each["door"].entries, each["door"].exits) for each in told] == [(1, 0), (0, 0), (0, 1)]


def test_a_stay_is_as_long_as_the_way_is_in_the_drawn_outline():
    across = way(*((1000 * n, 0.1 + 0.1 * n, 0.75) for n in range(9)))
    wide = ZoneSetup("till", "Till", "queue", ((0.2, 0.6), (0.8, 0.6), (0.8, 0.9), (0.2, 0.9)))
    small = only({"zones": (TILL,)}, across)
    large = only({"zones": (wide,)}, across)
    assert (len(small.dwells_ms), small.censored) == (1, 0)
    assert small.dwells_ms[0] == pytest.approx(4000, abs=250)
    assert large.dwells_ms[0] == pytest.approx(6000, abs=250)


def test_who_is_lost_and_found_over_the_line_counts_once_and_no_way_is_made_up_in_a_hole():
    lost = [(0, 0.5, 0.35), (1000, 0.5, 0.4)]
    found = [(9000, 0.5, 0.6), (10_000, 0.5, 0.65)]
    one = only({"lines": (DOOR,)}, way(pieces=[lost, found]))
    assert (one.entries, one.exits) == (1, 0)
    # Two people: nobody went over.
    two = only({"lines": (DOOR,)}, way(*lost), way(*found))
    assert (two.entries, two.exits) == (0, 0)
    between = ZoneSetup("z", "Z", "display", ((0.4, 0.45), (0.6, 0.45), (0.6, 0.55), (0.4, 0.55)))
    hole = only({"zones": (between,)}, way(*lost, *found))
    assert (hole.dwells_ms, hole.censored) == ([], 0)


def test_feet_in_an_ignored_zone_are_nobodys():
    over = way((0, 0.3, 0.75), (1000, 0.4, 0.75), (2000, 0.45, 0.75), (3000, 0.45, 0.75))
    mirror = ZoneSetup("mirror", "Mirror", "ignore", LEFT_HALF)
    maps = [SceneSetup(WIDTH, HEIGHT, (TILL,)), SceneSetup(WIDTH, HEIGHT, (TILL, mirror))]
    with_it, without = (each["till"] for each in count_ways(maps, [over], ENOUGH).maps)
    assert (with_it.censored, without.censored) == (1, 0)


def test_the_bound_ends_the_count_after_a_whole_way_and_says_how_many_it_took():
    ways = [way((0, 0.5, 0.4), (1000, 0.5, 0.6))] * 5
    counted = count_ways([SETUP], ways, looks_at_most=7)
    assert counted.ways == 1
    assert counted.maps[0]["door"].entries == 1
    assert count_ways([SETUP], ways, ENOUGH).ways == 5


def test_a_way_far_from_every_shape_costs_no_look():
    far = [way((0, 0.01, 0.01), (1000, 0.02, 0.02))] * 3
    assert count_ways([SETUP], far, looks_at_most=1).ways == 3


def test_a_way_of_one_point_and_one_of_none_are_counted_without_harm():
    empty = (np.zeros(0, np.int64), np.zeros((0, 2)))
    nobody = FollowedWay(WIDTH, HEIGHT, 0.0, [empty])
    assert count_ways([SETUP], [way((0, 0.5, 0.7)), nobody], ENOUGH).ways == 2
