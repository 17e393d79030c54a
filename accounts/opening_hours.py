"""Opening hours as stored: ``{"mon": [["09:00", "18:00"]], "fri": [["20:00", "02:00"]]}``."""

from __future__ import annotations

import re

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


def opening_hours_problems(value: object) -> list[str]:
    """Return what is wrong with opening hours, one sentence each; empty when nothing is.

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
        elif not isinstance(spans, list):
            problems.append(
                f'The hours of {day} are a list of spans, such as [["09:00", "18:00"]].'
            )
        else:
            problems += [f"{day}: {problem}" for span in spans if (problem := _span_problem(span))]
    return problems


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
    return ""
