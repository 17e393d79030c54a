"""How much a browser fetches for the first look at each page, as it came over the line."""

from __future__ import annotations

import sys
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession

from tests.pages.furnished import CHIEF, MANAGER, put_into
from tests.pages.states import STATES
from tests.pages.test_every_state import log_in
from tests.plugins.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]
MOST_BYTES = 350_000
# The chart library that the budget leaves out, should a page have it.
LEFT_OUT = "echarts"


class Scale:
    """Weighs what a page fetches, by the bytes that came over the line."""

    def __init__(self, line: CDPSession) -> None:
        self.bytes: dict[str, float] = {}
        self._urls: dict[str, str] = {}
        line.on("Network.requestWillBeSent", self._sent)
        line.on("Network.loadingFinished", self._finished)
        line.send("Network.enable")
        line.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _sent(self, told: dict[str, dict[str, str]]) -> None:
        self._urls[str(told["requestId"])] = told["request"]["url"]

    def _finished(self, told: dict[str, float]) -> None:
        url = self._urls.get(str(told["requestId"]), "")
        self.bytes[url] = self.bytes.get(url, 0) + told["encodedDataLength"]

    def total(self) -> float:
        return sum(size for url, size in self.bytes.items() if LEFT_OUT not in url)


def test_the_first_look_at_any_page_is_light(browser: Browser, product: Product):
    put_into(product)
    contexts = {name: browser.new_context() for name in ("", MANAGER, CHIEF)}
    for name, context in contexts.items():
        context.set_default_timeout(60_000)
        if name:
            log_in(context, product.url, name)
    weights: dict[str, float] = {}
    for state in STATES:
        if state.view in weights or state.who not in contexts or not state.view:
            continue
        page = contexts[state.who].new_page()
        address = product.url + state.path
        for selector in state.follow:
            page.goto(address)
            address = urljoin(page.url, page.locator(selector).first.get_attribute("href") or "")
        scale = Scale(page.context.new_cdp_session(page))
        page.goto(address, wait_until="load")
        page.wait_for_timeout(500)
        weights[state.view] = scale.total()
        heaviest = sorted(scale.bytes.items(), key=lambda row: -row[1])[:3]
        told = ", ".join(
            f"{urlsplit(url).path.split('/')[-1]} {size / 1000:.0f}" for url, size in heaviest
        )
        sys.stderr.write(f"{state.view:22} {weights[state.view] / 1000:6.1f} kB ({told})\n")
        page.close()
    for context in contexts.values():
        context.close()
    assert len(weights) >= 15
    assert all(size > 20_000 for size in weights.values()), "nothing was weighed"
    assert {view: size for view, size in weights.items() if size > MOST_BYTES} == {}
