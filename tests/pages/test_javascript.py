"""The scripts are linted, and their own tests run by node, so that one command runs every test.

Where there is no node on PATH, `tools/node.py` brings the one that comes as a Python wheel.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINTER = "var/npm/node_modules/eslint/bin/eslint.js"
# What the linter is there to find, a line each, as it would stand in a page's module.
FORBIDDEN = {
    "no-undef": "whatIsThis();",
    "no-unused-vars": "const left = 1;",
    "eqeqeq": "export const same = (a, b) => a == b;",
    "no-restricted-syntax": "export const show = (node, name) => { node.innerHTML = name; };",
    "no-eval": "export const run = (text) => eval(text);",
    "semi": "export const late = 1",
    "no-shadow": "const a = 1;\nexport const b = (a) => a;\nexport default a;",
}


def node(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/node.py", "node", *arguments],
        cwd=ROOT, input=text, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


def test_the_logic_of_the_scripts_holds():
    files = [str(path) for path in sorted((ROOT / "tests/js").glob("*.test.js"))]
    assert files
    done = node("--test", *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_finds_nothing_in_the_scripts():
    done = node(LINTER, "--max-warnings=0", "static", "tests/js", "eslint.config.js")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_the_linter_finds_what_it_is_there_for(rule):
    name = "static/js/pages/planted.js"
    done = node(LINTER, "--stdin", "--stdin-filename", name, text=FORBIDDEN[rule] + "\n")
    assert done.returncode == 1
    assert rule in done.stdout


def test_every_module_of_the_library_has_tests_of_its_own():
    without_a_page = {path.stem for path in (ROOT / "static/js/lib").glob("*.js")}
    # These two are the browser itself, addressed: the pages' tests go through them.
    tested = {path.name.removesuffix(".test.js") for path in (ROOT / "tests/js").glob("*.js")}
    assert without_a_page - tested == {"dom", "regions"}
