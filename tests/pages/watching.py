"""Watches a browser for a whole run: requests to elsewhere, complaints, breaches of the policy."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from tools.screenshots.looking import AXE, INNER, LOOK, SIDEWAYS

SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
BREACHES = """
  addEventListener('securitypolicyviolation', (each) => {
    if (!window.axeIsLooking) {
      window.toldOfBreach(`${each.violatedDirective}: ${each.blockedURI} on ${location.pathname}`);
    }
  });
"""
# Into a theme, past the two frames in which it is drawn and past whatever moves there by itself.
INTO_THEME = """async (theme) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  document.documentElement.dataset.bsTheme = theme;
  dispatchEvent(new Event('ot-theme'));
  await frame();
  await frame();
  for (const each of document.getAnimations()) {
    if (each instanceof CSSTransition) {
      each.finish();
    }
  }
  await frame();
}"""
# What a theme can change: in the second one of a size, only this is looked at again.
COLOURS = "axe.run({runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}})"


class Watch:
    """What a browser did and said.

    Attributes
    ----------
    planted : set of str
        Addresses, without their query, whose failure a test plants: the console tells of each.
    asked : int
        Requests and lines to a server.
    """

    def __init__(self, base: str) -> None:
        self._found: list[str] = []
        self._complaints: list[tuple[str, str]] = []
        self.planted: set[str] = set()
        self.asked = 0
        self._home = urlsplit(base).netloc
        self._axe = False

    def over(self, context: BrowserContext) -> None:
        """Watch every page of a context, from its first request on."""
        context.expose_binding(
            "toldOfBreach", lambda _, text: self._found.append(f"policy: {text}")
        )
        context.add_init_script(BREACHES)
        context.on("request", lambda request: self._request(request.url))
        context.on("console", self._said)
        context.on("weberror", lambda error: self._found.append(f"thrown: {error.error}"))
        context.on("page", lambda page: page.on("websocket", lambda line: self._request(line.url)))

    def _request(self, url: str) -> None:
        self.asked += 1
        parts = urlsplit(url)
        if parts.scheme not in INNER and parts.netloc != self._home:
            self._found.append(f"outside: {url}")

    def _said(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "").split("#")[0].split("?")[0]
        if message.type == "error" and not self._axe:
            self._complaints.append((where, message.text))

    def found(self) -> list[str]:
        """Return what must not be: requests to elsewhere, complaints, thrown errors, breaches."""
        said = [
            f"console: {text} ({url})" for url, text in self._complaints if url not in self.planted
        ]
        return self._found + said

    @contextmanager
    def axe(self, page: Page) -> Generator[None, None, None]:
        """While axe looks, it tries styles that the policy forbids: these are not the page's."""
        page.evaluate("window.axeIsLooking = true")
        self._axe = True
        yield
        page.evaluate("window.axeIsLooking = false")
        self._axe = False


def looked_at(page: Page, watch: Watch, sizes: Sequence[tuple[int, int]] = SIZES) -> list[str]:
    """Return what is wrong with a page as it stands, in every size and theme."""
    wrong: list[str] = []
    page.evaluate(AXE.read_text())
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.evaluate(INTO_THEME, theme)
            if wide := page.evaluate(SIDEWAYS):
                wrong.append(f"{width} {theme}: sideways: {wide}")
            with watch.axe(page):
                found = page.evaluate(LOOK if theme == THEMES[0] else COLOURS)["violations"]
            wrong += [f"{width} {theme}: {told(rule)}" for rule in found]
    return wrong


def told(rule: dict[str, Any]) -> str:
    return f"{rule['id']}: {json.dumps([node['html'][:120] for node in rule['nodes'][:3]])}"
