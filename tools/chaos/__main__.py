"""``python -m tools.chaos [part ...]``: break things, print one table; exit 1 when a part fails."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable

from tools.chaos import breaking, doubles, kills, live, poison
from tools.chaos.stage import ROOT

Lines = list[tuple[str, str]]
Part = Callable[[int], tuple[bool, Lines]]


def _kills(seed: int) -> tuple[bool, Lines]:
    outcome = kills.run(seed, kills.Size(), tell)
    for name in ("lost", "doubled"):
        for fact in getattr(outcome, name)[:20]:
            tell(f"{name}: {fact}")
    return outcome.held, kills.report(outcome)


def _sweep(_: int) -> tuple[bool, Lines]:
    swept = breaking.sweep(tell)
    lines = [("cases", f"{len(swept.wrong)}, wrong {len(swept.failures)}")]
    lines += [(case, why) for case, why in swept.failures.items()]
    return not swept.failures, lines


def _doubles(seed: int) -> tuple[bool, Lines]:
    outcome = doubles.run(seed, tell)
    return outcome.held, doubles.report(outcome)


def _poison(seed: int) -> tuple[bool, Lines]:
    outcome = poison.run(seed, tell)
    return outcome.held, poison.report(outcome)


def _live(seed: int) -> tuple[bool, Lines]:
    outcome = live.run(seed, live.Size(), tell)
    return outcome.held, live.report(outcome)


def _tests(*arguments: str, **environment: str) -> Part:
    """Return a part that is done by tests, in their full form."""

    def run(_: int) -> tuple[bool, Lines]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False)
        return code.returncode == 0, [("tests", " ".join(arguments))]

    return run


def _sums(seed: int) -> tuple[bool, Lines]:
    part = _tests(
        "tests/analytics/test_chance.py", "--also-postgresql",
        OSKARTRACK_CHAOS="full", SEED=str(seed),
    )  # fmt: skip
    return part(seed)


def _access(seed: int) -> tuple[bool, Lines]:
    part = _tests(
        "tests/access", "tests/accounts/test_refresh_at_once.py", "--timeout=3600",
        OSKARTRACK_CHAOS="full", SEED=str(seed),
    )  # fmt: skip
    return part(seed)


def _schema(seed: int) -> tuple[bool, Lines]:
    part = _tests(
        "tests/access/test_contract.py",
        "-s",
        "--timeout=7200",
        OSKARTRACK_CHAOS="full",
        SEED=str(seed),
    )
    return part(seed)


# A part is a function of the seed, or tests that have a longer form than the one of every commit.
PARTS: dict[str, Part] = {
    "kills": _kills,
    "sweep": _sweep,
    "doubles": _doubles,
    "poison": _poison,
    "live": _live,
    "planted": _tests("tests/chaos/test_planted_bugs.py", OSKARTRACK_CHAOS="full"),
    "outages": _tests(
        "tests/house/test_outages.py", "tests/house/test_full_disk.py", OSKARTRACK_CHAOS="full"
    ),
    "sums": _sums,
    "access": _access,
    "schema": _schema,
    "recounts": _tests("tests/tracking/test_recount_edits.py", OSKARTRACK_CHAOS="full"),
    "corpus": _tests(
        "tests/corpus", "-s", CORPUS_FILES="1000", CORPUS_DAMAGED="500", CORPUS_GOOD="60"
    ),
}


def main() -> int:
    """Run the parts that the command line names, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of: {', '.join(PARTS)}")
    names = parser.parse_args().parts or list(PARTS)
    if unknown := set(names) - set(PARTS):
        known = ", ".join(PARTS)
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are: {known}")
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    tell(f"SEED={seed}")
    lines: Lines = []
    failed = []
    for name in names:
        began = time.monotonic()
        held, found = PARTS[name](seed)
        failed += [] if held else [name]
        verdict = "holds" if held else "FAILED"
        lines += [(name, f"{verdict}, {time.monotonic() - began:.0f} s")]
        lines += [(f"  {what}", said) for what, said in found]
    width = max(len(what) for what, _ in lines)
    print("\n".join(f"{what:<{width}}  {said}" for what, said in lines))
    print(f"SEED={seed}: " + (f"{', '.join(failed)} failed" if failed else "everything held"))
    return bool(failed)


def tell(text: str) -> None:
    """Say how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
