"""A scene as a video file and its truth file."""

import json
from collections.abc import Callable
from pathlib import Path

import av
from av.video.stream import VideoStream

from .layout import Json
from .render import render_frame
from .script import Plan
from .truth import build_truth

KEY_FRAME_S = 2
# One thread and fixed settings: the encoder then writes the same bytes for the same frames.
X264 = {"preset": "veryfast", "crf": "23", "threads": "1", "tune": "zerolatency"}


def _stream(container: av.container.OutputContainer, plan: Plan) -> VideoStream:
    gop = max(1, round(KEY_FRAME_S * plan.fps))
    options = X264 | {"x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0"}
    stream = container.add_stream("libx264", rate=plan.fps, options=options)
    stream.width, stream.height = plan.camera.width, plan.camera.height
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = 1 / plan.fps
    return stream


def write_scene(
    plan: Plan, video: Path, truth_file: Path, tick: Callable[[int], None] | None = None
) -> Json:
    """Render a plan to an MP4 file and write its truth beside it; return the truth.

    Parameters
    ----------
    plan : Plan
        The scene.
    video, truth_file : Path
        Written anew; an MP4 file with H.264 and a JSON file.
    tick : callable, optional
        Called with the number of frames done.
    """
    seen = []
    with av.open(str(video), "w", format="mp4") as container:
        stream = _stream(container, plan)
        for i in range(plan.frame_count):
            image, people = render_frame(plan, i)
            seen.append((i, people))
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            # Not the stream's own time base: the muxer changes that one when the file begins.
            frame.pts, frame.time_base = i, 1 / plan.fps
            container.mux(stream.encode(frame))
            if tick:
                tick(i + 1)
        container.mux(stream.encode(None))
    truth = build_truth(plan, seen)
    truth_file.write_text(json.dumps(truth, separators=(",", ":")) + "\n")
    return truth
