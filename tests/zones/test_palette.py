"""The palette that set-up files are read with is the one that the pages are drawn in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zones.palette import PALETTE, place_of_colour
from zones.services import COLOURS

TOKENS = Path(__file__).resolve().parents[2] / "static/css/tokens.css"


def test_the_palette_is_that_of_the_style_sheet():
    drawn = re.findall(r"--ot-c(\d): (#[0-9a-f]{6});", TOKENS.read_text())
    places = [(int(place), colour) for place, colour in drawn]
    assert len(PALETTE) == COLOURS
    assert places == [
        (place, colours[theme])
        for theme in (0, 1)
        for place, colours in enumerate(PALETTE, start=1)
    ]


@pytest.mark.parametrize(
    ("said", "place"),
    [(4, 4), ("#C8640A", 2), ("#f0964a", 2), ("#B3261E", None), ("blue", None), (None, None)],
)
def test_a_colour_is_read_by_place_or_by_name(said, place):
    assert place_of_colour(said) == place
