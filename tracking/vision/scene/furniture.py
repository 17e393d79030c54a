"""The shop's furniture, each piece drawn on a canvas with its goods."""

import cv2
import numpy as np

from . import textures as tx
from .canvas import Canvas, Image
from .layout import BLOCKS, Block

_BY_NAME = {block.name: block for block in BLOCKS}


def _wood_faces(rng: np.random.Generator, block: Block, colour: tx.Colour) -> dict[str, Image]:
    wide, deep, high = block.x1 - block.x0, block.z1 - block.z0, block.height_m
    return {
        "top": tx.wood(rng, wide, deep, tx.shade(colour, 1.1)),
        "front": tx.wood(rng, wide, high, tx.shade(colour, 0.92)),
        "left": tx.wood(rng, deep, high, tx.shade(colour, 0.8)),
        "right": tx.wood(rng, deep, high, tx.shade(colour, 0.86)),
    }


def _draw(canvas: Canvas, block: Block, faces: dict[str, Image]) -> None:
    canvas.box((block.x0, 0, block.z0), (block.x1, block.height_m, block.z1), faces)


def wall_units(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the tall shelves along both side walls."""
    rows = {
        "book wall": ("books", "books", "cartons", "books", "textiles"),
        "right wall": ("jars", "cartons", "textiles", "cartons"),
    }
    for name, kinds in rows.items():
        block = _BY_NAME[name]
        faces = _wood_faces(rng, block, tx.OAK)
        open_side = "right" if block.x0 < 0 else "left"
        length = block.z1 - block.z0
        faces[open_side] = tx.shelf(rng, length, block.height_m, kinds, tx.OAK)
        _draw(canvas, block, faces)


def _box_of_goods(
    canvas: Canvas,
    low: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: tx.Colour,
    rng: np.random.Generator,
) -> None:
    wide, high, deep = size
    faces = {
        "top": tx.flat(wide, deep, tx.shade(colour, 1.14)),
        "front": tx.flat(wide, high, tx.shade(colour, 0.93)),
        "left": tx.flat(deep, high, tx.shade(colour, 0.74)),
        "right": tx.flat(deep, high, tx.shade(colour, 0.78)),
    }
    if rng.random() < 0.5:
        front = faces["front"]
        rows, columns = front.shape[:2]
        front[rows // 3 : rows * 3 // 4, columns // 5 : columns * 4 // 5] = tx.shade(PAPER, 0.97)
    canvas.box(low, (low[0] + wide, low[1] + high, low[2] + deep), faces)


PAPER: tx.Colour = (222, 226, 228)


def _stack(canvas: Canvas, x: float, y: float, z: float, rng: np.random.Generator) -> None:
    """Draw a small pile of folded textiles, wider than it is high."""
    for i in range(int(rng.integers(2, 5))):
        colour = tx.shade(tx.GOODS[int(rng.integers(len(tx.GOODS)))], 1.08)
        dx = rng.uniform(-0.012, 0.012)
        faces = {
            "top": tx.flat(0.3, 0.26, tx.shade(colour, 1.08)),
            "front": tx.flat(0.3, 0.05, tx.shade(colour, 0.9)),
            "left": tx.flat(0.26, 0.05, tx.shade(colour, 0.76)),
            "right": tx.flat(0.26, 0.05, tx.shade(colour, 0.8)),
        }
        faces["front"][-2:] = tx.shade(colour, 0.62)
        low = (x + dx, y + i * 0.052, z)
        canvas.box(low, (low[0] + 0.3, low[1] + 0.05, low[2] + 0.26), faces)


def islands(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the two free-standing shelves that hide the shoppers behind them."""
    rows = {
        "homeware": ("jars", "textiles", "cartons"),
        "kitchen": ("cartons", "jars", "books"),
    }
    for name, kinds in rows.items():
        block = _BY_NAME[name]
        faces = _wood_faces(rng, block, tx.shade(tx.PALE, 0.97))
        wide = block.x1 - block.x0
        faces["front"] = tx.shelf(rng, wide, block.height_m, kinds, tx.shade(tx.PALE, 0.95), 0.92)
        faces["top"] = tx.wood(rng, wide, block.z1 - block.z0, tx.OAK)
        _draw(canvas, block, faces)
        x = block.x0 + 0.12
        while x < block.x1 - 0.4:
            size = (rng.uniform(0.14, 0.26), rng.uniform(0.06, 0.15), 0.2)
            colour = tx.GOODS[int(rng.integers(len(tx.GOODS)))]
            _box_of_goods(canvas, (x, block.height_m, block.z0 + 0.1), size, colour, rng)
            x += size[0] + rng.uniform(0.08, 0.4)


def table(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the low display table with piles of textiles and cartons."""
    block = _BY_NAME["window table"]
    leg = tx.flat(0.06, 0.7, tx.shade(tx.OAK, 0.74))
    faces = dict.fromkeys(("front", "left", "right"), leg)
    for x in (block.x0 + 0.08, block.x1 - 0.17):
        for z in (block.z1 - 0.17, block.z0 + 0.08):
            canvas.box((x, 0, z), (x + 0.06, block.height_m - 0.05, z + 0.06), faces)
    board = _wood_faces(rng, block, tx.shade(tx.OAK, 1.0))
    canvas.box(
        (block.x0, block.height_m - 0.07, block.z0), (block.x1, block.height_m, block.z1), board
    )
    for z in (block.z1 - 0.34, block.z0 + 0.1):
        for x in np.arange(block.x0 + 0.08, block.x1 - 0.3, 0.39):
            if rng.random() < 0.62:
                _stack(canvas, float(x), block.height_m, z, rng)
            else:
                colour = tx.GOODS[int(rng.integers(len(tx.GOODS)))]
                size = (0.24, rng.uniform(0.1, 0.2), 0.2)
                _box_of_goods(canvas, (float(x), block.height_m, z), size, colour, rng)


def till(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the counter with its screen, its card reader and a box of small things."""
    block = _BY_NAME["till"]
    faces = _wood_faces(rng, block, tx.shade(tx.OAK, 0.9))
    for name in ("front", "left"):  # upright slats
        step = int(0.11 * tx.DOTS)
        for x in range(0, faces[name].shape[1], step):
            faces[name][:, x : x + 3] = (faces[name][:, x : x + 3] * 0.72).astype(np.uint8)
        foot = int(0.08 * tx.DOTS)
        faces[name][-foot:] = (faces[name][-foot:] * 0.55).astype(np.uint8)
    front = faces["front"]
    scale, size = 0.7, cv2.getTextSize("HARBOUR STREET", cv2.FONT_HERSHEY_DUPLEX, 0.7, 1)[0]
    at = ((front.shape[1] - size[0]) // 2, int(front.shape[0] * 0.42))
    cv2.putText(front, "HARBOUR STREET", at, cv2.FONT_HERSHEY_DUPLEX, scale, PAPER, 1, cv2.LINE_AA)
    _draw(canvas, block, faces)
    y = block.height_m
    top = _wood_faces(rng, block, tx.PALE)
    low = (block.x0 - 0.05, y, block.z0 - 0.05)
    canvas.box(low, (block.x1 + 0.05, y + 0.045, block.z1 + 0.05), top)
    y += 0.045
    dark = {
        name: tx.flat(0.3, 0.2, tx.shade(tx.ANTHRACITE, k))
        for name, k in (("top", 1.1), ("front", 0.85), ("left", 0.7), ("right", 0.7))
    }
    canvas.box((2.7, y, 4.2), (2.82, y + 0.1, 4.32), dark)
    canvas.box((2.54, y + 0.1, 4.24), (2.98, y + 0.38, 4.28), dark)  # its back; staff see the front
    canvas.box((2.14, y, 4.14), (2.24, y + 0.06, 4.3), dark)
    _box_of_goods(canvas, (3.06, y, 4.02), (0.26, 0.1, 0.22), (120, 150, 196), rng)


def gates(canvas: Canvas) -> None:
    """Draw the two shoplifting gates that everybody passes between."""
    for name in ("gate left", "gate right"):
        block = _BY_NAME[name]
        deep = block.z1 - block.z0
        panel = tx.flat(deep, block.height_m, (212, 214, 214))
        panel[:6] = panel[-6:] = panel[:, :6] = panel[:, -6:] = (176, 176, 174)
        faces = {
            "top": tx.flat(0.06, deep, (196, 196, 194)),
            "front": tx.flat(0.06, block.height_m, (188, 188, 186)),
            "left": panel,
            "right": panel,
        }
        _draw(canvas, block, faces)


def plants(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the two plants that flank the door."""
    for name in ("plant left", "plant right"):
        block = _BY_NAME[name]
        x, z = (block.x0 + block.x1) / 2, (block.z0 + block.z1) / 2
        pot = {
            side: tx.flat(0.35, 0.4, tx.shade((168, 176, 182), k))
            for side, k in (("front", 0.9), ("left", 0.72), ("right", 0.75))
        }
        pot["top"] = tx.flat(0.35, 0.35, (52, 62, 74))
        canvas.box((block.x0, 0, block.z0), (block.x1, 0.42, block.z1), pot)
        picture, cover = tx.leaves(rng, 1.15)
        corners = ((x - 0.55, 1.5, z), (x + 0.55, 1.5, z), (x + 0.55, 0.38, z), (x - 0.55, 0.38, z))
        canvas.panel(corners, picture, cover)


def lamps(canvas: Canvas) -> None:
    """Draw pendant lamps over the aisles, above everybody's head."""
    for x, z in ((-1.62, 7.1), (0.0, 7.1), (1.62, 7.1)):
        shade_, cover = _lampshade()
        y, half = 2.72, 0.19
        corners = (
            (x - half, y + 0.24, z),
            (x + half, y + 0.24, z),
            (x + half, y, z),
            (x - half, y, z),
        )
        canvas.panel(corners, shade_, cover)
        cord = tx.flat(0.02, 1.2, (74, 78, 82))
        low, high = y + 0.23, 4.4
        canvas.panel(
            ((x - 0.008, high, z), (x + 0.008, high, z), (x + 0.008, low, z), (x - 0.008, low, z)),
            cord,
        )


def _lampshade() -> tuple[Image, Image]:
    rows, columns = 90, 140
    picture = np.full((rows, columns, 3), (70, 76, 80), np.uint8)
    across = np.linspace(-1, 1, columns, dtype=np.float32)
    light = 1.35 - 0.75 * (across + 0.35) ** 2
    picture[:] = (picture * light[None, :, None]).clip(0, 255)
    picture[-9:] = (214, 240, 252)
    cover = np.zeros((rows, columns), np.uint8)
    height = np.linspace(0, 1, rows)
    half = (0.12 + 0.88 * np.sqrt(height)) * columns / 2
    cover[np.abs(np.arange(columns)[None] - columns / 2) <= half[:, None]] = 255
    return picture, cover
