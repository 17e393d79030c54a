"""Who is who in two counts of the same pictures, and how a difference is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.matching import VisitSpan, match_visits
from tracking.recount_words import (
    WHOLE_KNOWN,
    changes_between,
    done_words,
    open_words,
    reason_words,
)

NOON = datetime(2026, 11, 21, 12, 5, tzinfo=UTC)


def span(ordinal: int, walk: str, from_s: float, to_s: float) -> VisitSpan:
    return VisitSpan(ordinal, walk, round(from_s * 1000), round(to_s * 1000))


def match(old: list[VisitSpan], new: list[VisitSpan], also_old=(), also_new=()):
    return match_visits(
        old, new, {v.walk for v in old} | {*also_old}, {v.walk for v in new} | {*also_new}
    )


def test_the_same_walk_is_the_same_person_whatever_the_numbers_and_times():
    old = [span(0, "a", 0, 10), span(1, "b", 0, 10)]
    new = [span(0, "b", 0, 10), span(1, "a", 2, 30)]
    assert match(old, new) == [(1, 0), (0, 1)]


def test_two_visits_of_one_walk_are_told_apart_by_time():
    old = [span(0, "a", 0, 10), span(1, "a", 20, 30)]
    new = [span(0, "a", 19, 30), span(1, "a", 40, 50)]
    assert match(old, new) == [(1, 0), (0, 1)]


def test_someone_whose_walk_the_other_count_knows_is_nobody_else():
    """The old one is there in the new count, only without a visit."""
    assert match([span(0, "a", 0, 10)], [span(0, "b", 0, 10)], also_new={"a"}) == []
    assert match([span(0, "a", 0, 10)], [span(0, "b", 0, 10)], also_old={"b"}) == []


def test_a_walk_that_the_other_count_lacks_is_matched_by_time():
    assert match([span(0, "a", 0, 10)], [span(0, "b", 1, 10)]) == [(0, 0)]
    assert match([span(0, "a", 0, 10)], [span(0, "b", 6, 16)]) == []
    old = [span(0, "a", 0, 10), span(1, "b", 1, 11)]
    assert match(old, [span(0, "c", 1, 11)]) == [(1, 0)]


SPANS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.integers(0, 50)), max_size=6
)


@given(old=SPANS, new=SPANS)
def test_nobody_is_two_people_and_the_order_of_rows_does_not_matter(old, new):
    before = [span(n, walk, a, a + b) for n, (walk, a, b) in enumerate(old)]
    after = [span(n, walk, a, a + b) for n, (walk, a, b) in enumerate(new)]
    pairs = match(before, after)
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    assert match(before[::-1], after[::-1]) == pairs


def zone(name: str, **fields: Any) -> dict[str, Any]:
    corners = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]
    base = {"key": name, "name": name, "vertices": corners, "kind": "display"}
    return base | {"min_inside_ms": 400, "grace_ms": 1000, "min_dwell_ms": 0} | fields


def the_map(*zones, lines=()):
    return {"zones": list(zones), "lines": list(lines)}


MOVED: dict[str, Any] = {"vertices": [[0.2, 0.1], [0.5, 0.1], [0.5, 0.5]]}


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (the_map(zone("A")), the_map(zone("A")), []),
        (the_map(zone("A")), the_map(zone("A", **MOVED)), ["zone 'A' was redrawn"]),
        (the_map(zone("A")), the_map(zone("A", grace_ms=5)), ["zone 'A' was set differently"]),
        (the_map(), the_map(zone("A")), ["zone 'A' was added"]),
        (the_map(zone("A")), the_map(), ["zone 'A' was removed"]),
        (the_map(zone("A")), the_map(zone("A", valid_from_ms=-5)), []),
        (the_map(zone("A"), zone("A", **MOVED)), the_map(zone("A", **MOVED)),
         ["zone 'A' was redrawn"]),
    ],
)  # fmt: skip
def test_what_differs_between_two_maps_is_named(old, new, changes):
    assert changes_between(old, new) == changes


def told(now: datetime = NOON, **new: int) -> str:
    old = {"entries": 29, "exits": 1030, "visits": 2, "stays": 0}
    changes = ["zone 'Window table' was redrawn"]
    return done_words(
        at=NOON, now=now, zone="Europe/Berlin", changes=changes, old=old, new=old | new
    )


def test_a_number_that_changed_is_explained_in_one_sentence():
    start = "Counted again at 13:05 after zone 'Window table' was redrawn: "
    assert told(entries=31) == f"{start}31 in instead of 29."
    assert told(exits=2, visits=1, stays=3) == (
        f"{start}2 out instead of 1,030, 1 visit instead of 2, 3 zone stays instead of 0."
    )
    assert told() == f"{start}the numbers stayed the same."


def test_an_older_recount_says_its_day():
    assert told(NOON.replace(day=23)).startswith("Counted again on 21 November at 13:05 after")
    assert told(NOON.replace(year=2027)).startswith("Counted again on 21 November 2026 at 13:05")


def test_many_changes_are_not_all_named():
    assert reason_words(["a", "b"]) == "after a and b"
    assert reason_words(list("abcde")) == "after a, b, c and 2 more changes"
    assert reason_words([]) == "with the zones and lines of now"
    assert open_words(["a"], 3, 6).startswith("Being counted again after a: 3 of 6 parts.")
    final = open_words([WHOLE_KNOWN], 0, 6)
    assert final.startswith("Being counted once more, now that the whole recording is known: 0 of")
    assert "1 of 1 part." in open_words(["a"], 1, 1)
    assert final.endswith("the numbers are those of the first count.")
