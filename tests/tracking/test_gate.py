"""What the gate lets in, what it refuses, and in which words."""

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracking.files import make_picture, make_png_bomb, make_sound, make_video
from tracking import gate, sandbox
from tracking.problems import PROBLEMS, Problem, known
from tracking.vision.frames.media import CONTAINERS, IMAGES, sniff

PLAYLISTS = {
    "concat": b"ffconcat version 1.0\nfile 'secret.mp4'\n",
    "hls": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 5004 RTP/AVP 96\r\n",
}


def refusal(path: Path) -> Problem:
    with pytest.raises(Problem) as refused:
        gate.check_file(path)
    return refused.value


def test_a_video_passes_with_its_facts(tmp_path):
    path = make_video(tmp_path / "a", seconds=3, fps=10)
    checked = gate.check_file(path)
    assert checked.kind == "video"
    assert (checked.media["width"], checked.media["height"]) == (160, 120)
    assert checked.declared_ms == 3000
    assert checked.size_bytes == path.stat().st_size
    assert len(checked.sha256) == 64
    assert checked.chunks[0].first_ms == 0
    assert checked.chunks[-1].last_ms == 3000


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("matroska", "libx264"),
        ("webm", "libvpx-vp9"),
        ("avi", "mpeg4"),
        ("mpegts", "mpeg2video"),
        ("mpeg", "mpeg1video"),
        ("mp4", "libx265"),
    ],
)
def test_every_container_that_we_name_passes(tmp_path, container, codec):
    fps = 25 if container == "mpeg" else 10
    path = make_video(tmp_path / "a", seconds=1, fps=fps, container=container, codec=codec)
    assert gate.check_file(path).kind == "video"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_passes_as_one_chunk(tmp_path, kind):
    checked = gate.check_file(make_picture(tmp_path / "a", kind=kind))
    assert (checked.kind, checked.declared_ms, len(checked.chunks)) == ("image", 0, 1)


def test_the_gate_and_the_reader_agree_on_every_kind_of_file(tmp_path):
    """The web process must not load the decoders, so it has first-byte rules of its own."""
    files = [make_video(tmp_path / c, container=c, fps=25) for c in ("mp4", "matroska", "avi")]
    files += [make_video(tmp_path / "ts", container="mpegts", codec="mpeg2video", fps=25)]
    files += [make_picture(tmp_path / kind, kind=kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")]
    found = {gate.check_head(path) for path in files}
    assert found == {sniff(path) for path in files}
    names = {"mp4", "mpegts", "avi", "webp"} | {name for _, name in gate.STARTS}
    assert names == set(CONTAINERS) | set(IMAGES)


def test_an_empty_file_is_refused_by_name(tmp_path):
    path = tmp_path / "a.mp4"
    path.touch()
    refused = refusal(path)
    assert (refused.status_code, refused.code) == (422, "empty_file")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello\nthis is a text, not a video\n" * 40, "a text file"),
        (PLAYLISTS["concat"], "a playlist"),
        (PLAYLISTS["hls"], "a playlist"),
        (PLAYLISTS["dash"], "a playlist"),
        (PLAYLISTS["sdp"], "a stream description"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"MZ\x90\0" + bytes(300), "a Windows program"),
        (b"\x7fELF" + bytes(300), "a Linux program"),
        (b"%PDF-1.7\n" + bytes(300), "a PDF document"),
        (b"RIFF\0\0\0\0WAVEfmt " + bytes(300), "another kind"),
        (bytes(600), "another kind"),
        (b"\0", "another kind"),
    ],
)
def test_a_stranger_named_mp4_is_refused_and_called_what_it_is(tmp_path, content, words):
    path = tmp_path / "holiday.mp4"
    path.write_bytes(content)
    refused = refusal(path)
    assert (refused.status_code, refused.code) == (415, "unknown_container")
    assert words in str(refused.detail)
    assert "Upload an MP4" in str(refused.detail)


def test_a_zip_named_mp4_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    assert "ZIP" in str(refusal(path).detail)


def test_a_file_over_the_limit_is_refused_before_it_is_opened(tmp_path, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    path = make_video(tmp_path / "a")
    refused = refusal(path)
    assert (refused.status_code, refused.code) == (413, "too_large")


def test_sound_alone_is_refused_by_name(tmp_path):
    refused = refusal(make_sound(tmp_path / "a.mp4"))
    assert (refused.status_code, refused.code) == (422, "no_video_stream")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_an_mp4_that_was_cut_off_is_refused_as_unreadable(tmp_path, share):
    whole = make_video(tmp_path / "a", seconds=3, codec="libx264").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * share)])
    refused = refusal(path)
    assert (refused.status_code, refused.code) == (422, "unreadable")


