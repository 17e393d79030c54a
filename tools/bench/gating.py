"""Searches the same frames by HOG where something moves, and everywhere, in turn.

`python -m tools.bench.gating VIDEO` prints one line of JSON. A process of its own, so that the
pictures it holds do not count against anything else.
"""

import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path

from tracking.vision.detectors.hog import HogDetector, HogSettings
from tracking.vision.frames import Frame, plan_chunks, probe, read_frames

ROUNDS = 3
SECONDS = 10
EVERY_FRAME_MS = 0  # the whole picture is due again at once


def main(video: Path) -> dict[str, float]:
    """Return the medians of core seconds that each way takes for the same frames."""
    frames = first_frames(video)
    settings = HogSettings()
    everywhere = dataclasses.replace(settings, full_every_ms=EVERY_FRAME_MS)
    ours_s: list[float] = []
    full_s: list[float] = []
    people = [0, 0]
    for _ in range(ROUNDS):
        for number, (wanted, times) in enumerate([(settings, ours_s), (everywhere, full_s)]):
            began = time.process_time()
            found = list(HogDetector(wanted).detect(iter(frames)))
            times.append(time.process_time() - began)
            people[number] = sum(len(each.boxes) for each in found)
    return {
        "ours_s": statistics.median(ours_s),
        "full_s": statistics.median(full_s),
        "frames": len(frames),
        "ours_people": people[0],
        "full_people": people[1],
    }


def first_frames(video: Path) -> list[Frame]:
    """Return the frames of the first seconds, decoded before any clock runs."""
    info = probe(video)
    bounds = plan_chunks(video, info)[0]
    return [frame for frame in read_frames(video, info, bounds) if frame.time_ms < SECONDS * 1000]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
