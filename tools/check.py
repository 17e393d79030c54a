"""Everything about the code that can be checked without running the tests.

Each check runs even when an earlier one failed, so one look shows all there is to mend.
"""

import argparse
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PIN = re.compile(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9.]+$")
# Text is what a person can review. Everything else is made at set-up and never committed.
BINARY_PROBE_BYTES = 8_192
LARGEST_FILE_BYTES = 300_000
FOREIGN_NAMES = re.compile(r"(^|/)(node_modules|vendor|dist)/|\.min\.(js|css)$|\.(whl|onnx|pt)$")


def main() -> int:
    """Run the checks named on the command line, or all, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="check", help=f"one of: {', '.join(CHECKS)}")
    names = parser.parse_args().only or list(CHECKS)
    if unknown := set(names) - set(CHECKS):
        parser.error(f"there is no check {', '.join(sorted(unknown))}")
    failed = [name for name in names if not passes(name)]
    print(f"check: {', '.join(failed)} failed" if failed else f"check: {len(names)} passed")
    return bool(failed)


def passes(name: str) -> bool:
    """Run one check, show what it found when it failed, and return whether it passed."""
    started = time.monotonic()
    problems = CHECKS[name]()
    took = f"{time.monotonic() - started:.1f} s"
    print(f"{'FAILED' if problems else 'ok':<7}{name} ({took})", flush=True)
    if problems:
        print(problems.rstrip() + "\n", flush=True)
    return not problems


def run(*command: str | Path, **environment: str) -> str:
    """Return what a command printed when it failed, an empty text when it did not."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr or f"exit code {done.returncode}") if done.returncode else ""


def manage(*arguments: str, **environment: str) -> str:
    """Run a management command on an empty data folder of its own."""
    with tempfile.TemporaryDirectory() as data:
        settings = {"OSKARTRACK_DATA": data, "DATABASE_URL": f"sqlite:///{data}/db.sqlite3"}
        return run(sys.executable, "manage.py", *arguments, **{**settings, **environment})


def production_settings() -> str:
    """Ask Django whether the production settings are safe to deploy; a warning is a failure."""
    return manage(
        "check",
        "--deploy",
        "--fail-level=WARNING",
        OSKARTRACK_ENV="production",
        OSKARTRACK_SECRET_KEY=secrets.token_urlsafe(64),
        OSKARTRACK_JWT_KEY=secrets.token_urlsafe(64),
        OSKARTRACK_CAMERA_KEY=secrets.token_urlsafe(64),
        OSKARTRACK_HOSTS="shop.example",
    )


def pins() -> str:
    """Name every requirement that is not pinned to one version."""
    loose = [
        f"{path.name}:{number}: {line}"
        for path in sorted(ROOT.glob("requirements*.txt"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line and not line.startswith(("#", "-r ")) and not PIN.match(line)
    ]
    lock = (ROOT / "package-lock.json").read_text()
    if '"resolved"' in lock:
        loose.append(
            "package-lock.json names the registry of one machine; "
            "write it with: npm install --omit-lockfile-registry-resolved"
        )
    return "\n".join(loose)


def tracked_files() -> str:
    """Name every tracked file that is not ours to review: foreign, binary or huge."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    problems = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if FOREIGN_NAMES.search(name):
            problems.append(f"{name}: third-party files are installed, not committed")
        elif path.is_file() and b"\0" in path.read_bytes()[:BINARY_PROBE_BYTES]:
            problems.append(f"{name}: binary files are made, not committed")
        elif path.is_file() and path.stat().st_size > LARGEST_FILE_BYTES:
            problems.append(f"{name}: {path.stat().st_size} bytes, larger than a person reads")
    return "\n".join(problems)


CHECKS = {
    "format": lambda: run(BIN / "ruff", "format", "--check", "--diff", "--quiet", "."),
    "lint": lambda: run(BIN / "ruff", "check", "--output-format", "concise", "."),
    "types": lambda: run(BIN / "mypy", "."),
    "arrows": lambda: run(BIN / "lint-imports", "--no-cache"),
    # Asserts are for the type checker; built SQL is ruff's to judge (S608), line by line.
    "security": lambda: run(
        *(BIN / "bandit", "--quiet", "--recursive", "-ll", "--skip", "B101,B608"),
        *("accounts", "analytics", "oskartrack", "tracking", "zones", "tools", "manage.py"),
    ),
    "javascript": lambda: run(
        *(sys.executable, "tools/node.py", "node", "var/npm/node_modules/eslint/bin/eslint.js"),
        *("--max-warnings=0", "static", "tests/js", "eslint.config.js"),
    ),
    "migrations": lambda: manage("makemigrations", "--check", "--dry-run"),
    "production": production_settings,
    "pins": pins,
    "files": tracked_files,
}

if __name__ == "__main__":
    sys.exit(main())
