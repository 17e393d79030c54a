"""What finding people costs in a film, and what all the rest does that needs no database.

`python -m tools.bench.own_cost VIDEO SETUP` prints one line of JSON, in seconds of a core. A
process of its own, for what it holds counts against nothing else.
"""

import json
import sys
import time
from pathlib import Path

from tracking.vision.detections import pack, unpack
from tracking.vision.detectors.registry import make_detector
from tracking.vision.evaluate import detect_all
from tracking.vision.frames import probe
from tracking.vision.pipeline import Pipeline, PipelineParams
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup


def main(video: Path, setup: Path, detector: str) -> dict[str, float]:
    """Return the seconds of decoding, of detecting, and of tracking and counting."""
    info = probe(video)
    began = time.process_time()
    decode_s, found = detect_all(video, info, make_detector(detector), [])
    detect_s = time.process_time() - began - decode_s
    began = time.process_time()
    params = PipelineParams.for_detector(detector)
    pipeline = Pipeline(scene_of(setup, info.width, info.height), params)
    for frame in unpack(pack(found)):
        pipeline.step(frame)
    pipeline.finish(found[-1].time_ms)
    count_s = time.process_time() - began
    told = {"decode_s": decode_s, "detect_s": detect_s, "count_s": count_s}
    return told | {"frames": len(found), "seconds": found[-1].time_ms / 1000}


def scene_of(setup: Path, width: int, height: int) -> SceneSetup:
    """Return the zones and lines of a film's set-up."""
    shapes = json.loads(setup.read_text())["setup"]
    zones = tuple(
        ZoneSetup(zone["name"], zone["name"], zone["kind"], tuple(map(tuple, zone["vertices"])))
        for zone in shapes["zones"]
    )
    lines = tuple(
        LineSetup(
            line["name"], line["name"], line["kind"], tuple(line["a"]), tuple(line["b"]),
            line["inside_side"], line["band"],
        )
        for line in shapes["lines"]
    )  # fmt: skip
    return SceneSetup(width, height, zones, lines)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
