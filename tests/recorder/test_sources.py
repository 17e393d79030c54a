"""Each kind of source, and each kind of trouble with one, by real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest

from tests.recorder.cameras import Following, free_port, make_film, rtsp_camera
from tests.recorder.http_cameras import http_camera
from tests.tracking import walks
from tracking import cameras, media, runner
from tracking.models import Chunk, Recording
from tracking.recorder import rows
from tracking.recorder.clock import Clock
from tracking.recorder.opening import connected
from tracking.recorder.probing import look
from tracking.recorder.troubles import WORDS, Trouble
from tracking.segments import segment_name
from zones.sources import Source

SECRET = "sesame-pass"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "short.mp4", seconds=16)


def files_of(recording: Recording) -> list[Path]:
    indexes = Chunk.objects.filter(recording=recording).order_by("index")
    names = [segment_name(index) for index in indexes.values_list("index", flat=True)]
    return [media.file_path(recording.folder, name) for name in names]


def codecs_of(recording: Recording) -> set[str]:
    found = set()
    for path in files_of(recording):
        with av.open(str(path)) as opened:
            found.add(opened.streams.video[0].codec_context.name)
    return found


@pytest.mark.db
@pytest.mark.parametrize("path", ["mjpeg", "list.m3u8"])
def test_a_camera_over_http_becomes_segments_that_are_searched(path: str, camera: Any, film: Path):
    with http_camera(film, 2.0) as server:
        assert server.jpegs
        assert server.parts
        url = f"http://127.0.0.1:{server.port}/{path}"
        recording = Following(camera, "http", url, 2.0).for_media(6)
    rows.closed(recording)
    runner.work(recording.pk)
    recording.refresh_from_db()
    assert recording.state == "done"
    assert codecs_of(recording) == {"h264"}, "MJPEG is encoded anew, the rest is as it came"
    chunks = list(Chunk.objects.filter(recording=recording))
    assert not any(chunk.broken for chunk in chunks)
    for chunk in chunks:
        # Times of MJPEG are those at which pictures came, so a busy machine's are a little off.
        assert abs(chunk.frames - chunk.pictures) <= 1
    assert (recording.media["width"], recording.media["height"]) == (walks.WIDTH, walks.HEIGHT)


@pytest.mark.db
def test_a_film_with_few_key_frames_is_encoded_anew_and_no_picture_is_lost(
    camera: Any, tmp_path: Path
):
    rare = make_film(tmp_path / "rare.mp4", seconds=40, key_every_s=60)
    recording = Following(camera, "loop", str(rare)).for_media(24)
    rows.closed(recording)
    runner.work(recording.pk)
    chunks = list(Chunk.objects.filter(recording=recording).order_by("index"))
    assert [(chunk.first_ms, chunk.last_ms) for chunk in chunks[:6]] == [
        (at, at + 4000) for at in range(0, 24_000, 4000)
    ]
    assert {chunk.frames for chunk in chunks[:6]} == {20}
    assert not any(chunk.broken for chunk in chunks)


@pytest.mark.db
def test_another_size_begins_another_recording(camera: Any, tmp_path: Path):
    small = make_film(tmp_path / "small.ts", seconds=8, container="mpegts")
    large = make_film(tmp_path / "large.ts", seconds=30, size=(640, 480), container="mpegts")
    with http_camera(small, 4.0) as server:
        # First the one with the other after it, as a camera that is set anew; then the other.
        server.films = [small.read_bytes() + large.read_bytes(), large.read_bytes()]
        following = Following(camera, "http", f"http://127.0.0.1:{server.port}/film", 4.0)
        following.through(
            (lambda: Recording.objects.count() == 2 and following.written(4)(), lambda: None)
        )
    sizes = [each.media["width"] for each in Recording.objects.order_by("started_at")]
    assert sizes == [walks.WIDTH, 640]
    first, second = Recording.objects.order_by("started_at")
    assert not first.growing
    assert first.ended_at <= second.started_at


@contextmanager
def troubled(name: str, film: Path) -> Iterator[Source]:
    if name in ("refused", "unreachable"):
        # 192.0.2.1 is nobody's (RFC 5737).
        where = f"127.0.0.1:{free_port()}" if name == "refused" else "192.0.2.1:554"
        yield Source("rtsp", f"rtsp://admin:{SECRET}@{where}/{SECRET}")
    elif name == "rtsp_not_found":
        with rtsp_camera(film.parent) as server:
            yield Source("rtsp", server.url("nothing.mp4"))
    elif name in ("device_missing", "file_missing"):
        kind, url = ("device", "/dev/video63") if name == "device_missing" else ("loop", "/no.mp4")
        yield Source(kind, url)
    else:
        with http_camera(film, password="right" if name == "password" else "") as server:
            server.films = [odd_film(film.parent).read_bytes()]
            path = {"redirect": "away", "elsewhere": "elsewhere.m3u8", "unreadable": "page",
                    "not_found": "nix", "codec": "film", "password": "mjpeg"}[name]  # fmt: skip
            log_in = f"admin:{SECRET}@"
            yield Source("http", f"http://{log_in}127.0.0.1:{server.port}/{path}?key={SECRET}")


def odd_film(folder: Path) -> Path:
    """Return a film of a kind that nobody reads here."""
    return make_film(folder / "odd.mkv", seconds=1, codec="ffv1", container="matroska")


@pytest.mark.parametrize(
    "name",
    ["refused", "unreachable", "rtsp_not_found", "device_missing", "file_missing", "redirect",
     "elsewhere", "unreadable", "not_found", "codec", "password"],
)  # fmt: skip
def test_each_trouble_is_told_in_words_without_the_address(name: str, film: Path):
    with (
        troubled(name, film) as source,
        pytest.raises(Trouble) as met,
        connected(source, Clock(), 2.0),
    ):
        pass
    expected = "not_found" if name == "rtsp_not_found" else name
    assert met.value.code in (expected, "refused" if name == "unreachable" else expected)
    told = f"{met.value} {met.value!r} {met.value.__cause__} {met.value.__suppress_context__}"
    assert SECRET not in told
    assert "127.0.0.1" not in told
    assert met.value.words.endswith(".")


def test_every_trouble_has_words_that_say_what_to_do():
    assert all(len(words.split(". ")) >= 2 or code == "source" for code, words in WORDS.items())


def test_a_wrong_password_is_not_sent_on_to_another_address(film: Path):
    with http_camera(film) as other, http_camera(film) as server:
        server.sends_to = f"http://127.0.0.1:{other.port}/mjpeg"
        url = f"http://admin:{SECRET}@127.0.0.1:{server.port}/away"
        with (
            pytest.raises(Trouble, match="never followed"),
            connected(Source("http", url), Clock()),
        ):
            pass
        assert other.asked == []


def test_a_first_look_finds_what_a_camera_sends_and_nobody_is_to_be_known(film: Path):
    with http_camera(film, 1.0, SECRET) as server:
        url = f"http://admin:{SECRET}@127.0.0.1:{server.port}/mjpeg"
        seen = cameras.probe(Source("http", url))
    assert (seen.problem, seen.width, seen.height) == ("", walks.WIDTH, walks.HEIGHT)
    assert seen.codec == "mjpeg"
    import cv2
    import numpy as np

    still = cv2.imdecode(np.frombuffer(seen.still, np.uint8), cv2.IMREAD_COLOR)
    assert still is not None
    assert still.shape[1] == 640
    inner = still[3:5, 3:5].astype(int)
    assert inner.max() - inner.min() <= 8, "one block is one colour"


def test_a_first_look_at_nothing_says_what_is_the_matter():
    found: dict[str, Any] = look(Source("rtsp", f"rtsp://127.0.0.1:{free_port()}/1"), 3.0)
    assert found["problem"] == "refused"
