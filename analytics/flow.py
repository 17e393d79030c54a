"""Bands between places, laid out for an SVG. Pure: numbers in, numbers out.

Places that steps lead from stand on the left, places that they lead to on the right; a zone stands
on both sides, as high on one as on the other, since as many steps lead into it as out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

WIDTH, HEIGHT = 600.0, 320.0
BAR = 8.0
GAP = 10.0
LINE = 14.0  # how high words of 11 units are
# Room for names on both sides, and how many letters of theirs fit at 11 units.
MARGIN = 146.0
LETTERS = 18

Step = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where bands begin or end: its name and colour, 0 for none of a zone's."""

    key: str
    name: str
    colour: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A place drawn on one side: the corner and size of its bar, where its words stand."""

    place: Place
    x: float
    y: float
    height: float
    words_x: float
    times: int

    @property
    def middle(self) -> float:
        """Return the height of the bar's middle."""
        return round(self.y + self.height / 2, 2)

    @property
    def short_name(self) -> str:
        """Return the name as far as it fits."""
        name = self.place.name
        return name if len(name) <= LETTERS else name[: LETTERS - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Band:
    """A step drawn: its outline as SVG path data."""

    begin: Place
    end: Place
    times: int
    path: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Bars and bands within ``WIDTH x HEIGHT``."""

    left: list[Bar]
    right: list[Bar]
    bands: list[Band]
    width: float = WIDTH
    height: float = HEIGHT


def flow(lefts: Sequence[Place], rights: Sequence[Place], steps: Mapping[Step, int]) -> Flow:
    """Return bars and bands for steps between places, in the order given.

    Every band is as thick as its step is often taken, by one scale for all of them, so the bands
    of a place fill its bar.
    """
    out_of = [sum(n for (begin, _), n in steps.items() if begin == place.key) for place in lefts]
    into = [sum(n for (_, end), n in steps.items() if end == place.key) for place in rights]
    total = max(sum(out_of), sum(into))
    if not total:
        return Flow([], [], [])
    gaps = GAP * (max(len(lefts), len(rights)) - 1)
    unit = max(HEIGHT - gaps, HEIGHT / 4) / total
    left = _bars(lefts, out_of, unit, MARGIN, MARGIN - 6)
    right = _bars(rights, into, unit, WIDTH - MARGIN - BAR, WIDTH - MARGIN + 6)
    return Flow(left, right, _bands(left, right, steps, unit), height=_height(left, right))


def _bars(
    places: Sequence[Place], times: Sequence[int], unit: float, x: float, words_x: float
) -> list[Bar]:
    tops = accumulate((n * unit + GAP for n in times), initial=0.0)
    return [
        Bar(place, x, round(y, 2), round(n * unit, 2), words_x, n)
        for place, n, y in zip(places, times, tops, strict=False)
    ]


def _bands(
    left: Sequence[Bar], right: Sequence[Bar], steps: Mapping[Step, int], unit: float
) -> list[Band]:
    """Return the bands; those of a bar lie in the order of the bars at their other ends."""
    taken = {(side, bar.place.key): bar.y for side, bars in ((0, left), (1, right)) for bar in bars}
    bands = []
    for begin in left:
        for end in right:
            times = steps.get((begin.place.key, end.place.key), 0)
            if not times:
                continue
            thick = times * unit
            y1, y2 = taken[0, begin.place.key], taken[1, end.place.key]
            taken[0, begin.place.key] += thick
            taken[1, end.place.key] += thick
            path = _outline(begin.x + BAR, y1, end.x, y2, thick)
            bands.append(Band(begin.place, end.place, times, path))
    return bands


def _outline(x1: float, y1: float, x2: float, y2: float, thick: float) -> str:
    middle = (x1 + x2) / 2
    there = f"M{_n(x1, y1)}C{_n(middle, y1, middle, y2, x2, y2)}"
    back = f"V{_n(y2 + thick)}C{_n(middle, y2 + thick, middle, y1 + thick, x1, y1 + thick)}Z"
    return there + back


def _n(*values: float) -> str:
    return " ".join(f"{value:.2f}" for value in values)


def _height(*sides: Iterable[Bar]) -> float:
    """Return where the lowest bar ends, and the words beside it, which may be higher than it."""
    ends = (bar.middle + max(bar.height, LINE) / 2 for bars in sides for bar in bars)
    return round(max(ends) + 1, 2)
