"""Networks of somebody's own are tried in a process with bounds: none takes the server with it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.vision.networks import write_model
from tests.vision.test_any_onnx import HEIGHT, WIDTH, yolov8_answer
from tests.vision.test_nanodet import tiny
from tracking import detectors, sandbox, trials
from tracking.vision.detectors.model_files import NANODET, read_model

HOW = {"model": "own.onnx", "family": "yolov8"}
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


@pytest.fixture
def own(settings, tmp_path):
    """Where the file lies that a camera's settings name."""
    settings.MODELS_DIR = tmp_path
    return tmp_path / "own.onnx"


def save(path: Path, nodes: list, constants: dict) -> None:
    """Write a network of these steps, from `picture` to `out`."""
    given = [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()]
    taken = [helper.make_tensor_value_info("picture", FLOAT, [1, 3, HEIGHT, WIDTH])]
    answer = [helper.make_tensor_value_info("out", FLOAT, None)]
    graph = helper.make_graph(nodes, "own", taken, answer, initializer=given)
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    path.write_bytes(model.SerializeToString())


def endless(path: Path) -> None:
    """Write a network that goes round and round."""
    values = [("round", INT64, []), ("on", BOOL, []), ("was", FLOAT, None)]
    taken = [helper.make_tensor_value_info(*each) for each in values]
    left = [("goes_on", BOOL, []), ("is", FLOAT, None)]
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["goes_on"]),
         helper.make_node("Cos", ["was"], ["is"])],
        "body", taken, [helper.make_tensor_value_info(*each) for each in left],
    )  # fmt: skip
    loop = helper.make_node("Loop", ["rounds", "", "picture"], ["out"], body=body)
    save(path, [loop], {"rounds": np.int64(2**62)})


def greedy(path: Path) -> None:
    """Write a network that wants 4 GB."""
    steps = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "sides"], ["out"]),
    ]
    save(path, steps, {"sides": np.array([1, 1024, 1024**2], np.int64)})


def test_what_a_network_is_set_to_comes_back_whole(own):
    tiny(own.parent / NANODET)
    told = trials.settings_of("nanodet", {"input_side": 128})
    sha256 = read_model(NANODET, own.parent).sha256
    assert (told["sha256"], told["input_side"], told["nms_iou"]) == (sha256, 128, 0.6)


def test_a_network_without_an_end_is_refused_in_plain_words(own, monkeypatch):
    monkeypatch.setattr(trials, "CPU_S", 4)
    endless(own)
    assert detectors.problem("onnx", HOW) == trials.SLOW


def test_a_network_that_wants_gigabytes_is_refused_and_this_process_never_loads_it(own):
    greedy(own)
    before = "onnxruntime" in sys.modules
    assert detectors.problem("onnx", HOW) == trials.LARGE
    assert ("onnxruntime" in sys.modules) == before


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("os.kill(os.getpid(), 11)", f"{trials.BROKEN}: The decoder ended with -11."),
        ("os.kill(os.getpid(), 9)", trials.LARGE),
        ("wire.send(1, wire.frame({'settings': [1]}))", trials.BROKEN),
        ("wire.send(1, wire.frame({'error': 'decoder_memory', 'detail': ''}))", trials.LARGE),
        ("wire.send(1, wire.frame({'error': 'x', 'detail': {}}))", trials.BROKEN),
    ],
)
def test_however_a_trial_ends_the_reason_is_told(own, monkeypatch, end, words):
    write_model(own, {"out": yolov8_answer()}, size=(HEIGHT, WIDTH))
    script = "import os; from tracking.vision import wire\n"
    script += "wire.send(1, wire.frame({'kind': 'seccomp'})); wire.receive(0)\n" + end
    monkeypatch.setattr(sandbox, "_lock_here", lambda: ("seccomp", ()))
    monkeypatch.setattr(sandbox, "command", lambda *_: [sys.executable, "-c", script])
    assert detectors.problem("onnx", HOW).startswith(words)
