"""From a file to frames with their media time: probe, plan chunks, read."""

from tracking.vision.frames.media import CODECS, CONTAINERS, MediaInfo, probe
from tracking.vision.frames.plan import ChunkBounds, plan_chunks
from tracking.vision.frames.reading import (
    ChunkRead,
    Frame,
    FrameReader,
    Image,
    read_frames,
    read_image,
)

__all__ = [
    "CODECS",
    "CONTAINERS",
    "ChunkBounds",
    "ChunkRead",
    "Frame",
    "FrameReader",
    "Image",
    "MediaInfo",
    "plan_chunks",
    "probe",
    "read_frames",
    "read_image",
]
