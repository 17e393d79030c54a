"""The makers of films leave the tests' process as it was."""

from __future__ import annotations

import os

from tests.corpus.clips import CAMERA_SIZE, CAMERAS, film


def test_writing_a_film_gives_nobody_precedence_over_the_rest_of_the_machine():
    before = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    for container, codec in sorted({stored[:2] for stored in CAMERAS.values()}):
        film(container, codec, size=CAMERA_SIZE)
        after = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
        assert (codec, after) == (codec, before)
