"""Opening hours as stored, and what is wrong with them in words. Pure.

A week is ``{"mon": [["09:00", "18:00"]], "fri": [["20:00", "02:00"]]}``: a weekday that is left out
is closed, an empty week is always open. A special day is told by its date and replaces that
weekday's hours: ``{"2026-12-24": {"spans": [["09:00", "14:00"]], "name": "Christmas Eve"}}``. Where
`spans` is empty it is closed. Hours belong to the day on which they begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MINUTES_A_DAY = 24 * 60
# Counts are kept in steps of five minutes; hours between them could not be told apart.
STEP_MINUTES = 5
NAME_AT_MOST = 80
ONE_DAY = timedelta(days=1)
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")
# NUL, which PostgreSQL does not keep, and halves of pairs, which UTF-8 does not have.
_NO_CHARACTER = re.compile("[\\0\\ud800-\\udfff]")
_SPECIAL_FORM = '{"2026-12-24": {"spans": [["09:00", "14:00"]], "name": "Christmas Eve"}}'


class Span(NamedTuple):
    """Minutes after the midnight that begins a day; an end past 1440 lies in the day after."""

    start: int
    end: int


class _Placed(NamedTuple):
    """A span on a line of minutes, with its words."""

    start: int
    end: int
    day: str
    told: str


def spans_of(spans: Iterable[Sequence[str]]) -> list[Span]:
    """Return spans as minutes, earliest first; one that ends no later than it starts runs on."""
    found = []
    for opens, closes in spans:
        start, end = _minutes(opens), _minutes(closes)
        found.append(Span(start, end if end > start else end + MINUTES_A_DAY))
    return sorted(found)


def opening_hours_problems(value: object) -> list[str]:
    """Return what is wrong with a week's opening hours, one sentence each; empty when nothing is.

    A span whose end is not after its start runs past midnight; equal ends are refused, since they
    could mean never or always.
    """
    if not isinstance(value, dict):
        return [
            'Opening hours are a list of spans by weekday, such as {"mon": [["09:00", "18:00"]]}.'
        ]
    problems = []
    for day, spans in value.items():
        if day not in WEEKDAYS:
            problems.append(f"'{day}' is no weekday; use {', '.join(WEEKDAYS)}.")
        else:
            problems += _list_problems(WEEKDAY_NAMES[WEEKDAYS.index(day)], spans)
    return problems or _overlaps_of_week(value)


def special_days_problems(value: object, week: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with special days, also beside the days around them.

    Parameters
    ----------
    value : object
        Special days as stored.
    week : mapping
        The week's opening hours, without a problem.
    """
    if not isinstance(value, dict):
        return [f"Special days are spans by date, such as {_SPECIAL_FORM}."]
    problems = []
    for day, told in value.items():
        problems += _special_problems(day, told)
    return problems or _overlaps_of_special_days(value, week)


def _special_problems(day: object, told: object) -> list[str]:
    if not is_date(day):
        return [f"'{day}' is no date; write it as 2026-12-24."]
    if not isinstance(told, dict) or set(told) - {"spans", "name"} or "spans" not in told:
        return [f"{day}: a special day has spans and may have a name, such as {_SPECIAL_FORM}."]
    name = told.get("name", "")
    if not isinstance(name, str) or len(name) > NAME_AT_MOST:
        return [f"{day}: a name has at most {NAME_AT_MOST} characters."]
    if _NO_CHARACTER.search(name):
        return [f"{day}: the name holds a character that cannot be written down."]
    return _list_problems(str(day), told["spans"])


def is_date(value: object) -> bool:
    """Return whether this is a date written as 2026-12-24, in a year that people plan for."""
    try:
        return isinstance(value, str) and 2000 <= date.fromisoformat(value).year <= 2100 and (
            date.fromisoformat(value).isoformat() == value
        )  # fmt: skip
    except ValueError:
        return False


