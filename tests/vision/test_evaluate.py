"""The evaluation on data whose right answer is known beforehand."""

import json
from fractions import Fraction

import numpy as np
import pytest

from tests.vision.films import even_times, write_film
from tracking.vision import evaluate
from tracking.vision.boxes import empty_boxes
from tracking.vision.detections import DetectedFrame
from tracking.vision.evaluation import crossings, mot, scores
from tracking.vision.evaluation.detection import score_detections
from tracking.vision.events import LineCrossed
from tracking.vision.pipeline import PipelineParams

INFO = "[Sequence]\nname={name}\nframeRate=20\nseqLength={length}\nimWidth=640\nimHeight=480\n"


def people(length=60):
    """Return rows of three people who walk straight on: two across, one towards the camera."""
    rows = []
    for frame in range(length):
        for number, (x, y) in enumerate(
            [(40 + 5 * frame, 100), (600 - 5 * frame, 300), (300, 60 + 3 * frame)], 1
        ):
            rows.append((frame + 1, number, x, y, 40, 120))
    return rows


def write(folder, rows, *, length=60, truth=True, columns="1,-1,-1,-1"):
    """Write a sequence whose detections are the given rows."""
    (folder / "det").mkdir(parents=True)
    (folder / "seqinfo.ini").write_text(INFO.format(name=folder.name, length=length))
    found = [f"{f},-1,{x},{y},{w},{h},0.9,-1,-1,-1\n" for f, _, x, y, w, h in rows]
    (folder / "det/det.txt").write_text("".join(found))
    if truth:
        (folder / "gt").mkdir()
        lines = [f"{f},{n},{x},{y},{w},{h},{columns}\n" for f, n, x, y, w, h in rows]
        (folder / "gt/gt.txt").write_text("".join(lines))
    return folder


def run(capsys, *arguments):
    """Return exit code, the last printed line as JSON, and all that was printed before."""
    code = evaluate.main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    lines = told.out.splitlines()
    return code, json.loads(lines[-1]) if lines else None, lines[:-1], told.err


def test_a_perfect_result_scores_a_hundred(tmp_path):
    sequence = mot.read_sequence(write(tmp_path / "walk", people()))
    boxes = [mot.TrackedBox(f - 1, n, (x, y, x + w, y + h), 0.9) for f, n, x, y, w, h in people()]
    mot.write_tracks(tmp_path / "out/walk.txt", boxes)
    found = scores.score(sequence, tmp_path / "out")
    assert found == pytest.approx(
        {"HOTA": 100, "DetA": 100, "AssA": 100, "IDF1": 100, "MOTA": 100, "IDSW": 0}
    )


def test_two_people_who_swap_their_numbers_cost_two_switches_and_half_of_their_idf1(tmp_path):
    rows = [row for row in people() if row[1] < 3]
    sequence = mot.read_sequence(write(tmp_path / "walk", rows))
    swapped = [
        mot.TrackedBox(f - 1, n if f <= 30 else 3 - n, (x, y, x + w, y + h), 0.9)
        for f, n, x, y, w, h in rows
    ]
    mot.write_tracks(tmp_path / "out/walk.txt", swapped)
    found = scores.score(sequence, tmp_path / "out")
    assert found["IDSW"] == 2
    assert found["IDF1"] == pytest.approx(50)
    assert found["DetA"] == pytest.approx(100)


def test_boxes_on_a_reflection_count_neither_way_where_the_truth_has_classes(tmp_path):
    rows = people()
    folder = write(tmp_path / "walk", rows, columns="1,1,1")
    mirror = [f"{f},9,500,100,40,120,0,12,1\n" for f in range(1, 61)]
    with (folder / "gt/gt.txt").open("a") as file:
        file.writelines(mirror)
    boxes = [mot.TrackedBox(f - 1, n, (x, y, x + w, y + h), 0.9) for f, n, x, y, w, h in rows]
    boxes += [mot.TrackedBox(f, 7, (500, 100, 540, 220), 0.9) for f in range(60)]
    mot.write_tracks(tmp_path / "out/walk.txt", boxes)
    sequence = mot.read_sequence(folder)
    assert scores.score(sequence, tmp_path / "out")["MOTA"] == pytest.approx(100)
    assert len(sequence.truth()) == len(rows)


def test_recording_mode_finds_straight_walks_exactly(tmp_path, capsys):
    write(tmp_path / "data/some/walk", people())
    code, told, table, _ = run(
        *(capsys, "track", "--data", tmp_path / "data", "--mode", "recording"),
        *("--out", tmp_path / "out", "--crossings", "--camera", "fixed"),
    )
    assert code == 0
    assert told["mean"]["HOTA"] == pytest.approx(100, abs=0.01)
    assert told["sequences"]["walk"]["IDSW"] == 0
    assert told["fps_cpu"] > 0
    assert told["crossings"]["error"] == 0
    assert told["crossings"]["true"] > 3
    assert [line.split()[0] for line in table[:3]] == ["sequence", "walk", "mean"]


def test_live_mode_knows_nothing_of_later_frames(tmp_path, capsys):
    write(tmp_path / "data/walk", people())
    write(tmp_path / "cut/walk", people(30), length=30)
    for name in ("data", "cut"):
        run(capsys, "track", "--data", tmp_path / name, "--out", tmp_path / "out" / name)
    whole = (tmp_path / "out/data/walk.txt").read_text().splitlines()
    begun = (tmp_path / "out/cut/walk.txt").read_text().splitlines()
    assert len(begun) > 60
    assert whole[: len(begun)] == begun


