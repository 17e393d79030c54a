"""Following a store's feed, in its short form; ``make chaos ARGS=live`` has the long one."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from tests.chaos import FULL
from tools.chaos import live
from tools.chaos.live_client import Follower, Person, Server

TRUTH = {"events": [[seq, f"event {seq}"] for seq in range(1, 9)], "entries": 4}
Spoil = Callable[[Follower], object]


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_nobody_misses_anything_whatever_breaks_and_all_show_the_same_numbers(seed):
    """And who numbers events before they can be seen is found out by the same readers."""
    outcome = live.run(seed, live.Size() if FULL else live.CI, tell)
    tell("\n".join(f"{what}: {said}" for what, said in live.report(outcome)))
    assert live.exact(outcome.caught_up)
    assert not live.exact(outcome.planted)
    assert outcome.wrong == []
    assert outcome.facts["re-counts and removals"] == 2


def client() -> Follower:
    """Make a client that has what the server has."""
    server = Server(0, "store", lambda _: None, [], Counter())
    made = Follower(server, Person("bob", ""), random.Random(1))
    made.events = [(seq, key) for seq, key in TRUTH["events"]]
    made.numbers = {"as_of_seq": 8, "today": {"entries": 4}, "zones": []}
    return made


def test_clients_that_have_it_all_are_right():
    assert live._wrong_with([client(), client()], TRUTH) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda one: one.events.pop(3), "1 missed"),
        (lambda one: one.events.pop(), "1 missed"),
        (lambda one: one.events.insert(3, one.events[3]), "1 twice"),
        (lambda one: one.events.append((9, "event 9")), "1 unheard of"),
        (lambda one: one.events.reverse(), "another order"),
        (lambda one: one.numbers.update(today={"entries": 6}), "shows 6 entries, not 4"),
        (lambda one: one.numbers.update(as_of_seq=7), "2 different pictures"),
    ],
)
def test_one_that_lacks_something_or_shows_something_else_is_found(spoil: Spoil, said: str):
    spoiled = client()
    spoil(spoiled)
    assert said in " ".join(live._wrong_with([client(), spoiled], TRUTH))
