"""Flat pictures of what the shop is made of: planks, plaster, shelves of goods, daylight.

All are drawn from a generator handed in, at about ``DOTS`` dots per metre, in blue, green, red.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from .canvas import Image

Colour: TypeAlias = tuple[int, int, int]
DOTS = 170  # per metre: a little finer than the nearest shelf is seen

OAK: Colour = (126, 160, 190)
DARK_OAK: Colour = (78, 104, 128)
GOODS_SHARE = 0.42  # of a good's own colour on the shelf; the rest is the shelf's
PALE: Colour = (216, 222, 225)
ANTHRACITE: Colour = (66, 62, 58)
STEEL: Colour = (158, 152, 146)
GOODS: tuple[Colour, ...] = (
    (84, 98, 168),
    (150, 172, 152),
    (190, 168, 128),
    (96, 152, 204),
    (206, 210, 212),
    (88, 128, 104),
    (140, 104, 92),
    (160, 186, 214),
    (98, 96, 104),
    (122, 128, 196),
    (176, 190, 196),
    (70, 84, 112),
)


def shade(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker or lighter."""
    b, g, r = (int(min(255.0, max(0.0, c * factor))) for c in colour)
    return (b, g, r)


def flat(width_m: float, height_m: float, colour: Colour) -> Image:
    """Return one even colour of the given size in metres."""
    size = (max(4, int(height_m * DOTS)), max(4, int(width_m * DOTS)), 3)
    return np.full(size, colour, np.uint8)