def test_a_cut_off_avi_passes_with_its_declared_length(tmp_path):
    """What can be read is counted; the recording then ends as counted in part."""
    whole = make_video(tmp_path / "a", seconds=12, container="avi", codec="mpeg4").read_bytes()
    path = tmp_path / "cut.avi"
    path.write_bytes(whole[: len(whole) // 2])
    checked = gate.check_file(path)
    assert checked.declared_ms == pytest.approx(12_000, abs=200)
    assert checked.chunks[-1].last_ms < 8000


def test_a_codec_off_the_list_is_refused_before_it_decodes(tmp_path):
    refused = refusal(make_video(tmp_path / "a.avi", container="avi", codec="ffv1"))
    assert (refused.status_code, refused.code) == (415, "codec_not_allowed")


def test_too_many_pixels_are_refused(tmp_path, settings):
    settings.VIDEO_MAX_PIXELS = 100 * 100
    assert refusal(make_video(tmp_path / "a")).code == "too_many_pixels"


def test_a_video_over_the_longest_duration_is_refused(tmp_path, settings):
    settings.VIDEO_MAX_SECONDS = 2
    assert refusal(make_video(tmp_path / "a", seconds=3)).code == "too_long"


def test_a_thousand_frames_a_second_are_refused(tmp_path):
    path = make_video(tmp_path / "a", seconds=0.1, fps=1000)
    assert refusal(path).code == "too_many_fps"


def test_a_picture_bomb_is_refused_by_its_header_without_memory(tmp_path):
    """109 kB that unfolded to 5.2 GB: the child's peak is measured, not believed."""
    path = make_png_bomb(tmp_path / "bomb.png")
    assert path.stat().st_size < 200_000
    assert refusal(path).code == "too_many_pixels"
    assert child_peak_mb(path) - child_peak_mb(make_picture(tmp_path / "small.png")) < 50


def child_peak_mb(path: Path) -> float:
    """Have a file inspected by a process of its own and return the peak of its memory."""
    script = "import resource, sys; from pathlib import Path; import django; django.setup()\n"
    script += "from tracking import gate; gate._inspect(Path(sys.argv[1]))\n"
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(path)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    return float(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["concat", "hls"])
def test_a_playlist_that_slipped_past_the_first_look_is_not_followed(tmp_path, name):
    path = tmp_path / f"{name}.mp4"
    path.write_bytes(PLAYLISTS[name])
    assert gate._inspect(path) == {"error": "unknown_container"}


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"kind": "video"},
        {"error": "made_up", "detail": ""},
        {"error": "too_long"},
        {"error": 5, "detail": ""},
        {"error": "too_long", "detail": "", "more": 1},
    ],
)
def test_an_answer_of_another_shape_makes_the_file_unreadable(found):
    assert gate.checked_answer(found) == {"error": "unreadable"}


def test_an_answer_with_a_number_that_is_none_makes_the_file_unreadable(tmp_path):
    found = gate._inspect(make_video(tmp_path / "a"))
    assert gate.checked_answer(found) == found
    for value in (float("inf"), -1, True, "25"):
        lie = found | {"media": found["media"] | {"fps_declared": value}}
        assert gate.checked_answer(lie) == {"error": "unreadable"}


@pytest.mark.parametrize(
    ("died", "code"),
    [
        (sandbox.DecoderError, "unreadable"),
        (sandbox.DecoderTimeoutError, "check_timed_out"),
        (sandbox.DecoderMemoryError, "too_much_memory"),
    ],
)
def test_a_file_that_its_inspection_died_on_is_refused_in_plain_words(
    tmp_path, monkeypatch, died, code
):
    def die(*_):
        raise died("gone")

    monkeypatch.setattr(sandbox, "inspect", die)
    assert refusal(make_video(tmp_path / "a")).code == code


def test_one_wild_time_stamp_makes_no_chunks_by_the_million(tmp_path):
    """A packet that says it is shown in 300 years kept the planning busy to its last second."""
    path = tmp_path / "wild.mkv"
    make_video(path, container="matroska", codec="libx264", seconds=2, late_frame_s=9_000_000_000)
    began = time.monotonic()
    assert refusal(path).code == "too_long"
    assert time.monotonic() - began < 20


@given(st.binary(max_size=600))
def test_no_first_bytes_break_the_first_look(head):
    assert gate.container_of(head) in {None, *CONTAINERS, *IMAGES}
    assert gate.stranger_of(head).startswith(("a ", "an "))


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_says_what_happened_and_what_to_do(code):
    found = known(code)
    for sentence in (found.what, found.next_step):
        assert re.fullmatch(r"[A-Z{].*[.}]", sentence)


def test_a_code_nobody_knows_is_told_as_a_fault_of_ours():
    assert known("no_such_code") == PROBLEMS["error"]
