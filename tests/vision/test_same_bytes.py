"""A chunk detected anywhere, in any order and again gives the same bytes."""

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.vision.detect_driver import CHUNK_MS
from tracking.vision.frames import plan_chunks, probe
from tracking.vision.scene import plan, write_scene

ROOT = Path(__file__).resolve().parents[2]
SECONDS, FPS, SEED = 8, 6, 3
CHUNKS = 4


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    path = folder / "scene.mp4"
    write_scene(plan(SEED, SECONDS, FPS), path, folder / "truth.json")
    assert len(plan_chunks(path, probe(path), CHUNK_MS, 2 * CHUNK_MS)) == CHUNKS
    return path


def in_a_process(film, chunks, *, seeded=True, disturb=0):
    """Detect chunks in this order in a process of their own."""
    order = {"film": str(film), "chunks": chunks, "seeded": seeded, "disturb": disturb}
    command = [sys.executable, "-m", "tests.vision.detect_driver", json.dumps(order)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answers(film, lot, *, seeded=True):
    """Return every answer there was for each chunk: in one process twice over, and in four.

    Shuffled each time; the generator that all of a process shares is somewhere else each time.
    """
    twice = [*shuffled(lot), *shuffled(lot)]
    four = [[chunk, lot.randrange(CHUNKS)] for chunk in shuffled(lot)]
    with ThreadPoolExecutor(2) as pool:
        rounds = pool.map(
            lambda chunks: in_a_process(film, chunks, seeded=seeded, disturb=chunks[0]),
            [twice, *four],
        )
    found = {}
    for index, digest, boxes in (row for answer in rounds for row in answer):
        assert boxes > 0
        found.setdefault(index, []).append(digest)
    return found


def shuffled(lot):
    return lot.sample(range(CHUNKS), CHUNKS)


def unequal(found):
    """Return the chunks of which one answer differs from another."""
    return {index for index, digests in found.items() if len(set(digests)) > 1}


@pytest.mark.slow
@pytest.mark.heavy
def test_shuffled_again_in_one_process_and_in_four_the_bytes_are_equal(film):
    seed = random.SystemRandom().randrange(2**31)
    found = answers(film, random.Random(seed))
    assert sorted(found) == list(range(CHUNKS))
    assert min(map(len, found.values())) >= 3
    assert unequal(found) == set(), f"seed {seed}"


@pytest.mark.slow
@pytest.mark.heavy
def test_the_same_comparison_notices_a_motion_model_without_a_seed(film):
    assert unequal(answers(film, random.Random(1), seeded=False))
