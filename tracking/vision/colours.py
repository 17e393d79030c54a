"""Clothing colours of people in a frame, as two small histograms each: upper and lower body.

Computed where the pixels are, stored beside the box. They tell two people apart who were hidden for
a while; they are too coarse to know anybody by, and nothing of a face is in them.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tracking.vision.boxes import Boxes

Colours = NDArray[np.uint8]
Image = NDArray[np.uint8]

HUES, SHADES, GREYS = 8, 2, 8
BINS = HUES * SHADES + GREYS  # 24 bytes a body half
STEPS = 63  # of a bin's share; a whole half adds up to about as much
# Where clothes are in a box, as shares of its sides: shoulders to belt, belt to shins. Most of what
# is at the sides is background, at the top a head, at the bottom a floor.
ACROSS = (0.28, 0.72)
HALVES = ((0.18, 0.48), (0.54, 0.88))
ROWS, COLUMNS = 16, 8  # points that are looked at in a half
LEAST_SHOWN = 0.25  # of these, below which a half counts as hidden
COLOURFUL = 0.25  # saturation from which a hue means anything
DARK = 0.2  # value below which it means nothing
BRIGHT = 0.55  # value from which a colour is a light one
CELL_BITS = 5  # of each channel that the table distinguishes


def colours_of(image: Image, boxes: Boxes) -> Colours:
    """Return what the people in a frame wear; a pure function of pixels and boxes.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
        Blue, green, red.
    boxes : ndarray of shape (N, 4), float32
        Of everybody who was found; whose feet are lower in the picture hides others.

    Returns
    -------
    colours : ndarray of shape (N, 2, BINS), uint8
        Histograms of the upper and the lower body in steps of 1/63; all 0 where too little of a
        half is to be seen.
    """
    if not len(boxes):
        return no_colours(0)
    points = np.stack([_points(boxes, half) for half in HALVES], axis=1)  # (N, 2, ROWS*COLUMNS, 2)
    shown = _shown(points, boxes, image.shape[1], image.shape[0])
    places = np.clip(points, 0, [image.shape[1] - 1, image.shape[0] - 1]).astype(np.intp)
    cells = image[places[..., 1], places[..., 0]] >> (8 - CELL_BITS)
    blue, green, red = (cells[..., channel].astype(np.intp) for channel in range(3))
    bins = _bin_of_cell()[(blue << 2 * CELL_BITS) | (green << CELL_BITS) | red]
    return _histograms(bins, shown)


def no_colours(count: int) -> Colours:
    """Return the colours of people of whom nothing is known."""
    return np.zeros((count, 2, BINS), np.uint8)


def _histograms(bins: NDArray[np.intp], shown: NDArray[np.bool_]) -> Colours:
    """Return the shares of bins among the points that show, in steps. Shape (N, 2, BINS)."""
    people, halves, count = bins.shape
    offset = np.arange(people * halves).reshape(people, halves, 1) * BINS
    sums = np.bincount((bins + offset)[shown], minlength=people * halves * BINS)
    sums = sums.reshape(people, halves, BINS)
    whole = sums.sum(axis=2, keepdims=True)
    enough = whole >= LEAST_SHOWN * count
    # Whole numbers alone: the same bytes on every machine.
    shares = (2 * STEPS * sums + whole) // np.maximum(2 * whole, 1)
    return np.where(enough, shares, 0).astype(np.uint8)


def _points(boxes: Boxes, half: tuple[float, float]) -> NDArray[np.float64]:
    """Return the places looked at in a half of each box, x and y. Shape (N, ROWS * COLUMNS, 2)."""
    x1, y1, x2, y2 = (boxes[:, column].astype(np.float64) for column in range(4))
    across = np.linspace(*ACROSS, COLUMNS)
    down = np.linspace(*half, ROWS)
    xs = x1[:, None] + (x2 - x1)[:, None] * across
    ys = y1[:, None] + (y2 - y1)[:, None] * down
    grid = np.empty((len(boxes), ROWS, COLUMNS, 2))
    grid[..., 0], grid[..., 1] = xs[:, None, :], ys[:, :, None]
    return grid.reshape(len(boxes), -1, 2)


def _shown(points: NDArray[np.float64], boxes: Boxes, width: int, height: int) -> NDArray[np.bool_]:
    """Return which points lie in the picture and behind nobody nearer. Shape (N, 2, points)."""
    x, y = points[..., 0], points[..., 1]
    shown: NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    feet = boxes[:, 3]
    for front in range(len(boxes)):
        x1, y1, x2, y2 = boxes[front].tolist()
        behind = feet < feet[front]
        within = (x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)
        shown &= ~(within & behind[:, None, None])
    return shown


@cache
def _bin_of_cell() -> NDArray[np.intp]:
    """Return the bin of every cell of the colour cube; hue and value as in HSV (Smith 1978)."""
    steps = 1 << CELL_BITS
    level = (np.arange(steps) + 0.5) / steps
    blue, green, red = np.meshgrid(level, level, level, indexing="ij")
    value = np.maximum(np.maximum(blue, green), red)
    spread = value - np.minimum(np.minimum(blue, green), red)
    divisor = np.where(spread > 0, spread, 1.0)
    sixth = np.select(
        [value == red, value == green],
        [((green - blue) / divisor) % 6, (blue - red) / divisor + 2],
        (red - green) / divisor + 4,
    )
    # Reds lie on both sides of 0: the first bin has them whole.
    hue = np.floor(sixth / 6 * HUES + 0.5).astype(np.intp) % HUES
    bright = (value >= BRIGHT).astype(np.intp)
    grey = np.minimum((value * GREYS).astype(np.intp), GREYS - 1)
    colourful = (value >= DARK) & (spread >= COLOURFUL * value)
    return np.where(colourful, hue * SHADES + bright, HUES * SHADES + grey).reshape(-1)
