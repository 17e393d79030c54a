"""The server writes numbers and times exactly as the scripts do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tracking.templatetags import ot

CASES = json.loads((Path(__file__).parent.parent / "js/cases.json").read_text())
FILTERS: dict[str, Callable[..., str]] = {
    "durationWords": ot.duration_words,
    "clockSeconds": ot.clock_s,
}
WITH_ZONE = {"clock", "clockSeconds", "day"}


@pytest.mark.parametrize("name", CASES)
def test_the_server_writes_as_the_scripts_do(name):
    write: Callable[..., str] = FILTERS.get(name) or getattr(ot, name)
    for value, written in CASES[name]:
        zone = ("Europe/London",) if name in WITH_ZONE else ()
        assert write(value, *zone) == written, f"{name} of {value}"


def test_a_name_that_leads_nowhere_is_a_dash():
    for write in (ot.count, ot.percent, ot.duration, ot.media_time, ot.duration_words, ot.size):
        assert write("") == "—"


def test_a_count_in_a_narrow_place_is_short_from_ten_thousand_on():
    told = [ot.count_short(number) for number in (0, 9999, 10_000, 123_456, None)]
    assert told == ["0", "9,999", "10k", "123k", "—"]


def test_initials_are_two_letters():
    assert ot.initials("Alice Okafor") == "AO"
    assert ot.initials("alice") == "al"
    assert ot.initials("") == "?"


def test_a_picture_that_was_not_rendered_has_no_address(settings):
    assert ot.optional_static("generated/there-is-no-such.jpg") == ""
    assert ot.optional_static("img/mark.svg") == "/static/img/mark.svg"
