"""What is cut off or changed in a file is noticed, and nothing is said against a whole one."""

from collections import Counter
from random import Random
from typing import cast

import av
import pytest

from tests.corpus.clips import CAMERAS, STILLS, camera_film, film, still
from tests.corpus.damage import damaged, flipped
from tracking.vision.errors import MediaError
from tracking.vision.frames import plan_chunks, probe, read_frames, vpx
from tracking.vision.frames.media import VideoPacket
from tracking.vision.frames.structure import is_whole

LEAST_CUT_SHARE, MOST_CUT_SHARE = 0.1, 0.97
CONTAINER_OF = {"matroska": "matroska", "webm": "matroska", "mpegts": "mpegts", "mpeg": "mpeg"}
CONTAINER_OF |= {"avi": "avi", "gif": "gif", "mp4": "mp4", "mov": "mp4"}


def packets_of(path):
    with av.open(str(path)) as opened:
        return [bytes(packet) for packet in opened.demux(opened.streams.video[0]) if packet.size]


def noticed(codec, packets):
    check = vpx.payload_check(codec)
    wrapped = (cast(VideoPacket, av.Packet(packet)) for packet in packets)
    return any(check.is_damaged(packet) for packet in wrapped)


def is_broken(path):
    """Return whether a film is refused, or read as one of which something is missing."""
    try:
        info = probe(path)
        readers = [read_frames(path, info, bounds) for bounds in plan_chunks(path, info)]
        for reader in readers:
            for _ in reader:
                pass
    except MediaError:
        return True
    return any(reader.result.broken for reader in readers)


@pytest.mark.parametrize("kind", [*CAMERAS, *STILLS])
def test_nothing_is_said_against_a_whole_film(tmp_path, kind):
    path = tmp_path / "film"
    path.write_bytes(camera_film(kind))
    assert probe(path).is_whole
    assert not is_broken(path)


@pytest.mark.parametrize("kind", list(CAMERAS))
def test_a_film_cut_off_anywhere_is_noticed_by_its_container_alone(tmp_path, kind):
    whole, path = camera_film(kind), tmp_path / "film"
    container = CONTAINER_OF[CAMERAS[kind][0]]
    random = Random(kind)
    for _ in range(20):
        path.write_bytes(whole[: int(len(whole) * random.uniform(LEAST_CUT_SHARE, MOST_CUT_SHARE))])
        assert not is_whole(path, container)


@pytest.mark.parametrize("kind", [*CAMERAS, *STILLS])
def test_a_film_with_one_bit_in_ten_thousand_changed_is_noticed(tmp_path, kind):
    path = tmp_path / "film"
    for seed in range(2):
        path.write_bytes(flipped(camera_film(kind), 1e-4, Random(seed)))
        assert is_broken(path)


@pytest.mark.parametrize(("codec", "least"), [("vp8", 36), ("vp9", 24)])
def test_a_single_changed_bit_of_a_code_without_checksums_is_mostly_noticed(tmp_path, codec, least):
    """Of 40; FFmpeg's own decoders notice one at the most."""
    path = tmp_path / "film"
    path.write_bytes(camera_film(f"webm {codec}"))
    packets = packets_of(path)
    assert not noticed(codec, packets)
    seen = Counter()
    for seed in range(40):
        random = Random(seed)
        changed = list(packets)
        at = random.choices(range(len(packets)), [len(packet) for packet in packets])[0]
        changed[at] = flipped(packets[at], 0, random)
        seen[noticed(codec, changed[: at + 1])] += 1
    assert seen[True] >= least


@pytest.mark.parametrize(
    ("codec", "wishes"),
    [
        ("libvpx", {"slices": "4"}),  # coefficients in several parts
        ("libvpx", {"slices": "8"}),
        ("libvpx", {"deadline": "good", "auto-alt-ref": "1", "lag-in-frames": "16"}),
        ("libvpx", {"error-resilient": "partitions"}),
        ("libvpx-vp9", {"tile-columns": "2"}),
        ("libvpx-vp9", {"deadline": "good", "auto-alt-ref": "1", "lag-in-frames": "16"}),
        ("libvpx-vp9", {"lossless": "1"}),
        ("libvpx-vp9", {"pixels": "yuv444p"}),
    ],
)
def test_nothing_is_said_against_vp8_and_vp9_however_they_are_encoded(tmp_path, codec, wishes):
    pixels = wishes.pop("pixels", None)
    path = tmp_path / "film"
    path.write_bytes(
        film(
            "webm", codec, size=(512, 288), noise=24, bit_rate=800_000,
            codec_options=wishes, pix_fmt=pixels,
        )
    )  # fmt: skip
    assert not is_broken(path)


def test_vp9_with_more_colours_than_libvpx_was_made_for_is_not_held_against_a_film(tmp_path):
    """Nobody here can write one; its packets say so in their first bits."""
    path = tmp_path / "film"
    path.write_bytes(camera_film("webm vp9"))
    packets = packets_of(path)
    many = bytes((packets[0][0] | 0x10,)) + packets[0][1:]
    assert not noticed("vp9", [many, *packets[1:]])


def test_a_changed_bit_anywhere_in_a_matroska_film_with_checksums_is_noticed(tmp_path):
    path, whole = tmp_path / "film", camera_film("mkv hevc")
    missed = 0
    for seed in range(200):
        path.write_bytes(flipped(whole, 0, Random(seed)))
        missed += is_whole(path, "matroska")
    assert missed <= 2  # in the few bytes before the first checksum


def test_a_film_written_while_it_was_sent_is_whole_without_any_sizes(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(film("webm", "libvpx", options={"live": "1"}))
    assert is_whole(path, "matroska")


def test_a_title_in_letters_of_another_age_costs_no_film(tmp_path):
    path = tmp_path / "film"
    whole = camera_film("mp4 h264")
    assert b"Lavf" in whole
    path.write_bytes(whole.replace(b"Lavf", b"Caf\xe9"))
    assert not is_broken(path)


def has_a_late_stream(path):
    """Return whether PyAV stumbles over a stream of which it did not know when it opened a film.

    It looks beyond its own table to learn whether somebody wants that stream, so one time in
    twelve it passes over it in silence.
    """
    with av.open(str(path)) as opened:
        try:
            list(opened.demux(opened.streams.video[0]))
        except IndexError:
            return True
    return False


def test_a_stream_that_comes_late_costs_no_film(tmp_path):
    """One that the start of a transport stream does not name: here its last picture's channel."""
    path, film_bytes = tmp_path / "film", bytearray(camera_film("ts h264"))
    starts = [at for at in range(0, len(film_bytes), 188) if film_bytes[at + 1] & 0x40]
    film_bytes[starts[-1] + 1 : starts[-1] + 3] = b"\x41\xf4"
    path.write_bytes(film_bytes)
    assert any(has_a_late_stream(path) for _ in range(20)), "it comes too early for this test"
    info = probe(path)
    frames = [f for b in plan_chunks(path, info) for f in read_frames(path, info, b, lead_in_ms=0)]
    assert len(frames) >= 48


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused_or_said_to_be_so(tmp_path, kind):
    path, whole = tmp_path / "picture", still(kind)
    for share in (0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert is_broken(path)


def test_the_damage_is_of_every_kind_and_the_same_for_a_seed():
    kinds = len(CAMERAS) + len(STILLS)
    told = [damaged(seed)[0] for seed in range(3 * kinds)]
    assert {what.rpartition(",")[0] for what in told} == {*CAMERAS, *STILLS}
    assert any("left" in what for what in told) and any("flipped" in what for what in told)
    assert damaged(7) == damaged(7)
