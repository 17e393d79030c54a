"""The table of pages and states is whole: a page without rows fails here, as a dead row does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from tests.house.test_screenshots import pages_of
from tests.pages.states import CELLS, COLUMNS, STATES, TOLD
from tools.screenshots.sights import SIGHTS

ROOT = Path(__file__).resolve().parent.parent.parent
VIEWS = {each.view for each in STATES} - {""}
NAMES = {each.name for each in STATES}
# Pages of the product that Django brings.
DJANGOS = {"admin"}
REASON = re.compile(r"[A-Za-z' ]+ [A-Za-z' ]+")


def test_every_page_of_the_resolver_has_its_states_and_its_cells():
    pages = pages_of(get_resolver().url_patterns) | DJANGOS
    assert not pages - VIEWS
    assert set(CELLS) == pages
    assert VIEWS.issubset(pages)


def test_states_have_names_of_their_own():
    assert len(NAMES) == len(STATES)


def exists(cell: str) -> bool:
    """Return whether a cell names a test or a state that there is, or gives a reason in words."""
    if "::" in cell:
        path, name = cell.split("::")
        return f"def {name}(" in (ROOT / path).read_text()
    return cell in NAMES or bool(REASON.fullmatch(cell))


@pytest.mark.parametrize("view", CELLS)
def test_every_cell_names_a_test_a_state_or_a_reason(view: str):
    assert len(CELLS[view]) == len(COLUMNS)
    assert [cell for cell in CELLS[view] if not exists(cell)] == []
    for cell, column in zip(CELLS[view], COLUMNS, strict=True):
        state = next((each for each in STATES if each.name == cell), None)
        wrong = state is not None and state.view not in (view, "")
        assert not wrong, f"the {column} of {view} is shown by a state of another page"


def test_a_cell_that_names_nothing_is_seen():
    assert not exists(f"{TOLD}::test_that_was_never_written")
    assert not exists("no-such-state")


def test_every_page_that_pictures_are_taken_of_is_looked_at_here():
    assert {sight.view for sight in SIGHTS} - VIEWS - {""} == set()
