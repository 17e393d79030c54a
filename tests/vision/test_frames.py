"""Frames carry the time at which they are shown, whatever the file."""

import struct
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest

from tests.vision.films import (
    HEIGHT,
    WIDTH,
    even_times,
    is_upright,
    number_of,
    picture,
    write_film,
)
from tracking.vision.errors import (
    CodecNotAllowedError,
    EmptyFileError,
    MediaError,
    NoVideoStreamError,
    TooLongError,
    UnknownContainerError,
    UnreadableMediaError,
)
from tracking.vision.frames import (
    ChunkBounds,
    FrameReader,
    plan_chunks,
    probe,
    read_frames,
    read_image,
)

NTSC = Fraction(30_000, 1001)


def read_all(path, target_ms=10_000, longest_ms=20_000):
    """Return (time_ms, number) of all frames chunk by chunk, lead-ins left out, and the reports."""
    info = probe(path)
    found, reports = [], []
    for bounds in plan_chunks(path, info, target_ms, longest_ms):
        reader = read_frames(path, info, bounds)
        found += [(f.time_ms, number_of(f.image)) for f in reader if not f.lead_in]
        reports.append(reader.result)
    return found, reports


def expected_frames(times):
    return [(round(1000 * (time - times[0])), number) for number, time in enumerate(times)]


def assert_shown_on_time(path, times, **plan):
    found, reports = read_all(path, **plan)
    expected = expected_frames(times)
    assert [number for _, number in found] == [number for _, number in expected]
    errors = [abs(a - b) for (a, _), (b, _) in zip(found, expected, strict=True)]
    assert max(errors) <= 1
    assert not any(report.broken for report in reports)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("film.mp4", "libx264", {}),  # with B-frames: packets out of order
        ("film.mkv", "libx264", {"bf": "0"}),
        ("film.mp4", "mpeg4", {}),
        ("film.avi", "mpeg4", {}),
        ("film.ts", "libx264", {}),  # its clock starts at 1.4 s
    ],
)
def test_every_frame_of_a_2997_film_has_its_time(tmp_path, name, codec, options):
    times = even_times(300, NTSC)
    path = write_film(tmp_path / name, times, NTSC, codec=codec, options=options)
    assert_shown_on_time(path, times, target_ms=2000, longest_ms=4000)


def test_thirty_seconds_of_2997_do_not_drift(tmp_path):
    times = even_times(900, NTSC)
    found, _ = read_all(write_film(tmp_path / "long.mp4", times, NTSC))
    assert abs(found[-1][0] - round(899 * 1001 / 30)) <= 1


def test_frames_of_a_film_with_a_varying_rate_have_their_own_times(tmp_path):
    rng = np.random.default_rng(7)
    steps = rng.choice([20, 33, 40, 200, 900], 120).cumsum()
    times = [Fraction(0), *(Fraction(int(step), 1000) for step in steps)]
    path = write_film(tmp_path / "vary.mp4", times)
    assert_shown_on_time(path, times, target_ms=3000, longest_ms=6000)


