"""Detecting a chunk is a pure function of the file, its bounds and the settings."""

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest

from tracking.vision import previews
from tracking.vision.boxes import iou_matrix
from tracking.vision.detections import DetectedFrame, unpack
from tracking.vision.detectors.registry import available, make_detector
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.frames import Frame, plan_chunks, probe
from tracking.vision.motion import STIR_MS, MotionModel, Stir
from tracking.vision.previews import EVERY_MS, LARGEST_WIDTH, detect_chunk, pixelate
from tracking.vision.scene import plan, write_scene

SECONDS, SEED = 6, 3


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A few seconds of the rendered store, with its chunks of about two seconds."""
    folder = tmp_path_factory.mktemp("film")
    path, truth = folder / "scene.mp4", folder / "truth.json"
    write_scene(plan(SEED, SECONDS, 10), path, truth)
    info = probe(path)
    return path, info, plan_chunks(path, info, 2000, 4000), truth


@pytest.fixture(scope="module")
def results(film):
    """What HOG makes of each chunk, in order."""
    path, info, chunks, _ = film
    return [detect_chunk(path, info, bounds, make_detector("hog")) for bounds in chunks]


def test_chunks_detected_twice_and_in_any_order_give_equal_bytes(film, results):
    path, info, chunks, _ = film
    assert len(chunks) >= 3
    detector = make_detector("hog")  # one that carries on from chunk to chunk
    for bounds in chunks[::-1]:
        cv2.setRNGSeed(bounds.index + 77)
        np.random.default_rng(1).random(5)
        again = detect_chunk(path, info, bounds, detector)
        assert again.detections == results[bounds.index].detections
        assert again.previews == results[bounds.index].previews
    assert sum(len(f.boxes) for r in results for f in unpack(r.detections)) > 20


def test_the_motion_model_gives_the_same_masks_whatever_drew_random_numbers_before():
    rng = np.random.default_rng(2)
    frames = [rng.integers(0, 255, (96, 160, 3)).astype(np.uint8) for _ in range(30)]

    def masks(disturb):
        model = MotionModel(160, 96)
        found = []
        for index, image in enumerate(frames):
            if disturb:
                cv2.randu(np.zeros((50, 50), np.uint8), 0, 255)
            found.append(model.update(image, index * 100).tobytes())
        return found

    assert masks(disturb=False) == masks(disturb=True)


def test_every_frame_of_the_film_is_detected_once(film, results):
    chunks = film[2]
    times = [f.time_ms for result in results for f in unpack(result.detections)]
    assert times == list(range(0, SECONDS * 1000, 100))
    assert [r.frames for r in results] == [(b.last_ms - b.first_ms) // 100 for b in chunks]
    assert [r.decoded_to_ms for r in results] == [b.last_ms for b in chunks]
    assert not any(result.broken for result in results)


def test_the_gap_leaves_frames_out_by_media_time(film):
    path, info, chunks, _ = film
    detector = make_detector("hog", {"gap_ms": 250})
    found = unpack(detect_chunk(path, info, chunks[1], detector).detections)
    assert {b.time_ms - a.time_ms for a, b in pairwise(found)} == {300}


def test_previews_are_small_jpegs_at_most_four_a_second(results):
    result = results[0]
    assert len(result.preview_index) >= 4
    assert sum(length for _, _, length in result.preview_index) == len(result.previews)
    times = [time_ms for time_ms, _, _ in result.preview_index]
    assert all(b - a >= EVERY_MS for a, b in pairwise(times))
    for _, offset, length in result.preview_index:
        data = np.frombuffer(result.previews[offset : offset + length], np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert image.shape == (360, LARGEST_WIDTH, 3)


def test_a_scripted_detector_sees_what_the_truth_file_says(film):
    path, info, chunks, truth = film
    detector = make_detector("scripted", {"truth_path": str(truth), "least_visible": 0.5})
    found = [f for b in chunks for f in unpack(detect_chunk(path, info, b, detector).detections)]

    rows = json.loads(truth.read_text())["boxes"]
    for frame in found:
        expected = [row[1:5] for row in rows[frame.time_ms // 100] if row[5] >= 0.5]
        np.testing.assert_allclose(frame.boxes, np.reshape(expected, (-1, 4)), atol=0.07)


def test_hog_finds_most_of_the_people_who_are_in_full_view(film):

    path, info, chunks, truth = film
    rows = json.loads(truth.read_text())["boxes"]
    hits = []
    for bounds in chunks:
        result = detect_chunk(path, info, bounds, make_detector("hog"))
        for frame in unpack(result.detections):
            people = [row[1:5] for row in rows[frame.time_ms // 100] if row[5] >= 0.9]
            overlap = iou_matrix(np.reshape(people, (-1, 4)).astype(np.float32), frame.boxes)
            hits += [bool((row > 0.5).any()) for row in overlap]
    assert np.mean(hits) > 0.8


def test_pixelation_leaves_no_detail_of_people_and_nothing_else_changed():
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    mask = np.zeros((100, 150), np.uint8)
    mask[10:20, 120:130] = 255
    hidden = pixelate(image, np.array([[50, 50, 98, 150]], np.float32), mask)
    person = hidden[50:150, 50:98].reshape(-1, 3)
    assert len(np.unique(person, axis=0)) <= 9 * 15
    assert (hidden[20:40, 240:260] != image[20:40, 240:260]).mean() > 0.9
    assert (hidden[180:] == image[180:]).all()


class Blind:
    """A detector that finds nobody: what is hidden then, is hidden for having stirred."""

    name = "blind"
    settings = make_detector("hog").settings

    def detect(self, frames):
        nobody = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        yield from (DetectedFrame(f.time_ms, *nobody) for f in frames if not f.lead_in)


def test_heads_are_hidden_also_of_people_who_hardly_stir_and_whom_no_detector_found(
    film, monkeypatch
):
    path, info, _, truth = film
    hidden = []
    monkeypatch.setattr(
        previews, "pixelate", lambda image, boxes, mask: [hidden.append(mask), image][1]
    )
    (bounds,) = plan_chunks(path, info)
    result = detect_chunk(path, info, bounds, Blind())
    rows = json.loads(truth.read_text())["boxes"]
    heads, shares = [], []
    for (time_ms, _, _), mask in zip(result.preview_index, hidden, strict=True):
        grown = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        whole = cv2.resize(grown, (960, 540), interpolation=cv2.INTER_NEAREST) > 0
        if time_ms > 2500:  # before that all of it is hidden
            shares.append(whole.mean())
            heads += [head(whole, row).mean() for row in rows[time_ms // 100] if row[5] > 0.3]
    assert len(heads) > 30
    assert np.mean(np.array(heads) > 0.9) > 0.98
    assert np.mean(shares) < 0.25  # and the shop is still to be seen


def head(picture, row):
    """Return the part of a picture that shows somebody's head, from a row of the truth file."""
    _, x1, y1, x2, y2, _ = row
    wide, tall = x2 - x1, y2 - y1
    return picture[
        max(0, int(y1)) : int(y1 + tall / 5), max(0, int(x1 + wide / 4)) : int(x2 - wide / 4)
    ]


