"""Sentences from numbers: each rule on facts small enough to check by head."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.insights import WEEK, Facts, HourFacts, Insight, ZoneFacts, insights
from analytics.wording_check import numbers_of

BERLIN = ZoneInfo("Europe/Berlin")
# A Tuesday.
DAY = datetime(2026, 6, 2, tzinfo=BERLIN)


def hours(*entries: int | None, day: datetime = DAY, first: int = 9, **said) -> list[HourFacts]:
    """Return the hours of a day from nine o'clock on, of which everything was seen."""
    return [
        HourFacts(
            day.replace(hour=first + n),
            count,
            count,
            None if count is None else said.get("observed", 1.0),
            **{name: value for name, value in said.items() if name != "observed"},
        )
        for n, count in enumerate(entries)
    ]


def said(rule: str, facts: Facts) -> str:
    return next((each.text for each in insights(facts).sentences if each.rule == rule), "")


def missing(rule: str, facts: Facts) -> str:
    return next((each.text for each in insights(facts).missing if each.rule == rule), "")


def numbers(rule: str, facts: Facts) -> dict[str, object]:
    each = next(each for each in insights(facts).sentences if each.rule == rule)
    return {number.name: number.value for number in each.numbers}


# --- Change --------------------------------------------------------------------------------------


def test_a_change_is_told_of_the_hours_seen_both_times_alone():
    facts = Facts(hours(10, 20, 30, 40), hours(10, 10, 20, 99, day=DAY - WEEK)[:3])
    assert said("change", facts) == (
        "50 % more people came in than in the same hours of the week before "
        "(60 against 40, in 3 hours seen both times)."
    )
    assert numbers("change", facts) == {
        "change": 0.5, "came in": 60, "came in before": 40, "hours compared": 3, "weeks before": 1,
    }  # fmt: skip


def test_fewer_and_about_as_many_are_told_as_such():
    fewer = Facts(hours(10, 10, 10), hours(20, 10, 10, day=DAY - WEEK))
    assert said("change", fewer).startswith("25 % fewer people came in")
    level = Facts(hours(20, 20, 21), hours(20, 20, 20, day=DAY - WEEK))
    assert said("change", level).startswith("About as many people came in")


def test_longer_spans_are_compared_with_whole_weeks_before():
    facts = Facts(hours(30, 30, 30), hours(10, 10, 10, day=DAY - 4 * WEEK), back=4 * WEEK)
    assert "200 % more" in said("change", facts)
    assert "the same hours of 4 weeks before" in said("change", facts)


def test_across_the_change_of_clocks_the_wall_clock_decides():
    spring = datetime(2026, 4, 1, tzinfo=BERLIN)  # clocks changed on 29 March
    facts = Facts(hours(30, 30, 30, day=spring), hours(20, 20, 20, day=spring - WEEK))
    assert "50 % more" in said("change", facts)


def test_of_an_hour_that_occurs_twice_the_first_alone_has_a_like_one():
    night = datetime(2026, 10, 25, 2, tzinfo=BERLIN)
    twice = [HourFacts(night.replace(fold=fold), 50, 50, 1.0) for fold in (0, 1)]
    before = hours(30, 20, 20, 20, day=night - WEEK, first=2)
    facts = Facts([*twice, *hours(20, 20, 20, day=night, first=3)], before)
    assert numbers("change", facts)["hours compared"] == 4
    assert numbers("change", facts)["came in"] == 110


# --- Hours ---------------------------------------------------------------------------------------


def test_the_busiest_hour_stands_beside_what_is_usual_then():
    weeks = [hours(10, n, 10, day=DAY - k * WEEK) for k, n in ((3, 12), (2, 14), (1, 16))]
    facts = Facts(hours(10, 29, 10), [hour for week in weeks for hour in week])
    assert said("busiest_hour", facts) == (
        "Busiest: Tuesday 2 June, 10:00, with 29 coming in; "
        "Tuesday 10:00 usually has 14, by 3 hours before."
    )
    few = Facts(hours(10, 29, 10), weeks[0])
    assert said("busiest_hour", few) == "Busiest: Tuesday 2 June, 10:00, with 29 coming in."


def test_all_ties_of_the_busiest_hour_are_named():
    facts = Facts(hours(9, 9, 1, 9, 9, 9))
    assert said("busiest_hour", facts) == (
        "Busiest: Tuesday 2 June, 09:00 and Tuesday 2 June, 10:00 and Tuesday 2 June, 12:00 "
        "and 2 more, with 9 coming in each."
    )


def test_quiet_is_the_hour_with_fewest_people_over_some_days():
    days = [hours(4, 2, 9, 0, day=DAY + timedelta(days=n)) for n in range(3)]
    facts = Facts([hour for day in days for hour in day])
    assert said("quiet_hours", facts) == (
        "Quietest: 10:00, with 2.0 people an hour over 3 days; a usual hour has 5.0."
    )
    assert "3 days" in missing("quiet_hours", Facts(days[0] + days[1]))


# --- What was not seen ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        {"observed": 0.949},
        {"complete": False},
        {"open_ms": 0},
    ],
)
def test_no_rule_speaks_of_hours_hardly_seen_still_going_on_or_closed(bad):
    """A thousand people in such hours move no sentence."""
    before = hours(20, 20, 20, day=DAY - WEEK)
    good = hours(10, 12, 10)
    loud = hours(1000, 1000, 1000, first=13, **bad)
    loud_before = hours(1, 1, 1, first=13, day=DAY - WEEK)
    with_loud = insights(Facts([*good, *loud], [*before, *loud_before]))
    without = insights(Facts(good, [*before, *loud_before]))
    rules = {each.rule: each for each in with_loud.sentences if each.rule != "partly_seen"}
    assert rules == {each.rule: each for each in without.sentences}
    assert rules["busiest_hour"].text.endswith("with 12 coming in.")


