"""The processes that decode: what they cannot do, what they may say, and how they may end."""

from __future__ import annotations

import ctypes.util
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracking import walks
from tests.tracking.files import make_picture, make_video
from tests.vision.test_nanodet import tiny
from tracking import jobs, runner, sandbox
from tracking.sandbox_answers import NonsenseError, chunk_result, jpeg_size, read_json
from tracking.vision import detections, wire
from tracking.vision.colours import no_colours
from tracking.vision.confinement import ALLOWED
from tracking.vision.detections import DetectedFrame
from tracking.vision.detectors.model_files import NANODET, NANODET_INT8
from tracking.vision.detectors.registry import make_detector
from tracking.vision.errors import MediaError, UnknownDetectorError
from tracking.vision.frames import plan_chunks, probe
from tracking.vision.previews import detect_chunk

ROOT = Path(__file__).resolve().parents[2]
# Small pictures and a low bar: quick, and full of boxes.
SETTINGS = {"input_width": 320, "least_margin": -1.5, "gap_ms": 400}
HOG = {"name": "hog", "settings": SETTINGS}
SPEAK = "import os, sys, time; from tracking.vision import wire\n"
READY = SPEAK + "wire.send(1, wire.frame({'kind': 'seccomp'})); wire.receive(0)\n"


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    sandbox.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Return a film of a square that walks over a rough wall: something to mistake for people."""
    wall = np.random.default_rng(3).integers(0, 255, (24, 32), np.uint8)
    path = tmp_path_factory.mktemp("film") / "film"
    return make_video(path, seconds=45, fps=5, size=(320, 240), wall=cv2.resize(wall, (320, 240)))


def see(path, detector=HOG, chunk=0, *, colours=False):
    info = probe(path)
    bounds = plan_chunks(path, info)[chunk]
    return sandbox.detect_chunk(path, asdict(info), asdict(bounds), detector, colours=colours)


@contextmanager
def decoder_is(monkeypatch, script):
    """Let a script stand in for the process that decodes."""
    held = sandbox._lock_here()
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "_lock_here", lambda: ("seccomp", held[1]))
        patch.setattr(sandbox, "command", lambda *_: [sys.executable, "-c", script])
        patch.setattr(sandbox, "SILENT_LONGEST_S", 1.5)
        patch.setattr(sandbox, "CHUNK_LONGEST_S", 3.0)
        sandbox.close()
        yield
        sandbox.close()


def test_the_lock_in_force_is_named_and_told_in_plain_words():
    assert sandbox.words() == sandbox.WORDS[sandbox.kind()]
    assert set(sandbox.WORDS) == {"seccomp", "bubblewrap", "rlimits"}
    if ctypes.util.find_library("seccomp"):
        assert sandbox.kind() == "seccomp"


TRIES = """
import json, os, resource, socket, subprocess, sys, threading
from tracking.vision.confinement import Limits, limit, lock
limit(Limits(1 << 30, 60))
kind = lock()
def outcome(step):
    try:
        step()
    except BaseException as error:
        return type(error).__name__
    return "done"
