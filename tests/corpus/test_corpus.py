"""The corpus of hostile, damaged and good files: how each of them must end.

CORPUS_FILES, CORPUS_DAMAGED and CORPUS_GOOD say how many of each; without them a part is tried that
takes minutes.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from random import Random

import numpy as np
import pytest

from tests.corpus.clips import number_of
from tests.corpus.damage import damaged
from tests.corpus.good import Good, good_films
from tests.corpus.hostile import CLASSES
from tests.corpus.shop import Shop, Trap, children_peak_mb
from tracking.vision.frames import plan_chunks, probe, read_frames

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

FILES = int(os.environ.get("CORPUS_FILES", "150"))
GOOD = int(os.environ.get("CORPUS_GOOD", "20"))
DAMAGED = int(os.environ.get("CORPUS_DAMAGED", "40"))
SHARES = 5  # of the corpus; each is a test, so that a time-out names its part
PEAK_MB = 1024
ROUNDING_MS = 1  # media time is whole milliseconds
NAMES = ("a.mp4", "../../x", "/etc/passwd", "\0.avi", "x" * 300, "\u202egpm.exe", "CON", "a\nb.mkv")


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATA_DIR = tmp_path


@pytest.fixture
def shop(own_media, tmp_path):
    return Shop(tmp_path)


@pytest.fixture
def trap(own_media):
    trap = Trap()
    yield trap
    trap.close()


def test_the_corpus_has_classes_enough():
    assert len(CLASSES) >= 30


def test_the_trap_notices_who_touches_it(trap):
    assert trap.touched() == []
    trap.path.read_bytes()
    socket.create_connection(("127.0.0.1", trap.bait.port)).close()
    assert {"the file", "the port"} == set(trap.touched())
    assert trap.touched() == []


@pytest.mark.timeout(60 + 10 * FILES)
@pytest.mark.parametrize("share", range(SHARES))
def test_no_hostile_file_is_counted_or_breaks_or_reaches_anything(shop, trap, share):
    names = sorted(CLASSES)
    endings: Counter[str] = Counter()
    wrong = []
    for number in range(share, FILES, SHARES):
        name = names[number % len(names)]
        content = CLASSES[name](Random(number), trap.bait)
        ending = shop.send(content, NAMES[number % len(NAMES)] if number % 3 == 0 else "a.mp4")
        endings[f"{ending.status} {ending.state} {ending.code}"] += 1
        if not ending.is_told:
            wrong.append((name, number, ending))
        if touched := trap.touched():
            wrong.append((name, number, touched))
    print(dict(endings))  # noqa: T201 - the figures of the run
    assert wrong == []
    assert children_peak_mb() <= PEAK_MB


@pytest.mark.timeout(60 + 10 * DAMAGED)
def test_no_damaged_film_passes_for_a_whole_one(shop):
    endings: Counter[str] = Counter()
    wrong = []
    for seed in range(DAMAGED):
        what, content = damaged(seed)
        ending = shop.send(content)
        endings[f"{ending.status} {ending.state} {ending.code}"] += 1
        if not ending.is_told:
            wrong.append((what, seed, ending))
    print(dict(endings))  # noqa: T201 - the figures of the run
    assert wrong == []
    assert children_peak_mb() <= PEAK_MB


@pytest.mark.timeout(60 + 10 * GOOD)
def test_no_good_film_is_refused_and_every_picture_has_its_time(shop, tmp_path):
    """The error is at most the length of the frame itself, whatever its rate."""
    films = good_films()
    assert len(films) == 60
    wrong = []
    for good in films[:GOOD]:
        path = tmp_path / "good"
        path.write_bytes(good.write())
        ending = shop.send(path.read_bytes())
        if (ending.state, ending.code) != ("done", ""):
            wrong.append((good.name, ending))
        elif off_ms := error_ms(path, good):
            wrong.append((good.name, off_ms))
    assert wrong == []


def error_ms(path, good: Good) -> float:
    """Return by how much more than its own length a picture is off, at the worst."""
    info = probe(path)
    worst, seen = 0.0, 0
    for bounds in plan_chunks(path, info):
        for frame in read_frames(path, info, bounds, lead_in_ms=0):
            number = number_of(np.rot90(frame.image, -(info.rotation // 90)))
            if number >= len(good.times):
                return float("inf")
            length = good.times[1] if number == 0 else good.times[number] - good.times[number - 1]
            off = abs(frame.time_ms - float(good.times[number] * 1000))
            worst, seen = max(worst, off - float(length * 1000)), seen + 1
    return max(0.0, worst - ROUNDING_MS) if seen >= 0.9 * len(good.times) else float("inf")
