"""Who comes to the shop: bodies, clothes, bags and ways of walking, drawn by lot."""

from dataclasses import dataclass

import numpy as np

from .textures import Colour, shade

SKINS: tuple[Colour, ...] = (
    (176, 198, 232),
    (150, 178, 222),
    (128, 158, 206),
    (96, 128, 182),
    (64, 92, 142),
    (48, 66, 104),
)
HAIRS: tuple[Colour, ...] = (
    (28, 30, 36),
    (34, 42, 58),
    (48, 66, 96),
    (70, 104, 142),
    (120, 168, 200),
    (150, 152, 154),
    (44, 58, 120),
)
# Clothes stand out from oak and plaster, as most street clothes do: dark, or strongly coloured.
TOPS: tuple[Colour, ...] = (
    (52, 44, 40),
    (84, 58, 38),
    (44, 48, 92),
    (60, 84, 48),
    (38, 34, 112),
    (120, 74, 38),
    (92, 62, 84),
    (36, 74, 118),
    (34, 34, 36),
    (98, 92, 40),
    (62, 62, 66),
    (40, 96, 150),
    (70, 40, 60),
    (28, 52, 82),
)
INNERS: tuple[Colour, ...] = (
    (222, 226, 230),
    (196, 206, 214),
    (150, 120, 92),
    (64, 62, 168),
    (60, 60, 64),
)
LEGS: tuple[Colour, ...] = (
    (86, 60, 44),
    (52, 42, 38),
    (40, 38, 38),
    (66, 54, 46),
    (72, 92, 112),
    (112, 82, 58),
    (58, 66, 70),
)
SHOES: tuple[Colour, ...] = (
    (34, 32, 34),
    (40, 52, 78),
    (58, 58, 62),
    (206, 208, 210),
    (48, 44, 92),
)
BAGS: tuple[Colour, ...] = (
    (38, 44, 62),
    (58, 84, 124),
    (44, 40, 110),
    (84, 74, 52),
    (120, 158, 188),
)
STAFF_APRON: Colour = (118, 92, 26)  # the shop's own teal


@dataclass(frozen=True, slots=True)
class Look:
    """One person's body, clothes and gait; colours are blue, green, red.

    Attributes
    ----------
    height_m : float
        1.5 to 1.95.
    build : float
        Width against the average, .88 (slim) to 1.2 (stout).
    hips : float
        Hip width against shoulder width.
    top, bottom, hair_style, hat, bag : str
        Kinds; the empty string is none.
    walk_mps : float
        Usual walking speed.
    stride : float
        Step length against the usual one at that speed.
    swing : float
        Arm swing against the usual one.
    """

    height_m: float
    build: float
    hips: float
    skin: Colour
    hair: Colour
    hair_style: str
    hat: str
    hat_colour: Colour
    top: str
    top_colour: Colour
    inner_colour: Colour
    bottom: str
    bottom_colour: Colour
    shoe_colour: Colour
    bag: str
    bag_colour: Colour
    walk_mps: float
    stride: float
    swing: float
    beard: bool


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 0.08) -> Colour:
    return shade(colours[int(rng.integers(len(colours)))], 1 + rng.uniform(-spread, spread))


def _near(
    rng: np.random.Generator, mean: float, spread: float, limits: tuple[float, float]
) -> float:
    return float(min(limits[1], max(limits[0], rng.normal(mean, spread))))


def _kind(rng: np.random.Generator, kinds: dict[str, float]) -> str:
    weights = np.array(list(kinds.values()))
    return list(kinds)[int(rng.choice(len(kinds), p=weights / weights.sum()))]


def draw_look(rng: np.random.Generator) -> Look:
    """Return a grown-up shopper drawn by lot."""
    womanly = bool(rng.random() < 0.52)
    height = _near(rng, 1.66 if womanly else 1.78, 0.07, (1.5, 1.95))
    top = _kind(rng, {"jacket": 4, "coat": 2.2 if womanly else 1.2, "shirt": 2, "hoodie": 2})
    bottom = _kind(rng, {"trousers": 6, "skirt": 2.2 if womanly else 0.0})
    hair_style = _kind(
        rng,
        {"long": 4, "bun": 2, "short": 2} if womanly else {"short": 7, "bald": 1.2, "long": 0.4},
    )
    return Look(
        height_m=round(height, 3),
        build=_near(rng, 1.0, 0.07, (0.88, 1.2)),
        hips=1.06 if womanly else 0.92,
        skin=_pick(rng, SKINS, 0.05),
        hair=_pick(rng, HAIRS),
        hair_style=hair_style,
        hat=_kind(rng, {"": 6, "beanie": 1, "cap": 1}),
        hat_colour=_pick(rng, TOPS),
        top=top,
        top_colour=_pick(rng, TOPS, 0.18),
        inner_colour=_pick(rng, INNERS),
        bottom=bottom,
        bottom_colour=_pick(rng, LEGS, 0.15),
        shoe_colour=_pick(rng, SHOES),
        bag=_kind(rng, {"": 5, "tote": 3 if womanly else 1, "backpack": 1.4, "paper": 1}),
        bag_colour=_pick(rng, BAGS),
        walk_mps=_near(rng, 1.12, 0.14, (0.82, 1.42)),
        stride=float(rng.uniform(0.9, 1.1)),
        swing=float(rng.uniform(0.6, 1.2)),
        beard=bool(not womanly and rng.random() < 0.3),
    )


def staff_look(rng: np.random.Generator) -> Look:
    """Return the member of staff: a light shirt under an apron in the shop's colour."""
    drawn = draw_look(rng)
    fields = {name: getattr(drawn, name) for name in Look.__slots__}
    fields |= {
        "top": "apron",
        "top_colour": (52, 46, 44),
        "inner_colour": STAFF_APRON,
        "bottom": "trousers",
        "hat": "",
        "bag": "",
    }
    return Look(**fields)
