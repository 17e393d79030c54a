"""Copy the front-end files that OskarTrack serves, and no others, to ``var/vendor/``.

The list is in ``package.json`` under ``oskartrack``: ``serve`` names each file as
``"where it is served": "where npm puts it"``, ``icons`` names the Tabler icons that become the
one sprite ``icons.svg``. Whole packages are never served: they hold files that refer to others
which do not exist, and hashing the static files stops at the first of those.
"""

import argparse
import json
import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
ICON_FOLDER = "@tabler/icons/icons/outline"
SVG = "http://www.w3.org/2000/svg"
# A source map that is not served would be a broken link, which hashing the static files refuses.
SOURCE_MAP = re.compile(rb"\s*(?://[#@]|/\*[#@])\s*sourceMappingURL=[^\s*]+(?:\s*\*/)?\s*$")


def main() -> int:
    """Copy the files and return the exit code."""
    parser = argparse.ArgumentParser(description="Copy the served front-end files to var/vendor/.")
    parser.add_argument("--modules", type=Path, default=ROOT / "var/npm/node_modules")
    parser.add_argument("--out", type=Path, default=ROOT / "var/vendor")
    options = parser.parse_args()
    wanted = json.loads((ROOT / "package.json").read_text())["oskartrack"]
    try:
        copy_served(wanted["serve"], options.modules, options.out, wanted["icons"])
    except FileNotFoundError as missing:
        print(
            f"Front-end file {missing.filename} is missing. "
            "Is its name in package.json right? Otherwise remove var/npm and run make again.",
            file=sys.stderr,
        )
        return 1
    return 0


def copy_served(serve: dict[str, str], modules: Path, out: Path, icons: list[str]) -> None:
    """Replace `out` by exactly the listed files and the icon sprite."""
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for target, source in serve.items():
        destination = fresh / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(SOURCE_MAP.sub(b"\n", (modules / source).read_bytes()))
    (fresh / "icons.svg").write_text(sprite(modules / ICON_FOLDER, icons))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)


def sprite(folder: Path, names: list[str]) -> str:
    """Return one SVG document with a symbol for every named icon, its id the icon's name."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.Element(f"{{{SVG}}}svg")
    for name in names:
        # Of a pinned package, named one by one.
        icon = ElementTree.fromstring((folder / f"{name}.svg").read_text())  # nosec B314
        symbol = ElementTree.SubElement(root, f"{{{SVG}}}symbol", id=name, viewBox="0 0 24 24")
        for key in ("fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin"):
            symbol.set(key, icon.attrib[key])
        # The first path of each Tabler icon is an invisible 24 x 24 box.
        symbol.extend(part for part in icon if part.get("stroke") != "none")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


if __name__ == "__main__":
    sys.exit(main())
