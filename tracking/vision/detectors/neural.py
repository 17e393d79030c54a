"""People by a neural network, whichever: feed it frames, read its answer, suppress doubles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tracking.vision.boxes import Boxes, Scores, suppress
from tracking.vision.detections import DetectedFrame
from tracking.vision.detectors.heads import Reader, Wanted
from tracking.vision.detectors.networks import Network
from tracking.vision.detectors.pictures import GREY, Colours, Fit, fit, network_picture
from tracking.vision.frames import Frame, Image

MOST_CANDIDATES = 1000  # the best of them; more are no people
LEAST_SIDE_PX = 1.0
TRIAL = (480, 640)  # pixels of the grey picture that a network is tried on


class Gap:
    """Chooses the frames that are looked at, so that none is further than a gap from the last.

    When the next frame would be too late, this one is looked at. How far away the next one is, is
    told by the one before: at 25 frames a second and 120 ms every third is looked at, at 10 each.
    """

    def __init__(self, gap_ms: int) -> None:
        self._gap_ms = gap_ms
        self._looked_ms: int | None = None
        self._before_ms = 0

    def due(self, time_ms: int) -> bool:
        """Return whether the frame at this time is to be looked at; asked for each, in order."""
        step_ms, self._before_ms = time_ms - self._before_ms, time_ms
        if self._looked_ms is None or time_ms - self._looked_ms + step_ms > self._gap_ms:
            self._looked_ms = time_ms
            return True
        return False


def people(
    network: Network, read: Reader, picture: Image, place: Fit, colours: Colours, wanted: Wanted
) -> tuple[Boxes, Scores]:
    """Return every candidate that a network sees in a frame, boxes in the frame's pixels.

    Raises
    ------
    UnknownDetectorError
        Its answer is not of the shape that was expected.
    """
    outputs = network.run(network_picture(picture, place, colours))
    # A network may be wrong without bounds; what is not finite is nobody.
    with np.errstate(over="ignore", invalid="ignore"):
        boxes, scores = read(outputs, wanted)
        sound = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    boxes, scores = place.frame_boxes(boxes[sound]), scores[sound]
    sides = boxes[:, 2:] - boxes[:, :2]
    large = (sides >= LEAST_SIDE_PX).all(axis=1)
    boxes, scores = boxes[large], scores[large]
    best = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
    return boxes[best], scores[best]


class NeuralDetector:
    """What detectors with a network have in common; one is made of its parts.

    Parameters
    ----------
    network, read, colours
        What computes, who reads its answer and how it is fed.
    input_side : int
        Pixels of the longer side of what goes in, where the network leaves it open.
    class_index, threshold, nms_iou, gap_ms
        See the settings of each detector.
    """

    def __init__(
        self,
        network: Network,
        read: Reader,
        colours: Colours,
        *,
        input_side: int,
        class_index: int,
        threshold: float,
        nms_iou: float,
        gap_ms: int,
    ) -> None:
        self._network, self._read, self._colours = network, read, colours
        self._input_side, self._class_index = input_side, class_index
        self._threshold, self._nms_iou, self._gap_ms = threshold, nms_iou, gap_ms

    def detect(self, frames: Iterable[Frame]) -> Iterator[DetectedFrame]:
        """Yield the people of every frame looked at; see `Detector.detect`."""
        gap = Gap(self._gap_ms)
        for frame in frames:
            if not frame.lead_in and gap.due(frame.time_ms):
                boxes, scores = self.look(frame.image)
                yield DetectedFrame(frame.time_ms, boxes, scores)

    def try_out(self) -> None:
        """Look at one grey picture: what cannot work says so now, and the rest is ready to go.

        Raises
        ------
        UnknownDetectorError
            The network does not take pictures, or does not answer as it should.
        """
        self.look(np.full((*TRIAL, 3), GREY, np.uint8))

    def look(self, image: Image) -> tuple[Boxes, Scores]:
        """Return the people in one picture, the surest first, boxes in its pixels."""
        height, width = image.shape[:2]
        place = fit(width, height, self._input_side, self._network.picture_size)
        wanted = Wanted(
            self._class_index, self._threshold, place.picture_height, place.picture_width
        )
        boxes, scores = people(self._network, self._read, image, place, self._colours, wanted)
        best = [int(group[0]) for group in suppress(boxes, scores, self._nms_iou)]
        return boxes[best], scores[best]
