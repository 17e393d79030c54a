"""Write every page in every size and theme into var/screenshots/ and say what is wrong with any.

Starts a product of its own on loopback, filled with the demo store and made-up days, and stops it
again. Exits with 1 when a page scrolls sideways, complains on its console, asks anything of another
host, is refused something by the content security policy, or when axe finds a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tools.bench.installation import ROOT
from tools.chromium import FLAGS, program
from tools.screenshots.looking import Finding, Look
from tools.screenshots.place import ACCOUNT, DEMO, PASSWORD, SHOP, place
from tools.screenshots.sights import SIGHTS, SIZES, THEMES, Sight

OUT = ROOT / "var/screenshots"
LONGEST_MIN = 60
COUNTED_MIN = 30
POLL_S = 3.0
# A small machine that counts a film at the same time is slow.
PATIENCE_MS = 120_000


def main() -> int:
    """Take the pictures and return the exit code."""
    options = _options()
    wanted = [sight for sight in SIGHTS if not options.sights or sight.name in options.sights]
    chromium = program()
    if chromium is None:
        print("There is no Chromium on PATH: install one, then run this again.", file=sys.stderr)
        return 1
    signal.signal(signal.SIGALRM, _too_long)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.alarm(int(60 * options.minutes))
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    try:
        with _data(options.data) as data:
            print("Starting a product with filled shops: some minutes the first time", flush=True)
            findings = _pictures(chromium, data, wanted, options)
    except (RuntimeError, TimeoutError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return _say(findings, len(wanted) * len(SIZES) * len(THEMES), options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make screenshots ARGS=...", description=__doc__)
    parser.add_argument(
        "sights", nargs="*", metavar="PAGE", help=", ".join(sight.name for sight in SIGHTS)
    )
    parser.add_argument("--out", type=Path, default=OUT, help="default var/screenshots")
    parser.add_argument(
        "--data",
        type=Path,
        help="keep the filled installation in this folder and use it the next time (it grows old: "
        "on another day nobody was seen today)",
    )
    parser.add_argument(
        "--minutes", type=float, default=LONGEST_MIN, help=f"at most; default {LONGEST_MIN}"
    )
    options = parser.parse_args()
    unknown = set(options.sights) - {sight.name for sight in SIGHTS}
    if unknown:
        parser.error(f"There is no page named {', '.join(sorted(unknown))}.")
    return options


@contextmanager
def _data(kept: Path | None) -> Generator[Path, None, None]:
    """Yield the folder of the installation: one that is kept, or one that goes afterwards."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="oskartrack-screenshots-") as folder:
        yield Path(folder)


def _pictures(
    chromium: str, data: Path, wanted: Sequence[Sight], options: argparse.Namespace
) -> list[Finding]:
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with place(data) as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *as_root])
        try:
            state = _log_in(browser, product.url)
            if not product.filled.exists():
                _wait_for_the_demo(browser, product.url, state)
                product.filled.touch()
            visitor = Visitor(browser, product.url, state, options.out)
            rounds = [visitor.look(wanted, size, theme) for size in SIZES for theme in THEMES]
            return [finding for found in rounds for finding in found]
        finally:
            browser.close()


def _log_in(browser: Browser, base: str) -> Any:
    """Log in as people do and return the session."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{base}/login/")
    page.get_by_label("E-mail or user name").fill(ACCOUNT)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{base}/")
    state = context.storage_state()
    context.close()
    return state


def _wait_for_the_demo(browser: Browser, base: str, state: Any) -> None:
    """Wait until the demo's video is counted: a page in work looks other every second."""
    deadline = time.monotonic() + 60 * COUNTED_MIN
    context = browser.new_context(storage_state=state)
    while time.monotonic() < deadline:
        answer = context.request.get(f"{base}/api/v1/overview/", timeout=PATIENCE_MS)
        if _demo_is_counted(answer.json()["shops"]):
            context.close()
            return
        time.sleep(POLL_S)
    raise TimeoutError(f"The demo's video was not counted within {COUNTED_MIN} minutes.")


def _demo_is_counted(shops: Sequence[dict[str, Any]]) -> bool:
    """Return whether today's numbers of the demo are there: its made-up past fills other days."""
    demo = next((shop for shop in shops if shop["store"]["slug"] == DEMO), None)
    if demo is None or demo["entries"] is None:
        return False
    return not (demo["jobs"]["working"] or demo["jobs"]["waiting"])


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a browser before a running product."""

    browser: Browser
    base: str
    state: Any
    out: Path

    def look(self, wanted: Sequence[Sight], size: tuple[int, int], theme: str) -> list[Finding]:
        """Look at all these pages in one size and theme."""
        findings: list[Finding] = []
        inside, outside = (self._context(size, theme, state) for state in (self.state, None))
        for sight in wanted:
            picture = f"{sight.name}-{size[0]}-{theme}"
            look = Look(inside if sight.logged_in else outside, self.base, sight, picture)
            look.take(sight.path.format(shop=SHOP, demo=DEMO), self.out)
            findings += look.findings
            print(f"{'FOUND' if look.findings else 'ok':5} {picture}", flush=True)
        inside.close()
        outside.close()
        return findings

    def _context(self, size: tuple[int, int], theme: Any, state: Any) -> BrowserContext:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            reduced_motion="reduce",
            locale="en-GB",
            storage_state=state,
        )
        context.set_default_timeout(PATIENCE_MS)
        return context


def _say(findings: Sequence[Finding], pictures: int, out: Path) -> int:
    """Print and keep what was found; return the exit code."""
    rows = [{"picture": each.picture, "kind": each.kind, "text": each.text} for each in findings]
    (out / "findings.json").write_text(json.dumps(rows, indent=1) + "\n")
    for each in findings:
        print(f"{each.picture}: {each.kind}: {each.text}")
    kinds = Counter(each.kind for each in findings)
    told = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()) or "nothing wrong"
    where = out.relative_to(ROOT) if out.is_relative_to(ROOT) else out
    print(f"{pictures} pictures in {where}: {told}")
    return 1 if findings else 0


def _too_long(*_: object) -> NoReturn:
    raise TimeoutError("This took longer than --minutes allows.")


if __name__ == "__main__":
    sys.exit(main())
