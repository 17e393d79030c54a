"""Tiny networks, made where they are needed: each answers what it is told to, whatever it sees."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def write_model(path, answers, *, size=(None, None), channels=3, inputs=1):
    """Write a network that gives constant answers; return the path.

    The picture's mean, times zero, is added to each answer, so it does go through the network.

    Parameters
    ----------
    answers : dict of ndarray
        By output.
    size : (height, width)
        Of the picture; None for any.
    """
    sides = [1, channels, *(side or name for side, name in zip(size, ("h", "w"), strict=True))]
    taken = [
        helper.make_tensor_value_info(f"picture{number}", TensorProto.FLOAT, sides)
        for number in range(inputs)
    ]
    constants = [numpy_helper.from_array(np.zeros((), np.float32), "zero")]
    nodes = [
        helper.make_node("ReduceMean", ["picture0"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    given = []
    for name, answer in answers.items():
        constants.append(numpy_helper.from_array(np.asarray(answer, np.float32), f"{name}_value"))
        nodes.append(helper.make_node("Add", [f"{name}_value", "nothing"], [name]))
        shape = list(np.shape(answer))
        given.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    graph = helper.make_graph(nodes, "tiny", taken, given, initializer=constants)
    opset = [helper.make_opsetid("", 13)]
    data = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    path.write_bytes(data)
    return path


def places(height, width, strides=(8, 16, 32)):
    """Return how many places a picture of this size has."""
    return sum((height // stride) * (width // stride) for stride in strides)
