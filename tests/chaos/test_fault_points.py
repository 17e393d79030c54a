"""Every fault point has a story that passes it, and may be broken there in any way."""

from __future__ import annotations

import random
import sys

import pytest

from tests.chaos import FULL
from tests.recorder import test_kills
from tools.chaos import breaking, stories, sweep

Case = tuple[str, str, str]
FEW = 3  # of each way


def test_every_fault_point_in_the_code_is_passed_by_a_story():
    """Or by a recorder: it follows a stream and not a story, and is killed at each of its own."""
    told = [point for story in stories.STORIES.values() for point in story.points]
    assert sorted([*told, *test_kills.POINTS]) == sorted(stories.points_in_code())
    assert len(told) >= 40


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_a_story_broken_anywhere_is_taken_to_the_same_end(seed):
    """A few points, all of them in the full form, each in a way drawn by lot.

    Every way at every point is in ``make chaos``.
    """
    every = [(case.story, case.point, case.way) for case in sweep.cases()]
    lot = random.Random(seed)
    picked = breaking.one_way_a_point(every, lot)
    if not FULL:
        picked = drawn_of_each_way(picked, lot)
    swept = breaking.sweep(tell, picked)
    assert len(swept.wrong) == len(picked) >= len(sweep.WAYS)
    assert swept.failures == {}
    assert all(count > 20 for count in swept.whole.values()), swept.whole


def drawn_of_each_way(cases: list[Case], lot: random.Random) -> list[Case]:
    """Draw a few cases of each way to break something."""
    found = []
    for way in sweep.WAYS:
        found += lot.sample([case for case in cases if case[2] == way], FEW)
    return found


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
