"""A small recording with people whose ways, entries and stays are known by head."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from accounts.models import Store
from tests.tracking.files import make_video
from tools.chaos.films import place_at
from tracking import media, runner
from tracking.models import Chunk, Recording, Run
from tracking.vision.frames import plan_chunks, probe
from tracking.vision.setup import LineSetup, SceneSetup, ZoneSetup
from zones.models import Camera, CountingLine, CountingLineVersion, Zone, ZoneVersion

WIDTH, HEIGHT, FPS, SECONDS = 320, 240, 5, 60
STARTED = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
LINE = ((0.0, 0.5), (1.0, 0.5))  # walked left to right: the inside is below
SHELF = ((0.55, 0.7), (0.95, 0.7), (0.95, 1.0), (0.55, 1.0))

# Person -> (second, x, y) of the foot point, walked in straight lines.
WAYS: dict[str, list[tuple[float, float, float]]] = {
    "in, to the shelf, out": [
        (2, 0.2, 0.32), (8, 0.2, 0.8), (12, 0.7, 0.85), (20, 0.7, 0.85), (25, 0.3, 0.8),
        (31, 0.3, 0.32),
    ],
    "in, to the shelf, never out": [(15, 0.8, 0.32), (22, 0.8, 0.8), (45, 0.8, 0.8)],
    "out only": [(33, 0.5, 0.8), (39, 0.5, 0.32)],
    "in, out, in": [
        (40, 0.35, 0.32), (44, 0.35, 0.75), (48, 0.35, 0.32), (52, 0.35, 0.75), (60, 0.3, 0.75),
    ],
}  # fmt: skip
ENTRIES, EXITS, VISITS = 4, 3, 4


def truth() -> dict[str, Any]:
    """Return the truth file's content: boxes per frame, as the scripted detector reads them."""
    boxes = []
    for number in range(SECONDS * FPS):
        places = [(person, place_at(way, number / FPS)) for person, way in enumerate(WAYS.values())]
        boxes.append([[person, *box(place), 1.0] for person, place in places if place])
    return {"fps": FPS, "width": WIDTH, "height": HEIGHT, "boxes": boxes}


def box(place: tuple[float, float]) -> list[float]:
    x, y = place[0] * WIDTH, place[1] * HEIGHT
    return [x - 14, y - 72, x + 14, y]


def make_store(slug: str = "corner", **fields: Any) -> Store:
    return Store.objects.create(slug=slug, **{"name": "Corner shop", **fields})


def make_camera(store: Store, name: str = "Door") -> Camera:
    """Make a camera with an entrance line across the picture and a shelf zone."""
    camera = Camera.objects.create(store=store, name=name, detector="scripted")
    zone = Zone.objects.create(camera=camera, name="Shelf", min_inside_s=0.4, grace_s=1.0)
    ZoneVersion.objects.create(zone=zone, vertices=[list(corner) for corner in SHELF])
    line = CountingLine.objects.create(camera=camera, name="Entrance")
    CountingLineVersion.objects.create(line=line, a=list(LINE[0]), b=list(LINE[1]))
    return camera


def scripted_camera(store: Store, files: tuple[Path, Path]) -> Camera:
    """Make a camera whose detector sees the walks."""
    camera = make_camera(store)
    camera.detector_settings = {"truth_path": str(files[1])}
    camera.save()
    return camera


def setup_json() -> dict[str, Any]:
    """Return the same map as a scene file states it."""
    zone = {"name": "Shelf", "kind": "display", "colour": "#0a254c", "min_dwell_s": 0.0}
    line = {"name": "Entrance", "kind": "entrance", "a": LINE[0], "b": LINE[1]}
    return {
        "store": {"name": "Corner shop", "slug": "corner", "timezone": "Europe/London"},
        "camera": {"name": "Door"},
        "zones": [zone | {"vertices": SHELF, "grace_s": 1.0}],
        "lines": [line | {"inside_side": "right", "band": 0.012}],
    }


def scene_setup(camera: Camera) -> SceneSetup:
    zones = tuple(
        ZoneSetup(str(zone.public_id), zone.name, "display", SHELF, 400, 1000)
        for zone in camera.zones.all()
    )
    lines = tuple(
        LineSetup(str(line.public_id), line.name, "entrance", *LINE, band=0.012)
        for line in camera.lines.all()
    )
    return SceneSetup(WIDTH, HEIGHT, zones, lines)


def make_files(folder: Path) -> tuple[Path, Path]:
    """Write the video and its truth; return their paths."""
    video, script = folder / "walks.mp4", folder / "walks.json"
    if not video.exists():
        make_video(video, seconds=SECONDS, fps=FPS, size=(WIDTH, HEIGHT))
        script.write_text(json.dumps(truth()))
    return video, script


def make_recording(
    store: Store,
    files: tuple[Path, Path],
    camera: Camera | None = None,
    **fields: Any,
) -> Recording:
    """Make a waiting recording of the walks, with its chunks and its run."""
    video, script = files
    camera = camera or make_camera(store)
    info = probe(video)
    chunks = plan_chunks(video, info)
    folder = media.new_folder()
    shutil.copyfile(video, media.source_path(folder))
    declared_ms = info.duration_declared_ms or 0
    recording = Recording.objects.create(
        store=store,
        camera=camera,
        folder=folder,
        media=asdict(info),
        declared_ms=declared_ms,
        chunk_count=len(chunks),
        **{
            "name": "walks.mp4",
            "started_at": STARTED,
            "ended_at": STARTED + timedelta(milliseconds=declared_ms),
            **fields,
        },
    )
    for bounds in chunks:
        Chunk.objects.create(recording=recording, **asdict(bounds))
    make_run(recording, script)
    return recording


_detected: dict[Path, list[dict[str, Any]]] = {}
RESULTS = ("state", "detections", "frames", "decoded_to_ms", "broken", "preview_index")


def make_detected(
    store: Store, files: tuple[Path, Path], camera: Camera | None = None
) -> Recording:
    """Make a recording whose chunks are detected and not counted; detection is done once a file."""
    recording = make_recording(store, files, camera)
    chunks = recording.chunks.order_by("index")
    if files[0] not in _detected:
        for chunk in chunks:
            runner.detect(chunk.pk)
        _detected[files[0]] = list(chunks.values(*RESULTS))
    for chunk, results in zip(chunks, _detected[files[0]], strict=True):
        Chunk.objects.filter(pk=chunk.pk).update(**results)
    return recording


def make_run(recording: Recording, script: Path) -> Run:
    detector = {"name": "scripted", "settings": {"truth_path": str(script)}}
    return Run.objects.create(
        store=recording.store,
        recording=recording,
        card={"code": "test", "detector": detector},
        setup=scene_setup(recording.camera).to_json(),
    )
