"""Detects chunks of a film in the order asked for; started as a child by `test_same_bytes`."""

import hashlib
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from tracking.vision.detections import unpack
from tracking.vision.detectors.registry import make_detector
from tracking.vision.frames import plan_chunks, probe
from tracking.vision.previews import detect_chunk

CHUNK_MS = 2000


def detect(film: Path, order: list[int]) -> list[tuple[int, str, int]]:
    """Return each chunk's index, the hash of everything it gave, and how many boxes it has."""
    info = probe(film)
    chunks = plan_chunks(film, info, CHUNK_MS, 2 * CHUNK_MS)
    detector = make_detector("hog", {"gap_ms": 150})  # one that carries on from chunk to chunk
    found = []
    for index in order:
        result = detect_chunk(film, info, chunks[index], detector, colours=True)
        whole = (result.detections, result.previews, repr(result.preview_index).encode())
        digest = hashlib.sha256(b"|".join(whole)).hexdigest()
        boxes = sum(len(frame.boxes) for frame in unpack(result.detections))
        found.append((index, digest, boxes))
    return found


def main(order: dict) -> list[tuple[int, str, int]]:
    if not order["seeded"]:
        cv2.setRNGSeed = lambda _seed: None
    for _ in range(order["disturb"]):  # as if other chunks of other films had come before
        cv2.randu(np.zeros((8, 8), np.uint8), 0, 255)
    return detect(Path(order["film"]), order["chunks"])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
