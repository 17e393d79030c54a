"""Where something moves, on a small picture: regions for the detector, a mask for pixelation."""

from collections import deque

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
# Nobody stands as still as a shelf. Measured on rendered scenes: people who wait, hardly swaying,
# change some of the small picture's pixels by more than this within these seconds; the camera's
# noise and the codec's, averaged in it, stay below.
STIR_MS = 4000
STIR_LEVELS = 14


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


class Stir:
    """Where the picture changed at all within the last seconds, however little it moved.

    A background model takes somebody who stands there from the start for background, and forgets
    whoever stops. For pixelation that is too little: this remembers the span of each pixel.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = (WIDTH, max(1, round(WIDTH * height / width)))
        self._seen: deque[tuple[int, Mask]] = deque()

    def update(self, image: Image, time_ms: int) -> None:
        """Take the next frame."""
        small = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
        self._seen.append((time_ms, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8)))
        while time_ms - self._seen[0][0] > STIR_MS:
            self._seen.popleft()

    def mask(self) -> Mask:
        """Return 255 where something stirred, in the size of `MotionModel`'s masks."""
        seen = np.stack([small for _, small in self._seen])
        span = seen.max(axis=0) - seen.min(axis=0)
        return np.where(span > STIR_LEVELS, 255, 0).astype(np.uint8)
