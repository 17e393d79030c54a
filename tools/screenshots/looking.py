"""Looks at one page: takes its picture and lists what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response

from tools.bench.installation import ROOT
from tools.screenshots.sights import Sight

AXE = ROOT / "var/npm/node_modules/axe-core/axe.min.js"
LOOK = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
# What loads after the page itself: the first pictures, charts and the line to the server.
SETTLE_MS = 1200
CUT_MS = 1500
NODES_TOLD = 3
# The browser notes an answer that is no success on its console; such a page asks for it.
ANSWERED = re.compile(r"the server responded with a status of (\d+)")
# Sockets and pictures made in the page are no requests to elsewhere.
INNER = {"data", "blob", "about"}
NOTE_VIOLATIONS = """
  window.refused = [];
  addEventListener('securitypolicyviolation', (each) =>
    window.refused.push(`${each.violatedDirective}: ${each.blockedURI} ${each.sourceFile ?? ''}`));
"""
SIDEWAYS = """() => {
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll('body *')].filter((each) => each.checkVisibility()
    && each.getBoundingClientRect().right > width + 1);
  const name = (each) => `${each.tagName.toLowerCase()}.${each.getAttribute('class') ?? ''}`;
  const all = document.documentElement.scrollWidth;
  return all <= width ? null : `${all} of ${width} px: ${wide.slice(0, 3).map(name).join(', ')}`;
}"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a page."""

    picture: str
    kind: str
    text: str


def reach(page: Page, address: str, sight: Sight) -> Response | None:
    """Go to a page, by its links where its own address is not known; return the last answer."""
    answer = page.goto(address, wait_until="load")
    for selector in sight.follow:
        link = page.locator(selector).first.get_attribute("href")
        answer = page.goto(urljoin(page.url, link or ""), wait_until="load")
    return answer


class Look:
    """One page in one size and theme; `findings` are complete once `take` has returned."""

    def __init__(self, context: BrowserContext, base: str, sight: Sight, picture: str) -> None:
        self.findings: list[Finding] = []
        self._base, self._sight, self._picture = base, sight, picture
        self._listening = True
        self._page = context.new_page()
        self._page.add_init_script(NOTE_VIOLATIONS)
        self._page.on("pageerror", lambda error: self._found("thrown", str(error)))
        self._page.on("console", self._said)
        self._page.on("request", lambda request: self._asked(request.url))
        self._page.on("websocket", lambda socket: self._asked(socket.url))

    def take(self, path: str, out: Path) -> None:
        """Go there, take the picture, and ask what is wrong."""
        page, sight = self._page, self._sight
        if sight.cut:
            page.route_web_socket(re.compile(r"/ws/"), lambda socket: socket.close())
        answer = reach(page, self._base + path, sight)
        if answer is None or answer.status != sight.status:
            self._found("answer", f"{answer and answer.status} instead of {sight.status}")
        page.wait_for_timeout(CUT_MS if sight.cut else SETTLE_MS)
        if sight.do:
            page.evaluate(sight.do)
            page.wait_for_timeout(SETTLE_MS // 2)
        page.screenshot(path=str(out / f"{self._picture}.png"), full_page=True)
        self._examine(page)
        page.close()

    def _examine(self, page: Page) -> None:
        if wide := page.evaluate(SIDEWAYS):
            self._found("sideways scroll", wide)
        for refused in page.evaluate("window.refused"):
            self._found("refused by the policy", refused)
        self._listening = False  # axe tries styles that the policy forbids
        page.evaluate(AXE.read_text())
        for rule in page.evaluate(LOOK)["violations"]:
            self._found("axe", f"{rule['id']}: {_nodes(rule)}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "error" or not self._listening:
            return
        asked = ANSWERED.search(message.text)
        if not (asked and int(asked[1]) == self._sight.status) and not self._is_cut(message.text):
            self._found("console", message.text)

    def _is_cut(self, text: str) -> bool:
        return self._sight.cut and "WebSocket" in text

    def _asked(self, url: str) -> None:
        parts, home = urlsplit(url), urlsplit(self._base)
        if parts.scheme not in INNER and parts.netloc != home.netloc:
            self._found("outside request", url)

    def _found(self, kind: str, text: str) -> None:
        self.findings.append(Finding(self._picture, kind, text))


def _nodes(rule: dict[str, Any]) -> str:
    told = [node["html"][:160] for node in rule["nodes"][:NODES_TOLD]]
    return " | ".join(told)
