"""Real processes, a real PostgreSQL, a real Valkey, killed by lot: no fact may show it."""

from __future__ import annotations

import sys

import pytest

from tests.chaos import FULL
from tools.chaos import doubles, kills, poison

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(1800)]
SIZE = kills.Size(kills=12, recordings=8, seconds=40, workers=3, every_s=(0.8, 2.4))
FULL_SIZE = kills.Size(kills=25, recordings=20, seconds=60, workers=3)


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def told(outcome: kills.Outcome, lines: list[tuple[str, str]]) -> None:
    tell("\n".join(f"{what}: {said}" for what, said in lines))
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert outcome.rollups.startswith("0 rows differ of ")
    assert set(outcome.states) == {"done"}
    assert outcome.facts > 50


def test_kills_of_mixed_victims_leave_no_trace_in_the_facts(seed):
    size = FULL_SIZE if FULL else SIZE
    outcome = kills.run(seed, size, tell)
    told(outcome, kills.report(outcome))
    assert outcome.kills.total() == size.kills
    assert len(outcome.kills) >= 6, "each kind of victim has its share"
    assert outcome.states["done"] == size.recordings


def test_messages_sent_ten_times_two_schedulers_and_clocks_that_jump_count_once(seed):
    outcome = doubles.run(seed, tell, recordings=4, seconds=40 if FULL else 30)
    told(outcome, doubles.report(outcome))


def test_poison_is_set_aside_after_three_attempts(seed):
    """How soon, and what it costs the neighbours, is timed by ``make chaos`` alone."""
    outcome = poison.run(seed, tell, poisonous=1, good=3, seconds=30, pace_s=0.2)
    tell("\n".join(f"{what}: {said}" for what, said in poison.report(outcome)))
    assert outcome.set_aside, outcome
    assert outcome.deaths >= poison.MOST_ATTEMPTS
