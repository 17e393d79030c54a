"""Any ONNX file of a family that we read finds people; any other is refused with its reason."""

import numpy as np
import pytest

from tests.vision.networks import places, write_model
from tracking.vision.detectors.any_onnx import OnnxSettings
from tracking.vision.detectors.neural import Gap
from tracking.vision.detectors.pictures import Colours, fit, network_picture
from tracking.vision.detectors.registry import make_detector
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.frames import Frame

PERSON = (10.0, 20.0, 50.0, 120.0)  # x1, y1, x2, y2 in a picture of 160 x 128
SIDE, HEIGHT, WIDTH = 160, 128, 160


def centred(box=PERSON):
    """Return centre x, centre y, width, height."""
    x1, y1, x2, y2 = box
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], np.float32)


def logit(share):
    return float(np.log(share / (1 - share)))


def yolov8_answer(score=0.8, classes=3, number=0):
    answer = np.zeros((1, 4 + classes, places(HEIGHT, WIDTH)), np.float32)
    answer[0, :4] = 20
    answer[0, :4, 7] = centred()
    answer[0, 4 + number, 7] = score
    return answer


def yolox_answer(score=0.8, classes=2):
    """One person at the place of stride 16 in row 2, column 1."""
    answer = np.zeros((1, places(HEIGHT, WIDTH), 5 + classes), np.float32)
    row = (HEIGHT // 8) * (WIDTH // 8) + 2 * (WIDTH // 16) + 1
    x, y, width, height = centred()
    answer[0, row, :4] = x / 16 - 1, y / 16 - 2, np.log(width / 16), np.log(height / 16)
    answer[0, row, 4:6] = 1.0, score
    return answer


def detr_answers(score=0.8):
    """Two queries: a person, and nothing."""
    logits = np.full((1, 2, 4), -20, np.float32)
    logits[0, 0, 1], logits[0, 0, 3] = logit(score), 0.0
    logits[0, 1, 3] = 20
    boxes = np.zeros((1, 2, 4), np.float32)
    boxes[0, 0] = centred() / np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
    return {"pred_boxes": boxes, "logits": logits}


def rtdetr_answers(score=0.8):
    logits = np.full((1, 2, 5), -20, np.float32)
    logits[0, 0, 0] = logit(score)
    return detr_answers() | {"logits": logits}


FAMILIES = {
    "yolox": {"out": yolox_answer()},
    "yolov8": {"out": yolov8_answer()},
    "detr": detr_answers(),
    "rtdetr": rtdetr_answers(),
}


def detector(folder, kind, **settings):
    how = {"model": "tiny.onnx", "family": kind, "input_side": SIDE} | settings
    return make_detector("onnx", how, folder)


def seen(made, width=320, height=256):
    frame = Frame(0, np.full((height, width, 3), 90, np.uint8))
    (found,) = made.detect([frame])
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_finds_its_person_where_the_person_is_in_the_frame(tmp_path, family):
    write_model(tmp_path / "tiny.onnx", FAMILIES[family], size=(HEIGHT, WIDTH))
    found = seen(detector(tmp_path, family))  # a frame of twice the network's size
    np.testing.assert_allclose(found.boxes, [np.multiply(PERSON, 2)], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.8], atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_person_below_the_threshold_is_nobody(tmp_path, family):
    write_model(tmp_path / "tiny.onnx", FAMILIES[family], size=(HEIGHT, WIDTH))
    assert len(seen(detector(tmp_path, family, threshold=0.81)).boxes) == 0


def test_the_class_of_people_can_be_named(tmp_path):
    answer = yolov8_answer(number=2)
    write_model(tmp_path / "tiny.onnx", {"out": answer}, size=(HEIGHT, WIDTH))
    assert len(seen(detector(tmp_path, "yolov8")).boxes) == 0
    assert len(seen(detector(tmp_path, "yolov8", class_index=2)).boxes) == 1


def test_of_two_boxes_around_one_person_the_surer_stays(tmp_path):
    answer = yolov8_answer()
    answer[0, :4, 8] = centred() + np.array([1, 1, 0, 0], np.float32)
    answer[0, 4, 8] = 0.6
    write_model(tmp_path / "tiny.onnx", {"out": answer}, size=(HEIGHT, WIDTH))
    np.testing.assert_allclose(seen(detector(tmp_path, "yolov8")).scores, [0.8], atol=1e-5)


def test_what_is_not_finite_is_nobody(tmp_path):
    answer = yolov8_answer()
    answer[0, 0, 7] = np.inf
    answer[0, :5, 9] = np.nan
    write_model(tmp_path / "tiny.onnx", {"out": answer}, size=(HEIGHT, WIDTH))
    assert len(seen(detector(tmp_path, "yolov8")).boxes) == 0


def test_the_settings_of_a_run_name_the_file_by_its_hash(tmp_path):
    write_model(tmp_path / "tiny.onnx", FAMILIES["yolov8"], size=(HEIGHT, WIDTH))
    made = detector(tmp_path, "yolov8")
    told = made.settings.to_json()
    assert len(told["sha256"]) == 64
    assert (told["class_index"], told["gap_ms"]) == (0, 120)
    assert make_detector("onnx", told, tmp_path).settings == made.settings
    write_model(tmp_path / "tiny.onnx", FAMILIES["yolov8"] | {"x": [1.0]}, size=(HEIGHT, WIDTH))
    with pytest.raises(UnknownDetectorError, match="another one than the count began with"):
        make_detector("onnx", told, tmp_path)


WRONG = {
    "cannot be used as an ONNX model": lambda path: path.write_bytes(b"GIF89a"),
    "it takes picture0": lambda path: write_model(
        path, {"out": yolov8_answer()}, size=(HEIGHT, WIDTH), inputs=2
    ),
    r"shape \[1, 3, height, width\]": lambda path: write_model(
        path, {"out": yolov8_answer()}, size=(HEIGHT, WIDTH), channels=1
    ),
    r"does not answer as YOLOv8 does: expected one output .* got \(1, 25200, 85\)": lambda path: (
        write_model(path, {"out": np.zeros((1, 25200, 85))}, size=(640, 640))
    ),
    r"got \(1, 2, 4\), \(1, 2, 4\)": lambda path: write_model(
        path, detr_answers(), size=(HEIGHT, WIDTH)
    ),
    "knows 3 classes; there is no class 7": lambda path: write_model(
        path, {"out": yolov8_answer()}, size=(HEIGHT, WIDTH)
    ),
    "is not in the folder": lambda path: None,
}


@pytest.mark.parametrize("why", WRONG)
def test_a_wrong_file_is_refused_with_its_reason_when_the_detector_is_made(tmp_path, why):
    WRONG[why](tmp_path / "tiny.onnx")
    number = 7 if "class 7" in why else -1
    with pytest.raises(UnknownDetectorError, match=why):
        detector(tmp_path, "yolov8", class_index=number)


@pytest.mark.parametrize("family", ["yolox", "detr", "rtdetr"])
def test_the_file_of_one_family_is_refused_as_another(tmp_path, family):
    write_model(tmp_path / "tiny.onnx", FAMILIES["yolov8"], size=(HEIGHT, WIDTH))
    with pytest.raises(UnknownDetectorError, match="does not answer as"):
        detector(tmp_path, family)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model", "../secret.onnx"),
        ("model", "weights.pt"),
        ("model", 3),
        ("family", "yolo"),
        ("family", ["yolox"]),
        ("input_side", 100),
        ("input_side", "640"),
        ("threshold", 1.5),
        ("threshold", "low"),
        ("nms_iou", None),
        ("gap_ms", -1),
        ("gap_ms", 0.12),
        ("class_index", "person"),
        ("colour", 1),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, setting, value):
    write_model(tmp_path / "tiny.onnx", FAMILIES["yolov8"], size=(HEIGHT, WIDTH))
    with pytest.raises(UnknownDetectorError) as refused:
        detector(tmp_path, "yolov8", **{setting: value})
    told = str(refused.value)
    assert setting in told or repr(value) in told or str(value) in told


