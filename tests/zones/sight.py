"""How far apart two colours look: to all people, those who see red, green or blue weakly too.

Contrast after WCAG 2.2; colour blindness after Machado, Oliveira and Fernandes (2009, full
strength, on linear light); differences as CIE76, the distance in CIE L*a*b* under D65.
"""

from __future__ import annotations

import math
from typing import TypeAlias

Rgb: TypeAlias = tuple[float, ...]

SIGHTS: dict[str, tuple[Rgb, Rgb, Rgb]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.95047, 1.0, 1.08883)


def linear(colour: str) -> Rgb:
    """Return #rrggbb as linear light in [0, 1]."""
    shares = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    light = sorted(sum(w * c for w, c in zip(XYZ[1], linear(c), strict=True)) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(light: Rgb) -> Rgb:
    """Return linear light as L*, a*, b*."""
    shares = [sum(w * c for w, c in zip(row, light, strict=True)) for row in XYZ]
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (share / white for share, white in zip(shares, WHITE, strict=True))
    )
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


def seen(colour: str, sight: str) -> Rgb:
    """Return a colour as somebody sees it."""
    light = linear(colour)
    rows = (sum(w * c for w, c in zip(row, light, strict=True)) for row in SIGHTS[sight])
    return tuple(min(1.0, max(0.0, value)) for value in rows)


def differences(one: str, other: str) -> list[float]:
    """Return how far apart two colours are in each kind of sight."""
    return [math.dist(lab(seen(one, sight)), lab(seen(other, sight))) for sight in SIGHTS]


def difference(one: str, other: str) -> float:
    """Return how far apart two colours are to whom they look most alike."""
    return min(differences(one, other))
