"""How many workers count a recording cannot be seen in what they counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench import films, workers
from tools.bench.installation import Installation

SECONDS = 24  # three chunks
SEED = 3

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]


def test_one_worker_and_two_give_equal_facts_with_hog(tmp_path: Path):
    video, setup = films.scene(Installation(tmp_path / "film"), SECONDS, SEED, fps=5)
    found = {}
    for count in (1, 2):
        installation = Installation(tmp_path / str(count))
        workers.count(installation, video, setup, count)
        found[count] = installation.facts()
    kinds = {fact["kind"] for fact in found[1] if fact["fact"] == "event"}
    assert {"crossed", "zone_entered"} <= kinds
    assert found[2] == found[1]
