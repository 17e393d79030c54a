"""Make sure there is a Chromium for the browser tests, where this machine can install one.

On Debian as root it is installed with apt-get; anywhere else nothing happens and the browser
tests are skipped with one line. A failure here never stops the tests.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
# It must never ask the network for anything on its own account.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
)


def program() -> str | None:
    """Return where Chromium is, None where there is none on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def main() -> int:
    """Install Chromium where none is on PATH and this machine allows it; always return 0."""
    if program():
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("No Chromium on PATH: the browser tests will be skipped.")
        return 0
    print("Installing Chromium for the browser tests", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        if done.returncode:
            print(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
