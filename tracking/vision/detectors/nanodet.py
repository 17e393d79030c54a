"""People by NanoDet (Lyu 2020, Apache-2.0), a network of 3.8 million weights, cut down to people.

`make model` puts its two files in place: the weights as they were published, and the same in whole
numbers of 8 bits, which is faster and, on our films, no worse. Boxes and scores are the network's
own; only the place of 0.5 is moved, see `confidence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from tracking.vision.boxes import Scores
from tracking.vision.detections import DetectedFrame
from tracking.vision.detectors.checks import check_settings, is_share
from tracking.vision.detectors.heads import IMAGENET_MEAN, IMAGENET_STD, STRIDES, read_nanodet
from tracking.vision.detectors.model_files import NANODET_INT8, read_model
from tracking.vision.detectors.networks import load_network
from tracking.vision.detectors.neural import NeuralDetector
from tracking.vision.detectors.pictures import STEP, Colours
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.frames import Frame

OUTPUTS = [f"{kind}_{stride}" for kind in ("scores", "distances") for stride in STRIDES]
COLOURS = Colours(mean=IMAGENET_MEAN, std=IMAGENET_STD)
# OpenCV rounds whole numbers in another way: the same chunk would give other boxes.
EXACT_ENGINE = "onnxruntime"
DEFAULT_SIDE, LEAST_SIDE, LARGEST_SIDE = 416, 256, 640  # pixels of what goes in
MOST_SIDE = 2048  # what a person may ask for
CUT = 0.42  # the network's score that is as good as chance
PERSON_PX = 100  # so tall should people be in what goes in


@dataclass(frozen=True, slots=True)
class NanoDetSettings:
    """Settings of NanoDet.

    Parameters
    ----------
    model, sha256 : str
        The model file and its hash, which is filled in when the detector is made.
    input_side : int
        Pixels of the longer side of what goes in, a multiple of 32; 0 for the one that suits
        `person_share`. The shorter side follows from the frame.
    person_share : float
        How tall people are, as a share of the frame's longer side; 0 where nobody knows.
    threshold : float
        Candidates with a score below this are dropped. The tracker makes use of weak ones.
    nms_iou : float
        Overlap from which a weaker box falls to a stronger one.
    gap_ms : int
        Between two frames that are looked at there is at most this, where there are frames.
    """

    model: str = NANODET_INT8
    sha256: str = ""
    input_side: int = 0
    person_share: float = 0.0
    threshold: float = 0.05
    nms_iou: float = 0.6
    gap_ms: int = 120

    def __post_init__(self) -> None:
        side = self.input_side or DEFAULT_SIDE
        check_settings(self.threshold, self.nms_iou, self.gap_ms, side, MOST_SIDE)
        if not is_share(self.person_share):
            raise UnknownDetectorError(
                f"person_share is between 0 and 1, got {self.person_share!r}."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the settings that `to_json` wrote; what is missing has its default."""
        return cls(**data)


class NanoDetDetector:
    """The detector that is used where its model is; see the module."""

    def __init__(
        self, name: str, settings: NanoDetSettings | None = None, folder: Path | None = None
    ) -> None:
        settings = settings or NanoDetSettings()
        model = read_model(settings.model, folder, settings.sha256)
        side = settings.input_side or suitable_side(settings.person_share)
        self.name = name
        self.settings = replace(settings, sha256=model.sha256, input_side=side)
        network = load_network(model, OUTPUTS)
        if settings.model == NANODET_INT8 and network.engine != EXACT_ENGINE:
            raise UnknownDetectorError("Whole numbers need onnxruntime, which does not start here.")
        self._inner = NeuralDetector(
            network,
            read_nanodet,
            COLOURS,
            input_side=side,
            class_index=0,
            threshold=settings.threshold,
            nms_iou=settings.nms_iou,
            gap_ms=settings.gap_ms,
        )
        # What an engine takes for its first picture it takes now, while files are within reach.
        network.run(np.zeros((1, 3, LEAST_SIDE, LEAST_SIDE), np.float32))

    def detect(self, frames: Iterable[Frame]) -> Iterator[DetectedFrame]:
        """Yield the people of every frame looked at; see `Detector.detect`."""
        for found in self._inner.detect(frames):
            yield replace(found, scores=confidence(found.scores))


def suitable_side(person_share: float) -> int:
    """Return the input's longer side at which people are as tall as the network likes them."""
    if person_share <= 0:
        return DEFAULT_SIDE
    side = round(PERSON_PX / person_share / STEP) * STEP
    return min(max(side, LEAST_SIDE), LARGEST_SIDE)


def confidence(scores: Scores) -> Scores:
    """Return the network's scores so that the best place to tell people from others is 0.5.

    That place lies between 0.37 and 0.47 on the street and shop-front scenes; the odds are moved
    by a factor, so 0, 1 and the order stay.
    """
    odds = scores * np.float32((1 - CUT) / CUT)
    return np.asarray(odds / (odds + 1 - scores), np.float32)
