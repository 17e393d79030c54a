"""What `make bench` prints and keeps; what it measures is measured by running it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.tracking.files import make_video
from tools.bench.__main__ import table, write
from tools.bench.films import repeated
from tools.bench.installation import Installation
from tools.bench.rows import Row
from tracking.vision.frames import plan_chunks, probe, read_frames

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("ratio", "said"), [(0.05, "reached"), (0.0501, "MISSED"), (None, "MISSED")]
)
def test_a_goal_that_was_not_reached_is_printed_as_missed(ratio: float | None, said: str):
    lines = table([Row("errors", 3, 60, ratio, most=0.05), Row("pace", 2.0)]).splitlines()
    assert f"ratio <= 0.05 {said}" in lines[1]
    assert "reached" not in lines[2] and "MISSED" not in lines[2]


def test_rows_that_were_not_measured_keep_their_numbers(tmp_path: Path):
    results = tmp_path / "var/bench.json"
    write([Row("pace", 2.0), Row("rendered_store_visits_off: till", 1)], results)
    write([Row("rendered_store_crossings_off", 3, 60, 0.05, 0.05)], results)
    assert json.loads(results.read_text()) == {
        "pace": {"ours": 2.0, "peer": None, "ratio": None, "goal": None},
        "rendered_store_crossings_off": {
            "ours": 3, "peer": 60, "ratio": 0.05, "goal": "ratio <= 0.05",
        },
    }  # fmt: skip


def test_an_unknown_row_is_refused_with_those_there_are():
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench", "beauty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no row beauty" in done.stderr
    assert (
        "tracker, own, sight, gating, speed, store, memory, workers, coverage, ingest, rollups, "
        "fanout, lists, page" in done.stderr
    )


def test_a_film_shown_three_times_is_three_times_as_long_with_the_same_pictures(tmp_path: Path):
    video = make_video(tmp_path / "film.mp4", seconds=2)
    longer = repeated(video, 3)
    info = probe(longer)
    frames = [f for b in plan_chunks(longer, info) for f in read_frames(longer, info, b, 0)]
    assert [frame.time_ms for frame in frames] == [n * 100 for n in range(60)]
    assert (frames[0].image == frames[20].image).all() and (
        frames[0].image != frames[9].image
    ).any()


def test_a_command_that_fails_or_takes_too_long_says_what_it_wrote(tmp_path: Path):
    installation = Installation(tmp_path)
    with pytest.raises(RuntimeError, match="no command of ours"):
        installation.python("-c", "import sys; sys.exit('no command of ours')")
    with pytest.raises(RuntimeError, match="still at work after"):
        installation.python("-c", "import time; time.sleep(60)", timeout_s=0.2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_bench_that_is_ended_leaves_no_process_at_work(tmp_path: Path, number: signal.Signals):
    code = (
        "from pathlib import Path; from tools.bench.installation import Installation; "
        f"Installation(Path({str(tmp_path)!r})).python('-c', 'import time; time.sleep(100)')"
    )
    bench = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        while not (children := psutil.Process(bench.pid).children()):
            time.sleep(0.05)
    finally:
        bench.send_signal(number)
        bench.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_the_memory_of_a_process_is_its_own_and_its_largest(tmp_path: Path):
    installation = Installation(tmp_path)
    code = "import time; a = b'x' * {} * 2**20; time.sleep(0.5); del a; time.sleep(0.5)"
    small, large = (installation.python("-c", code.format(mb)).peak_mb for mb in (1, 200))
    assert 190 < large - small < 210
