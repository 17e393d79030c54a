"""NanoDet: the converted network computes what it should, and people come out of it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.plugins.nanodet import REFERENCE
from tests.vision.networks import write_model
from tracking.vision.boxes import iou_matrix
from tracking.vision.detectors import networks
from tracking.vision.detectors.model_files import FOLDER, NANODET, NANODET_INT8, read_model
from tracking.vision.detectors.nanodet import (
    DEFAULT_SIDE,
    OUTPUTS,
    NanoDetDetector,
    NanoDetSettings,
    confidence,
    suitable_side,
)
from tracking.vision.detectors.registry import available, default_detector, make_detector
from tracking.vision.errors import UnknownDetectorError
from tracking.vision.frames import Frame
from tracking.vision.scene import plan, render_frame

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 128, 96  # of what goes into the tiny network
PERSON = (24.0, 8.0, 56.0, 88.0)
# Mean, deviation, first, middle and last value of each output for `pattern()`.
GOLDEN = [
    [0.005542, 0.003754, 0.007028, 0.005282, 0.016049],
    [0.010033, 0.001793, 0.007175, 0.008667, 0.012635],
    [0.013614, 0.003385, 0.010204, 0.013294, 0.0144],
    [1.3e-05, 0.955152, 0.857999, 1.815269, -0.375633],
    [-2.2e-05, 0.631216, -0.346188, -0.288719, -0.860825],
    [-3e-05, 0.763739, 0.135933, 0.1862, -1.269129],
]


def pattern():
    """Return a picture that is the same everywhere."""
    wave = np.sin(np.arange(3 * 64 * 96) * 0.37) * 2
    return wave.astype(np.float32).reshape(1, 3, 64, 96)


def tiny(path, score=0.42):
    """Write a network that answers as NanoDet does: one person, at the place of stride 8 in
    row 5, column 4, whose middle is (36, 44).
    """
    answers = {}
    for stride in (8, 16, 32):
        count = (HEIGHT // stride) * (WIDTH // stride)
        answers[f"scores_{stride}"] = np.zeros((1, count, 1), np.float32)
        answers[f"distances_{stride}"] = np.zeros((1, count, 44), np.float32)
    place = 5 * (WIDTH // 8) + 4
    answers["scores_8"][0, place] = score
    x1, y1, x2, y2 = PERSON
    for side, distance in enumerate((36 - x1, 44 - y1, x2 - 36, y2 - 44)):
        low, share = divmod(distance / 8, 1)
        bins = np.full(11, -60.0)
        bins[int(low)] = np.log(max(1 - share, 1e-20))
        bins[int(low) + 1] = np.log(max(share, 1e-20))
        answers["distances_8"][0, place, side * 11 : side * 11 + 11] = bins
    return write_model(path, answers)


@pytest.fixture
def folder(tmp_path):
    """A folder with both of NanoDet's files, tiny ones."""
    for name in (NANODET, NANODET_INT8):
        tiny(tmp_path / name)
    return tmp_path


def grey(times=(0,), width=256, height=192):
    return [Frame(time, np.full((height, width, 3), 90, np.uint8)) for time in times]


# The real network


