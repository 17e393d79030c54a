"""What must hold for every template and page: the strict policy, icons that exist, labels."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.urls import reverse

from tests.cast import make_user
from tests.pages.rows import make_recording, make_run

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))


class Breaches(HTMLParser):
    """Collects whatever the content security policy would refuse, and fields without a label."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style":
            self.found.append("<style>")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append("inline <script>")
        self.found += [f"<{tag} {name}>" for name in given if name == "style" or name[:2] == "on"]
        for name in ("href", "src"):
            if re.match(r"(https?:)?//|javascript:", given.get(name) or ""):
                self.found.append(f"<{tag}> from {given[name]}")
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.fields.append((tag, given))

    def unlabelled(self) -> list[str]:
        return [
            f"<{tag} id={given.get('id')}>"
            for tag, given in self.fields
            if given.get("id") not in self.labelled
            and not given.get("aria-label")
            and given.get("type") != "file"  # stands inside its label
        ]


def breaches(text: str) -> Breaches:
    parser = Breaches()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_holds_an_inline_script_or_style(path):
    if path.parts[-2] == "admin":
        pytest.skip("Django's own admin pages are looked at in their own tests")
    assert breaches(path.read_text()).found == []


def test_the_check_itself_finds_each_kind_of_breach():
    text = (
        '<p style="x"></p><style></style><script>1</script><a onclick="x" href="javascript:1"></a>'
        '<img src="https://cdn.example/x.png"><input id="a"><label for="b"></label><input id="b">'
    )
    found = breaches(text)
    assert len(found.found) == 6
    assert found.unlabelled() == ["<input id=a>"]


@pytest.mark.django_db
def test_no_page_answers_with_an_inline_script_or_a_field_without_a_label(cast, as_user):
    root = make_user("root", is_staff=True, is_superuser=True)
    make_run(make_recording(cast.store, state="running", done=2))
    make_recording(cast.store, "cut.mp4", state="failed", error_code="no_video")
    addresses = [
        reverse(name, kwargs={"store_slug": cast.store.slug})
        for name in (
            "tracking:live",
            "tracking:recordings",
            "analytics:history",
            "analytics:dashboard",
        )
    ]
    for user in (root, cast.bob):
        for address in ["/", *addresses, f"{addresses[2]}?day=2026-07-01"]:
            response = as_user(user).get(address)
            page = breaches(response.content.decode())
            assert page.found == [], address
            assert page.unlabelled() == [], address
            policy = response["Content-Security-Policy"]
            assert "script-src 'self';" in policy + ";"
            assert "unsafe" not in policy
    assert breaches(as_user(None).get("/login/").content.decode()).found == []


def test_every_icon_that_is_asked_for_is_in_the_sprite():
    listed = set(json.loads((ROOT / "package.json").read_text())["oskartrack"]["icons"])
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r"{% icon ['\"]([a-z0-9-]+)['\"]", path.read_text())
    }
    for path in SCRIPTS:
        text = path.read_text()
        named |= set(re.findall(r"\bicon\('([a-z0-9-]+)'", text))
        # Icons that are chosen by state: the picture's veil, the feed's signs, play and pause.
        named |= set(re.findall(r"return \['([a-z-]+)', [`'A-Z]", text))
        named |= set(re.findall(r"'(player-[a-z]+|arrow-[a-z-]+)'", text))
    assert len(named) > 20
    assert named <= listed


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_address_ends_in_a_semicolon_and_leads_to_a_file(path):
    text = path.read_text()
    addresses = re.findall(r"^import [^;'\"]*['\"]([^'\"]+)['\"](;?)", text, re.MULTILINE)
    assert len(addresses) == len(re.findall(r"^import\b", text, re.MULTILINE))
    for address, semicolon in addresses:
        assert address.startswith("."), f"{address} is no file of ours"
        assert semicolon, f"{address}: hashing finds it only with a semicolon behind it"
        if "vendor/" not in address:
            assert (path.parent / address).resolve().is_file(), address


def test_no_script_puts_anything_on_the_window():
    for path in SCRIPTS:
        assert not re.search(r"\b(window|globalThis)\.\w+ = ", path.read_text()), path
