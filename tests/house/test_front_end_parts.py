"""Only listed third-party files are served, and every one that a page names is there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
LISTED = json.loads((ROOT / "package.json").read_text())["oskartrack"]
VENDOR = ROOT / "var/vendor"


def sources(*patterns: str) -> dict[Path, str]:
    return {path: path.read_text() for pattern in patterns for path in ROOT.glob(pattern)}


def test_exactly_the_listed_files_are_served():
    served = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert served == {*LISTED["serve"], "icons.svg"}


def test_every_third_party_file_a_page_names_is_served():
    pages = sources("templates/**/*.html", "static/**/*.js", "static/**/*.css")
    named = {
        (path.name, found)
        for path, text in pages.items()
        for found in re.findall(r"vendor/([\w./-]+\.\w+)", text)
    }
    assert {found for _, found in named} <= {*LISTED["serve"], "icons.svg"}, named
    assert named


def test_every_icon_in_use_is_in_the_sprite_and_none_lies_there_unused():
    sprite = ElementTree.parse(VENDOR / "icons.svg").getroot()
    drawn = {symbol.get("id") for symbol in sprite}
    assert drawn == set(LISTED["icons"])
    pages = sources("templates/**/*.html", "static/js/**/*.js", "*/*.py", "*/templatetags/*.py")
    text = "\n".join(pages.values())
    named = re.findall(r"""\bicon\s*\(?\s*['"]([a-z0-9-]+)['"]""", text)
    assert set(named) <= drawn
    quoted = set(re.findall(r"""['"#]([a-z0-9-]+)['"]""", text))
    assert drawn - quoted == set()


def test_symbols_keep_their_lines_and_lose_the_empty_box():
    sprite = ElementTree.parse(VENDOR / "icons.svg").getroot()
    for symbol in sprite:
        assert symbol.get("viewBox") == "0 0 24 24"
        assert symbol.get("stroke") == "currentColor"
        assert len(symbol) >= 1
        assert all(part.get("stroke") != "none" for part in symbol)


def test_a_wrong_name_in_the_list_is_said_plainly(tmp_path: Path):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/vendor.py", tmp_path / "tools")
    wrong = {"oskartrack": {"serve": {"a.js": "nowhere/a.js"}, "icons": []}}
    (tmp_path / "package.json").write_text(json.dumps(wrong))
    done = subprocess.run(
        [sys.executable, "tools/vendor.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "nowhere/a.js is missing" in done.stderr
    assert not (tmp_path / "var/vendor").exists()


def test_served_css_names_no_file_that_is_not_served():
    for path in VENDOR.rglob("*.css"):
        for target in re.findall(r"url\(\s*['\"]?([^)'\"]+)", path.read_text()):
            assert target.startswith(("data:", "#")) or (path.parent / target).exists(), target
