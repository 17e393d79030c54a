"""A TensorFlow.js graph model as an ONNX model, with numpy and onnx alone.

TensorFlow computes with channels last and transposes at every turn; ONNX keeps channels first. So
values are kept as ONNX has them, with a note of the order in which the graph believes their axes
to be: a transposition costs nothing but a note. Paddings and biases go into the convolutions that
follow or precede them, and the fixed sizes of the graph become factors, so that the model takes
pictures of any size.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 13, 8  # old enough for cv2.dnn, new enough for int8 by channel
CHANNELS_LAST = (0, 2, 3, 1)  # how the graph sees what ONNX keeps as batch, channels, height, width
# float16 holds nothing below: a padding of this is "nothing there" to a maximum.
LEAST_FLOAT16 = -65504.0
Array: TypeAlias = NDArray[Any]
Node: TypeAlias = dict[str, Any]


class BadGraphError(Exception):
    """The graph has something that this converter does not know."""


@dataclass(frozen=True, slots=True)
class Value:
    """What flows along one edge.

    Parameters
    ----------
    name : str
        In the ONNX graph.
    shape : tuple of int
        For the input size that the graph was written for, as the graph sees it.
    order : tuple of int
        Axis i of what the graph sees is axis ``order[i]`` of what ONNX has.
    pads : tuple of (before, after), optional
        Padding still to be applied, as the graph sees it.
    pad_value : float
        With what.
    """

    name: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    pads: tuple[tuple[int, int], ...] = ()
    pad_value: float = 0.0


Anything: TypeAlias = Value | Array


def read_weights(manifest: list[dict[str, Any]], files: dict[str, bytes]) -> dict[str, Array]:
    """Return the constants of a graph by name.

    Parameters
    ----------
    manifest : list of dict
        `weightsManifest` of the model's JSON.
    files : dict
        The bytes of every file that it names.

    Raises
    ------
    BadGraphError
        A weight is stored in an unknown way, or the files are too short or too long.
    """
    found: dict[str, Array] = {}
    for group in manifest:
        data, at = b"".join(files[path] for path in group["paths"]), 0
        for weight in group["weights"]:
            stored = np.dtype(weight.get("quantization", weight)["dtype"]).newbyteorder("<")
            if stored.name not in {"float16", "float32", "int32"}:
                raise BadGraphError(f"Weight '{weight['name']}' is stored as {stored}.")
            count = int(np.prod(weight["shape"]))
            if at + count * stored.itemsize > len(data):
                raise BadGraphError(f"Weight '{weight['name']}' is beyond the end of its file.")
            array = np.frombuffer(data, stored, count, at).reshape(weight["shape"])
            found[weight["name"]] = array.astype(weight["dtype"])
            at += array.nbytes
        if at != len(data):
            raise BadGraphError(f"{len(data) - at} bytes of weights belong to nothing.")
    return found


def convert(topology: dict[str, Any], weights: dict[str, Array]) -> onnx.ModelProto:
    """Return a graph as an ONNX model that takes pictures of any height and width.

    Parameters
    ----------
    topology : dict
        `modelTopology` of the model's JSON, its nodes in order of use.
    weights : dict
        As `read_weights` returns them.

    Raises
    ------
    BadGraphError
        The graph has an operation, or a form of one, that is not known here.
    """
    build = _Build()
    for node in topology["node"]:
        if node["op"] not in OPERATIONS and node["op"] != "Const":
            raise BadGraphError(f"There is no way to convert the operation '{node['op']}'.")
        for name in node.get("input", []):
            build.uses[_edge(name)] = build.uses.get(_edge(name), 0) + 1
    for node in topology["node"]:
        if node["op"] == "Const":
            build.values[node["name"]] = weights[node["name"]]
            continue
        inputs = [build.values[_edge(name)] for name in node.get("input", [])]
        made = OPERATIONS[node["op"]](build, node, inputs)
        for number, value in enumerate(made if isinstance(made, list) else [made]):
            build.values[f"{node['name']}:{number}" if number else node["name"]] = value
    return build.model()


def _edge(name: str) -> str:
    return name.removesuffix(":0").removeprefix("^")


@dataclass(slots=True)
class _Build:
    """The ONNX graph as far as it is written."""

    values: dict[str, Anything] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    made_by: dict[str, onnx.NodeProto] = field(default_factory=dict)

    def add(self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> str:
        """Write one node; return the name of its first output."""
        node = helper.make_node(op, inputs, outputs, name=outputs[0], **attributes)
        self.nodes.append(node)
        self.made_by[outputs[0]] = node
        return outputs[0]

    def constant(self, name: str, array: Array) -> str:
        """Write one constant; return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def stored(self, value: Value, order: Sequence[int], name: str) -> Value:
        """Return the value with ONNX's axes in a wanted order, without padding left to do."""
        if value.pads:
            before, after = np.zeros(len(value.order), int), np.zeros(len(value.order), int)
            for axis, (first, last) in zip(value.order, value.pads, strict=True):
                before[axis], after[axis] = first, last
            pads = self.constant(f"{name}/pads", np.concatenate([before, after]).astype(np.int64))
            fill = self.constant(f"{name}/fill", np.array(value.pad_value, np.float32))
            padded = self.add("Pad", [value.name, pads, fill], [f"{name}/padded"])
            value = replace(value, name=padded, pads=())
        order = tuple(order)
        if value.order != order:
            perm = [value.order[order.index(axis)] for axis in range(len(order))]
            moved = self.add("Transpose", [value.name], [f"{name}/moved"], perm=perm)
            value = replace(value, name=moved, order=order)
        return value

    def model(self) -> onnx.ModelProto:
        """Return what was written."""
        graph = helper.make_graph(
            self.nodes, "network", self.inputs, self.outputs, initializer=self.constants
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
        model.producer_name = "oskartrack"
        onnx.checker.check_model(model)
        return model


class _Operation(Protocol):
    def __call__(
        self, build: _Build, node: Node, inputs: list[Anything], /
    ) -> Anything | list[Anything]: ...


def _flowing(node: Node, value: Anything) -> Value:
    if isinstance(value, Value):
        return value
    raise BadGraphError(f"'{node['name']}' ({node['op']}) has a constant where a value flows.")


def _fixed(node: Node, value: Anything) -> Array:
    if isinstance(value, Value):
        raise BadGraphError(f"'{node['name']}' ({node['op']}) has a value that is not constant.")
    return value


def _list(node: Node, key: str) -> tuple[int, ...]:
    return tuple(int(each) for each in node["attr"][key]["list"].get("i", []))


def _text(node: Node, key: str) -> str:
    return base64.b64decode(node["attr"][key]["s"]).decode()


def _flag(node: Node, key: str) -> bool:
    return bool(node["attr"].get(key, {}).get("b", False))


def _placeholder(build: _Build, node: Node, _inputs: list[Anything]) -> Value:
    shape = tuple(int(each["size"]) for each in node["attr"]["shape"]["shape"]["dim"])
    # Channels first, as a picture goes in; only its height and width are free.
    free: list[str | int | None] = [*shape[:2], "height", "width"]
    build.inputs.append(helper.make_tensor_value_info(node["name"], TensorProto.FLOAT, free))
    return Value(node["name"], shape, tuple(range(len(shape))))


def _identity(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    """Write an output: that is what an Identity marks."""
    value = _flowing(node, inputs[0])
    value = build.stored(value, range(len(value.order)), node["name"])
    build.add("Identity", [value.name], [node["name"]])
    sides: list[int | None] = [1, None, *value.shape[2:]]
    build.outputs.append(helper.make_tensor_value_info(node["name"], TensorProto.FLOAT, sides))
    return replace(value, name=node["name"])


def _transpose(_build: _Build, node: Node, inputs: list[Anything]) -> Value:
    value, perm = _flowing(node, inputs[0]), _fixed(node, inputs[1]).tolist()
    return replace(
        value,
        shape=tuple(value.shape[axis] for axis in perm),
        order=tuple(value.order[axis] for axis in perm),
        pads=tuple(value.pads[axis] for axis in perm) if value.pads else (),
    )


def _pad(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    value = _flowing(node, inputs[0])
    if value.pads:
        value = build.stored(value, value.order, node["name"])
    pads = tuple((int(first), int(last)) for first, last in _fixed(node, inputs[1]))
    shape = tuple(side + sum(pad) for side, pad in zip(value.shape, pads, strict=True))
    fill = float(_fixed(node, inputs[2])) if len(inputs) > 2 else 0.0
    return replace(value, shape=shape, pads=pads, pad_value=fill)


def _window(node: Node, sides: tuple[int, int], value: Value) -> tuple[dict[str, Any], list[int]]:
    """Return the attributes that convolutions and pools share, and the output's height and width.

    Padding that is still to be done is done by the window itself.
    """
    if _text(node, "padding") != "VALID" or _text(node, "data_format") != "NHWC":
        raise BadGraphError(f"'{node['name']}' is not padded beforehand, or has channels first.")
    (_, *strides, _) = _list(node, "strides")
    pads = value.pads[1:3] if value.pads else ((0, 0), (0, 0))
    attributes = {
        "kernel_shape": list(sides),
        "strides": strides,
        "pads": [pads[0][0], pads[1][0], pads[0][1], pads[1][1]],
    }
    size = zip(value.shape[1:3], sides, strides, strict=True)
    return attributes, [(length - side) // stride + 1 for length, side, stride in size]


def _ready_for_window(build: _Build, node: Node, value: Value, *, nothing: bool) -> Value:
    """Return the value with channels first; its padding stays to do where a window can do it."""
    border = value.pads[:1] + value.pads[3:] if value.pads else ()
    fits = value.pad_value <= LEAST_FLOAT16 if nothing else value.pad_value == 0
    if value.order == CHANNELS_LAST and fits and not any(sum(pad) for pad in border):
        return value
    return build.stored(value, CHANNELS_LAST, node["name"])


def _convolution(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    value = _ready_for_window(build, node, _flowing(node, inputs[0]), nothing=False)
    kernel = _fixed(node, inputs[1])
    if set(_list(node, "dilations")) - {1} or kernel.shape[2] != value.shape[3]:
        raise BadGraphError(f"The convolution '{node['name']}' is dilated or grouped.")
    attributes, size = _window(node, kernel.shape[:2], value)
    weights = build.constant(f"{node['name']}/weights", kernel.transpose(3, 2, 0, 1))
    build.add("Conv", [value.name, weights], [node["name"]], **attributes)
    return Value(node["name"], (1, *size, kernel.shape[3]), CHANNELS_LAST)


def _max_pool(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    value = _ready_for_window(build, node, _flowing(node, inputs[0]), nothing=True)
    (_, *sides, _) = _list(node, "ksize")
    attributes, size = _window(node, (sides[0], sides[1]), value)
    build.add("MaxPool", [value.name], [node["name"]], **attributes)
    return Value(node["name"], (1, *size, value.shape[3]), CHANNELS_LAST)


def _add(build: _Build, node: Node, inputs: list[Anything]) -> Anything:
    one, other = inputs
    if not isinstance(one, Value) and not isinstance(other, Value):
        return np.asarray(one + other)
    if isinstance(one, Value) and isinstance(other, Value):
        one = build.stored(one, one.order, f"{node['name']}/one")
        other = build.stored(other, one.order, f"{node['name']}/other")
        return replace(one, name=build.add("Add", [one.name, other.name], [node["name"]]))
    value, bias = (one, other) if isinstance(one, Value) else (other, one)
    return _add_bias(build, node, _flowing(node, value), _fixed(node, bias))


def _add_bias(build: _Build, node: Node, value: Value, bias: Array) -> Value:
    """Give a bias to the convolution before it, where that is used nowhere else."""
    if bias.shape != (value.shape[-1],):
        raise BadGraphError(f"'{node['name']}' adds something of the shape {bias.shape}.")
    made_by = build.made_by.get(value.name)
    without = made_by is not None and made_by.op_type == "Conv" and len(made_by.input) == 2
    if made_by is not None and without and build.uses[value.name] == 1 and not value.pads:
        made_by.input.append(build.constant(f"{node['name']}/bias", bias))
        return value
    value = build.stored(value, value.order, node["name"])
    sides = [1] * len(value.shape)
    sides[value.order[-1]] = len(bias)
    constant = build.constant(f"{node['name']}/bias", bias.reshape(sides))
    return replace(value, name=build.add("Add", [value.name, constant], [node["name"]]))


def _elementwise(op: str) -> Callable[[_Build, Node, list[Anything]], Value]:
    def convert_one(build: _Build, node: Node, inputs: list[Anything]) -> Value:
        value = _flowing(node, inputs[0])
        value = build.stored(value, value.order, node["name"])
        how = {"alpha": float(node["attr"]["alpha"]["f"])} if op == "LeakyRelu" else {}
        return replace(value, name=build.add(op, [value.name], [node["name"]], **how))

    return convert_one


def _concat(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    axis = int(_fixed(node, inputs[-1]))
    order = _flowing(node, inputs[0]).order
    parts = [
        build.stored(_flowing(node, each), order, f"{node['name']}/{number}")
        for number, each in enumerate(inputs[:-1])
    ]
    names = [part.name for part in parts]
    build.add("Concat", names, [node["name"]], axis=order[axis])
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    return Value(node["name"], tuple(shape), order)


def _split(build: _Build, node: Node, inputs: list[Anything]) -> list[Anything]:
    value = _flowing(node, inputs[0])
    value = build.stored(value, value.order, node["name"])
    sizes, axis = _fixed(node, inputs[1]), int(_fixed(node, inputs[2])) % len(value.shape)
    names = [f"{node['name']}:{number}" for number in range(len(sizes))]
    lengths = build.constant(f"{node['name']}/sizes", sizes.astype(np.int64))
    build.add("Split", [value.name, lengths], names, axis=value.order[axis])
    shapes = ((*value.shape[:axis], int(n), *value.shape[axis + 1 :]) for n in sizes)
    return [Value(name, shape, value.order) for name, shape in zip(names, shapes, strict=True)]


def _resize(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    """Write a bilinear change of size; the sizes it names become factors."""
    if _flag(node, "align_corners") or not _flag(node, "half_pixel_centers"):
        raise BadGraphError(f"'{node['name']}' does not measure from the middle of pixels.")
    value = build.stored(_flowing(node, inputs[0]), CHANNELS_LAST, node["name"])
    height, width = (int(side) for side in _fixed(node, inputs[1]))
    factors = np.array([1, 1, height / value.shape[1], width / value.shape[2]], np.float32)
    scales = build.constant(f"{node['name']}/scales", factors)
    how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    build.add("Resize", [value.name, "", scales], [node["name"]], **how)
    return replace(value, name=node["name"], shape=(1, height, width, value.shape[3]))


def _reshape(build: _Build, node: Node, inputs: list[Anything]) -> Value:
    value = _flowing(node, inputs[0])
    value = build.stored(value, range(len(value.order)), node["name"])
    wanted = _fixed(node, inputs[1]).astype(np.int64)
    fixed = int(np.prod(wanted[wanted >= 0]))
    whole = int(np.prod(value.shape))
    if (wanted < 0).sum() != 1 or whole % fixed:
        raise BadGraphError(f"'{node['name']}' leaves no side free, which fixes the picture's.")
    shape = tuple(whole // fixed if side < 0 else int(side) for side in wanted)
    sides = build.constant(f"{node['name']}/shape", wanted)
    build.add("Reshape", [value.name, sides], [node["name"]])
    return Value(node["name"], shape, tuple(range(len(shape))))


def _sparse_to_dense(_build: _Build, node: Node, inputs: list[Anything]) -> Array:
    """Compute what is constant: some places of an array, and one value for all the others."""
    places, shape, values, rest = (_fixed(node, each) for each in inputs)
    dense = np.full(tuple(int(side) for side in shape), rest)
    if places.size:
        dense[tuple(places.reshape(-1, dense.ndim).T)] = values
    return dense


OPERATIONS: dict[str, _Operation] = {
    "Add": _add,
    "AddV2": _add,
    "ConcatV2": _concat,
    "Conv2D": _convolution,
    "Identity": _identity,
    "LeakyRelu": _elementwise("LeakyRelu"),
    "MaxPool": _max_pool,
    "Pad": _pad,
    "PadV2": _pad,
    "Placeholder": _placeholder,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Sigmoid": _elementwise("Sigmoid"),
    "SparseToDense": _sparse_to_dense,
    "SplitV": _split,
    "Transpose": _transpose,
}