def test_what_stands_quite_still_does_not_stir_and_is_forgotten_after_its_time():
    rng = np.random.default_rng(4)
    shop = rng.integers(60, 190, (96, 160, 3)).astype(np.uint8)
    stir = Stir(160, 96)
    for time_ms in range(0, 2000, 100):
        noisy = np.clip(shop + rng.normal(0, 2.2, shop.shape), 0, 255).astype(np.uint8)
        stir.update(noisy, time_ms)
    assert not stir.mask().any()
    cap = shop.copy()
    cap[40:48, 80:88] = 255
    stir.update(cap, 2000)
    height, width = stir.mask().shape
    assert stir.mask()[44 * height // 96, 84 * width // 160]
    stir.update(shop, 2000 + STIR_MS)
    assert stir.mask().any()
    stir.update(shop, 2001 + STIR_MS)
    stir.update(shop, 2002 + STIR_MS)
    assert not stir.mask().any()


def test_the_registry_names_what_there_is_and_refuses_what_there_is_not():
    names = {info.name for info in available() if info.ready}
    assert {"hog", "scripted"} <= names
    with pytest.raises(UnknownDetectorError, match="magic"):
        make_detector("magic")
    with pytest.raises(UnknownDetectorError, match="colour"):
        make_detector("hog", {"colour": 1})


def test_settings_go_through_json():
    detector = make_detector("hog", {"gap_ms": 120})
    again = make_detector("hog", detector.settings.to_json())
    assert again.settings == detector.settings


def test_nothing_is_detected_in_an_empty_picture():
    frames = [Frame(t * 100, np.full((540, 960, 3), 128, np.uint8)) for t in range(3)]
    found = list(make_detector("hog").detect(frames))
    assert [len(each.boxes) for each in found] == [0, 0, 0]
