"""A real Chromium for the browser tests; without one they are skipped, in one line."""

import os
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tools.chromium import FLAGS, program


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    """Chromium for one file of tests.

    Not for the whole run: while it is open, this thread has an event loop, which asynchronous
    tests of other files and Django's guard against blocking calls would trip over.
    """
    found = program()
    if found is None:
        pytest.skip("no Chromium on PATH")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=[*FLAGS, *as_root])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Generator[Page, None, None]:
    """A page in a fresh profile; what it says on the console or throws fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
    tab.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    yield tab
    context.close()
    assert complaints == []
