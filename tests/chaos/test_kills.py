"""Real processes, a real PostgreSQL, a real Valkey, killed by lot: no fact may show it."""

from __future__ import annotations

import secrets
import sys

import pytest

from tests.chaos import takes_minutes
from tools.chaos import doubles, kills, poison

pytestmark = [takes_minutes, pytest.mark.slow, pytest.mark.timeout(600)]


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@pytest.fixture
def seed() -> int:
    """Draw a new seed; a failure prints it, ``SEED=... make chaos`` repeats its order."""
    drawn = secrets.randbelow(2**31)
    tell(f"SEED={drawn}")
    return drawn


def told(outcome: kills.Outcome, lines: list[tuple[str, str]]) -> None:
    tell("\n".join(f"{what}: {said}" for what, said in lines))
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert outcome.rollups.startswith("0 rows differ of ")
    assert set(outcome.states) == {"done"}
    assert outcome.facts > 100


def test_two_dozen_kills_of_mixed_victims_leave_no_trace_in_the_facts(seed):
    size = kills.Size(kills=25, recordings=20, seconds=60, workers=3)
    outcome = kills.run(seed, size, tell)
    told(outcome, kills.report(outcome))
    assert outcome.kills.total() == 25
    assert outcome.states["done"] == 20


def test_messages_sent_ten_times_two_schedulers_and_clocks_that_jump_count_once(seed):
    outcome = doubles.run(seed, tell, recordings=4, seconds=40)
    told(outcome, doubles.report(outcome))


def test_poison_is_set_aside_within_a_minute_and_three_attempts(seed):
    outcome = poison.run(seed, tell, poisonous=1, good=4, seconds=40)
    tell("\n".join(f"{what}: {said}" for what, said in poison.report(outcome)))
    assert outcome.set_aside, outcome