@pytest.mark.skipif(
    not (FOLDER / NANODET).is_file(), reason="NanoDet is not here: make model fetches it"
)
@pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference conversion is not here")
def test_the_conversion_computes_what_the_reference_conversion_does():
    import onnxruntime

    ours = networks.load_network(read_model(NANODET), OUTPUTS)
    reference = onnxruntime.InferenceSession(str(REFERENCE), providers=["CPUExecutionProvider"])
    names = sorted(each.name for each in reference.get_outputs())
    rng = np.random.default_rng(6)
    for height, width in ((416, 416), (320, 416), (64, 96)):
        picture = rng.normal(size=(1, 3, height, width)).astype(np.float32)
        wanted = reference.run(names, {"input_1:0": picture})
        for mine, theirs in zip(ours.run(picture), wanted, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("engine", ["onnxruntime", "opencv"])
def test_the_network_gives_the_values_that_are_written_down(real_networks, engine, monkeypatch):
    if engine == "opencv":
        monkeypatch.setattr(networks, "_onnxruntime", lambda: None)
    network = networks.load_network(read_model(NANODET, real_networks), OUTPUTS)
    assert network.engine == engine
    for output, wanted in zip(network.run(pattern()), GOLDEN, strict=True):
        values = output.ravel()
        told = [values.mean(), values.std(), *values[[0, values.size // 2, -1]]]
        np.testing.assert_allclose(told, wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["nanodet", "nanodet-int8"])
def test_people_of_the_rendered_shop_are_found_where_they_are(real_networks, name):
    scenery = plan(3, 6, 10)
    detector = make_detector(name, {"person_share": 0.16}, real_networks)
    hits, wrong = [], 0
    for number in (25, 45):
        image, seen = render_frame(scenery, number)
        (found,) = detector.detect([Frame(0, image)])
        sure = found.boxes[found.scores >= 0.4]
        people = np.array([each.box for each in seen if each.visible > 0.9], np.float32).reshape(
            -1, 4
        )
        overlap = iou_matrix(people, sure)
        hits += [bool((row > 0.5).any()) for row in overlap]
        anyone = np.array([each.box for each in seen], np.float32).reshape(-1, 4)
        wrong += int((iou_matrix(sure, anyone).max(axis=1, initial=0) < 0.2).sum())
    assert len(hits) >= 3
    assert np.mean(hits) >= 0.75
    assert wrong <= 1


# The reading of its answer, with tiny networks


@pytest.mark.parametrize("name", ["nanodet", "nanodet-int8"])
def test_a_box_is_read_from_its_distances(folder, name):
    detector = make_detector(name, {"input_side": WIDTH}, folder)
    (found,) = detector.detect(grey())
    np.testing.assert_allclose(found.boxes, [np.multiply(PERSON, 2)], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.5], atol=1e-5)


def test_without_onnxruntime_opencv_runs_it_and_whole_numbers_are_not_ready(folder, monkeypatch):
    with_it = list(make_detector("nanodet", {"input_side": WIDTH}, folder).detect(grey()))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    without = list(make_detector("nanodet", {"input_side": WIDTH}, folder).detect(grey()))
    np.testing.assert_allclose(without[0].boxes, with_it[0].boxes, atol=1e-3)
    np.testing.assert_allclose(without[0].scores, with_it[0].scores, atol=1e-5)
    assert default_detector(folder) == "nanodet"
    with pytest.raises(UnknownDetectorError, match="onnxruntime"):
        make_detector("nanodet-int8", {}, folder)
    with pytest.raises(UnknownDetectorError, match="onnxruntime"):
        make_detector("onnx", {"model": NANODET, "family": "yolox"}, folder)


def test_an_onnxruntime_that_does_not_start_never_leaves_whole_numbers_to_opencv(
    folder, monkeypatch
):
    """It is installed, and a library that it needs is missing; OpenCV would round otherwise."""
    monkeypatch.setattr(networks, "_onnxruntime", lambda: None)
    with pytest.raises(UnknownDetectorError, match="onnxruntime, which does not start here"):
        make_detector("nanodet-int8", {"input_side": WIDTH}, folder)
    assert len(list(make_detector("nanodet", {"input_side": WIDTH}, folder).detect(grey()))) == 1


def test_the_best_detector_that_is_ready_is_the_default(folder, tmp_path):
    empty = tmp_path / "none"
    assert default_detector(folder) == "nanodet-int8"
    (folder / NANODET_INT8).unlink()
    assert default_detector(folder) == "nanodet"
    assert default_detector(empty) == "hog"
    told = {info.name: info for info in available(empty)}
    assert not told["nanodet"].ready
    assert "make model" in told["nanodet"].why_not
    with pytest.raises(UnknownDetectorError, match="make model"):
        make_detector("nanodet-int8", {}, empty)


def test_settings_go_through_json_with_size_and_hash_filled_in(folder):
    detector = make_detector("nanodet-int8", {"person_share": 0.25}, folder)
    told = json.loads(json.dumps(detector.settings.to_json()))
    assert (told["model"], told["gap_ms"], told["input_side"]) == (NANODET_INT8, 120, 384)
    assert told["sha256"] == read_model(NANODET_INT8, folder).sha256
    again = make_detector(detector.name, told, folder)
    assert again.settings == detector.settings
    tiny(folder / NANODET_INT8, score=0.9)
    with pytest.raises(UnknownDetectorError, match="another one than the count began with"):
        make_detector(detector.name, told, folder)


def test_the_input_is_larger_where_people_are_smaller_within_bounds():
    assert suitable_side(0) == DEFAULT_SIDE
    sides = [suitable_side(share) for share in (0.6, 0.4, 0.3, 0.25, 0.2, 0.1, 0.01)]
    assert sides == [256, 256, 320, 384, 512, 640, 640]
    assert all(side % 32 == 0 for side in sides)


def test_confidence_keeps_the_order_and_moves_the_middle():
    scores = np.linspace(0, 1, 101, dtype=np.float32)
    moved = confidence(scores)
    assert (np.diff(moved) > 0).all()
    assert (moved[0], moved[42], moved[100]) == (0, pytest.approx(0.5), 1)


@pytest.mark.parametrize(
    "how", [{"input_side": 100}, {"person_share": 2}, {"threshold": "x"}, {"speed": 1}]
)
def test_a_setting_that_cannot_be_is_named(folder, how):
    with pytest.raises(UnknownDetectorError, match=next(iter(how))):
        make_detector("nanodet", how, folder)


def test_lead_in_and_frames_within_the_gap_are_left_out(folder):
    frames = grey(range(0, 800, 40))
    frames = [Frame(f.time_ms, f.image, lead_in=f.time_ms < 400) for f in frames]
    detector = NanoDetDetector("nanodet", NanoDetSettings(NANODET, input_side=WIDTH), folder)
    assert [found.time_ms for found in detector.detect(frames)] == [400, 520, 640, 760]


def test_an_answer_of_another_shape_is_told(folder):
    write_model(folder / NANODET, {name: np.zeros((1, 9, 44)) for name in OUTPUTS})
    detector = make_detector("nanodet", {}, folder)
    with pytest.raises(UnknownDetectorError, match="does not answer as NanoDet does"):
        list(detector.detect(grey()))


# What it costs those who do not use it, and what it may do once it is made


def child(code, *arguments):
    """Run code in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_onnxruntime_is_loaded_by_who_uses_it_and_not_before(folder):
    code = (
        "import sys; from tracking.vision.detectors.registry import *\n"
        "make_detector('hog'); available(sys.argv[1]); default_detector(sys.argv[1])\n"
        "print('onnxruntime' in sys.modules, 'onnx' in sys.modules)\n"
        "make_detector('nanodet', {}, sys.argv[1])\n"
        "print('onnxruntime' in sys.modules, 'onnx' in sys.modules)"
    )
    assert child(code, folder) == ["False", "False", "True", "False"]


@pytest.mark.parametrize(("networks_in", "side"), [("folder", WIDTH), ("real_networks", 640)])
def test_once_made_it_opens_no_file_starts_no_thread_and_keeps_to_a_gigabyte(
    request, networks_in, side
):
    code = (
        "import resource, sys, os; import numpy as np\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1024**3, 1024**3))\n"
        "from tracking.vision.detectors.registry import make_detector\n"
        "from tracking.vision.frames import Frame\n"
        "import cv2; cv2.setNumThreads(1)\n"
        "made = make_detector('nanodet', {'input_side': int(sys.argv[2])}, sys.argv[1])\n"
        "status = os.open('/proc/self/status', os.O_RDONLY)\n"
        "threads = lambda: os.pread(status, 9999, 0).partition(b'Threads:')[2].split()[0]\n"
        "before = threads()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n"
        "try:\n    os.open('/dev/null', os.O_RDONLY)\n"
        "except OSError:\n    print('shut')\n"
        "(found,) = made.detect([Frame(0, np.full((576, 768, 3), 90, np.uint8))])\n"
        "print(int(threads()) - int(before))\n"
    )
    answers = child(code, request.getfixturevalue(networks_in), side)
    assert answers == ["shut", "0"], "and no thread more"
