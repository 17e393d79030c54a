"""Measure, print one table, write `var/bench.json`. A goal that is missed is printed as missed."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tools.bench.installation import ROOT
from tools.bench.rows import ROWS, Row, Wanted

RESULTS = ROOT / "var/bench.json"


def main() -> int:
    """Measure what the command line names, or everything."""
    options = _options()
    done: list[Row] = []
    failed = []
    with tempfile.TemporaryDirectory(prefix="oskartrack-bench-") as folder:
        sizes = tuple(options.minutes), tuple(options.millions)
        wanted = Wanted(Path(folder), options.seeds, options.seconds, *sizes)
        for name in options.rows or ROWS:
            began = time.monotonic()
            try:
                done += ROWS[name](wanted, _tell)
            except RuntimeError as error:
                failed.append(name)
                _tell(f"{name} failed: {error}")
            _tell(f"{name} took {time.monotonic() - began:.0f} s")
            write(done, options.results)
    print(table(done))
    return bool(failed)


def table(rows: list[Row]) -> str:
    """Return the rows for people to read."""
    head = ("", "ours", "peer", "ratio", "goal", "")
    cells = [head, *((r.name, *map(_short, (r.ours, r.peer, r.ratio)), _goal(r), r.note)
                     for r in rows)]  # fmt: skip
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = []
    for row in cells:
        numbers = (row[i].rjust(widths[i]) for i in (1, 2, 3))
        parts = (row[0].ljust(widths[0]), *numbers, row[4].ljust(widths[4]), row[5])
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def write(rows: list[Row], path: Path) -> None:
    """Put the rows into the results file; rows that were not measured now keep their numbers."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    if rows and any(row.name.startswith("rendered_store") for row in rows):
        kept = {name: row for name, row in kept.items() if not name.startswith("rendered_store")}
    new = {
        row.name: {"ours": row.ours, "peer": row.peer, "ratio": row.ratio, "goal": row.goal}
        for row in rows
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept | new, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of: {', '.join(ROWS)}")
    parser.add_argument("--seeds", type=int, default=5, help="scenes to count (5)")
    parser.add_argument("--seconds", type=int, default=120, help="length of each scene (120)")
    parser.add_argument(
        "--minutes", type=int, nargs="+", default=[1, 10], help="videos to take memory of (1 10)"
    )
    parser.add_argument(
        "--millions", type=int, nargs="+", default=[1],
        help="millions of events in a year that sums are made of (1); `1 10` takes an hour",
    )  # fmt: skip
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to write")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are: {', '.join(ROWS)}")
    return options


def _goal(row: Row) -> str:
    return f"{row.goal} {'MISSED' if row.missed else 'reached'}" if row.goal else ""


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
