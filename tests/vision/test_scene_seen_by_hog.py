"""The people of the demo store are seen as people by the detector that needs no download."""

import cv2
import numpy as np
import pytest

from tracking.vision import scene


@pytest.fixture(scope="module")
def hog():
    cv2.setNumThreads(1)
    descriptor = cv2.HOGDescriptor()
    descriptor.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    return descriptor


def boxes_of(hog, image):
    """Return the detector's windows, shrunk to the people in them, best first, without doubles."""
    windows, margins = hog.detectMultiScale(
        image, winStride=(8, 8), padding=(8, 8), scale=1.08, groupThreshold=0
    )
    found = []
    for i in np.argsort(-np.ravel(margins)):
        x, y, w, h = windows[i]
        box = (x + 0.225 * w, y + 0.125 * h, x + 0.775 * w, y + 0.875 * h)
        if all(iou(box, other) < 0.4 for other in found):
            found.append(box)
    return found


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    whole = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (whole - w * h)


def test_hog_finds_nine_of_ten_people_who_are_mostly_seen(hog):
    found = wanted = 0
    for seed in (1, 2, 3):
        plan = scene.plan(seed, 60)
        for frame in range(20, plan.frame_count, 70):
            image, seen = scene.render_frame(plan, frame)
            boxes = boxes_of(hog, image)
            people = [s.box for s in seen if s.visible >= 0.6 and s.box[0] > 0 and s.box[2] < 960]
            for person in sorted(people, key=lambda box: -box[3]):
                wanted += 1
                best = max(boxes, key=lambda box: iou(box, person), default=None)
                if best is not None and iou(best, person) >= 0.4:
                    boxes.remove(best)
                    found += 1
    assert wanted > 60
    assert found >= 0.9 * wanted


def test_hog_finds_hardly_anybody_in_the_empty_shop(hog):
    assert len(boxes_of(hog, scene.still(scene.Camera()))) <= 2
