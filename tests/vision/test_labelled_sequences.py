"""The tracker on real, labelled sequences beside every peer; they are no part of the project."""

import os
from pathlib import Path

import pytest

from tracking.vision import evaluate

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("OSKARTRACK_SHARED") or ROOT.parent / "shared")
DATA = SHARED / "data/mot"
SEQUENCES = 11
# The best of seven peers on these sequences and detections, motion only, by the same scores:
# HOTA of BoxMOT's BoT-SORT, IDF1 of roboflow's C-BIoU.
BEST_PEER = {"HOTA": 47.02, "IDF1": 62.74}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not DATA.is_dir(), reason="the labelled sequences are not at ../shared"),
]


@pytest.fixture(scope="module")
def means(tmp_path_factory):
    """The mean scores of each mode; the tables stand in the test's output."""
    found = {}
    for mode in evaluate.MODES:
        out = tmp_path_factory.mktemp(mode)
        arguments = ["track", "--data", str(DATA), "--mode", mode, "--out", str(out)]
        answer = evaluate.track(evaluate.parser().parse_args(arguments))
        assert len(answer["sequences"]) == SEQUENCES
        found[mode] = answer["mean"]
    return found


def test_live_follows_people_better_than_every_peer(means):
    assert means["live"]["HOTA"] > BEST_PEER["HOTA"]
    assert means["live"]["IDF1"] > BEST_PEER["IDF1"]


def test_a_known_recording_is_followed_better_than_live(means):
    live, known = means["live"], means["recording"]
    assert known["HOTA"] > live["HOTA"]
    assert known["IDF1"] > live["IDF1"]
    assert known["IDSW"] < live["IDSW"]
