"""Every fault point has a story that passes it, and may be broken there in any way."""

from __future__ import annotations

import random
import secrets
import sys

import pytest

from tests.chaos import takes_minutes
from tools.chaos import breaking, stories, sweep


def test_every_fault_point_in_the_code_is_passed_by_a_story():
    told = [point for story in stories.STORIES.values() for point in story.points]
    assert sorted(told) == sorted(stories.points_in_code())
    assert len(told) >= 40


@takes_minutes
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_story_broken_anywhere_is_taken_to_the_same_end():
    """Each point once, in a way drawn by lot; all ways at all points are in ``make chaos``."""
    seed = secrets.randbelow(2**31)
    sys.stderr.write(f"SEED={seed}\n")
    every = [(case.story, case.point, case.way) for case in sweep.cases()]
    picked = breaking.one_way_a_point(every, random.Random(seed))
    swept = breaking.sweep(lambda _: None, picked)
    assert len(swept.wrong) == len(picked)
    assert swept.failures == {}
    assert all(count > 20 for count in swept.whole.values()), swept.whole
