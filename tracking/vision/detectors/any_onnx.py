"""People by any ONNX file of a family that we read: YOLOX, YOLOv8, DETR, RT-DETR.

The file lies in the folder of models; a camera's settings name it and its family.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from tracking.vision.detections import DetectedFrame
from tracking.vision.detectors.checks import check_settings
from tracking.vision.detectors.heads import FAMILIES
from tracking.vision.detectors.model_files import read_model
from tracking.vision.detectors.networks import has_onnxruntime, load_network
from tracking.vision.detectors.neural import NeuralDetector
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.frames import Frame

LARGEST_SIDE = 2048


@dataclass(frozen=True, slots=True)
class OnnxSettings:
    """Settings of a detector from a file.

    Parameters
    ----------
    model : str
        The file's name in the folder of models.
    family : str
        How its answer is read: yolox, yolov8, detr or rtdetr.
    sha256 : str
        The file's hash, which is filled in when the detector is made.
    class_index : int, optional
        The number of the class of people; -1 for the family's usual one.
    input_side : int
        Pixels of the longer side of what goes in, a multiple of 32, where the file leaves it open.
    threshold, nms_iou, gap_ms
        As NanoDet's.
    """

    model: str
    family: str
    sha256: str = ""
    class_index: int = -1
    input_side: int = 640
    threshold: float = 0.1
    nms_iou: float = 0.6
    gap_ms: int = 120

    def __post_init__(self) -> None:
        if self.family not in list(FAMILIES):
            known = ", ".join(FAMILIES)
            raise UnknownDetectorError(f"There is no family '{self.family}'; there are: {known}.")
        check_settings(self.threshold, self.nms_iou, self.gap_ms, self.input_side, LARGEST_SIDE)
        if type(self.class_index) is not int:
            raise UnknownDetectorError(f"class_index is a number, got {self.class_index!r}.")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the settings that `to_json` wrote; what is missing has its default."""
        return cls(**data)


class OnnxDetector:
    """A detector from a file, tried on a grey picture when it is made."""

    name = "onnx"

    def __init__(self, settings: OnnxSettings, folder: Path | None = None) -> None:
        if not has_onnxruntime():
            raise UnknownDetectorError("It needs onnxruntime, which is not installed here.")
        model = read_model(settings.model, folder, settings.sha256)
        family = FAMILIES[settings.family]
        number = settings.class_index if settings.class_index >= 0 else family.person
        self.settings = replace(settings, sha256=model.sha256, class_index=number)
        self._inner = NeuralDetector(
            load_network(model),
            family.read,
            family.colours,
            input_side=settings.input_side,
            class_index=number,
            threshold=settings.threshold,
            nms_iou=settings.nms_iou,
            gap_ms=settings.gap_ms,
        )
        self._inner.try_out()

    def detect(self, frames: Iterable[Frame]) -> Iterator[DetectedFrame]:
        """Yield the people of every frame looked at; see `Detector.detect`."""
        return self._inner.detect(frames)
