"""Small films and the people in them, drawn by lot from a seed: who comes, where to, how long."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.tracking.files import make_video

WIDTH, HEIGHT, FPS = 160, 120, 5
PERSON = (10, 36)  # half the width and the height of a person, in pixels
Way = list[tuple[float, float, float]]
# The entrance line crosses the picture, walked left to right: the inside is below.
MAP: dict[str, Any] = {
    "store": {"name": "Corner shop", "slug": "corner", "timezone": "Europe/London"},
    "camera": {"name": "Door"},
    "zones": [
        {
            "name": "Shelf",
            "kind": "display",
            "colour": "#0a254c",
            "min_dwell_s": 0.0,
            "grace_s": 1.0,
            "vertices": [[0.55, 0.7], [0.95, 0.7], [0.95, 1.0], [0.55, 1.0]],
        }
    ],
    "lines": [
        {
            "name": "Entrance",
            "kind": "entrance",
            "a": [0.0, 0.5],
            "b": [1.0, 0.5],
            "inside_side": "right",
            "band": 0.012,
        }
    ],
}


def make_video_file(folder: Path, seconds: int) -> Path:
    """Write the pictures that all films share: what a film shows is in its truth alone."""
    video = folder / f"film-{seconds}.mp4"
    return make_video(video, seconds=seconds, fps=FPS, size=(WIDTH, HEIGHT))


def make_truth(folder: Path, seed: int, seconds: int) -> Path:
    """Write a film's truth, as the scripted detector reads it."""
    script = folder / f"film-{seed}.json"
    script.write_text(json.dumps(truth(seed, seconds)))
    return script


def truth(seed: int, seconds: int) -> dict[str, Any]:
    """Return boxes per frame and the map: an entrance line across the picture and a shelf."""
    walks = ways(random.Random(seed), seconds)
    boxes = []
    for number in range(seconds * FPS):
        places = [(person, place_at(way, number / FPS)) for person, way in enumerate(walks)]
        boxes.append([[person, *_box(place), 1.0] for person, place in places if place])
    made = {"fps": FPS, "width": WIDTH, "height": HEIGHT, "boxes": boxes}
    return made | {"setup": MAP}


def ways(lot: random.Random, seconds: int) -> list[Way]:
    """Return the ways of people who come every dozen seconds or so, until the film ends."""
    walks, at = [], lot.uniform(1, 6)
    while at < seconds - 6:
        walks.append(_way(lot, at, seconds))
        at += lot.uniform(6, 16)
    return walks


def _way(lot: random.Random, at: float, seconds: int) -> Way:
    x, shelf = lot.uniform(0.15, 0.45), lot.uniform(0.65, 0.85)
    if lot.random() < 0.15:  # was inside before the film began
        return [(at, x, 0.8), (at + 6, x, 0.32)]
    come = [(at, x, 0.32), (at + 6, x, 0.8), (at + 14, shelf, 0.85)]
    stays = at + 14 + lot.uniform(3, 15)
    if lot.random() < 0.2:  # never leaves
        return [*come, (float(seconds), shelf, 0.85)]
    return [*come, (stays, shelf, 0.85), (stays + 8, x, 0.8), (stays + 14, x, 0.32)]


def place_at(way: Way, second: float) -> tuple[float, float] | None:
    """Return where a person's foot point is, or None when out of the picture."""
    for (t0, x0, y0), (t1, x1, y1) in pairwise(way):
        if t0 <= second < t1:
            share = (second - t0) / (t1 - t0)
            return x0 + share * (x1 - x0), y0 + share * (y1 - y0)
    return None


def _box(place: tuple[float, float]) -> list[float]:
    x, y = place[0] * WIDTH, place[1] * HEIGHT
    return [x - PERSON[0], y - PERSON[1], x + PERSON[0], y]
