"""Good films as cameras, phones and programs write them, each knowing when it shows what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle

from tests.corpus.clips import even, film, uneven

NTSC = Fraction(30_000, 1001)
ANY_RATE = (Fraction(10), Fraction(25), NTSC, Fraction(15), Fraction(60), Fraction(12, 5))
MPEG_RATES = (Fraction(25), NTSC, Fraction(24), Fraction(50))
PAIRS: tuple[tuple[str, str], ...] = (
    *(("mp4", codec) for codec in ("libx264", "libx265", "mpeg4", "libvpx-vp9", "mpeg2video")),
    *(("mov", codec) for codec in ("libx264", "mpeg4", "mjpeg")),
    *(("matroska", codec) for codec in ("libx264", "libx265", "libvpx", "mpeg4", "mjpeg")),
    *(("webm", codec) for codec in ("libvpx", "libvpx-vp9")),
    *(("avi", codec) for codec in ("mpeg4", "mjpeg", "msmpeg4v2")),
    *(("mpegts", codec) for codec in ("mpeg2video", "libx264")),
    *(("mpeg", codec) for codec in ("mpeg1video", "mpeg2video")),
    ("gif", "gif"),
)
# Steps between two pictures: a film that stutters, one that waits, one that hurries.
PATTERNS = {
    "stutters": (Fraction(1, 50), Fraction(3, 50), Fraction(1, 25)),
    "waits": (Fraction(1, 25), Fraction(1, 25), Fraction(1, 25), Fraction(4, 5)),
    "hurries": (Fraction(1, 5), Fraction(1, 10), Fraction(1, 60)),
}


@dataclass(frozen=True)
class Good:
    """One film and the seconds at which its numbered pictures are shown."""

    name: str
    container: str
    codec: str
    rate: Fraction
    times: Sequence[Fraction]
    rotation: int = 0

    def write(self) -> bytes:
        return film(
            self.container,
            self.codec,
            self.times,
            rate=self.rate,
            rotation=self.rotation,
            gop=12,
        )


def good_films() -> list[Good]:
    """Return sixty films, those that differ most first."""
    return [*_rates(), *_rotated(), *_uneven(), *_rates(1)][:60]


def _rates(shift: int = 0) -> list[Good]:
    rates = cycle(ANY_RATE[shift:] + ANY_RATE[:shift])
    mpeg_rates = cycle(MPEG_RATES[shift:] + MPEG_RATES[:shift])
    films = []
    for container, codec in PAIRS:
        standard = codec.startswith(("mpeg1", "mpeg2"))
        rate = Fraction(10) if container == "gif" else next(mpeg_rates if standard else rates)
        name = f"{container} {codec} at {float(rate):.5g}"
        films.append(Good(name, container, codec, rate, even(40, rate)))
    return films


def _rotated() -> list[Good]:
    return [
        Good(f"{c} {codec} turned by {turn}", c, codec, Fraction(25), even(40, 25), turn)
        for c, codec in (("mp4", "libx264"), ("mov", "mpeg4"))
        for turn in (90, 180, 270)
    ]


def _uneven() -> list[Good]:
    return [
        Good(f"{c} libx264 that {name}", c, "libx264", Fraction(25), uneven(40, steps))
        for c in ("mp4", "matroska", "mov")
        for name, steps in PATTERNS.items()
    ]
