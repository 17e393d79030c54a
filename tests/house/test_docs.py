"""What the documents name exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| (F\d{3}) \| (.+?) \| (done|partly|planned) \| (.*?) ?\|$", re.MULTILINE)
FEATURES = ROW.findall((ROOT / "docs/features.md").read_text())


def test_features_have_one_row_each_in_a_known_state():
    text = (ROOT / "docs/features.md").read_text()
    assert [row[0] for row in FEATURES] == [f"F{number:03}" for number in range(1, 123)]
    assert len(re.findall(r"^\| F", text, re.MULTILINE)) == len(FEATURES)


def test_a_feature_that_is_there_names_the_test_that_shows_it():
    for feature, _, state, shown in FEATURES:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", shown)
        assert bool(named) is (state != "planned"), feature
        for file, test in named:
            assert (ROOT / file).is_file(), file
            assert not test or f"def {test}(" in (ROOT / file).read_text(), test


def test_the_tour_names_files_that_exist():
    room = ""
    for line in (ROOT / "docs/tour.md").read_text().splitlines():
        if found := re.match(r"## .*: `(\w+)/`", line):
            room = found[1]
        elif line.startswith("## "):
            room = ""
        for name in re.findall(r"`([\w./-]+(?:\.py|\.yml|\.json|/))`", line):
            assert any((ROOT / folder / name).exists() for folder in (room, "", "static/js")), name


def test_the_readme_names_real_commands_and_variables():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", readme)) - {"run", "test"} <= targets
    example = (ROOT / ".env.example").read_text()
    for variable in re.findall(r"`((?:OSKARTRACK_|DATABASE_|REDIS_)[A-Z_]+)", readme):
        assert f"{variable}=" in example, variable


def test_make_help_lists_exactly_the_targets_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    helped = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert helped == phony
