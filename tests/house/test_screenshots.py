"""`make screenshots`: which pages it looks at, and that it finds what is wrong with one."""

from __future__ import annotations

import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser

from tools.screenshots.__main__ import _say
from tools.screenshots.looking import Finding, Look
from tools.screenshots.sights import SIGHTS, Sight

# Addresses that answer programs or lead elsewhere, and the administration, which is Django's own.
NO_PAGES = {"healthz", "readyz", "favicon", "metrics", "logout"}
OTHERS = ("admin/", "api/v1/")


def pages_of(patterns: list[URLPattern | URLResolver], room: str = "") -> set[str]:
    """Return the names of all addresses that show people a page."""
    found: set[str] = set()
    for each in patterns:
        if isinstance(each, URLResolver):
            if str(each.pattern) not in OTHERS:
                inner = f"{each.namespace}:" if each.namespace else room
                found |= pages_of(each.url_patterns, inner)
        elif not str(each.pattern).startswith(OTHERS):
            found.add(f"{room}{each.name}")
    return found - NO_PAGES


def test_every_page_of_the_product_has_a_row():
    assert pages_of(get_resolver().url_patterns) - {sight.view for sight in SIGHTS} == set()


def test_rows_have_names_of_their_own_and_name_pages_that_exist():
    assert len({sight.name for sight in SIGHTS}) == len(SIGHTS)
    named = {sight.view for sight in SIGHTS if sight.view}
    assert named <= pages_of(get_resolver().url_patterns)


HEAD = '<!doctype html><html lang="en"><head><title>A page</title></head><body><h1>A page</h1>'
PAGES = {
    "/favicon.ico": "",  # browsers ask for it by themselves
    "/good": "<p>Nothing is wrong.</p>",
    "/wide": '<div class="wide"><svg width="3000" height="9"></svg></div>',
    "/console": '<script src="/complains.js"></script>',
    "/thrown": '<script src="/throws.js"></script>',
    "/outside": '<img alt="" src="http://127.0.0.2:9/dot.png">',
    "/policy": "<script>window.inline = true</script>",
    "/label": '<input type="text">',
}
SCRIPTS = {"/complains.js": "console.error('a fault')", "/throws.js": "throw new Error('a fault')"}
POLICY = "default-src 'self'; img-src *"


class Pages(BaseHTTPRequestHandler):
    """Serves pages with one fault each."""

    def do_GET(self) -> None:
        script = SCRIPTS.get(self.path)
        body = script or HEAD + PAGES.get(self.path, "") + "</body></html>"
        self.send_response(200 if script or self.path in PAGES else 404)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def base() -> Generator[str, None, None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.browser
def test_each_kind_of_fault_is_found_and_a_page_without_one_passes(
    base: str, browser: Browser, tmp_path: Path
):
    found = {}
    context = browser.new_context(viewport={"width": 390, "height": 844})
    for path in list(PAGES)[1:]:
        look = Look(context, base, Sight(path[1:], path), path[1:])
        look.take(path, tmp_path)
        assert (tmp_path / f"{path[1:]}.png").stat().st_size > 0
        # A request that nobody answers is noted on the console as well.
        kinds = {each.kind for each in look.findings}
        found[path] = kinds - {"console"} if path in ("/outside", "/policy") else kinds
    missing = Look(context, base, Sight("gone", "/gone"), "gone")
    missing.take("/gone", tmp_path)
    expected = Look(context, base, Sight("gone", "/gone", status=404), "gone")
    expected.take("/gone", tmp_path)
    context.close()
    assert found == {
        "/good": set(),
        "/wide": {"sideways scroll"},
        "/console": {"console"},
        "/thrown": {"thrown"},
        "/outside": {"outside request"},
        "/policy": {"refused by the policy"},
        "/label": {"axe"},
    }
    assert {each.kind for each in missing.findings} == {"answer", "console"}
    assert expected.findings == []


def test_one_fault_is_enough_for_a_failure_and_each_is_named(tmp_path: Path, capsys):
    assert _say([], 4, tmp_path) == 0
    assert "4 pictures" in capsys.readouterr().out
    assert _say([Finding("live-390-dark", "axe", "label: <input>")], 4, tmp_path) == 1
    said = capsys.readouterr().out
    assert "live-390-dark: axe: label: <input>" in said
    assert "1 axe" in said
