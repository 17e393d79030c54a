"""From the commit of a step to the number on an open Live page, in a real browser."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.plugins.product import READY, Product
from tests.plugins.servers import die_with_parent
from tools.bench.installation import ROOT
from tools.chromium import FLAGS, program

STEPS = 30
GOAL_S = 2.0
READY_S = 300.0
LONGEST_MS, LOOK_MS = 60_000, 50
# Between steps, so that each meets another moment of whatever the page waits for.
PAUSE_MS = (300, 2500)
# Notes when the number of those who came in today was drawn, by the machine's clock.
WATCH = """
() => {
  const number = document.querySelector('[data-today-in]');
  window.drawn = {};
  new MutationObserver(() => { window.drawn[number.textContent.trim()] ??= Date.now() / 1000; })
    .observe(number, { childList: true, characterData: true, subtree: true });
}
"""


def seconds(folder: Path) -> list[float]:
    """Return of each of some steps how long it took to be on the page, nothing reloaded.

    Raises
    ------
    RuntimeError
        There is no browser to look with.
    """
    browser = program()
    if browser is None:
        raise RuntimeError("There is no Chromium on PATH.")
    product = Product(folder / "data", "--no-demo", log=folder / "product.log")
    try:
        product.url = product.wait_for(READY, READY_S)
        surroundings = product.environment | {"REDIS_URL": _valkey_of(product)}
        with subprocess.Popen(
            [sys.executable, "-m", "tools.bench.live_steps"], cwd=ROOT, text=True,
            env=surroundings | {"DJANGO_SETTINGS_MODULE": "oskartrack.settings"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent,  # noqa: PLW1509 - takes no lock
        ) as steps, sync_playwright() as playwright:  # fmt: skip
            as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
            chromium = playwright.chromium.launch(executable_path=browser, args=[*FLAGS, *as_root])
            try:
                return _watched(chromium.new_page(), product.url, steps)
            finally:
                chromium.close()
                steps.kill()
    finally:
        product.stop()


def _valkey_of(product: Product) -> str:
    """Return where the product's own Valkey is, as its processes know it."""
    for process in product.processes():
        url: str | None = process.environ().get("REDIS_URL")
        if url is not None:
            return url
    raise RuntimeError("The product tells nobody where its Valkey is.")


def _watched(page: Page, root: str, steps: subprocess.Popen[str]) -> list[float]:
    assert steps.stdin is not None
    assert steps.stdout is not None
    told: dict[str, Any] = json.loads(steps.stdout.readline())
    page.goto(f"{root}/login/")
    page.get_by_label("E-mail or user name").fill(told["name"])
    page.get_by_label("Password", exact=True).fill(told["password"])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{root}/**")
    page.goto(root + told["page"])
    page.evaluate(WATCH)
    lot, took = random.Random(1), []
    for number in range(1, STEPS + 1):
        page.wait_for_timeout(lot.uniform(*PAUSE_MS))
        steps.stdin.write("\n")
        steps.stdin.flush()
        committed = float(steps.stdout.readline())
        took.append(_drawn(page, number) - committed)
    return took


def _drawn(page: Page, number: int) -> float:
    """Return when a number was drawn; asked again and again, for the policy allows no predicate."""
    for _ in range(LONGEST_MS // LOOK_MS):
        at: float | None = page.evaluate(f"window.drawn['{number}']")
        if at is not None:
            return at
        page.wait_for_timeout(LOOK_MS)
    raise RuntimeError(f"The page never showed {number}.")
