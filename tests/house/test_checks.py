"""`make check` sees what it is there to see: each mistake is planted once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A small repository with the checks in it."""
    for name in ("tools/check.py", "pyproject.toml", "requirements.txt", "package-lock.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def check(folder: Path, name: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "tools/check.py", name],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["pins", "files", "lint", "format"])
def test_a_clean_tree_passes(name: str, clone: Path):
    code, said = check(clone, name)
    assert (code, said.splitlines()[-1]) == (0, "check: 1 passed"), said


@pytest.mark.parametrize("line", ["django>=5.2", "celery", "redis~=8.1", "git+https://x/y.git"])
def test_a_loose_requirement_fails(line: str, clone: Path):
    with (clone / "requirements.txt").open("a") as file:
        file.write(f"{line}\n")
    code, said = check(clone, "pins")
    assert code == 1
    assert line in said


def test_a_lock_file_that_names_a_registry_fails(clone: Path):
    lock = clone / "package-lock.json"
    lock.write_text(lock.read_text().replace('"version"', '"resolved": "x",\n"version"', 1))
    code, said = check(clone, "pins")
    assert code == 1
    assert "package-lock.json" in said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("static/vendor/uplot.js", b"// foreign"),
        ("static/lib/tus.min.js", b"// foreign"),
        ("docs/picture.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"),
        ("docs/huge.txt", b"x" * 400_000),
    ],
)
def test_a_foreign_binary_or_huge_file_fails(name: str, content: bytes, clone: Path):
    path = clone / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    subprocess.run(["git", "add", name], cwd=clone, check=True)
    code, said = check(clone, "files")
    assert code == 1
    assert name in said


def test_lint_and_format_see_a_bad_file(clone: Path):
    (clone / "tools/bad.py").write_text("import os\nx = {  'a':1 }\neval('1')\n")
    code, said = check(clone, "lint")
    assert code == 1
    assert "F401" in said
    assert "S307" in said
    assert check(clone, "format")[0] == 1


def test_unsafe_production_settings_fail():
    code, said = check(ROOT, "production", OSKARTRACK_DEBUG="true")
    assert code == 1
    assert "security.W018" in said


def test_an_unknown_check_is_refused():
    code, said = check(ROOT, "speling")
    assert code == 2
    assert "there is no check speling" in said
