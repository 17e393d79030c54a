"""What the documents name exists."""

import re
from collections import Counter
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


PATH = re.compile(r"`([\w./-]+(?:\.py|\.yml|\.json|\.md|/))`")
ROOMS = ("oskartrack", "accounts", "zones", "tracking", "tracking/vision", "analytics")
# Alike in every room; the tour says so once.
STOCK = {"__init__.py", "apps.py", "urls.py", "api_urls.py"}


def tour() -> list[tuple[str, str]]:
    """Return every path that the tour names, with the room in whose part it stands."""
    room, named = "", []
    for line in (ROOT / "docs/tour.md").read_text().splitlines():
        if line.startswith("## "):
            found = re.match(r"## .*: `([\w/]+)/`$", line)
            room = found[1] if found and found[1] in ROOMS else ""
        else:
            named += [(room, name) for name in PATH.findall(line)]
    return named


def test_the_tour_names_paths_that_exist():
    assert len(tour()) > 100
    for room, name in tour():
        assert (ROOT / room / name).exists() or (ROOT / name).exists(), (room, name)


def test_the_tour_leads_past_every_module_once():
    named = Counter(str(Path(room) / name) for room, name in tour() if room)
    assert [name for name, times in named.items() if times > 1] == []
    for room in ("oskartrack", "accounts", "zones", "tracking", "analytics"):
        for path in (ROOT / room).rglob("*.py"):
            module = path.relative_to(ROOT)
            if path.name not in STOCK and "migrations" not in module.parts:
                assert str(module) in named, module


def test_every_test_that_a_document_names_exists():
    for document in (ROOT / "docs").rglob("*.md"):
        named = re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", document.read_text())
        for file, test in named:
            assert (ROOT / file).is_file(), (document.name, file)
            assert not test or f"def {test}(" in (ROOT / file).read_text(), (document.name, test)


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


CHARTS = (ROOT / "docs/charts.md").read_text()


def test_how_to_add_a_chart_names_files_and_parts_that_exist():
    named = set(re.findall(r"`((?:\w+/)+[\w./-]+\.\w+)`", CHARTS))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).is_file()] == []
    scripts = "".join(path.read_text() for path in (ROOT / "static/js").rglob("*.js"))
    for name in ("mount", "token", "pressable", "eventsAddress"):
        assert f"`{name}" in CHARTS
        assert re.search(rf"export (?:function|const) {name}\b", scripts), name
    tools = (ROOT / "static/js/parts/chart_tools.js").read_text()
    for name in ("shown", "options", "select"):
        assert f"tools.{name}" in CHARTS
        assert re.search(rf"^  (?:get )?{name}(?:\(| =)", tools, re.MULTILINE), name
    assert 'class="lgb" type="button" data-series' in CHARTS


def test_every_chart_has_a_table_beside_it_and_a_way_to_show_it():
    templates = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    shown = [text for text in templates if re.search(r'class="chart[ "]', text)]
    pages = [text for text in shown if "data-style-chart" not in text]  # made-up numbers
    assert len(pages) == 3
    for text in pages:
        assert text.count('data-value="table"') == text.count('class="chart') == 1
        assert re.search(r'data-\w+-view="table"[^>]*hidden>\s*<table class="tbl">', text)
