"""A frame as a network wants it: scaled to fit, padded to whole steps, its colours in order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes, clip_boxes
from tracking.vision.frames import Image

STEP = 32  # a network halves a picture five times
GREY = 114  # around the picture; what the networks of this family were trained with


@dataclass(frozen=True, slots=True)
class Colours:
    """What a network takes for a colour: ``(value - mean) / std``, in its order of channels.

    The numbers are of the range 0 to 255.
    """

    red_first: bool = True
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)


@dataclass(frozen=True, slots=True)
class Fit:
    """How frames of one size go into a network's picture, at its top left.

    Parameters
    ----------
    width, height : int
        Of the frame.
    picture_width, picture_height : int
        Of what goes in.
    zoom : float
        Pixels of the picture a pixel of the frame.
    """

    width: int
    height: int
    picture_width: int
    picture_height: int
    zoom: float

    def frame_boxes(self, boxes: Boxes) -> Boxes:
        """Return boxes of the picture in the frame's pixels, cut to the frame."""
        return clip_boxes((boxes / np.float32(self.zoom)).astype(np.float32), *self._size)

    @property
    def _size(self) -> tuple[int, int]:
        return self.width, self.height


def fit(
    width: int, height: int, longer_side: int, fixed: tuple[int | None, int | None] = (None, None)
) -> Fit:
    """Return how a frame goes into a network.

    Parameters
    ----------
    width, height : int
        Of the frame.
    longer_side : int
        Pixels of the longer side of what goes in; the shorter follows, in steps of 32.
    fixed : (height, width)
        What the network demands; None where it takes anything.
    """
    zoom = longer_side / max(width, height)
    high, wide = (
        demanded or max(STEP, -(-round(side * zoom) // STEP) * STEP)
        for demanded, side in zip(fixed, (height, width), strict=True)
    )
    return Fit(width, height, wide, high, min(zoom, wide / width, high / height))


def network_picture(image: Image, place: Fit, colours: Colours) -> NDArray[np.float32]:
    """Return the frame as floats of the shape (1, 3, height, width)."""
    size = (max(1, round(place.width * place.zoom)), max(1, round(place.height * place.zoom)))
    way = cv2.INTER_LINEAR if place.zoom > 0.5 else cv2.INTER_AREA
    small = cv2.resize(image, size, interpolation=way)
    padded = np.full((place.picture_height, place.picture_width, 3), GREY, np.uint8)
    padded[: size[1], : size[0]] = small
    picture = np.empty((1, 3, place.picture_height, place.picture_width), np.float32)
    for channel, table in enumerate(_tables(colours)):
        plane = padded[..., 2 - channel if colours.red_first else channel]
        np.take(table, plane, out=picture[0, channel])
    return picture


@lru_cache(maxsize=8)
def _tables(colours: Colours) -> NDArray[np.float32]:
    """Return what each of 256 values becomes, by channel: ten times faster than to compute it."""
    values = np.arange(256, dtype=np.float32)[None]
    mean, std = (np.array(each, np.float32)[:, None] for each in (colours.mean, colours.std))
    return np.asarray((values - mean) / std, np.float32)
