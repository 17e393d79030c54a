"""Videos to measure with: a real street where there is one, and rendered scenes made long."""

import json
from fractions import Fraction
from pathlib import Path

import av
import av.container

from tools.bench.installation import ROOT, Installation

# OpenCV's sample of a real street. It lies beside the project where measuring is done, never in it.
STREET = ROOT.parent / "shared/data/video/vtest.avi"
LABELLED = ROOT.parent / "shared/data/mot/MOT17val"
STREET_SETUP = {
    "store": {"name": "Street", "slug": "street", "timezone": "Europe/London"},
    "camera": {"name": "Street"},
    "zones": [
        {
            "name": "Lawn",
            "kind": "display",
            "colour": "#2BA783",
            "vertices": [[0.05, 0.5], [0.6, 0.5], [0.6, 0.95], [0.05, 0.95]],
            "min_dwell_s": 1,
            "grace_s": 1,
        }
    ],
    "lines": [
        {
            "name": "Path",
            "kind": "entrance",
            "a": [0.1, 0.55],
            "b": [0.95, 0.55],
            "inside_side": "right",
            "band": 0.02,
        }
    ],
}


def scene(installation: Installation, seconds: int, seed: int, fps: int = 10) -> tuple[Path, Path]:
    """Render a scene; return the video and its truth."""
    video = installation.folder / f"scene-{seconds}.mp4"
    truth = video.with_suffix(".json")
    if not video.exists():
        lot = ("--seed", seed, "--seconds", seconds, "--fps", fps)
        files = ("--out", video, "--truth", truth)
        installation.manage("scene", *lot, *files, timeout_s=60 + 15 * seconds)
    return video, truth


def street(installation: Installation) -> tuple[Path, Path]:
    """Return the real street and a set-up for it."""
    setup = installation.folder / "street.json"
    setup.write_text(json.dumps({"setup": STREET_SETUP}))
    return STREET, setup


def repeated(video: Path, times: int) -> Path:
    """Return a video that shows another one again and again, with the same pictures."""
    longer = video.with_name(f"{video.stem}-times-{times}.mp4")
    with av.open(str(longer), "w") as target:
        out = None
        shift = 0
        for _ in range(times):
            with av.open(str(video)) as source:
                stream = source.streams.video[0]
                out = out or target.add_stream_from_template(stream)
                assert stream.time_base is not None
                assert stream.duration is not None
                _copy(source, target, out, shift, stream.time_base)
                shift += stream.duration
    return longer


def _copy(
    source: av.container.InputContainer,
    target: av.container.OutputContainer,
    out: av.VideoStream,
    shift: int,
    time_base: Fraction,
) -> None:
    """Append a video's packets as they are, `shift` later."""
    for packet in source.demux(video=0):
        if packet.dts is None or packet.pts is None:
            continue
        packet.time_base = time_base
        packet.pts += shift
        packet.dts += shift
        packet.stream = out
        target.mux(packet)
