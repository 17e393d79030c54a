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
# The first design of recording mode on the same.
FIRST_DESIGN = {"HOTA": 52.98, "IDF1": 68.84}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not DATA.is_dir(), reason="the labelled sequences are not at ../shared"),
]


def scored(tmp_path, capsys, mode):
    arguments = ["track", "--data", str(DATA), "--mode", mode, "--out", str(tmp_path / mode)]
    with capsys.disabled():  # its table is what people want to read
        answer = evaluate.track(evaluate.parser().parse_args(arguments))
    assert len(answer["sequences"]) == SEQUENCES
    return answer["mean"]


def test_live_follows_people_better_than_every_peer(tmp_path, capsys):
    mean = scored(tmp_path, capsys, "live")
    assert mean["HOTA"] > BEST_PEER["HOTA"]
    assert mean["IDF1"] > BEST_PEER["IDF1"]


def test_a_known_recording_is_followed_better_than_live(tmp_path, capsys):
    mean = scored(tmp_path, capsys, "recording")
    assert mean["HOTA"] > FIRST_DESIGN["HOTA"]
    assert mean["IDF1"] > BEST_PEER["IDF1"]
