"""Our tracker and roboflow's BoT-SORT over the same detections, in turn, in one process.

`python -m tools.bench.trackers_race PEERS DATA` prints one line of JSON. PEERS is the folder of
`tools.bench.peers`, DATA one of labelled sequences. Neither sees a picture: BoT-SORT's own
compensation of camera motion, which needs one, is off.
"""

import importlib
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tracking.vision.detections import DetectedFrame
from tracking.vision.evaluation.mot import find_sequences
from tracking.vision.tracker import Tracker, tracker_params

ROUNDS = 5
Track = Callable[[Sequence[DetectedFrame]], None]


def main(peers: Path, data: Path) -> dict[str, float]:
    """Return frames a second of a core of each, the medians of some rounds."""
    sequences = [sequence.frames for sequence in find_sequences(data)]
    frames = sum(map(len, sequences))
    racers: dict[str, Track] = {"ours": ours, "peer": bot_sort(peers)}
    took: dict[str, list[float]] = {name: [] for name in racers}
    for _ in range(ROUNDS):
        for name, track in racers.items():
            began = time.process_time()
            for each in sequences:
                track(each)
            took[name].append(time.process_time() - began)
    paces = {name: frames / statistics.median(times) for name, times in took.items()}
    return paces | {"frames": frames, "boxes": sum(len(f.boxes) for s in sequences for f in s)}


def ours(frames: Sequence[DetectedFrame]) -> None:
    """Follow people with our tracker."""
    tracker = Tracker(tracker_params("labelled"))
    for frame in frames:
        tracker.step(frame)


def bot_sort(peers: Path) -> Track:
    """Return what follows people with BoT-SORT."""
    sys.path.append(str(peers))  # behind the product's own packages
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the versions of each other
        trackers: Any = importlib.import_module("trackers")
        supervision: Any = importlib.import_module("supervision")

    def track(frames: Sequence[DetectedFrame]) -> None:
        tracker = trackers.BoTSORTTracker(enable_cmc=False)
        for frame in frames:
            seen = supervision.Detections(xyxy=frame.boxes, confidence=frame.scores)
            tracker.update(seen)

    return track


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
