"""``manage.py scene``: one JSON line at the end, errors in words."""

import json

import pytest
from django.core.management import CommandError, call_command


def scene(tmp_path, **changes):
    options = {
        "seed": 1,
        "seconds": 2.0,
        "out": tmp_path / "clip.mp4",
        "truth": tmp_path / "clip.json",
    } | changes
    call_command("scene", **options)


def test_the_command_writes_video_and_truth_and_ends_with_one_json_line(tmp_path, capsys):
    scene(tmp_path)
    out, err = capsys.readouterr()
    summary = json.loads(out.splitlines()[-1])
    truth = json.loads((tmp_path / "clip.json").read_text())
    assert (tmp_path / "clip.mp4").stat().st_size > 10_000
    assert summary["file"] == str(tmp_path / "clip.mp4")
    assert summary["truth"] == str(tmp_path / "clip.json")
    for key in ("seconds", "fps", "entries", "exits", "difficulty"):
        assert summary[key] == truth[key]
    assert err == ""  # no progress bar where nobody watches a terminal


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": 0.0}, "--seconds must lie between 1 and 3600, got 0"),
        ({"fps": 0.0}, "--fps must lie between 1 and 60, got 0"),
        ({"seed": -1}, "--seed must be 0 or more, got -1"),
    ],
)
def test_a_wrong_number_is_refused_in_words(tmp_path, changes, message):
    with pytest.raises(CommandError, match=message):
        scene(tmp_path, **changes)


def test_the_doors_can_be_opened_on_an_empty_shop(tmp_path, capsys):
    scene(tmp_path, start="empty")
    assert json.loads(capsys.readouterr().out)["difficulty"]["inside_at_start"] == 0
    scene(tmp_path)
    assert json.loads(capsys.readouterr().out)["difficulty"]["inside_at_start"] > 0


def test_a_folder_that_is_not_there_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(CommandError, match="does not exist; make it first"):
        scene(tmp_path, out=tmp_path / "nowhere" / "clip.mp4")


def test_another_file_type_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"must end in \.mp4"):
        scene(tmp_path, out=tmp_path / "clip.avi")