def test_a_file_that_takes_any_size_gets_the_size_that_was_set(tmp_path):
    assert fit(320, 256, SIDE) == fit(320, 256, SIDE, (HEIGHT, WIDTH))
    wide = fit(1920, 1080, 416)
    assert (wide.picture_width, wide.picture_height) == (416, 256)
    assert wide.zoom * 1080 <= 256
    tall = fit(100, 400, 416)
    assert (tall.picture_width, tall.picture_height) == (128, 416)


def test_a_frame_lies_at_the_top_left_with_grey_around_and_its_colours_in_order():
    image = np.zeros((40, 60, 3), np.uint8)
    image[..., 2] = 255  # red
    place = fit(60, 40, 96, (96, 96))
    picture = network_picture(image, place, Colours(std=(1.0, 1.0, 1.0)))
    assert picture.shape == (1, 3, 96, 96)
    assert picture.dtype == np.float32
    assert (picture[0, 0, :64] == 255).all()
    assert (picture[0, 1:, :64] == 0).all()
    assert (picture[0, :, 64:] == 114).all()
    blue_first = network_picture(image, place, Colours(red_first=False, std=(1.0, 1.0, 1.0)))
    assert (blue_first[0, 2, :64] == 255).all()


def test_boxes_come_back_in_the_frames_pixels_and_end_at_its_edge():
    place = fit(768, 576, 416)
    boxes = place.frame_boxes(np.array([[0, 0, 416, 312], [-9, 20, 500, 300]], np.float32))
    np.testing.assert_allclose(boxes[0], [0, 0, 768, 576], rtol=1e-6)
    assert boxes[1].tolist()[0] == 0
    assert boxes[1].tolist()[2] == 768


@pytest.mark.parametrize(
    ("step_ms", "gap_ms", "looked"),
    [
        (40, 120, [0, 120, 240, 360]),
        (100, 120, [0, 100, 200, 300, 400]),
        (1000 / 30, 120, [0, 100, 200, 300, 400]),
        (1000 / 24, 120, [0, 83, 167, 250, 333]),
        (40, 0, [0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 400]),
        (500, 120, [0]),
    ],
)
def test_frames_that_are_looked_at_are_no_further_apart_than_the_gap(step_ms, gap_ms, looked):
    gap = Gap(gap_ms)
    times = [round(number * step_ms) for number in range(100)]
    assert [time for time in times if time <= 400 and gap.due(time)] == looked


def test_a_gap_in_the_film_does_not_stop_the_looking():
    gap = Gap(120)
    assert [t for t in (0, 40, 80, 5000, 5040, 5080, 5120) if gap.due(t)] == [0, 5000, 5120]
    assert OnnxSettings("a.onnx", "detr").gap_ms == 120