print(json.dumps({"kind": kind} | {name: outcome(step) for name, step in {
    "open a file": lambda: open(sys.argv[1]),
    "look at a name": lambda: os.stat("/"),
    "list a folder": lambda: os.listdir("/"),
    "make a file": lambda: open(sys.argv[1] + ".new", "w"),
    "remove a file": lambda: os.unlink(sys.argv[1]),
    "make a link": lambda: os.symlink("/", sys.argv[1] + ".link"),
    "connect": lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 2),
    "talk to a neighbour": lambda: socket.socket(socket.AF_UNIX).connect("\\0x"),
    "start a program": lambda: subprocess.run(["/bin/true"]),
    "fork": os.fork,
    "start a thread": lambda: threading.Thread(target=print).start(),
    "end another process": lambda: os.kill(os.getppid(), 0),
    "be the owner of all again": lambda: os.setuid(0),
    "raise its limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
}.items()}), flush=True)
os._exit(0)
"""


def test_a_locked_process_can_open_connect_start_and_end_nothing(tmp_path):
    if not ctypes.util.find_library("seccomp"):
        pytest.skip("this host has no libseccomp")
    canary = tmp_path / "canary"
    canary.write_text("still here")
    ran = subprocess.run(
        [sys.executable, "-B", "-c", TRIES, str(canary), "9"],
        cwd=ROOT, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = json.loads(ran.stdout)
    assert said.pop("kind") == "seccomp"
    assert [what for what, outcome in said.items() if outcome == "done"] == []
    assert list(tmp_path.iterdir()) == [canary]


def test_the_list_of_calls_holds_none_that_reaches_out():
    names = {"open", "openat", "socket", "connect", "execve", "fork", "clone", "clone3", "ptrace"}
    names |= {"kill", "tgkill", "prlimit64", "unlink", "rename", "ioctl", "mount", "bpf", "prctl"}
    assert not names & set(ALLOWED)


@pytest.mark.parametrize(
    ("greed", "limit"),
    [
        ("bytearray(4 << 30)", {}),
        ("open(sys.argv[1], 'wb').write(bytes(8 << 20))", {}),
        ("[open('/dev/null') for _ in range(200)]", {}),
        ("exec('while True: pass')", {"cpu_s": 1}),
    ],
)
def test_a_process_that_goes_over_its_limits_ends(tmp_path, greed, limit):
    """Before the lock too: memory, what it writes, open files and time."""
    limits = {"memory_bytes": 1 << 30, "cpu_s": 30} | limit
    script = (
        "import sys; from tracking.vision.confinement import Limits, limit\n"
        f"limit(Limits(**{limits}))\nx = {greed}\n"
    )
    target = tmp_path / "out"
    ran = subprocess.run(
        [sys.executable, "-c", script, str(target)], cwd=ROOT, capture_output=True, check=False
    )
    assert ran.returncode != 0
    assert not target.exists() or target.stat().st_size == 0


def test_a_process_that_decodes_has_its_pipes_and_one_file_and_no_environment(film, monkeypatch):
    monkeypatch.setenv("OSKARTRACK_SECRET_KEY", "canary")
    with film.open("rb"):
        see(film)
        process = Path(f"/proc/{sandbox._kept._child.pid}")
        targets = [str(link.readlink()) for link in (process / "fd").iterdir()]
        environment = (process / "environ").read_bytes()
    files = [target for target in targets if target.startswith("/") and target != os.devnull]
    assert files == [str(film)]
    assert sum(target.startswith("pipe:") for target in targets) == 2
    assert not [target for target in targets if target.startswith("socket:")]
    names = {entry.partition(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names == {b"OPENBLAS_NUM_THREADS", b"OPENCV_IO_MAX_IMAGE_PIXELS"}


def test_chunks_of_one_recording_share_a_process_and_recordings_never_do(film, tmp_path):
    see(film)
    first = sandbox._kept._child.pid
    see(film, chunk=1)
    assert sandbox._kept._child.pid == first
    other = tmp_path / "other"
    other.write_bytes(film.read_bytes())
    see(other)
    assert sandbox._kept._child.pid != first
    assert not Path(f"/proc/{first}").exists()


@pytest.mark.slow
@pytest.mark.heavy
def test_chunks_in_any_order_twice_in_one_process_and_in_four_give_equal_bytes(film):
    info, detector = probe(film), make_detector("hog", SETTINGS)
    chunks = plan_chunks(film, info)
    assert len(chunks) > 3
    expected = [detect_chunk(film, info, bounds, detector) for bounds in chunks]
    assert all(len(detections.unpack(result.detections)[0].boxes) for result in expected)
    assert all(result.previews for result in expected)

    def of(index):
        return sandbox.detect_chunk(film, asdict(info), asdict(chunks[index]), HOG)

    for seed in range(2):
        order = random.Random(seed).sample(range(len(chunks)), len(chunks))
        assert [of(index) for index in order] == [expected[index] for index in order]
    with ThreadPoolExecutor(4) as four:
        order = random.Random(7).sample(range(len(chunks)), len(chunks)) * 2
        assert list(four.map(of, order)) == [expected[index] for index in order]


def test_colours_are_looked_at_in_the_locked_process_where_they_are_asked_for(film):
    info, detector = probe(film), make_detector("hog", SETTINGS)
    bounds = plan_chunks(film, info)[1]
    found = see(film, chunk=1, colours=True)
    assert found == detect_chunk(film, info, bounds, detector, colours=True)
    frames = detections.unpack(found.detections)
    assert any(frame.colours is not None and frame.colours.any() for frame in frames)
    plain = see(film, chunk=1)
    for with_them, without in zip(frames, detections.unpack(plain.detections), strict=True):
        assert without.colours is None
        assert (with_them.boxes == without.boxes).all()
    assert plain.previews == found.previews


@pytest.fixture(params=["made here", "NanoDet"])
def models(request, settings, tmp_path):
    """A folder with both networks: tiny ones, or the real ones where they are."""
    settings.MODELS_DIR = tmp_path
    for name in (NANODET, NANODET_INT8):
        if request.param == "made here":
            tiny(tmp_path / name)
        else:
            real = request.getfixturevalue("real_networks")
            (tmp_path / name).write_bytes((real / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", ["nanodet-int8", "nanodet"])
def test_a_network_gives_equal_bytes_locked_up_and_not(film, models, name):
    """Its model is read, and has run once, before files and threads are out of reach."""
    how = {"threshold": 0.005, "gap_ms": 400, "input_side": 128}
    info, chunks = probe(film), plan_chunks(film, probe(film))
    detector = make_detector(name, how, models)
    for index in (1, 0):
        result = see(film, {"name": name, "settings": how}, index)
        assert sum(len(each.boxes) for each in detections.unpack(result.detections))
        assert result == detect_chunk(film, info, chunks[index], detector)


def test_a_network_fits_the_memory_of_one_file_with_large_pictures(models, tmp_path):
    real = (models / NANODET_INT8).stat().st_size > 1_000_000
    wall = np.random.default_rng(3).integers(0, 255, (2160, 3840), np.uint8)
    film = make_video(tmp_path / "film", seconds=1, fps=4, size=(3840, 2160), wall=wall)
    how = {"input_side": 2048 if real else 128, "gap_ms": 0, "threshold": 0.005}
    assert see(film, {"name": "nanodet-int8", "settings": how}).frames == 4


def test_a_model_that_is_gone_is_said_to_be_gone(film, models):
    (models / NANODET).unlink()
    with pytest.raises(UnknownDetectorError, match="make model"):
        see(film, {"name": "nanodet", "settings": {}})


def test_a_picture_is_detected_too(tmp_path):
    result = see(make_picture(tmp_path / "a"))
    assert (result.frames, result.broken, len(result.preview_index)) == (1, False, 1)


def test_a_file_that_cannot_be_read_is_said_to_be_so(film, tmp_path):
    info = probe(film)
    bounds = asdict(plan_chunks(film, info)[0])
    broken = tmp_path / "a"
    broken.write_bytes(bytes(5000))
    with pytest.raises(MediaError):
        sandbox.detect_chunk(broken, asdict(info), bounds, HOG)


def test_a_detector_that_is_not_there_is_said_to_be_so(film):
    with pytest.raises(UnknownDetectorError, match="no detector 'eyes'"):
        see(film, {"name": "eyes", "settings": {}})


ENDS = {
    "dies of a bad pointer": ("os.kill(os.getpid(), 11)", "decoder_crashed"),
    "aborts": ("os.abort()", "decoder_crashed"),
    "is ended by the system": ("os.kill(os.getpid(), 9)", "decoder_memory"),
    "computes for ever": ("exec('while True: pass')", "decoder_timeout"),
    "sleeps for ever": ("time.sleep(600)", "decoder_timeout"),
    "hangs up": ("os.close(1); time.sleep(600)", "decoder_crashed"),
    "leaves": ("sys.exit(3)", "decoder_crashed"),
    "says no JSON": ("wire.send(1, wire.LENGTHS.pack(4, 0, 0) + b'nope')", "decoder_crashed"),
    "says a list": ("wire.send(1, wire.LENGTHS.pack(2, 0, 0) + b'[]')", "decoder_crashed"),
    "digs deep": (
        "wire.send(1, wire.LENGTHS.pack(100000, 0, 0) + b'[' * 100000)",
        "decoder_crashed",
    ),
    "announces gigabytes": ("wire.send(1, wire.LENGTHS.pack(2, 1 << 31, 0))", "decoder_crashed"),
    "says too little": ("wire.send(1, wire.frame({'frames': 1}))", "decoder_crashed"),
    "ticks for ever": (
        "exec(\"while True: wire.send(1, wire.frame({'tick': True})); time.sleep(0.05)\")",
        "decoder_timeout",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_decoder_that_ends_badly_costs_an_attempt_and_its_reason_is_named(
    film, monkeypatch, name
):
    script, code = ENDS[name]
    with (
        decoder_is(monkeypatch, READY + script),
        pytest.raises(sandbox.DecoderError) as ended,
    ):
        see(film)
    assert ended.value.code == code
    assert see(film).frames > 0  # the next one is not harmed


def test_a_decoder_that_takes_all_memory_is_refused_it(film, monkeypatch):
    script = (
        "from tracking.vision import sandboxed, previews\n"
        "def greedy(*_, **__): return bytearray(2 << 30)\n"
        "previews.detect_chunk = greedy\n"
    )
    real = sandbox.command
    sandbox._lock_here()
    with monkeypatch.context() as patch:
        patch.setattr(
            sandbox,
            "command",
            lambda order, wrap: [
                sys.executable, "-c",
                f"{script}sandboxed.main([{real(order, wrap)[-1]!r}])",
            ],
        )  # fmt: skip
        with pytest.raises(sandbox.DecoderMemoryError):
            see(film)


def test_a_process_that_is_not_locked_is_not_worked_with(film, monkeypatch):
    weak = READY.replace("seccomp", "rlimits")
    with decoder_is(monkeypatch, weak), pytest.raises(sandbox.DecoderError, match="not locked"):
        see(film)


def test_a_host_without_a_stronger_lock_decodes_within_limits_and_says_so(film, monkeypatch):
    """The whole way through with the lock taken out."""
    weak = "from tracking.vision import confinement, sandboxed\n"
    weak += "confinement._call_filter = lambda: None\n"
    with monkeypatch.context() as patch:
        real = sandbox.command
        patch.setattr(sandbox.shutil, "which", lambda _: None)
        patch.setattr(
            sandbox,
            "command",
            lambda order, wrap: [
                sys.executable, "-c", f"{weak}sandboxed.main([{real(order, wrap)[-1]!r}])",
            ],
        )  # fmt: skip
        sandbox._lock_here.cache_clear()
        assert sandbox.kind() == "rlimits"
        assert "install libseccomp" in sandbox.words()
        assert see(film).frames > 0
        sandbox.close()
    sandbox._lock_here.cache_clear()


def test_a_process_whose_worker_is_killed_ends_too(film):
    script = (
        "import django, os, sys, time; django.setup()\n"
        "from tracking import sandbox\n"
        "with sandbox._opened(sys.argv[1]) as descriptor:\n"
        "    child = sandbox.Child(sandbox.Order(1 << 30, None, descriptor, ['hog', {}]))\n"
        "    print(child.pid, child.first_word(60), flush=True); time.sleep(60)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, str(film)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with worker:
        child = int(worker.stdout.readline().split()[0])
        assert Path(f"/proc/{child}").exists()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert gone_within(child, 5)


def gone_within(pid, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.05)
    return False


def good_answer():
    boxes = np.array([[10, 20, 50, 90]], np.float32)
    frames = [DetectedFrame(time_ms, boxes, np.ones(1, np.float32)) for time_ms in (0, 500)]
    picture = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    index = [[0, 0, len(picture)], [500, len(picture), len(picture)]]
    said = {"frames": 2, "decoded_to_ms": 1000, "broken": False, "preview_index": index}
    return said, frames, picture * 2


def judge(said, frames, previews):
    packed = frames if isinstance(frames, bytes) else detections.pack(frames)
    bounds = {"index": 0, "first_ms": 0, "last_ms": 1000, "keyframe_ms": 0}
    return chunk_result(said, packed, previews, bounds=bounds, size=(64, 96))


def test_an_answer_in_which_all_holds_is_taken():
    said, frames, previews = good_answer()
    result = judge(said, frames, previews)
    assert (result.frames, result.previews, result.broken) == (2, previews, False)


def test_no_part_of_an_answer_is_believed():
    said, frames, previews = good_answer()
    one = len(previews) // 2
    out = [replace(frames[0], boxes=np.array([[10, 20, 90, 90]], np.float32))]
    inside_out = [replace(frames[0], boxes=np.array([[50, 20, 10, 90]], np.float32))]
    coloured = [replace(frames[0], colours=no_colours(1))]
    marker = previews[:2] + b"\xff\xfe\x00\x08<svg/>" + previews[2:one]
    big = cv2.imencode(".jpg", np.zeros((8, 800, 3), np.uint8))[1].tobytes()
    lies = {
        "more keys": (said | {"x": 1}, frames, previews),
        "a text for a count": (said | {"frames": "2"}, frames, previews),
        "a time past the end": (said | {"decoded_to_ms": 1001}, frames, previews),
        "a frame past the end": (said, [replace(frames[0], time_ms=1000)], previews),
        "frames out of order": (said, frames[::-1], previews),
        "a frame twice": (said, [frames[0], frames[0]], previews),
        "a box outside": (said, out, previews),
        "a box inside out": (said, inside_out, previews),
        "colours nobody asked for": (said, coloured, previews),
        "cut detections": (said, detections.pack(frames)[:-3], previews),
        "no detections": (said, b"", previews),
        "more pictures than named": (said, frames, previews + b"\0"),
        "fewer pictures than named": (said, frames, previews[:-1]),
        "a picture past the end": (
            said | {"preview_index": [[0, 0, one], [500, one, one + 9]]}, frames, previews,
        ),
        "pictures over each other": (
            said | {"preview_index": [[0, 0, one], [500, 0, one]]}, frames, previews,
        ),
        "a picture that is a page": (
            said | {"preview_index": [[0, 0, 20]]}, frames, b"<html><script></scri",
        ),
        "a picture with a comment": (
            said | {"preview_index": [[0, 0, len(marker)]]}, frames, marker,
        ),
        "a picture too large": (said | {"preview_index": [[0, 0, len(big)]]}, frames, big),
    }  # fmt: skip
    believed = []
    for name, lie in lies.items():
        try:
            judge(*lie)
            believed.append(name)
        except NonsenseError:
            pass
    assert believed == []


def test_detections_that_unfold_to_more_than_they_claim_are_refused():
    """A megabyte of zeros in a kilobyte: never unfolded further than the header allows."""
    said, _, previews = good_answer()
    body = zlib.compress(bytes(50 << 20))
    sizes = struct.pack("<II", 1, 0)
    forged = detections.HEADER.pack(detections.MAGIC, zlib.crc32(sizes + body), 1, 0) + body
    with pytest.raises(NonsenseError, match="claim"):
        judge(said, forged, previews)
    huge = struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF)
    forged = detections.HEADER.pack(
        detections.MAGIC, zlib.crc32(huge + body), 0xFFFFFFFF, 0xFFFFFFFF
    )
    with pytest.raises(NonsenseError, match="claim"):
        judge(said, forged + body, previews)


@pytest.mark.parametrize("text", [b'{"a": NaN}', b'{"a": -Infinity}', b"[1]", b"{", b"\xff"])
def test_json_that_is_none_is_refused(text):
    with pytest.raises(NonsenseError):
        read_json(text)


def test_every_preview_that_opencv_writes_is_taken_for_a_jpeg():
    for width, height in ((64, 48), (640, 360), (1, 1), (639, 17)):
        image = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 72])[1].tobytes()
        assert jpeg_size(data) == (width, height)


def test_a_message_comes_through_a_pipe_whole():
    reading, writing = os.pipe()
    wire.send(writing, wire.frame({"a": "ä" * 1000}))
    os.close(writing)
    assert wire.receive(reading) == {"a": "ä" * 1000}
    assert wire.receive(reading) is None
    os.close(reading)


def test_the_worker_itself_never_loads_a_decoder():
    script = "import django, sys; django.setup(); import tracking.runner, tracking.gate\n"
    script += "print([name for name in ('av', 'cv2', 'PIL', 'onnxruntime') if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"


def test_the_code_never_lets_opencv_open_a_file_by_itself():
    """`cv2.VideoCapture` follows what a file names; `cv2.imread` unfolds what it likes."""
    for room in ("accounts", "analytics", "oskartrack", "tracking", "zones"):
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text()
            assert "VideoCapture" not in text, path
            assert "imread(" not in text, path


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["decoder_crashed", "decoder_timeout"])
def test_a_file_that_breaks_its_decoder_is_set_aside_and_its_neighbour_is_counted(
    settings, tmp_path, monkeypatch, code
):
    settings.MEDIA_ROOT = tmp_path / "media"
    files = walks.make_files(tmp_path)
    poison = walks.make_recording(walks.make_store("poison"), files)
    good = walks.make_recording(walks.make_store("good"), files)
    ends = {
        "decoder_crashed": "os.kill(os.getpid(), 11)",
        "decoder_timeout": "exec('while True: pass')",
    }
    began = time.monotonic()
    with decoder_is(monkeypatch, READY + ends[code]):
        runner.work(poison.pk)
    poison.refresh_from_db()
    assert (poison.state, poison.error_code) == ("quarantined", code)
    assert poison.chunks.get(index=0).attempt == jobs.settings.MAX_ATTEMPTS
    assert time.monotonic() - began < 60
    runner.work(good.pk)
    good.refresh_from_db()
    assert good.state == "done"