def test_the_file_of_results_counts_frames_from_one_in_left_top_width_height(tmp_path, capsys):
    write(tmp_path / "data/walk", people(), truth=False)
    run(capsys, "track", "--data", tmp_path, "--mode", "recording", "--out", tmp_path / "out")
    rows = np.loadtxt(tmp_path / "out/walk.txt", delimiter=",")
    assert (rows[:, 0].min(), rows[:, 0].max()) == (1, 60)
    assert np.allclose(rows[rows[:, 0] == 1][:, 2:6], [row[2:] for row in people(1)], atol=0.02)


def test_sequences_without_truth_are_tracked_and_not_scored(tmp_path, capsys):
    write(tmp_path / "data/walk", people(), truth=False)
    code, told, _, _ = run(capsys, "track", "--data", tmp_path, "--out", tmp_path / "out")
    assert (code, told["sequences"], told["mean"]["HOTA"]) == (0, {}, None)
    assert (tmp_path / "out/walk.txt").stat().st_size > 0


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("seqinfo.ini", "[Sequence]\nname=walk\n", "frameRate"),
        ("seqinfo.ini", INFO.format(name="walk", length=60).replace("=20", "=0"), "frame rate"),
        ("det/det.txt", "1,-1,what,1,1,1,1\n", "det.txt"),
        ("det/det.txt", "1,-1,10\n", "columns"),
    ],
)
def test_data_that_cannot_be_used_is_an_error_in_words(tmp_path, capsys, file, text, says):
    folder = write(tmp_path / "data/walk", people())
    (folder / file).write_text(text)
    code, told, _, error = run(capsys, "track", "--data", tmp_path, "--out", tmp_path / "out")
    assert (code, told) == (1, None)
    assert says in error


def test_a_folder_without_sequences_is_an_error(tmp_path, capsys):
    code, _, _, error = run(capsys, "track", "--data", tmp_path)
    assert code == 1
    assert "det.txt" in error


def test_crossings_too_many_at_one_line_do_not_make_up_for_too_few_at_another():
    found = crossings.Counts({("a", "in"): 3, ("b", "in"): 1})
    true = crossings.Counts({("a", "in"): 2, ("b", "in"): 2, ("b", "out"): 4})
    assert crossings.compare(found, true) == crossings.CrossingError(4, 8, 6)
    assert crossings.compare(found, true).per_cent == 75


def boxes(*lefts):
    rows = [(x, 0, x + 10, 20) for x in lefts]
    return np.array(rows, np.float32).reshape(-1, 4)


def seen(*pairs):
    scored = np.array([score for _, score in pairs], np.float32)
    return DetectedFrame(0, boxes(*(left for left, _ in pairs)), scored)


def test_average_precision_by_head():
    truth = [boxes(0, 100)]
    assert score_detections([seen((0, 0.9), (100, 0.8))], truth).ap == 1
    # Precision 1, 1/2, 2/3 at a recall of 1/2, 1/2, 1.
    mixed = score_detections([seen((0, 0.9), (50, 0.8), (100, 0.7))], truth)
    assert mixed.ap == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert mixed.f1 == pytest.approx(0.8)
    twice = score_detections([seen((0, 0.9), (1, 0.8))], truth)
    assert twice.ap == 0.5  # one person is found once
    assert twice.f1 == pytest.approx(2 / 3)
    assert score_detections([seen()], truth).ap == 0
    assert score_detections([seen((0, 0.5))], [empty_boxes()]).ap == 0


def test_detecting_and_counting_where_nobody_is(tmp_path, capsys):
    film = write_film(tmp_path / "film.mp4", even_times(2, Fraction(10)), Fraction(10))
    (tmp_path / "gt.txt").write_text("1,1,10,10,20,60,1,-1,-1,-1\n")
    code, told, _, _ = run(
        *(capsys, "detect", "--video", film, "--gt", tmp_path / "gt.txt", "--detector", "hog")
    )
    assert (code, told["ap"], told["f1"]) == (0, 0, 0)
    assert told["cpu_ms"] > 0
    for mode in ("live", "recording"):
        code, told, _, _ = run(
            *(capsys, "count", "--video", film, "--line", "80,0,80,96", "--mode", mode),
            *("--detector", "hog"),
        )
        assert (code, told) == (0, {"in": 0, "out": 0, "tracks": 0, "unique": 0})


@pytest.mark.parametrize("mode", evaluate.MODES)
@pytest.mark.parametrize(
    ("line", "direction"),
    # Walking right. cross(p2 - p1, q - p1) falls when p2 lies below p1, rises when above.
    [((320, 0, 320, 480), "out"), ((320, 480, 320, 0), "in")],
)
def test_in_is_from_the_left_hand_to_the_right_hand_of_the_line(mode, line, direction):
    frames = [
        DetectedFrame(t * 50, np.array([[x, 100, x + 40, 220]], np.float32), np.ones(1, np.float32))
        for t, x in enumerate(range(100, 500, 6))
    ]
    scene = evaluate.line_scene(640, 480, line)
    events = evaluate.count_events(frames, scene, PipelineParams(), mode)
    crossed = [event.direction for event in events if isinstance(event, LineCrossed)]
    p1, p2 = np.array(line[:2]), np.array(line[2:])
    before, after = (
        float(np.linalg.det(np.array([p2 - p1, np.array((x, 220)) - p1]))) for x in (120, 500)
    )
    assert ("in" if before < 0 < after else "out") == direction
    assert crossed == [direction]


@pytest.mark.parametrize("line", ["1,2,3", "1,2,1,2", "a,b,c,d", "0,0,nan,4"])
def test_a_line_that_is_none_is_refused(line, capsys):
    with pytest.raises(SystemExit):
        evaluate.main(["count", "--video", "x.mp4", "--line", line])
    assert "--line" in capsys.readouterr().err
