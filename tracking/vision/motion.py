"""Where something moves, on a small picture: regions for the detector, a mask for pixelation."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.frames import Image

Mask = NDArray[np.uint8]
Region = tuple[int, int, int, int]  # x1, y1, x2, y2

WIDTH = 192  # pixels of the small picture; the height follows the frame's shape
HISTORY = 150  # frames the background model looks back on
DISTANCE = 300.0  # squared distance to the background from which a pixel counts as moving
SPECKLE = 3  # pixels: smaller spots are noise


class MotionModel:
    """A background model (KNN, Zivkovic and van der Heijden 2006) over one chunk's frames.

    OpenCV's model draws from a process-wide random generator, so the same clip would give other
    masks the second time; the generator is seeded before every frame, by the frame's own time.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = (WIDTH, max(1, round(WIDTH * height / width)))
        self._model = cv2.createBackgroundSubtractorKNN(HISTORY, DISTANCE, detectShadows=False)
        self._kernel = np.ones((SPECKLE, SPECKLE), np.uint8)

    def update(self, image: Image, time_ms: int) -> Mask:
        """Take the next frame; return 255 where something moves, shape (height, 192) or so."""
        small = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
        cv2.setRNGSeed(time_ms % 2**31)
        mask = self._model.apply(small)
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, self._kernel)
        return opened.astype(np.uint8, copy=False)