def test_partly_seen_is_said_first_and_how_much_is_left_out():
    half = [*hours(20, 20, 30), *hours(5, first=12, observed=0.5), *hours(None, first=13)]
    facts = Facts(half, hours(20, 20, 20, day=DAY - WEEK))
    first = insights(facts).sentences[0]
    assert first.rule == "partly_seen"
    assert (
        first.text == "Only 70 % of the time was seen. What is said here leaves 2 hours of 5 out."
    )
    unset = Facts(half, has_opening_hours=False)
    assert "no opening hours yet" in said("partly_seen", unset)
    assert said("partly_seen", Facts(hours(20, 20, 30))) == ""


def test_of_nothing_seen_nothing_is_said_but_what_is_missing():
    facts = Facts(hours(None, None, None), zones=[ZoneFacts("Till", True, 0, None)])
    found = insights(facts)
    assert [each.rule for each in found.sentences] == ["partly_seen"]
    assert found.sentences[0].text.endswith("No hour was seen well enough to speak of.")
    assert {each.rule for each in found.missing} == {
        "change", "busiest_hour", "quiet_hours", "queue_wait",
    }  # fmt: skip
    assert "20 people then; there are 0 hours with 0." in missing("change", facts)
    assert insights(Facts([])).sentences == []


# --- Doors and zones -----------------------------------------------------------------------------


def test_ins_and_outs_that_do_not_match_are_warned_of():
    lost = [HourFacts(DAY.replace(hour=n), 20, 15, 1.0) for n in (9, 10, 11)]
    assert said("balance", Facts(lost)).startswith(
        "15 more people came in than went out in the hours that were seen (60 in, 45 out)"
    )
    found = [HourFacts(DAY.replace(hour=n), 20, 25, 1.0) for n in (9, 10, 11)]
    assert "more people went out than came in" in said("balance", Facts(found))
    fine = [HourFacts(DAY.replace(hour=n), 20, 18, 1.0) for n in (9, 10, 11)]
    assert said("balance", Facts(fine)) == ""


def test_the_zone_that_holds_people_longest_is_named_and_queues_are_not():
    zones = [
        ZoneFacts("Shelf", False, 12, 92.4),
        ZoneFacts("Door mat", False, 40, 8.0),
        ZoneFacts("Rare", False, 9, 900.0),
        ZoneFacts("Queue", True, 40, 300.0),
    ]
    assert said("longest_dwell", Facts([], zones=zones)) == (
        "People stay longest at “Shelf”: a typical stay is 1 min 32 s, by 12 stays."
    )
    assert "two zones with 10 stays" in missing("longest_dwell", Facts([], zones=zones[:1]))
    assert missing("longest_dwell", Facts([], zones=zones[3:])) == ""


def test_waiting_that_grew_is_told_and_waiting_that_did_not_is_not():
    grew = ZoneFacts("Queue [zone B]", True, 30, 130.0, 25, 100.0)
    steady = ZoneFacts("Other", True, 30, 105.0, 25, 100.0)
    assert said("queue_wait", Facts([], zones=[steady, grew])) == (
        "Waiting at “Queue [zone B]” takes 2 min 10 s, 30 s longer than before (1 min 40 s), "
        "by 30 waits."
    )
    assert said("queue_wait", Facts([], zones=[steady])) == ""
    fresh = ZoneFacts("New", True, 30, 130.0, 3, 10.0)
    assert "10 waits now" in missing("queue_wait", Facts([], zones=[fresh]))


def test_every_number_of_a_sentence_is_one_that_it_cites():
    weeks = [hours(10, n, 10, day=DAY - k * WEEK) for k, n in ((3, 12), (2, 14), (1, 16))]
    zones = [ZoneFacts("A", False, 12, 92.4), ZoneFacts("B", False, 12, 9.0),
             ZoneFacts("C", True, 30, 130.0, 25, 100.0)]  # fmt: skip
    days = [hours(4, 1234, 9, day=DAY + timedelta(days=n)) for n in range(3)]
    own = [hour for day in days for hour in day]
    own.append(HourFacts(DAY.replace(hour=20), 900, 9, 1.0))
    own.append(HourFacts(DAY.replace(hour=21), None, None, None))
    found = insights(Facts(own, [hour for week in weeks for hour in week], zones)).sentences
    assert len(found) == 7
    for each in found:
        cited = cited_by(each)
        for token in numbers_of(each.template):
            assert any(token[0] == kind and abs(token[1] - value) <= half
                       for kind, value, half in cited), (each.text, token)  # fmt: skip


def cited_by(each: Insight) -> list[tuple[str, float, float]]:
    """Return what each cited number may be written as: kind, value, and half its last digit."""
    cited: list[tuple[str, float, float]] = []
    for number in each.numbers:
        if isinstance(number.value, str):
            at = number.value[-5:]
            cited.append(("clock", int(at[:2]) * 60 + int(at[3:]), 0))
            if len(number.value) > 5:
                cited.append(("plain", int(number.value[8:10]), 0))
        elif number.unit == "share":
            cited.append(("share", abs(number.value) * 100, 0.5))
        elif number.unit == "s":
            cited.append(("time", number.value, 0.5))
        else:
            cited.append(("plain", number.value, 0.5))
    return cited
