"""A first look at a camera: what it sends, and one picture in which nobody is to be known."""

from __future__ import annotations

import base64
import threading
from typing import Any

import av
import av.error
import cv2
import numpy as np

from tracking.recorder.clock import Clock
from tracking.recorder.opening import Stream, connected
from tracking.recorder.troubles import Trouble
from zones.sources import Source

BLOCKS_ACROSS = 80  # of the whole picture: what is a door is seen, who is in it is not
STILL_WIDTH = 640
MOST_PACKETS = 400


def look(source: Source, longest_s: float) -> dict[str, Any]:
    """Return what a camera sends as plain JSON types; see `tracking.cameras.Seen`."""
    found: dict[str, Any] = {"still": ""}
    met: list[Trouble] = []

    def work() -> None:
        try:
            with connected(source, Clock(), longest_s) as stream:
                shape = stream.shape
                found.update(width=shape.width, height=shape.height, codec=shape.codec)
                found.update(fps=shape.fps)
                found.update(still=_still(stream))
        except Trouble as trouble:
            met.append(trouble)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(longest_s)
    if met:
        return {"problem": met[0].code, "words": met[0].words, "still": ""}
    if "codec" not in found:
        trouble = Trouble("unreachable")
        return {"problem": trouble.code, "words": trouble.words, "still": ""}
    if not found["still"]:
        trouble = Trouble("unreadable")
        return found | {"problem": trouble.code, "words": trouble.words}
    return found


def _still(stream: Stream) -> str:
    """Return the first picture that can be decoded, in blocks, as base64 of a JPEG."""
    stream.video.codec_context.thread_count = 1
    try:
        for number, packet in enumerate(stream.container.demux(stream.video)):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            if frames:
                return base64.b64encode(_blocks(frames[0].to_ndarray(format="bgr24"))).decode()
            if number > MOST_PACKETS:
                break
    except (av.error.FFmpegError, OSError):
        return ""
    return ""


def _blocks(image: np.ndarray) -> bytes:
    height, width = image.shape[:2]
    coarse = (BLOCKS_ACROSS, max(1, round(BLOCKS_ACROSS * height / width)))
    small = cv2.resize(image, coarse, interpolation=cv2.INTER_AREA)
    size = (STILL_WIDTH, max(1, round(STILL_WIDTH * height / width)))
    shown = cv2.resize(small, size, interpolation=cv2.INTER_NEAREST)
    encoded, data = cv2.imencode(".jpg", shown)
    return data.tobytes() if encoded else b""