def _list_problems(day: str, spans: object) -> list[str]:
    if not isinstance(spans, list):
        return [f'The hours of {day} are a list of spans, such as [["09:00", "18:00"]].']
    return [f"{day}: {problem}" for span in spans if (problem := _span_problem(span))]


def _span_problem(span: object) -> str:
    """Return why a span is none, or an empty string."""
    if (
        not isinstance(span, list)
        or len(span) != 2
        or not all(isinstance(end, str) and _CLOCK.fullmatch(end) for end in span)
    ):
        return f"a span is an opening and a closing time as HH:MM, got {str(span)[:40]}."
    if span[0] == span[1]:
        return f"a span needs two different times, got {span[0]} twice."
    if span[0] == "24:00":
        return "a span cannot open at 24:00; write 00:00 on the day after."
    for end in span:
        if over := _minutes(end) % STEP_MINUTES:
            near = [
                clock_words(_minutes(end) - over),
                clock_words(_minutes(end) - over + STEP_MINUTES),
            ]
            return (
                f"times go in steps of {STEP_MINUTES} minutes, got {end}; use {' or '.join(near)}."
            )
    return ""


def _overlaps_of_week(week: Mapping[str, Any]) -> list[str]:
    placed = []
    for number, day in enumerate(WEEKDAYS):
        placed += _placed(number * MINUTES_A_DAY, WEEKDAY_NAMES[number], week.get(day, []))
    if not placed:
        return []
    # Sunday night runs into the week's first day.
    length = len(WEEKDAYS) * MINUTES_A_DAY
    first = placed[0]
    again = first._replace(start=first.start + length, end=first.end + length)
    return _overlaps([*placed, again] if len(placed) > 1 else placed)


def _overlaps_of_special_days(special: Mapping[str, Any], week: Mapping[str, Any]) -> list[str]:
    """Return overlaps within each special day and with the days on both sides of it."""
    problems: dict[str, None] = {}
    for told in sorted(special):
        day = date.fromisoformat(told)
        around = []
        for number in (-1, 0, 1):
            one = day + number * ONE_DAY
            if number == 0 or week or one.isoformat() in special:
                spans = _spans_stored(one, special, week)
                around += _placed(number * MINUTES_A_DAY, _day_words(one), spans)
        # What is wrong among the neighbours themselves is told with the week.
        problems |= dict.fromkeys(p for p in _overlaps(around) if _day_words(day) in p)
    return list(problems)


def _spans_stored(day: date, special: Mapping[str, Any], week: Mapping[str, Any]) -> Any:
    if day.isoformat() in special:
        return special[day.isoformat()]["spans"]
    return week.get(WEEKDAYS[day.weekday()], [])


def _placed(offset: int, day: str, spans: Iterable[Sequence[str]]) -> list[_Placed]:
    return [
        _Placed(offset + start, offset + end, day, f"{day} {clock_words(start)}-{clock_words(end)}")
        for start, end in spans_of(spans)
    ]


def _overlaps(placed: Sequence[_Placed]) -> list[str]:
    """Return a sentence for every span that begins before an earlier one has ended."""
    problems = []
    for index, later in enumerate(placed):
        earlier = max(placed[:index], key=lambda one: one.end, default=None)
        if earlier is None or earlier.end <= later.start:
            continue
        close, reopen = clock_words(later.start), clock_words(earlier.end)
        way = f"Let the first close at {close} or the second open at {reopen}"
        if earlier.start == later.start or later.end <= earlier.end:
            way = "Leave one of them out"
        problems.append(f"{earlier.told} and {later.told} overlap. {way}.")
    return problems


def _day_words(day: date) -> str:
    return f"{WEEKDAY_NAMES[day.weekday()]} {day.isoformat()}"


def _minutes(told: str) -> int:
    hours, minutes = told.split(":")
    return int(hours) * 60 + int(minutes)


def clock_words(minutes: int) -> str:
    """Return minutes after midnight as 18:05; what lies past 24:00 begins anew."""
    if minutes == MINUTES_A_DAY:
        return "24:00"
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
