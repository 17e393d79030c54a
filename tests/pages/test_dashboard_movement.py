"""The Dashboard's movement: matrix, flow and heatmap say what the API says, or why they cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from accounts.models import Store
from analytics.flow import HEIGHT, Place, flow
from tests.analytics.shop import NINE_UTC, Facts, make_facts, make_shop
from tests.analytics.ways import follow, loose, make_zones, way

DAY = NINE_UTC.date()
SPAN = {"from": str(DAY), "to": str(DAY)}
Shown = Callable[..., str]


def walked(store: Store) -> Facts:
    """Write down a morning: five visits, somebody whom no visit has, and where three stood."""
    facts = make_facts(make_shop(store), media={"width": 960, "height": 540})
    a, b, c = make_zones(facts, "Apples", "Bread <b>", "Cheese", colour=2)
    for second in (0, 60, 120):
        way(facts, second, a, b)
    way(facts, 200, c, inferred=True)
    way(facts, 300)
    loose(facts, 9, a, 5)
    facts.seen(0, 3600)
    facts.commit()
    follow(facts, 1, (0, 0.2, 0.3), (60, 0.2, 0.3), (68, 0.8, 0.8))
    follow(facts, 2, (30, 0.5, 0.9), (33, 0.5, 0.4))
    return facts


@pytest.fixture
def shown(cast, as_user) -> Shown:
    def get(**asked: str) -> str:
        address = reverse("analytics:dashboard", kwargs={"store_slug": cast.store.slug})
        response = as_user(cast.alice).get(address, SPAN | asked)
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


def cells(text: str) -> list[list[str]]:
    """Return the rows of the matrix as words, screen readers' extras left out."""
    table = re.sub(r'<span class="sr">.*?</span>', "", text[text.index("tbl matrix") :])
    table = table[: table.index("</table>")]
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    return [
        [
            unescape(re.sub("<.*?>", "", cell)).strip()
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row)
        ]
        for row in rows
    ]


def test_the_matrix_holds_the_steps_and_sums_of_the_api(cast, shown):
    walked(cast.store)
    assert cells(shown()) == [
        ["From", "Apples", "Bread <b>", "Cheese", "Went out", "Last seen", "All"],
        ["Came in", "3", "·", "1", "1", "·", "5"],
        ["First seen", "1", "·", "·", "·", "·", "1"],
        ["Apples", "·", "3", "·", "·", "1", "4"],
        ["Bread <b>", "·", "·", "·", "3", "·", "3"],
        ["Cheese", "·", "·", "·", "·", "1", "1"],
        ["All", "4", "3", "1", "4", "2", "14"],
    ]


def test_the_page_says_that_what_went_in_came_out_and_which_ways_are_commonest(cast, shown):
    walked(cast.store)
    text = shown()
    assert "Checked: 8 stays in zones have 8 ways in and 8 out." in text
    assert "of 6 in all, 5 of them visits" in text
    first = text[text.index("The commonest ways") :]
    assert re.search(r"Came in.*?Apples.*?Bread &lt;b&gt;.*?Went out.*?>3<.*?50 %", first)


def test_with_a_zone_the_matrix_has_only_ways_through_it(cast, shown):
    facts = walked(cast.store)
    cheese = facts.shop.camera.zones.get(name="Cheese")
    assert cells(shown(zone=str(cheese.public_id))) == [
        ["From", "Cheese", "Last seen", "All"],
        ["Came in", "1", "·", "1"],
        ["Cheese", "·", "1", "1"],
        ["All", "1", "1", "2"],
    ]


def test_a_period_nobody_looked_at_says_so_and_one_without_people_says_that(cast, shown):
    assert "<b>No camera</b>" in shown()
    facts = walked(cast.store)
    before = {"from": str(DAY - timedelta(days=1)), "to": str(DAY - timedelta(days=1))}
    text = shown(**before)
    assert "<b>Nobody looked</b>" in text and "<b>This camera did not look</b>" in text
    quiet = make_facts(facts.shop, NINE_UTC - timedelta(days=1))
    quiet.seen(0, 600)
    quiet.commit()
    text = shown(**before)
    assert "<b>Nobody walked by</b>" in text and "looked, and nobody was there" in text


def test_the_heatmap_travels_with_the_page_and_its_table_has_the_time_of_each_zone(cast, shown):
    walked(cast.store)
    text = shown(heat="dwell")
    found = re.search(r'<script id="heat-map" type="application/json">(.*?)</script>', text)
    assert found
    assert sum(json.loads(found[1])["cells_s"]) == pytest.approx(60, abs=0.01)
    assert "Time standing</a>" in text
    assert re.search(r"The whole picture</th><td class=\"num\">1:00</td>", text)


def test_the_words_of_the_lowest_and_thinnest_bar_are_within_the_drawing():
    begin, often, seldom = (
        Place("begin", "Came in", 0),
        Place("often", "Till", 1),
        Place("end", "Last seen", 0),
    )
    drawn = flow([begin], [often, seldom], {("begin", "often"): 999, ("begin", "end"): 1})
    assert all(bar.middle + 7 <= drawn.height for bar in (*drawn.left, *drawn.right))


def test_bands_fill_their_bars_and_a_zone_is_as_high_on_the_left_as_on_the_right():
    places = [Place(key, key, 1) for key in "abc"]
    begin, end = Place("begin", "Came in", 0), Place("end", "Went out", 0)
    steps = {("begin", "a"): 5, ("a", "b"): 3, ("b", "a"): 1, ("a", "end"): 3, ("b", "c"): 2,
             ("c", "end"): 2}  # fmt: skip
    drawn = flow([begin, *places], [*places, end], steps)
    left = {bar.place.key: bar for bar in drawn.left}
    right = {bar.place.key: bar for bar in drawn.right}
    for key in "abc":
        assert left[key].height == right[key].height > 0
        assert left[key].times == right[key].times
    assert drawn.height <= HEIGHT + 1
    assert sum(band.times for band in drawn.bands) == sum(steps.values())
    for bar in drawn.left:
        bands = [band for band in drawn.bands if band.begin == bar.place]
        tops = [float(band.path.split("C")[0].split()[1]) for band in bands]
        assert tops == sorted(tops) and tops[0] == pytest.approx(bar.y, abs=0.01)
    assert flow([begin], [end], {}).bands == []