def test_time_zero_is_the_first_frame_shown(tmp_path):
    times = [Fraction(3) + time for time in even_times(50, 25)]
    found, _ = read_all(write_film(tmp_path / "late.mkv", times))
    assert found[0][0] == 0
    assert found[-1][0] == 1960


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_film_is_read_as_it_is_shown(tmp_path, rotation):
    path = write_film(tmp_path / "turned.mp4", even_times(10, 25), rotation=rotation)
    info = probe(path)
    frame = next(iter(read_frames(path, info, ChunkBounds(0, 0, 400, 0))))
    upright = rotation == 180
    assert (info.width, info.height) == ((WIDTH, HEIGHT) if upright else (HEIGHT, WIDTH))
    assert frame.image.shape[:2] == (info.height, info.width)
    back = np.rot90(frame.image, -(info.rotation // 90))
    assert is_upright(back) and not is_upright(frame.image)


def test_the_side_that_was_up_goes_left_in_a_film_turned_90_degrees_anticlockwise(tmp_path):
    path = write_film(tmp_path / "turned.mp4", even_times(5, 25), rotation=90)
    info = probe(path)
    image = next(iter(read_frames(path, info, ChunkBounds(0, 0, 400, 0)))).image
    left, right = image[:, : HEIGHT // 6].mean(), image[:, -HEIGHT // 6 :].mean()
    assert left > right + 30


def test_a_chunk_gives_the_same_frames_whichever_was_read_before(tmp_path):
    path = write_film(tmp_path / "film.mp4", even_times(250, 25), gop=30)
    info = probe(path)
    chunks = plan_chunks(path, info, 2000, 4000)
    assert len(chunks) > 3
    forward = {b.index: [f.time_ms for f in read_frames(path, info, b)] for b in chunks}
    backward = {b.index: [f.time_ms for f in read_frames(path, info, b)] for b in chunks[::-1]}
    assert forward == backward


def test_a_seek_that_lands_too_late_costs_time_and_no_frames(tmp_path):
    class LateReader(FrameReader):
        def _seek(self, opened, stream, pts_ms):
            super()._seek(opened, stream, pts_ms + 5000)

    path = write_film(tmp_path / "film.mp4", even_times(250, 25), gop=25)
    bounds = ChunkBounds(1, 4000, 6000, 4000)
    late = [f.time_ms for f in LateReader(path, probe(path), bounds)]
    assert late == [f.time_ms for f in read_frames(path, probe(path), bounds)]


def test_a_lead_in_comes_before_its_chunk_and_is_marked(tmp_path):
    path = write_film(tmp_path / "film.mp4", even_times(250, 25), gop=25)
    frames = list(read_frames(path, probe(path), ChunkBounds(1, 4000, 6000, 4000)))
    assert [f.time_ms for f in frames if f.lead_in] == list(range(2000, 4000, 40))
    assert [f.time_ms for f in frames if not f.lead_in] == list(range(4000, 6000, 40))


def test_chunks_begin_at_key_frames_and_leave_no_gap(tmp_path):
    path = write_film(tmp_path / "film.mp4", even_times(500, 25), gop=50)
    chunks = plan_chunks(path, probe(path), 3000, 6000)
    assert [b.first_ms for b in chunks] == [0, 4000, 8000, 12000, 16000]
    assert all(b.keyframe_ms == b.first_ms for b in chunks)
    assert [b.last_ms for b in chunks] == [4000, 8000, 12000, 16000, 20000]


def test_a_film_without_key_frames_is_cut_by_time(tmp_path):
    path = write_film(
        tmp_path / "film.mp4", even_times(200, 10), 10, gop=10_000,
        options={"x264-params": "keyint=infinite:scenecut=0"},
    )  # fmt: skip
    chunks = plan_chunks(path, probe(path), 5000, 8000)
    assert [(b.first_ms, b.last_ms) for b in chunks] == [
        (0, 5000),
        (5000, 10_000),
        (10_000, 15_000),
        (15_000, 20_000),
    ]
    assert {b.keyframe_ms for b in chunks} == {0}
    assert_shown_on_time(path, even_times(200, 10), target_ms=5000, longest_ms=8000)


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv"])
def test_a_truncated_film_gives_what_decodes_and_says_that_it_is_broken(tmp_path, name):
    path = write_film(tmp_path / name, even_times(250, 25), codec="mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 45 // 100])
    found, reports = read_all(path, target_ms=2000)
    assert 50 < len(found) < 200
    assert reports[-1].broken
    assert not reports[0].broken
    assert reports[-1].decoded_to_ms < 6000


def test_a_film_with_flipped_bytes_says_that_it_is_broken(tmp_path):
    path = write_film(tmp_path / "film.mkv", even_times(250, 25), gop=250)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(5)
    for at in rng.integers(len(data) // 3, len(data) * 2 // 3, 200):
        data[at] ^= 0xFF
    path.write_bytes(data)
    found, reports = read_all(path)
    assert len(found) < 250
    assert any(report.broken for report in reports)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", EmptyFileError),
        (b"just some text, called a video\n" * 20, UnknownContainerError),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.mp4\n", UnknownContainerError),
        (b"ffconcat version 1.0\nfile other.mp4\n", UnknownContainerError),
        (struct.pack(">I", 24) + b"ftypisom" + bytes(400), UnreadableMediaError),
        (b"\x1a\x45\xdf\xa3" + bytes(400), UnreadableMediaError),
        (b"\xff\xd8\xff\xe0" + bytes(400), UnreadableMediaError),
    ],
)
def test_a_file_that_is_no_film_is_refused_with_its_reason(tmp_path, data, error):
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    write_film(tmp_path / "other.mp4", even_times(5, 25))
    with pytest.raises(error) as caught:
        probe(path)
    assert isinstance(caught.value, MediaError)
    assert caught.value.code != MediaError.code


def test_a_codec_off_the_list_is_refused(tmp_path):
    path = write_film(tmp_path / "film.avi", even_times(5, 25), codec="huffyuv")
    with pytest.raises(CodecNotAllowedError, match="huffyuv"):
        probe(path)


def test_sound_alone_is_no_film(tmp_path):
    import av

    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(NoVideoStreamError):
        probe(path)


@pytest.mark.parametrize("name", ["still.jpg", "still.png", "still.webp"])
def test_a_picture_is_one_frame_at_time_zero(tmp_path, name):
    path = tmp_path / name
    cv2.imwrite(str(path), picture(5))
    info = probe(path)
    frame = read_image(path)
    assert (info.width, info.height, info.is_image) == (WIDTH, HEIGHT, True)
    assert (frame.time_ms, number_of(frame.image)) == (0, 5)
    (bounds,) = plan_chunks(path, info)
    reader = read_frames(path, info, bounds)
    assert [number_of(each.image) for each in reader] == [5]
    assert (reader.result.frames, reader.result.broken) == (1, False)


def test_a_picture_that_unfolds_to_gigabytes_is_refused_by_its_header(tmp_path):
    path = tmp_path / "bomb.png"
    row = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    import zlib

    def part(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    pixels = zlib.compress(bytes(3751 * 30_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", row) + part(b"IDAT", pixels) + part(b"IEND", b"")
    )
    assert path.stat().st_size < 200_000
    with pytest.raises(UnreadableMediaError, match="pixels"):
        probe(path)


def test_hours_without_a_picture_are_one_chunk_and_not_hundreds(tmp_path):
    times = [*even_times(20, 10), Fraction(5 * 3600), *(5 * 3601 + t for t in even_times(9, 10))]
    path = write_film(tmp_path / "film.mkv", times, gop=500)
    info = probe(path)
    chunks = plan_chunks(path, info)
    assert len(chunks) <= 4
    assert all(one.last_ms == two.first_ms for one, two in pairwise(chunks))
    seen = [frame.time_ms for bounds in chunks for frame in read_frames(path, info, bounds, 0)]
    assert seen == [round(time * 1000) for time in times]


def test_a_film_that_reaches_further_than_a_file_may_is_refused(tmp_path):
    path = write_film(tmp_path / "film.mkv", [*even_times(5, 10), Fraction(7 * 3600)])
    with pytest.raises(TooLongError):
        plan_chunks(path, probe(path), most_ms=6 * 3600 * 1000)
    assert plan_chunks(path, probe(path), most_ms=8 * 3600 * 1000)
