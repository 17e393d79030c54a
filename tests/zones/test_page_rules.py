"""The page refuses while drawing what the server refuses when saving, and nothing else."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from zones.geometry import polygon_problems

ROOT = Path(__file__).resolve().parent.parent.parent
# Which of the page's verdicts a sentence of the server is.
SENTENCES = {
    "outside the picture": "outside",
    "different vertices": "same",
    "vertices, got": "few",
    "are the same point": "same",
    "has no area": "flat",
    "crosses itself": "crossing",
}
SIDES = re.compile(r"side (\d+)-\d+ meets side (\d+)-\d+")


def of_the_server(corners):
    """Return what the server finds, as the page says it."""
    said = " ".join(polygon_problems(corners, "x"))
    if not said:
        return None
    code = next(code for words, code in SENTENCES.items() if words in said)
    met = SIDES.search(said)
    return {"code": code, "sides": [int(n) - 1 for n in met.groups()] if met else None}


def outlines(seed: int) -> list[list[list[float]]]:
    """Return outlines by lot: on coarse and fine grids, where points lie on sides, and anywhere."""
    chance = random.Random(seed)
    found = []
    for number in range(3000):
        steps = (4, 10, 100, 10_000, 2**53)[number % 5]
        count = chance.randint(2, 8)
        corners = [
            [chance.randint(0, steps) / steps, chance.randint(0, steps) / steps]
            for _ in range(count)
        ]
        if number % 7 == 0:  # a corner on the straight between two others, as far as floats go
            a, b = corners[0], corners[-1]
            share = chance.random()
            corners.insert(
                chance.randrange(count), [p + (q - p) * share for p, q in zip(a, b, strict=True)]
            )
        if number % 97 == 0:
            corners[0][0] += 1
        found.append(corners)
    return found


def test_page_and_server_say_the_same_of_three_thousand_outlines():
    drawn = outlines(seed=20261122)
    done = subprocess.run(
        [sys.executable, "tools/node.py", "node", "tests/js/verdicts.js"],
        cwd=ROOT, input=json.dumps(drawn), capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    kinds: Counter[str] = Counter()
    for corners, page in zip(drawn, json.loads(done.stdout), strict=True):
        server = of_the_server(corners)
        assert (page and page["code"]) == (server and server["code"]), corners
        if server and server["sides"]:
            assert page["sides"] == server["sides"], corners
        kinds[server["code"] if server else "good"] += 1
    # Every verdict was put to the test, none a handful of times alone.
    assert set(kinds) == {"good", *SENTENCES.values()}
    assert min(kinds.values()) >= 10, kinds
