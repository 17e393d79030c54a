"""NanoDet for the tests that want the real network, without a download.

It is what `make model` made where that was run. Elsewhere it is made of the reference conversion,
which computes the same and lies beside a checkout; where that is not either, those tests skip.
"""

import shutil
from pathlib import Path

import onnx
import pytest

from tools.model.nanodet import INPUT
from tools.model.whole_numbers import demo_pictures, in_whole_numbers
from tracking.vision.detectors.model_files import FOLDER, NANODET, NANODET_INT8
from tracking.vision.detectors.nanodet import OUTPUTS

REFERENCE = Path(__file__).resolve().parents[3] / "shared/data/models/nanodet_person_reference.onnx"
NEITHER = "NanoDet is not here (make model fetches it), nor is its reference in ../shared/data"


@pytest.fixture(scope="session")
def real_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with NanoDet's two files."""
    folder = tmp_path_factory.mktemp("nanodet")
    if all((FOLDER / name).is_file() for name in (NANODET, NANODET_INT8)):
        for name in (NANODET, NANODET_INT8):
            shutil.copy(FOLDER / name, folder)
    elif REFERENCE.is_file():
        model = _renamed(onnx.load(REFERENCE))
        onnx.save(model, folder / NANODET)
        onnx.save(in_whole_numbers(model, INPUT, demo_pictures()), folder / NANODET_INT8)
    else:
        pytest.skip(NEITHER)
    return folder


def _renamed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the reference conversion with its ends named as ours are; it keeps their order."""
    graph = model.graph
    names = dict(zip((each.name for each in graph.output), OUTPUTS, strict=True))
    names[graph.input[0].name] = INPUT
    for each in (*graph.input, *graph.output):
        each.name = names[each.name]
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return model
