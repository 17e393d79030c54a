"""Number by number: every word beside a number has its plain meaning, a focus or a tap away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from django.urls import reverse

from tests.analytics.shop import make_facts, make_shop
from tests.analytics.ways import make_zones, way
from tests.pages.rows import make_hour
from tests.pages.test_evidence_pages import DAY, MORNING
from tracking.meanings import MEANINGS
from tracking.models import Visit

pytestmark = pytest.mark.django_db
JARGON = re.compile(r"median|percentile|ingress|dwell|occupancy|coverage|[=<>^]")
VOID = {"img", "input", "meta", "link", "br", "hr", "rect", "use", "col", "path", "source"}
SPAN = f"?from={DAY}&to={DAY}"
# Pages whose numbers stand in rows without a word above: these are explained all the same.
ROWS = {
    "analytics:clients": {"Stayed", "Visits"},
    "tracking:recordings": {"In, out, visits", "Real time"},
    "analytics:zones": {"Today"},
}
PAGES = {
    "tracking:live": "", "tracking:recordings": "", "analytics:zones": "",
    "analytics:dashboard": f"{SPAN}&compare=week", "analytics:history": f"?day={DAY}&compare=week",
    "analytics:clients": SPAN, "analytics:events": f"{SPAN}&of=stays",
}  # fmt: skip


class Node:
    """An element of a page, as far as these tests look at it."""

    def __init__(self, name: str, attributes: dict[str, str], parent: Node | None) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Node | str] = []

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """What stands in it, without what a button beside it says or hides."""
        hidden = {"button", "template", "svg"}
        parts = [
            child if isinstance(child, str) else "" if child.name in hidden else child.text
            for child in self.children
        ]
        return " ".join(" ".join(parts).split())

    def within(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.within()

    def up(self) -> Iterator[Node]:
        yield self
        if self.parent:
            yield from self.parent.up()


class Reader(HTMLParser):
    """Make a tree of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Node("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_endtag(self, tag: str) -> None:
        for node in self.at.up():
            if node.name == tag and node.parent:
                self.at = node.parent
                return

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def tree(html: str) -> Node:
    reader = Reader()
    reader.feed(html)
    return reader.root


def labels(page: Node) -> Iterator[tuple[str, Node]]:
    """Return every word that stands above or beside a number, with where it stands."""
    for node in page.within():
        lists = {name for each in node.up() for name in each.classes}
        is_label = (
            (node.name == "th" and "num" in node.classes and "data-place" not in node.attributes)
            or (node.name == "dt" and lists & {"io", "quad"})
            or "kpi-l" in node.classes
            or (node.name == "span" and "cap" in node.classes and "srow" in lists)
        )
        if is_label and node.text and "sr" not in node.classes:
            yield node.text, node


def meanings_near(node: Node) -> dict[str, str]:
    """Return the words explained on the card that something stands on, with what is said."""
    card = next(each for each in node.up() if each.name == "section" or "kpi" in each.classes)
    return explained(card)


def explained(part: Node) -> dict[str, str]:
    found = {}
    for opener in part.within():
        if "data-def" not in opener.attributes:
            continue
        assert opener.name == "button"  # a tap, a focus and Enter reach it
        [template] = [each for each in opener.within() if each.name == "template"]
        said = [each for each in template.children if isinstance(each, Node)]
        for word, plain in pairwise(said):
            if word.name == "b" and plain.name == "p":
                found[word.text] = plain.text
    return found


def unexplained(page: Node) -> list[str]:
    found = []
    for word, node in labels(page):
        near = meanings_near(node)
        # "Stops and typical stay" explains both.
        if not re.search(r"\w{3}", near.get(word, "")):
            found.append(word)
    return found


@pytest.fixture
def shop(cast) -> None:
    """A morning with visits, stays and comparisons, so that every card has its numbers."""
    facts = make_facts(make_shop(cast.store), MORNING)
    zones = make_zones(facts, "Apples", "Pears")
    way(facts, 100, *zones)
    for second in (100, 300):
        facts.step(second)
    facts.stay(500, 30)
    facts.seen(0, 7200)
    facts.commit()
    make_hour(cast.elsewhere, MORNING, entries=3)


@pytest.mark.parametrize("name", PAGES)
def test_every_number_of_a_page_has_its_meaning_on_the_same_card(cast, shop, as_user, name):
    address = reverse(name, kwargs={"store_slug": cast.store.slug}) + PAGES[name]
    page = tree(as_user(cast.alice).get(address).content.decode())
    found = list(labels(page))
    assert found or name in ROWS
    assert unexplained(page) == []
    assert ROWS.get(name, set()) <= set(explained(page))


def test_the_overview_says_it_on_a_phone_too(cast, shop, as_user):
    page = tree(as_user(cast.alice).get(reverse("home")).content.decode())
    words = {word for word, _ in labels(page)}
    assert words == {"In the shop now", "Came in today", "Against a week before"}
    assert unexplained(page) == []
    narrow = [each for each in page.within() if "only-narrow" in each.classes]
    assert any(words <= set(explained(each)) for each in narrow)


def test_the_steps_of_a_visit_are_explained(cast, shop, as_user):
    visit = Visit.objects.get()
    known = {"store_slug": cast.store.slug, "visit_id": visit.public_id}
    page = tree(as_user(cast.alice).get(reverse("analytics:visit", kwargs=known)).content.decode())
    assert {"Stayed", "Between zones", "Whole visit"} <= set(explained(page))


def test_a_meaning_is_one_plain_sentence_or_a_few_and_no_formula():
    for word, plain in MEANINGS.values():
        assert plain[0].isupper(), word
        assert plain.endswith("."), word
        assert len(plain) < 260, word
        assert not JARGON.search(plain), word
