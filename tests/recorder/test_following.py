"""Live cameras from real servers to counts: the same as the film that was added by hand."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.recorder.cameras import Following, nothing, rtsp_camera
from tests.tracking import walks
from tracking import runner
from tracking.ingest import Place, ingest, place_make
from tracking.models import CameraWatch, Chunk, Coverage, Recording, TrackingEvent
from tracking.recorder import rows

# When the walks cross the line, by head; the third is out alone, the fourth comes in twice.
CROSSINGS = (
    ("entered in", 4250), ("entered in", 17625), ("exited out", 28750), ("exited out", 36750),
    ("entered in", 41674), ("exited out", 46326), ("entered in", 49674),
)  # fmt: skip
WAYS = ("entered in", "exited out")
# A busy machine sees things late; the clock here runs eight times as fast as its own.
SLOW_MS = 8_000
FULL = os.environ.get("OSKARTRACK_FULL") == "1"
CUT_S = 60 if FULL else 18
SEEDS, SCENE_S = ([3, 2, 5], 60) if FULL else ([3], 16)
MILLISECOND = timedelta(milliseconds=1)
pytestmark = pytest.mark.db


def counted(recording: Recording) -> list[tuple[str, int]]:
    """Return what was counted, in media time."""
    events = TrackingEvent.objects.filter(run__recording=recording, seq__isnull=False)
    told = events.exclude(kind="recounted").order_by("ordinal")
    return [
        (
            f"{event.kind} {event.direction}",
            (event.at - recording.started_at) // MILLISECOND,
        )
        for event in told
    ]


def finished(recording: Recording) -> Recording:
    rows.closed(recording)
    runner.work(recording.pk)
    recording.refresh_from_db()
    return recording


def test_a_film_over_rtsp_gives_the_counts_of_the_same_film_added_by_hand(camera: Any, films: Path):
    with rtsp_camera(films) as server:
        live = finished(Following(camera, "rtsp", server.url("walks.mp4")).for_media(60))
    files = (films / "walks.mp4", films / "walks.json")
    added = walks.make_recording(camera.store, files, walks.make_camera(camera.store, "Other"))
    runner.work(added.pk)
    assert live.state == "done"
    until_ms = walks.SECONDS * 1000
    assert [one for one in counted(live) if one[1] < until_ms] == counted(added)
    kinds = [kind for kind, _ in counted(live)]
    assert kinds.count("entered in") == walks.ENTRIES
    assert kinds.count("exited out") == walks.EXITS
    chunks = list(Chunk.objects.filter(recording=live).order_by("index"))
    assert all(one.last_ms == two.first_ms for one, two in pairwise(chunks)), "nothing between"
    assert all(3900 <= chunk.last_ms - chunk.first_ms <= 5100 for chunk in chunks[:-1])
    assert {chunk.frames for chunk in chunks[:-1]} == {20}, "each its own, the lead-in not again"
    assert all(chunk.keyframe_ms <= chunk.first_ms - 2000 for chunk in chunks[1:]), "the lead-in"


def test_a_camera_that_is_cut_off_is_down_in_time_comes_back_and_the_gap_is_told(
    camera: Any, films: Path
):
    """The walks are by media time, so what is missing of them is what the gap hid."""
    at_ms: dict[str, int] = {}
    with rtsp_camera(films) as server:
        following = Following(camera, "rtsp", server.url("walks.mp4"))

        def note(name: str, action: Callable[[], Any] = nothing) -> Callable[[], None]:
            def noted() -> None:
                action()
                at_ms[name] = following.clock.now_ms()

            return noted

        live = following.through(
            (following.written(20), note("cut", server.cut)),
            (lambda: following.state() == "down", note("down")),
            (lambda: following.clock.now_ms() - at_ms["cut"] > CUT_S * 1000, nothing),
            (lambda: words_of(camera), note("back", server.start)),
            (lambda: following.state() == "up", note("up")),
            (following.written(20 + CUT_S + 16), nothing),
        )
    assert live is not None
    live = finished(live)
    assert at_ms["down"] - at_ms["cut"] <= 15_000 + SLOW_MS
    assert at_ms["up"] - at_ms["back"] <= 30_000 + SLOW_MS
    gap = TrackingEvent.objects.get(run__recording=live, kind="gap")
    seen = list(Coverage.objects.filter(run__recording=live).order_by("starts_at"))
    pairs = [(one.ends_at, two.starts_at) for one, two in pairwise(seen)]
    assert [pair for pair in pairs if pair[0] < pair[1]] == [(gap.since, gap.at)]
    assert gap.since is not None
    assert (gap.at - gap.since).total_seconds() >= CUT_S
    check_counts_outside(live, gap)


def words_of(camera: Any) -> bool:
    """Whether what is told says what to do, without the address."""
    watch = CameraWatch.objects.get(camera=camera)
    assert watch.problem == "refused"
    assert "Check the port" in watch.words
    assert "127.0.0.1" not in watch.words
    return True


def check_counts_outside(live: Recording, gap: TrackingEvent) -> None:
    """Whatever was to be seen outside the gap was counted once, and nothing within."""
    assert gap.since is not None
    from_ms, to_ms = ((at - live.started_at) // MILLISECOND for at in (gap.since, gap.at))
    found = [one for one in counted(live) if one[0] in WAYS]
    expected = [one for one in CROSSINGS if not from_ms - 500 < one[1] < to_ms + 500]
    assert len(expected) < len(CROSSINGS), "the gap hid nothing: this shows nothing"
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    apart = [abs(one[1] - two[1]) for one, two in zip(found, expected, strict=True)]
    assert max(apart) < 1000
    # Who was inside when it began went out by no exit that nobody saw.
    visits = live.runs.get(active=True).visits
    lost = visits.filter(entered_at__lt=gap.since, exited_at__gt=gap.since)
    assert not lost.filter(inferred=False).exists()


def test_a_camera_that_stands_still_is_told_as_down(camera: Any, films: Path):
    at_ms: list[int] = []
    with rtsp_camera(films) as server:
        following = Following(camera, "rtsp", server.url("walks.mp4"))

        def freeze() -> None:
            server.freeze()
            at_ms.append(following.clock.now_ms())

        following.through(
            (following.written(4), freeze), (lambda: following.state() == "down", nothing)
        )
        assert following.clock.now_ms() - at_ms[0] <= 15_000 + SLOW_MS
    assert CameraWatch.objects.get(camera=camera).problem == "stalled"


@pytest.mark.once
@pytest.mark.heavy
@pytest.mark.timeout(3600 if FULL else 600)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_rendered_scene_over_rtsp_is_counted_with_hog_as_the_same_film_added_by_hand(
    db: None, seed: int, tmp_path: Path
):
    """Pixels, not a script: the lead-in of a segment does for it what a long film does."""
    truth = rendered(seed, tmp_path)
    setup = truth["setup"]
    by_hand, followed = (
        place_make(Place("shop", name, setup, "hog", {})) for name in ("By hand", "Followed")
    )
    added, _ = ingest(camera=by_hand, path=tmp_path / "scene.mp4", started_at=walks.STARTED)
    runner.work(added.pk)
    with rtsp_camera(tmp_path) as server:
        following = Following(followed, "rtsp", server.url("scene.mp4"))
        live = finished(following.for_media(SCENE_S))
    until_ms = SCENE_S * 1000
    first, second = (
        [kind for kind, at_ms in counted(one) if kind in WAYS and at_ms < until_ms]
        for one in (added, live)
    )
    assert truth["entries"] + truth["exits"] > 3, "nobody crossed: this shows nothing"
    for kind in WAYS:
        apart = abs(first.count(kind) - second.count(kind))
        assert apart <= 0.02 * len(first), f"{first} by hand, {second} followed"


def rendered(seed: int, folder: Path) -> dict[str, Any]:
    call_command(
        "scene", "--seed", str(seed), "--seconds", str(SCENE_S), "--fps", "10",
        "--out", str(folder / "scene.mp4"), "--truth", str(folder / "truth.json"),
        stdout=io.StringIO(),
    )  # fmt: skip
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return truth
