"""Good films cut off or with flipped bits: what is left of them must never pass for the whole."""

from __future__ import annotations

from random import Random

from tests.corpus.clips import CAMERAS, STILLS, camera_film

LEAST_RATIO, MOST_RATIO = 1e-4, 1e-2  # of all bits of a file
LEAST_SHARE, MOST_SHARE = 0.02, 0.98  # of a file that is left


def damaged(seed: int) -> tuple[str, bytes]:
    """Return what was done to which kind of film, and the film; every kind is as frequent."""
    random = Random(seed)
    kinds = [*CAMERAS, *STILLS]
    kind = kinds[seed % len(kinds)]
    whole = camera_film(kind)
    if random.random() < 0.4:
        share = random.uniform(LEAST_SHARE, MOST_SHARE)
        return f"{kind}, {share:.0%} left", whole[: int(len(whole) * share)]
    ratio = LEAST_RATIO * (MOST_RATIO / LEAST_RATIO) ** random.random()
    return f"{kind}, {ratio:.2g} of its bits flipped", flipped(whole, ratio, random)


def flipped(whole: bytes, ratio: float, random: Random) -> bytes:
    """Return a file with this share of its bits flipped, one at the least."""
    bits = 8 * len(whole)
    broken = bytearray(whole)
    for _ in range(max(1, round(bits * ratio))):
        at = random.randrange(bits)
        broken[at >> 3] ^= 1 << (at & 7)
    return bytes(broken)
