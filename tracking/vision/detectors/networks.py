"""Running an ONNX network on one core: by onnxruntime, or by OpenCV where that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.detectors.model_files import ModelFile
from tracking.vision.errors import UnknownDetectorError

Floats = NDArray[np.float32]
SIDES = 4  # of a network's input: pictures, channels, height, width


class Network(Protocol):
    """A network with one picture in and some arrays out."""

    @property
    def engine(self) -> str:
        """What runs it."""

    @property
    def picture_size(self) -> tuple[int | None, int | None]:
        """Height and width that go in; None where any will do."""

    def run(self, picture: Floats) -> list[Floats]:
        """Return the outputs, in the model's order, for a picture (1, 3, height, width)."""


def load_network(model: ModelFile, outputs: Sequence[str] = ()) -> Network:
    """Return a network ready to run; afterwards it needs no file, thread or process any more.

    Parameters
    ----------
    model : ModelFile
        The model.
    outputs : sequence of str, optional
        Which outputs, in which order; when empty all in the model's, those named boxes last.

    Raises
    ------
    UnknownDetectorError
        The file is no ONNX model, or no one that takes pictures.
    """
    onnxruntime = _onnxruntime()
    if onnxruntime is None:
        return _OpenCvNetwork(model, outputs)
    return _RuntimeNetwork(onnxruntime, model, outputs)


def has_onnxruntime() -> bool:
    """Return whether onnxruntime is installed, without importing it."""
    try:
        return find_spec("onnxruntime") is not None
    except ValueError:  # it was tried, and found not to work
        return False


def _onnxruntime() -> ModuleType | None:
    """Import onnxruntime, which takes 40 MB, for those who use it and not before."""
    try:
        return import_module("onnxruntime")
    except ImportError:  # no wheel for this machine, or a library that it needs is missing
        return None


class _RuntimeNetwork:
    """One thread, one step after the other: the same arithmetic each time, no fight for cores."""

    engine = "onnxruntime"

    def __init__(self, onnxruntime: Any, model: ModelFile, outputs: Sequence[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        options.log_severity_level = 4  # what goes wrong is raised
        try:
            self._session = onnxruntime.InferenceSession(
                model.data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors have no common base of their own
            _check_memory(error)
            raise UnknownDetectorError(
                f"The file '{model.name}' cannot be used as an ONNX model: {_first_line(error)}"
            ) from error
        self._name = model.name
        self._outputs = list(outputs) or _boxes_last(self._session.get_outputs())
        self._input, self.picture_size = self._picture_input(model.name)

    def _picture_input(self, name: str) -> tuple[str, tuple[int | None, int | None]]:
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape) if inputs else []
        fits = len(inputs) == 1 and len(shape) == SIDES and inputs[0].type == "tensor(float)"
        if not fits or not _takes_colours(shape[1]):
            had = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
            raise UnknownDetectorError(
                f"The model '{name}' must take one picture as floats of the shape "
                f"[1, 3, height, width]; it takes {had or 'nothing'}."
            )
        height, width = (side if isinstance(side, int) else None for side in shape[2:])
        return inputs[0].name, (height, width)

    def run(self, picture: Floats) -> list[Floats]:
        try:
            found: list[Floats] = self._session.run(self._outputs, {self._input: picture})
        except Exception as error:  # as above
            _check_memory(error)
            raise UnknownDetectorError(
                f"The model '{self._name}' takes no picture of {picture.shape[3]} x "
                f"{picture.shape[2]} pixels: {_first_line(error)}"
            ) from error
        return found


class _OpenCvNetwork:
    """The way without onnxruntime: about twice the time, and equal to 1e-4."""

    engine = "opencv"

    def __init__(self, model: ModelFile, outputs: Sequence[str]) -> None:
        cv2.setNumThreads(1)
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(model.data, np.uint8))
        except cv2.error as error:
            raise UnknownDetectorError(
                f"OpenCV cannot run '{model.name}' ({_first_line(error)}); "
                "onnxruntime, which could, is not installed."
            ) from error
        self._outputs = list(outputs) or list(self._net.getUnconnectedOutLayersNames())
        self.picture_size: tuple[int | None, int | None] = (None, None)

    def run(self, picture: Floats) -> list[Floats]:
        self._net.setInput(picture)
        return [np.asarray(each, np.float32) for each in self._net.forward(self._outputs)]


def _boxes_last(outputs: Sequence[Any]) -> list[str]:
    """Return the names of all outputs; DETR's two may have one shape, so the name decides."""
    return sorted((each.name for each in outputs), key=lambda name: "box" in name.lower())


def _takes_colours(channels: object) -> bool:
    return channels == 3 or channels is None or isinstance(channels, str)


def _check_memory(error: Exception) -> None:
    """Raise MemoryError where that is what an error of onnxruntime's is about."""
    if any(words in str(error) for words in ("Failed to allocate", "bad_alloc", "bad allocation")):
        raise MemoryError("The network needs more memory than there is.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
