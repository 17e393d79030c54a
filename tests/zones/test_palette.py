"""The palette that set-up files are read with is the one that the pages are drawn in."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from tests.zones import sight
from tracking.vision.scene.layout import ZONES
from zones.palette import PALETTE, place_of_colour
from zones.services import COLOURS

CSS = Path(__file__).resolve().parents[2] / "static/css"
TOKENS = CSS / "tokens.css"
SURFACES = ("#ffffff", "#15191f")  # --ot-surface, light and dark


def test_the_palette_is_that_of_the_style_sheet():
    drawn = re.findall(r"--ot-c(\d): (#[0-9a-f]{6});", TOKENS.read_text())
    places = [(int(place), colour) for place, colour in drawn]
    assert len(PALETTE) == COLOURS
    assert places == [
        (place, colours[theme])
        for theme in (0, 1)
        for place, colours in enumerate(PALETTE, start=1)
    ]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_any_two_colours_can_be_told_apart_by_everybody_and_stand_out_from_the_card(theme):
    colours = [pair[theme] for pair in PALETTE]
    for one, other in itertools.combinations(colours, 2):
        assert sight.difference(one, other) >= 20, (one, other)
    for colour in colours:
        # WCAG 2.2, 1.4.11: what tells one thing from another has at least 3 : 1.
        assert sight.contrast(colour, SURFACES[theme]) >= 3, colour


def test_the_measure_of_sight_knows_black_from_white_and_red_from_green():
    assert math.isclose(sight.contrast("#000000", "#ffffff"), 21)
    assert math.isclose(sight.difference("#000000", "#ffffff"), 100, rel_tol=0.001)
    seen = sight.differences("#b04040", "#707000")
    assert seen[0] > 60 > 20 > min(seen)


def test_every_place_has_its_classes_for_lists_and_for_pictures():
    style = "".join(path.read_text() for path in CSS.glob("*.css"))
    for place in range(1, COLOURS + 1):
        assert f".z{place} {{\n  background: var(--ot-c{place});" in style
        assert f".k{place} {{\n  stroke: var(--ot-p{place});" in style
        assert re.search(rf"--ot-p{place}: #[0-9a-f]{{6}};", style)


def test_the_demo_store_has_a_colour_for_each_of_its_zones():
    assert len(ZONES) <= COLOURS


@pytest.mark.parametrize(
    ("said", "place"),
    [(4, 4), ("#C8640A", 2), ("#f0964a", 2), ("#B3261E", None), ("blue", None), (None, None)],
)
def test_a_colour_is_read_by_place_or_by_name(said, place):
    assert place_of_colour(said) == place
