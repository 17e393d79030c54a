"""What the product's code never does: run what it is told, read what runs, write markup by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("accounts", "analytics", "oskartrack", "tracking", "zones")
# Names that no file may import, and calls that none may make.
IMPORTS = {
    "pickle", "marshal", "shelve", "dill", "xml", "lxml", "telnetlib", "ftplib", "xmlrpc",
    "Crypto", "cryptography",
}  # fmt: skip
CALLS = {
    "eval", "exec", "compile", "system", "popen", "getoutput", "extra", "RawSQL", "md5", "sha1",
    "mark_safe",
}  # fmt: skip
# Its text was made by Django's own widgets; and one file encrypts, by a package's own recipe.
ALLOWED = {("accounts/store_forms.py", "mark_safe"), ("zones/sealing.py", "cryptography")}
# Compiled patterns are none of Python's code.
HARMLESS = {("re", "compile")}


def careless(name: str, source: str) -> Iterator[str]:
    """Yield what a file does that none may."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = {alias.name.split(".")[0] for alias in names} & IMPORTS
            case ast.ImportFrom(module=str(module)):
                found = {module.split(".")[0]} & IMPORTS
            case ast.Call():
                found = _called(node)
            case _:
                continue
        for word in found:
            if (name, word) not in ALLOWED:
                yield f"{name}:{node.lineno}: {word}"


def _called(node: ast.Call) -> set[str]:
    owner, word = "", ""
    match node.func:
        case ast.Name(id=word):
            pass
        case ast.Attribute(value=ast.Name(id=owner), attr=word):
            pass
        case ast.Attribute(attr=word):
            pass
    shell = any(
        each.arg == "shell" and not (isinstance(each.value, ast.Constant) and not each.value.value)
        for each in node.keywords
    )
    found = {word} & CALLS if (owner, word) not in HARMLESS else set()
    return found | ({"shell"} if shell else set())


def test_no_file_of_the_product_does_any_of_it():
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 100
    found = [
        wrong for path in files for wrong in careless(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "eval(told)", "exec(told)", "os.system(told)", "subprocess.run(told, shell=True)",
        "subprocess.run(told, shell=wanted)", "import pickle", "from xml.etree import ElementTree",
        "hashlib.md5(told)", "rows.extra(where=[told])", "RawSQL(told)", "mark_safe(told)",
        "compile(told, '', 'exec')", "import cryptography.hazmat",
    ],
)  # fmt: skip
def test_each_of_it_would_be_found(source):
    assert list(careless("planted.py", source))


def test_templates_write_what_people_typed_as_text():
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in (ROOT / "templates").rglob("*.html")
        for word in re.findall(r"\|\s*safe(?:seq)?\b|autoescape off|javascript:", path.read_text())
    ]
    assert not found


def test_scripts_write_text_and_no_markup_of_their_own():
    made = re.compile(
        r"(?:inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in (ROOT / "static/js").rglob("*.js")
        for word in made.findall(path.read_text())
    ]
    assert not found
    assert made.search("box.innerHTML = told")
