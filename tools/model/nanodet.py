"""NanoDet as this product wants it: people alone, its outputs by name."""

from __future__ import annotations

import json

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from tools.model.tfjs import BadGraphError, convert, read_weights

CLASSES, PERSON = 80, 0  # of COCO, in their usual order
BINS = 11  # steps of the distance from a place to a side of the box
STRIDES = (8, 16, 32)
INPUT = "picture"


def nanodet(graph: bytes, weights: bytes) -> onnx.ModelProto:
    """Return the model from the two files of the package.

    Returns
    -------
    model : ModelProto
        Input ``picture``, shape (1, 3, height, width), red, green, blue, normalised, sides
        multiples of 32. Outputs ``scores_8``, ``scores_16``, ``scores_32``, each of shape (1,
        places, 1) in [0, 1], and ``distances_8`` and so on, of shape (1, places, 44).
    """
    described = json.loads(graph)
    names = [path for group in described["weightsManifest"] for path in group["paths"]]
    files = dict.fromkeys(names, weights)
    model = convert(described["modelTopology"], read_weights(described["weightsManifest"], files))
    _people_only(model)
    _name_ends(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _people_only(model: onnx.ModelProto) -> None:
    """Cut what scores the other 79 classes out of the last convolutions."""
    graph = model.graph
    constants = {each.name: each for each in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    heads = [node for node in graph.node if node.op_type == "Split"]
    for head in heads:
        if list(_array(constants, head.input[1])) != [CLASSES, 4 * BINS]:
            raise BadGraphError(f"'{head.name}' does not part scores from distances.")
        _set(constants, head.input[1], np.array([1, 4 * BINS]))
        last = makers[head.input[0]]
        kept = [PERSON, *range(CLASSES, CLASSES + 4 * BINS)]
        for name in last.input[1:]:
            _set(constants, name, _array(constants, name)[kept])
    for node in graph.node:
        if node.op_type == "Reshape" and list(_array(constants, node.input[1])) == [1, CLASSES, -1]:
            _set(constants, node.input[1], np.array([1, 1, -1]))


def _name_ends(model: onnx.ModelProto) -> None:
    """Name the input and the outputs, in a fixed order, by what they are."""
    graph = model.graph
    # Those of the package are numbered: the scores of the three strides, then their distances.
    old = sorted(output.name for output in graph.output)
    new = [f"{kind}_{stride}" for kind in ("scores", "distances") for stride in STRIDES]
    names = dict(zip(old, new, strict=True)) | {graph.input[0].name: INPUT}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    graph.input[0].name = INPUT
    del graph.output[:]
    for name in new:
        sides = [1, None, 1 if name.startswith("scores") else 4 * BINS]
        graph.output.append(onnx.helper.make_tensor_value_info(name, 1, sides))


def _array(constants: dict[str, onnx.TensorProto], name: str) -> NDArray[np.generic]:
    return numpy_helper.to_array(constants[name])


def _set(constants: dict[str, onnx.TensorProto], name: str, array: NDArray[np.generic]) -> None:
    constants[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
