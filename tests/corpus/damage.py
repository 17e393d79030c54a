"""Good films cut off or with flipped bits: what is left of them must never pass for the whole."""

from __future__ import annotations

from random import Random

from tests.corpus.clips import KINDS, clip


def damaged(seed: int) -> tuple[str, bytes]:
    """Return what was done to which kind of film, and the film.

    VP8 is cut off only: every bit of its pictures means something, so a flipped one is a picture
    like any other, and one that is never shown is allowed too.
    """
    random = Random(seed)
    kind = random.choice(list(KINDS))
    whole = clip(kind)
    if random.random() < 0.5 or kind == "webm vp8":
        share = random.uniform(0.05, 0.8)
        return f"{kind}, {share:.0%} left", whole[: int(len(whole) * share)]
    ratio = random.choice([0.005, 0.01])
    broken = bytearray(whole)
    for _ in range(max(20, int(len(whole) * ratio))):
        broken[random.randrange(len(whole))] ^= 1 << random.randrange(8)
    return f"{kind}, {ratio} of its bits flipped", bytes(broken)
