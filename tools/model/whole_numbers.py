"""A model in whole numbers of 8 bits, its ranges learnt on pictures of the rendered shop alone."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from tracking.vision import scene
from tracking.vision.detectors.nanodet import COLOURS, DEFAULT_SIDE
from tracking.vision.detectors.pictures import fit, network_picture

# Fixed scenes and frames: the same model comes out each time.
SEEDS, SECONDS, FPS, EVERY = (1, 2, 3), 16, 5, 10
# What carries the pictures. The last convolutions stay as they are: they cost little, and scores
# and distances in steps of 1/255 of their range would be coarse.
QUANTISED = ["Conv", "LeakyRelu", "MaxPool", "Concat", "Resize", "Add"]


def in_whole_numbers(
    model: onnx.ModelProto, input_name: str, pictures: Iterable[NDArray[np.float32]]
) -> onnx.ModelProto:
    """Return the model with weights and values of 8 bits, equal on every call.

    Parameters
    ----------
    model : ModelProto
        One picture in.
    input_name : str
        Its input.
    pictures : iterable of ndarray
        What goes in: the ranges of all values are learnt on them.
    """
    # Imported when used: it takes seconds.
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Pictures(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(pictures)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            picture = next(self._left, None)
            return None if picture is None else {input_name: picture}

    logging.getLogger().addFilter(_no_advice)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        quantize_static(
            onnx.shape_inference.infer_shapes(model),
            path,
            Pictures(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED,
            nodes_to_exclude=_last_convolutions(model),
            per_channel=True,
            # Processors without VNNI add two products in 16 bits: 7 bits of weight never overflow.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        whole = onnx.load(path)
    logging.getLogger().removeFilter(_no_advice)
    return whole


def demo_pictures() -> Iterator[NDArray[np.float32]]:
    """Yield pictures of the rendered shop as the network wants them: 24, of three scenes."""
    for seed in SEEDS:
        plan = scene.plan(seed, SECONDS, FPS)
        for number in range(0, plan.frame_count, EVERY):
            image, _ = scene.render_frame(plan, number)
            height, width = image.shape[:2]
            yield network_picture(image, fit(width, height, DEFAULT_SIDE), COLOURS)


def _last_convolutions(model: onnx.ModelProto) -> list[str]:
    parted = {node.input[0] for node in model.graph.node if node.op_type == "Split"}
    return [node.name for node in model.graph.node if node.output[0] in parted]


def _no_advice(record: logging.LogRecord) -> bool:
    return record.levelno > logging.WARNING