def _field(rng: np.random.Generator, size: tuple[int, int], cell: tuple[int, int]) -> Image:
    """Return smooth noise around 128 with features about ``cell`` (rows, columns) in size."""
    rows, columns = (max(2, size[i] // cell[i] + 2) for i in (0, 1))
    small = rng.normal(128, 40, (rows, columns)).clip(0, 255).astype(np.uint8)
    return cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _tint(picture: Image, field: Image, strength: float) -> Image:
    factor = 1 + (field.astype(np.float32)[..., None] - 128) / 128 * strength
    return np.asarray((picture * factor).clip(0, 255), np.uint8)


def _scaled(picture: Image, factor: NDArray[np.float32]) -> Image:
    """Return the picture times a factor per row, per pixel or per channel."""
    return np.asarray((picture.astype(np.float32) * factor).clip(0, 255), np.uint8)


def wood(rng: np.random.Generator, width_m: float, height_m: float, colour: Colour) -> Image:
    """Return a board with its grain along the width."""
    board = flat(width_m, height_m, colour)
    size = (board.shape[0], board.shape[1])
    board = _tint(board, _field(rng, size, (3, 90)), 0.09)
    return _tint(board, _field(rng, size, (14, 200)), 0.06)


def planks(rng: np.random.Generator, width_m: float, length_m: float) -> Image:
    """Return a floor of long oak boards that run along the length (down the texture)."""
    dots = 110
    floor = np.zeros((int(length_m * dots), int(width_m * dots), 3), np.uint8)
    board = int(0.19 * dots)
    base = np.array((166, 184, 197), np.float32)
    for x in range(0, floor.shape[1], board):
        y = -int(rng.uniform(0, 1.6) * dots)
        while y < floor.shape[0]:
            length = int(rng.uniform(1.0, 2.1) * dots)
            tone = base * rng.normal(1.0, 0.016) + rng.normal(0, 1.2, 3)
            floor[max(y, 0) : y + length, x : x + board] = tone.clip(0, 255).astype(np.uint8)
            cv2.line(floor, (x, y), (x + board, y), (149, 166, 178), 1, cv2.LINE_AA)
            y += length
        cv2.line(floor, (x, 0), (x, floor.shape[0]), (151, 168, 181), 1, cv2.LINE_AA)
    size = (floor.shape[0], floor.shape[1])
    floor = _tint(floor, _field(rng, size, (60, 4)), 0.035)
    return _tint(floor, _field(rng, size, (160, 160)), 0.03)


def plaster(rng: np.random.Generator, width_m: float, height_m: float, colour: Colour) -> Image:
    """Return a painted wall, a little uneven, with a skirting board and a darker foot."""
    wall = flat(width_m, height_m, colour)
    size = (wall.shape[0], wall.shape[1])
    wall = _tint(wall, _field(rng, size, (120, 160)), 0.02)
    height = np.linspace(height_m, 0, size[0], dtype=np.float32)
    wall = _scaled(wall, (1 - 0.14 * np.exp(-height / 0.35))[:, None, None])
    skirting = int(0.11 * DOTS)
    wall[-skirting:] = shade(colour, 0.78)
    wall[-skirting : -skirting + 3] = shade(colour, 0.93)
    return wall


def daylight(rng: np.random.Generator, width_m: float, height_m: float, sill_m: float) -> Image:
    """Return the street behind glass: bright sky, soft house fronts, pale pavement."""
    view = flat(width_m, height_m, (246, 240, 230))
    rows, columns = view.shape[:2]
    x = 0
    while x < columns:
        width = int(rng.uniform(0.5, 1.1) * DOTS)
        tone = shade((214, 212, 208), rng.uniform(0.93, 1.06))
        top = int(rng.uniform(0.05, 0.3) * rows)
        view[top:, x : x + width] = tone
        for y in range(top + 20, rows, 46):
            for window in range(x + 12, x + width - 16, 34):
                view[y : y + 24, window : window + 14] = shade(tone, 0.93)
        x += width
    pavement = int(max(0.0, 0.9 - sill_m) * DOTS)
    if pavement:
        view[-pavement:] = (208, 207, 203)
    view = cv2.GaussianBlur(view, (0, 0), 7)  # type: ignore[assignment]
    gleam = np.linspace(1.05, 0.98, rows, dtype=np.float32)
    return _scaled(view, gleam[:, None, None])


def glazing(view: Image, panes: int, frame_m: float, colour: Colour) -> Image:
    """Return a view behind a frame with upright bars between its panes, and a slanted gleam."""
    picture = view.copy()
    rows, columns = picture.shape[:2]
    gleam = np.zeros((rows, columns), np.uint8)
    for start in (0.18, 0.62):
        x = int(start * columns)
        band = np.array([(x, rows), (x + 50, rows), (x + 50 + rows // 3, 0), (x + rows // 3, 0)])
        cv2.fillConvexPoly(gleam, band.astype(np.int32), 60, cv2.LINE_AA)
    picture = cv2.add(picture, cv2.merge([gleam // 3] * 3))  # type: ignore[assignment]
    bar = max(2, int(frame_m * DOTS))
    for i in range(1, panes):
        x = i * columns // panes
        picture[:, x - bar // 3 : x + bar // 3] = colour
    picture[:bar] = picture[-bar:] = colour
    picture[:, :bar] = picture[:, -bar:] = colour
    picture[bar : bar + 3, bar:-bar] = shade(colour, 0.7)
    return picture


def _book(item: Image, colour: Colour, rng: np.random.Generator) -> None:
    rows, columns = item.shape[:2]
    for share in (0.14, 0.8):
        if rng.random() < 0.6:
            y = int(rows * share)
            item[y : y + max(1, rows // 22)] = shade(colour, 1.35)
    if columns > 8 and rng.random() < 0.6:
        y0, y1 = int(rows * 0.3), int(rows * 0.62)
        item[y0:y1, columns // 3 : columns - columns // 3] = shade(colour, 1.28)


def _carton(item: Image, colour: Colour, rng: np.random.Generator) -> None:
    rows, columns = item.shape[:2]
    label = (slice(int(rows * 0.35), int(rows * 0.75)), slice(columns // 6, columns - columns // 6))
    item[label] = (224, 228, 230) if rng.random() < 0.5 else shade(colour, 0.72)
    item[: max(1, rows // 12)] = shade(colour, 1.18)


def _jar(item: Image, _colour: Colour, rng: np.random.Generator) -> None:
    rows = item.shape[0]
    lid = max(2, int(rows * 0.16))
    item[:lid] = shade(GOODS[int(rng.integers(len(GOODS)))], 0.7)
    item[int(rows * 0.42) : int(rows * 0.8)] = (218, 224, 226)


def _textile(item: Image, _colour: Colour, rng: np.random.Generator) -> None:
    rows = item.shape[0]
    y = 0
    while y < rows:
        fold = max(4, int(rng.uniform(0.045, 0.07) * DOTS))
        tone = shade(GOODS[int(rng.integers(len(GOODS)))], rng.uniform(0.95, 1.15))
        ramp = np.linspace(1.1, 0.74, fold, dtype=np.float32)[: rows - y]
        item[y : y + fold] = (np.array(tone) * ramp[:, None]).clip(0, 255)[:, None]
        y += fold


_PAINTERS = {"books": _book, "cartons": _carton, "jars": _jar, "textiles": _textile}
_WIDTHS_M = {
    "books": (0.035, 0.075),
    "cartons": (0.14, 0.26),
    "jars": (0.08, 0.12),
    "textiles": (0.24, 0.34),
}


def _stock(bay: Image, kind: str, rng: np.random.Generator) -> None:
    """Fill one shelf opening with goods that stand on its floor."""
    rows, columns = bay.shape[:2]
    x = int(0.02 * DOTS)
    low, high = _WIDTHS_M[kind]
    while x < columns - low * DOTS:
        width = min(int(rng.uniform(low, high) * DOTS), columns - x)
        height = int(rows * rng.uniform(0.55, 0.86))
        colour = shade(GOODS[int(rng.integers(len(GOODS)))], rng.uniform(0.88, 1.12))
        item = bay[rows - height :, x : x + width]
        item[:] = colour
        _PAINTERS[kind](item, colour, rng)
        across = np.linspace(-1, 1, item.shape[1], dtype=np.float32)
        round_ = 0.3 if kind == "jars" else 0.1
        item[:] = _scaled(item, (1.04 - round_ * across**2)[None, :, None].astype(np.float32))
        gap = 0.006 if kind == "books" else 0.025
        if kind == "books" and rng.random() < 0.07:
            gap = 0.12
        x += width + max(1, int(gap * DOTS))


def shelf(
    rng: np.random.Generator,
    width_m: float,
    height_m: float,
    kinds: tuple[str, ...],
    colour: Colour,
    bay_m: float = 1.3,
) -> Image:
    """Return the open front of a shelf unit: boards, uprights, goods and the dark behind them.

    ``kinds`` names the goods of each row from the top: books, cartons, jars or textiles.
    """
    front = wood(rng, width_m, height_m, colour)
    plinth, board = int(0.1 * DOTS), int(0.035 * DOTS)
    usable = front.shape[0] - plinth - board
    bays = max(1, round(width_m / bay_m))
    back = np.array(shade(colour, 0.98))
    for row, kind in enumerate(kinds):
        y0 = board + row * usable // len(kinds)
        y1 = board + (row + 1) * usable // len(kinds) - board
        for i in range(bays):
            x0 = i * front.shape[1] // bays + board
            x1 = (i + 1) * front.shape[1] // bays - board // 2
            bay = front[y0:y1, x0:x1]
            bay[:] = shade(colour, 0.74)
            _stock(bay, kind, rng)
            # Muted goods: gaudy ones would outshine the people in front of them.
            bay[:] = (bay * GOODS_SHARE + back * (1 - GOODS_SHARE)).astype(np.uint8)
            down = np.arange(y1 - y0, dtype=np.float32)[:, None, None] / DOTS
            side = np.arange(x1 - x0, dtype=np.float32)[None, :, None] / DOTS
            dark = (1.02 - 0.35 * np.exp(-down / 0.07)) * (1 - 0.2 * np.exp(-side / 0.04))
            bay[:] = _scaled(bay, dark.astype(np.float32))
    front[-plinth:] = shade(colour, 0.6)
    return front


def leaves(rng: np.random.Generator, size_m: float) -> tuple[Image, Image]:
    """Return a bush of leaves and its cover."""
    dots = int(size_m * DOTS)
    picture = np.zeros((dots, dots, 3), np.uint8)
    cover = np.zeros((dots, dots), np.uint8)
    for layer in range(3):
        for _ in range(60):
            angle, reach = rng.uniform(-2.6, 2.6), rng.uniform(0.1, 0.47) * dots
            x = int(dots / 2 + np.sin(angle) * reach * 0.8)
            y = int(dots * 0.55 - np.cos(angle) * reach * 0.95)
            tone = shade((78, 132, 92), 0.55 + 0.22 * layer + rng.uniform(-0.08, 0.12))
            axes = (int(rng.uniform(0.05, 0.085) * dots), int(rng.uniform(0.018, 0.03) * dots))
            turn = float(np.degrees(angle) - 90 + rng.normal(0, 25))
            cv2.ellipse(picture, (x, y), axes, turn, 0, 360, tone, -1, cv2.LINE_AA)
            cv2.ellipse(cover, (x, y), axes, turn, 0, 360, 255, -1)
    cv2.line(cover, (dots // 2, dots // 2), (dots // 2, dots), 255, 5)
    stem = (cover > 0) & (picture.max(axis=2) == 0)
    picture[stem] = (60, 84, 96)
    return picture, cover
